//! What an export may ask of a finished file: how much of a JPEG is kept, and that it says sRGB.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use likeness_recipe::Pixels;
use moxcms::ColorProfile;

use crate::encode::over_white;
use crate::{Format, PictureError};

/// The chunk of a PNG that says that its colours are sRGB, to be shown as they look best.
const PNG_SRGB: [u8; 13] = *b"\0\0\0\x01sRGB\0\xae\xce\x1c\xe9";

/// Bytes of a PNG before the chunk that may come second: its signature and IHDR.
const PNG_HEAD: usize = 8 + 25;

const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;

/// A JPEG of these pixels that keeps as much as `quality` says, 1 to 100, with all that the JPEG `file`
/// says beside its own.
pub fn at_quality(file: &[u8], pixels: &Pixels, quality: u8) -> Result<Vec<u8>, PictureError> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .write_image(&over_white(pixels), pixels.width, pixels.height, ExtendedColorType::Rgb8)
        .map_err(|error| PictureError::Unencodable {
            format: Format::Jpeg.name(),
            problem: error.to_string(),
        })?;
    let (head, own) = (texts(file), texts(&bytes));
    bytes.splice(own, file[head].iter().copied());
    Ok(bytes)
}

/// The same file, which says that its colours are sRGB, as those of all our files are. A WebP says it by
/// saying nothing.
pub fn saying_srgb(mut file: Vec<u8>, format: Format) -> Vec<u8> {
    match format {
        Format::Png if file.len() > PNG_HEAD => {
            file.splice(PNG_HEAD..PNG_HEAD, PNG_SRGB);
        }
        Format::Jpeg => {
            // A profile of our own making can be written, and has some hundred bytes.
            let Ok(profile) = ColorProfile::new_srgb().encode() else { return file };
            let inside = [b"ICC_PROFILE\0\x01\x01", &*profile].concat();
            let Ok(length) = u16::try_from(inside.len() + 2) else { return file };
            let segment = [&[0xff, APP2][..], &length.to_be_bytes(), &inside].concat();
            let at = texts(&file).end;
            file.splice(at..at, segment);
        }
        _ => {}
    }
    file
}

/// Where a JPEG that we wrote says what is beside its pixels.
fn texts(jpeg: &[u8]) -> std::ops::Range<usize> {
    let mut at = 2;
    while let Some(&[0xff, kind, high, low]) = jpeg.get(at..at + 4)
        && matches!(kind, APP0 | APP1 | APP2)
    {
        at = (at + 2 + usize::from(u16::from_be_bytes([high, low]))).min(jpeg.len());
    }
    2..at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Said, decode, encode_saying};

    fn slope(channels: u8) -> Pixels {
        let each = usize::from(channels);
        let data = (0..96 * 64 * each).map(|at| (at / each * 7 % 251) as u8).collect();
        Pixels { width: 96, height: 64, channels, data }
    }

    #[test]
    fn less_of_a_jpeg_is_smaller_and_says_the_same() {
        let pixels = slope(3);
        let whole = encode_saying(&pixels, Format::Jpeg, &Said::default()).unwrap();
        // Something beside the pixels.
        let mut told = whole.clone();
        told.splice(2..2, *b"\xff\xe1\x00\x08Exif\0\0");
        let small = at_quality(&told, &pixels, 20).unwrap();
        assert!(small.len() * 2 < whole.len(), "{} of {}", small.len(), whole.len());
        assert_eq!(small[2..12], told[2..12]);
        assert_eq!(decode(&small, &Limits::default()).unwrap().pixels.size(), pixels.size());
        assert!(
            at_quality(&whole, &slope(4), 90).is_ok(),
            "what can be seen through lies over white"
        );
    }

    #[test]
    fn a_file_that_says_srgb_shows_the_same() {
        for format in [Format::Png, Format::Jpeg, Format::WebP] {
            let file = encode_saying(&slope(3), format, &Said::default()).unwrap();
            let before = decode(&file, &Limits::default()).unwrap().pixels;
            let said = saying_srgb(file.clone(), format);
            assert_eq!(decode(&said, &Limits::default()).unwrap().pixels, before, "{format:?}");
            let word: &[u8] = if format == Format::Png { b"sRGB" } else { b"ICC_PROFILE" };
            let says = said.windows(word.len()).any(|part| part == word);
            assert_eq!(says, format != Format::WebP, "{format:?}");
        }
    }
}
