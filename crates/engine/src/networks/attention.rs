//! Attention over all keys, without a mask.

use candle_core::{Result, Tensor};
use candle_nn::ops::softmax_last_dim;

/// Scores of more numbers than this are made a few heads at a time; the result is the same bits.
const MAX_SCORES: usize = 16 << 20;

/// Queries [h, n, d] over keys and values [h, m, d] → [n, h·d]
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
    let (heads, n, d) = q.dims3()?;
    let m = k.dim(1)?;
    let q = (q * (1.0 / (d as f64).sqrt()))?;
    let some = |start: usize, count: usize| -> Result<Tensor> {
        let scores = q.narrow(0, start, count)?.matmul(&k.narrow(0, start, count)?.t()?)?; // [h', n, m]
        softmax_last_dim(&scores)?.matmul(&v.narrow(0, start, count)?) // [h', n, d]
    };
    let at_once = (MAX_SCORES / (n * m).max(1)).clamp(1, heads);
    let out = if at_once == heads {
        some(0, heads)?
    } else {
        let parts: Result<Vec<_>> = (0..heads)
            .step_by(at_once)
            .map(|start| some(start, at_once.min(heads - start)))
            .collect();
        Tensor::cat(&parts?, 0)?
    };
    out.transpose(0, 1)?.reshape((n, heads * d))
}
