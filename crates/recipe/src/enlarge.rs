//! What makes pictures larger, seen from outside, and what a picture says of that it was.

use serde::{Deserialize, Serialize};

use crate::{ModelRef, Pixels, RenderError, Watch};

/// Makes pictures larger. The engine has one; tests use a fake.
pub trait Enlarger {
    /// The weights.
    fn model(&self) -> &ModelRef;

    /// How many times as wide and high a picture can become, the least first.
    fn factors(&self) -> &[u32];

    /// `pixels`, `by` times as wide and high, with as many channels. Progress is told in steps, and
    /// between them it asks whether it is cancelled.
    fn enlarge(
        &mut self,
        pixels: &Pixels,
        by: u32,
        watch: &mut dyn Watch,
    ) -> Result<Larger, RenderError>;
}

/// A picture that was made larger.
#[derive(Debug, Clone, PartialEq)]
pub struct Larger {
    /// The picture.
    pub pixels: Pixels,
    /// Wall-clock seconds that it took.
    pub seconds: f64,
}

/// That a picture was made larger after its recipe had made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enlarged {
    /// How many times as wide and high as the file that it was made from, the last time.
    pub by: u32,
    /// The weights that it was done with.
    pub model: ModelRef,
    /// Hash of the file that it was made from, in hexadecimal.
    pub sha256: String,
}
