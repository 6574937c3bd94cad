//! Safetensors files in and out, for comparison with other programs.

use std::path::Path;

use likeness_picture::{Existing, read_file, write_whole};
use likeness_recipe::{Dump, Noise, Tensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

use crate::Failure;

/// The noise of the largest picture that anyone compares stays far below this.
const NOISE_BYTES: u64 = 256 << 20;

/// Reads the tensor `noise` of a file, in 32-bit floats.
pub fn read_noise(path: &Path) -> Result<Noise, Failure> {
    let unusable = |problem: String| {
        let accepted = "a safetensors file with the f32 tensor `noise`";
        Failure::Input(format!(
            "initial_noise: {}: {problem} (accepted: {accepted})",
            path.display()
        ))
    };
    let bytes = read_file(path, NOISE_BYTES).map_err(|error| unusable(error.to_string()))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| unusable(error.to_string()))?;
    let noise = file.tensor("noise").map_err(|error| unusable(error.to_string()))?;
    if noise.dtype() != Dtype::F32 {
        return Err(unusable(format!("`noise` is {:?}", noise.dtype())));
    }
    let numbers =
        noise.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    Ok(Noise { shape: noise.shape().to_vec(), data: numbers.collect() })
}

/// Writes `latents` and `pixels`.
pub fn write_dump(path: &Path, dump: &Dump, existing: Existing) -> Result<(), Failure> {
    let bytes =
        |tensor: &Tensor| tensor.1.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let (latents, pixels) = (bytes(&dump.latents), bytes(&dump.pixels));
    let internal = |error| Failure::Internal(format!("dump: {error}"));
    let views = [
        (
            "latents",
            TensorView::new(Dtype::F32, dump.latents.0.clone(), &latents).map_err(internal)?,
        ),
        ("pixels", TensorView::new(Dtype::F32, dump.pixels.0.clone(), &pixels).map_err(internal)?),
    ];
    let file = serialize(views, None).map_err(internal)?;
    write_whole(path, &file, existing).map_err(|error| Failure::Storage(format!("dump: {error}")))
}
