//! Convolutions of any shape against their definition, on every set.

mod reference;

use likeness_kernels::{
    Activation, Channelwise, Convolution, Error, Finish, Format, Moments, Over, Walk, Walks, cpu,
};
use proptest::prelude::*;
use reference::{Unaligned, activated, convolved, random, worst};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_shape_is_that_of_the_definition(
        (height, width) in (1usize..14, 1usize..14),
        (c, n) in (1usize..70, 1usize..70),
        (side, stride, before, doubled) in (prop_oneof![Just(1usize), Just(3)], 1usize..3, 0usize..2, any::<bool>()),
        first in any::<bool>(),
        seed in 0u32..1000,
    ) {
        let x = Unaligned::new(&random(height * width * c, seed));
        let (k, bias) = (random(n * c * side * side, seed + 1), random(n, seed + 2));
        let how = Channelwise { scale: random(c, seed + 3), shift: random(c, seed + 4), silu: seed % 2 == 0 };
        let how = first.then_some(&how);
        let mut passed = x.numbers().to_vec();
        if let Some(how) = how {
            how.apply(x.numbers(), &mut passed).unwrap();
        }
        let walk = Walk { height, width, stride, before, doubled };
        let mut wanted = convolved(&passed, walk, c, &k, n, side, &bias);
        let residual = random(wanted.len(), seed + 5);
        for (y, r) in wanted.iter_mut().zip(&residual) {
            *y = activated(*y, Activation::Silu) + f64::from(*r);
        }
        let finish = Finish { bias: Some(&bias), activation: Activation::Silu, residual: Some(&residual), ..Finish::default() };
        for (format, bound) in [(Format::F32, 5e-5), (Format::F16, 0.02), (Format::Bf16, 0.1)] {
            let conv = Convolution::pack(&k, n, c, side, format).unwrap();
            for &isa in cpu::available() {
                let mut out = Unaligned::new(&vec![f32::NAN; wanted.len()]);
                conv.forward_with(isa, x.numbers(), walk, how, &finish, out.numbers_mut()).unwrap();
                let worst = worst(out.numbers(), &wanted);
                prop_assert!(worst < bound, "{:?} {:?} {:?} {} to {}, side {}: {}", isa, format, walk, c, n, side, worst);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn packed_for_some_walks_it_is_the_same(
        (height, width) in (1usize..22, 1usize..22),
        (c, n) in (1usize..90, 1usize..90),
        doubled in any::<bool>(),
        first in any::<bool>(),
        seed in 0u32..1000,
    ) {
        let x = Unaligned::new(&random(height * width * c, seed));
        let (k, bias) = (random(n * c * 9, seed + 1), random(n, seed + 2));
        let how = Channelwise { scale: random(c, seed + 3), shift: random(c, seed + 4), silu: true };
        let how = first.then_some(&how);
        let mut passed = x.numbers().to_vec();
        if let Some(how) = how {
            how.apply(x.numbers(), &mut passed).unwrap();
        }
        let walk = Walk { doubled, ..Walk::same(height, width, 3) };
        let walks = if doubled { Walks::Doubled } else { Walks::Same };
        let wanted = convolved(&passed, walk, c, &k, n, 3, &bias);
        let finish = Finish { bias: Some(&bias), ..Finish::default() };
        for (format, bound) in [(Format::F32, rounding(c)), (Format::F16, 0.02), (Format::Bf16, 0.2)] {
            for &isa in cpu::available() {
                let conv = Convolution::pack_for(walks, &k, n, c, 3, format).unwrap();
                let mut out = Unaligned::new(&vec![f32::NAN; wanted.len()]);
                let mut moments = Moments::default();
                let over = Over { parts: &[x.numbers()], walk, first: how };
                conv.forward_over(isa, over, &finish, out.numbers_mut(), Some(&mut moments)).unwrap();
                let worst = worst(out.numbers(), &wanted);
                prop_assert!(worst < bound, "{:?} {:?} {:?} {} to {}: {}", isa, format, walk, c, n, worst);
                let counted = Moments::of(out.numbers(), n).unwrap();
                let norm = |moments: &Moments| moments.group_norm(1, &vec![1.0; n], &vec![0.0; n], 1e-5, false).unwrap();
                let (a, b) = (norm(&moments), norm(&counted));
                prop_assert!((a.scale[0] - b.scale[0]).abs() < 1e-4 * b.scale[0], "{:?} {:?}", a, b);
            }
        }
    }
}

/// What sums of 9 · c products between -1 and 1 may be off by in floats; by their values at points they
/// are off by more than when they are added up.
fn rounding(c: usize) -> f64 {
    5e-6 * (9.0 * c as f64).sqrt() + 1e-5
}

/// Some outputs or all are left over in the last tiles.
#[test]
fn pictures_that_no_tiles_fit_are_those_of_the_definition() {
    for (height, width, c, n) in [(1, 1, 64, 64), (4, 5, 33, 40), (31, 66, 40, 65), (8, 9, 400, 32)]
    {
        let (x, k) = (random(height * width * c, 1), random(n * c * 9, 2));
        let residual = random(height * width * n, 3);
        let finish = Finish { residual: Some(&residual), relu: true, ..Finish::default() };
        let walk = Walk::same(height, width, 3);
        let mut wanted = convolved(&x, walk, c, &k, n, 3, &vec![0.0; n]);
        for (y, r) in wanted.iter_mut().zip(&residual) {
            *y = (*y + f64::from(*r)).max(0.0);
        }
        let conv = Convolution::pack_for(Walks::Same, &k, n, c, 3, Format::F32).unwrap();
        for &isa in cpu::available() {
            let mut out = vec![f32::NAN; wanted.len()];
            conv.forward_with(isa, &x, walk, None, &finish, &mut out).unwrap();
            let worst = worst(&out, &wanted);
            assert!(worst < rounding(c), "{isa:?} {walk:?} {c} to {n}: {worst}");
        }
    }
}

/// What is not a number reaches the results of the tiles that see it, those beside it among them.
#[test]
fn what_is_not_a_number_stays_in_its_tiles() {
    let (h, w, c, n) = (17, 14, 40, 40);
    let k: Vec<f32> = random(n * c * 9, 1).iter().map(|x| x + 2.0).collect();
    let conv = Convolution::pack_for(Walks::Same, &k, n, c, 3, Format::F32).unwrap();
    for what in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for (row, column) in [(0, 0), (3, 4), (7, 7), (16, 13)] {
            let mut x = random(h * w * c, 2);
            x[(row * w + column) * c + 1] = what;
            for &isa in cpu::available() {
                let mut out = vec![0.0; h * w * n];
                let finish = Finish::default();
                conv.forward_with(isa, &x, Walk::same(h, w, 3), None, &finish, &mut out).unwrap();
                for (i, found) in out.iter().enumerate() {
                    let apart = (row.abs_diff(i / n / w), column.abs_diff(i / n % w));
                    if apart.0.max(apart.1) <= 1 {
                        assert!(!found.is_finite(), "{isa:?}: {found} {apart:?} from {what}");
                    }
                    if apart.0.max(apart.1) > 4 {
                        assert!(found.is_finite(), "{isa:?}: {found} {apart:?} from {what}");
                    }
                }
            }
        }
    }
}

/// Weights that halves hold exactly lose nothing when they are added up for a doubled picture.
#[test]
fn sums_of_halves_are_exact() {
    let (h, w, c, n) = (5, 6, 20, 7);
    let k: Vec<f32> =
        random(n * c * 9, 1).iter().map(|x| half::f16::from_f32(*x).to_f32()).collect();
    let (x, walk) = (random(h * w * c, 2), Walk { doubled: true, ..Walk::same(h, w, 3) });
    let [halves, floats] = [Format::F16, Format::F32].map(|format| {
        let conv = Convolution::pack_for(Walks::Doubled, &k, n, c, 3, format).unwrap();
        let mut out = vec![0.0; 4 * h * w * n];
        conv.forward(&x, walk, None, &Finish::default(), &mut out).unwrap();
        out
    });
    assert_eq!(halves, floats);
}

/// Weights that were packed for some walks are refused for others.
#[test]
fn other_walks_than_those_it_was_packed_for_are_refused() {
    let conv = Convolution::pack_for(Walks::Doubled, &[1.0; 9], 1, 1, 3, Format::F32).unwrap();
    let same = Walk { doubled: true, ..Walk::same(4, 4, 3) };
    for walk in
        [Walk { stride: 2, ..same }, Walk { before: 0, ..same }, Walk { doubled: false, ..same }]
    {
        let (height, width) = walk.out(3);
        let mut out = vec![0.0; height * width];
        let answer = conv.forward(&[1.0; 16], walk, None, &Finish::default(), &mut out);
        assert_eq!(answer, Err(Error::Walk(walk)));
    }
    let mut out = vec![0.0; 64];
    conv.forward(&[1.0; 16], same, None, &Finish::default(), &mut out).unwrap();
    assert_eq!((out[0], out[1], out[9]), (4.0, 6.0, 9.0), "fewer at the border");
}

/// What is not a number reaches the pixels around it, in all channels, and no others.
#[test]
fn what_is_not_a_number_stays_near() {
    let (h, w, c, n) = (9, 7, 5, 40);
    let k: Vec<f32> = random(n * c * 9, 1).iter().map(|x| x + 2.0).collect();
    for format in [Format::F32, Format::Bf16] {
        let conv = Convolution::pack(&k, n, c, 3, format).unwrap();
        for what in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = random(h * w * c, 2);
            x[(4 * w + 6) * c + 1] = what;
            for &isa in cpu::available() {
                let mut out = vec![0.0; h * w * n];
                let walk = Walk::same(h, w, 3);
                let mut moments = Moments::default();
                let over = Over { parts: &[&x], walk, first: None };
                conv.forward_over(isa, over, &Finish::default(), &mut out, Some(&mut moments))
                    .unwrap();
                for (i, found) in out.iter().enumerate() {
                    let (row, column) = (i / n / w, i / n % w);
                    let near = row.abs_diff(4) <= 1 && column.abs_diff(6) <= 1;
                    assert_eq!(found.is_finite(), !near, "{isa:?} {format:?}: {row}, {column}");
                }
                let norm = moments.group_norm(8, &[1.0; 40], &[0.0; 40], 1e-5, false).unwrap();
                assert!(norm.shift.iter().all(|x| !x.is_finite()), "{isa:?}: no norm is made up");
            }
        }
    }
}
