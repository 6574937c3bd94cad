//! Random numbers, and the definitions that kernels are held against, in f64.

#![allow(dead_code, reason = "each test binary uses a part")]

use likeness_kernels::{Activation, Walk};

/// `n` numbers between -1 and 1.
pub fn random(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

/// `n` whole numbers between -3 and 3: sums of some thousand of their products are exact in any order.
pub fn whole(n: usize, seed: u32) -> Vec<f32> {
    random(n, seed).iter().map(|x| (x * 3.49).round()).collect()
}

/// Largest difference. What is no number in one must be none in the other.
pub fn worst(found: &[f32], wanted: &[f64]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let apart = |(a, b): (&f32, &f64)| {
        let (a, b) = (f64::from(*a), *b);
        if a == b || a.is_nan() && b.is_nan() { 0.0 } else { (a - b).abs() }
    };
    found.iter().zip(wanted).map(apart).fold(0.0, |most, x| if x <= most { most } else { x })
}

/// Numbers that begin one past where memory is aligned.
pub struct Unaligned(Vec<f32>);

impl Unaligned {
    pub fn new(numbers: &[f32]) -> Self {
        Self([&[f32::NAN], numbers].concat())
    }

    pub fn numbers(&self) -> &[f32] {
        &self.0[1..]
    }

    pub fn numbers_mut(&mut self) -> &mut [f32] {
        &mut self.0[1..]
    }
}

/// Rows of `width` numbers, `stride` apart; what is between them is no number.
pub fn spread(rows: &[f32], width: usize, stride: usize) -> Vec<f32> {
    let mut out = Vec::new();
    for row in rows.chunks(width) {
        out.extend_from_slice(row);
        out.resize(out.len() + stride - width, f32::NAN);
    }
    out
}

/// The error function by its series; beyond 4 it is 1 to eight digits.
pub fn erf(z: f64) -> f64 {
    if z.abs() > 4.0 {
        return z.signum();
    }
    let (mut term, mut sum) = (z, z);
    for i in 1..200 {
        term *= -z * z / f64::from(i);
        sum += term / f64::from(2 * i + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

pub fn activated(y: f64, activation: Activation) -> f64 {
    match activation {
        Activation::None => y,
        Activation::Silu => y / (1.0 + (-y).exp()),
        Activation::QuickGelu => y / (1.0 + (-1.702 * y).exp()),
        Activation::GeluTanh => {
            0.5 * y * (1.0 + (0.797_884_560_802_865_4 * (y + 0.044_715 * y * y * y)).tanh())
        }
        Activation::Gelu => 0.5 * y * (1.0 + erf(y / std::f64::consts::SQRT_2)),
        Activation::Relu => y.max(0.0),
    }
}

/// A convolution by its definition. x [h, w, c], k [n, c, side, side]
pub fn convolved(
    x: &[f32],
    walk: Walk,
    c: usize,
    k: &[f32],
    n: usize,
    side: usize,
    bias: &[f32],
) -> Vec<f64> {
    let factor = if walk.doubled { 2 } else { 1 };
    let (height, width) = walk.out(side);
    let at = |y: usize, x_: usize, i: usize| {
        let (y, x_) = (y.checked_sub(walk.before)?, x_.checked_sub(walk.before)?);
        let inside = y < walk.height * factor && x_ < walk.width * factor;
        inside.then(|| f64::from(x[(y / factor * walk.width + x_ / factor) * c + i]))
    };
    let mut out = Vec::with_capacity(height * width * n);
    for (y, x_) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        for o in 0..n {
            let mut sum = f64::from(bias[o]);
            for (ky, kx, i) in
                (0..side).flat_map(|y| (0..side).flat_map(move |x| (0..c).map(move |i| (y, x, i))))
            {
                let weight = f64::from(k[((o * c + i) * side + ky) * side + kx]);
                sum += weight * at(y * walk.stride + ky, x_ * walk.stride + kx, i).unwrap_or(0.0);
            }
            out.push(sum);
        }
    }
    out
}

/// Attention by its definition, over all tokens of k and v [m, heads · d].
pub fn attended(q: &[f32], n: usize, k: &[f32], v: &[f32], heads: usize, d: usize) -> Vec<f64> {
    let width = heads * d;
    let mut out = vec![0f64; n * width];
    for (i, h) in (0..n).flat_map(|i| (0..heads).map(move |h| (i, h))) {
        let of = |x: &[f32], token: usize, e: usize| f64::from(x[token * width + h * d + e]);
        let scores: Vec<f64> = (0..k.len() / width)
            .map(|j| (0..d).map(|e| of(q, i, e) * of(k, j, e)).sum::<f64>() / (d as f64).sqrt())
            .collect();
        let most = scores.iter().copied().fold(f64::MIN, f64::max);
        let shares: Vec<f64> = scores.iter().map(|x| (x - most).exp()).collect();
        let total: f64 = shares.iter().sum();
        for e in 0..d {
            let sum: f64 = shares.iter().enumerate().map(|(j, share)| share * of(v, j, e)).sum();
            out[i * width + h * d + e] = sum / total;
        }
    }
    out
}

pub fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64)
}

/// (x - mean) / √(variance + eps) · weight + bias of each row.
pub fn layer_normed(
    x: &[f32],
    n: usize,
    weight: Option<&[f32]>,
    bias: Option<&[f32]>,
    eps: f64,
) -> Vec<f64> {
    let mut out = Vec::with_capacity(x.len());
    for row in x.chunks(n) {
        let wide: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
        let (mean, variance) = mean_and_variance(&wide);
        out.extend(wide.iter().enumerate().map(|(i, x)| {
            (x - mean) / (variance + eps).sqrt() * weight.map_or(1.0, |w| f64::from(w[i]))
                + bias.map_or(0.0, |b| f64::from(b[i]))
        }));
    }
    out
}

/// x / √(mean(x²) + eps) · weight of each row.
pub fn rms_normed(x: &[f32], weight: &[f32], eps: f64) -> Vec<f64> {
    let mut out = Vec::with_capacity(x.len());
    for row in x.chunks(weight.len()) {
        let squares: f64 = row.iter().map(|&x| f64::from(x).powi(2)).sum();
        let root = (squares / row.len() as f64 + eps).sqrt();
        out.extend(row.iter().zip(weight).map(|(x, w)| f64::from(*x) / root * f64::from(*w)));
    }
    out
}
