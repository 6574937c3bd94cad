//! Attention of bf16 with the processor's tiles. A block of queries has few keys at a time, so that their
//! scores stay in the nearest cache, and shares take the place of scores.

use super::{Chunk, Scratch, rescale, times};
use crate::cpu::Isa;
use crate::gemm::{self, Left, OVERHANG};
use crate::matrix::PANEL;
use crate::number::Number;
use crate::shares::{Seen, WHOLE, shares_in_place};

/// Columns of a tile.
const TILE: usize = PANEL / 2;

/// Attention of some queries of one head; `write` gives the place of each one's result.
pub(crate) fn chunk<'o>(
    of: &Chunk<u16>,
    scratch: &mut Scratch<u16>,
    write: impl Fn(usize) -> &'o mut [f32],
) {
    let (isa, sizes, rows) = (Isa::Amx, of.sizes, of.rows);
    let (d, depth, panels) = (sizes.d, sizes.depth, sizes.wide / PANEL);
    let Scratch { q, scores, sums, .. } = scratch;
    of.convert(isa, q);
    scores.grow(OVERHANG * WHOLE);
    sums.grow(rows.next_multiple_of(OVERHANG) * sizes.wide);
    let scale = u16::UNIT / (d as f32).sqrt();
    let mut seen = [Seen::default(); super::QUERIES];
    let _begun = gemm::begin(isa);
    let starts = (0..sizes.keys).step_by(WHOLE);
    for (start, first) in starts.flat_map(|s| (0..rows).step_by(OVERHANG).map(move |r| (s, r))) {
        let count = WHOLE.min(sizes.keys - start);
        let block = count.next_multiple_of(PANEL);
        let some = OVERHANG.min(rows - first);
        let queries = Left { start: q[first * depth..].as_ptr(), stride: depth };
        let k = of.k[start * depth..][..block * depth].as_ptr();
        // SAFETY: there is an overhang of queries, and room for their scores.
        unsafe {
            gemm::bf16_products(queries, depth, k, block / PANEL, scores.as_mut_ptr(), WHOLE);
        }
        let sums = &mut sums[first * sizes.wide..][..OVERHANG * sizes.wide];
        let seen = &mut seen[first..first + some];
        let scores = &mut scores[..OVERHANG * WHOLE];
        if let Some(factors) = shares_in_place(isa, scores, scale, count, seen) {
            for (r, factor) in factors.into_iter().enumerate().filter(|(_, factor)| *factor != 1.0)
            {
                rescale(isa, &mut sums[r * PANEL..], OVERHANG * PANEL, factor);
            }
        }
        let shares = Left { start: scores.as_ptr().cast(), stride: 2 * WHOLE };
        let v = of.v[start * PANEL..][..(panels - 1) * sizes.long * PANEL + block * PANEL].as_ptr();
        let tiles = d.div_ceil(TILE);
        // SAFETY: so many values are there, and room for the sums of a block.
        unsafe {
            let fresh = start == 0;
            gemm::bf16_values(shares, block, (v, sizes.long), tiles, sums.as_mut_ptr(), fresh);
        }
    }
    for (r, seen) in seen.iter().enumerate().take(rows) {
        let inverse = 1.0 / seen.total();
        let (block, row) = (r / OVERHANG, r % OVERHANG);
        for (panel, to) in write(r).chunks_mut(PANEL).enumerate() {
            let at = (block * panels + panel) * OVERHANG + row;
            times(isa, &sums[at * PANEL..][..to.len()], inverse, to);
        }
    }
}
