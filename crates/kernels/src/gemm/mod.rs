//! The product under everything: rows of activations times a panel of packed weights.
//!
//! [`Left`] says where the rows lie; [`Segment`]s say which stretches of memory behind the start of a
//! row make up its depth, so that a convolution is the same product with one segment for each tap.
//! A kernel takes a block of rows and some depth of one panel and adds into `acc` [rows][32]. It never
//! splits depth over threads: the sum is the same at any number of them.

use crate::cpu::Isa;
use crate::matrix::PANEL;

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod plain;
#[cfg(target_arch = "x86_64")]
mod vnni;

/// Rows of activations: row r begins `r * stride` elements after `start`.
#[derive(Clone, Copy)]
pub(crate) struct Left<T> {
    pub start: *const T,
    pub stride: usize,
}

/// `len` elements that begin `offset` elements after the start of a row.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub offset: usize,
    pub len: usize,
}

/// What activations are turned into for a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compute {
    F32,
    Bf16,
    Int8,
}

/// Rows that a kernel may read and compute beyond the ones asked for.
pub(crate) const OVERHANG: usize = 32;

/// acc (+)= rows · panel, for `b` as [depth][32]. `fresh` forgets what is in `acc`.
///
/// # Safety
/// Every segment of `rows` rows lies in memory; `b` has as much depth as the segments together; `acc`
/// has `rows` · 32 numbers; the machine has `isa`.
pub(crate) unsafe fn f32_block(
    isa: Isa,
    left: Left<f32>,
    rows: usize,
    segments: &[Segment],
    b: *const f32,
    acc: *mut f32,
    fresh: bool,
) {
    // SAFETY: the caller's promise is passed on.
    unsafe {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Amx | Isa::Avx512 => avx512::f32_block(left, rows, segments, b, acc, fresh),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 | Isa::AvxVnni => avx2::f32_block(left, rows, segments, b, acc, fresh),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => neon::f32_block(left, rows, segments, b, acc, fresh),
            _ => plain::f32_block(left, rows, segments, b, acc, fresh),
        }
    }
}

/// acc += rows · panel, for `b` as [depth][32] of whose columns only the first 16 need be right.
///
/// # Safety
/// As for [`f32_block`].
pub(crate) unsafe fn f32_half_block(
    isa: Isa,
    left: Left<f32>,
    rows: usize,
    depth: usize,
    b: *const f32,
    acc: *mut f32,
) {
    // SAFETY: the caller's promise is passed on.
    unsafe {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Amx | Isa::Avx512 => avx512::f32_half_block(left, rows, depth, b, acc),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 | Isa::AvxVnni => avx2::f32_half_block(left, rows, depth, b, acc),
            _ => {
                let segments = [Segment { offset: 0, len: depth }];
                f32_block(isa, left, rows, &segments, b, acc, false);
            }
        }
    }
}

/// The same for bf16 with `b` as [depth/2][32][2]; lengths of segments are multiples of 32. What begins
/// at `ahead` is asked for meanwhile, as much as the block of weights is long for every 256 rows: an
/// address that need not be one.
///
/// # Safety
/// As for [`f32_block`]; besides, rows up to the next multiple of [`OVERHANG`] lie in memory, `acc` has
/// room for them, and [`begin`] was called on this thread.
#[allow(clippy::too_many_arguments)]
pub(crate) unsafe fn bf16_block(
    isa: Isa,
    left: Left<u16>,
    rows: usize,
    segments: &[Segment],
    b: *const u16,
    acc: *mut f32,
    fresh: bool,
    ahead: *const u8,
) {
    // SAFETY: the caller's promise is passed on.
    unsafe {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Amx => amx::bf16_block(left, rows, segments, b, acc, fresh, ahead),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512::bf16_block(left, rows, segments, b, acc, fresh),
            _ => plain::bf16_block(left, rows, segments, b, acc, fresh),
        }
    }
}

/// The products of 32 rows of `depth` numbers with several panels of such depth: 32 of each panel one
/// after the other, those of a row `line` apart. Only with tiles.
///
/// # Safety
/// This machine has tiles, and [`begin`] was called on this thread; rows, panels and products lie in memory.
pub(crate) unsafe fn bf16_products(
    left: Left<u16>,
    depth: usize,
    b: *const u16,
    panels: usize,
    out: *mut f32,
    line: usize,
) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller's promise is passed on.
    unsafe {
        amx::bf16_products(left, depth, b, panels, out, line)
    }
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!("{:?} {depth} {b:?} {panels} {out:?} {line}", left.start)
}

/// The products of 32 rows of `depth` numbers with `tiles` times 16 columns, in panels that are as many rows
/// apart as `b` says: [panels][32][32] sums, to which they are added unless these are fresh. Only with
/// tiles.
///
/// # Safety
/// As for [`bf16_products`]; `depth` is a multiple of 32 and not 0.
pub(crate) unsafe fn bf16_values(
    left: Left<u16>,
    depth: usize,
    b: (*const u16, usize),
    tiles: usize,
    sums: *mut f32,
    fresh: bool,
) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller's promise is passed on.
    unsafe {
        amx::bf16_values(left, depth, b, tiles, sums, fresh)
    }
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!("{:?} {depth} {b:?} {tiles} {sums:?} {fresh}", left.start)
}

/// The same for signed bytes with `b` as [depth/4][32][4]; lengths are multiples of 64.
///
/// # Safety
/// As for [`bf16_block`].
#[allow(clippy::too_many_arguments)]
pub(crate) unsafe fn int8_block(
    isa: Isa,
    left: Left<i8>,
    rows: usize,
    segments: &[Segment],
    b: *const i8,
    acc: *mut i32,
    fresh: bool,
    ahead: *const u8,
) {
    // SAFETY: the caller's promise is passed on.
    unsafe {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Amx => amx::int8_block(left, rows, segments, b, acc, fresh, ahead),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512::int8_block(left, rows, segments, b, acc, fresh),
            #[cfg(target_arch = "x86_64")]
            Isa::AvxVnni => vnni::int8_block(left, rows, segments, b, acc, fresh),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2::int8_block(left, rows, segments, b, acc, fresh),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon if neon::has_products_of_bytes() => {
                neon::int8_block(left, rows, segments, b, acc, fresh)
            }
            _ => plain::int8_block(left, rows, segments, b, acc, fresh),
        }
    }
}

/// Sets this thread up for blocks of `isa`, until the guard is dropped.
pub(crate) fn begin(isa: Isa) -> Begun {
    #[cfg(target_arch = "x86_64")]
    if isa == Isa::Amx {
        amx::configure();
    }
    Begun(isa)
}

pub(crate) struct Begun(Isa);

impl Drop for Begun {
    fn drop(&mut self) {
        #[cfg(target_arch = "x86_64")]
        if self.0 == Isa::Amx {
            amx::release();
        }
        let _ = self.0;
    }
}

/// Rows that blocks of `isa` come out even with.
pub(crate) fn even_rows(isa: Isa, compute: Compute) -> usize {
    if isa == Isa::Amx && compute != Compute::F32 { OVERHANG } else { 30 }
}

/// The part from `from` to `to` of the depth that `segments` make up together.
pub(crate) fn part(segments: &[Segment], from: usize, to: usize, out: &mut Vec<Segment>) {
    out.clear();
    let mut at = 0;
    for segment in segments {
        let (start, end) = (from.max(at), to.min(at + segment.len));
        if start < end {
            out.push(Segment { offset: segment.offset + start - at, len: end - start });
        }
        at += segment.len;
    }
}

/// Elements of a panel's depth `k` in `b`.
pub(crate) const fn panel_elements(depth: usize) -> usize {
    depth * PANEL
}
