//! What computes pictures, seen from outside: a [`Renderer`] is handed plain data and watched.

use serde::{Deserialize, Serialize};

use crate::{Noise, Pixels, RecipeError, ResolvedRecipe, Work};

/// Computes pictures. The engine is one; tests use a fake.
pub trait Renderer {
    /// Computes all `recipe.count` pictures, in order. The request is run as it is or refused, never
    /// altered. Between steps it asks whether it is cancelled.
    fn render(
        &mut self,
        recipe: &ResolvedRecipe,
        inputs: &Inputs,
        watch: &mut dyn Watch,
    ) -> Result<Vec<Rendered>, RenderError>;

    /// What it keeps because it may be asked for again.
    fn caches(&self) -> Vec<CacheUse> {
        Vec::new()
    }

    /// How many bytes it may keep so. What it draws does not depend on it.
    fn set_cache_limit(&mut self, _bytes: u64) {}
}

/// One kind of thing that is kept, and how often that helped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CacheUse {
    /// `prompts` or `references`.
    pub name: String,
    /// How often it was there.
    pub hits: u64,
    /// How often it was not.
    pub misses: u64,
    /// Bytes that are kept.
    pub bytes: u64,
    /// Bytes that may be.
    pub limit: u64,
}

/// The pictures that a recipe names by hash, and what else stands beside it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inputs {
    /// In the order of the recipe's references.
    pub references: Vec<Pixels>,
    /// The starting picture.
    pub init: Option<Pixels>,
    /// Where to change things: white changes, black stays.
    pub mask: Option<Pixels>,
    /// First noise of unit variance in place of the seed's, for comparison with other programs.
    pub initial_noise: Option<Noise>,
    /// Whether [`Rendered::dump`] is wanted.
    pub dump: bool,
}

/// How far a render has come.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// Weights are being opened.
    Loading,
    /// The prompt and the references are being read by the network.
    Encoding,
    /// `done` of `total` steps of a picture are finished.
    Step {
        /// Which picture, from 0.
        picture: u32,
        /// Steps finished.
        done: u32,
        /// Steps in all.
        total: u32,
        /// What it looks like so far, if [`Watch::wants_preview`].
        preview: Option<Pixels>,
    },
    /// Numbers are being turned into pixels.
    Decoding {
        /// Which picture, from 0.
        picture: u32,
    },
}

/// Whoever waits for a render.
pub trait Watch {
    /// Something went on.
    fn progress(&mut self, progress: Progress);
    /// Whether to stop; asked between steps.
    fn cancelled(&self) -> bool;
    /// Whether steps should come with a picture.
    fn wants_preview(&self) -> bool {
        false
    }
}

/// Nobody watches and nobody cancels.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn progress(&mut self, _: Progress) {}
    fn cancelled(&self) -> bool {
        false
    }
}

/// One finished picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The recipe of this picture alone (count 1).
    pub recipe: ResolvedRecipe,
    /// The picture.
    pub pixels: Pixels,
    /// Of an edit (see [`ResolvedRecipe::is_edit`]), the share of its pixels that are not those of the
    /// picture that it changes, brought to its size: 0 where every pixel is the same.
    pub changed: Option<f64>,
    /// Where the time went.
    pub seconds: Seconds,
    /// What was computed in that time, but for loading: a row for each kind of operation and format of
    /// numbers, and one for everything else.
    pub work: Vec<Work>,
    /// The numbers behind it, if [`Inputs::dump`] asked for them.
    pub dump: Option<Dump>,
}

/// Wall-clock seconds of the parts of a render. `load` and `encode` are 0 where they were reused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// Opening weights.
    pub load: f64,
    /// Prompt and references.
    pub encode: f64,
    /// All steps.
    pub denoise: f64,
    /// Numbers to pixels.
    pub decode: f64,
    /// From the call to the picture.
    pub total: f64,
}

/// A shape, outermost dimension first, and its numbers.
pub type Tensor = (Vec<usize>, Vec<f32>);

/// The numbers behind a picture, for comparison with other programs.
#[derive(Debug, Clone, PartialEq)]
pub struct Dump {
    /// What the sampler ended with, NCHW.
    pub latents: Tensor,
    /// What the decoder gave, NCHW in [-1, 1].
    pub pixels: Tensor,
}

/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RenderError {
    /// [`Watch::cancelled`] said so.
    #[error("cancelled")]
    Cancelled,
    /// The request cannot be met as it is.
    #[error("{field}: {problem} (accepted: {accepted})")]
    Request {
        /// The field of the recipe at fault.
        field: String,
        /// What is wrong with it.
        problem: String,
        /// What would be accepted.
        accepted: String,
    },
    /// It would not fit.
    #[error(
        "{field}: this needs {} MB of memory and {} MB are free (accepted: {accepted})",
        needed.div_ceil(1_000_000), available / 1_000_000
    )]
    Memory {
        /// The field of the request that asks for the most of it.
        field: &'static str,
        /// What would need less.
        accepted: &'static str,
        /// Bytes that the render needs.
        needed: u64,
        /// Bytes that are free.
        available: u64,
    },
    /// The weights are missing, damaged or not what the family expects.
    #[error("model: {file}: {problem}")]
    Model {
        /// The file at fault.
        file: String,
        /// What is wrong, and what would do.
        problem: String,
    },
    /// A fault of ours.
    #[error("internal: {0}")]
    Internal(String),
}

impl From<RecipeError> for RenderError {
    fn from(error: RecipeError) -> Self {
        Self::Request { field: error.field, problem: error.problem, accepted: error.accepted }
    }
}
