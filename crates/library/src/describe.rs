//! What a picture file says of itself, as the row it will be.

use likeness_picture::foreign::{self, Field};
use likeness_picture::{Limits, Looks, PictureError, PictureMetadata, look_at, read_metadata};
use likeness_recipe::ResolvedRecipe;

use crate::table::parents::{Parent, Relation};
use crate::{NewPicture, PictureId};

/// The `source` of a picture that we made.
pub(crate) const OURS: &str = "likeness";
/// The `source` of a picture that no program has signed.
pub(crate) const FILE: &str = "file";

impl<'a> NewPicture<'a> {
    /// Reads what a picture file says about itself: our recipe, or the settings of another program.
    /// Its pixels are not unpacked; no job made it.
    pub fn read(bytes: &'a [u8]) -> Result<Self, PictureError> {
        let Looks { format, width, height, alpha } = look_at(bytes, &Limits::default())?;
        // A file whose texts are damaged is a picture all the same.
        let metadata = read_metadata(bytes).unwrap_or(PictureMetadata::none(format));
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
            changed: None,
            job: None,
            enlarged: None,
            marked_as: None,
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
        self.enlarged = recipe.enlarged.as_ref().map(|enlarged| enlarged.by);
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
    if let Some(delivered) = &recipe.delivered {
        let enlarged = recipe.enlarged.as_ref().is_some_and(|one| one.sha256 == delivered.sha256);
        let relation = if enlarged { Relation::Enlargement } else { Relation::Edit };
        return parent(&delivered.sha256, relation).into_iter().collect();
    }
    if let Some(enlarged) = &recipe.enlarged {
        // What the recipe looked at, the smaller one came from.
        return parent(&enlarged.sha256, Relation::Enlargement).into_iter().collect();
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
