//! Pixels into files, with the recipe inside.

use std::borrow::Cow;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use likeness_recipe::{Pixels, ResolvedRecipe, a1111};

use crate::metadata::{PNG_JSON_KEY, PNG_PARAMETERS_KEY};
use crate::{Format, PictureError, PictureMetadata, exif};

/// At this quality the losses cannot be seen in a picture at its own size.
const JPEG_QUALITY: u8 = 95;

/// Most bytes of EXIF that a JPEG can hold: a segment's 65,535 less its length and its `Exif\0\0`.
const JPEG_EXIF_BYTES: usize = 65_535 - 2 - 6;

/// The bytes of a picture file that holds `pixels` and `recipe`. The same arguments give the same
/// bytes.
pub fn encode(
    pixels: &Pixels,
    format: Format,
    recipe: &ResolvedRecipe,
) -> Result<Vec<u8>, PictureError> {
    encode_with(pixels, format, &Texts::of(recipe))
}

/// The same for a picture that was made of a file which says `metadata` of itself: its texts go on, but
/// for its own recipe where `recipe` takes that one's place. Those of other programs under keys of their
/// own only a PNG has room for.
pub fn encode_after(
    pixels: &Pixels,
    format: Format,
    metadata: &PictureMetadata,
    recipe: Option<&ResolvedRecipe>,
) -> Result<Vec<u8>, PictureError> {
    encode_with(pixels, format, &Texts::after(metadata, recipe))
}

/// The bytes of a picture file that holds `pixels` and nothing of how they were made, to be given away.
pub fn encode_plain(pixels: &Pixels, format: Format) -> Result<Vec<u8>, PictureError> {
    encode_with(pixels, format, &Texts::default())
}

/// Whether a file of this format can hold `recipe`: better asked before the picture is computed.
pub fn check_recipe_fits(format: Format, recipe: &ResolvedRecipe) -> Result<(), PictureError> {
    match format {
        Format::Png | Format::WebP => Ok(()),
        Format::Jpeg => jpeg_exif(&Texts::of(recipe)).map(drop),
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
}

impl Texts {
    fn of(recipe: &ResolvedRecipe) -> Self {
        let (parameters, json) = (a1111::write(recipe), ascii(&recipe.to_json()));
        Self { parameters: Some(parameters), json: Some(json), others: Vec::new() }
    }

    fn after(metadata: &PictureMetadata, recipe: Option<&ResolvedRecipe>) -> Self {
        let ours = [PNG_PARAMETERS_KEY, PNG_JSON_KEY];
        let others = metadata.texts.iter().filter(|(key, _)| !ours.contains(&key.as_str()));
        let own = match recipe {
            Some(recipe) => Self::of(recipe),
            None => Self {
                parameters: metadata.parameters.clone(),
                json: metadata.recipe_json.as_deref().map(ascii),
                others: Vec::new(),
            },
        };
        Self { others: others.cloned().collect(), ..own }
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
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels.data)?;
    writer.finish()?;
    Ok(bytes)
}

fn encode_jpeg(pixels: &Pixels, texts: &Texts) -> Result<Vec<u8>, PictureError> {
    let exif = jpeg_exif(texts)?;
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    write_image(encoder, Format::Jpeg, pixels, &over_white(pixels), ExtendedColorType::Rgb8, exif)?;
    Ok(bytes)
}

fn encode_webp(pixels: &Pixels, texts: &Texts) -> Result<Vec<u8>, PictureError> {
    let mut bytes = Vec::new();
    let encoder = WebPEncoder::new_lossless(&mut bytes);
    let colour =
        if pixels.channels == 4 { ExtendedColorType::Rgba8 } else { ExtendedColorType::Rgb8 };
    write_image(encoder, Format::WebP, pixels, &pixels.data, colour, texts.exif())?;
    Ok(bytes)
}

fn write_image(
    mut encoder: impl ImageEncoder,
    format: Format,
    pixels: &Pixels,
    data: &[u8],
    colour: ExtendedColorType,
    exif: Option<Vec<u8>>,
) -> Result<(), PictureError> {
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif).map_err(|error| unencodable(format, error))?;
    }
    encoder
        .write_image(data, pixels.width, pixels.height, colour)
        .map_err(|error| unencodable(format, error))
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
