//! Networks, one file each: configuration, weights, and a forward pass that reads like the paper,
//! with shapes in comments.
//!
//! A network handles one picture at a time, so that a picture is the same bytes however many are
//! made with it.

mod attention;
pub mod flux2;
mod linear;
pub mod text;

pub use linear::Linear;

use candle_core::Device;

use crate::weights::{Checkpoint, Compute, WeightError};

/// Where a network's weights come from and what becomes of them.
pub struct Source<'a> {
    /// The file.
    pub checkpoint: &'a Checkpoint,
    /// The numbers that are computed in.
    pub compute: Compute,
    /// Where.
    pub device: &'a Device,
}

impl Source<'_> {
    fn vector(&self, name: &str, length: usize) -> Result<candle_core::Tensor, WeightError> {
        self.checkpoint.vector(name, length, self.device)
    }

    /// A layer of `rows` outputs and `columns` inputs.
    fn linear(&self, name: &str, rows: usize, columns: usize) -> Result<Linear, WeightError> {
        self.fused(&[name], rows, columns)
    }

    /// Layers over the same input as one, their outputs one after the other; `rows` of each.
    fn fused(&self, names: &[&str], rows: usize, columns: usize) -> Result<Linear, WeightError> {
        let matrix = self.checkpoint.matrix(names, (rows, columns), self.compute, self.device)?;
        Ok(Linear::new(matrix))
    }
}

/// A configuration that no network can be built from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// Refuses sizes that no real network has, so that products of them cannot overflow.
fn check_sizes(sizes: &[(&str, usize)]) -> Result<(), ConfigError> {
    match sizes.iter().find(|(_, size)| !(1..=1 << 20).contains(size)) {
        Some((name, size)) => Err(ConfigError(format!("{name} is {size}"))),
        None => Ok(()),
    }
}

/// Reads a `config.json`.
pub fn read_config<T: serde::de::DeserializeOwned>(
    path: &std::path::Path,
) -> Result<T, WeightError> {
    let text = std::fs::read(path)
        .map_err(|source| WeightError::Open { file: path.to_owned(), source })?;
    serde_json::from_slice(&text)
        .map_err(|error| WeightError::Damaged { file: path.to_owned(), problem: error.to_string() })
}
