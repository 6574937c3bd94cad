//! Files into pixels, within limits that hold before anything is unpacked.

use std::io::Cursor;
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader};
use likeness_recipe::Pixels;
use sha2::{Digest, Sha256};

use crate::{Format, PictureError, colour, read_file};

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
        webp_parts(bytes).map_err(Unpack::Refused)?;
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
            let parts = webp_parts(bytes).map_err(Unpack::Refused)?;
            let noted = parts.into_iter().find(|(name, _)| name == b"EXIF");
            let noted = noted.and_then(|(_, exif)| Orientation::from_exif_chunk(exif));
            Ok(noted.unwrap_or(Orientation::NoTransforms))
        }
        Format::Png | Format::Jpeg => Ok(decoder.orientation()?),
    }
}

/// A name, and what stands under it.
type Part<'a> = ([u8; 4], &'a [u8]);

/// The parts of a WebP. The file may have been cut off, behind its pixels too.
fn webp_parts(bytes: &[u8]) -> Result<Vec<Part<'_>>, PictureError> {
    let length = |four: [u8; 4]| u32::from_le_bytes(four) as usize;
    let told = bytes.get(4..8).and_then(|four| four.try_into().ok()).map_or(0, length);
    let mut rest = bytes.get(12..).unwrap_or_default();
    // What stands behind the end that the file says is none of it.
    let behind = bytes.len().saturating_sub(told.saturating_add(8));
    let mut parts = Vec::new();
    while rest.len() >= behind + 8
        && let Some((&name, after)) = rest.split_first_chunk::<4>()
        && let Some((&size, after)) = after.split_first_chunk::<4>()
    {
        let size = length(size);
        let Some(part) = after.get(..size) else {
            let problem = format!("a part of it says {size} bytes, and {} are left", after.len());
            return Err(PictureError::Damaged { format: Format::WebP.name(), problem });
        };
        parts.push((name, part));
        rest = after.get(size + size % 2..).unwrap_or_default();
    }
    Ok(parts)
}

fn unpack(bytes: &[u8], format: Format, limits: &Limits) -> Result<Pixels, Unpack> {
    if format == Format::Jpeg && !jpeg_has_its_end(bytes) {
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
            let parts = webp_parts(bytes).map_err(Unpack::Refused)?;
            Ok(parts.into_iter().find(|(name, _)| name == b"ICCP").map(|(_, icc)| icc.to_vec()))
        }
        // One that cannot be read is as good as none.
        Format::Png | Format::Jpeg => Ok(decoder.icc_profile().unwrap_or_default()),
    }
}

/// Whether a JPEG goes on to the mark of its end. The decoder fills with grey what a download that was cut
/// off lacks. Between the head of the first scan and the end nothing else is written as that mark, but for
/// what tables may hold.
fn jpeg_has_its_end(bytes: &[u8]) -> bool {
    const SCAN: u8 = 0xda;
    const END: u8 = 0xd9;
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let [0xff, mark, after @ ..] = rest {
        match (mark, after) {
            // May fill up before a mark.
            (0xff, _) => rest = &rest[1..],
            (&SCAN, _) => return after.windows(2).any(|two| two == [0xff, END]),
            // Those that stand alone.
            (0x01 | 0xd0..=0xd8, _) => rest = after,
            (_, [high, low, ..]) => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                rest = after.get(length..).unwrap_or_default();
            }
            _ => return false,
        }
    }
    // What comes is no part of a JPEG: the decoder says so better.
    !rest.is_empty()
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
