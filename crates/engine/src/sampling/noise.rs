//! The first noise: the same from the same seed on every machine, device and thread count.
//!
//! Both generators use only arithmetic that IEEE 754 fixes and elementary functions that are
//! computed here or by the portable `libm` crate, never the platform's.

use super::mt19937::Mt19937;
use super::philox::philox4x32;
use likeness_recipe::NoiseSource;

/// `count` numbers of the normal distribution.
pub fn normal(source: NoiseSource, seed: u64, count: usize) -> Vec<f32> {
    match source {
        NoiseSource::Likeness => (0..count.div_ceil(4))
            .flat_map(|block| counted_block(seed, block as u64))
            .take(count)
            .collect(),
        NoiseSource::Torch => torch_normal(seed, count),
    }
}

/// Numbers `4·block` to `4·block + 3` of our own noise: Philox for the bits, Box and Muller for the
/// shape.
pub fn counted_block(seed: u64, block: u64) -> [f32; 4] {
    let key = [seed as u32, (seed >> 32) as u32];
    let words = philox4x32([block as u32, (block >> 32) as u32, 0, 0], key);
    let pair = |a: u32, b: u32| {
        // The middle of one of 2³² steps: never 0, whose logarithm is infinite.
        let unit = |word: u32| (f64::from(word) + 0.5) / 4_294_967_296.0;
        let radius = (-2.0 * libm::log(unit(a))).sqrt();
        let (sin, cos) = libm::sincos(std::f64::consts::TAU * unit(b));
        [(radius * cos) as f32, (radius * sin) as f32]
    };
    let ([a, b], [c, d]) = (pair(words[0], words[1]), pair(words[2], words[3]));
    [a, b, c, d]
}

/// What `torch.randn(count, generator=torch.Generator().manual_seed(seed))` gives on a CPU with
/// AVX2, bit for bit: every x86 machine of the last ten years.
fn torch_normal(seed: u64, count: usize) -> Vec<f32> {
    let mut generator = Mt19937::new(seed);
    if count < 16 {
        return torch_few(&mut generator, count);
    }
    let mut uniform = || (generator.word() & 0x00ff_ffff) as f32 / 16_777_216.0;
    let mut numbers: Vec<f32> = (0..count).map(|_| uniform()).collect();
    for block in numbers.chunks_exact_mut(16) {
        torch_block(block);
    }
    if !count.is_multiple_of(16) {
        // The last 16 are drawn anew, over some that were finished.
        let last = &mut numbers[count - 16..];
        last.iter_mut().for_each(|number| *number = uniform());
        torch_block(last);
    }
    numbers
}

/// Fewer than 16 numbers take the scalar path: pairs in f64.
fn torch_few(generator: &mut Mt19937, count: usize) -> Vec<f32> {
    let mut uniform = || (generator.long() & ((1 << 53) - 1)) as f64 / 9_007_199_254_740_992.0;
    let mut numbers = Vec::with_capacity(count + 1);
    while numbers.len() < count {
        let (u1, u2) = (uniform(), uniform());
        let radius = (-2.0 * libm::log1p(-u2)).sqrt();
        let (sin, cos) = libm::sincos(std::f64::consts::TAU * u1);
        numbers.extend([(radius * cos) as f32, (radius * sin) as f32]);
    }
    numbers.truncate(count);
    numbers
}

/// 16 uniform numbers to 16 normal ones: 8 radii, 8 angles.
fn torch_block(block: &mut [f32]) {
    for i in 0..8 {
        let (u1, u2) = (1.0 - block[i], block[i + 8]);
        let radius = (-2.0 * cephes_log(u1)).sqrt();
        let (sin, cos) = cephes_sin_cos(std::f32::consts::TAU * u2);
        block[i] = radius * cos;
        block[i + 8] = radius * sin;
    }
}

/// The natural logarithm of 0 < x ≤ 1 as in the Cephes library, in f32 with fused multiply-adds:
/// the rounding errors are part of the noise that others' pictures were made with.
fn cephes_log(x: f32) -> f32 {
    const TERMS: [f32; 9] = [
        7.037_683_6e-2,
        -1.151_461e-1,
        1.167_699_84e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_7e-1,
        2.000_071_4e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ];
    let bits = x.max(f32::MIN_POSITIVE).to_bits();
    let mut exponent = (bits >> 23) as i32 as f32 - 126.0;
    let mut x = f32::from_bits(bits & 0x007f_ffff | 0x3f00_0000); // 0.5 ≤ x < 1
    if x < std::f32::consts::FRAC_1_SQRT_2 {
        exponent -= 1.0;
        x = x - 1.0 + x;
    } else {
        x -= 1.0;
    }
    let square = x * x;
    let series = TERMS[1..].iter().fold(TERMS[0], |sum, &term| sum.mul_add(x, term)) * x;
    let low = series.mul_add(square, exponent * -2.121_944_4e-4);
    let low = (-square).mul_add(0.5, low);
    exponent.mul_add(0.693_359_4, x + low)
}

/// Sine and cosine of 0 ≤ x < 2π, likewise.
fn cephes_sin_cos(x: f32) -> (f32, f32) {
    const SIN: [f32; 3] = [-1.951_529_6e-4, 8.332_161e-3, -1.666_665_5e-1];
    const COS: [f32; 3] = [2.443_315_7e-5, -1.388_731_6e-3, 4.166_664_6e-2];
    let octant = ((x * std::f32::consts::FRAC_2_PI * 2.0) as i32 + 1) & !1;
    // π/4 in three parts, so that what is left over keeps its digits.
    let rest = [-0.785_156_25, -2.418_756_5e-4, -3.774_895e-8]
        .iter()
        .fold(x, |x, &part: &f32| (octant as f32).mul_add(part, x));
    let square = rest * rest;
    let cosine = COS[0].mul_add(square, COS[1]).mul_add(square, COS[2]) * square;
    let cosine = cosine.mul_add(square, square * -0.5) + 1.0;
    let sine = SIN[0].mul_add(square, SIN[1]).mul_add(square, SIN[2]) * square;
    let sine = sine.mul_add(rest, rest);
    let (sin, cos) = if octant & 2 == 0 { (sine, cosine) } else { (cosine, sine) };
    let sin = if octant & 4 == 0 { sin } else { -sin };
    let cos = if (octant - 2) & 4 == 0 { -cos } else { cos };
    (sin, cos)
}
