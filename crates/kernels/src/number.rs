//! The two kinds of numbers that activations and weights meet in, seen alike.

use crate::aligned::Aligned;
use crate::conv;
use crate::convert::to_bf16;
use crate::cpu::Isa;
use crate::gemm::{self, Compute, Left, OVERHANG, Segment};
use crate::group_norm::{Channelwise, channelwise, channelwise_rough};
use crate::matrix::PANEL;
use crate::shares::{shares_exact, shares_rough};

/// f32, or bf16 as its bits.
pub(crate) trait Number:
    Copy + Default + Send + Sync + crate::attention::WithScratch + 'static
{
    /// Numbers of one column that stand side by side in a panel.
    const GROUP: usize;
    /// What a score of 1 is in the powers that shares are made with.
    const UNIT: f32;

    fn convert(isa: Isa, from: &[f32], to: &mut [Self]);

    /// What becomes of a pixel that goes through a norm first.
    fn pass(isa: Isa, from: &[f32], how: &Channelwise, to: &mut [Self]);

    /// See [`gemm::even_rows`].
    fn even_rows(isa: Isa) -> usize;

    /// Attention's scores to shares; see [`shares_exact`].
    fn shares(
        isa: Isa,
        scores: &[f32],
        stride: usize,
        count: usize,
        shares: &mut [Self],
        state: &mut (f32, f32),
    ) -> f32;

    /// Runs with this thread's buffer for a padded picture.
    fn with_picture<R>(run: impl FnOnce(&mut Aligned<Self>) -> R) -> R;

    /// The products [panels][32][32] of some rows, as long as the panels are deep, with panels that follow
    /// one another.
    ///
    /// # Safety
    /// As for [`Number::block`]; there is room for 32 rows of each panel's products.
    unsafe fn products(
        isa: Isa,
        left: Left<Self>,
        rows: usize,
        depth: usize,
        b: *const Self,
        panels: usize,
        out: *mut f32,
    ) {
        // SAFETY: the caller's promise is passed on.
        unsafe { panel_by_panel(isa, left, rows, depth, b, panels, out) }
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

/// # Safety
/// See [`Number::products`].
unsafe fn panel_by_panel<T: Number>(
    isa: Isa,
    left: Left<T>,
    rows: usize,
    depth: usize,
    b: *const T,
    panels: usize,
    out: *mut f32,
) {
    let segments = [Segment { offset: 0, len: depth }];
    for panel in 0..panels {
        // SAFETY: the caller's promise is passed on, panel by panel.
        unsafe {
            let b = b.add(panel * PANEL * depth);
            let out = out.add(panel * PANEL * OVERHANG);
            T::block(isa, left, rows, &segments, b, out, true);
        }
    }
}

impl Number for f32 {
    const GROUP: usize = 1;
    const UNIT: f32 = 1.0;

    fn even_rows(isa: Isa) -> usize {
        gemm::even_rows(isa, Compute::F32)
    }

    fn convert(_: Isa, from: &[f32], to: &mut [Self]) {
        to.copy_from_slice(from);
    }

    fn pass(isa: Isa, from: &[f32], how: &Channelwise, to: &mut [Self]) {
        channelwise(isa, from, how, to);
    }

    fn shares(
        isa: Isa,
        scores: &[f32],
        stride: usize,
        count: usize,
        shares: &mut [Self],
        state: &mut (f32, f32),
    ) -> f32 {
        shares_exact(isa, scores, stride, count, shares, state)
    }

    fn with_picture<R>(run: impl FnOnce(&mut Aligned<Self>) -> R) -> R {
        conv::FLOATS.with_borrow_mut(run)
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

    fn even_rows(isa: Isa) -> usize {
        gemm::even_rows(isa, Compute::Bf16)
    }

    fn convert(isa: Isa, from: &[f32], to: &mut [Self]) {
        to_bf16(isa, from, to);
    }

    fn pass(isa: Isa, from: &[f32], how: &Channelwise, to: &mut [Self]) {
        channelwise_rough(isa, from, how, to);
    }

    fn shares(
        isa: Isa,
        scores: &[f32],
        stride: usize,
        count: usize,
        shares: &mut [Self],
        state: &mut (f32, f32),
    ) -> f32 {
        shares_rough(isa, scores, stride, count, shares, state)
    }

    fn with_picture<R>(run: impl FnOnce(&mut Aligned<Self>) -> R) -> R {
        conv::HALVES.with_borrow_mut(run)
    }

    unsafe fn products(
        isa: Isa,
        left: Left<Self>,
        rows: usize,
        depth: usize,
        b: *const Self,
        panels: usize,
        out: *mut f32,
    ) {
        if gemm::has_products(isa, depth) {
            // SAFETY: the caller's promise is passed on; there is an overhang of rows.
            return unsafe { gemm::bf16_products(left.start, left.stride, b, panels, out) };
        }
        // SAFETY: the caller's promise is passed on.
        unsafe { panel_by_panel(isa, left, rows, depth, b, panels, out) }
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
