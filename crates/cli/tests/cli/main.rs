//! The commands on an engine that computes nothing.

mod commands;
mod fake;
mod generate;
mod library;
mod queue;
