//! Plain loops compiled once for each instruction set.
//!
//! [`per_isa!`] turns a function of plain Rust into one that runs the build for the best set of this
//! machine: the compiler makes 512-bit code of the same loop. `M` tells the loop whether to use fused
//! multiply-add, which would be a library call where the processor has none.

/// How a product is added: fused where the processor can.
pub(crate) trait Math: Copy {
    /// a · b + c
    fn fma(a: f32, b: f32, c: f32) -> f32;
}

#[derive(Clone, Copy)]
pub(crate) struct Fused;
#[derive(Clone, Copy)]
pub(crate) struct Plain;

impl Math for Fused {
    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

impl Math for Plain {
    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
}

/// `per_isa!(fn name(args) = body)`: `body::<M>(args)` must be `#[inline(always)]`.
macro_rules! per_isa {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? = $body:ident) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name(isa: $crate::cpu::Isa, $($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c")]
            #[allow(clippy::too_many_arguments)]
            fn wide($($arg: $type),*) $(-> $out)? { $body::<$crate::simd::Fused>($($arg),*) }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c")]
            #[allow(clippy::too_many_arguments)]
            fn narrow($($arg: $type),*) $(-> $out)? { $body::<$crate::simd::Fused>($($arg),*) }
            match isa {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the set was found on this machine.
                $crate::cpu::Isa::Amx | $crate::cpu::Isa::Avx512 => unsafe { wide($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the set was found on this machine.
                $crate::cpu::Isa::Avx2 | $crate::cpu::Isa::AvxVnni => unsafe { narrow($($arg),*) },
                $crate::cpu::Isa::Neon => $body::<$crate::simd::Fused>($($arg),*),
                _ => $body::<$crate::simd::Plain>($($arg),*),
            }
        }
    };
}
pub(crate) use per_isa;

/// eˣ to about two units in the last place: x = n·ln 2 + r, and a polynomial in r (the coefficients
/// are those of Cephes' `expf`).
#[inline(always)]
pub(crate) fn exp<M: Math>(x: f32) -> f32 {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Adding and taking off 1.5·2²³ rounds to a whole number, and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.3, 88.7);
    let shifted = M::fma(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = M::fma(n, -LN2_LOW, M::fma(n, -LN2_HIGH, x));
    let mut p = 1.987_569_1e-4;
    p = M::fma(p, r, 1.398_199_9e-3);
    p = M::fma(p, r, 8.333_452e-3);
    p = M::fma(p, r, 4.166_579_6e-2);
    p = M::fma(p, r, 1.666_666_5e-1);
    p = M::fma(p, r, 0.5);
    let p = M::fma(p, r * r, r) + 1.0;
    // Two factors, since 2ⁿ alone overflows for the largest x.
    let whole = shifted.to_bits() as i32 - ROUND.to_bits() as i32;
    let half = whole >> 1;
    let power = |n: i32| f32::from_bits(((n + 127) as u32) << 23);
    p * power(half) * power(whole - half)
}

/// The error function to 4e-7: a quotient of polynomials in x² (the coefficients are
/// those of Eigen), which wants no exponential. Beyond 4 it is one.
#[inline(always)]
pub(crate) fn erf<M: Math>(x: f32) -> f32 {
    let x = if x > 4.0 { 4.0 } else { x };
    let x = if x < -4.0 { -4.0 } else { x };
    let y = x * x;
    let mut p = -2.726_142_4e-10;
    p = M::fma(p, y, 2.770_681_8e-8);
    p = M::fma(p, y, -2.101_024e-6);
    p = M::fma(p, y, -5.692_506_4e-5);
    p = M::fma(p, y, -7.349_906e-4);
    p = M::fma(p, y, -2.954_6e-3);
    p = M::fma(p, y, -1.609_603_3e-2);
    let mut q = -1.456_607_2e-5;
    q = M::fma(q, y, -2.133_740_6e-4);
    q = M::fma(q, y, -1.682_827e-3);
    q = M::fma(q, y, -7.373_329e-3);
    q = M::fma(q, y, -1.426_473_9e-2);
    x * p / q
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_and_erf_are_close_everywhere() {
        for i in -8700..8800 {
            let x = i as f32 / 100.0;
            let (found, wanted) = (exp::<Fused>(x), f64::from(x).exp());
            assert!((f64::from(found) / wanted - 1.0).abs() < 4e-7, "exp {x}: {found} {wanted}");
            assert!((f64::from(exp::<Plain>(x)) / wanted - 1.0).abs() < 4e-7, "exp {x}");
        }
        // erf of these from a table of sixteen digits.
        for (x, wanted) in [
            (0.0, 0.0),
            (0.1, 0.112_462_92),
            (0.5, 0.520_499_9),
            (1.0, 0.842_700_8),
            (2.0, 0.995_322_3),
            (4.0, 1.0),
        ] {
            assert!((erf::<Fused>(x) - wanted).abs() < 3e-7, "erf {x}");
            assert!((erf::<Plain>(-x) + wanted).abs() < 3e-7, "erf -{x}");
        }
    }
}
