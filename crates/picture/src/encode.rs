//! Pixels into files, with the recipe inside.

use std::borrow::Cow;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use image_webp::{ColorType, WebPEncoder};
use likeness_recipe::{Pixels, ResolvedRecipe, a1111};

use crate::metadata::{APP1, PNG_JSON_KEY, PNG_PARAMETERS_KEY};
use crate::{DigitalSource, Format, PictureError, PictureMetadata, exif, xmp};

/// At this quality the losses cannot be seen in a picture at its own size.
const JPEG_QUALITY: u8 = 95;

/// Most bytes of EXIF that a JPEG can hold: a segment's 65,535 less its length and its `Exif\0\0`.
const JPEG_EXIF_BYTES: usize = 65_535 - 2 - 6;

/// The bytes of a picture file that holds `pixels` and `recipe`, and says to machines that a model made
/// it. The same arguments give the same bytes.
pub fn encode(
    pixels: &Pixels,
    format: Format,
    recipe: &ResolvedRecipe,
) -> Result<Vec<u8>, PictureError> {
    let source = Some(DigitalSource::of_render(recipe, None));
    encode_saying(pixels, format, &Said { recipe: Some(recipe), before: None, source })
}

/// What a picture file says beside its pixels. By default nothing, for one that is given away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Said<'a> {
    /// How it was made.
    pub recipe: Option<&'a ResolvedRecipe>,
    /// What the file says of itself that it was made of: its texts go on, but for its own recipe where
    /// `recipe` takes that one's place. Those of other programs under keys of their own only a PNG has room
    /// for.
    pub before: Option<&'a PictureMetadata>,
    /// What it says to machines of how it came about.
    pub source: Option<DigitalSource>,
}

/// The bytes of a picture file that holds `pixels` and says this. The same arguments give the same bytes.
pub fn encode_saying(
    pixels: &Pixels,
    format: Format,
    said: &Said<'_>,
) -> Result<Vec<u8>, PictureError> {
    encode_with(pixels, format, &Texts::of(said))
}

/// Whether a file of this format can hold `recipe`: better asked before the picture is computed.
pub fn check_recipe_fits(format: Format, recipe: &ResolvedRecipe) -> Result<(), PictureError> {
    match format {
        Format::Jpeg => {
            jpeg_exif(&Texts::of(&Said { recipe: Some(recipe), ..Said::default() })).map(drop)
        }
        _ => Ok(()),
    }
}

/// What is written beside the pixels.
#[derive(Default)]
struct Texts {
    parameters: Option<String>,
    /// The recipe, of ASCII alone.
    json: Option<String>,
    /// By key; only a PNG has room for them.
    others: Vec<(String, String)>,
    /// A packet of XMP.
    xmp: Option<String>,
}

impl Texts {
    fn of(said: &Said<'_>) -> Self {
        let ours = [PNG_PARAMETERS_KEY, PNG_JSON_KEY, xmp::PNG_KEY];
        let texts = said.before.map_or(&[][..], |before| &before.texts);
        let others = texts.iter().filter(|(key, _)| !ours.contains(&key.as_str()));
        let packet = texts.iter().find(|(key, _)| key == xmp::PNG_KEY);
        let (parameters, json) = match (said.recipe, said.before) {
            (Some(recipe), _) => (Some(a1111::write(recipe)), Some(ascii(&recipe.to_json()))),
            (None, Some(before)) => {
                (before.parameters.clone(), before.recipe_json.as_deref().map(ascii))
            }
            (None, None) => (None, None),
        };
        Self {
            parameters,
            json,
            others: others.cloned().collect(),
            xmp: xmp::packet_after(packet.map(|(_, packet)| packet.as_str()), said.source),
        }
    }

    /// None where there is nothing that it would hold.
    fn exif(&self) -> Option<Vec<u8>> {
        let (json, parameters) = (self.json.as_deref(), self.parameters.as_deref());
        (json.is_some() || parameters.is_some()).then(|| exif::write(json, parameters))
    }
}

fn encode_with(pixels: &Pixels, format: Format, texts: &Texts) -> Result<Vec<u8>, PictureError> {
    match format {
        Format::Png => write_png(pixels, texts).map_err(|error| unencodable(Format::Png, error)),
        Format::Jpeg => encode_jpeg(pixels, texts),
        Format::WebP => encode_webp(pixels, texts),
        Format::Gif | Format::Tiff | Format::Bmp => {
            Err(unencodable(format, "it is only read (accepted: PNG, JPEG, WebP)"))
        }
    }
}

fn write_png(pixels: &Pixels, texts: &Texts) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width, pixels.height);
    encoder.set_color(if pixels.channels == 4 {
        png::ColorType::Rgba
    } else {
        png::ColorType::Rgb
    });
    encoder.set_depth(png::BitDepth::Eight);
    let ours = [(PNG_PARAMETERS_KEY, &texts.parameters), (PNG_JSON_KEY, &texts.json)];
    let ours = ours.into_iter().filter_map(|(key, text)| Some((key, text.as_deref()?)));
    let others = texts.others.iter().map(|(key, text)| (key.as_str(), text.as_str()));
    for (key, text) in ours.chain(others) {
        // tEXt is Latin-1 by definition, and the only kind that every reader knows.
        if text.chars().all(|c| (c as u32) < 256) {
            encoder.add_text_chunk(key.to_owned(), text.to_owned())?;
        } else {
            encoder.add_itxt_chunk(key.to_owned(), text.to_owned())?;
        }
    }
    if let Some(packet) = &texts.xmp {
        encoder.add_itxt_chunk(xmp::PNG_KEY.to_owned(), packet.clone())?;
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels.data)?;
    writer.finish()?;
    Ok(bytes)
}

fn encode_jpeg(pixels: &Pixels, texts: &Texts) -> Result<Vec<u8>, PictureError> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    let failed = |error| unencodable(Format::Jpeg, error);
    if let Some(exif) = jpeg_exif(texts)? {
        encoder.set_exif_metadata(exif).map_err(|error| unencodable(Format::Jpeg, error))?;
    }
    let kind = ExtendedColorType::Rgb8;
    encoder.write_image(&over_white(pixels), pixels.width, pixels.height, kind).map_err(failed)?;
    if let Some(packet) = &texts.xmp {
        put_xmp(&mut bytes, packet);
    }
    Ok(bytes)
}

/// Puts a packet of XMP into a JPEG: a segment behind those that the standard wants first. One that is too
/// long for a segment is a stranger's, and what else it says stays out: ours has some hundred bytes.
fn put_xmp(bytes: &mut Vec<u8>, packet: &str) {
    const APP0: u8 = 0xe0;
    let inside = [xmp::JPEG_NAME, packet.as_bytes()].concat();
    let Ok(length) = u16::try_from(inside.len() + 2) else { return };
    let mut at = 2;
    while let Some([0xff, APP0 | APP1, high, low]) = bytes.get(at..at + 4) {
        at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
    }
    let segment = [&[0xff, APP1][..], &length.to_be_bytes(), &inside].concat();
    bytes.splice(at..at, segment);
}

fn encode_webp(pixels: &Pixels, texts: &Texts) -> Result<Vec<u8>, PictureError> {
    let mut bytes = Vec::new();
    let mut encoder = WebPEncoder::new(&mut bytes);
    encoder.set_exif_metadata(texts.exif().unwrap_or_default());
    encoder.set_xmp_metadata(texts.xmp.clone().unwrap_or_default().into_bytes());
    let kind = if pixels.channels == 4 { ColorType::Rgba8 } else { ColorType::Rgb8 };
    encoder
        .encode(&pixels.data, pixels.width, pixels.height, kind)
        .map_err(|error| unencodable(Format::WebP, error))?;
    Ok(bytes)
}

fn jpeg_exif(texts: &Texts) -> Result<Option<Vec<u8>>, PictureError> {
    let exif = texts.exif();
    match &exif {
        Some(exif) if exif.len() > JPEG_EXIF_BYTES => {
            Err(PictureError::RecipeTooLong { format: Format::Jpeg.name(), bytes: exif.len() })
        }
        _ => Ok(exif),
    }
}

/// JSON with `\u` escapes for what is not ASCII. Both tEXt and EXIF's text type are read as Latin-1
/// by one program and as UTF-8 by the next; of this all make the same.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                text += &format!("\\u{unit:04x}");
            }
        }
    }
    text
}

pub(crate) fn over_white(pixels: &Pixels) -> Cow<'_, [u8]> {
    if pixels.channels == 3 {
        return Cow::Borrowed(&pixels.data);
    }
    let blend = |colour: u8, alpha: u8| {
        let (colour, alpha) = (u32::from(colour), u32::from(alpha));
        ((colour * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let rgba = pixels.data.chunks_exact(4);
    Cow::Owned(
        rgba.flat_map(|p| [blend(p[0], p[3]), blend(p[1], p[3]), blend(p[2], p[3])]).collect(),
    )
}

fn unencodable(format: Format, error: impl std::fmt::Display) -> PictureError {
    PictureError::Unencodable { format: format.name(), problem: error.to_string() }
}
