//! The texts in a picture file, and the recipe among them.

use std::io::Cursor;

use likeness_recipe::{RecipeError, ResolvedRecipe, a1111};

use crate::decode::{Limits, one_line, too_many_bytes};
use crate::foreign::{self, Field};
use crate::{DigitalSource, Format, PictureError, exif, parts, xmp};

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
    /// All text chunks of a PNG, by key, ours among them. Of other files what programs write there that
    /// have such a chunk in their PNGs, under its key.
    pub texts: Vec<(String, String)>,
    /// What it says to machines of how it came about, if it says that a model had a hand in it.
    pub digital_source: Option<DigitalSource>,
}

impl PictureMetadata {
    /// Our recipe, if there is one, or why it cannot be understood.
    pub fn recipe(&self) -> Option<Result<ResolvedRecipe, RecipeError>> {
        self.recipe_json.as_deref().map(ResolvedRecipe::from_json)
    }

    /// Of a file that says nothing.
    pub fn none(format: Format) -> Self {
        Self {
            format,
            recipe_json: None,
            parameters: None,
            texts: Vec::new(),
            digital_source: None,
        }
    }

    /// How the picture came about, as far as a model had a hand in it: what the file says to machines, and
    /// where it says nothing of that, what its recipe or another program's settings show.
    pub fn made_by(&self) -> Option<DigitalSource> {
        let shown = |goes_on| if goes_on { DigitalSource::Changed } else { DigitalSource::Made };
        self.digital_source.or_else(|| match self.recipe() {
            Some(Ok(recipe)) => Some(shown(xmp::goes_on(&recipe))),
            _ => {
                let settings = foreign::read_settings(self)?;
                Some(shown(settings.value(Field::Strength).is_some()))
            }
        })
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
        Format::Jpeg => {
            let packet = parts::of_jpeg(bytes, APP1, xmp::JPEG_NAME);
            Ok(read_exif(Format::Jpeg, parts::of_jpeg(bytes, APP1, b"Exif\0\0"), packet))
        }
        Format::WebP => {
            let part = |name| parts::of_webp(bytes, name).filter(|part| part.len() <= TEXT_BYTES);
            Ok(read_exif(Format::WebP, part(b"EXIF"), part(xmp::WEBP_PART)))
        }
        // Nobody writes a recipe into these.
        format @ (Format::Gif | Format::Tiff | Format::Bmp) => Ok(PictureMetadata::none(format)),
    }
}

/// The segments of a JPEG that hold EXIF and XMP.
pub(crate) const APP1: u8 = 0xe1;

fn read_exif(format: Format, block: Option<&[u8]>, packet: Option<&[u8]>) -> PictureMetadata {
    let exif::Fields { description, make, model, comment, scheme } =
        block.map(exif::read).unwrap_or_default();
    let mut texts = Vec::new();
    // ComfyUI writes each graph behind its name, into whatever field comes next.
    for graph in [&description, &make, &model].into_iter().flatten() {
        let named = graph.split_once(':').filter(|(key, _)| ["prompt", "workflow"].contains(key));
        texts.extend(named.map(|(key, graph)| (key.to_owned(), graph.to_owned())));
    }
    texts.extend(scheme.map(|scheme| ("fooocus_scheme".to_owned(), scheme)));
    // Any camera may have described the picture here in its own words.
    let recipe_json = description.filter(|text| text.starts_with('{'));
    let packet = packet.map(String::from_utf8_lossy);
    let digital_source = packet.and_then(|packet| xmp::read(&packet));
    PictureMetadata { format, recipe_json, parameters: comment, texts, digital_source }
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
        digital_source: text(xmp::PNG_KEY).and_then(|packet| xmp::read(&packet)),
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
