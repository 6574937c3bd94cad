//! What our kernels make against what candle makes of the same, as it would on another device.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor};
use likeness_kernels::{Convolution, Format, Gate, Gated, Matrix};

use super::*;

fn noise(rows: usize, columns: usize) -> Tensor {
    Tensor::randn(0f32, 1.0, (rows, columns), &Device::Cpu).unwrap()
}

fn vector(n: usize) -> Tensor {
    noise(1, n).flatten_all().unwrap()
}

fn numbers(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

fn map(x: &Tensor, height: usize, width: usize) -> Map {
    Map::new(x, height, width, &Buffers::default()).unwrap()
}

fn assert_same(what: &str, ours: Result<Map>, theirs: Result<Map>) {
    let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
    let sizes = |map: &Map| (map.height, map.width, map.channels);
    assert_eq!(sizes(&ours), sizes(&theirs), "{what}");
    let pairs =
        numbers(&ours.tensor().unwrap()).into_iter().zip(numbers(&theirs.tensor().unwrap()));
    let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
    assert!(worst < 1e-4, "{what}: {worst}");
}

#[test]
fn convolutions_agree_with_candle() {
    let (height, width, parts, n) = (6, 8, [5, 7], 9);
    let c = parts.iter().sum();
    let x = parts.map(|c| map(&noise(height * width, c), height, width));
    let norm = GroupNorm { groups: 4, weight: vector(c), bias: vector(c), eps: 1e-5, silu: true };
    for (side, stride, before, doubled) in
        [(3, 1, 1, false), (3, 2, 1, false), (3, 2, 0, false), (3, 1, 1, true), (1, 1, 0, false)]
    {
        let weights = Tensor::randn(0f32, 0.2, (n, c, side, side), &Device::Cpu).unwrap();
        let packed = Convolution::pack(&numbers(&weights), n, c, side, Format::F32).unwrap();
        let bias = vector(n);
        let with = |kernel| Conv { kernel, bias: Some(bias.clone()), stride, before, doubled };
        let (ours, theirs) = (with(Kernel::Packed(Arc::new(packed))), with(Kernel::Dense(weights)));
        let what = format!("{side} {stride} {before} {doubled}");
        let x = [&x[0], &x[1]];
        let plain = Pass::default();
        assert_same(&what, ours.forward(&x, plain), theirs.forward(&x, plain));
        let made = ours.forward(&x, plain).unwrap();
        let residual = map(&noise(made.pixels(), n), made.height, made.width);
        let (other, activation) = (vector(n), Activation::Silu);
        let pass = Pass {
            norm: Some(&norm),
            bias: Some(&other),
            activation,
            residual: Some(&residual),
            relu: true,
        };
        assert_same(&what, ours.forward(&x, pass), theirs.forward(&x, pass));
        // Moments that a convolution leaves behind are those of what it made.
        let again =
            GroupNorm { groups: 3, weight: vector(n), bias: vector(n), eps: 1e-5, silu: false };
        let counted = map(&made.tensor().unwrap(), made.height, made.width);
        let weights = Convolution::pack(&vec![0.1; n * n], n, n, 1, Format::F32).unwrap();
        let mix = Conv {
            kernel: Kernel::Packed(Arc::new(weights)),
            bias: None,
            stride: 1,
            before: 0,
            doubled: false,
        };
        let pass = Pass { norm: Some(&again), ..plain };
        assert_same(&what, mix.forward(&[&made], pass), mix.forward(&[&counted], pass));
        let small = map(&noise(4, 5), 2, 2);
        assert!(ours.forward(&[&small, x[1]], plain).is_err(), "pictures of two sizes");
    }
}

#[test]
fn layers_agree_with_candle() {
    let (m, n, k) = (20, 12, 10);
    let x = map(&noise(m, k), 4, 5);
    let norm = LayerNorm { weight: vector(k), bias: vector(k), eps: 1e-5 };
    let (weight, bias, residual) = (noise(2 * n, k), vector(2 * n), map(&noise(m, 2 * n), 4, 5));
    let packed = Matrix::pack_rows(&numbers(&weight), 2 * n, k, Format::F32).unwrap();
    let gated =
        Gated::pack(&numbers(&weight), Some(&numbers(&bias)), n, k, Gate::GeGlu, Format::F32);
    let with = |weight| Layer { weight, bias: Some(bias.clone()) };
    let (ours, theirs) =
        (with(Linear::Packed(Arc::new(packed))), with(Linear::Dense(weight.clone())));
    assert_same("plain", ours.forward(&x, None, None), theirs.forward(&x, None, None));
    let norm_and = (Some(&norm), Some(&residual));
    assert_same(
        "normed",
        ours.forward(&x, norm_and.0, norm_and.1),
        theirs.forward(&x, norm_and.0, norm_and.1),
    );
    let (ours, theirs) =
        (GatedLayer::Packed(Arc::new(gated.unwrap())), GatedLayer::Wide(theirs, Gate::GeGlu));
    assert_same("gated", ours.forward(&x, &norm), theirs.forward(&x, &norm));
}

#[test]
fn attention_among_columns_agrees_with_candle() {
    let (heads, d, m) = (2, 8, 15);
    let qkv = map(&noise(m, 3 * d), 3, 5);
    let [q, keys, values] = [0, d, 2 * d].map(|at| Columns { of: &qkv, at });
    let ours = attend(q, keys, values, d, heads, true);
    let narrow = |at| qkv.tensor().unwrap().narrow(1, at, d).unwrap();
    let (q, keys, values) = (narrow(0), narrow(d), narrow(2 * d));
    let theirs = attention_elsewhere(&q, &[Seen { keys: &keys, values: &values }], heads);
    assert_same("attention", ours, theirs.map(|x| map(&x, 3, 5)));
}
