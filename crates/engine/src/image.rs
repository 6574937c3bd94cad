//! Pictures as numbers: fitting one to a size, and turning pixels into tokens and back.
//!
//! Everything is done with premultiplied colour, so that what is transparent never bleeds into what
//! is not.

use likeness_recipe::{Pixels, Size};

/// Straight colour and alpha of every pixel, 4 bytes each.
pub(crate) fn straight(data: &[u8], channels: u8) -> impl Iterator<Item = [u8; 4]> {
    data.chunks_exact(channels as usize).map(|pixel| match *pixel {
        [r, g, b, a] => [r, g, b, a],
        [r, g, b] => [r, g, b, 255],
        _ => [0, 0, 0, 0],
    })
}

/// Scales a picture to cover `size` and cuts off evenly what stands over. A picture that has the size
/// comes back as it is, byte for byte.
pub fn fit(pixels: &Pixels, size: Size) -> Pixels {
    if pixels.size() == size {
        return pixels.clone();
    }
    let (width, height) = (pixels.width as usize, pixels.height as usize);
    let cover = Cover::new(pixels.size(), size);
    let columns = cover.taps(width, size.width as usize, cover.left);
    let rows = cover.taps(height, size.height as usize, cover.top);
    // One row at a time: a photograph as floats would take sixteen bytes a pixel.
    let mut wide = Vec::with_capacity(size.width as usize * height);
    for row in pixels.data.chunks_exact(width * pixels.channels as usize) {
        let row: Vec<[f32; 4]> = straight(row, pixels.channels).map(premultiply).collect();
        wide.extend(columns.iter().map(|taps| taps.sum(|at| row[at])));
    }
    let mut data = Vec::with_capacity(size.width as usize * size.height as usize * 4);
    for taps in &rows {
        for x in 0..size.width as usize {
            data.extend(unpremultiply(taps.sum(|at| wide[at * size.width as usize + x])));
        }
    }
    let opaque = pixels.channels == 3;
    let data = if opaque { without_alpha(&data) } else { data };
    Pixels { width: size.width, height: size.height, channels: pixels.channels, data }
}

/// Where a mask lets the picture change: white does, black stays. It is scaled like [`fit`] scales,
/// by the nearest pixel, and cut at one half.
pub fn fit_mask(mask: &Pixels, size: Size) -> Vec<bool> {
    let light: Vec<bool> = straight(&mask.data, mask.channels)
        .map(|[r, g, b, a]| {
            let luma = 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
            luma * u32::from(a) >= 500 * 255 * 255
        })
        .collect();
    let cover = Cover::new(mask.size(), size);
    let at = |i: usize, offset: f64, side: u32| {
        let place = ((i as f64 + 0.5 + offset) * cover.step).floor().max(0.0) as usize;
        place.min(side as usize - 1)
    };
    (0..size.height as usize)
        .flat_map(|y| {
            let (row, light) = (at(y, cover.top, mask.height) * mask.width as usize, &light);
            (0..size.width as usize).map(move |x| light[row + at(x, cover.left, mask.width)])
        })
        .collect()
}

/// How a picture lies under the frame that it covers.
struct Cover {
    /// Source pixels for one of the frame's.
    step: f64,
    /// Frame pixels that stand over on the left and above.
    left: f64,
    top: f64,
}

/// The source pixels that one pixel is made of, and how much of each.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

impl Cover {
    fn new(from: Size, to: Size) -> Self {
        let ratio = |from: u32, to: u32| f64::from(from) / f64::from(to);
        let step = ratio(from.width, to.width).min(ratio(from.height, to.height));
        let over = |from: u32, to: u32| (f64::from(from) / step - f64::from(to)) / 2.0;
        Self { step, left: over(from.width, to.width), top: over(from.height, to.height) }
    }

    /// A triangle as wide as the step, so that shrinking averages and enlarging interpolates.
    fn taps(&self, from: usize, to: usize, offset: f64) -> Vec<Taps> {
        let reach = self.step.max(1.0);
        (0..to)
            .map(|i| {
                let centre = (i as f64 + 0.5 + offset) * self.step;
                let first = (centre - reach).floor().max(0.0) as usize;
                let end = ((centre + reach).ceil() as usize).clamp(first + 1, from.max(first + 1));
                let weight = |at: usize| (1.0 - (at as f64 + 0.5 - centre).abs() / reach).max(0.0);
                let first = first.min(from - 1);
                let mut weights: Vec<f64> = (first..end.min(from)).map(weight).collect();
                let sum: f64 = weights.iter().sum();
                if sum > 0.0 {
                    weights.iter_mut().for_each(|weight| *weight /= sum);
                } else {
                    weights = vec![1.0];
                }
                Taps { first, weights: weights.into_iter().map(|weight| weight as f32).collect() }
            })
            .collect()
    }
}

impl Taps {
    fn sum(&self, at: impl Fn(usize) -> [f32; 4]) -> [f32; 4] {
        let mut sum = [0f32; 4];
        for (i, weight) in self.weights.iter().enumerate() {
            let pixel = at(self.first + i);
            (0..4).for_each(|c| sum[c] += weight * pixel[c]);
        }
        sum
    }
}

/// Bytes to numbers from 0 to 1.
pub(crate) fn premultiply([r, g, b, a]: [u8; 4]) -> [f32; 4] {
    let unit = |v: u8| f32::from(v) / 255.0;
    [unit(r) * unit(a), unit(g) * unit(a), unit(b) * unit(a), unit(a)]
}

/// Numbers from 0 to 1, or a little beyond, to bytes.
pub(crate) fn unpremultiply([r, g, b, a]: [f32; 4]) -> [u8; 4] {
    let byte = |v: f32| (v.clamp(0.0, 1.0) * 255.0).round() as u8;
    let colour = |v: f32| if a > 0.0 { byte(v / a) } else { 0 };
    [colour(r), colour(g), colour(b), byte(a)]
}

fn without_alpha(rgba: &[u8]) -> Vec<u8> {
    rgba.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
}

/// A grid of square patches of a picture with 4 channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Patches from top to bottom.
    pub rows: usize,
    /// Patches from left to right.
    pub columns: usize,
    /// Pixels along a patch's side.
    pub patch: usize,
}

impl Grid {
    /// The grid over a picture whose sides are multiples of the patch.
    pub fn over(size: Size, patch: usize) -> Self {
        Self { rows: size.height as usize / patch, columns: size.width as usize / patch, patch }
    }

    /// Patches in all.
    pub fn tokens(self) -> usize {
        self.rows * self.columns
    }

    /// Numbers of a patch: 4 channels, then rows, then columns.
    pub fn channels(self) -> usize {
        4 * self.patch * self.patch
    }

    /// Pixels to tokens of premultiplied numbers from -1 to 1, [tokens, channels].
    pub fn tokens_of(self, pixels: &Pixels) -> Vec<f32> {
        let pixels: Vec<[f32; 4]> = straight(&pixels.data, pixels.channels)
            .map(|pixel| premultiply(pixel).map(|v| 2.0 * v - 1.0))
            .collect();
        let width = self.columns * self.patch;
        self.places().map(|(channel, y, x)| pixels[y * width + x][channel]).collect()
    }

    /// Where each patch is, as `count` numbers a token, [tokens, count]: sines, then cosines, of its row
    /// and its column at wavelengths of 32, 16, 8… patches, `count` / 4 of them.
    pub fn place_features(self, count: usize) -> Vec<f32> {
        let angles = |at: usize| {
            (0..count / 4).map(move |i| at as f64 * std::f64::consts::PI / 16.0 * f64::from(1 << i))
        };
        (0..self.rows)
            .flat_map(|row| (0..self.columns).map(move |column| (row, column)))
            .flat_map(|(row, column)| {
                let both: Vec<f64> = angles(row).chain(angles(column)).collect();
                let sines = both.iter().map(|&angle| libm::sin(angle) as f32).collect::<Vec<_>>();
                sines.into_iter().chain(both.into_iter().map(|angle| libm::cos(angle) as f32))
            })
            .collect()
    }

    /// One number for each pixel to [tokens, channels], the same in all channels.
    pub fn spread(self, of_pixel: impl Fn(usize) -> f32) -> Vec<f32> {
        let width = self.columns * self.patch;
        self.places().map(|(_, y, x)| of_pixel(y * width + x)).collect()
    }

    /// Tokens to the planes of a picture, [4, height, width], held within -1 and 1.
    pub fn planes_of(self, tokens: &[f32]) -> Vec<f32> {
        let (height, width) = (self.rows * self.patch, self.columns * self.patch);
        let mut planes = vec![0f32; tokens.len()];
        for ((channel, y, x), &value) in self.places().zip(tokens) {
            planes[(channel * height + y) * width + x] = value.clamp(-1.0, 1.0);
        }
        planes
    }

    /// Planes of premultiplied numbers to straight pixels.
    pub fn pixels_of(self, planes: &[f32]) -> Pixels {
        let (height, width) = (self.rows * self.patch, self.columns * self.patch);
        let area = height * width;
        let data = (0..area)
            .flat_map(|i| unpremultiply([0, 1, 2, 3].map(|c| (planes[c * area + i] + 1.0) / 2.0)))
            .collect();
        Pixels { width: width as u32, height: height as u32, channels: 4, data }
    }

    /// The same for a picture with a background. Colour is what was drawn as premultiplied: of an alpha
    /// that should be 1 that is the colour itself, whatever the network made of alpha.
    pub fn opaque_pixels_of(self, planes: &[f32]) -> Pixels {
        let area = self.rows * self.columns * self.patch * self.patch;
        let opaque = [&planes[..3 * area], &vec![1.0; area]].concat();
        self.pixels_of(&opaque)
    }

    /// Channel, row and column of every number, in the order of tokens.
    fn places(self) -> impl Iterator<Item = (usize, usize, usize)> {
        let Self { rows, columns, patch } = self;
        (0..rows * columns).flat_map(move |token| {
            let (row, column) = (token / columns, token % columns);
            (0..4 * patch * patch).map(move |i| {
                let (channel, y, x) = (i / (patch * patch), i / patch % patch, i % patch);
                (channel, row * patch + y, column * patch + x)
            })
        })
    }
}

/// [channels, tokens], as noise comes, to [tokens, channels], as networks take it; and with the two
/// counts exchanged, back.
pub fn transpose(numbers: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns)
        .flat_map(|column| (0..rows).map(move |row| numbers[row * columns + column]))
        .collect()
}

/// The least alpha that no eye tells from an opaque one.
const FAINT: u8 = 250;

/// Whether there are pixels with an alpha that [`drop_faint_alpha`] would drop.
pub fn has_faint_alpha(pixels: &Pixels) -> bool {
    let faint = |pixel: &[u8]| (FAINT..255).contains(&pixel[3]);
    pixels.channels == 4 && pixels.data.chunks_exact(4).any(faint)
}

/// Whether nothing can be seen through any of it.
pub fn is_opaque(pixels: &Pixels) -> bool {
    pixels.channels == 3 || pixels.data.chunks_exact(4).all(|pixel| pixel[3] == 255)
}

/// Lays a picture with alpha over an opaque one of its size.
pub fn lay_over(pixels: &mut Pixels, below: &Pixels) {
    let below = straight(&below.data, below.channels);
    for (top, below) in pixels.data.chunks_exact_mut(4).zip(below).filter(|(top, _)| top[3] < 255) {
        let (over, under) = (premultiply([top[0], top[1], top[2], top[3]]), premultiply(below));
        let mixed = [0, 1, 2, 3].map(|c| over[c] + (1.0 - over[3]) * under[c]);
        top.copy_from_slice(&unpremultiply(mixed));
    }
}

/// The share of pixels in which two pictures of one size differ. Where both can be seen through wholly,
/// no colour is seen.
pub fn share_apart(one: &Pixels, other: &Pixels) -> f64 {
    let pairs = straight(&one.data, one.channels).zip(straight(&other.data, other.channels));
    let apart = pairs.filter(|(a, b)| a != b && (a[3] > 0 || b[3] > 0)).count();
    apart as f64 / one.size().pixels().max(1) as f64
}

/// A picture that is opaque but for the last few steps of alpha, which no eye sees, as RGB.
pub fn drop_faint_alpha(pixels: Pixels) -> Pixels {
    let opaque = pixels.channels == 4 && pixels.data.chunks_exact(4).all(|pixel| pixel[3] >= FAINT);
    match opaque {
        true => Pixels { channels: 3, data: without_alpha(&pixels.data), ..pixels },
        false => pixels,
    }
}

/// Puts the pixels of `original` wherever `changes` is false, byte for byte.
pub fn restore(pixels: &mut Pixels, original: &Pixels, changes: &[bool]) {
    let kept = straight(&original.data, original.channels)
        .zip(changes)
        .zip(pixels.data.chunks_exact_mut(4));
    kept.filter(|((_, changes), _)| !**changes)
        .for_each(|((from, _), to)| to.copy_from_slice(&from));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, channels: u8) -> Pixels {
        let count = (width * height * u32::from(channels)) as usize;
        let data = (0..count).map(|i| (i * 37 % 251) as u8).collect();
        Pixels::new(width, height, channels, data).unwrap()
    }

    #[test]
    fn tokens_come_back_as_the_same_pixels() {
        let mut pixels = picture(12, 8, 4);
        pixels.data.iter_mut().skip(3).step_by(4).for_each(|alpha| *alpha = 255);
        let grid = Grid::over(pixels.size(), 4);
        assert_eq!(grid.pixels_of(&grid.planes_of(&grid.tokens_of(&pixels))), pixels);
    }

    #[test]
    fn fitting_keeps_size_colour_and_centre() {
        let same = picture(9, 7, 3);
        assert_eq!(fit(&same, same.size()), same, "nothing to do");
        for (from, to) in
            [((30, 20), (8, 8)), ((5, 9), (16, 32)), ((1, 1), (4, 4)), ((200, 3), (16, 16))]
        {
            let plain = Pixels::new(
                from.0,
                from.1,
                4,
                [200, 40, 90, 128].repeat((from.0 * from.1) as usize),
            )
            .unwrap();
            let fitted = fit(&plain, Size { width: to.0, height: to.1 });
            assert_eq!(fitted.size(), Size { width: to.0, height: to.1 });
            for pixel in fitted.data.chunks_exact(4) {
                let near = pixel.iter().zip([200u8, 40, 90, 128]).all(|(a, b)| a.abs_diff(b) <= 1);
                assert!(near, "a plain picture stays plain: {pixel:?} from {from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn alpha_that_no_eye_sees_is_dropped_and_can_be_told() {
        let with = |alpha: u8| Pixels::new(1, 1, 4, vec![1, 2, 3, alpha]).unwrap();
        let dropped = |alpha| drop_faint_alpha(with(alpha)).channels == 3;
        assert_eq!([249, 250, 254, 255].map(dropped), [false, true, true, true]);
        let faint = |alpha| has_faint_alpha(&with(alpha));
        assert_eq!([249, 250, 254, 255].map(faint), [false, true, true, false]);
    }

    #[test]
    fn a_mask_is_cut_at_one_half() {
        let mask = Pixels::new(2, 1, 3, vec![127, 127, 127, 129, 129, 129]).unwrap();
        let fitted = fit_mask(&mask, Size { width: 4, height: 2 });
        assert_eq!(fitted, [false, false, true, true, false, false, true, true]);
    }

    #[test]
    fn faint_transparency_is_dropped_and_real_kept() {
        let of = |alpha: u8| Pixels::new(1, 1, 4, vec![1, 2, 3, alpha]).unwrap();
        assert_eq!(drop_faint_alpha(of(250)).data, [1, 2, 3]);
        assert_eq!(drop_faint_alpha(of(249)).channels, 4);
    }
}
