//! What a picture file says of itself, as the row it will be.

use std::io::Cursor;

use image::{ImageDecoder, ImageReader};
use likeness_picture::foreign::{self, Field};
use likeness_picture::{Format, Limits, PictureError, PictureMetadata, read_metadata};
use likeness_recipe::ResolvedRecipe;

use crate::table::parents::{Parent, Relation};
use crate::{NewPicture, PictureId};

/// The `source` of a picture that we made.
pub(crate) const OURS: &str = "likeness";
/// The `source` of a picture that no program has signed.
pub(crate) const FILE: &str = "file";

/// A file's format and size, from its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Looks {
    pub format: Format,
    pub width: u32,
    pub height: u32,
    pub alpha: bool,
}

impl<'a> NewPicture<'a> {
    /// Reads what a picture file says about itself: our recipe, or the settings of another program.
    /// Its pixels are not unpacked; no job made it.
    pub fn read(bytes: &'a [u8]) -> Result<Self, PictureError> {
        let Looks { format, width, height, alpha } = look_at(bytes)?;
        // A file whose texts are damaged is a picture all the same.
        let metadata = read_metadata(bytes).unwrap_or(PictureMetadata {
            format,
            recipe_json: None,
            parameters: None,
            texts: Vec::new(),
        });
        let mut picture = Self {
            bytes,
            format,
            width,
            height,
            alpha,
            recipe: None,
            prompt: String::new(),
            negative: String::new(),
            seed: None,
            model: None,
            model_sha256: None,
            source: FILE.to_owned(),
            subject: None,
            parents: Vec::new(),
            seconds: None,
            job: None,
        };
        match metadata.recipe() {
            Some(Ok(recipe)) => picture.take_recipe(&recipe, &metadata),
            _ => picture.take_foreign(&metadata),
        }
        Ok(picture)
    }

    fn take_recipe(&mut self, recipe: &ResolvedRecipe, metadata: &PictureMetadata) {
        self.source = OURS.to_owned();
        self.recipe = metadata.recipe_json.clone();
        self.prompt = recipe.prompt.clone();
        self.negative = recipe.negative.clone();
        self.seed = Some(recipe.seed);
        self.model = Some(recipe.model.name.clone());
        self.model_sha256 = Some(recipe.model.sha256.clone());
        self.parents = parents_of(recipe);
    }

    /// Also for a recipe of a newer schema, whose A1111 text can still be read.
    fn take_foreign(&mut self, metadata: &PictureMetadata) {
        let Some(settings) = foreign::read_settings(metadata) else { return };
        self.source = settings.program.name().to_owned();
        let value = |field| settings.value(field).map(str::to_owned);
        self.prompt = value(Field::Prompt).unwrap_or_default();
        self.negative = value(Field::Negative).unwrap_or_default();
        self.seed = value(Field::Seed).and_then(|seed| seed.parse().ok());
        self.model = value(Field::Model);
    }
}

/// What a recipe's own files say of where its picture came from.
fn parents_of(recipe: &ResolvedRecipe) -> Vec<Parent> {
    let parent = |sha256: &str, relation| {
        let id: PictureId = sha256.parse().ok()?;
        Some(Parent { id, relation })
    };
    if let Some(enlarged) = &recipe.enlarged {
        // What the recipe looked at, the smaller one came from.
        return parent(&enlarged.sha256, Relation::Edit).into_iter().collect();
    }
    let references = recipe.references.iter().filter_map(|reference| {
        let relation = match reference.role {
            likeness_recipe::Role::Edit => Relation::Edit,
            _ => Relation::Reference,
        };
        parent(&reference.sha256, relation)
    });
    let relation = if recipe.mask.is_some() { Relation::Edit } else { Relation::Variation };
    let init = recipe.init.iter().filter_map(|init| parent(&init.sha256, relation));
    references.chain(init).collect()
}

/// Reads a picture file's header, within the limits of reading it.
pub(crate) fn look_at(bytes: &[u8]) -> Result<Looks, PictureError> {
    let limits = Limits::default();
    let too_large = |found: String, limit: String| PictureError::TooLarge { found, limit };
    if bytes.len() as u64 > limits.bytes {
        let mb = limits.bytes >> 20;
        return Err(too_large(format!("more than {mb} MB"), format!("at most {mb} MB")));
    }
    let format = Format::of_content(bytes)?;
    let damaged = |error: image::ImageError| PictureError::Damaged {
        format: format.name(),
        problem: error.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
    };
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let reader = reader.map_err(|error| damaged(error.into()))?;
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (mut width, mut height) = decoder.dimensions();
    if width.max(height) > limits.side || u64::from(width) * u64::from(height) > limits.pixels {
        let limit = format!("at most {} a side, {} in all", limits.side, limits.pixels);
        return Err(too_large(format!("{width}x{height} pixels"), limit));
    }
    let alpha = decoder.color_type().has_alpha();
    // The four that lie on their side are numbered 5 to 8 in EXIF.
    if decoder.orientation().map_err(damaged)?.to_exif() > 4 {
        (width, height) = (height, width);
    }
    Ok(Looks { format, width, height, alpha })
}
