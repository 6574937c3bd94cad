//! Weights in GGUF's blocks on their way into a product: 32 numbers of each of a panel's rows at a time,
//! turned so that numbers of one depth stand side by side.

use half::f16;

use crate::convert::to_bf16;
use crate::cpu::Isa;
use crate::matrix::{Blocks, PANEL};
use crate::simd::{Math, per_isa};

/// Numbers that every kind of block scales together.
const GROUP: usize = 32;

/// Rows of blocks, as they stand in the file.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub bytes: &'a [u8],
    pub kind: Blocks,
    /// At most [`PANEL`]; the panel's other rows are zero.
    pub count: usize,
    /// Numbers of a row.
    pub k: usize,
}

impl Rows<'_> {
    /// Numbers `start..start + 32` of each row, those past the end zero.
    #[inline(always)]
    fn group(&self, start: usize, lines: &mut [[f32; GROUP]; PANEL]) {
        let count = if start < self.k { self.count } else { 0 };
        let (numbers, size) = self.kind.sizes();
        let row = self.k / numbers * size;
        for (c, line) in lines[..count].iter_mut().enumerate() {
            let at = c * row + start / numbers * size;
            *line = thirty_two(self.kind, &self.bytes[at..at + size], start % numbers / GROUP);
        }
        lines[count..].fill([0.0; GROUP]);
    }
}

/// The `group`-th 32 numbers of a block.
#[inline(always)]
fn thirty_two(kind: Blocks, block: &[u8], group: usize) -> [f32; GROUP] {
    let scale_at = |i: usize| f16::from_le_bytes([block[i], block[i + 1]]).to_f32();
    match kind {
        Blocks::Q8_0 => {
            let (scale, bytes) = (scale_at(0), &block[2..2 + GROUP]);
            std::array::from_fn(|i| f32::from(bytes[i] as i8) * scale)
        }
        Blocks::Q4K => {
            // Twelve bytes hold eight scales and eight minima of six bits each.
            let packed = &block[4..16];
            let (scale, least) = if group < 4 {
                (packed[group] & 63, packed[group + 4] & 63)
            } else {
                (
                    packed[group + 4] & 15 | (packed[group - 4] >> 6) << 4,
                    packed[group + 4] >> 4 | (packed[group] >> 6) << 4,
                )
            };
            let (scale, least) = (scale_at(0) * f32::from(scale), scale_at(2) * f32::from(least));
            let bytes = &block[16 + group / 2 * 32..][..GROUP];
            let shift = group % 2 * 4;
            std::array::from_fn(|i| scale * f32::from(bytes[i] >> shift & 15) - least)
        }
    }
}

/// One number of a block.
pub(crate) fn block_number(kind: Blocks, block: &[u8], index: usize) -> f32 {
    thirty_two(kind, block, index / GROUP)[index % GROUP]
}

#[inline(always)]
fn floats_body<M: Math>(rows: &Rows, start: usize, out: &mut [f32]) {
    let mut lines = [[0f32; GROUP]; PANEL];
    rows.group(start, &mut lines);
    for (k, to) in out.chunks_exact_mut(PANEL).enumerate() {
        for (to, line) in to.iter_mut().zip(&lines) {
            *to = line[k];
        }
    }
}

per_isa! { fn floats(rows: &Rows, start: usize, out: &mut [f32]) = floats_body }

/// Steps `from..to` of depth, multiples of 32, as [k][32].
pub(crate) fn to_floats(isa: Isa, rows: Rows, from: usize, to: usize, out: &mut [f32]) {
    for (start, out) in (from..to).step_by(GROUP).zip(out.chunks_mut(GROUP * PANEL)) {
        floats(isa, &rows, start, out);
    }
}

#[inline(always)]
fn lines_body<M: Math>(rows: &Rows, start: usize, lines: &mut [[f32; GROUP]; PANEL]) {
    rows.group(start, lines);
}

per_isa! { fn lines(rows: &Rows, start: usize, lines: &mut [[f32; GROUP]; PANEL]) = lines_body }

/// The same as [k/2][32][2] of bf16.
pub(crate) fn to_halves(isa: Isa, rows: Rows, from: usize, to: usize, out: &mut [u16]) {
    let mut numbers = [[0f32; GROUP]; PANEL];
    let mut pairs = [[0u16; GROUP]; PANEL];
    for (start, out) in (from..to).step_by(GROUP).zip(out.chunks_exact_mut(GROUP * PANEL)) {
        lines(isa, &rows, start, &mut numbers);
        to_bf16(isa, numbers.as_flattened(), pairs.as_flattened_mut());
        turn(isa, &pairs, out);
    }
}

/// Pairs of each row to pairs of each depth: [32][16][2] to [16][32][2].
fn turn(isa: Isa, from: &[[u16; GROUP]; PANEL], to: &mut [u16]) {
    #[cfg(target_arch = "x86_64")]
    if isa >= Isa::Avx512 {
        assert_eq!(to.len(), GROUP * PANEL);
        // SAFETY: the set was found on this machine, and both sides have their 1024 numbers.
        return unsafe { turn_avx512(from.as_ptr().cast(), to.as_mut_ptr()) };
    }
    let _ = isa;
    for (pair, to) in to.chunks_exact_mut(2 * PANEL).enumerate() {
        for (to, line) in to.chunks_exact_mut(2).zip(from) {
            to.copy_from_slice(&line[2 * pair..][..2]);
        }
    }
}

/// Two squares of 16 pairs by 16 rows, each turned in four rounds: pairs, then pairs of pairs, then
/// quarters of a vector change places.
///
/// # Safety
/// `from` and `to` have 1024 numbers.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn turn_avx512(from: *const u16, to: *mut u16) {
    use std::arch::x86_64::*;
    for half in 0..2 {
        // SAFETY: 16 rows of 64 bytes are read, and as many written, 128 bytes apart.
        unsafe {
            let row = |r: usize| _mm512_loadu_si512(from.add((16 * half + r) * GROUP).cast());
            let one: [__m512i; 16] = std::array::from_fn(row);
            let two: [__m512i; 16] = std::array::from_fn(|i| {
                let (a, b) = (one[i / 2 * 2], one[i / 2 * 2 + 1]);
                if i % 2 == 0 { _mm512_unpacklo_epi32(a, b) } else { _mm512_unpackhi_epi32(a, b) }
            });
            // four[4 g + j]: number 4 q + j of rows 4 g.. in quarter q.
            let four: [__m512i; 16] = std::array::from_fn(|i| {
                let (group, j) = (i / 4 * 4, i % 4);
                let (a, b) = (two[group + j / 2], two[group + 2 + j / 2]);
                if j % 2 == 0 { _mm512_unpacklo_epi64(a, b) } else { _mm512_unpackhi_epi64(a, b) }
            });
            for j in 0..4 {
                let [a, b, c, d] = [four[j], four[4 + j], four[8 + j], four[12 + j]];
                // Quarters 0 and 2, and 1 and 3, of two groups of rows each.
                let (ab, cd) =
                    (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0x88>(c, d));
                let (ef, gh) =
                    (_mm512_shuffle_i32x4::<0xdd>(a, b), _mm512_shuffle_i32x4::<0xdd>(c, d));
                let lines = [
                    _mm512_shuffle_i32x4::<0x88>(ab, cd),
                    _mm512_shuffle_i32x4::<0x88>(ef, gh),
                    _mm512_shuffle_i32x4::<0xdd>(ab, cd),
                    _mm512_shuffle_i32x4::<0xdd>(ef, gh),
                ];
                for (quarter, line) in lines.into_iter().enumerate() {
                    let at = (4 * quarter + j) * 2 * PANEL + 32 * half;
                    _mm512_storeu_si512(to.add(at).cast(), line);
                }
            }
        }
    }
}
