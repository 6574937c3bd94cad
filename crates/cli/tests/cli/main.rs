//! The commands on an engine that computes nothing.

mod bench;
mod commands;
mod fake;
mod generate;
mod in_out;
mod interrupt;
mod library;
mod queue;
mod upscale;
mod deliver;
