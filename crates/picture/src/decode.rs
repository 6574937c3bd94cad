//! Files into pixels, within limits that hold before anything is unpacked.

use std::io::Cursor;
use std::path::Path;

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageReader};
use likeness_recipe::Pixels;
use sha2::{Digest, Sha256};

use crate::{Format, PictureError, colour, parts, read_file};

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
    /// Upright and in sRGB: the orientation that a camera noted and a profile of colours are applied.
    pub pixels: Pixels,
    /// What the file was.
    pub format: Format,
    /// Hash of the file, in hexadecimal, as recipes name it.
    pub sha256: String,
}

/// What a picture file is, from its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looks {
    /// What the file is.
    pub format: Format,
    /// Pixels from left to right, upright as in [`Decoded`].
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Whether it may be seen through in places.
    pub alpha: bool,
}

/// Reads a picture file's header; no pixel is unpacked.
pub fn look_at(bytes: &[u8], limits: &Limits) -> Result<Looks, PictureError> {
    let format = format_within(bytes, limits)?;
    let look = || {
        let mut decoder = open(bytes, format, limits)?;
        let ((mut width, mut height), alpha) =
            (decoder.dimensions(), decoder.color_type().has_alpha());
        // The four that lie on their side are numbered 5 to 8 in EXIF.
        if orientation(bytes, format, &mut decoder)?.to_exif() > 4 {
            (width, height) = (height, width);
        }
        Ok(Looks { format, width, height, alpha })
    };
    look().map_err(|error: Unpack| error.told(format, limits))
}

/// Reads and unpacks the picture at `path`.
pub fn read_picture(path: &Path, limits: &Limits) -> Result<Decoded, PictureError> {
    decode(&read_file(path, limits.bytes)?, limits)
}

/// Unpacks the picture in `bytes`.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, PictureError> {
    let format = format_within(bytes, limits)?;
    let pixels = unpack(bytes, format, limits).map_err(|error| error.told(format, limits))?;
    Ok(Decoded { pixels, format, sha256: format!("{:x}", Sha256::digest(bytes)) })
}

fn format_within(bytes: &[u8], limits: &Limits) -> Result<Format, PictureError> {
    if bytes.len() as u64 > limits.bytes {
        return Err(too_many_bytes(limits.bytes));
    }
    Format::of_content(bytes)
}

enum Unpack {
    Refused(PictureError),
    Failed(ImageError),
}

impl Unpack {
    fn told(self, format: Format, limits: &Limits) -> PictureError {
        match self {
            Self::Refused(error) => error,
            Self::Failed(ImageError::Limits(_)) => PictureError::TooLarge {
                found: "more than could be unpacked".to_owned(),
                limit: format!("at most {} million pixels", limits.pixels / 1_000_000),
            },
            Self::Failed(ImageError::Unsupported(error)) => PictureError::Unsupported {
                format: format.name(),
                problem: one_line(&error.to_string()),
            },
            Self::Failed(error) => PictureError::Damaged {
                format: format.name(),
                problem: one_line(&error.to_string()),
            },
        }
    }
}

impl From<ImageError> for Unpack {
    fn from(error: ImageError) -> Self {
        Self::Failed(error)
    }
}

fn open<'a>(
    bytes: &'a [u8],
    format: Format,
    limits: &Limits,
) -> Result<impl ImageDecoder + 'a, Unpack> {
    if format == Format::WebP {
        parts::webp(bytes).map_err(Unpack::Refused)?;
    }
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(ImageError::from)?;
    let mut memory = image::Limits::no_limits();
    // Of what stands beside the pixels, such as a profile of colours, which a few bytes may unpack to; what
    // stands in the file itself is there up to three times while it is read. The pixels themselves are held
    // to their number below.
    memory.max_alloc = Some(limits.bytes.saturating_mul(4));
    reader.limits(memory);
    let decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    check_size(width, height, limits).map_err(Unpack::Refused)?;
    if width == 0 || height == 0 {
        let problem = format!("it has {width}x{height} pixels");
        return Err(Unpack::Refused(PictureError::Damaged { format: format.name(), problem }));
    }
    if let ColorType::Rgb32F | ColorType::Rgba32F = decoder.color_type() {
        // Light without an upper end: what of it is white, nobody says.
        let problem = "its colours are 32-bit numbers".to_owned();
        return Err(Unpack::Refused(PictureError::Unsupported { format: format.name(), problem }));
    }
    // More than 8 bits a channel make fewer pixels too many.
    let (unpacked, most) = (decoder.total_bytes(), limits.pixels.saturating_mul(4));
    if unpacked > most {
        return Err(Unpack::Refused(PictureError::TooLarge {
            found: format!("{} MB once unpacked", unpacked.div_ceil(1_000_000)),
            limit: format!("at most {} MB", most / 1_000_000),
        }));
    }
    Ok(decoder)
}

/// How a camera was held. In a WebP it is looked for here: the decoder takes memory for what a part of the
/// file says of its length before it is seen whether the file has that much.
fn orientation(
    bytes: &[u8],
    format: Format,
    decoder: &mut impl ImageDecoder,
) -> Result<Orientation, Unpack> {
    match format {
        Format::WebP => {
            let parts = parts::webp(bytes).map_err(Unpack::Refused)?;
            let noted = parts.into_iter().find(|(name, _)| name == b"EXIF");
            let noted = noted.and_then(|(_, exif)| Orientation::from_exif_chunk(exif));
            Ok(noted.unwrap_or(Orientation::NoTransforms))
        }
        _ => Ok(decoder.orientation()?),
    }
}

fn unpack(bytes: &[u8], format: Format, limits: &Limits) -> Result<Pixels, Unpack> {
    if format == Format::Jpeg && !parts::jpeg_has_its_end(bytes) {
        let problem = "it breaks off before the end of its picture".to_owned();
        return Err(Unpack::Refused(PictureError::Damaged { format: format.name(), problem }));
    }
    let mut decoder = open(bytes, format, limits)?;
    let orientation = orientation(bytes, format, &mut decoder)?;
    let profile = profile(bytes, format, &mut decoder)?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    let mut pixels = eight_bits(picture);
    if let Some(profile) = profile {
        colour::to_srgb(&mut pixels, &profile);
    }
    Ok(pixels)
}

/// What the colours in the file mean. In a WebP it is looked for here, as [`orientation`] is.
fn profile(
    bytes: &[u8],
    format: Format,
    decoder: &mut impl ImageDecoder,
) -> Result<Option<Vec<u8>>, Unpack> {
    match format {
        Format::WebP => {
            let parts = parts::webp(bytes).map_err(Unpack::Refused)?;
            Ok(parts.into_iter().find(|(name, _)| name == b"ICCP").map(|(_, icc)| icc.to_vec()))
        }
        // One that cannot be read is as good as none.
        _ => Ok(decoder.icc_profile().unwrap_or_default()),
    }
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
