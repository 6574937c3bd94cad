//! The studio over a temporary library and an engine that computes nothing.

mod commands;
mod enlarge;
mod deliver;
mod fake;
mod files;
mod live;
mod draft;
mod queue;
mod recovery;
mod roofline;
mod settled;
