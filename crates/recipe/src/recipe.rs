//! What a person asked for: the low form, in which everything but the prompt may be left out.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Canvas, Lora, Mask, RecipeError, Reference, json};

/// A request before any default is filled in.
///
/// Names stay text here, so that [`crate::resolve`] can answer an unknown one with the list that the
/// chosen model accepts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Schema that this was written in; absent means the present one. One of before means what it meant
    /// then, so that it makes the picture that it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<u32>,
    /// The model that must be used; absent takes whichever one is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelChoice>,
    /// What the picture should show.
    pub prompt: String,
    /// What it should not show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative: Option<String>,
    /// Pixels from left to right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels from top to bottom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Where the noise starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<Seed>,
    /// A name of [`crate::NoiseSource`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise_source: Option<String>,
    /// How many pictures, each with the next seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// How many steps from noise to picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// How strongly the prompt is followed; 1 is the model's plain answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance: Option<f32>,
    /// A name of [`crate::Sampler`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampler: Option<String>,
    /// A name of [`crate::Schedule`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// A name of [`crate::Precision`], or `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// Pictures that the result should take its subject, style or content from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// The picture to start from in place of plain noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<InitChoice>,
    /// Where the picture may change: white changes, black stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<Mask>,
    /// Small additions to the weights.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<Lora>,
    /// Approximations that are asked for by name; all are off otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approximations: Vec<String>,
    /// The size in which it is drawn where that is not the picture's own: see [`ResolvedRecipe::canvas`].
    ///
    /// [`ResolvedRecipe::canvas`]: crate::ResolvedRecipe::canvas
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canvas: Option<Canvas>,
    /// A name of [`crate::Alpha`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<String>,
}

impl Recipe {
    /// A request for `prompt` with everything else left to the model.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self { prompt: prompt.into(), ..Self::default() }
    }

    /// Reads a recipe; a field that is not one of ours is refused by its name.
    pub fn from_json(text: &str) -> Result<Self, RecipeError> {
        json::read(text)
    }

    /// Writes the recipe on one line, with the fields in the order of this struct.
    pub fn to_json(&self) -> String {
        json::write(self)
    }
}

/// A model that a recipe insists on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelChoice {
    /// The model's own name, such as `likeness-starter`.
    pub name: String,
    /// The hash of its weights, when exactly these are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A starting picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitChoice {
    /// Hash of the picture's file, in hexadecimal.
    pub sha256: String,
    /// How far to go from it: above 0 (hardly) to 1 (entirely).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<f32>,
}

/// A seed as it is asked for; `-1` in JSON and on the command line means a random one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// Drawn when the recipe is resolved.
    Random,
    /// This one.
    Fixed(u64),
}

impl std::str::FromStr for Seed {
    type Err = RecipeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "-1" => Ok(Self::Random),
            number => number.parse().map(Self::Fixed).map_err(|_| bad_seed(number)),
        }
    }
}

fn bad_seed(given: impl std::fmt::Display) -> RecipeError {
    RecipeError::new(
        "seed",
        format!("{given} is not a seed"),
        format!("0 to {}, or -1 for a random one", u64::MAX),
    )
}

impl Serialize for Seed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Random => to.serialize_i64(-1),
            Self::Fixed(seed) => to.serialize_u64(*seed),
        }
    }
}

impl<'de> Deserialize<'de> for Seed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(from)?;
        match (number.as_u64(), number.as_i64()) {
            (Some(seed), _) => Ok(Self::Fixed(seed)),
            (None, Some(-1)) => Ok(Self::Random),
            _ => Err(serde::de::Error::custom(bad_seed(number).problem)),
        }
    }
}
