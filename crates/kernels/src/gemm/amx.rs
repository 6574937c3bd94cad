//! Blocks of 32 rows by 32 columns in four of the processor's eight tiles.
//!
//! A tile is 16 rows of 64 bytes. Tiles 0 to 3 hold sums, 4 and 5 rows of activations, 6 and 7 weights:
//! four loads feed four products. The instructions are in inline assembly, since the intrinsics are not
//! stable; the compiler itself never touches a tile.

use std::arch::asm;

use super::{Left, OVERHANG, Segment};
use crate::matrix::PANEL;

/// Bytes from a row of `acc` to the next, and from a row of weights to the next: 32 floats, or 32 pairs
/// of bf16, or 32 fours of bytes.
const LINE: usize = 128;

#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes: [u16; 16],
    rows: [u8; 16],
}

static CONFIG: Config = Config {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// Shapes this thread's tiles.
pub(super) fn configure() {
    // SAFETY: reads 64 bytes of a constant; only called where `Isa::Amx` was found.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &CONFIG, options(nostack, readonly)) }
}

/// Lets go of this thread's tiles, so that the system need not save them.
pub(super) fn release() {
    // SAFETY: touches no memory.
    unsafe { asm!("tilerelease", options(nostack, nomem)) }
}

/// 32 or 16 rows by 32 columns: `$product` is the instruction, which takes 64 bytes of a row.
macro_rules! block {
    ($name:ident, $left:ty, $product:literal) => {
        /// # Safety
        /// See the block of the same name in `super`. `lines` is the stride of rows in bytes and `line`
        /// that of sums, segments are in elements of `$left`, and their bytes are multiples of 64.
        #[inline]
        #[allow(clippy::too_many_arguments)]
        unsafe fn $name(start: *const $left, lines: usize, two: bool, segments: &[Segment], b: *const $left, acc: *mut u8, line: usize, fresh: bool, mut ahead: *const u8) {
            let size = size_of::<$left>();
            // SAFETY: reads the rows and weights and writes the sums that the caller promised; the only
            // registers it changes are named, and tiles are nobody else's.
            unsafe {
                if fresh {
                    asm!("tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3", options(nostack, nomem));
                } else {
                    asm!(
                        "tileloadd tmm0, [{c} + {l}]",
                        "tileloadd tmm1, [{c} + {l} + 64]",
                        c = in(reg) acc, l = in(reg) line, options(nostack, readonly)
                    );
                    if two {
                        asm!(
                            "tileloadd tmm2, [{c} + {l}]",
                            "tileloadd tmm3, [{c} + {l} + 64]",
                            c = in(reg) acc.add(16 * line), l = in(reg) line, options(nostack, readonly)
                        );
                    }
                }
                let mut b = b.cast::<u8>();
                for segment in segments {
                    let a = start.add(segment.offset).cast::<u8>();
                    let steps = segment.len * size / 64;
                    if two {
                        asm!(
                            "2:",
                            "tileloadd tmm6, [{b} + {l}]",
                            "tileloadd tmm4, [{a} + {s}]",
                            "tileloadd tmm7, [{b} + {l} + 64]",
                            concat!($product, " tmm0, tmm4, tmm6"),
                            "tileloadd tmm5, [{a2} + {s}]",
                            concat!($product, " tmm1, tmm4, tmm7"),
                            "prefetcht1 [{p}]",
                            "prefetcht1 [{p} + 64]",
                            "prefetcht1 [{p} + 128]",
                            "prefetcht1 [{p} + 192]",
                            "add {a}, 64",
                            "add {a2}, 64",
                            "add {p}, 256",
                            concat!($product, " tmm2, tmm5, tmm6"),
                            "add {b}, 2048",
                            concat!($product, " tmm3, tmm5, tmm7"),
                            "dec {n}",
                            "jnz 2b",
                            a = inout(reg) a => _,
                            a2 = inout(reg) a.add(16 * lines) => _,
                            b = inout(reg) b,
                            p = inout(reg) ahead,
                            n = inout(reg) steps => _,
                            s = in(reg) lines,
                            l = in(reg) LINE,
                            options(nostack, readonly)
                        );
                    } else {
                        asm!(
                            "2:",
                            "tileloadd tmm6, [{b} + {l}]",
                            "tileloadd tmm4, [{a} + {s}]",
                            "tileloadd tmm7, [{b} + {l} + 64]",
                            concat!($product, " tmm0, tmm4, tmm6"),
                            "add {a}, 64",
                            "add {b}, 2048",
                            concat!($product, " tmm1, tmm4, tmm7"),
                            "dec {n}",
                            "jnz 2b",
                            a = inout(reg) a => _,
                            b = inout(reg) b,
                            n = inout(reg) steps => _,
                            s = in(reg) lines,
                            l = in(reg) LINE,
                            options(nostack, readonly)
                        );
                    }
                }
                let _ = (b, ahead);
                asm!(
                    "tilestored [{c} + {l}], tmm0",
                    "tilestored [{c} + {l} + 64], tmm1",
                    c = in(reg) acc, l = in(reg) line, options(nostack)
                );
                if two {
                    asm!(
                        "tilestored [{c} + {l}], tmm2",
                        "tilestored [{c} + {l} + 64], tmm3",
                        c = in(reg) acc.add(16 * line), l = in(reg) line, options(nostack)
                    );
                }
            }
        }
    };
}

block!(bf16_tiles, u16, "tdpbf16ps");
block!(int8_tiles, i8, "tdpbssd");

/// Loads, stores or clears a tile of sums.
macro_rules! tile {
    (load $tile:literal, $at:expr) => {
        asm!(concat!("tileloadd tmm", $tile, ", [{c} + {l}]"), c = in(reg) $at, l = in(reg) LINE, options(nostack, readonly))
    };
    (store $tile:literal, $at:expr) => {
        asm!(concat!("tilestored [{c} + {l}], tmm", $tile), c = in(reg) $at, l = in(reg) LINE, options(nostack))
    };
    (zero $tile:literal) => {
        asm!(concat!("tilezero tmm", $tile), options(nostack, nomem))
    };
}

/// 32 rows by one to three tiles of columns: tile 6 has rows, tile 7 columns, and the others sums, those of
/// column i of the upper rows in tile i and of the lower rows in tile i + 3. Columns come one way for the
/// upper rows and back for the lower ones, so that one of them need not come again.
macro_rules! pass {
    ($name:ident: $($upper:literal $b:ident),+; $turn:literal; $($lower:literal $back:ident),*) => {
        /// # Safety
        /// See [`super::bf16_values`]; columns and sums are those of each tile.
        unsafe fn $name(left: Left<u16>, steps: usize, columns: [*const u8; 3], sums: [*mut u8; 3], fresh: bool) {
            let (a, lines) = (left.start.cast::<u8>(), left.stride * 2);
            let below = |tile: usize| sums[tile - 3].wrapping_add(16 * LINE);
            // SAFETY: reads the rows and columns and writes the sums that the caller promised; tiles are
            // nobody else's.
            unsafe {
                if fresh {
                    $(tile!(zero $upper);)+
                    tile!(zero $turn);
                    $(tile!(zero $lower);)*
                } else {
                    $(tile!(load $upper, sums[$upper]);)+
                    tile!(load $turn, below($turn));
                    $(tile!(load $lower, below($lower));)*
                }
                let [$($b),+, ..] = columns;
                asm!(
                    "2:",
                    "tileloadd tmm6, [{a} + {s}]",
                    $(concat!("tileloadd tmm7, [{", stringify!($b), "} + {l}]"),
                    concat!("tdpbf16ps tmm", $upper, ", tmm6, tmm7"),)+
                    "tileloadd tmm6, [{a2} + {s}]",
                    concat!("tdpbf16ps tmm", $turn, ", tmm6, tmm7"),
                    $(concat!("tileloadd tmm7, [{", stringify!($back), "} + {l}]"),
                    concat!("tdpbf16ps tmm", $lower, ", tmm6, tmm7"),)*
                    $(concat!("add {", stringify!($b), "}, 2048"),)+
                    "add {a}, 64",
                    "add {a2}, 64",
                    "dec {n}",
                    "jnz 2b",
                    a = inout(reg) a => _,
                    a2 = inout(reg) a.add(16 * lines) => _,
                    $($b = inout(reg) $b => _,)+
                    n = inout(reg) steps => _,
                    s = in(reg) lines,
                    l = in(reg) LINE,
                    options(nostack, readonly)
                );
                $(tile!(store $upper, sums[$upper]);)+
                tile!(store $turn, below($turn));
                $(tile!(store $lower, below($lower));)*
            }
        }
    };
}

pass!(one_tile: 0 b0; 3;);
pass!(two_tiles: 0 b0, 1 b1; 4; 3 b0);
pass!(three_tiles: 0 b0, 1 b1, 2 b2; 5; 4 b1, 3 b0);

/// # Safety
/// See [`super::bf16_values`].
pub(super) unsafe fn bf16_values(
    left: Left<u16>,
    depth: usize,
    (b, apart): (*const u16, usize),
    tiles: usize,
    sums: *mut f32,
    fresh: bool,
) {
    let mut first = 0;
    while first < tiles {
        // Four go in two passes of two: rows are read as often.
        let some = match tiles - first {
            4 => 2,
            left => left.min(3),
        };
        let place = |i| ((first + i) / 2, (first + i) % 2 * LINE / 2);
        let columns = std::array::from_fn(|i| {
            let (panel, at) = place(i);
            b.wrapping_add(panel * apart * PANEL).cast::<u8>().wrapping_add(at)
        });
        let sums = std::array::from_fn(|i| {
            let (panel, at) = place(i);
            sums.wrapping_add(panel * OVERHANG * PANEL).cast::<u8>().wrapping_add(at)
        });
        // SAFETY: the caller's promise is passed on.
        unsafe {
            match some {
                1 => one_tile(left, depth / 32, columns, sums, fresh),
                2 => two_tiles(left, depth / 32, columns, sums, fresh),
                _ => three_tiles(left, depth / 32, columns, sums, fresh),
            }
        }
        first += some;
    }
}

/// # Safety
/// See [`super::bf16_products`].
pub(super) unsafe fn bf16_products(
    left: Left<u16>,
    depth: usize,
    b: *const u16,
    panels: usize,
    out: *mut f32,
    line: usize,
) {
    let (lines, out) = (left.stride * 2, out.cast::<u8>());
    if depth == 64 {
        // SAFETY: the caller's promise is passed on.
        return unsafe {
            products_of_64(left.start.cast(), lines, b.cast(), panels, out, line * 4)
        };
    }
    let segments = [Segment { offset: 0, len: depth }];
    for panel in 0..panels {
        // SAFETY: the caller's promise is passed on, panel by panel.
        unsafe {
            let b = b.add(panel * depth * 32);
            let out = out.add(panel * LINE);
            bf16_tiles(left.start, lines, true, &segments, b, out, line * 4, true, b.cast());
        }
    }
}

/// The same where the rows fill four tiles, in which they stay while the panels go by.
///
/// # Safety
/// See [`super::bf16_products`].
unsafe fn products_of_64(
    rows: *const u8,
    lines: usize,
    b: *const u8,
    panels: usize,
    out: *mut u8,
    line: usize,
) {
    // SAFETY: reads the rows and weights and writes the products that the caller promised; tiles are
    // nobody else's.
    unsafe {
        asm!(
            "tileloadd tmm4, [{a} + {s}]",
            "tileloadd tmm5, [{a} + {s} + 64]",
            "tileloadd tmm6, [{a2} + {s}]",
            "tileloadd tmm7, [{a2} + {s} + 64]",
            a = in(reg) rows, a2 = in(reg) rows.add(16 * lines), s = in(reg) lines,
            options(nostack, readonly)
        );
        asm!(
            "2:",
            "tileloadd tmm2, [{b} + {l}]",
            "tileloadd tmm3, [{b2} + {l}]",
            "tilezero tmm0",
            "tilezero tmm1",
            "tdpbf16ps tmm0, tmm4, tmm2",
            "tdpbf16ps tmm1, tmm6, tmm2",
            "tileloadd tmm2, [{b} + {l} + 64]",
            "tdpbf16ps tmm0, tmm5, tmm3",
            "tdpbf16ps tmm1, tmm7, tmm3",
            "tileloadd tmm3, [{b2} + {l} + 64]",
            "tilestored [{c} + {o}], tmm0",
            "tilestored [{c2} + {o}], tmm1",
            "tilezero tmm0",
            "tilezero tmm1",
            "tdpbf16ps tmm0, tmm4, tmm2",
            "tdpbf16ps tmm1, tmm6, tmm2",
            "add {b}, 4096",
            "add {b2}, 4096",
            "tdpbf16ps tmm0, tmm5, tmm3",
            "tdpbf16ps tmm1, tmm7, tmm3",
            "tilestored [{c} + {o} + 64], tmm0",
            "tilestored [{c2} + {o} + 64], tmm1",
            "add {c}, 128",
            "add {c2}, 128",
            "dec {n}",
            "jnz 2b",
            b2 = inout(reg) b.add(16 * LINE) => _,
            b = inout(reg) b => _,
            c2 = inout(reg) out.add(16 * line) => _,
            c = inout(reg) out => _,
            n = inout(reg) panels => _,
            l = in(reg) LINE,
            o = in(reg) line,
            options(nostack)
        );
    }
}

/// # Safety
/// See [`super::bf16_block`].
pub(super) unsafe fn bf16_block(
    left: Left<u16>,
    rows: usize,
    segments: &[Segment],
    b: *const u16,
    acc: *mut f32,
    fresh: bool,
    ahead: *const u8,
) {
    let depth: usize = segments.iter().map(|segment| segment.len).sum();
    for r in (0..rows).step_by(32) {
        // SAFETY: rows past the last one are in memory by the caller's promise.
        unsafe {
            let acc = acc.add(r * LINE / 4).cast();
            bf16_tiles(
                left.start.add(r * left.stride),
                left.stride * 2,
                rows - r > 16,
                segments,
                b,
                acc,
                LINE,
                fresh,
                // A step asks for four lines.
                ahead.wrapping_add(r / 32 * depth * 8),
            );
        }
    }
}

/// # Safety
/// See [`super::int8_block`].
pub(super) unsafe fn int8_block(
    left: Left<i8>,
    rows: usize,
    segments: &[Segment],
    b: *const i8,
    acc: *mut i32,
    fresh: bool,
    ahead: *const u8,
) {
    let depth: usize = segments.iter().map(|segment| segment.len).sum();
    for r in (0..rows).step_by(32) {
        // SAFETY: rows past the last one are in memory by the caller's promise.
        unsafe {
            let acc = acc.add(r * LINE / 4).cast();
            int8_tiles(
                left.start.add(r * left.stride),
                left.stride,
                rows - r > 16,
                segments,
                b,
                acc,
                LINE,
                fresh,
                // A step asks for four lines.
                ahead.wrapping_add(r / 32 * depth * 4),
            );
        }
    }
}
