//! How different pictures are, measured: models of few steps often give the same picture again, and a
//! person who asked for eight should see at a glance that there are two.
//!
//! Pictures are laid over grey, averaged down to a small square in CIELAB, whose distances are near to
//! what an eye sees, and compared cell by cell, each weighed by how much is to be seen there: two
//! stickers differ by what they show, not by how little of them that is. Black against white is 1.
//!
//! What the numbers are called was set on pictures of the starter (0.8.0, 128 pixels, four steps), in
//! sets of eight: ten prompts with seeds 100 to 107 each, of which people say that they are one picture,
//! and four sets of other words, of which they say that they are not. Means of all pairs:
//!
//! | set | mean |
//! |---|---|
//! | seeds: bear sticker, fox in snow, rocket, mug, cat | 0.05, 0.05, 0.08, 0.03, 0.07 |
//! | seeds: house, penguin, car sticker, sunflower, pizza | 0.08, 0.06, 0.06, 0.06, 0.07 |
//! | a bear in eight places and styles | 0.46 |
//! | eight things | 0.49 |
//! | a rocket in eight places and styles | 0.54 |
//! | a mug sticker in eight colours | 0.43 |

use likeness_recipe::Pixels;

use crate::api::{Spread, SpreadPair, SpreadVerdict};

/// Cells along each side. A thing that is somewhere else is a difference; a grain is none.
const CELLS: usize = 16;

/// Under this mean distance they are one picture, drawn again: a little over the widest set of seeds.
const SAME: f64 = 0.1;

/// Over this they are different pictures: half of the narrowest set of other words.
const CLOSE: f64 = 0.2;

/// A picture as it is compared.
pub struct Gist(Vec<Cell>);

struct Cell {
    /// L, a and b, with 100 for the span from black to white.
    lab: [f64; 3],
    /// How much is to be seen there: its mean alpha.
    seen: f64,
}

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
                let (mut sum, mut seen, mut count) = ([0.0; 3], 0.0, 0.0);
                for y in top..bottom {
                    for x in left..right {
                        let at = (y * width + x) * channels;
                        let (colour, alpha) = over_grey(&pixels.data[at..at + channels]);
                        sum = [0, 1, 2].map(|i| sum[i] + colour[i]);
                        seen += alpha;
                        count += 1.0;
                    }
                }
                let lab = lab(sum.map(|total| total / count));
                cells.push(Cell { lab, seen: seen / count });
            }
        }
        Self(cells)
    }

    /// 0 for the same to 1 for black against white; strong colours can pass that, and are cut.
    pub fn distance(&self, other: &Self) -> f64 {
        let (mut total, mut weights) = (0.0, 0.0);
        for (a, b) in self.0.iter().zip(&other.0) {
            let apart = a.lab.iter().zip(b.lab).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            // Where the one shows something and the other nothing, that is what differs.
            let weight = a.seen.max(b.seen);
            (total, weights) = (total + weight * apart, weights + weight);
        }
        if weights == 0.0 { 0.0 } else { (total / weights / 100.0).min(1.0) }
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

/// Linear red, green and blue, and alpha. What can be seen through lets a middle grey in, so that black and white
/// cut-outs both differ from nothing.
fn over_grey(pixel: &[u8]) -> ([f64; 3], f64) {
    let alpha = pixel.get(3).map_or(1.0, |&alpha| f64::from(alpha) / 255.0);
    let linear = |byte: u8| {
        let value = f64::from(byte) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    ([0, 1, 2].map(|i| linear(pixel[i]) * alpha + 0.214 * (1.0 - alpha)), alpha)
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
        assert!(distance([100; 3], [101; 3]) < 0.01, "a tone of one in a hundred is 0.01");
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
        assert_eq!(all(&[[100; 3], [140; 3]]).verdict, SpreadVerdict::Close);
        let varied = all(&[[0; 3], [255, 0, 0], [255; 3]]);
        assert_eq!((varied.verdict, varied.pairs.len()), (SpreadVerdict::Varied, 3));
        assert_eq!(all(&[[0; 3]]).pairs.len(), 0);
    }

    /// Some of the sets that the thresholds were set on, eight pictures of 32 pixels side by side each.
    #[test]
    fn seeds_of_one_prompt_are_the_same_and_other_words_are_not() {
        for (name, sheet, wanted) in [
            ("bear", &include_bytes!("../tests/fixtures/spread/same-bear.png")[..], "same"),
            ("fox", include_bytes!("../tests/fixtures/spread/same-fox.png"), "same"),
            ("rocket", include_bytes!("../tests/fixtures/spread/same-rocket.png"), "same"),
            ("house", include_bytes!("../tests/fixtures/spread/same-house.png"), "same"),
            ("pizza", include_bytes!("../tests/fixtures/spread/same-pizza.png"), "same"),
            ("bears", include_bytes!("../tests/fixtures/spread/varied-bear.png"), "varied"),
            ("things", include_bytes!("../tests/fixtures/spread/varied-things.png"), "varied"),
            ("rockets", include_bytes!("../tests/fixtures/spread/varied-rocket.png"), "varied"),
            ("mugs", include_bytes!("../tests/fixtures/spread/varied-mug.png"), "varied"),
        ] {
            let sheet = likeness_picture::decode(sheet, &Default::default()).unwrap().pixels;
            let tile = |number: usize| {
                let data = sheet.data.chunks_exact(8 * 32 * 4);
                let data = data.flat_map(|row| row[number * 128..(number + 1) * 128].to_vec());
                Gist::of(&Pixels::new(32, 32, 4, data.collect()).unwrap())
            };
            let named: Vec<_> = (0..8).map(|number| (number.to_string(), tile(number))).collect();
            let Spread { mean, verdict, .. } = spread(&named);
            let verdict = serde_json::to_value(verdict).unwrap();
            assert_eq!(verdict, wanted, "{name}: {mean}");
            // Some room to either side, so that the next model's pictures do not tip it.
            assert!(!(0.09..0.3).contains(&mean), "{name}: {mean}");
        }
    }

    #[test]
    fn a_sticker_differs_by_what_it_shows() {
        let sticker = |colour: [u8; 3]| {
            let mut data = vec![0; 40 * 40 * 4];
            for pixel in data.chunks_exact_mut(4).skip(40 * 18).take(40 * 4) {
                pixel.copy_from_slice(&[colour[0], colour[1], colour[2], 255]);
            }
            Gist::of(&Pixels::new(40, 40, 4, data).unwrap())
        };
        assert!(sticker([200, 40, 40]).distance(&sticker([40, 40, 200])) > CLOSE);
        let nothing = Gist::of(&Pixels::new(4, 4, 4, vec![0; 64]).unwrap());
        assert_eq!(nothing.distance(&nothing), 0.0);
    }

    #[test]
    fn a_picture_smaller_than_the_cells_is_compared_too() {
        Gist::of(&Pixels::new(1, 3, 4, vec![7; 12]).unwrap());
    }
}
