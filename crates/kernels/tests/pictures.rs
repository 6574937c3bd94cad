//! Convolutions, attention and norms against their definitions, on every set of this machine.

mod reference;

use likeness_kernels::{
    Channelwise, Convolution, Error, Finish, Format, Gate, HeadNorm, Heads, KeyValues, Walk,
    attention_with, cpu, gated, group_norm, layer_norm, norm_heads, rms_norm, softmax,
};
use reference::{attended, convolved, mean_and_variance, random, worst};

#[test]
fn convolutions_are_those_of_the_definition() {
    for (height, width, c, n, side, stride, before, doubled) in [
        (5, 7, 3, 4, 3, 1, 1, false),
        (8, 8, 64, 33, 3, 1, 1, false),
        (6, 5, 70, 32, 3, 2, 1, false),
        (7, 9, 16, 8, 3, 1, 1, true),
        (8, 6, 20, 40, 1, 1, 0, false),
        (8, 10, 5, 6, 3, 2, 0, false),
        (1, 1, 4, 4, 3, 1, 1, false),
        (17, 33, 40, 40, 3, 1, 1, false),
    ] {
        let (x, k, bias) =
            (random(height * width * c, 1), random(n * c * side * side, 2), random(n, 5));
        let how = Channelwise { scale: random(c, 3), shift: random(c, 4), silu: true };
        let mut passed = vec![0.0; x.len()];
        how.apply(&x, &mut passed).unwrap();
        let walk = Walk { height, width, stride, before, doubled };
        let wanted = convolved(&passed, walk, c, &k, n, side, &bias);
        for format in [Format::F32, Format::Bf16] {
            let conv = Convolution::pack(&k, n, c, side, format).unwrap();
            let bound = if format == Format::F32 { 2e-5 } else { 0.05 };
            for &isa in cpu::available() {
                let mut out = vec![f32::NAN; wanted.len()];
                let finish = Finish { bias: Some(&bias), ..Finish::default() };
                conv.forward_with(isa, &x, walk, Some(&how), &finish, &mut out).unwrap();
                let worst = worst(&out, &wanted);
                assert!(worst < bound, "{isa:?} {format:?} {walk:?} {c} to {n}: {worst}");
            }
        }
    }
}

#[test]
fn a_convolution_that_does_not_fit_is_refused() {
    let conv = Convolution::pack(&[0.0; 36], 2, 2, 3, Format::F32).unwrap();
    let walk = Walk::same(4, 4, 3);
    let run = |x: usize, walk: Walk, out: usize| {
        conv.forward(&vec![0.0; x], walk, None, &Finish::default(), &mut vec![0.0; out])
    };
    assert!(run(32, walk, 32).is_ok());
    assert!(matches!(run(31, walk, 32), Err(Error::Shape { what: "x", .. })));
    assert!(matches!(run(32, walk, 31), Err(Error::Shape { what: "out", .. })));
    assert!(matches!(run(32, Walk { stride: 0, ..walk }, 32), Err(Error::Size { .. })));
    assert!(matches!(run(32, Walk { before: 9, ..walk }, 32), Err(Error::Size { .. })));
    assert!(matches!(run(0, Walk { height: 0, ..walk }, 0), Err(Error::Size { .. })));
    assert!(run(8, Walk { height: usize::MAX, ..walk }, 8).is_err());
    assert!(Convolution::pack(&[0.0; 50], 1, 2, 5, Format::F32).is_err());
    assert!(Convolution::pack(&[0.0; 36], 2, 2, 3, Format::Int8).is_err());
}

#[test]
fn attention_is_that_of_the_definition() {
    for (heads, d, n, m, prefix) in [
        (1, 1, 1, 1, 0),
        (2, 40, 65, 70, 0),
        (3, 32, 10, 300, 17),
        (1, 160, 130, 257, 256),
        (2, 128, 33, 64, 3),
        (1, 256, 5, 9, 0),
    ] {
        let width = heads * d;
        let q: Vec<f32> = random(n * width, 1).iter().map(|x| x * 4.0).collect();
        let (k, v) = (random((prefix + m) * width, 2), random((prefix + m) * width, 3));
        let wanted = attended(&q, n, &k, &v, heads, d);
        let cut = prefix * width;
        let part = |keys, values, count| KeyValues {
            keys,
            keys_stride: width,
            values,
            values_stride: width,
            count,
        };
        let parts = [part(&k[..cut], &v[..cut], prefix), part(&k[cut..], &v[cut..], m)];
        for &isa in cpu::available() {
            for (bf16, bound) in [(false, 1e-5), (true, 0.03)] {
                let mut out = vec![f32::NAN; n * width];
                let heads = Heads { count: heads, size: d, bf16 };
                attention_with(isa, &q, width, n, &parts, heads, &mut out).unwrap();
                let worst = worst(&out, &wanted);
                assert!(worst < bound, "{isa:?} {heads:?} {n} of {m}: {worst}");
            }
        }
    }
}

#[test]
fn attention_that_does_not_fit_is_refused() {
    let heads = Heads { count: 2, size: 4, bf16: false };
    let x = [0.0; 24];
    let part = |stride, count| KeyValues {
        keys: &x,
        keys_stride: stride,
        values: &x,
        values_stride: stride,
        count,
    };
    let run = |n, parts: &[KeyValues], heads| {
        likeness_kernels::attention(&x, 8, n, parts, heads, &mut vec![0.0; n * 8])
    };
    assert!(run(3, &[part(8, 3)], heads).is_ok());
    assert!(matches!(run(3, &[], heads), Err(Error::Size { what: "keys", .. })));
    assert!(matches!(run(4, &[part(8, 3)], heads), Err(Error::Shape { what: "queries", .. })));
    assert!(matches!(run(3, &[part(7, 3)], heads), Err(Error::Shape { what: "keys", .. })));
    assert!(matches!(run(3, &[part(usize::MAX, 3)], heads), Err(Error::Shape { .. })));
    assert!(run(3, &[part(8, 3)], Heads { count: 0, ..heads }).is_err());
    assert!(run(3, &[part(8, 3)], Heads { size: usize::MAX, ..heads }).is_err());
}

#[test]
fn norms_are_those_of_the_definition() {
    let (pixels, c, groups) = (700, 40, 8);
    let x: Vec<f32> = random(pixels * c, 1).iter().map(|x| x * 3.0 + 1.0).collect();
    let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
    let (weight, bias) = (random(c, 2), random(c, 3));
    let scaled = |x: f64, i: usize| x * f64::from(weight[i]) + f64::from(bias[i]);

    let norm = group_norm(&x, c, groups, &weight, &bias, 1e-5, false).unwrap();
    let mut out = vec![0.0; x.len()];
    norm.apply(&x, &mut out).unwrap();
    let each = c / groups;
    let mut wanted = vec![0f64; x.len()];
    for group in 0..groups {
        let places: Vec<usize> =
            (0..pixels).flat_map(|p| (0..each).map(move |i| p * c + group * each + i)).collect();
        let (mean, variance) =
            mean_and_variance(&places.iter().map(|&i| wide[i]).collect::<Vec<_>>());
        places
            .iter()
            .for_each(|&i| wanted[i] = scaled((wide[i] - mean) / (variance + 1e-5).sqrt(), i % c));
    }
    assert!(worst(&out, &wanted) < 1e-5);

    layer_norm(&x, c, Some(&weight), Some(&bias), 1e-6, &mut out).unwrap();
    for (row, wanted) in wide.chunks(c).zip(wanted.chunks_mut(c)) {
        let (mean, variance) = mean_and_variance(row);
        (0..c).for_each(|i| wanted[i] = scaled((row[i] - mean) / (variance + 1e-6).sqrt(), i));
    }
    assert!(worst(&out, &wanted) < 1e-5);

    rms_norm(&x, c, &weight, 1e-6, &mut out).unwrap();
    let root =
        |row: &[f64]| (row.iter().map(|x| x * x).sum::<f64>() / row.len() as f64 + 1e-6).sqrt();
    for (row, wanted) in wide.chunks(c).zip(wanted.chunks_mut(c)) {
        (0..c).for_each(|i| wanted[i] = row[i] / root(row) * f64::from(weight[i]));
    }
    assert!(worst(&out, &wanted) < 1e-5);

    // Heads of ten numbers, the first half of each row, turned by angles of their own.
    let (heads, size) = (2, 10);
    let (cos, sin): (Vec<f32>, Vec<f32>) =
        random(pixels * size / 2, 7).iter().map(|x| (x.cos(), x.sin())).unzip();
    let how =
        HeadNorm { heads, size, weight: &weight[..size], eps: 1e-6, turns: Some((&cos, &sin)) };
    let mut out = x.clone();
    norm_heads(&mut out[21..], c, pixels, how).unwrap_err();
    let first_half = |rows: &[f32]| -> Vec<f32> {
        rows.chunks(c).flat_map(|row| &row[..heads * size]).copied().collect()
    };
    let how = HeadNorm { turns: None, ..how };
    norm_heads(&mut out, c, pixels, how).unwrap();
    let found = first_half(&out);
    let wanted: Vec<f64> = wide
        .chunks(c)
        .flat_map(|row| row[..heads * size].chunks(size).map(<[f64]>::to_vec).collect::<Vec<_>>())
        .flat_map(|head| {
            head.iter()
                .enumerate()
                .map(|(i, x)| x / root(&head) * f64::from(weight[i]))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(worst(&found, &wanted) < 1e-5);
    let turned = HeadNorm { turns: Some((&cos, &sin)), ..how };
    let mut out = x.clone();
    norm_heads(&mut out, c, pixels, turned).unwrap();
    let wanted: Vec<f64> = (0..wanted.len())
        .map(|i| {
            let (token, pair) = (i / (heads * size), i % size / 2);
            let (c, s) =
                (f64::from(cos[token * size / 2 + pair]), f64::from(sin[token * size / 2 + pair]));
            let (a, b) = (wanted[i / 2 * 2], wanted[i / 2 * 2 + 1]);
            if i % 2 == 0 { a * c - b * s } else { a * s + b * c }
        })
        .collect();
    assert!(worst(&first_half(&out), &wanted) < 1e-5);
}

#[test]
fn gates_and_softmax_are_those_of_the_definition() {
    let (m, n, stride) = (37, 21, 50);
    let x: Vec<f32> = random(m * stride, 1).iter().map(|x| x * 5.0).collect();
    for gate in [Gate::SwiGlu, Gate::GeGlu] {
        let mut out = vec![0.0; m * n];
        gated(&x, stride, m, n, gate, &mut out).unwrap();
        for (i, found) in out.iter().enumerate() {
            let row = &x[i / n * stride..];
            let (a, b) = (f64::from(row[i % n]), f64::from(row[n + i % n]));
            let (low, high) = match gate {
                Gate::SwiGlu => (a / (1.0 + (-a).exp()) * b, a / (1.0 + (-a).exp()) * b),
                // gelu(b) is at most 0.2 below max(b, 0); a looser check, since GELU itself is held to its
                // series in products.rs.
                Gate::GeGlu => (a * (b.max(0.0) - 0.2), a * b.max(0.0)),
            };
            let (low, high) = (low.min(high), low.max(high));
            assert!(
                f64::from(*found) > low - 1e-4 && f64::from(*found) < high + 1e-4,
                "{gate:?}: {found} of {a} {b}"
            );
        }
    }
    assert!(gated(&x, stride, m + 1, n, Gate::SwiGlu, &mut vec![0.0; (m + 1) * n]).is_err());
    let mut soft = x.clone();
    softmax(&mut soft, stride).unwrap();
    for (row, from) in soft.chunks(stride).zip(x.chunks(stride)) {
        let total: f64 = from.iter().map(|&x| f64::from(x).exp()).sum();
        assert!(
            row.iter()
                .zip(from)
                .all(|(p, &x)| (f64::from(*p) - f64::from(x).exp() / total).abs() < 1e-6)
        );
    }
    assert!(softmax(&mut soft, 0).is_err());
}
