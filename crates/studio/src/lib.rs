//! What a person can do in Likeness, whatever the host: the window and the command line both come here.
//!
//! [`commands`] declares each command once, with the types of [`api`]; [`Studio`] has a method for each,
//! and [`Studio::call`] finds it by name. A [`Studio`] is opened over a library's folder with an
//! [`Engine`](likeness_recipe::Engine) that the host passes in. A request is held against its model in
//! `prepare`, becomes jobs in [`queue`], and is rendered on the `easel`: one thread with one model
//! that stays loaded. Finished pictures go through `keep` into the library, and
//! larger ones are made of them by [`enlarge`]. Whoever watches gets
//! [`api::RenderEvent`]s and previews through a [`Channel`], and everybody gets [`api::Event`]s.
//!
//! Invariants: nothing here knows a window or a tensor. Clock, randomness and paths come from the host.
//! What a command answers is plain data, and every failure is a [`StudioError`].

pub mod commands;
pub mod api;
mod studio;
mod opened;
mod request;
mod prepare;
pub mod queue;
mod easel;
mod live;
mod draft;
mod keep;
pub mod enlarge;
pub mod deliver;
mod speed;
mod roofline;
mod channel;
pub mod models;
mod pictures;
mod organise;
mod spread;
mod thumbnails;
mod import;
mod foreign;
mod export;
mod names;
mod settings;
mod system;
pub mod care;
mod shelf;
pub mod places;
pub mod bindings;
mod error;

pub use care::rebuild;
pub use channel::Channel;
pub use error::{ErrorCode, StudioError};
pub use likeness_library::LibraryError;
pub use likeness_picture::Format;
pub use opened::{Opened, Problem, Startup};
pub use pictures::as_shown;
pub use shelf::Shelf;
pub use studio::{Opening, Studio};
