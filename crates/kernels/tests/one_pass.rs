//! What is done in one pass against the same in several.

mod reference;

use likeness_kernels::{
    Before, Blocks, Convolution, Finish, Format, Gate, Gated, LayerNorm, Matrix, Moments, Over,
    Walk, Walks, cpu, gated, group_norm, layer_norm, matmul_after, matmul_with,
};
use reference::random;

fn worst(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_gated_product_is_a_product_and_a_gate() {
    for (m, n, k) in [(5, 7, 40), (70, 64, 96), (300, 100, 65)] {
        let (x, w, bias) = (random(m * k, 1), random(2 * n * k, 2), random(2 * n, 3));
        let (scale, shift) = (random(k, 4), random(k, 5));
        let norm = LayerNorm { weight: Some(&scale), bias: Some(&shift), eps: 1e-5 };
        let mut y = vec![0.0; m * k];
        layer_norm(&x, k, norm.weight, norm.bias, norm.eps, &mut y).unwrap();
        for (format, bound) in [(Format::F32, 1e-4), (Format::Bf16, 0.3), (Format::Int8, 0.6)] {
            for gate in [Gate::GeGlu, Gate::SwiGlu] {
                let packed = Matrix::pack_rows(&w, 2 * n, k, format).unwrap();
                let gated_layer = Gated::pack(&w, Some(&bias), n, k, gate, format).unwrap();
                for &isa in cpu::available() {
                    let (mut wide, mut wanted) = (vec![0.0; m * 2 * n], vec![0.0; m * n]);
                    let finish = Finish { bias: Some(&bias), ..Finish::default() };
                    matmul_with(isa, &y, m, &packed, &finish, &mut wide).unwrap();
                    gated(&wide, 2 * n, m, n, gate, &mut wanted).unwrap();
                    let mut found = vec![0.0; m * n];
                    let before = Before { x: &[&x], m, norm: Some(norm) };
                    gated_layer.forward_with(isa, before, &mut found).unwrap();
                    let e = worst(&found, &wanted);
                    assert!(e < bound, "{isa:?} {format:?} {gate:?} {m}x{n}x{k}: {e}");
                }
            }
        }
    }
}

#[test]
fn a_gated_layer_of_blocks_is_one_of_their_numbers() {
    let (m, n, k) = (45, 41, 512);
    let x = random(m * k, 1);
    let bias = random(2 * n, 2);
    let half = |x: f32| half::f16::from_f32(x).to_le_bytes();
    let bytes: Vec<u8> = random(2 * n * k, 3).iter().map(|x| (x * 127.0) as i8 as u8).collect();
    let q8 = bytes.chunks(32).flat_map(|b| [&half(0.0004)[..], b].concat()).collect::<Vec<u8>>();
    let q4 = bytes.chunks(140).take(2 * n * k / 256);
    let q4 = q4.flat_map(|b| [&half(1e-4)[..], &half(2e-4)[..], b].concat()).collect::<Vec<u8>>();
    for (kind, bytes) in [(Blocks::Q8_0, q8), (Blocks::Q4K, q4)] {
        let matrix = Matrix::of_blocks(&bytes, 2 * n, k, kind).unwrap();
        let gate = Gate::SwiGlu;
        let layer = Gated::of_blocks(&bytes, Some(&bias), n, k, gate, kind).unwrap();
        for &isa in cpu::available() {
            let (mut wide, mut wanted) = (vec![0.0; m * 2 * n], vec![0.0; m * n]);
            let finish = Finish { bias: Some(&bias), ..Finish::default() };
            matmul_with(isa, &x, m, &matrix, &finish, &mut wide).unwrap();
            gated(&wide, 2 * n, m, n, gate, &mut wanted).unwrap();
            let mut found = vec![0.0; m * n];
            layer.forward_with(isa, Before { x: &[&x], m, norm: None }, &mut found).unwrap();
            assert!(worst(&found, &wanted) < 1e-5, "{isa:?} {kind:?}");
        }
        let short = &bytes[1..];
        assert!(Gated::of_blocks(short, None, n, k, gate, kind).is_err());
        assert!(Gated::of_blocks(&bytes, Some(&bias[1..]), n, k, gate, kind).is_err());
        assert!(Gated::of_blocks(&bytes, None, n, k + 1, gate, kind).is_err());
    }
}

#[test]
fn a_product_over_parts_is_one_over_the_whole() {
    let (m, n, parts) = (70, 40, [64, 9, 100]);
    let k: usize = parts.iter().sum();
    let (x, w) = (random(m * k, 1), random(n * k, 2));
    let (scale, shift) = (random(k, 3), random(k, 4));
    let mut start = 0;
    let split = parts.map(|each| {
        start += each;
        x.chunks(k).flat_map(|row| row[start - each..start].to_vec()).collect::<Vec<f32>>()
    });
    let split = split.each_ref().map(Vec::as_slice);
    let norm = LayerNorm { weight: Some(&scale), bias: Some(&shift), eps: 1e-5 };
    for format in [Format::F32, Format::Bf16, Format::Int8] {
        let w = Matrix::pack_rows(&w, n, k, format).unwrap();
        for (&isa, norm) in cpu::available().iter().flat_map(|isa| [(isa, None), (isa, Some(norm))])
        {
            let over = |x: &[&[f32]]| {
                let mut out = vec![0.0; m * n];
                let before = Before { x, m, norm };
                matmul_after(isa, before, &w, &Finish::default(), &mut out).map(|()| out)
            };
            assert_eq!(over(&split).unwrap(), over(&[&x]).unwrap(), "{isa:?} {format:?}");
            assert!(over(&[&x[..m + 1], &x[m + 1..]]).is_err(), "parts are whole columns");
            assert!(over(&[]).is_err());
        }
    }
}

#[test]
fn a_convolution_over_parts_with_moments_is_one_over_the_whole() {
    let (h, w, parts, n) = (9, 11, [24, 40, 6], 50);
    let c: usize = parts.iter().sum();
    let x = random(h * w * c, 1);
    let mut start = 0;
    let split: Vec<Vec<f32>> = parts
        .iter()
        .map(|each| {
            start += each;
            x.chunks(c).flat_map(|pixel| pixel[start - each..start].to_vec()).collect()
        })
        .collect();
    let split: Vec<&[f32]> = split.iter().map(Vec::as_slice).collect();
    let joined: Vec<Moments> =
        split.iter().zip(parts).map(|(x, c)| Moments::of(x, c).unwrap()).collect();
    let joined = Moments::join(&joined.iter().collect::<Vec<_>>());
    assert_eq!(joined, Moments::of(&x, c).unwrap());
    let how = joined.group_norm(10, &random(c, 2), &random(c, 3), 1e-5, true).unwrap();
    let weights = random(n * c * 9, 4);
    let walk = Walk::same(h, w, 3);
    let residual = random(h * w * n, 5);
    let finish = Finish { residual: Some(&residual), relu: true, ..Finish::default() };
    for (&isa, walks) in
        cpu::available().iter().flat_map(|isa| [(isa, Walks::Any), (isa, Walks::Same)])
    {
        let conv = Convolution::pack_for(walks, &weights, n, c, 3, Format::F32).unwrap();
        let (mut whole, mut found) = (vec![0.0; h * w * n], vec![0.0; h * w * n]);
        conv.forward_with(isa, &x, walk, Some(&how), &finish, &mut whole).unwrap();
        let over = Over { parts: &split, walk, first: Some(&how) };
        let mut moments = Moments::default();
        conv.forward_over(isa, over, &finish, &mut found, Some(&mut moments)).unwrap();
        assert_eq!(whole, found);
        assert!(found.iter().all(|&x| x >= 0.0) && found.contains(&0.0));
        let (weight, bias) = (random(n, 6), random(n, 7));
        let a = moments.group_norm(5, &weight, &bias, 1e-5, false).unwrap();
        let b = group_norm(&found, n, 5, &weight, &bias, 1e-5, false).unwrap();
        assert!(worst(&a.scale, &b.scale) < 1e-5 && worst(&a.shift, &b.shift) < 1e-5);
    }
}
