//! From what a person asks for to what is rendered, and back.
//!
//! A request names pictures by hash and says little more than a person said; the recipe that it
//! becomes is resolved against a model before it is queued, so a slip is answered at once.

use likeness_recipe as recipe;
use likeness_recipe::{ModelCapabilities, Recipe, ResolvedRecipe, Role, Seed, Size};

use crate::api::{
    Again, DeliverChoice, InitChoice, MaskChoice, ParentChoice, PictureSize, ReferenceChoice,
    RenderRequest, RoleName,
};
use crate::{StudioError, models};

impl RenderRequest {
    /// A request for `prompt` with everything else left to the model.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self {
            model: None,
            prompt: prompt.into(),
            negative: None,
            references: Vec::new(),
            init: None,
            mask: None,
            seed: None,
            noise_source: None,
            steps: None,
            guidance: None,
            width: None,
            height: None,
            sampler: None,
            schedule: None,
            precision: None,
            count: 1,
            parents: Vec::new(),
            enlarge: None,
            again: None,
            deliver: None,
        }
    }

    /// The request that makes the picture of `recipe` again, which a stranger may have written: it names
    /// pictures by hash and its model by a plain name, and no files.
    pub fn of_recipe(recipe: &ResolvedRecipe, parents: Vec<ParentChoice>) -> Self {
        let init = recipe.init.as_ref();
        Self {
            model: models::plain_name(&recipe.model.name),
            prompt: recipe.prompt.clone(),
            negative: (!recipe.negative.is_empty()).then(|| recipe.negative.clone()),
            references: recipe
                .references
                .iter()
                .map(recipe::Reference::low)
                .map(|reference| ReferenceChoice {
                    asset: reference.sha256,
                    role: reference.role.into(),
                    name: reference.name,
                    guard: reference.guard,
                })
                .collect(),
            init: init.map(|init| InitChoice {
                asset: init.sha256.clone(),
                strength: Some(init.strength),
            }),
            mask: recipe.mask.as_ref().map(|mask| MaskChoice { asset: mask.sha256.clone() }),
            seed: Some(recipe.seed.to_string()),
            noise_source: Some(recipe.noise_source.to_string()),
            steps: Some(recipe.steps),
            guidance: Some(recipe.guidance),
            width: Some(recipe.width),
            height: Some(recipe.height),
            sampler: Some(recipe.sampler.to_string()),
            schedule: Some(recipe.schedule.to_string()),
            precision: Some(recipe.precision.to_string()),
            count: recipe.count,
            parents,
            enlarge: None,
            again: Some(Again {
                prompt: recipe.prompt.clone(),
                seed: recipe.seed.to_string(),
                schema: recipe.schema,
                alpha: Some(recipe.alpha.to_string()),
                canvas: recipe
                    .canvas
                    .map(|canvas| PictureSize { width: canvas.width, height: canvas.height }),
            }),
            deliver: recipe.delivered.as_ref().map(DeliverChoice::from),
        }
    }

    /// The requests of each of its pictures: count 1, the seed filled in.
    pub(crate) fn pictures(&self, resolved: &ResolvedRecipe) -> Vec<Self> {
        let one = |index: u32| Self {
            seed: Some(resolved.picture(index).seed.to_string()),
            width: Some(resolved.width),
            height: Some(resolved.height),
            count: 1,
            again: self.again.clone().map(|again| Again {
                // Each goes on being a repetition of what the first of them repeats.
                seed: match self.repeats() {
                    true => resolved.picture(index).seed.to_string(),
                    false => again.seed,
                },
                ..again
            }),
            ..self.clone()
        };
        (0..resolved.count).map(one).collect()
    }

    /// Whether it makes a picture again that was made before, by the rules of then.
    fn repeats(&self) -> bool {
        let same =
            |again: &Again| self.seed.as_ref() == Some(&again.seed) && self.prompt == again.prompt;
        self.again.as_ref().is_some_and(same)
    }

    /// The recipe, before any default is filled in. The model is chosen apart from it.
    pub(crate) fn recipe(&self) -> Result<Recipe, StudioError> {
        let seed = match self.seed.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(text) => Some(text.parse::<Seed>()?),
        };
        let references = self.references.iter().map(|reference| recipe::Reference {
            role: reference.role.into(),
            sha256: reference.asset.clone(),
            name: reference.name.clone(),
            guard: reference.guard,
        });
        let init = self
            .init
            .as_ref()
            .map(|init| recipe::InitChoice { sha256: init.asset.clone(), strength: init.strength });
        let again = self.again.as_ref().filter(|_| self.repeats());
        Ok(Recipe {
            schema: again.map(|again| again.schema),
            alpha: again.and_then(|again| again.alpha.clone()),
            canvas: again
                .and_then(|again| again.canvas)
                .map(|PictureSize { width, height }| recipe::Canvas { width, height }),
            negative: self.negative.clone(),
            width: self.width,
            height: self.height,
            seed,
            noise_source: self.noise_source.clone(),
            count: Some(self.count),
            steps: self.steps,
            guidance: self.guidance,
            sampler: self.sampler.clone(),
            schedule: self.schedule.clone(),
            precision: self.precision.clone(),
            references: references.collect(),
            init,
            mask: self.mask.as_ref().map(|mask| recipe::Mask { sha256: mask.asset.clone() }),
            ..Recipe::new(&self.prompt)
        })
    }

    /// Every picture that it names: the field, and the hash.
    pub(crate) fn assets(&self) -> Vec<(String, &str)> {
        let references = self.references.iter().enumerate();
        let mut all: Vec<_> = references
            .map(|(i, reference)| (format!("references[{i}].asset"), reference.asset.as_str()))
            .collect();
        all.extend(self.init.iter().map(|init| ("init.asset".to_owned(), init.asset.as_str())));
        all.extend(self.mask.iter().map(|mask| ("mask.asset".to_owned(), mask.asset.as_str())));
        all
    }

    /// The picture whose shape the result takes where no size is asked for.
    pub(crate) fn shape(&self) -> Option<&str> {
        if self.width.is_some() || self.height.is_some() {
            return None;
        }
        let edited = self.references.iter().find(|reference| reference.role == RoleName::Edit);
        let init = self.init.as_ref().map(|init| init.asset.as_str());
        init.or(edited.map(|reference| reference.asset.as_str()))
    }

    /// Gives the result the shape of `source`, as large as the model's pictures usually are.
    pub(crate) fn take_shape(&mut self, source: Size, model: &ModelCapabilities) {
        let size = model.size_like(source);
        (self.width, self.height) = (Some(size.width), Some(size.height));
    }
}

impl From<RoleName> for Role {
    fn from(role: RoleName) -> Self {
        match role {
            RoleName::Subject => Self::Subject,
            RoleName::Style => Self::Style,
            RoleName::Edit => Self::Edit,
        }
    }
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::Subject => Self::Subject,
            Role::Style => Self::Style,
            Role::Edit => Self::Edit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_text_that_holds_all_its_digits() {
        let seeded = |seed: &str| RenderRequest {
            seed: Some(seed.to_owned()),
            ..RenderRequest::new("a fox")
        };
        let largest = u64::MAX.to_string();
        assert_eq!(seeded(&largest).recipe().unwrap().seed, Some(Seed::Fixed(u64::MAX)));
        assert_eq!(seeded("-1").recipe().unwrap().seed, Some(Seed::Random));
        assert_eq!(seeded(" ").recipe().unwrap().seed, None);
        let error = seeded("seven").recipe().unwrap_err();
        assert_eq!(error.field.as_deref(), Some("seed"));
    }
}
