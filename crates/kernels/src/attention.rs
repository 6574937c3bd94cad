//! Attention in blocks of queries and keys: scores of a block are made, exponentiated and used up while
//! they are near, with a running maximum and sum (Milakov & Gimelshein 2018, Dao et al. 2022).

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
use crate::simd::{Math, exp, per_isa};

/// Queries of a task.
const QUERIES: usize = 64;
/// Keys of a block.
const KEYS: usize = 256;

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
    let keys: usize = parts.iter().map(|part| part.count).sum();
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
        let blocks = keys.div_ceil(KEYS);
        pool::for_each(heads.count * blocks, |task| {
            let (head, from) = (task / blocks, task % blocks * KEYS);
            // What lies past the last key is multiplied too, with shares of 0: it must be a number.
            let to = if from + KEYS < keys { from + KEYS } else { long };
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
    let g = T::GROUP;
    let mut row = vec![T::default(); d];
    k.fill(T::default());
    v.iter_mut().for_each(|panel| panel.fill(T::default()));
    let mut first = 0;
    for part in parts {
        for token in tokens.start.max(first)..tokens.end.min(first + part.count) {
            let (i, token) = (token - first, token - tokens.start);
            T::convert(isa, &part.keys[i * part.keys_stride + at..][..d], &mut row);
            let panel = &mut k[token / PANEL * PANEL * depth..][..PANEL * depth];
            for (group, numbers) in panel.chunks_exact_mut(PANEL * g).zip(row.chunks(g)) {
                group[token % PANEL * g..][..numbers.len()].copy_from_slice(numbers);
            }
            T::convert(isa, &part.values[i * part.values_stride + at..][..d], &mut row);
            for (panel, numbers) in v.iter_mut().zip(row.chunks(PANEL)) {
                let line = &mut panel[token / g * PANEL * g..][..PANEL * g];
                for (to, &number) in line[token % g..].iter_mut().step_by(g).zip(numbers) {
                    *to = number;
                }
            }
        }
        first += part.count;
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
    let chunks = n.div_ceil(QUERIES);
    pool::for_each(heads * chunks, |task| {
        let (head, from) = (task / chunks, task % chunks * QUERIES);
        let rows = QUERIES.min(n - from);
        let (k, v) = packed[head * each..][..each].split_at(each_key);
        let write = |r: usize| {
            // SAFETY: a task alone writes its rows of its head.
            unsafe { out.part((from + r) * heads * d + head * d, d) }
        };
        T::with_scratch(|scratch| {
            chunk::<T>(
                isa,
                &q[from * stride + head * d..],
                stride,
                rows,
                k,
                v,
                sizes,
                scratch,
                write,
            )
        });
    });
}

struct Sizes {
    d: usize,
    depth: usize,
    keys: usize,
    long: usize,
    wide: usize,
}

#[derive(Default)]
pub(crate) struct Scratch<T> {
    q: Aligned<T>,
    row: Vec<f32>,
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

#[allow(clippy::too_many_arguments)]
fn chunk<'o, T: Number>(
    isa: Isa,
    q: &[f32],
    stride: usize,
    rows: usize,
    k: &[T],
    v: &[T],
    sizes: &Sizes,
    scratch: &mut Scratch<T>,
    write: impl Fn(usize) -> &'o mut [f32],
) {
    let Sizes { d, depth, keys, long, wide } = *sizes;
    let padded = rows.next_multiple_of(OVERHANG);
    let Scratch { q: queries, row, scores, shares, sums } = scratch;
    queries.grow(padded * depth);
    row.resize(d, 0.0);
    scores.grow(KEYS * padded);
    shares.grow(padded * KEYS);
    sums.grow(wide * padded);
    sums[..wide * padded].fill(0.0);
    let scale = T::UNIT / (d as f32).sqrt();
    for r in 0..rows {
        for (to, from) in row.iter_mut().zip(&q[r * stride..][..d]) {
            *to = from * scale;
        }
        T::convert(isa, row, &mut queries[r * depth..][..d]);
        queries[r * depth + d..(r + 1) * depth].fill(T::default());
    }
    let mut state = [(f32::NEG_INFINITY, 0f32); QUERIES];
    let _begun = gemm::begin(isa);
    for start in (0..keys).step_by(KEYS) {
        let count = KEYS.min(keys - start);
        let block = count.next_multiple_of(DEPTH).min(long - start);
        for panel in 0..block / PANEL {
            let b = k[(start + panel * PANEL) * depth..].as_ptr();
            let acc = scores[panel * PANEL * padded..].as_mut_ptr();
            let segments = [Segment { offset: 0, len: depth }];
            // SAFETY: a panel of keys has `depth`, and there are `padded` rows of queries and sums.
            unsafe {
                T::block(
                    isa,
                    Left { start: queries.as_ptr(), stride: depth },
                    rows,
                    &segments,
                    b,
                    acc,
                    true,
                )
            }
        }
        for (r, state) in state.iter_mut().enumerate().take(rows) {
            let shares = &mut shares[r * KEYS..][..block];
            let found = T::shares(isa, &scores[r * PANEL..], padded * PANEL, count, shares, state);
            if found != 1.0 {
                for panel in 0..wide / PANEL {
                    sums[(panel * padded + r) * PANEL..][..PANEL]
                        .iter_mut()
                        .for_each(|x| *x *= found);
                }
            }
        }
        for panel in 0..wide / PANEL {
            let b = v[(panel * long + start) * PANEL..].as_ptr();
            let acc = sums[panel * PANEL * padded..].as_mut_ptr();
            let segments = [Segment { offset: 0, len: block }];
            // SAFETY: a panel of values has `long` keys, and there are `padded` rows of shares and sums.
            unsafe {
                T::block(
                    isa,
                    Left { start: shares.as_ptr(), stride: KEYS },
                    rows,
                    &segments,
                    b,
                    acc,
                    false,
                )
            }
        }
    }
    for (r, (_, total)) in state.iter().enumerate().take(rows) {
        let inverse = 1.0 / total;
        for (panel, to) in write(r).chunks_mut(PANEL).enumerate() {
            let sums = &sums[(panel * padded + r) * PANEL..][..PANEL];
            to.iter_mut().zip(sums).for_each(|(to, sum)| *to = sum * inverse);
        }
    }
}

/// Scores of one query, 32 of them every `stride`, to shares e^(score - most) of as many keys as
/// `shares` is long, 0 from `count` on; the factor that its earlier sums must take.
pub(crate) fn shares_exact(
    isa: Isa,
    scores: &[f32],
    stride: usize,
    count: usize,
    shares: &mut [f32],
    state: &mut (f32, f32),
) -> f32 {
    for (panel, line) in shares.chunks_exact_mut(PANEL).enumerate() {
        line.copy_from_slice(&scores[panel * stride..][..PANEL]);
    }
    shares[count..].fill(f32::NEG_INFINITY);
    let factor = exponents(isa, shares, state);
    // Past the last key there is no share; e of the clamped exponent would leave a trace.
    shares[count..].fill(0.0);
    factor
}

#[inline(always)]
fn exponents_body<M: Math>(line: &mut [f32], state: &mut (f32, f32)) -> f32 {
    let mut most = [state.0; 16];
    for chunk in line.chunks_exact(16) {
        for i in 0..16 {
            most[i] = most[i].max(chunk[i]);
        }
    }
    let most = most.iter().fold(state.0, |a, &b| a.max(b));
    // All scores are minus infinity, or one is not a number: shares are then not a number either.
    let mut sums = [0f32; 16];
    for chunk in line.chunks_exact_mut(16) {
        for i in 0..16 {
            let x = if chunk[i] == f32::NEG_INFINITY { 0.0 } else { exp::<M>(chunk[i] - most) };
            sums[i] += x;
            chunk[i] = x;
        }
    }
    let factor = if state.0 == most {
        1.0
    } else if state.0 == f32::NEG_INFINITY {
        0.0
    } else {
        exp::<M>(state.0 - most)
    };
    *state = (most, state.1 * factor + sums.iter().sum::<f32>());
    factor
}

per_isa! {
    /// See [`shares_exact`]; the length is a multiple of 16.
    fn exponents(line: &mut [f32], state: &mut (f32, f32)) -> f32 = exponents_body
}

/// 2ˣ for x ≤ 0, to 4e-5 of it, which is a hundredth of what rounding to bf16 costs.
#[inline(always)]
fn exp2_rough<M: Math>(x: f32) -> f32 {
    // Adding and taking off 1.5·2²³ rounds to a whole number, and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // Not `max`, which would lose what is not a number.
    let x = if x < -126.0 { -126.0 } else { x };
    let shifted = x + ROUND;
    let r = x - (shifted - ROUND);
    let mut p = 0.009_618_13;
    p = M::fma(p, r, 0.055_504_11);
    p = M::fma(p, r, 0.240_226_5);
    p = M::fma(p, r, std::f32::consts::LN_2);
    p = M::fma(p, r, 1.0);
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

#[inline(always)]
fn shares_rough_body<M: Math>(
    scores: &[f32],
    stride: usize,
    count: usize,
    shares: &mut [u16],
    state: &mut (f32, f32),
) -> f32 {
    let (whole, rest) = (count / PANEL, count % PANEL);
    let line = |panel: usize| -> &[f32] { &scores[panel * stride..][..PANEL] };
    let mut most = [state.0; PANEL];
    for panel in 0..whole {
        let line = line(panel);
        for i in 0..PANEL {
            most[i] = if line[i] > most[i] { line[i] } else { most[i] };
        }
    }
    for i in 0..rest {
        most[i] = most[i].max(line(whole)[i]);
    }
    let most = halved(most, |a, b| if b > a { b } else { a });
    let mut sums = [0f32; PANEL];
    // Sums are of the shares as they are rounded, so that these add up to one.
    let round = |x: f32| (x.to_bits() + 0x8000) >> 16;
    let (full, end) = shares.split_at_mut(whole * PANEL);
    for (panel, shares) in full.chunks_exact_mut(PANEL).enumerate() {
        let line = line(panel);
        for i in 0..PANEL {
            let bits = round(exp2_rough::<M>(line[i] - most));
            sums[i] += f32::from_bits(bits << 16);
            shares[i] = bits as u16;
        }
    }
    for i in 0..rest {
        let bits = round(exp2_rough::<M>(line(whole)[i] - most));
        sums[i] += f32::from_bits(bits << 16);
        end[i] = bits as u16;
    }
    end[rest..].fill(0);
    let factor = if state.0 == most {
        1.0
    } else if state.0 == f32::NEG_INFINITY {
        0.0
    } else {
        exp2_rough::<M>(state.0 - most)
    };
    *state = (most, state.1 * factor + halved(sums, |a, b| a + b));
    factor
}

/// All numbers taken together, the two halves first, in vectors for as long as there are halves.
#[inline(always)]
fn halved(mut x: [f32; PANEL], both: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = PANEL / 2;
    while half > 0 {
        for i in 0..half {
            x[i] = both(x[i], x[i + half]);
        }
        half /= 2;
    }
    x[0]
}

per_isa! {
    /// As [`shares_exact`] for scores in powers of two and shares in bf16.
    pub(crate) fn shares_rough(
        scores: &[f32],
        stride: usize,
        count: usize,
        shares: &mut [u16],
        state: &mut (f32, f32),
    ) -> f32 = shares_rough_body
}
