//! What is done in one pass against the same in several.

mod reference;

use likeness_kernels::{
    Before, Convolution, Finish, Format, Gate, Gated, LayerNorm, Matrix, Moments, Over, Walk,
    Walks, cpu, gated, group_norm, layer_norm, matmul_with,
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
                    let before = Before { x: &x, m, norm: Some(norm) };
                    gated_layer.forward_with(isa, before, &mut found).unwrap();
                    let e = worst(&found, &wanted);
                    assert!(e < bound, "{isa:?} {format:?} {gate:?} {m}x{n}x{k}: {e}");
                }
            }
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
