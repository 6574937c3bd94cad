//! Likeness without a window: arguments in, pictures and lines of text out.
//!
//! `main` reads the [`environment`] and the [`arguments`], once, and passes plain data down. Each
//! command is a function over that data, in a file of its own: [`generate`] (which `edit` is too),
//! [`show`], [`models`], [`bench`]. What computes is handed in as an [`engine::Engine`], so tests
//! hand in a fake. Every way to fail is a [`Failure`], which is one line and an exit code.

pub mod arguments;
pub mod environment;
pub mod engine;
pub mod generate;
pub mod request;
pub mod output;
pub mod show;
pub mod models;
pub mod bench;
pub mod report;
pub mod tensors;
pub mod memory;
mod failure;
mod run;

pub use failure::Failure;
pub use run::run;
