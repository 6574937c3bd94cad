//! The edit guard: whatever an instruction left alone is, in the result, the source's own pixels.
//!
//! A network draws the whole picture anew, and what it was not asked to change comes back softer and a
//! little off in colour. An edit differs from that in two ways: it is far from the source, and it is so
//! over more than a line. So the difference is smoothed, which takes away what only lies a little beside
//! its place; what is plainly different begins a region, which spreads as far as a fainter difference
//! goes on (hysteresis, as in Canny, "A computational approach to edge detection", 1986); and all else
//! is put back, with a soft seam.

use likeness_recipe::Pixels;

use crate::image::{premultiply, straight, unpremultiply};

/// Standard deviation in pixels of what the difference is smoothed with.
const SMOOTH: f64 = 2.5;
/// A smoothed difference, of 1 between black and white, that only an edit makes.
const PLAIN: f32 = 0.15;
/// One that belongs to an edit beside it.
const FAINT: f32 = 0.06;
/// Pixels by which a region reaches beyond what is different.
const MARGIN: usize = 2;
/// Standard deviation in pixels of the seam.
const SEAM: f64 = 1.0;
/// A share of what is drawn that is all of it, but for rounding.
const WHOLE: f32 = 0.999;

/// Puts `source` back into `drawn`, which has alpha, wherever the two are the same picture. Both have the
/// same size; what is put back is so byte for byte.
pub fn keep_unchanged(drawn: &mut Pixels, source: &Pixels) {
    let frame = Frame { width: drawn.width as usize, height: drawn.height as usize };
    let changed = frame.grown(&frame.changed(drawn, source), MARGIN);
    let as_share = changed.iter().map(|&changed| if changed { 1.0 } else { 0.0 }).collect();
    let share = frame.smoothed(as_share, SEAM);
    let from = straight(&source.data, source.channels);
    for ((to, from), share) in drawn.data.chunks_exact_mut(4).zip(from).zip(share) {
        if share <= 0.0 {
            to.copy_from_slice(&from);
        } else if share < WHOLE {
            let (new, old) = (premultiply([to[0], to[1], to[2], to[3]]), premultiply(from));
            let mixed = [0, 1, 2, 3].map(|c| old[c] + share * (new[c] - old[c]));
            to.copy_from_slice(&unpremultiply(mixed));
        }
    }
}

/// The size of what is worked on, a number or a flag for each pixel, row by row.
#[derive(Clone, Copy)]
struct Frame {
    width: usize,
    height: usize,
}

impl Frame {
    /// Where the two differ as only an edit makes them differ.
    fn changed(self, drawn: &Pixels, source: &Pixels) -> Vec<bool> {
        let pairs = || {
            let drawn = straight(&drawn.data, drawn.channels).map(premultiply);
            drawn.zip(straight(&source.data, source.channels).map(premultiply))
        };
        let mut greatest = vec![0f32; self.width * self.height];
        for channel in 0..4 {
            let apart = pairs().map(|(drawn, source)| drawn[channel] - source[channel]).collect();
            for (most, apart) in greatest.iter_mut().zip(self.smoothed(apart, SMOOTH)) {
                *most = most.max(apart.abs());
            }
        }
        self.spread(&greatest)
    }

    /// What is plainly different, and what is faintly so and connected with it.
    fn spread(self, different: &[f32]) -> Vec<bool> {
        let mut changed: Vec<bool> = different.iter().map(|&by| by > PLAIN).collect();
        let mut edge: Vec<usize> = (0..changed.len()).filter(|&at| changed[at]).collect();
        while let Some(at) = edge.pop() {
            let (x, y) = (at % self.width, at / self.width);
            for y in y.saturating_sub(1)..(y + 2).min(self.height) {
                for x in x.saturating_sub(1)..(x + 2).min(self.width) {
                    let beside = y * self.width + x;
                    if !changed[beside] && different[beside] > FAINT {
                        changed[beside] = true;
                        edge.push(beside);
                    }
                }
            }
        }
        changed
    }

    /// Every pixel that is at most `by` columns and rows from one that is set.
    fn grown(self, set: &[bool], by: usize) -> Vec<bool> {
        let near = |set: &[bool], at: usize, place: usize, length: usize, step: usize| {
            let (before, after) = (place.min(by), (length - 1 - place).min(by));
            (at - before * step..=at + after * step).step_by(step).any(|at| set[at])
        };
        let all = 0..self.width * self.height;
        let wide: Vec<bool> =
            all.clone().map(|at| near(set, at, at % self.width, self.width, 1)).collect();
        all.map(|at| near(&wide, at, at / self.width, self.height, self.width)).collect()
    }

    /// Smoothed by a Gaussian; beyond the border it goes on as it ends there.
    fn smoothed(self, numbers: Vec<f32>, deviation: f64) -> Vec<f32> {
        let reach = (3.0 * deviation).round() as usize;
        let bell = |by: usize| libm::exp(-0.5 * ((by as f64 - reach as f64) / deviation).powi(2));
        let sum: f64 = (0..=2 * reach).map(bell).sum();
        let weights: Vec<f32> = (0..=2 * reach).map(|by| (bell(by) / sum) as f32).collect();
        let add = |to: &mut [f32], weight: f32, from: &[f32]| {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += weight * from);
        };
        let mut wide = vec![0f32; numbers.len()];
        for (to, row) in wide.chunks_exact_mut(self.width).zip(numbers.chunks_exact(self.width)) {
            let (first, last) = (row[0], row[self.width - 1]);
            let longer = [&vec![first; reach], row, &vec![last; reach]].concat();
            weights.iter().enumerate().for_each(|(by, &weight)| add(to, weight, &longer[by..]));
        }
        let mut high = vec![0f32; numbers.len()];
        for (y, to) in high.chunks_exact_mut(self.width).enumerate() {
            for (by, &weight) in weights.iter().enumerate() {
                let row = (y + by).saturating_sub(reach).min(self.height - 1) * self.width;
                add(to, weight, &wide[row..]);
            }
        }
        high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: u32 = 64;

    /// A picture whose pixels are what `of` says of column and row.
    fn picture(of: impl Fn(u32, u32) -> [u8; 4]) -> Pixels {
        let data = (0..SIDE * SIDE).flat_map(|at| of(at % SIDE, at / SIDE)).collect();
        Pixels::new(SIDE, SIDE, 4, data).expect("it is whole")
    }

    fn at(pixels: &Pixels, x: u32, y: u32) -> [u8; 4] {
        let at = 4 * (y * pixels.width + x) as usize;
        [0, 1, 2, 3].map(|c| pixels.data[at + c])
    }

    /// Stripes four pixels wide.
    fn stripes(x: u32) -> [u8; 4] {
        if (x / 4).is_multiple_of(2) { [160, 60, 60, 255] } else { [60, 60, 160, 255] }
    }

    fn disc(x: u32, y: u32) -> bool {
        (x as i32 - 20).pow(2) + (y as i32 - 20).pow(2) < 100
    }

    #[test]
    fn what_an_edit_leaves_alone_is_the_sources_own() {
        let source = picture(|x, _| stripes(x));
        // A green disc, and everything else a little lighter and a pixel to the right.
        let mut drawn = picture(|x, y| match disc(x, y) {
            true => [30, 200, 60, 255],
            false => stripes(x.saturating_sub(1)).map(|v| v.saturating_add(5)),
        });
        let before = drawn.clone();
        keep_unchanged(&mut drawn, &source);
        for y in 0..SIDE {
            for x in 0..SIDE {
                let apart = (x as f64 - 20.0).hypot(y as f64 - 20.0);
                if apart < 8.0 {
                    assert_eq!(at(&drawn, x, y), at(&before, x, y), "the disc, at {x}, {y}");
                } else if apart > 26.0 {
                    assert_eq!(at(&drawn, x, y), at(&source, x, y), "beside it, at {x}, {y}");
                }
            }
        }
    }

    #[test]
    fn a_picture_that_is_another_stays_as_it_is_drawn() {
        let source = picture(|x, _| stripes(x));
        let other = picture(|x, y| [x as u8 * 2, 250, y as u8 * 2, 255]);
        let mut drawn = other.clone();
        keep_unchanged(&mut drawn, &source);
        assert_eq!(drawn, other);
    }

    #[test]
    fn transparency_is_a_difference_and_is_kept() {
        let hole = |x, y| if disc(x, y) { [0, 0, 0, 0] } else { [90, 90, 90, 255] };
        let full = |_, _| [90, 90, 90, 255];
        for (source, result) in [(picture(hole), picture(full)), (picture(full), picture(hole))] {
            let mut drawn = result.clone();
            keep_unchanged(&mut drawn, &source);
            assert_eq!(at(&drawn, 20, 20), at(&result, 20, 20), "what was cut or filled");
            assert_eq!(at(&drawn, 50, 50), at(&source, 50, 50));
        }
        let source = picture(hole);
        let mut drawn = source.clone();
        keep_unchanged(&mut drawn, &source);
        assert_eq!(drawn, source, "nothing was changed");
    }

    #[test]
    fn opaque_sources_and_single_rows_are_guarded_too() {
        let source = Pixels::new(5, 1, 3, [10, 20, 30].repeat(5)).expect("it is whole");
        let mut drawn = Pixels::new(5, 1, 4, [12, 18, 33, 255].repeat(5)).expect("it is whole");
        keep_unchanged(&mut drawn, &source);
        assert_eq!(drawn.data, [10, 20, 30, 255].repeat(5));
    }
}
