//! A matrix of weights and its product with activations, whatever form the weights are in.

use candle_core::quantized::QMatMul;
use candle_core::{Module, Result, Tensor};

use crate::weights::Matrix;

/// y = x·Wᵀ, without a bias.
pub enum Linear {
    /// W as [outputs, inputs] floats.
    Dense(Tensor),
    /// W in blocks of small integers.
    Blocks(QMatMul),
}

impl Linear {
    /// A layer from weights that were read.
    pub fn new(matrix: Matrix) -> Self {
        match matrix {
            Matrix::Dense(weight) => Self::Dense(weight),
            Matrix::Blocks(blocks) => Self::Blocks(QMatMul::QTensor(std::sync::Arc::new(blocks))),
        }
    }

    /// [rows, inputs] → [rows, outputs]
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Dense(weight) => x.matmul(&weight.t()?),
            Self::Blocks(blocks) => blocks.forward(&x.contiguous()?),
        }
    }
}
