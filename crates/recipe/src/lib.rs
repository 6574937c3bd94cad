//! What is asked for, as plain data, and what answers it.
//!
//! A person's wish arrives as a [`Recipe`]: everything but the prompt may be left out. [`resolve`]
//! holds it against what a model can do ([`ModelCapabilities`]) and gives a [`ResolvedRecipe`] with
//! every default filled in, or a [`RecipeError`] that names the field and what would be accepted.
//! Code that is handed a `ResolvedRecipe` need not doubt it. A [`Renderer`] turns it, together with
//! its [`Inputs`], into [`Rendered`] pictures; an [`Engine`] opens it from a path, measures what its
//! machine can do ([`Workload`], [`Peak`]), and opens an [`Enlarger`], which makes finished pictures
//! larger.
//!
//! This crate has no heavy dependency, touches no file, clock or environment, and draws no random
//! number of its own.

mod recipe;
mod prompt;
mod vocabulary;
mod capabilities;
mod resolve;
mod resolved;
mod names;
mod size;
mod error;
mod json;
mod pixels;
mod render;
mod engine;
mod enlarge;
mod deliver;
mod work;
mod exercise;
pub mod a1111;

pub use capabilities::{Count, Defaults, ModelCapabilities, SizeLimits, Span, TokenCounter};
pub use deliver::{Delivered, Fit};
pub use engine::{Engine, MachineMemory, ModelDescription, Word};
pub use enlarge::{Enlarged, Enlarger, Larger};
pub use error::RecipeError;
pub use exercise::{Exercisable, Exercise, Subject, WeightFormat, Workload};
pub use names::{Alpha, NoiseSource, Precision, Role, Sampler, Schedule};
pub use pixels::{Noise, Pixels};
pub use prompt::{NoteKind, PromptNote};
pub use recipe::{InitChoice, ModelChoice, Recipe, Seed};
pub use render::{
    CacheUse, Dump, Inputs, Progress, RenderError, Rendered, Renderer, Seconds, Tensor, Unwatched,
    Watch,
};
pub use resolve::{MAX_COUNT, MAX_PROMPT_CHARS, resolve};
pub use resolved::{Canvas, Init, Lora, Mask, ModelRef, Reference, ResolvedRecipe, SCHEMA};
pub use size::Size;
pub use vocabulary::Vocabulary;
pub use work::{Bound, Numbers, Peak, RooflineRow, Work, WorkKind, roofline};
