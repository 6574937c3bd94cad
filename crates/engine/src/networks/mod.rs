//! Networks, one file each: configuration, weights, and a forward pass that reads like the paper,
//! with shapes in comments.
//!
//! A network handles one picture at a time, so that a picture is the same bytes however many are
//! made with it.

pub mod flux2;
pub mod text;
pub mod unet;
pub mod upscaler;
pub mod vae;

use candle_core::{Device, Tensor};

use crate::ops::{Conv, Gate, GatedLayer, GroupNorm, Layer, LayerNorm, Linear, Walks};
use crate::weights::{Checkpoint, Compute, SHORT_TEXT, WeightError, read_text};

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
    /// Whether activations stay in f32 wherever they meet.
    fn exact(&self) -> bool {
        self.compute == Compute::F32
    }

    /// For layers before the first block and after the last: they take little time, and what is lost in
    /// them is lost everywhere. So they are multiplied in bf16 where the blocks are in bytes.
    fn ends(&self) -> Source<'_> {
        let compute = match self.compute {
            Compute::Int8 => Compute::Bf16,
            compute => compute,
        };
        Source { compute, ..*self }
    }

    fn vector(&self, name: &str, length: usize) -> Result<Tensor, WeightError> {
        self.checkpoint.vector(name, length, self.device)
    }

    /// A layer of `rows` outputs and `columns` inputs.
    fn linear(&self, name: &str, rows: usize, columns: usize) -> Result<Linear, WeightError> {
        self.fused(&[name], rows, columns)
    }

    /// Layers over the same input as one, their outputs one after the other; `rows` of each.
    fn fused(&self, names: &[&str], rows: usize, columns: usize) -> Result<Linear, WeightError> {
        self.checkpoint.linear(names, (rows, columns), self.compute, self.device)
    }

    /// `name`.weight with `name`.bias.
    fn layer(&self, name: &str, rows: usize, columns: usize) -> Result<Layer, WeightError> {
        let bias = Some(self.vector(&format!("{name}.bias"), rows)?);
        Ok(Layer { weight: self.linear(&format!("{name}.weight"), rows, columns)?, bias })
    }

    /// Layers without biases over the same input as one; `rows` of each.
    fn layers(&self, names: &[&str], rows: usize, columns: usize) -> Result<Layer, WeightError> {
        let names: Vec<String> = names.iter().map(|name| format!("{name}.weight")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(Layer { weight: self.fused(&names, rows, columns)?, bias: None })
    }

    /// The matrix `name` as two layers: `plain` outputs, and two halves of which the first gates the
    /// second by SiLU.
    fn split(
        &self,
        name: &str,
        (plain, half, inputs): (usize, usize, usize),
    ) -> Result<(Linear, GatedLayer), WeightError> {
        let shape = (plain, half, inputs);
        self.checkpoint.split(name, shape, Gate::SwiGlu, self.compute, self.device)
    }

    /// `name`.weight of two halves, of which the second gates the first by GELU.
    fn geglu(&self, name: &str, half: usize, inputs: usize) -> Result<GatedLayer, WeightError> {
        let gate = (Gate::GeGlu, true);
        self.checkpoint.gated(name, (half, inputs), gate, self.compute, self.device)
    }

    /// `name`.weight of two halves, of which the first gates the second by SiLU.
    fn swiglu(&self, name: &str, half: usize, inputs: usize) -> Result<GatedLayer, WeightError> {
        let gate = (Gate::SwiGlu, false);
        self.checkpoint.gated(name, (half, inputs), gate, self.compute, self.device)
    }

    fn layer_norm(&self, name: &str, length: usize) -> Result<LayerNorm, WeightError> {
        let [weight, bias] = self.scale_and_shift(name, length)?;
        Ok(LayerNorm { weight, bias, eps: 1e-5 })
    }

    fn group_norm(
        &self,
        name: &str,
        channels: usize,
        groups: usize,
        eps: f32,
        silu: bool,
    ) -> Result<GroupNorm, WeightError> {
        let [weight, bias] = self.scale_and_shift(name, channels)?;
        Ok(GroupNorm { groups, weight, bias, eps, silu })
    }

    fn scale_and_shift(&self, name: &str, length: usize) -> Result<[Tensor; 2], WeightError> {
        let one = |part: &str| self.vector(&format!("{name}.{part}"), length);
        Ok([one("weight")?, one("bias")?])
    }

    /// A convolution that keeps the size, of 3 by 3 pixels.
    fn conv(&self, name: &str, outputs: usize, inputs: usize) -> Result<Conv, WeightError> {
        self.convolution(&[name], &[outputs, inputs, 3, 3], Walks::Same, true)
    }

    /// The same with steps of two pixels, which halves the picture.
    fn halving(&self, name: &str, channels: usize, bias: bool) -> Result<Conv, WeightError> {
        let shape = [channels, channels, 3, 3];
        Ok(Conv { stride: 2, ..self.convolution(&[name], &shape, Walks::Any, bias)? })
    }

    /// The same over a picture of which each pixel is doubled in both directions first.
    fn doubling(&self, name: &str, channels: usize, bias: bool) -> Result<Conv, WeightError> {
        self.convolution(&[name], &[channels, channels, 3, 3], Walks::Doubled, bias)
    }

    /// A convolution of single pixels, stored as one, or as a linear layer.
    fn mix(
        &self,
        names: &[&str],
        outputs: usize,
        inputs: usize,
        linear: bool,
    ) -> Result<Conv, WeightError> {
        let shape = [outputs, inputs, 1, 1];
        let shape = if linear { &shape[..2] } else { &shape[..] };
        self.convolution(names, shape, Walks::Any, true)
    }

    /// Convolutions over the same input as one, that keep the size; `shape` of each.
    fn convolution(
        &self,
        names: &[&str],
        shape: &[usize],
        walks: Walks,
        bias: bool,
    ) -> Result<Conv, WeightError> {
        let weights: Vec<String> = names.iter().map(|name| format!("{name}.weight")).collect();
        let weights: Vec<&str> = weights.iter().map(String::as_str).collect();
        let kernel = self.checkpoint.kernel(&weights, shape, walks, self.compute, self.device)?;
        let bias = match bias {
            true => Some(self.biases(names, shape[0])?),
            false => None,
        };
        let before = shape.get(3).map_or(0, |side| side / 2);
        Ok(Conv { kernel, bias, stride: 1, before, doubled: walks == Walks::Doubled })
    }

    fn biases(&self, names: &[&str], each: usize) -> Result<Tensor, WeightError> {
        let one = |name: &&str| self.vector(&format!("{name}.bias"), each);
        let biases = names.iter().map(one).collect::<Result<Vec<_>, _>>()?;
        self.checkpoint.made(names[0], Tensor::cat(&biases, 0))
    }

    /// What a configuration's own check says, as a fault of the checkpoint.
    fn checked(&self, check: Result<(), ConfigError>) -> Result<(), WeightError> {
        let file = self.checkpoint.file().to_owned();
        check.map_err(|ConfigError(problem)| WeightError::Damaged { file, problem })
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
    let text = read_text(path, SHORT_TEXT)?;
    serde_json::from_slice(&text)
        .map_err(|error| WeightError::Damaged { file: path.to_owned(), problem: error.to_string() })
}
