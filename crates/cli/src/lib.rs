//! Likeness without a window: arguments in, pictures and lines of text out.
//!
//! `main` reads the [`environment`] and the [`arguments`], once, and passes plain data down. Each
//! command is a function over that data, in a file of its own: [`generate`] (which `edit` is too),
//! [`upscale`], [`deliver`], [`queue`], [`library`], [`show`], [`models`], [`bench`]. A recipe that is
//! rendered again comes in by [`recipe_file`]. What the window can do too is done by
//! [`likeness_studio`], for both alike. What computes is handed in as a [`likeness_recipe::Engine`], so
//! tests hand in a fake. Every way to fail is a [`Failure`], which is one line and an exit code.

pub mod arguments;
pub mod environment;
pub mod generate;
pub mod notes;
pub mod upscale;
pub mod deliver;
pub mod request;
pub mod output;
pub mod place;
pub mod queue;
pub mod library;
pub mod show;
pub mod recipe_file;
pub mod models;
pub mod bench;
pub mod report;
pub mod told;
pub mod tensors;
pub mod memory;
pub mod processor;
mod failure;
mod run;

pub use failure::Failure;
pub use run::run;
