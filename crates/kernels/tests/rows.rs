//! Norms, gates and what else is done row by row, against their definitions over any shape. Those that
//! take no set run on the one that `LIKENESS_CPU` leaves: `cargo xtask test` runs these at several.

mod reference;

use likeness_kernels::{
    Activation, Before, Channelwise, Finish, Format, Gate, Gated, HeadNorm, LayerNorm, Matrix,
    Moments, cpu, gated, group_norm, layer_norm, matmul_after, norm_heads, rms_norm, softmax,
};
use proptest::prelude::*;
use reference::{
    Unaligned, activated, layer_normed, mean_and_variance, random, rms_normed, spread, worst,
};

fn gate_of(gate: Gate, first: f64, second: f64) -> f64 {
    match gate {
        Gate::SwiGlu => activated(first, Activation::Silu) * second,
        Gate::GeGlu => first * activated(second, Activation::Gelu),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn norms_of_any_shape(m in 0usize..80, n in 1usize..200, weighted in any::<bool>(), shifted in any::<bool>(), offset in -20f32..20.0, seed in 0u32..1000) {
        let x: Vec<f32> = random(m * n, seed).iter().map(|x| x * 3.0 + offset).collect();
        let x = Unaligned::new(&x);
        let x = x.numbers();
        let (weight, bias) = (random(n, seed + 1), random(n, seed + 2));
        let (w, b) = (weighted.then_some(&weight[..]), shifted.then_some(&bias[..]));
        let mut out = Unaligned::new(&vec![f32::NAN; m * n]);
        layer_norm(x, n, w, b, 1e-5, out.numbers_mut()).unwrap();
        // What is left of a mean of 20 in f32 is divided by the spread; a row of one has none.
        prop_assert!(worst(out.numbers(), &layer_normed(x, n, w, b, 1e-5)) < 2e-3);
        rms_norm(x, n, &weight, 1e-6, out.numbers_mut()).unwrap();
        prop_assert!(worst(out.numbers(), &rms_normed(x, &weight, 1e-6)) < 1e-5);
    }

    #[test]
    fn group_norms_of_any_shape(pixels in 1usize..700, groups in 1usize..9, each in 1usize..9, silu in any::<bool>(), seed in 0u32..1000) {
        let c = groups * each;
        let x = random(pixels * c, seed);
        let (weight, bias) = (random(c, seed + 1), random(c, seed + 2));
        let norm = group_norm(&x, c, groups, &weight, &bias, 1e-3, silu).unwrap();
        let mut out = Unaligned::new(&vec![f32::NAN; x.len()]);
        norm.apply(&x, out.numbers_mut()).unwrap();
        let mut wanted = vec![0f64; x.len()];
        for group in 0..groups {
            let places: Vec<usize> = (0..pixels).flat_map(|p| (0..each).map(move |i| p * c + group * each + i)).collect();
            let (mean, variance) = mean_and_variance(&places.iter().map(|&i| f64::from(x[i])).collect::<Vec<_>>());
            for i in places {
                let y = (f64::from(x[i]) - mean) / (variance + 1e-3).sqrt() * f64::from(weight[i % c]) + f64::from(bias[i % c]);
                wanted[i] = if silu { activated(y, Activation::Silu) } else { y };
            }
        }
        prop_assert!(worst(out.numbers(), &wanted) < 1e-4);
    }

    #[test]
    fn heads_of_any_shape(tokens in 0usize..70, heads in 1usize..5, pairs in 1usize..80, apart in 0usize..5, turned in any::<bool>(), seed in 0u32..1000) {
        let size = 2 * pairs;
        let width = heads * size;
        let (x, weight) = (random(tokens * width, seed), random(size, seed + 1));
        let (cos, sin): (Vec<f32>, Vec<f32>) = random(tokens * pairs, seed + 2).iter().map(|x| ((x * 3.0).cos(), (x * 3.0).sin())).unzip();
        let mut wanted = rms_normed(&x, &weight, 1e-6);
        if turned {
            for (i, pair) in wanted.chunks_exact_mut(2).enumerate() {
                let at = i / (heads * pairs) * pairs + i % pairs;
                let (c, s) = (f64::from(cos[at]), f64::from(sin[at]));
                let (a, b) = (pair[0], pair[1]);
                (pair[0], pair[1]) = (a * c - b * s, a * s + b * c);
            }
        }
        let spread_out = spread(&x, width, width + apart);
        let mut out = Unaligned::new(&spread_out);
        let turns = turned.then_some((&cos[..], &sin[..]));
        let how = HeadNorm { heads, size, weight: &weight, eps: 1e-6, turns };
        norm_heads(out.numbers_mut(), width + apart, tokens, how).unwrap();
        let rows = || out.numbers().chunks(width + apart).zip(spread_out.chunks(width + apart));
        let heads: Vec<f32> = rows().flat_map(|(row, _)| &row[..width]).copied().collect();
        prop_assert!(worst(&heads, &wanted) < 1e-5);
        let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        prop_assert!(rows().all(|(row, was)| bits(&row[width..]) == bits(&was[width..])));
    }

    #[test]
    fn gates_and_softmax_of_any_shape(m in 0usize..70, n in 1usize..150, apart in 0usize..5, seed in 0u32..1000) {
        let x: Vec<f32> = random(m * 2 * n, seed).iter().map(|x| x * 6.0).collect();
        let rows = Unaligned::new(&spread(&x, 2 * n, 2 * n + apart));
        for gate in [Gate::SwiGlu, Gate::GeGlu] {
            let wanted: Vec<f64> = (0..m * n)
                .map(|i| gate_of(gate, f64::from(x[i / n * 2 * n + i % n]), f64::from(x[i / n * 2 * n + n + i % n])))
                .collect();
            let mut out = Unaligned::new(&vec![f32::NAN; m * n]);
            gated(rows.numbers(), 2 * n + apart, m, n, gate, out.numbers_mut()).unwrap();
            prop_assert!(worst(out.numbers(), &wanted) < 2e-5);
        }
        let mut soft = Unaligned::new(&x);
        softmax(soft.numbers_mut(), 2 * n).unwrap();
        let wanted: Vec<f64> = x
            .chunks(2 * n)
            .flat_map(|row| {
                let total: f64 = row.iter().map(|&x| f64::from(x).exp()).sum();
                row.iter().map(move |&x| f64::from(x).exp() / total)
            })
            .collect();
        prop_assert!(worst(soft.numbers(), &wanted) < 1e-6);
    }

    #[test]
    fn norms_on_the_way_into_products_of_any_shape(m in 1usize..70, n in 1usize..70, k in 1usize..200, seed in 0u32..1000) {
        let x = random(m * k, seed);
        let (weight, bias, of_out) = (random(k, seed + 1), random(k, seed + 2), random(2 * n, seed + 3));
        let norm = LayerNorm { weight: Some(&weight), bias: Some(&bias), eps: 1e-2 };
        let normed = layer_normed(&x, k, norm.weight, norm.bias, 1e-2);
        let w: Vec<f32> = random(2 * n * k, seed + 4).iter().map(|x| x / (k as f32).sqrt()).collect();
        let wide: Vec<f64> = (0..m * 2 * n)
            .map(|i| {
                let (r, o) = (i / (2 * n), i % (2 * n));
                (0..k).map(|j| normed[r * k + j] * f64::from(w[o * k + j])).sum::<f64>() + f64::from(of_out[o])
            })
            .collect();
        let finish = Finish { bias: Some(&of_out), ..Finish::default() };
        let before = Before { x: &[&x], m, norm: Some(norm) };
        for (format, bound) in [(Format::F32, 1e-4), (Format::Bf16, 0.05), (Format::F16, 0.01), (Format::Int8, 0.15)] {
            let packed = Matrix::pack_rows(&w, 2 * n, k, format).unwrap();
            for &isa in cpu::available() {
                let mut out = vec![f32::NAN; m * 2 * n];
                matmul_after(isa, before, &packed, &finish, &mut out).unwrap();
                let found = worst(&out, &wide);
                prop_assert!(found < bound, "{:?} {:?} {} x {} x {}: {}", isa, format, m, 2 * n, k, found);
            }
            for gate in [Gate::SwiGlu, Gate::GeGlu] {
                let layer = Gated::pack(&w, Some(&of_out), n, k, gate, format).unwrap();
                let wanted: Vec<f64> = (0..m * n)
                    .map(|i| gate_of(gate, wide[i / n * 2 * n + i % n], wide[i / n * 2 * n + n + i % n]))
                    .collect();
                for &isa in cpu::available() {
                    let mut out = vec![f32::NAN; m * n];
                    layer.forward_with(isa, before, &mut out).unwrap();
                    // Errors of both halves, each times the other half.
                    let found = worst(&out, &wanted);
                    prop_assert!(found < 4.0 * bound, "{:?} {:?} {:?} {} x {} x {}: {}", isa, format, gate, m, n, k, found);
                }
            }
        }
    }
}

/// Each row by itself: what is not a number in one is seen in that one, and in no other.
#[test]
fn what_is_not_a_number_stays_in_its_row() {
    let (m, n) = (40, 36);
    for what in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut x = random(m * n, 1);
        x[33 * n + 7] = what;
        let (ones, half) = (vec![1.0; n], n / 2);
        let check = |what: &str, out: &[f32], width: usize| {
            for (r, row) in out.chunks(width).enumerate() {
                let finite = row.iter().all(|x| x.is_finite());
                assert_eq!(finite, r != 33, "{what}: row {r} is {row:?}");
            }
        };
        let mut out = vec![0.0; m * n];
        layer_norm(&x, n, None, None, 1e-5, &mut out).unwrap();
        check("layer norm", &out, n);
        rms_norm(&x, n, &ones, 1e-5, &mut out).unwrap();
        check("rms norm", &out, n);
        let how = HeadNorm { heads: 1, size: n, weight: &ones, eps: 1e-5, turns: None };
        out.copy_from_slice(&x);
        norm_heads(&mut out, n, m, how).unwrap();
        check("heads", &out, n);
        // One of its numbers is minus infinity, and its share nothing: the others share as before.
        let mut soft = x.clone();
        softmax(&mut soft, n).unwrap();
        if what == f32::NEG_INFINITY {
            let total: f32 = soft[33 * n..34 * n].iter().sum();
            assert!(soft[33 * n + 7] < 1e-30 && (total - 1.0).abs() < 1e-5);
        } else {
            check("softmax", &soft, n);
        }
        // 7 is in the half that is not gated, and the other is not zero.
        let mut out = vec![0.0; m * half];
        gated(&x, n, m, half, Gate::GeGlu, &mut out).unwrap();
        check("gate", &out, half);
        let moments = Moments::of(&x, n).unwrap();
        let norm = moments.group_norm(9, &ones, &ones, 1e-5, false).unwrap();
        for c in 0..n {
            // Channel 7 is in the second group of four.
            assert_eq!(norm.shift[c].is_finite(), c / 4 != 1, "channel {c}");
        }
        let pass = Channelwise { scale: ones.clone(), shift: ones.clone(), silu: true };
        let mut out = vec![0.0; m * n];
        pass.apply(&x, &mut out).unwrap();
        assert_eq!(out.iter().filter(|x| !x.is_finite()).count(), 1);
    }
}
