//! Attention over the pixels or tokens of maps, whose queries, keys and values are some of their channels.

use std::ops::Range;

use candle_core::{Result, Tensor};
use candle_nn::rotary_emb::rope_i;
use likeness_kernels::{self as kernels, HeadNorm, Heads, KeyValues};

use super::{Map, refused, with_slices};
use crate::profile::{Cost, timed};

/// Some channels of a map: queries, keys or values among others.
#[derive(Clone, Copy)]
pub struct Columns<'a> {
    /// The map.
    pub of: &'a Map,
    /// The first channel.
    pub at: usize,
}

/// Keys and values of some pixels of a map.
#[derive(Clone)]
pub struct Seen<'a> {
    /// The map.
    pub of: &'a Map,
    /// Which pixels.
    pub rows: Range<usize>,
    /// The first channel of their keys.
    pub keys: usize,
    /// The first channel of their values.
    pub values: usize,
}

impl<'a> Seen<'a> {
    /// All pixels.
    pub fn all(of: &'a Map, keys: usize, values: usize) -> Self {
        Self { of, rows: 0..of.pixels(), keys, values }
    }
}

/// Attention of queries over keys and values, `width` channels of each → [pixels of q, width]. `exact`
/// computes in f32 where the processor could do with less.
pub fn attend(q: Columns, seen: &[Seen], width: usize, heads: usize, exact: bool) -> Result<Map> {
    let own = q.of;
    if !own.is_on_cpu() {
        let narrow = |of: &Map, rows: &Range<usize>, at: usize| {
            of.tensor()?.narrow(0, rows.start, rows.len())?.narrow(1, at, width)
        };
        let of = |at: fn(&Seen) -> usize| {
            let parts = seen.iter().map(|one| narrow(one.of, &one.rows, at(one)));
            Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 0)
        };
        let q = narrow(own, &(0..own.pixels()), q.at)?;
        let out = attend_elsewhere(&q, &of(|one| one.keys)?, &of(|one| one.values)?, heads)?;
        return own.like(out, own.height, own.width);
    }
    own.filled((own.height, own.width, width), |out| {
        let maps: Vec<&Map> = std::iter::once(own).chain(seen.iter().map(|one| one.of)).collect();
        Map::lend_all(&maps, |slices| {
            let parts: Vec<KeyValues> = seen
                .iter()
                .zip(&slices[1..])
                .map(|(one, slice)| {
                    let stride = one.of.channels;
                    let from = |at| slice.get(one.rows.start * stride + at..).unwrap_or_default();
                    KeyValues {
                        keys: from(one.keys),
                        keys_stride: stride,
                        values: from(one.values),
                        values_stride: stride,
                        count: one.rows.len(),
                    }
                })
                .collect();
            let keys = parts.iter().map(|part| part.count).sum();
            let heads = Heads { count: heads, size: width / heads.max(1), bf16: !exact };
            let q = slices[0].get(q.at..).unwrap_or_default();
            timed(Cost::attention(own.pixels(), keys, heads), || {
                kernels::attention(q, own.channels, own.pixels(), &parts, heads, out)
                    .map_err(refused)
            })?;
            Ok(None)
        })
    })
}

/// Attention of q [n, width] over keys and values [tokens, width] by candle → [n, width]
pub(super) fn attend_elsewhere(
    q: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    heads: usize,
) -> Result<Tensor> {
    let (n, width) = q.dims2()?;
    let split =
        |x: &Tensor| x.reshape((x.dim(0)?, heads, width / heads))?.transpose(0, 1)?.contiguous();
    let (q, k, v) = (split(q)?, split(keys)?, split(values)?);
    let scores = (q.matmul(&k.t()?)? * (heads as f64 / width as f64).sqrt())?;
    let out = candle_nn::ops::softmax_last_dim(&scores)?.matmul(&v)?;
    out.transpose(0, 1)?.reshape((n, width))
}

/// How the heads of some pixels are brought into shape.
pub struct Shaping<'a> {
    /// Which pixels.
    pub rows: Range<usize>,
    /// RMS norm of every head [size].
    pub weight: &'a Tensor,
    /// The first channel of the first head.
    pub at: usize,
}

/// Norms and turns `heads` heads of each shaping's pixels where they stand. `turns` are cosines and
/// sines [pixels, size / 2].
pub fn shape_heads(
    x: Map,
    shapings: &[Shaping],
    heads: usize,
    eps: f32,
    turns: (&Tensor, &Tensor),
) -> Result<Map> {
    if !x.is_on_cpu() {
        return shape_elsewhere(x, shapings, heads, eps, turns);
    }
    let stride = x.channels;
    x.changed(|numbers| {
        for shaping in shapings {
            let Shaping { rows, weight, at } = shaping;
            let half = weight.dim(0)? / 2;
            with_slices([Some(*weight), Some(turns.0), Some(turns.1)], |[weight, cos, sin]| {
                let angles = rows.start * half..rows.end * half;
                let (cos, sin) = (cos.unwrap_or_default(), sin.unwrap_or_default());
                let Some(turns) = cos.get(angles.clone()).zip(sin.get(angles)) else {
                    candle_core::bail!("there are no angles for the rows {rows:?}");
                };
                let how = HeadNorm {
                    heads,
                    size: 2 * half,
                    weight: weight.unwrap_or_default(),
                    eps,
                    turns: Some(turns),
                };
                let from = numbers.get_mut(rows.start * stride + at..).unwrap_or_default();
                timed(Cost::shape_heads(rows.len() * heads * 2 * half), || {
                    kernels::norm_heads(from, stride, rows.len(), how).map_err(refused)
                })
            })?;
        }
        Ok(())
    })
}

/// [`shape_heads`] by candle.
pub(super) fn shape_elsewhere(
    x: Map,
    shapings: &[Shaping],
    heads: usize,
    eps: f32,
    (cos, sin): (&Tensor, &Tensor),
) -> Result<Map> {
    let mut all = x.tensor()?;
    for Shaping { rows, weight, at } in shapings {
        let (tokens, size) = (rows.len(), weight.dim(0)?);
        let angles = |of: &Tensor| of.narrow(0, rows.start, tokens)?.contiguous();
        let some = all.narrow(0, rows.start, tokens)?.narrow(1, *at, heads * size)?;
        let some = some.reshape((tokens, heads, size))?.contiguous()?;
        let some = candle_nn::ops::rms_norm(&some, weight, eps)?;
        let some = some.transpose(0, 1)?.contiguous()?.unsqueeze(0)?;
        let some = rope_i(&some, &angles(cos)?, &angles(sin)?)?.squeeze(0)?;
        let some = some.transpose(0, 1)?.reshape((tokens, heads * size))?;
        all = all.slice_assign(&[rows.clone(), *at..at + heads * size], &some)?;
    }
    x.like(all, x.height, x.width)
}

/// The channels `at..at + count` of each pixel as a map of their own, to be kept: its memory is no larger
/// than it, and never another map's.
pub fn columns(x: &Map, at: usize, count: usize) -> Result<Map> {
    if !x.is_on_cpu() {
        return x.like(x.tensor()?.narrow(1, at, count)?.contiguous()?, x.height, x.width);
    }
    x.kept((x.height, x.width, count), |out| {
        x.lend(|numbers| {
            for (to, from) in out.chunks_exact_mut(count).zip(numbers.chunks_exact(x.channels)) {
                to.copy_from_slice(&from[at..at + count]);
            }
            Ok(())
        })
    })
}
