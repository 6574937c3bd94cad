//! Attention against its definition: any head size, keys in parts, rows apart, every set.

mod reference;

use likeness_kernels::{Heads, KeyValues, attention_with, cpu};
use proptest::prelude::*;
use reference::{Unaligned, attended, random, spread, worst};

fn part<'a>(
    keys: &'a [f32],
    values: &'a [f32],
    strides: [usize; 2],
    count: usize,
) -> KeyValues<'a> {
    KeyValues { keys, keys_stride: strides[0], values, values_stride: strides[1], count }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn any_shape_is_that_of_the_definition(
        heads in 1usize..4,
        d in prop_oneof![1usize..=256, Just(32), Just(64), Just(256)],
        n in 1usize..70,
        prefix in 0usize..40,
        m in prop_oneof![1usize..60, 200usize..280],
        apart in 0usize..5,
        seed in 0u32..1000,
    ) {
        let (width, keys) = (heads * d, prefix + m);
        let q: Vec<f32> = random(n * width, seed).iter().map(|x| x * 4.0).collect();
        let (k, v) = (random(keys * width, seed + 1), random(keys * width, seed + 2));
        let wanted = attended(&q, n, &k, &v, heads, d);
        let stride = width + apart;
        let q = Unaligned::new(&spread(&q, width, stride));
        let (k, v) = (Unaligned::new(&spread(&k, width, stride)), Unaligned::new(&v));
        // What comes before lies apart from the rest, as cached keys do; a part may be empty.
        let (k, v) = ((&k.numbers()[..prefix * stride], &k.numbers()[prefix * stride..]), v.numbers().split_at(prefix * width));
        let strides = [stride, width];
        let parts = [part(k.0, v.0, strides, prefix), part(&[], &[], strides, 0), part(k.1, v.1, strides, m)];
        for &isa in cpu::available() {
            for (bf16, bound) in [(false, 1e-5), (true, 0.03)] {
                let mut out = Unaligned::new(&vec![f32::NAN; n * width]);
                let heads = Heads { count: heads, size: d, bf16 };
                attention_with(isa, q.numbers(), stride, n, &parts, heads, out.numbers_mut()).unwrap();
                let worst = worst(out.numbers(), &wanted);
                prop_assert!(worst < bound, "{:?} {:?}, {} of {} + {}: {}", isa, heads, n, prefix, m, worst);
            }
        }
    }
}

const HEADS: usize = 2;
const SIZE: usize = 40;
const WIDTH: usize = HEADS * SIZE;
const QUERIES: usize = 70;
const KEYS: usize = 300;

/// Runs with one number of queries, keys or values changed; `check` gets the token, head, number in the
/// head, and the result.
#[track_caller]
fn with_one(
    which: usize,
    place: usize,
    what: f32,
    check: impl Fn(usize, usize, usize, f32) -> bool,
) {
    let mut x = [random(QUERIES * WIDTH, 1), random(KEYS * WIDTH, 2), random(KEYS * WIDTH, 3)];
    x[which][place] = what;
    let parts = [part(&x[1], &x[2], [WIDTH; 2], KEYS)];
    for &isa in cpu::available() {
        for bf16 in [false, true] {
            let mut out = vec![0.0; QUERIES * WIDTH];
            let heads = Heads { count: HEADS, size: SIZE, bf16 };
            attention_with(isa, &x[0], WIDTH, QUERIES, &parts, heads, &mut out).unwrap();
            for (i, &found) in out.iter().enumerate() {
                let (token, head, number) = (i / WIDTH, i / SIZE % HEADS, i % SIZE);
                assert!(
                    check(token, head, number, found),
                    "{isa:?} bf16 {bf16}, query {token}, head {head}, number {number}: {found}"
                );
            }
        }
    }
}

#[test]
fn what_is_not_a_number_goes_where_arithmetic_takes_it() {
    // A query spoils its own row of its head.
    with_one(0, 65 * WIDTH + 3, f32::NAN, |token, head, _, x| {
        x.is_nan() == (token == 65 && head == 0)
    });
    // A key spoils its head, since every share is divided by the sum of all.
    with_one(1, 270 * WIDTH + SIZE + 3, f32::NAN, |_, head, _, x| x.is_nan() == (head == 1));
    // A value spoils its column of its head.
    with_one(2, 299 * WIDTH + SIZE + 3, f32::NAN, |_, head, number, x| {
        x.is_nan() == (head == 1 && number == 3)
    });
    for infinite in [f32::INFINITY, f32::NEG_INFINITY] {
        with_one(0, 5 * WIDTH, infinite, |token, head, _, x| {
            x.is_nan() == (token == 5 && head == 0)
        });
        with_one(2, 17 * WIDTH + 9, infinite, |_, head, number, x| {
            if head == 0 && number == 9 { x == infinite } else { x.is_finite() }
        });
    }
}

#[test]
fn a_key_infinitely_far_off_has_no_share() {
    let mut q = random(QUERIES * WIDTH, 1);
    let mut k = random(KEYS * WIDTH, 2);
    let v = random(KEYS * WIDTH, 3);
    for token in q.chunks_mut(SIZE) {
        token[0] = 0.5;
    }
    let last = (KEYS - 1) * WIDTH;
    let wanted = attended(&q, QUERIES, &k[..last], &v[..last], HEADS, SIZE);
    k[last] = f32::NEG_INFINITY;
    k[last + SIZE] = f32::NEG_INFINITY;
    for &isa in cpu::available() {
        for (bf16, bound) in [(false, 1e-5), (true, 0.03)] {
            let mut out = vec![0.0; QUERIES * WIDTH];
            let heads = Heads { count: HEADS, size: SIZE, bf16 };
            let parts = [part(&k, &v, [WIDTH; 2], KEYS)];
            attention_with(isa, &q, WIDTH, QUERIES, &parts, heads, &mut out).unwrap();
            assert!(worst(&out, &wanted) < bound, "{isa:?} bf16 {bf16}");
        }
    }
}

#[test]
fn scores_may_rise_from_key_to_key() {
    // Slowly, by scores that bf16 holds exactly, fast, and down again.
    for (step, count, is_rising) in [(50, 3000, true), (10, 2500, true), (20, 2000, false)] {
        let mut q = random(QUERIES * WIDTH, 4);
        let mut k = random(count * WIDTH, 5);
        let v = random(count * WIDTH, 6);
        q.chunks_mut(SIZE).for_each(|token| token[0] = 1.0);
        for (i, token) in k.chunks_mut(WIDTH).enumerate() {
            let score = (if is_rising { i } else { count - i } / step) as f32;
            (token[0], token[SIZE]) = (score, score);
        }
        let wanted = attended(&q, QUERIES, &k, &v, HEADS, SIZE);
        for &isa in cpu::available() {
            for (bf16, bound) in [(false, 1e-4), (true, 0.03)] {
                let mut out = vec![0.0; QUERIES * WIDTH];
                let heads = Heads { count: HEADS, size: SIZE, bf16 };
                let parts = [part(&k, &v, [WIDTH; 2], count)];
                attention_with(isa, &q, WIDTH, QUERIES, &parts, heads, &mut out).unwrap();
                let worst = worst(&out, &wanted);
                assert!(worst < bound, "{isa:?} bf16 {bf16}, step {step}: {worst}");
            }
        }
    }
}
