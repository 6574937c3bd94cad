//! Files into pixels, within limits that hold before anything is unpacked.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageReader};
use likeness_recipe::Pixels;
use sha2::{Digest, Sha256};

use crate::{Format, PictureError, read_file};

/// How large a picture file may be. A few bytes can claim a billion pixels, so the claim is checked
/// against this before it is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of the file.
    pub bytes: u64,
    /// Most pixels of a side.
    pub side: u32,
    /// Most pixels in all.
    pub pixels: u64,
}

impl Default for Limits {
    /// Room for any camera's picture, and at most 256 MB once unpacked.
    fn default() -> Self {
        Self { bytes: 64 << 20, side: 16_384, pixels: 64_000_000 }
    }
}

/// A picture from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Upright: the orientation that a camera noted has been applied.
    pub pixels: Pixels,
    /// What the file was.
    pub format: Format,
    /// Hash of the file, in hexadecimal, as recipes name it.
    pub sha256: String,
}

/// Reads and unpacks the picture at `path`.
pub fn read_picture(path: &Path, limits: &Limits) -> Result<Decoded, PictureError> {
    decode(&read_file(path, limits.bytes)?, limits)
}

/// Unpacks the picture in `bytes`.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, PictureError> {
    if bytes.len() as u64 > limits.bytes {
        return Err(too_many_bytes(limits.bytes));
    }
    let format = Format::of_content(bytes)?;
    let pixels = unpack(bytes, limits).map_err(|error| match error {
        Unpack::TooLarge(error) => error,
        Unpack::Failed(ImageError::Limits(_)) => PictureError::TooLarge {
            found: "more pixels than could be unpacked".to_owned(),
            limit: format!("at most {} million pixels", limits.pixels / 1_000_000),
        },
        Unpack::Failed(error) => {
            PictureError::Damaged { format: format.name(), problem: one_line(&error.to_string()) }
        }
    })?;
    Ok(Decoded { pixels, format, sha256: format!("{:x}", Sha256::digest(bytes)) })
}

enum Unpack {
    TooLarge(PictureError),
    Failed(ImageError),
}

impl From<ImageError> for Unpack {
    fn from(error: ImageError) -> Self {
        Self::Failed(error)
    }
}

fn unpack(bytes: &[u8], limits: &Limits) -> Result<Pixels, Unpack> {
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(ImageError::from)?;
    let mut memory = image::Limits::no_limits();
    // 16 bits in four channels is the widest a pixel gets; as much again for the decoder itself.
    memory.max_alloc = Some(limits.pixels.saturating_mul(16));
    reader.limits(memory);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    check_size(width, height, limits).map_err(Unpack::TooLarge)?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(eight_bits(picture))
}

fn check_size(width: u32, height: u32, limits: &Limits) -> Result<(), PictureError> {
    let found = || format!("{width}x{height} pixels");
    if width > limits.side || height > limits.side {
        let limit = format!("at most {} pixels a side", limits.side);
        return Err(PictureError::TooLarge { found: found(), limit });
    }
    if u64::from(width) * u64::from(height) > limits.pixels {
        let limit = format!("at most {} million pixels", limits.pixels / 1_000_000);
        return Err(PictureError::TooLarge { found: found(), limit });
    }
    Ok(())
}

/// RGB, or RGBA where the file has any alpha channel.
fn eight_bits(picture: DynamicImage) -> Pixels {
    let (width, height) = (picture.width(), picture.height());
    let (channels, data) = match picture.color().has_alpha() {
        true => (4, picture.into_rgba8().into_raw()),
        false => (3, picture.into_rgb8().into_raw()),
    };
    Pixels { width, height, channels, data }
}

pub(crate) fn too_many_bytes(limit: u64) -> PictureError {
    PictureError::TooLarge {
        found: format!("the file has more than {} MB", limit >> 20),
        limit: format!("at most {} MB", limit >> 20),
    }
}

pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
