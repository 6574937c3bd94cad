//! What a machine can be put through without a model: single operations, and networks of random weights.

use crate::names::named;
use crate::{RenderError, Size, Work};

named! {
    /// How weights are stored and, where the machine can, multiplied.
    WeightFormat {
        /// 32-bit floats.
        F32 = "f32",
        /// The upper half of these.
        Bf16 = "bf16",
        /// 8 bits and a scale for each row; activations are rounded alike.
        Int8 = "int8",
        /// Blocks of 32 numbers of 8 bits with a scale, as GGUF has them.
        Q8_0 = "q8_0",
        /// Blocks of 256 numbers of 4 bits with scales and minima, as GGUF has them.
        Q4K = "q4_k",
    }
}

/// What is to be computed over random numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// What.
    pub subject: Subject,
    /// Of a network's picture; none is the network's usual one. Operations have their sizes in their name.
    pub size: Option<Size>,
    /// None is what the machine is fastest with in common use: bf16 where there are weights.
    pub weights: Option<WeightFormat>,
}

/// An operation or a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Its name and sizes, such as `matmul:4096x1280x1280`.
    Operation(String),
    /// Its name, such as `sd15-unet`.
    Network(String),
}

/// Something that can be exercised, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exercisable {
    /// Whether it is a network, or else an operation.
    pub network: bool,
    /// What it is called.
    pub name: String,
    /// What it is, and how its sizes are written.
    pub about: String,
    /// Sizes to try: of operations, with the name in front.
    pub cases: Vec<String>,
    /// The formats that its weights can have.
    pub weights: Vec<WeightFormat>,
}

/// A workload that is ready.
pub struct Exercise {
    /// The workload's weights, decided.
    pub weights: WeightFormat,
    /// The workload's size, decided; none for operations.
    pub size: Option<Size>,
    /// Computes it once, and tells what that was.
    pub run: Box<dyn FnMut() -> Result<Vec<Work>, RenderError>>,
}
