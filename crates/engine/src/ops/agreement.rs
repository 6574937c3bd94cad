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
fn layers_of_some_rows_agree_with_candle() {
    let (m, n, c) = (20, 12, [6, 4]);
    let x = c.map(|c| map(&noise(m, c), m, 1));
    let (x, k) = ([&x[0], &x[1]], c.iter().sum());
    let norm = LayerNorm { weight: vector(k), bias: vector(k), eps: 1e-5 };
    let (gate, residual) = (vector(2 * n), map(&noise(17, 2 * n), 17, 1));
    let weights = [noise(2 * n, k), noise(2 * n, k)];
    let layers = |ours: bool| {
        weights.each_ref().map(|weight| Layer {
            weight: match ours {
                true => {
                    let packed = Matrix::pack_rows(&numbers(weight), 2 * n, k, Format::F32);
                    Linear::Packed(Arc::new(packed.unwrap()))
                }
                false => Linear::Dense(weight.clone()),
            },
            bias: None,
        })
    };
    let over = |ours: bool| {
        let layers = layers(ours);
        let first = LayerRows { layer: &layers[0], rows: 0..5, norm: None, gate: Some(&gate) };
        let second = LayerRows { layer: &layers[1], rows: 8..20, norm: Some(&norm), gate: None };
        Layer::over(&x, &[first, second], Some(&residual))
    };
    assert_same("layers", over(true), over(false));
    let gated = |ours: bool| {
        let layers = weights.each_ref().map(|weight| match ours {
            true => {
                let numbers = numbers(weight);
                let packed = Gated::pack(&numbers, None, n, k, Gate::SwiGlu, Format::F32);
                GatedLayer::Packed(Arc::new(packed.unwrap()))
            }
            false => {
                let layer = Layer { weight: Linear::Dense(weight.clone()), bias: None };
                GatedLayer::Wide(layer, Gate::SwiGlu)
            }
        });
        let all = [0..5, 5..20].into_iter().zip(&layers);
        let some = |(rows, layer)| LayerRows { layer, rows, norm: Some(&norm), gate: None };
        GatedLayer::over(&x, &all.map(some).collect::<Vec<_>>())
    };
    assert_same("gated layers", gated(true), gated(false));
    let layers = layers(true);
    let beyond = LayerRows { layer: &layers[0], rows: 8..21, norm: None, gate: None };
    assert!(Layer::over(&x, &[beyond], None).is_err(), "there is no row 20");
    let short = map(&noise(4, 2 * n), 4, 1);
    let five = LayerRows { layer: &layers[0], rows: 0..5, norm: None, gate: None };
    assert!(Layer::over(&x, &[five], Some(&short)).is_err(), "the residual has four rows");
}

#[test]
fn heads_are_shaped_as_candle_does() {
    let (heads, size, m) = (2, 6, 9);
    let x = noise(m, 3 * heads * size);
    let (cos, sin) = (noise(m, size / 2), noise(m, size / 2));
    let weights = [vector(size), vector(size)];
    let shapings = || {
        let rows = [0..4, 4..9].into_iter().zip(&weights);
        rows.enumerate()
            .map(|(at, (rows, weight))| Shaping { rows, weight, at: at * heads * size })
            .collect::<Vec<_>>()
    };
    let turns = (&cos, &sin);
    let ours = shape_heads(map(&x, m, 1), &shapings(), heads, 1e-5, turns);
    let theirs = heads::shape_elsewhere(map(&x, m, 1), &shapings(), heads, 1e-5, turns);
    assert_same("heads", ours, theirs);
    let beyond = [Shaping { rows: 4..10, weight: &weights[0], at: 0 }];
    assert!(shape_heads(map(&x, m, 1), &beyond, heads, 1e-5, turns).is_err(), "no row 9");
    let short = cos.narrow(0, 0, 8).unwrap();
    let turned = shape_heads(map(&x, m, 1), &shapings(), heads, 1e-5, (&short, &sin));
    assert!(turned.is_err(), "no angles for row 8");
}

#[test]
fn attention_among_columns_agrees_with_candle() {
    let (heads, d, m) = (2, 8, 15);
    let qkv = map(&noise(m, 3 * d), 3, 5);
    let (q, seen) = (Columns { of: &qkv, at: 0 }, [Seen::all(&qkv, d, 2 * d)]);
    let ours = attend(q, &seen, d, heads, true);
    let narrow = |at| qkv.tensor().unwrap().narrow(1, at, d).unwrap();
    let theirs = heads::attend_elsewhere(&narrow(0), &narrow(d), &narrow(2 * d), heads);
    assert_same("attention", ours, theirs.map(|x| map(&x, 3, 5)));
    // Two stretches of tokens, with others of a map of their own between them.
    let card = map(&noise(4, 2 * d), 4, 1);
    let own = |rows| Seen { of: &qkv, rows, keys: d, values: 2 * d };
    let seen = [own(0..6), Seen::all(&card, 0, d), own(6..m)];
    let ours = attend(Columns { of: &qkv, at: 0 }, &seen, d, heads, true);
    let joined = |own: usize, other: usize| {
        let (own, card) = (narrow(own), card.tensor().unwrap().narrow(1, other, d).unwrap());
        let parts = [own.narrow(0, 0, 6).unwrap(), card, own.narrow(0, 6, m - 6).unwrap()];
        Tensor::cat(&parts, 0).unwrap()
    };
    let theirs = heads::attend_elsewhere(&narrow(0), &joined(d, 0), &joined(2 * d, d), heads);
    assert_same("attention over parts", ours, theirs.map(|x| map(&x, 3, 5)));
    let copied = columns(&qkv, d, d).unwrap();
    assert_eq!(numbers(&copied.tensor().unwrap()), numbers(&narrow(d).contiguous().unwrap()));
}
