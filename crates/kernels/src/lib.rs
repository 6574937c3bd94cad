//! What networks spend their time in, on a CPU. Slices and shapes go in, slices come out; this crate
//! knows no tensors, files or networks.
//!
//! [`cpu`] finds the instruction set once. Weights are packed once ([`Matrix`], [`Convolution`]) and
//! then multiplied: [`matmul`] cuts a product into tasks for the one [`pool`] of threads, each task
//! runs blocks of the best kernel there is (`gemm/`: AMX tiles, AVX-512, AVX2, plain Rust), and
//! [`Finish`] adds bias, activation, gate and residual on the way to memory ([`Gated`]: one half of the
//! outputs to the other). A convolution is the same product over a padded copy of the picture, or
//! smaller ones of what is made of its tiles (`winograd`); [`attention`] is two products with a running
//! softmax between them. Norms and what is done number by number are plain loops, compiled for each
//! set. [`peak`] measures how fast all that could be at best.
//!
//! Invariants:
//! - Results do not depend on the number of threads, bit for bit: no sum is split over threads.
//! - Every slice is checked against its shape before a pointer is made of it; what does not fit is an
//!   [`Error`]. What is infinite or not a number goes through as it does in arithmetic.
//! - Each set of instructions gives the same numbers up to rounding, and every function can be held
//!   to a set (`…_with`), so that one machine tests all that it has.

// Loops over a fixed number of registers read as the arithmetic that they are.
#![allow(clippy::needless_range_loop)]

pub mod cpu;
pub mod pool;
pub mod peak;
mod matrix;
mod matmul;
mod before;
mod gemm;
mod finish;
mod conv;
mod winograd;
mod attention;
mod norm;
mod group_norm;
mod gated;
mod elementwise;
mod convert;
mod aligned;
mod number;
mod shares;
mod simd;
mod tasks;
mod unpack;

pub use aligned::Aligned;
pub use attention::{Heads, KeyValues, attention, attention_with};
pub use before::Before;
pub use conv::{Convolution, Over, Walk, Walks};
pub use cpu::Isa;
pub use elementwise::{Gate, HeadNorm, gated, norm_heads, softmax};
pub use finish::{Activation, Finish};
pub use gated::Gated;
pub use group_norm::{Channelwise, Moments, group_norm};
pub use matmul::{matmul, matmul_after, matmul_with};
pub use matrix::{Blocks, Format, Matrix};
pub use norm::{LayerNorm, layer_norm, rms_norm};
pub use peak::Arithmetic;

/// What a kernel was asked for and cannot do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A slice does not have as many elements as the shapes say.
    #[error("{what} has {found} numbers, and its shape is {shape:?}")]
    Shape {
        /// Which slice.
        what: &'static str,
        /// What its sizes should be.
        shape: Vec<usize>,
        /// How many elements it has.
        found: usize,
    },
    /// A size that is zero, or larger than any network's.
    #[error("{what} of size {size}")]
    Size {
        /// What has that size.
        what: &'static str,
        /// The size.
        size: usize,
    },
    /// A format that weights cannot be packed in here.
    #[error("weights cannot be packed as {0:?} here")]
    Format(Format),
    /// Weights of a convolution that are walked in a way that they were not packed for.
    #[error("these weights were packed for other walks than {0:?}")]
    Walk(Walk),
    /// A set of instructions, by its name, that this processor does not have.
    #[error("this processor has no {0}")]
    Absent(&'static str),
}
