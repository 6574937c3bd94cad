//! Bicubic enlargement, as `models/starter/training/upscaler.py` has it too.
//!
//! Pixel i of the result has its middle at (i + 1/2) / by of the source, whose pixels have theirs at
//! j + 1/2. It is the sum of the two pixels on either side, in each direction, by Keys' cubic of their
//! distance with a = -1/2. Beyond the border the last pixel goes on.

use std::ops::Range;

/// Pixels before and behind the one that a pixel of the result lies in.
const REACH: usize = 2;
const TAPS: usize = 2 * REACH + 1;

/// Rows `wanted` of what a picture [height, width, 4] becomes `by` times as large, in their order: each
/// with its number, [by · width · 4].
pub(crate) fn rows(
    picture: &[f32],
    (height, width): (usize, usize),
    by: usize,
    wanted: Range<usize>,
    mut take: impl FnMut(usize, &[f32]),
) {
    let taps: Vec<_> = (0..by).map(|phase| taps(phase, by)).collect();
    let mut line = vec![[0.0; 4]; width];
    let mut row = vec![0.0; by * width * 4];
    let (source, _) = picture.as_chunks::<4>();
    for y in wanted {
        line.fill([0.0; 4]);
        for (k, weight) in taps[y % by].iter().enumerate() {
            let from = near(y / by, k, height) * width;
            add(&mut line, &source[from..from + width], *weight);
        }
        for (x, to) in row.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let mut sum = [0.0; 4];
            for (k, weight) in taps[x % by].iter().enumerate() {
                let pixel = line[near(x / by, k, width)];
                (0..4).for_each(|c| sum[c] += weight * pixel[c]);
            }
            *to = sum;
        }
        take(y, &row);
    }
}

fn add(line: &mut [[f32; 4]], pixels: &[[f32; 4]], weight: f32) {
    for (to, pixel) in line.iter_mut().zip(pixels) {
        (0..4).for_each(|c| to[c] += weight * pixel[c]);
    }
}

/// The pixel that tap `k` around `at` reads, of `all`.
fn near(at: usize, k: usize, all: usize) -> usize {
    (at + k).saturating_sub(REACH).min(all - 1)
}

/// How much each pixel counts for the `phase`-th of the `by` pixels that one becomes.
fn taps(phase: usize, by: usize) -> [f32; TAPS] {
    let place = (phase as f64 + 0.5) / by as f64 - 0.5;
    std::array::from_fn(|k| keys(place - (k as f64 - REACH as f64)) as f32)
}

fn keys(distance: f64) -> f64 {
    let d = distance.abs();
    if d < 1.0 {
        (1.5 * d - 2.5) * d * d + 1.0
    } else if d < 2.0 {
        ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_even_stays_so_and_a_slope_is_a_slope() {
        for by in 2..=4 {
            for phase in 0..by {
                let taps = taps(phase, by);
                assert!((taps.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{by} {phase}: {taps:?}");
            }
        }
        let (height, width, by) = (1, 9, 4);
        let slope: Vec<f32> = (0..width).flat_map(|x| [x as f32, 1.0, 0.0, 0.5]).collect();
        let mut seen = 0;
        rows(&slope, (height, width), by, 1..3, |_, row| {
            seen += 1;
            for x in 2 * by..(width - 2) * by {
                let wanted = (x as f32 + 0.5) / by as f32 - 0.5;
                assert!((row[x * 4] - wanted).abs() < 1e-5, "{x}: {} for {wanted}", row[x * 4]);
                assert!((row[x * 4 + 3] - 0.5).abs() < 1e-6);
            }
        });
        assert_eq!(seen, 2);
    }
}
