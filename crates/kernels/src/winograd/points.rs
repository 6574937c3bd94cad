//! Polynomials and their values at 0, ±a, ±b and ∞, where ∞ stands for the highest coefficient.
//!
//! With m(x) = x (x² - a²) (x² - b²), row j of Bᵀ has the coefficients of m(x) / (x - pⱼ) and the last one
//! those of m(x); row j of G has the powers of pⱼ divided by Π (pⱼ - pₗ) over the other finite points; row
//! i of Aᵀ has the i-th powers of all. Points that are symmetric about 0 share their even and odd halves.
//! These two lie about as far below 1 as above it, which keeps the powers near each other: with 1 and 2
//! rounding errors are about twice as large.

use crate::simd::Math;

/// Values of a tile in both directions.
pub(crate) const POINTS: usize = 36;

const A: f32 = 0.625;
const B: f32 = 1.5;
const A2: f32 = A * A;
const B2: f32 = B * B;

/// Six pixels of so many channels to their values: Bᵀ d.
#[inline(always)]
pub(super) fn to_points<M: Math, const N: usize>(d: [&[f32; N]; 6], to: [&mut [f32; N]; 6]) {
    let [t0, t1, t2, t3, t4, t5] = to;
    for i in 0..N {
        let (d1, d2, d3, d4) = (d[1][i], d[2][i], d[3][i], d[4][i]);
        t0[i] = M::fma(A2 * B2, d[0][i], M::fma(-(A2 + B2), d2, d4));
        t5[i] = M::fma(A2 * B2, d1, M::fma(-(A2 + B2), d3, d[5][i]));
        let (even, odd) = (M::fma(-B2, d2, d4), A * M::fma(-B2, d1, d3));
        t1[i] = even + odd;
        t2[i] = even - odd;
        let (even, odd) = (M::fma(-A2, d2, d4), B * M::fma(-A2, d1, d3));
        t3[i] = even + odd;
        t4[i] = even - odd;
    }
}

/// Six products of values to four results: Aᵀ m.
#[inline(always)]
pub(super) fn from_points<M: Math, const N: usize>(m: [&[f32; N]; 6], to: [&mut [f32; N]; 4]) {
    let [y0, y1, y2, y3] = to;
    for i in 0..N {
        let (even_a, odd_a) = (m[1][i] + m[2][i], m[1][i] - m[2][i]);
        let (even_b, odd_b) = (m[3][i] + m[4][i], m[3][i] - m[4][i]);
        y0[i] = m[0][i] + (even_a + even_b);
        y1[i] = M::fma(A, odd_a, B * odd_b);
        y2[i] = M::fma(A2, even_a, B2 * even_b);
        y3[i] = M::fma(A * A2, odd_a, M::fma(B * B2, odd_b, m[5][i]));
    }
}

/// A kernel's 3 by 3 taps to their values: G g Gᵀ, in f64 since it is done once.
pub(super) fn kernel(taps: &[f32]) -> [f32; POINTS] {
    let (a, b) = (f64::from(A), f64::from(B));
    let (a2, b2) = (a * a, b * b);
    let (at_0, at_a, at_b) = (a2 * b2, 2.0 * a2 * (a2 - b2), 2.0 * b2 * (b2 - a2));
    let three = |g: [f64; 3]| {
        let even = |p2: f64| g[0] + p2 * g[2];
        [
            g[0] / at_0,
            (even(a2) + a * g[1]) / at_a,
            (even(a2) - a * g[1]) / at_a,
            (even(b2) + b * g[1]) / at_b,
            (even(b2) - b * g[1]) / at_b,
            g[2],
        ]
    };
    let tap = |y: usize, x: usize| f64::from(taps[y * 3 + x]);
    // [x][point]
    let columns: [[f64; 6]; 3] = std::array::from_fn(|x| three([tap(0, x), tap(1, x), tap(2, x)]));
    let mut values = [0f32; POINTS];
    for y in 0..6 {
        let line = three([columns[0][y], columns[1][y], columns[2][y]]);
        for x in 0..6 {
            values[y * 6 + x] = line[x] as f32;
        }
    }
    values
}
