//! Convolutions of any shape against their definition, on every set.

mod reference;

use likeness_kernels::{
    Activation, Channelwise, Convolution, Finish, Format, Moments, Over, Walk, cpu,
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
