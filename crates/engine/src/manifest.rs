//! The manifest of a model folder, `starter.json`: what the weights alone do not tell.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use likeness_recipe::{Sampler, Schedule};
use serde::Deserialize;

/// The name of the file.
pub const FILE_NAME: &str = "starter.json";

/// What a model is, reads and draws.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Manifest {
    /// 1.
    pub schema: u32,
    /// The model's own name.
    pub name: String,
    /// The version of its weights.
    pub version: String,
    /// The family that runs it.
    pub family: String,
    /// The licence of its weights.
    pub licence: String,
    /// What the network's output means.
    pub prediction_type: Prediction,
    /// How a picture becomes tokens.
    pub image: Image,
    /// How a prompt becomes tokens.
    pub text: Text,
    /// What is taken where nothing is said.
    pub defaults: Defaults,
    /// What it can draw.
    pub limits: Limits,
    /// Its files, with what they must be.
    pub files: Vec<File>,
    /// The words it knows, by kind.
    #[serde(default)]
    pub vocabulary: BTreeMap<String, Vec<String>>,
}

/// What a network's output means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prediction {
    /// The clean picture.
    Sample,
    /// The direction from picture to noise.
    Velocity,
}

/// How a picture becomes tokens: patches of its pixels.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Image {
    /// 4: red, green, blue and alpha.
    pub channels: usize,
    /// Pixels along a patch's side.
    pub patch_size: usize,
    /// `premultiplied`.
    pub alpha: String,
    /// Numbers beside a patch's own that say where it is, a multiple of 4; 0 where rotation alone tells
    /// the network, as in the published models. See `image::Grid::place_features`.
    #[serde(default)]
    pub place_features: usize,
}

/// How a prompt becomes tokens.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Text {
    /// Tokens that a prompt may have.
    pub max_tokens: usize,
    /// Prompts are padded to a multiple of this many, at least once.
    pub pad_multiple: usize,
    /// The token that fills up.
    pub pad_token_id: u32,
}

/// What is taken where nothing is said.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Defaults {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Steps.
    pub steps: u32,
    /// Guidance.
    pub guidance: f32,
    /// Sampler.
    pub sampler: Sampler,
    /// Schedule.
    pub schedule: Schedule,
}

/// What it can draw.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Limits {
    /// Smallest side in pixels.
    pub min_side: u32,
    /// Largest side in pixels.
    pub max_side: u32,
    /// Sides are multiples of this many pixels.
    pub multiple: u32,
    /// Reference pictures that it can look at.
    pub max_references: u32,
}

/// A file and what it must be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct File {
    /// Relative to the manifest, with forward slashes.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its hash, in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// Reads and checks a manifest; the error says which field is at fault.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let manifest: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        let Self { image, text, limits, defaults, .. } = self;
        let patch = image.patch_size as u32;
        let rules = [
            (self.schema == 1, "schema: only 1 is read"),
            (
                image.channels == 4 && image.alpha == "premultiplied",
                "image: four channels with premultiplied alpha are drawn",
            ),
            ((1..=64).contains(&image.patch_size), "image.patch_size: 1 to 64"),
            (
                image.place_features % 4 == 0 && image.place_features <= 64,
                "image.place_features: a multiple of 4, up to 64",
            ),
            ((1..=4096).contains(&text.max_tokens), "text.max_tokens: 1 to 4096"),
            (
                (1..=text.max_tokens).contains(&text.pad_multiple),
                "text.pad_multiple: 1 to max_tokens",
            ),
            (
                limits.multiple > 0 && limits.multiple % patch.max(1) == 0,
                "limits.multiple: a multiple of image.patch_size",
            ),
            (
                limits.min_side > 0 && limits.min_side <= limits.max_side,
                "limits: min_side above 0, up to max_side",
            ),
            (limits.max_side <= 16_384, "limits.max_side: up to 16384"),
            ((1..=1000).contains(&defaults.steps), "defaults.steps: 1 to 1000"),
        ];
        if let Some((_, rule)) = rules.iter().find(|(holds, _)| !holds) {
            return Err((*rule).into());
        }
        let strays = |file: &&File| {
            let inside =
                Path::new(&file.path).components().all(|part| matches!(part, Component::Normal(_)));
            !inside || file.path.is_empty() || file.path.contains('\\')
        };
        match self.files.iter().find(strays) {
            Some(file) => Err(format!("files: {:?} does not lie in the folder", file.path)),
            None => Ok(()),
        }
    }
}
