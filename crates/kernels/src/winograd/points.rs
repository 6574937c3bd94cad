//! Polynomials and their values at points, of which the last is ∞: there it is the highest coefficient.
//!
//! With m(x) the product of x - pⱼ over the finite points, row j of Bᵀ has the coefficients of
//! m(x) / (x - pⱼ) and the last one those of m(x); row j of G has the powers of pⱼ divided by the product of
//! pⱼ - pₗ over the other finite points; row i of Aᵀ has the i-th powers of all. Points that are symmetric
//! about 0 share their even and odd halves.
//!
//! Four points are 0, ±1 and ∞. Six are 0, ±a, ±b and ∞, m(x) = x (x² - a²) (x² - b²), where a lies about as
//! far below 1 as b above it, which keeps their powers near each other: with 1 and 2 rounding errors are
//! twice as large, and four times at their worst.

use crate::simd::Math;

/// Values of the largest tile in both directions.
pub(super) const MOST: usize = 36;

const A: f32 = 0.625;
const B: f32 = 1.5;
const A2: f32 = A * A;
const B2: f32 = B * B;

/// As many pixels, of so many channels, as there are points to their values: Bᵀ d.
#[inline(always)]
pub(super) fn to_points<M: Math, const N: usize, const TILE: usize>(
    d: [&[f32; N]; TILE],
    to: [&mut [f32; N]; TILE],
) {
    let mut to = to;
    match (&d[..], &mut to[..]) {
        ([d0, d1, d2, d3], [t0, t1, t2, t3]) => {
            for i in 0..N {
                t0[i] = d2[i] - d0[i];
                t1[i] = d2[i] + d1[i];
                t2[i] = d2[i] - d1[i];
                t3[i] = d3[i] - d1[i];
            }
        }
        ([d0, d1, d2, d3, d4, d5], [t0, t1, t2, t3, t4, t5]) => {
            for i in 0..N {
                let (d1, d2, d3, d4) = (d1[i], d2[i], d3[i], d4[i]);
                t0[i] = M::fma(A2 * B2, d0[i], M::fma(-(A2 + B2), d2, d4));
                t5[i] = M::fma(A2 * B2, d1, M::fma(-(A2 + B2), d3, d5[i]));
                let (even, odd) = (M::fma(-B2, d2, d4), A * M::fma(-B2, d1, d3));
                t1[i] = even + odd;
                t2[i] = even - odd;
                let (even, odd) = (M::fma(-A2, d2, d4), B * M::fma(-A2, d1, d3));
                t3[i] = even + odd;
                t4[i] = even - odd;
            }
        }
        _ => unreachable!("tiles are of four or six pixels"),
    }
}

/// Products of values to results, two fewer: Aᵀ m.
#[inline(always)]
pub(super) fn from_points<M: Math, const N: usize, const MADE: usize, const TILE: usize>(
    m: [&[f32; N]; TILE],
    to: [&mut [f32; N]; MADE],
) {
    let mut to = to;
    match (&m[..], &mut to[..]) {
        ([m0, m1, m2, m3], [y0, y1]) => {
            for i in 0..N {
                y0[i] = m0[i] + (m1[i] + m2[i]);
                y1[i] = m3[i] + (m1[i] - m2[i]);
            }
        }
        ([m0, m1, m2, m3, m4, m5], [y0, y1, y2, y3]) => {
            for i in 0..N {
                let (even_a, odd_a) = (m1[i] + m2[i], m1[i] - m2[i]);
                let (even_b, odd_b) = (m3[i] + m4[i], m3[i] - m4[i]);
                y0[i] = m0[i] + (even_a + even_b);
                y1[i] = M::fma(A, odd_a, B * odd_b);
                y2[i] = M::fma(A2, even_a, B2 * even_b);
                y3[i] = M::fma(A * A2, odd_a, M::fma(B * B2, odd_b, m5[i]));
            }
        }
        _ => unreachable!("tiles of four or six pixels make two or four results"),
    }
}

/// A kernel's 3 by 3 taps to their values: G g Gᵀ, in f64 since it is done once.
pub(super) fn kernel(taps: &[f32], values: &mut [f32]) {
    match values.len() {
        16 => at_points(taps, values, four),
        _ => at_points(taps, values, six),
    }
}

fn at_points<const TILE: usize>(
    taps: &[f32],
    values: &mut [f32],
    points: impl Fn([f64; 3]) -> [f64; TILE],
) {
    let tap = |y: usize, x: usize| f64::from(taps[y * 3 + x]);
    let [left, middle, right] = [0, 1, 2].map(|x| points([tap(0, x), tap(1, x), tap(2, x)]));
    for (y, line) in values.chunks_exact_mut(TILE).enumerate() {
        for (to, value) in line.iter_mut().zip(points([left[y], middle[y], right[y]])) {
            *to = value as f32;
        }
    }
}

fn four([g0, g1, g2]: [f64; 3]) -> [f64; 4] {
    [-g0, (g0 + g1 + g2) / 2.0, (g0 - g1 + g2) / 2.0, g2]
}

fn six([g0, g1, g2]: [f64; 3]) -> [f64; 6] {
    let (a, b) = (f64::from(A), f64::from(B));
    let (a2, b2) = (a * a, b * b);
    let (at_0, at_a, at_b) = (a2 * b2, 2.0 * a2 * (a2 - b2), 2.0 * b2 * (b2 - a2));
    let (even_a, even_b) = (g0 + a2 * g2, g0 + b2 * g2);
    [
        g0 / at_0,
        (even_a + a * g1) / at_a,
        (even_a - a * g1) / at_a,
        (even_b + b * g1) / at_b,
        (even_b - b * g1) / at_b,
        g2,
    ]
}
