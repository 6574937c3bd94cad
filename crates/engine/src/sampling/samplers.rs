//! Steps from one noise level to the next, over tensors.
//!
//! Adding a sampler for flow matching: a function here, and a row in the match of the pipeline.

use candle_core::{Result, Tensor};

/// What a network sees in a noisy picture: the clean picture, as far as it can tell.
pub trait Denoise {
    /// The clean picture behind `x` at noise level `sigma`.
    fn clean(&mut self, x: &Tensor, sigma: f32) -> Result<Tensor>;
}

impl<F: FnMut(&Tensor, f32) -> Result<Tensor>> Denoise for F {
    fn clean(&mut self, x: &Tensor, sigma: f32) -> Result<Tensor> {
        self(x, sigma)
    }
}

/// One step's result: the picture at the next level, and the clean picture that was seen on the way.
pub struct Step {
    /// At the next noise level.
    pub next: Tensor,
    /// The estimate, for a preview.
    pub clean: Tensor,
}

/// Straight on in the direction that the network sees.
pub fn flow_euler(x: &Tensor, sigma: f32, next: f32, network: &mut impl Denoise) -> Result<Step> {
    let clean = network.clean(x, sigma)?;
    Ok(Step { next: along(x, &velocity(x, &clean, sigma)?, next - sigma)?, clean })
}

/// The mean of the directions here and where the first would lead; the last step, where there is no
/// noise left to look at, is Euler's.
pub fn flow_heun(x: &Tensor, sigma: f32, next: f32, network: &mut impl Denoise) -> Result<Step> {
    let clean = network.clean(x, sigma)?;
    let here = velocity(x, &clean, sigma)?;
    let there = along(x, &here, next - sigma)?;
    if next == 0.0 {
        return Ok(Step { next: there, clean });
    }
    let clean = network.clean(&there, next)?;
    let mean = ((here + velocity(&there, &clean, next)?)? * 0.5)?;
    Ok(Step { next: along(x, &mean, next - sigma)?, clean })
}

/// x = (1 − σ)·picture + σ·noise
pub fn add_noise(picture: &Tensor, noise: &Tensor, sigma: f32) -> Result<Tensor> {
    (picture * (1.0 - f64::from(sigma)))? + (noise * f64::from(sigma))?
}

/// dx/dσ = noise − picture = (x − picture) / σ
fn velocity(x: &Tensor, clean: &Tensor, sigma: f32) -> Result<Tensor> {
    (x - clean)? / f64::from(sigma)
}

fn along(x: &Tensor, velocity: &Tensor, by: f32) -> Result<Tensor> {
    x + (velocity * f64::from(by))?
}
