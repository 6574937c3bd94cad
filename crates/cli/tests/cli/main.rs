//! The commands on an engine that computes nothing.

mod bench;
mod commands;
mod fake;
mod generate;
mod interrupt;
mod library;
mod queue;
mod upscale;
mod deliver;
