//! Products against their definition: every set of instructions of this machine, every format.

mod reference;

use likeness_kernels::{
    Activation, Blocks, Error, Finish, Format, Matrix, cpu, matmul, matmul_with,
};
use proptest::prelude::*;
use reference::{Unaligned, activated, random, whole, worst};

/// finish(x · Wᵀ) in f64, of the weights as they were packed.
fn wanted(x: &[f32], m: usize, w: &Matrix, finish: &Finish) -> Vec<f64> {
    let (n, k) = (w.outputs(), w.inputs());
    let one = |r: usize, c: usize| {
        let sum: f64 = (0..k).map(|i| f64::from(x[r * k + i]) * f64::from(w.at(c, i))).sum();
        let y = sum * f64::from(finish.scale.unwrap_or(1.0))
            + finish.bias.map_or(0.0, |bias| f64::from(bias[c]));
        let y = activated(y, finish.activation);
        let gate = finish.gate.map_or(1.0, |gate| f64::from(gate[c]));
        let out = finish.residual.map_or(0.0, |residual| f64::from(residual[r * n + c])) + gate * y;
        if finish.relu { out.max(0.0) } else { out }
    };
    (0..m * n).map(|i| one(i / n, i % n)).collect()
}

/// What rounding activations may cost, for sums of k products of numbers below 1.
fn bound(format: Format, k: usize) -> f64 {
    let each = match format {
        Format::F32 | Format::F16 => 3e-6,
        Format::Bf16 => 0.006,
        Format::Int8 => 0.012,
        // Blocks hold numbers of up to eight in these tests.
        Format::Q8_0 | Format::Q4K => 0.05,
    };
    each * (k as f64).sqrt().max(2.0)
}

fn check(x: &[f32], m: usize, w: &Matrix, finish: &Finish) {
    let wanted = wanted(x, m, w, finish);
    for &isa in cpu::available() {
        let mut out = vec![f32::NAN; m * w.outputs()];
        matmul_with(isa, x, m, w, finish, &mut out).unwrap();
        let worst = worst(&out, &wanted);
        let bound = bound(w.format(), w.inputs());
        assert!(
            worst < bound,
            "{isa:?} {:?} {m} x {} x {}: {worst} >= {bound}",
            w.format(),
            w.outputs(),
            w.inputs()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_set_and_format_gives_the_product(m in 1usize..70, n in 1usize..70, k in 1usize..300, seed in 0u32..1000) {
        let (x, w) = (random(m * k, seed), random(n * k, seed + 1));
        let (bias, gate, residual) = (random(n, seed + 2), random(n, seed + 3), random(m * n, seed + 4));
        let activation = [Activation::None, Activation::Silu, Activation::Gelu, Activation::GeluTanh, Activation::QuickGelu, Activation::Relu][seed as usize % 6];
        let finish = Finish { scale: Some(0.5), bias: Some(&bias), activation, gate: Some(&gate), residual: Some(&residual), relu: seed % 2 == 0 };
        for format in [Format::F32, Format::Bf16, Format::F16, Format::Int8] {
            check(&x, m, &Matrix::pack_rows(&w, n, k, format).unwrap(), &finish);
        }
    }
}

#[test]
fn depth_and_rows_beyond_a_block_add_up() {
    for (m, n, k) in [(300, 40, 1100), (33, 32, 2500), (513, 33, 64)] {
        let (x, w) = (random(m * k, 1), random(n * k, 2));
        for format in [Format::F32, Format::Bf16, Format::Int8] {
            check(&x, m, &Matrix::pack_rows(&w, n, k, format).unwrap(), &Finish::default());
        }
    }
}

#[test]
fn blocks_are_multiplied_as_gguf_means_them() {
    let (m, n, k) = (19, 35, 512);
    let x = random(m * k, 1);
    let half = |x: f32| half::f16::from_f32(x).to_le_bytes();
    let bytes: Vec<u8> = random(n * k, 2).iter().map(|x| (x * 127.0) as i8 as u8).collect();
    let q8: Vec<u8> = bytes.chunks(32).flat_map(|b| [&half(0.03)[..], b].concat()).collect();
    let packed = Matrix::of_blocks(&q8, n, k, Blocks::Q8_0).unwrap();
    assert!((packed.at(3, 40) - f32::from(bytes[3 * k + 40] as i8) * 0.03).abs() < 1e-3);
    check(&x, m, &packed, &Finish::default());

    let q4: Vec<u8> = bytes
        .chunks(140)
        .take(n * k / 256)
        .flat_map(|b| [&half(0.01)[..], &half(0.02)[..], b].concat())
        .collect();
    let packed = Matrix::of_blocks(&q4, n, k, Blocks::Q4K).unwrap();
    // Row 0, number 1: scale and minimum of the first group, low half of the second byte.
    let by_hand =
        0.01 * f32::from(q4[4] & 63) * f32::from(q4[17] & 15) - 0.02 * f32::from(q4[8] & 63);
    assert!((packed.at(0, 1) - by_hand).abs() < 1e-3);
    check(&x, m, &packed, &Finish::default());
}

/// An overflow must be seen at the end, and no ReLU on the way may make a zero of it.
#[test]
fn what_is_not_a_number_stays_so() {
    let w = Matrix::pack_rows(&[1.0; 6], 2, 3, Format::F32).unwrap();
    for finish in [
        Finish { activation: Activation::Relu, ..Finish::default() },
        Finish { relu: true, ..Finish::default() },
    ] {
        let mut out = [0.0; 2];
        matmul(&[1.0, f32::NAN, 1.0], 1, &w, &finish, &mut out).unwrap();
        assert!(out.iter().all(|x| x.is_nan()), "{out:?}");
        matmul(&[-1.0; 3], 1, &w, &finish, &mut out).unwrap();
        assert_eq!(out, [0.0; 2]);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let w = Matrix::pack_rows(&[1.0; 6], 2, 3, Format::F32).unwrap();
    let (finish, mut out) = (Finish::default(), [0.0; 4]);
    assert!(matches!(
        matmul(&[0.0; 5], 2, &w, &finish, &mut out),
        Err(Error::Shape { what: "x", .. })
    ));
    assert!(matches!(
        matmul(&[0.0; 6], 2, &w, &finish, &mut out[..3]),
        Err(Error::Shape { what: "out", .. })
    ));
    assert!(matches!(
        matmul(&[0.0; 6], usize::MAX, &w, &finish, &mut out),
        Err(Error::Shape { .. })
    ));
    let short = Finish { bias: Some(&[0.0]), ..finish };
    assert!(matches!(
        matmul(&[0.0; 6], 2, &w, &short, &mut out),
        Err(Error::Shape { what: "bias", .. })
    ));
    assert!(matmul(&[], 0, &w, &finish, &mut []).is_ok(), "no rows are no work");
    assert!(matches!(Matrix::pack_rows(&[], 0, 3, Format::F32), Err(Error::Size { .. })));
    assert!(matches!(Matrix::pack_rows(&[0.0; 6], 2, 3, Format::Q8_0), Err(Error::Format(_))));
    assert!(matches!(Matrix::of_blocks(&[0; 34], 1, 33, Blocks::Q8_0), Err(Error::Size { .. })));
    assert!(matches!(Matrix::of_blocks(&[0; 33], 1, 32, Blocks::Q8_0), Err(Error::Shape { .. })));
}

/// The numbers of a block of Q4_K, as GGUF describes it: eight groups of 32, in pairs that share 32
/// bytes, the first of a pair in the low halves.
fn numbers_of_q4k(block: &[u8]) -> Vec<f32> {
    let half = |i: usize| half::f16::from_le_bytes([block[i], block[i + 1]]).to_f32();
    let (scales, packed, bytes) = ([half(0), half(2)], &block[4..16], &block[16..]);
    let six_bits = |j: usize| match j {
        0..4 => [packed[j] & 63, packed[j + 4] & 63],
        _ => {
            [packed[j + 4] & 15 | packed[j - 4] >> 6 << 4, packed[j + 4] >> 4 | packed[j] >> 6 << 4]
        }
    };
    (0..256)
        .map(|i| {
            let [scale, least] = six_bits(i / 32);
            let byte = bytes[i / 64 * 32 + i % 32];
            let four = if i / 32 % 2 == 0 { byte & 15 } else { byte >> 4 };
            scales[0] * f32::from(scale) * f32::from(four) - scales[1] * f32::from(least)
        })
        .collect()
}

fn bytes(n: usize, seed: u32) -> Vec<u8> {
    random(n, seed).iter().map(|x| (x * 127.9) as i8 as u8).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_blocks_are_unpacked_and_multiplied(m in 1usize..40, n in 1usize..70, groups in 1usize..8, seed in 0u32..1000) {
        let half = |x: f32| half::f16::from_f32(x).to_le_bytes();
        let k = 32 * groups;
        let q8: Vec<u8> = bytes(n * k, seed)
            .chunks(32)
            .enumerate()
            .flat_map(|(i, b)| [&half(0.001 * (i % 9) as f32)[..], b].concat())
            .collect();
        let packed = Matrix::of_blocks(&q8, n, k, Blocks::Q8_0).unwrap();
        let at = (seed as usize % n, seed as usize % k);
        let block = &q8[(at.0 * groups + at.1 / 32) * 34..];
        let scale = half::f16::from_le_bytes([block[0], block[1]]).to_f32();
        prop_assert_eq!(packed.at(at.0, at.1), scale * f32::from(block[2 + at.1 % 32] as i8));
        check(&random(m * k, seed), m, &packed, &Finish::default());

        let k = 256 * groups.div_ceil(3);
        let q4: Vec<u8> = bytes(n * k / 256 * 140, seed)
            .chunks(140)
            .flat_map(|b| [&half(0.003)[..], &half(0.002)[..], b].concat())
            .collect();
        let packed = Matrix::of_blocks(&q4, n, k, Blocks::Q4K).unwrap();
        for (i, wanted) in q4.chunks(144).flat_map(numbers_of_q4k).enumerate() {
            prop_assert!((packed.at(i / k, i % k) - wanted).abs() < 1e-6, "number {}", i);
        }
        check(&random(m * k, seed), m, &packed, &Finish::default());
    }

    #[test]
    fn whole_numbers_are_exact_on_every_set(m in 1usize..100, n in 1usize..100, k in 1usize..700, seed in 0u32..1000) {
        let (x, w) = (Unaligned::new(&whole(m * k, seed)), whole(n * k, seed + 1));
        let (x, finish) = (x.numbers(), Finish::default());
        let wanted: Vec<f32> = (0..m * n)
            .map(|i| (0..k).map(|j| x[i / n * k + j] * w[i % n * k + j]).sum())
            .collect();
        for format in [Format::F32, Format::Bf16, Format::F16] {
            let packed = Matrix::pack_rows(&w, n, k, format).unwrap();
            for &isa in cpu::available() {
                let mut out = Unaligned::new(&vec![f32::NAN; m * n]);
                matmul_with(isa, x, m, &packed, &finish, out.numbers_mut()).unwrap();
                prop_assert_eq!(out.numbers(), &wanted, "{:?} {:?}", isa, format);
            }
        }
    }

    #[test]
    fn bytes_give_the_same_bits_on_every_set(m in 1usize..100, n in 1usize..100, k in 1usize..5000, seed in 0u32..1000) {
        // The largest bytes of either sign among them: nothing may saturate.
        let extreme = |x: Vec<f32>| -> Vec<f32> {
            x.iter().map(|x| if x.abs() > 0.5 { x.signum() } else { *x }).collect()
        };
        let (x, w) = (extreme(random(m * k, seed)), extreme(random(n * k, seed + 1)));
        let packed = Matrix::pack_rows(&w, n, k, Format::Int8).unwrap();
        let results: Vec<Vec<u32>> = cpu::available()
            .iter()
            .map(|&isa| {
                let mut out = vec![f32::NAN; m * n];
                matmul_with(isa, &x, m, &packed, &Finish::default(), &mut out).unwrap();
                out.iter().map(|x| x.to_bits()).collect()
            })
            .collect();
        for (isa, result) in cpu::available().iter().zip(&results) {
            prop_assert!(*result == results[0], "{:?} differs", isa);
        }
    }
}

/// Bytes that are all as large as they get, in sums as deep as are packed.
#[test]
fn sums_of_bytes_hold_the_deepest_rows() {
    const DEEPEST: usize = 1 << 17;
    let rows = [vec![1.0; DEEPEST], vec![-1.0; DEEPEST]].concat();
    let packed = Matrix::pack_rows(&rows, 2, DEEPEST, Format::Int8).unwrap();
    for &isa in cpu::available() {
        let mut out = [f32::NAN; 4];
        matmul_with(isa, &rows, 2, &packed, &Finish::default(), &mut out).unwrap();
        for (found, sign) in out.iter().zip([1.0, -1.0, -1.0, 1.0]) {
            assert!((found / (sign * DEEPEST as f32) - 1.0).abs() < 1e-6, "{isa:?}: {out:?}");
        }
    }
    let deeper = vec![1.0; DEEPEST + 1];
    assert!(matches!(
        Matrix::pack_rows(&deeper, 1, DEEPEST + 1, Format::Int8),
        Err(Error::Size { what: "inputs of a byte matrix", .. })
    ));
}

fn packed(format: Format, n: usize, k: usize) -> Matrix {
    let w: Vec<f32> = random(n * k, 1).iter().map(|x| x + 2.0).collect();
    match format {
        Format::Q8_0 => {
            let scale = half::f16::from_f32(0.01).to_le_bytes();
            let bytes: Vec<u8> = bytes(n * k, 1);
            let blocks = bytes.chunks(32).flat_map(|b| [&scale[..], b].concat());
            Matrix::of_blocks(&blocks.collect::<Vec<_>>(), n, k, Blocks::Q8_0).unwrap()
        }
        Format::Q4K => {
            let scale = half::f16::from_f32(0.01).to_le_bytes();
            let bytes: Vec<u8> = bytes(n * k / 256 * 140, 1);
            let blocks = bytes.chunks(140).flat_map(|b| [&scale[..], &scale[..], b].concat());
            Matrix::of_blocks(&blocks.collect::<Vec<_>>(), n, k, Blocks::Q4K).unwrap()
        }
        format => Matrix::pack_rows(&w, n, k, format).unwrap(),
    }
}

#[test]
fn what_is_not_a_number_stays_in_its_row() {
    let (m, n, k) = (35, 40, 512);
    for format in [Format::F32, Format::Bf16, Format::F16, Format::Int8, Format::Q8_0, Format::Q4K]
    {
        let w = packed(format, n, k);
        for what in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = random(m * k, 2);
            x[5 * k + 3] = what;
            for &isa in cpu::available() {
                let mut out = vec![0.0; m * n];
                matmul_with(isa, &x, m, &w, &Finish::default(), &mut out).unwrap();
                for (r, row) in out.chunks(n).enumerate() {
                    let finite = row.iter().all(|x| x.is_finite());
                    let gone = row.iter().all(|x| !x.is_finite());
                    assert!(
                        if r == 5 { gone } else { finite },
                        "{isa:?} {format:?} with {what}: row {r} is {row:?}"
                    );
                }
            }
        }
    }
}

/// A weight that is not a number spoils its output and no other.
#[test]
fn what_is_not_a_number_stays_in_its_column() {
    let (m, n, k) = (3, 40, 64);
    let mut weights = random(n * k, 1);
    weights[7 * k + 9] = f32::NAN;
    let mut blocks: Vec<u8> =
        random(n * k, 1).chunks(32).flat_map(|_| [[0, 40].as_slice(), &[3; 32]].concat()).collect();
    blocks[14 * 34..][..2].copy_from_slice(&half::f16::NAN.to_le_bytes());
    let mut packed: Vec<Matrix> = [Format::F32, Format::Bf16, Format::F16, Format::Int8]
        .map(|format| Matrix::pack_rows(&weights, n, k, format).unwrap())
        .into();
    packed.push(Matrix::of_blocks(&blocks, n, k, Blocks::Q8_0).unwrap());
    let x = random(m * k, 2);
    for w in packed {
        for &isa in cpu::available() {
            let mut out = vec![0.0; m * n];
            matmul_with(isa, &x, m, &w, &Finish::default(), &mut out).unwrap();
            for (i, found) in out.iter().enumerate() {
                assert_eq!(found.is_nan(), i % n == 7, "{isa:?} {:?}: {i}", w.format());
            }
        }
    }
}

#[test]
fn a_result_too_large_for_the_caches_is_the_same() {
    // The whole goes past the caches, its halves do not; in rows that begin a line of the cache and not.
    let (m, n, k) = (8200, 1056, 8);
    let (x, w) = (random(m * k, 1), random(n * k, 2));
    let w = Matrix::pack_rows(&w, n, k, Format::Bf16).unwrap();
    let residual = random(m * n, 3);
    let half = m / 2;
    for &isa in cpu::available() {
        let mut parts = vec![f32::NAN; m * n];
        for (i, out) in parts.chunks_mut(half * n).enumerate() {
            let residual = Some(&residual[i * half * n..][..half * n]);
            let finish = Finish { residual, ..Finish::default() };
            matmul_with(isa, &x[i * half * k..][..half * k], half, &w, &finish, out).unwrap();
        }
        let finish = Finish { residual: Some(&residual), ..Finish::default() };
        let mut room = vec![f32::NAN; m * n + 16];
        let line = room.as_ptr().align_offset(64);
        for start in [line, line + 1] {
            let out = &mut room[start.min(16)..][..m * n];
            matmul_with(isa, &x, m, &w, &finish, out).unwrap();
            assert!(out == parts, "{isa:?} from number {start}");
        }
    }
}
