//! The high form: every default filled in. History stores it, pictures carry it, the engine runs it.

use serde::{Deserialize, Serialize};

use crate::resolve::check_text;
use crate::{
    Alpha, Delivered, Enlarged, InitChoice, ModelChoice, NoiseSource, Precision, Recipe,
    RecipeError, Role, Sampler, Schedule, Seed, Size, json,
};

/// The schema that this build writes. It rises when a field is added, or means something else.
pub const SCHEMA: u32 = 5;

/// The first schema in which sizes that nobody measured are refused, marks in prompts are no words, and
/// alpha is settled by what is asked for.
pub(crate) const SETTLED: u32 = 5;

/// Most bytes of one as JSON: the longest prompts, each character of which may be written as twelve.
const JSON_BYTES: usize = 256 << 10;
/// Most characters of a name or a hash in it, and most references, LoRAs or approximations: more than any
/// model takes.
const NAME_CHARS: usize = 300;
const LIST: usize = 64;

/// Everything that determines a picture, beside the files it names by hash.
///
/// One that was read from a file is a claim, not a promise: go through [`ResolvedRecipe::low`] and
/// [`crate::resolve`] before it is run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedRecipe {
    /// See [`SCHEMA`]. A recipe of before keeps its own: it makes the file that it made.
    pub schema: u32,
    /// The weights.
    pub model: ModelRef,
    /// What the picture should show.
    pub prompt: String,
    /// What it should not show; empty when nothing was said.
    pub negative: String,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Where the noise of the first picture starts.
    pub seed: u64,
    /// The generator that the seed is for.
    pub noise_source: NoiseSource,
    /// How many pictures; number i has the seed `seed + i`.
    pub count: u32,
    /// How many steps from noise to picture, at least 1.
    pub steps: u32,
    /// How strongly the prompt is followed; 1 is the model's plain answer.
    #[serde(deserialize_with = "json::finite")]
    pub guidance: f32,
    /// How a step is taken.
    pub sampler: Sampler,
    /// How the noise levels are spaced.
    pub schedule: Schedule,
    /// The number format computed in.
    pub precision: Precision,
    /// In the order in which the network sees them.
    pub references: Vec<Reference>,
    /// The picture to start from, if any.
    pub init: Option<Init>,
    /// Where the picture may change, if not everywhere.
    pub mask: Option<Mask>,
    /// Additions to the weights, in the order in which they are applied.
    pub loras: Vec<Lora>,
    /// Approximations that were asked for, by name.
    pub approximations: Vec<String>,
    /// What the network is given for the prompt, where that is not the prompt itself: its words without
    /// the marks of weights, of a model that weighs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<String>,
    /// The same for what the picture should not show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_negative: Option<String>,
    /// The size in which it is drawn, where that is not the picture's own. The picture that it is made
    /// from lies in the middle of it, and is continued to all sides; what is drawn there is cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canvas: Option<Canvas>,
    /// What becomes of its alpha.
    #[serde(default, skip_serializing_if = "Alpha::is_drawn")]
    pub alpha: Alpha,
    /// That the picture was made larger afterwards. Whoever makes it again gets the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enlarged: Option<Enlarged>,
    /// That it was brought to a size after that. Whoever makes it again gets what the model drew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Delivered>,
}

impl ResolvedRecipe {
    /// The recipe of picture number `index` alone: what is embedded in that picture.
    pub fn picture(&self, index: u32) -> Self {
        Self { count: 1, seed: self.seed.wrapping_add(u64::from(index)), ..self.clone() }
    }

    /// The request that resolves to this recipe again.
    pub fn low(&self) -> Recipe {
        Recipe {
            schema: Some(self.schema),
            model: Some(ModelChoice {
                name: self.model.name.clone(),
                sha256: Some(self.model.sha256.clone()),
            }),
            prompt: self.prompt.clone(),
            negative: (!self.negative.is_empty()).then(|| self.negative.clone()),
            width: Some(self.width),
            height: Some(self.height),
            seed: Some(Seed::Fixed(self.seed)),
            noise_source: Some(self.noise_source.name().to_owned()),
            count: Some(self.count),
            steps: Some(self.steps),
            guidance: Some(self.guidance),
            sampler: Some(self.sampler.name().to_owned()),
            schedule: Some(self.schedule.name().to_owned()),
            precision: Some(self.precision.name().to_owned()),
            references: self.references.iter().map(Reference::low).collect(),
            init: self.init.as_ref().map(|init| InitChoice {
                sha256: init.sha256.clone(),
                strength: Some(init.strength),
            }),
            mask: self.mask.clone(),
            loras: self.loras.clone(),
            approximations: self.approximations.clone(),
            canvas: self.canvas,
            alpha: Some(self.alpha.name().to_owned()),
        }
    }

    /// The size of the picture.
    pub fn size(&self) -> Size {
        Size { width: self.width, height: self.height }
    }

    /// The size in which it is drawn.
    pub fn drawn_size(&self) -> Size {
        self.canvas.map_or(self.size(), Size::from)
    }

    /// Whether it changes a picture: by an instruction, or where a mask allows it.
    pub fn is_edit(&self) -> bool {
        self.references.first().is_some_and(|one| one.role == Role::Edit)
            || (self.init.is_some() && self.mask.is_some())
    }

    /// Reads a resolved recipe; a field that is not one of ours is refused by its name, and one that is
    /// longer than could have been asked for by the limit.
    pub fn from_json(text: &str) -> Result<Self, RecipeError> {
        if text.len() > JSON_BYTES {
            let problem = format!("it has {} bytes", text.len());
            return Err(RecipeError::new("recipe", problem, format!("at most {JSON_BYTES}")));
        }
        let recipe: Self = json::read(text)?;
        recipe.check_lengths()?;
        Ok(recipe)
    }

    /// Holds what a stranger may have written to what a person can ask for.
    fn check_lengths(&self) -> Result<(), RecipeError> {
        check_text("prompt", &self.prompt)?;
        check_text("negative", &self.negative)?;
        check_text("read", self.read.as_deref().unwrap_or_default())?;
        check_text("read_negative", self.read_negative.as_deref().unwrap_or_default())?;
        let models = [Some(&self.model), self.enlarged.as_ref().map(|it| &it.model)];
        let texts = models.into_iter().flatten().flat_map(|model| [&model.name, &model.sha256]);
        let texts = texts.chain(self.references.iter().map(|one| &one.sha256));
        let texts = texts.chain(self.references.iter().filter_map(|one| one.name.as_ref()));
        let texts = texts.chain(self.loras.iter().flat_map(|one| [&one.name, &one.sha256]));
        let texts = texts.chain(&self.approximations);
        let texts = texts.chain(self.init.iter().map(|it| &it.sha256));
        let mut texts = texts.chain(self.mask.iter().map(|it| &it.sha256));
        if texts.any(|text| text.chars().count() > NAME_CHARS) {
            let accepted = format!("names and hashes of at most {NAME_CHARS} characters");
            return Err(RecipeError::new("recipe", "a name in it is too long", accepted));
        }
        let lists = [
            ("references", self.references.len()),
            ("loras", self.loras.len()),
            ("approximations", self.approximations.len()),
        ];
        match lists.into_iter().find(|(_, many)| *many > LIST) {
            Some((field, many)) => {
                Err(RecipeError::new(field, format!("there are {many}"), format!("at most {LIST}")))
            }
            None => Ok(()),
        }
    }

    /// Writes the recipe on one line, with the fields in the order of this struct.
    pub fn to_json(&self) -> String {
        json::write(self)
    }
}

/// The size in which a picture is drawn that has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canvas {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl From<Canvas> for Size {
    fn from(Canvas { width, height }: Canvas) -> Self {
        Self { width, height }
    }
}

impl From<Size> for Canvas {
    fn from(Size { width, height }: Size) -> Self {
        Self { width, height }
    }
}

/// Weights, named and pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRef {
    /// The model's own name, such as `likeness-starter`.
    pub name: String,
    /// The hash of its weights, in hexadecimal.
    pub sha256: String,
}

/// A picture that the result takes something from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// What it is for.
    pub role: Role,
    /// Hash of its file, in hexadecimal.
    pub sha256: String,
    /// What a person calls it: a file name, or the name of a subject.
    #[serde(default)]
    pub name: Option<String>,
    /// Of a picture to edit: whether the result keeps its pixels wherever the edit changed nothing.
    /// Absent means yes in a request, and no in a resolved recipe, which is from before there was a guard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<bool>,
}

impl Reference {
    /// The reference of a resolved recipe, as a request says the same.
    pub fn low(&self) -> Self {
        let guard = (self.role == Role::Edit).then_some(self.guard == Some(true));
        Self { guard, ..self.clone() }
    }
}

/// A starting picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Init {
    /// Hash of its file, in hexadecimal.
    pub sha256: String,
    /// How far to go from it: above 0 (hardly) to 1 (entirely).
    #[serde(deserialize_with = "json::finite")]
    pub strength: f32,
}

/// A picture that says where to change things: white changes, black stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mask {
    /// Hash of its file, in hexadecimal.
    pub sha256: String,
}

/// A small addition to the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lora {
    /// Its file name without the ending.
    pub name: String,
    /// Hash of its file, in hexadecimal.
    pub sha256: String,
    /// How much of it is added; 1 is as it was trained.
    #[serde(deserialize_with = "json::finite")]
    pub weight: f32,
}
