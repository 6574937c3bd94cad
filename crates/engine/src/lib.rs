//! A resolved recipe in, pixels out.
//!
//! Hosts hold a [`Candle`], the [`likeness_recipe::Engine`] that opens a [`Model`] from a path. A
//! recipe that is resolved against the model's [`capabilities`](Model::capabilities) is handed to an
//! [`Engine`], the [`Renderer`](likeness_recipe::Renderer) that keeps everything warm. Inside, a file
//! of [`weights`] becomes [`networks`], a pipeline of the family ([`pipelines`]) leads a prompt through
//! them and [`sampling`], and [`planner`] sees beforehand whether that will fit in memory. [`profile`]
//! keeps the record of what was computed. An [`Upscaler`], the
//! [`Enlarger`](likeness_recipe::Enlarger), makes finished pictures larger.
//!
//! Invariants: this crate knows no database, no window, no network and no place where files live;
//! it is given paths and a device. The same recipe, weights, build and instruction set give the same
//! bytes at any thread count and any count of pictures. A request is run as it is, or refused with
//! the field's name.

mod device;
mod engine;
mod upscaler;
mod bicubic;
mod candle;
pub mod canvas;
mod guard;
pub mod image;
pub mod manifest;
mod model;
pub mod networks;
pub mod ops;
pub mod profile;
pub mod pipelines;
pub mod planner;
mod exercise;
pub mod sampling;
pub mod weights;

pub use candle::Candle;
pub use device::{Processor, UnmetInstructions, instruction_set, unmet_instructions};
pub use engine::{Engine, Memory};
pub use manifest::Manifest;
pub use model::{Description, Model, ModelError, describe};
pub use upscaler::Upscaler;
