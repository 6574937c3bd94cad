//! The manifest of a model folder, `starter.json`: what the weights alone do not tell.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use likeness_recipe::{Canvas, Sampler, Schedule, Size, Span, Vocabulary};
use serde::Deserialize;

pub(crate) mod bounds;

/// The name of the file.
pub const FILE_NAME: &str = "starter.json";

/// Steps that a render may take.
pub const STEPS: Span<u32> = Span { min: 1, max: 100 };

/// Guidance that a render may follow.
pub const GUIDANCE: Span<f32> = Span { min: 1.0, max: 20.0 };

/// Samplers that a render may take.
pub const SAMPLERS: &[Sampler] = &[Sampler::FlowEuler, Sampler::FlowHeun];

/// Schedules that a render may take.
pub const SCHEDULES: &[Schedule] = &[Schedule::Default];

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
    /// Its files, with what they must be: nothing else is read.
    pub files: Vec<File>,
    /// The words it knows, by kind, as they are offered to whoever types.
    #[serde(default)]
    pub vocabulary: BTreeMap<String, Vec<String>>,
    /// All that it was trained to read, where that is little enough to be listed.
    #[serde(default)]
    pub language: Option<Vocabulary>,
    /// The sizes that were measured, the usual one first. None: whatever is within the limits.
    #[serde(default)]
    pub sizes: Vec<Canvas>,
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
        manifest.check_bounds()?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check_bounds(&self) -> Result<(), String> {
        let texts = [
            ("name", &self.name),
            ("version", &self.version),
            ("family", &self.family),
            ("licence", &self.licence),
        ];
        texts.into_iter().try_for_each(|(field, text)| bounds::check_text(field, text))?;
        bounds::check_files(&self.files)?;
        bounds::check_words(&self.vocabulary)
    }

    /// The listed file that lies at `path`, with the manifest in `folder`.
    pub fn listed(&self, folder: &Path, path: &Path) -> Option<&File> {
        self.files.iter().find(|file| folder.join(&file.path) == path)
    }

    fn check(&self) -> Result<(), String> {
        let Self { image, text, limits, defaults, .. } = self;
        let patch = image.patch_size as u32;
        let largest =
            limits.max_side.checked_div(limits.multiple).map_or(0, |times| times * limits.multiple);
        // A default is filled in where nothing is said and never asked about again, so it must be one of
        // what a request may say.
        let sides = limits.min_side..=limits.max_side;
        let is_side = |side: u32| sides.contains(&side) && side.is_multiple_of(limits.multiple);
        let measured = |width, height| self.sizes.contains(&Size { width, height }.into());
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
            (
                largest >= limits.min_side,
                "limits.multiple: at least one multiple from min_side to max_side",
            ),
            (
                is_side(defaults.width) && is_side(defaults.height),
                "defaults: width and height that are multiples of limits.multiple, from min_side to max_side",
            ),
            (
                self.sizes.iter().all(|size| is_side(size.width) && is_side(size.height)),
                "sizes: sides that are multiples of limits.multiple, from min_side to max_side",
            ),
            (
                self.sizes.is_empty() || measured(defaults.width, defaults.height),
                "sizes: the default one among them",
            ),
            (STEPS.contains(defaults.steps), "defaults.steps: 1 to 100"),
            (GUIDANCE.contains(defaults.guidance), "defaults.guidance: 1 to 20"),
            (
                SAMPLERS.contains(&defaults.sampler) && SCHEDULES.contains(&defaults.schedule),
                "defaults: sampler flow_euler or flow_heun, schedule default",
            ),
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sound() -> Value {
        json!({
            "schema": 1, "name": "tiny", "version": "0.0.0", "family": "flux2",
            "licence": "Apache-2.0", "prediction_type": "sample",
            "image": {"channels": 4, "patch_size": 4, "alpha": "premultiplied"},
            "text": {"max_tokens": 16, "pad_multiple": 4, "pad_token_id": 0},
            "defaults": {"width": 24, "height": 16, "steps": 4, "guidance": 1.0,
                         "sampler": "flow_euler", "schedule": "default"},
            "limits": {"min_side": 8, "max_side": 64, "multiple": 4, "max_references": 2},
            "files": []
        })
    }

    #[test]
    fn what_a_manifest_says_can_be_met() {
        assert!(Manifest::parse(sound().to_string().as_bytes()).is_ok());
        let cases = [
            ("limits", "multiple", json!(0), "limits.multiple"),
            ("limits", "multiple", json!(6), "limits.multiple"),
            // A reference's sides would be no multiple at all, and the picture nothing by nothing.
            ("limits", "multiple", json!(128), "limits.multiple: at least one"),
            ("limits", "multiple", json!(u32::MAX - 3), "limits.multiple: at least one"),
            ("limits", "min_side", json!(0), "min_side"),
            ("limits", "min_side", json!(65), "min_side"),
            ("limits", "max_side", json!(16_388), "limits.max_side"),
            ("defaults", "width", json!(22), "defaults: width and height"),
            ("defaults", "width", json!(68), "defaults: width and height"),
            ("defaults", "height", json!(4), "defaults: width and height"),
            ("defaults", "height", json!(0), "defaults: width and height"),
            ("defaults", "steps", json!(0), "defaults.steps"),
            ("defaults", "steps", json!(101), "defaults.steps"),
            ("defaults", "guidance", json!(0.5), "defaults.guidance"),
            ("defaults", "guidance", json!(21.0), "defaults.guidance"),
            ("defaults", "sampler", json!("ddim"), "sampler"),
        ];
        for (part, field, value, said) in cases {
            let mut manifest = sound();
            manifest[part][field] = value.clone();
            let Err(problem) = Manifest::parse(manifest.to_string().as_bytes()) else {
                panic!("{part}.{field} is {value}, and accepted");
            };
            assert!(problem.contains(said), "{part}.{field} {value}: {problem}");
        }
        for (sizes, said) in [
            (json!([{"width": 24, "height": 16}, {"width": 16, "height": 6}]), "sizes: sides"),
            (json!([{"width": 16, "height": 16}]), "sizes: the default"),
        ] {
            let mut manifest = sound();
            manifest["sizes"] = sizes.clone();
            let problem = Manifest::parse(manifest.to_string().as_bytes()).unwrap_err();
            assert!(problem.contains(said), "{sizes}: {problem}");
        }
        let mut none_between = sound();
        none_between["limits"] =
            json!({"min_side": 65, "max_side": 95, "multiple": 32, "max_references": 0});
        let problem = Manifest::parse(none_between.to_string().as_bytes()).unwrap_err();
        assert!(problem.contains("limits.multiple: at least one"), "{problem}");
    }
}
