//! How different pictures are, measured: models of few steps often give the same picture again, and a
//! person who asked for eight should see at a glance that there are two.
//!
//! Pictures are laid over grey, averaged down to a small square in CIELAB, whose distances are near to
//! what an eye sees, and compared cell by cell. Black against white is 1.

use likeness_recipe::Pixels;

use crate::api::{Spread, SpreadPair, SpreadVerdict};

/// Cells along each side. A thing that is somewhere else is a difference; a grain is none.
const CELLS: usize = 16;

/// Under this mean distance nobody could tell pictures apart. A tone of one in a hundred is 0.01.
const SAME: f64 = 0.01;

/// Under this they are one picture with small differences.
const CLOSE: f64 = 0.06;

/// A picture as it is compared: L, a and b of each cell, with 100 for the span from black to white.
pub struct Gist(Vec<[f64; 3]>);

impl Gist {
    /// What is compared of a picture.
    pub fn of(pixels: &Pixels) -> Self {
        let (width, height) = (pixels.width as usize, pixels.height as usize);
        let channels = usize::from(pixels.channels);
        let mut cells = Vec::with_capacity(CELLS * CELLS);
        for row in 0..CELLS {
            for column in 0..CELLS {
                let (top, bottom) = span(row, height);
                let (left, right) = span(column, width);
                let (mut sum, mut count) = ([0.0; 3], 0.0);
                for y in top..bottom {
                    for x in left..right {
                        let at = (y * width + x) * channels;
                        let colour = over_grey(&pixels.data[at..at + channels]);
                        sum = [0, 1, 2].map(|i| sum[i] + colour[i]);
                        count += 1.0;
                    }
                }
                cells.push(lab(sum.map(|total| total / count)));
            }
        }
        Self(cells)
    }

    /// 0 for the same to 1 for black against white; strong colours can pass that, and are cut.
    pub fn distance(&self, other: &Self) -> f64 {
        let cells = self.0.iter().zip(&other.0);
        let total: f64 = cells
            .map(|(a, b)| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt())
            .sum();
        (total / self.0.len() as f64 / 100.0).min(1.0)
    }
}

/// Compares every pair.
pub fn spread(pictures: &[(String, Gist)]) -> Spread {
    let mut pairs = Vec::new();
    for (i, (a, one)) in pictures.iter().enumerate() {
        for (b, other) in &pictures[i + 1..] {
            pairs.push(SpreadPair { a: a.clone(), b: b.clone(), distance: one.distance(other) });
        }
    }
    let total: f64 = pairs.iter().map(|pair| pair.distance).sum();
    let mean = if pairs.is_empty() { 0.0 } else { total / pairs.len() as f64 };
    let verdict = match mean {
        mean if mean < SAME => SpreadVerdict::Same,
        mean if mean < CLOSE => SpreadVerdict::Close,
        _ => SpreadVerdict::Varied,
    };
    Spread { mean, pairs, verdict }
}

/// The pixels of a cell along one side, at least one even where there are fewer pixels than cells.
fn span(cell: usize, side: usize) -> (usize, usize) {
    let start = cell * side / CELLS;
    (start, ((cell + 1) * side / CELLS).max(start + 1))
}

/// Linear red, green and blue. What can be seen through lets a middle grey in, so that black and white
/// cut-outs both differ from nothing.
fn over_grey(pixel: &[u8]) -> [f64; 3] {
    let alpha = pixel.get(3).map_or(1.0, |&alpha| f64::from(alpha) / 255.0);
    let linear = |byte: u8| {
        let value = f64::from(byte) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    [0, 1, 2].map(|i| linear(pixel[i]) * alpha + 0.214 * (1.0 - alpha))
}

/// CIELAB under D65.
fn lab([r, g, b]: [f64; 3]) -> [f64; 3] {
    let x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505;
    let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089;
    let f = |t: f64| if t > 0.008856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
    [116.0 * f(y) - 16.0, 500.0 * (f(x) - f(y)), 200.0 * (f(y) - f(z))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(colour: [u8; 3]) -> Gist {
        Gist::of(&Pixels::new(40, 30, 3, colour.repeat(40 * 30)).unwrap())
    }

    #[test]
    fn distances_go_from_nothing_to_black_against_white() {
        let distance = |a, b| plain(a).distance(&plain(b));
        assert_eq!(distance([9, 8, 7], [9, 8, 7]), 0.0);
        assert!((distance([0; 3], [255; 3]) - 1.0).abs() < 0.01);
        assert!(distance([100; 3], [101; 3]) < SAME);
        assert!(distance([200, 40, 40], [40, 40, 200]) > CLOSE);
    }

    #[test]
    fn the_verdict_is_of_all_pairs() {
        let all = |colours: &[[u8; 3]]| {
            let named: Vec<_> =
                colours.iter().map(|&colour| (format!("{colour:?}"), plain(colour))).collect();
            spread(&named)
        };
        assert_eq!(all(&[[9; 3], [9; 3], [10; 3]]).verdict, SpreadVerdict::Same);
        assert_eq!(all(&[[100; 3], [108; 3]]).verdict, SpreadVerdict::Close);
        let varied = all(&[[0; 3], [255, 0, 0], [255; 3]]);
        assert_eq!((varied.verdict, varied.pairs.len()), (SpreadVerdict::Varied, 3));
        assert_eq!(all(&[[0; 3]]).pairs.len(), 0);
    }

    #[test]
    fn a_picture_smaller_than_the_cells_is_compared_too() {
        Gist::of(&Pixels::new(1, 3, 4, vec![7; 12]).unwrap());
    }
}
