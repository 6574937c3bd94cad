//! Products against their definition: every set of instructions of this machine, every format.

mod reference;

use likeness_kernels::{
    Activation, Blocks, Error, Finish, Format, Matrix, cpu, matmul, matmul_with,
};
use proptest::prelude::*;
use reference::{random, worst};

/// finish(x · Wᵀ) in f64, of the weights as they were packed.
fn wanted(x: &[f32], m: usize, w: &Matrix, finish: &Finish) -> Vec<f64> {
    let (n, k) = (w.outputs(), w.inputs());
    let one = |r: usize, c: usize| {
        let sum: f64 = (0..k).map(|i| f64::from(x[r * k + i]) * f64::from(w.at(c, i))).sum();
        let y = sum * f64::from(finish.scale.unwrap_or(1.0))
            + finish.bias.map_or(0.0, |bias| f64::from(bias[c]));
        let y = match finish.activation {
            Activation::None => y,
            Activation::Silu => y / (1.0 + (-y).exp()),
            Activation::QuickGelu => y / (1.0 + (-1.702 * y).exp()),
            Activation::GeluTanh => {
                0.5 * y * (1.0 + (0.797_884_560_802_865_4 * (y + 0.044_715 * y * y * y)).tanh())
            }
            // The error function's series; beyond 4 it is 1 to eight digits.
            Activation::Gelu => {
                let z = y / std::f64::consts::SQRT_2;
                let mut term = z;
                let mut sum = z;
                for i in 1..200 {
                    term *= -z * z / i as f64;
                    sum += term / (2 * i + 1) as f64;
                }
                let erf = if z.abs() > 4.0 {
                    z.signum()
                } else {
                    sum * 2.0 / std::f64::consts::PI.sqrt()
                };
                0.5 * y * (1.0 + erf)
            }
            Activation::Relu => y.max(0.0),
        };
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

#[test]
fn what_is_not_a_number_stays_in_its_row() {
    let w = Matrix::pack_rows(&random(40 * 70, 1), 40, 70, Format::Bf16).unwrap();
    let mut x = random(35 * 70, 2);
    x[5 * 70 + 3] = f32::NAN;
    for &isa in cpu::available() {
        let mut out = vec![0.0; 35 * 40];
        matmul_with(isa, &x, 35, &w, &Finish::default(), &mut out).unwrap();
        for (r, row) in out.chunks(40).enumerate() {
            assert_eq!(row.iter().any(|x| x.is_nan()), r == 5, "{isa:?}: row {r}");
        }
    }
}
