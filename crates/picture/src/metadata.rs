//! The texts in a picture file, and the recipe among them.

use std::io::Cursor;

use likeness_recipe::{RecipeError, ResolvedRecipe, a1111};

use crate::decode::{Limits, one_line, too_many_bytes};
use crate::{Format, PictureError, exif};

/// Our own key in a PNG.
pub(crate) const PNG_JSON_KEY: &str = "likeness";
/// The key that A1111 made common.
pub(crate) const PNG_PARAMETERS_KEY: &str = "parameters";

/// Most bytes of all texts once unpacked. ComfyUI's graphs reach a megabyte.
const TEXT_BYTES: usize = 8 << 20;
/// Most bytes that reading them takes: a text is there twice, and its buffer grows by doubling.
const READING_BYTES: usize = 4 * TEXT_BYTES;

/// What a picture file says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureMetadata {
    /// What the file is.
    pub format: Format,
    /// Our recipe, as the JSON that stands in the file.
    pub recipe_json: Option<String>,
    /// The `parameters` text, as it stands in the file.
    pub parameters: Option<String>,
    /// All text chunks of a PNG, by key, ours among them.
    pub texts: Vec<(String, String)>,
}

impl PictureMetadata {
    /// Our recipe, if there is one, or why it cannot be understood.
    pub fn recipe(&self) -> Option<Result<ResolvedRecipe, RecipeError>> {
        self.recipe_json.as_deref().map(ResolvedRecipe::from_json)
    }

    /// The settings that A1111 or a program like it wrote.
    pub fn a1111(&self) -> Option<a1111::Parameters> {
        self.parameters.as_deref().map(a1111::read)
    }
}

/// Reads the texts of a picture file; its pixels are not unpacked. Texts that stand behind a PNG's
/// pixels are not looked for.
pub fn read_metadata(bytes: &[u8]) -> Result<PictureMetadata, PictureError> {
    let limit = Limits::default().bytes;
    if bytes.len() as u64 > limit {
        return Err(too_many_bytes(limit));
    }
    match Format::of_content(bytes)? {
        Format::Png => read_png(bytes),
        format @ (Format::Jpeg | Format::WebP) => Ok(read_exif(bytes, format)),
    }
}

fn read_exif(bytes: &[u8], format: Format) -> PictureMetadata {
    let (description, parameters) = exif::read(bytes);
    // Any camera may have described the picture here in its own words.
    let recipe_json = description.filter(|text| text.starts_with('{'));
    PictureMetadata { format, recipe_json, parameters, texts: Vec::new() }
}

fn read_png(bytes: &[u8]) -> Result<PictureMetadata, PictureError> {
    let read = |texts: bool| {
        let limits = png::Limits { bytes: READING_BYTES };
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
        decoder.set_ignore_iccp_chunk(true);
        decoder.set_ignore_text_chunk(!texts);
        decoder.read_info()
    };
    // A sound picture with a book in it is a picture all the same.
    let reader = match read(true) {
        Err(png::DecodingError::LimitsExceeded) => read(false),
        read => read,
    };
    let reader = reader.map_err(|error| PictureError::Damaged {
        format: Format::Png.name(),
        problem: one_line(&error.to_string()),
    })?;
    let texts = png_texts(reader.info());
    let text = |key: &str| texts.iter().find(|(k, _)| k == key).map(|(_, text)| text.clone());
    Ok(PictureMetadata {
        format: Format::Png,
        recipe_json: text(PNG_JSON_KEY),
        parameters: text(PNG_PARAMETERS_KEY),
        texts,
    })
}

/// A text that cannot be unpacked within the limit is left out: the others may still be wanted.
fn png_texts(info: &png::Info<'_>) -> Vec<(String, String)> {
    let (mut texts, mut room) = (Vec::new(), TEXT_BYTES);
    for chunk in info.uncompressed_latin1_text.iter().filter(|chunk| chunk.text.len() <= TEXT_BYTES)
    {
        texts.push((chunk.keyword.clone(), chunk.text.clone()));
    }
    for chunk in &info.compressed_latin1_text {
        let mut chunk = chunk.clone();
        if chunk.decompress_text_with_limit(room).is_ok()
            && let Ok(text) = chunk.get_text()
        {
            room = room.saturating_sub(text.len());
            texts.push((chunk.keyword, text));
        }
    }
    for chunk in &info.utf8_text {
        let mut chunk = chunk.clone();
        if chunk.decompress_text_with_limit(room).is_ok()
            && let Ok(text) = chunk.get_text()
        {
            room = room.saturating_sub(text.len());
            texts.push((chunk.keyword, text));
        }
    }
    texts
}
