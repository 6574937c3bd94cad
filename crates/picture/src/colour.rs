//! Colours as a file's profile means them: turned into sRGB, for which networks, screens and our own
//! files take every number.

use likeness_recipe::Pixels;
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// Most bytes of a profile: those of cameras and screens have hundreds, those of printers two million.
const MOST_BYTES: usize = 8 << 20;

/// Turns pixels into sRGB that the ICC `profile` in their file describes. They stay as they are where it
/// says sRGB in other words, and where nothing can be done by it: it is damaged, or not of red, green and
/// blue, which the pixels have been made by then.
pub(crate) fn to_srgb(pixels: &mut Pixels, profile: &[u8]) {
    if profile.len() > MOST_BYTES {
        return;
    }
    let Ok(profile) = ColorProfile::new_from_slice(profile) else { return };
    let layout = if pixels.channels == 4 { Layout::Rgba } else { Layout::Rgb };
    let (srgb, options) = (ColorProfile::new_srgb(), TransformOptions::default());
    let turn = |layout| profile.create_transform_8bit(layout, &srgb, layout, options);
    let (true, Ok(probe), Ok(turn)) =
        (profile.color_space == DataColorSpace::Rgb, turn(Layout::Rgb), turn(layout))
    else {
        return;
    };
    let samples = samples();
    let mut turned = samples.clone();
    let done = probe.transform(&samples, &mut turned);
    if done.is_err() || samples.iter().zip(&turned).all(|(a, b)| a.abs_diff(*b) <= 1) {
        return;
    }
    // By rows, so that a picture is never there twice.
    let row = pixels.width as usize * usize::from(pixels.channels);
    let mut before = vec![0; row];
    for row in pixels.data.chunks_exact_mut(row.max(1)) {
        before.copy_from_slice(row);
        // Only lengths can be wrong, and they are one row's.
        let _ = turn.transform(&before, row);
    }
}

/// Colours from all over, RGB.
fn samples() -> Vec<u8> {
    const LEVELS: [u8; 5] = [0, 64, 128, 192, 255];
    let rows = LEVELS.iter().flat_map(|r| LEVELS.iter().map(move |g| (r, g)));
    rows.flat_map(|(r, g)| LEVELS.iter().flat_map(move |b| [*r, *g, *b])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(colour: [u8; 4]) -> Pixels {
        Pixels { width: 1, height: 1, channels: 4, data: colour.to_vec() }
    }

    #[test]
    fn a_wide_colour_is_what_it_looks_like() {
        let wide = ColorProfile::new_display_p3().encode().unwrap();
        for colour in [[200_u8, 100, 50], [30, 160, 90], [128, 128, 128]] {
            let mut pixels = one([colour[0], colour[1], colour[2], 77]);
            to_srgb(&mut pixels, &wide);
            let expected = from_p3(colour);
            for (found, expected) in pixels.data.iter().zip(expected) {
                assert!(found.abs_diff(expected) <= 1, "{colour:?}: {:?} {expected}", pixels.data);
            }
            assert_eq!(pixels.data[3], 77, "what can be seen through stays");
        }
    }

    /// By the definition: both have the curve of IEC 61966-2-1, and the primaries of Display P3 in those of
    /// sRGB are this matrix (CSS Color 4, section 10.2).
    fn from_p3(colour: [u8; 3]) -> [u8; 3] {
        const MATRIX: [[f64; 3]; 3] = [
            [1.224_940_2, -0.224_940_2, 0.0],
            [-0.042_056_9, 1.042_056_9, 0.0],
            [-0.019_637_6, -0.078_650_6, 1.098_288_2],
        ];
        let light = colour.map(|c| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        });
        MATRIX.map(|row| {
            let sum: f64 = row.iter().zip(light).map(|(a, b)| a * b).sum();
            let c = sum.clamp(0.0, 1.0);
            let c = if c <= 0.003_130_8 { c * 12.92 } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 };
            (c * 255.0).round() as u8
        })
    }

    #[test]
    fn srgb_and_what_is_no_profile_change_nothing() {
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        let grey = ColorProfile::new_gray_with_gamma(2.2).encode().unwrap();
        for profile in [&srgb[..], &grey, &srgb[..100], b"", b"no profile at all"] {
            let mut pixels = one([200, 100, 50, 77]);
            to_srgb(&mut pixels, profile);
            assert_eq!(pixels.data, [200, 100, 50, 77]);
        }
    }
}
