//! Attention in blocks of queries and keys: scores of a block are made, exponentiated and used up while
//! they are near, with a running maximum and sum (Milakov & Gimelshein 2018, Dao et al. 2022).

#[cfg(target_arch = "x86_64")]
pub(crate) mod tiles;

use std::cell::RefCell;
use std::ops::Range;

use crate::Error;
use crate::aligned::Aligned;
use crate::cpu::Isa;
use crate::gemm::{self, Left, OVERHANG, Segment};
use crate::matrix::{DEPTH, PANEL, check_len, check_rows};
use crate::number::Number;
use crate::peak::Arithmetic;
use crate::pool::{self, Shared};
use crate::shares::Seen;
use crate::simd::{Math, per_isa};

/// Blocks of queries of a task: two share what is fetched of keys and values.
const BLOCKS: usize = 2;
/// Queries that a task may have.
const QUERIES: usize = BLOCKS * OVERHANG;
/// Numbers from the scores of one panel of keys to those of the next one: not a power of two, which would
/// fall into the same few places of the nearest cache. Shares of a query and the next one likewise.
const APART: usize = OVERHANG * PANEL + PANEL;
/// Bytes of a head's keys and values that are near whoever comes next.
const NEAR: usize = 1 << 16;

/// Keys and values: `count` tokens, each with all heads side by side.
#[derive(Debug, Clone, Copy)]
pub struct KeyValues<'a> {
    /// heads · size numbers of each token are read.
    pub keys: &'a [f32],
    /// Numbers from one token's keys to the next one's.
    pub keys_stride: usize,
    /// As the keys.
    pub values: &'a [f32],
    /// Numbers from one token's values to the next one's.
    pub values_stride: usize,
    /// Tokens.
    pub count: usize,
}

/// What attention is over.
#[derive(Debug, Clone, Copy)]
pub struct Heads {
    /// Heads.
    pub count: usize,
    /// Numbers of a head.
    pub size: usize,
    /// Whether products are of bf16, where the processor has these; sums stay in f32.
    pub bf16: bool,
}

impl Heads {
    /// In which numbers products are computed by this set of instructions.
    pub fn arithmetic(&self, isa: Isa) -> Arithmetic {
        if self.bf16 && isa >= Isa::Avx512 { Arithmetic::Bf16 } else { Arithmetic::F32 }
    }
}

/// out [n, heads · size] = softmax(q · kᵀ / √size) · v, head by head.
///
/// `q` has `n` rows that lie `stride` apart. Keys may come in parts, such as cached ones first. Errors
/// where sizes do not fit or there is no key.
pub fn attention(
    q: &[f32],
    stride: usize,
    n: usize,
    parts: &[KeyValues],
    heads: Heads,
    out: &mut [f32],
) -> Result<(), Error> {
    attention_with(Isa::get(), q, stride, n, parts, heads, out)
}

/// [`attention`] with a set of instructions that this machine has.
pub fn attention_with(
    isa: Isa,
    q: &[f32],
    stride: usize,
    n: usize,
    parts: &[KeyValues],
    heads: Heads,
    out: &mut [f32],
) -> Result<(), Error> {
    let width = heads.count.checked_mul(heads.size).unwrap_or(0);
    isa.check()?;
    let keys = parts.iter().try_fold(0usize, |sum, part| sum.checked_add(part.count));
    let keys = keys.unwrap_or(usize::MAX);
    for (what, size) in [("heads", width), ("keys", keys)] {
        if size == 0 || size > 1 << 24 {
            return Err(Error::Size { what, size });
        }
    }
    check_len("out", out.len(), &[n, width])?;
    check_rows("queries", q, stride, n, width)?;
    for part in parts {
        check_rows("keys", part.keys, part.keys_stride, part.count, width)?;
        check_rows("values", part.values, part.values_stride, part.count, width)?;
    }
    if n == 0 {
        return Ok(());
    }
    if heads.arithmetic(isa) == Arithmetic::Bf16 {
        run::<u16>(isa, q, stride, n, parts, keys, heads, out);
    } else {
        run::<f32>(isa, q, stride, n, parts, keys, heads, out);
    }
    Ok(())
}

#[allow(clippy::too_many_arguments)]
fn run<T: Number>(
    isa: Isa,
    q: &[f32],
    stride: usize,
    n: usize,
    parts: &[KeyValues],
    keys: usize,
    heads: Heads,
    out: &mut [f32],
) {
    let d = heads.size;
    let depth = if T::GROUP == 1 { d } else { d.next_multiple_of(DEPTH / 2) };
    let long = keys.next_multiple_of(DEPTH);
    let wide = d.next_multiple_of(PANEL);
    let (each_key, each_value) = (depth * long, long * wide);
    // Keys as panels [long/32][depth][32], values as panels [wide/32][long][32], for each head.
    let each = each_key + each_value;
    T::with_packed(|packed| {
        packed.grow(heads.count * each);
        let shared = Shared::new(packed);
        let blocks = keys.div_ceil(T::KEYS);
        pool::for_each(heads.count * blocks, |task| {
            // Heads of the same tokens one after the other: they lie on the same pages.
            let (head, from) = (task % heads.count, task / heads.count * T::KEYS);
            // What lies past the last key is multiplied too, with shares of 0: it must be a number.
            let to = if from + T::KEYS < keys { from + T::KEYS } else { long };
            // SAFETY: a task alone writes its tokens of its head: whole panels of keys, and whole
            // groups of tokens in each panel of values, which is one part for each panel of them.
            let k = unsafe { shared.part(head * each + from * depth, (to - from) * depth) };
            let mut v: Vec<&mut [T]> = (0..wide / PANEL)
                .map(|panel| {
                    let at = head * each + each_key + (panel * long + from) * PANEL;
                    // SAFETY: as above.
                    unsafe { shared.part(at, (to - from) * PANEL) }
                })
                .collect();
            pack(isa, parts, head * d, d, depth, from..to, k, &mut v);
        });
        let sizes = Sizes { d, depth, keys, long, wide };
        over_packed::<T>(isa, q, stride, n, packed, heads.count, &sizes, out);
    });
}

/// Keys and values of tokens `tokens`, `d` numbers of each from number `at`, into panels; zeros past the
/// last token and the last number.
#[allow(clippy::too_many_arguments)]
fn pack<T: Number>(
    isa: Isa,
    parts: &[KeyValues],
    at: usize,
    d: usize,
    depth: usize,
    tokens: Range<usize>,
    k: &mut [T],
    v: &mut [&mut [T]],
) {
    let stride = depth.max(v.len() * PANEL);
    let mut rows = vec![T::default(); PANEL * stride];
    for (i, k) in k.chunks_exact_mut(PANEL * depth).enumerate() {
        let from = tokens.start + i * PANEL;
        let gather = |rows: &mut [T], of: for<'p> fn(&'p KeyValues<'p>) -> (&'p [f32], usize)| {
            let (mut first, mut there) = (0, 0);
            for part in parts {
                let some = from.max(first)..(from + PANEL).min(first + part.count);
                if !some.is_empty() {
                    let (numbers, apart) = of(part);
                    let to = &mut rows[(some.start - from) * stride..(some.end - from) * stride];
                    let numbers = &numbers[(some.start - first) * apart + at..];
                    T::convert_rows(isa, (numbers, apart), d, (to, stride));
                    there = some.end - from;
                }
                first += part.count;
            }
            rows[there * stride..].fill(T::default());
        };
        gather(&mut rows, |part| (part.keys, part.keys_stride));
        T::group_columns(isa, &rows, stride, k);
        gather(&mut rows, |part| (part.values, part.values_stride));
        for (panel, v) in v.iter_mut().enumerate() {
            let v = &mut v[i * PANEL * PANEL..][..PANEL * PANEL];
            T::group_rows(isa, &rows[panel * PANEL..], stride, v);
        }
    }
}

/// All queries, some of one head at a time, over packed keys and values.
#[allow(clippy::too_many_arguments)]
fn over_packed<T: Number>(
    isa: Isa,
    q: &[f32],
    stride: usize,
    n: usize,
    packed: &[T],
    heads: usize,
    sizes: &Sizes,
    out: &mut [f32],
) {
    let Sizes { d, depth, long, wide, .. } = *sizes;
    let (each_key, each) = (depth * long, depth * long + long * wide);
    let out = Shared::new(out);
    let queries = BLOCKS * T::even_rows(isa);
    let chunks = n.div_ceil(queries);
    // Heads one after the other keep a head's keys and values near, queries one after the other their
    // rows: whichever are more.
    let by_head = each * size_of::<T>() > NEAR;
    pool::for_each(heads * chunks, |task| {
        let (head, at) =
            if by_head { (task / chunks, task % chunks) } else { (task % heads, task / heads) };
        let from = at * queries;
        let rows = queries.min(n - from);
        let (k, v) = packed[head * each..][..each].split_at(each_key);
        let write = |r: usize| {
            // SAFETY: a task alone writes its rows of its head.
            unsafe { out.part((from + r) * heads * d + head * d, d) }
        };
        let q = &q[from * stride + head * d..];
        let of = Chunk { q, stride, rows, k, v, sizes };
        T::with_scratch(|scratch| T::attend(isa, &of, scratch, write));
    });
}

/// Queries of one head, and its keys and values.
pub(crate) struct Chunk<'a, T> {
    q: &'a [f32],
    stride: usize,
    rows: usize,
    k: &'a [T],
    v: &'a [T],
    sizes: &'a Sizes,
}

impl<T: Number> Chunk<'_, T> {
    /// The queries, as deep as keys are, with an overhang of rows.
    fn convert(&self, isa: Isa, to: &mut Aligned<T>) {
        let Sizes { d, depth, .. } = *self.sizes;
        to.grow((self.rows + OVERHANG) * depth);
        let to = &mut to[..self.rows * depth];
        if d < depth {
            to.fill(T::default());
        }
        T::convert_rows(isa, (self.q, self.stride), d, (to, depth));
    }
}

pub(crate) struct Sizes {
    d: usize,
    depth: usize,
    keys: usize,
    long: usize,
    wide: usize,
}

#[derive(Default)]
pub(crate) struct Scratch<T> {
    q: Aligned<T>,
    scores: Aligned<f32>,
    shares: Aligned<T>,
    sums: Aligned<f32>,
}

pub(crate) trait WithScratch: Sized {
    fn with_scratch<R>(run: impl FnOnce(&mut Scratch<Self>) -> R) -> R;

    fn with_packed<R>(run: impl FnOnce(&mut Aligned<Self>) -> R) -> R;
}

thread_local! {
    static FLOATS: RefCell<Scratch<f32>> = RefCell::default();
    static HALVES: RefCell<Scratch<u16>> = RefCell::default();
    static PACKED_FLOATS: RefCell<Aligned<f32>> = RefCell::default();
    static PACKED_HALVES: RefCell<Aligned<u16>> = RefCell::default();
}

impl WithScratch for f32 {
    fn with_scratch<R>(run: impl FnOnce(&mut Scratch<Self>) -> R) -> R {
        FLOATS.with_borrow_mut(run)
    }

    fn with_packed<R>(run: impl FnOnce(&mut Aligned<Self>) -> R) -> R {
        PACKED_FLOATS.with_borrow_mut(run)
    }
}

impl WithScratch for u16 {
    fn with_scratch<R>(run: impl FnOnce(&mut Scratch<Self>) -> R) -> R {
        HALVES.with_borrow_mut(run)
    }

    fn with_packed<R>(run: impl FnOnce(&mut Aligned<Self>) -> R) -> R {
        PACKED_HALVES.with_borrow_mut(run)
    }
}

/// Attention of some queries of one head; `write` gives the place of each one's result.
pub(crate) fn chunk<'o, T: Number>(
    isa: Isa,
    of: &Chunk<T>,
    scratch: &mut Scratch<T>,
    write: impl Fn(usize) -> &'o mut [f32],
) {
    let Sizes { d, depth, keys, long, wide } = *of.sizes;
    let (rows, apart) = (of.rows, T::KEYS + PANEL);
    let each = T::even_rows(isa);
    let padded = rows.next_multiple_of(each).next_multiple_of(OVERHANG);
    let Scratch { q: queries, scores, shares, sums } = scratch;
    of.convert(isa, queries);
    scores.grow(T::KEYS / PANEL * APART);
    shares.grow(OVERHANG * apart);
    sums.grow(wide * padded);
    sums[..wide * padded].fill(0.0);
    let scale = T::UNIT / (d as f32).sqrt();
    let mut seen = [Seen::default(); QUERIES];
    let _begun = gemm::begin(isa);
    let starts = (0..keys).step_by(T::KEYS);
    for (start, first) in starts.flat_map(|s| (0..rows).step_by(each).map(move |r| (s, r))) {
        let some = each.min(rows - first);
        let count = T::KEYS.min(keys - start);
        let block = count.next_multiple_of(PANEL);
        let left = Left { start: queries[first * depth..].as_ptr(), stride: depth };
        let segments = [Segment { offset: 0, len: depth }];
        for (panel, scores) in scores.chunks_mut(APART).take(block / PANEL).enumerate() {
            let b = of.k[(start + panel * PANEL) * depth..][..PANEL * depth].as_ptr();
            // SAFETY: panels of keys have `depth`, and there is an overhang of queries and scores.
            unsafe { T::block(isa, left, some, &segments, b, scores.as_mut_ptr(), true) }
        }
        for (r, seen) in seen[first..].iter_mut().enumerate().take(some) {
            let shares = &mut shares[r * apart..][..block];
            let scores = &scores[r * PANEL..];
            let found = T::shares(isa, scores, APART, scale, count, shares, seen);
            if found != 1.0 {
                let sums = &mut sums[..wide * padded];
                rescale(isa, &mut sums[(first + r) * PANEL..], padded * PANEL, found);
            }
        }
        for panel in 0..wide / PANEL {
            let b = of.v[(panel * long + start) * PANEL..].as_ptr();
            let acc = sums[(panel * padded + first) * PANEL..].as_mut_ptr();
            let left = Left { start: shares.as_ptr(), stride: apart };
            // SAFETY: a panel of values has `long` keys; rows of shares and sums are as many as a block
            // of queries is padded to.
            unsafe { T::values(isa, left, some, block, b, d - panel * PANEL, acc) }
        }
    }
    for (r, seen) in seen.iter().enumerate().take(rows) {
        let inverse = 1.0 / seen.total();
        for (panel, to) in write(r).chunks_mut(PANEL).enumerate() {
            let sums = &sums[(panel * padded + r) * PANEL..][..to.len()];
            times(isa, sums, inverse, to);
        }
    }
}

#[inline(always)]
fn rescale_body<M: Math>(sums: &mut [f32], stride: usize, factor: f32) {
    for panel in sums.chunks_mut(stride) {
        if let Some(line) = panel.first_chunk_mut::<PANEL>() {
            line.iter_mut().for_each(|x| *x *= factor);
        }
    }
}

per_isa! {
    /// Multiplies the first 32 numbers of every `stride`.
    fn rescale(sums: &mut [f32], stride: usize, factor: f32) = rescale_body
}

#[inline(always)]
fn times_body<M: Math>(from: &[f32], factor: f32, to: &mut [f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = from * factor);
}

per_isa! { fn times(from: &[f32], factor: f32, to: &mut [f32]) = times_body }
