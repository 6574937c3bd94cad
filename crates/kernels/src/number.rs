//! The two kinds of numbers that activations and weights meet in, seen alike.

use crate::aligned::Aligned;
use crate::attention;
use crate::conv;
use crate::convert::{rows_to_bf16, to_bf16};
use crate::cpu::Isa;
use crate::gemm::{self, Compute, Left, Segment};
use crate::group_norm::{Channelwise, channelwise, channelwise_rough};
use crate::matrix::PANEL;
use crate::shares::{self, Seen, shares_exact, shares_rough};
use crate::simd::{Math, per_isa};

/// Columns of half a panel.
const HALF: usize = PANEL / 2;

/// f32, or bf16 as its bits.
pub(crate) trait Number:
    Copy + Default + Send + Sync + attention::WithScratch + 'static
{
    /// Numbers of one column that stand side by side in a panel.
    const GROUP: usize;
    /// What a score of 1 is in the powers that shares are made with.
    const UNIT: f32;
    /// Keys of a block of attention, a multiple of 64.
    const KEYS: usize;

    fn convert(isa: Isa, from: &[f32], to: &mut [Self]);

    /// The same for `len` numbers of rows that lie so far apart, as many as there are in `to`.
    fn convert_rows(isa: Isa, from: (&[f32], usize), len: usize, to: (&mut [Self], usize));

    /// 32 rows, `stride` apart, turned: [columns/GROUP][32][GROUP], as many as there is room for in `to`.
    fn group_columns(isa: Isa, rows: &[Self], stride: usize, to: &mut [Self]);

    /// 32 columns of rows that are `stride` apart: [rows/GROUP][32][GROUP].
    fn group_rows(isa: Isa, rows: &[Self], stride: usize, to: &mut [Self]);

    /// What becomes of a pixel that goes through a norm first.
    fn pass(isa: Isa, from: &[f32], how: &Channelwise, to: &mut [Self]);

    /// See [`gemm::even_rows`].
    fn even_rows(isa: Isa) -> usize;

    /// Attention's scores to shares; see [`shares_exact`].
    fn shares(
        isa: Isa,
        scores: &[f32],
        stride: usize,
        scale: f32,
        count: usize,
        shares: &mut [Self],
        seen: &mut Seen,
    ) -> f32;

    /// Runs with this thread's buffer for a padded picture.
    fn with_picture<R>(run: impl FnOnce(&mut Aligned<Self>) -> R) -> R;

    /// Attention of some queries of one head.
    fn attend<'o>(
        isa: Isa,
        of: &attention::Chunk<Self>,
        scratch: &mut attention::Scratch<Self>,
        write: impl Fn(usize) -> &'o mut [f32],
    ) {
        attention::chunk(isa, of, scratch, write);
    }

    /// acc [rows][32] += rows · panel, of whose columns only the first `wanted` need be right.
    ///
    /// # Safety
    /// As for [`Number::block`]; the depth is a multiple of 32 and not 0, and there are at most 32 rows.
    unsafe fn values(
        isa: Isa,
        left: Left<Self>,
        rows: usize,
        depth: usize,
        b: *const Self,
        _wanted: usize,
        acc: *mut f32,
    ) {
        let segments = [Segment { offset: 0, len: depth }];
        // SAFETY: the caller's promise is passed on.
        unsafe { Self::block(isa, left, rows, &segments, b, acc, false) }
    }

    /// # Safety
    /// See [`gemm::f32_block`] and [`gemm::bf16_block`].
    unsafe fn block(
        isa: Isa,
        left: Left<Self>,
        rows: usize,
        segments: &[Segment],
        b: *const Self,
        acc: *mut f32,
        fresh: bool,
    );
}

impl Number for f32 {
    const GROUP: usize = 1;
    const UNIT: f32 = 1.0;
    const KEYS: usize = 256;

    fn even_rows(isa: Isa) -> usize {
        gemm::even_rows(isa, Compute::F32)
    }

    fn convert(_: Isa, from: &[f32], to: &mut [Self]) {
        to.copy_from_slice(from);
    }

    fn convert_rows(_: Isa, from: (&[f32], usize), len: usize, to: (&mut [Self], usize)) {
        for (to, from) in to.0.chunks_mut(to.1).zip(from.0.chunks(from.1)) {
            to[..len].copy_from_slice(&from[..len]);
        }
    }

    fn group_columns(_: Isa, rows: &[Self], stride: usize, to: &mut [Self]) {
        for (column, to) in to.chunks_exact_mut(PANEL).enumerate() {
            to.iter_mut().zip(rows[column..].iter().step_by(stride)).for_each(|(to, x)| *to = *x);
        }
    }

    fn group_rows(_: Isa, rows: &[Self], stride: usize, to: &mut [Self]) {
        for (to, row) in to.chunks_exact_mut(PANEL).zip(rows.chunks(stride)) {
            to.copy_from_slice(&row[..PANEL]);
        }
    }

    fn pass(isa: Isa, from: &[f32], how: &Channelwise, to: &mut [Self]) {
        channelwise(isa, from, how, to);
    }

    fn shares(
        isa: Isa,
        scores: &[f32],
        stride: usize,
        scale: f32,
        count: usize,
        shares: &mut [Self],
        seen: &mut Seen,
    ) -> f32 {
        shares_exact(isa, scores, stride, scale, count, shares, seen)
    }

    fn with_picture<R>(run: impl FnOnce(&mut Aligned<Self>) -> R) -> R {
        conv::FLOATS.with_borrow_mut(run)
    }

    unsafe fn values(
        isa: Isa,
        left: Left<Self>,
        rows: usize,
        depth: usize,
        b: *const Self,
        wanted: usize,
        acc: *mut f32,
    ) {
        let segments = [Segment { offset: 0, len: depth }];
        // SAFETY: the caller's promise is passed on.
        unsafe {
            match wanted {
                ..=HALF => gemm::f32_half_block(isa, left, rows, depth, b, acc),
                _ => Self::block(isa, left, rows, &segments, b, acc, false),
            }
        }
    }

    unsafe fn block(
        isa: Isa,
        left: Left<Self>,
        rows: usize,
        segments: &[Segment],
        b: *const Self,
        acc: *mut f32,
        fresh: bool,
    ) {
        // SAFETY: the caller's promise is passed on.
        unsafe { gemm::f32_block(isa, left, rows, segments, b, acc, fresh) }
    }
}

impl Number for u16 {
    const GROUP: usize = 2;
    const UNIT: f32 = std::f32::consts::LOG2_E;
    const KEYS: usize = shares::WHOLE;

    fn even_rows(isa: Isa) -> usize {
        gemm::even_rows(isa, Compute::Bf16)
    }

    fn convert(isa: Isa, from: &[f32], to: &mut [Self]) {
        to_bf16(isa, from, to);
    }

    fn convert_rows(isa: Isa, from: (&[f32], usize), len: usize, to: (&mut [Self], usize)) {
        rows_to_bf16(isa, from, len, to);
    }

    fn group_columns(isa: Isa, rows: &[Self], stride: usize, to: &mut [Self]) {
        group_columns(isa, rows, stride, to);
    }

    fn group_rows(isa: Isa, rows: &[Self], stride: usize, to: &mut [Self]) {
        group_rows(isa, rows, stride, to);
    }

    fn pass(isa: Isa, from: &[f32], how: &Channelwise, to: &mut [Self]) {
        channelwise_rough(isa, from, how, to);
    }

    fn shares(
        isa: Isa,
        scores: &[f32],
        stride: usize,
        scale: f32,
        count: usize,
        shares: &mut [Self],
        seen: &mut Seen,
    ) -> f32 {
        shares_rough(isa, scores, stride, scale, count, shares, seen)
    }

    fn attend<'o>(
        isa: Isa,
        of: &attention::Chunk<Self>,
        scratch: &mut attention::Scratch<Self>,
        write: impl Fn(usize) -> &'o mut [f32],
    ) {
        #[cfg(target_arch = "x86_64")]
        if isa == Isa::Amx {
            return attention::tiles::chunk(of, scratch, write);
        }
        attention::chunk(isa, of, scratch, write);
    }

    fn with_picture<R>(run: impl FnOnce(&mut Aligned<Self>) -> R) -> R {
        conv::HALVES.with_borrow_mut(run)
    }

    unsafe fn block(
        isa: Isa,
        left: Left<Self>,
        rows: usize,
        segments: &[Segment],
        b: *const Self,
        acc: *mut f32,
        fresh: bool,
    ) {
        // SAFETY: the caller's promise is passed on.
        unsafe { gemm::bf16_block(isa, left, rows, segments, b, acc, fresh, b.cast()) }
    }
}

#[inline(always)]
fn group_columns_body<M: Math>(rows: &[u16], stride: usize, to: &mut [u16]) {
    for (group, to) in to.as_chunks_mut::<{ 2 * PANEL }>().0.iter_mut().enumerate() {
        let rows = rows[2 * group..].chunks(stride);
        for (to, row) in to.as_chunks_mut::<2>().0.iter_mut().zip(rows) {
            *to = [row[0], row[1]];
        }
    }
}

#[inline(always)]
fn group_rows_body<M: Math>(rows: &[u16], stride: usize, to: &mut [u16]) {
    let pairs = rows.chunks(2 * stride);
    for (to, pair) in to.as_chunks_mut::<{ 2 * PANEL }>().0.iter_mut().zip(pairs) {
        let (first, second) = pair.split_at(stride);
        let both = first.first_chunk::<PANEL>().zip(second.first_chunk::<PANEL>());
        if let Some((first, second)) = both {
            for i in 0..PANEL {
                to[2 * i] = first[i];
                to[2 * i + 1] = second[i];
            }
        }
    }
}

per_isa! { fn group_columns(rows: &[u16], stride: usize, to: &mut [u16]) = group_columns_body }
per_isa! { fn group_rows(rows: &[u16], stride: usize, to: &mut [u16]) = group_rows_body }
