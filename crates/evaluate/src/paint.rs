//! The pictures of the set, made by the engine as a person would have them made.

use std::path::PathBuf;

use anyhow::{Context, Result};
use likeness_engine::{Engine, Memory, Model, Processor, canvas, image};
use likeness_picture::{Existing, Format, encode, write_whole};
use likeness_recipe::{
    Inputs, NoiseSource, Pixels, Recipe, Reference, Renderer, Role, Seed, Size, Unwatched, resolve,
};
use sha2::{Digest, Sha256};

use crate::set::{Picture, SIDE, Set};

/// How pictures are made; what is absent is the model's default.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Steps from noise to picture.
    pub steps: Option<u32>,
    /// How strongly the prompt is followed.
    pub guidance: Option<f32>,
    /// The name of the number format to compute in.
    pub precision: Option<String>,
    /// Where pictures are also written, as `p0000-128x128.png`, `r0000-…` and `e0000-…`, and edits without
    /// the guard as `d0000-…`.
    pub keep: Option<PathBuf>,
}

/// Makes pictures with one model.
pub struct Painter {
    engine: Engine,
    plan: Plan,
    size: Size,
}

/// The pictures of a set, in its order.
#[derive(Debug, Default)]
pub struct Painted {
    /// Of the prompts.
    pub prompts: Vec<Picture>,
    /// Of the reference tasks.
    pub references: Vec<Picture>,
    /// Of the edits.
    pub edits: Vec<Picture>,
    /// Of the edits, as the network drew them: without the guard.
    pub drawn: Vec<Picture>,
}

/// A picture that the model is shown.
#[derive(Clone, Copy)]
struct Seen<'a> {
    role: Role,
    pixels: &'a Pixels,
    guard: Option<bool>,
}

impl Painter {
    /// Opens the model.
    pub fn open(model: &std::path::Path, plan: Plan) -> Result<Self> {
        let model = Model::open(model)
            .with_context(|| format!("cannot open the model {}", model.display()))?;
        if let Some(folder) = &plan.keep {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let size = model.capabilities().defaults.size;
        Ok(Self { engine: Engine::new(model, Processor::usual(), Memory::Free)?, plan, size })
    }

    /// The model's name and the hash of its weights.
    pub fn model(&self) -> (&str, &str) {
        let model = &self.engine.model().capabilities().model;
        (&model.name, &model.sha256)
    }

    /// Steps, guidance and number format that pictures are made with.
    pub fn settings(&self) -> (u32, f32, String) {
        let defaults = &self.engine.model().capabilities().defaults;
        let precision = self.plan.precision.clone();
        (
            self.plan.steps.unwrap_or(defaults.steps),
            self.plan.guidance.unwrap_or(defaults.guidance),
            precision.unwrap_or_else(|| defaults.precision.to_string()),
        )
    }

    /// The sizes that the model says were measured, the usual one first: each is to be painted.
    pub fn sizes(&self) -> Vec<Size> {
        let able = self.engine.model().capabilities();
        if able.sizes.is_empty() { vec![able.defaults.size] } else { able.sizes.clone() }
    }

    /// Makes every picture in this size; `painted` is told of each.
    pub fn paint(&mut self, set: &Set, size: Size, mut painted: impl FnMut()) -> Result<Painted> {
        self.size = size;
        let mut out = Painted::default();
        for (i, task) in set.prompts.iter().enumerate() {
            out.prompts.push(self.picture(&task.prompt, task.seed, None, &format!("p{i:04}"))?);
            painted();
        }
        for (i, (task, seen)) in set.references.iter().zip(&set.reference_pictures).enumerate() {
            let seen = Seen { role: Role::Subject, pixels: seen, guard: None };
            let name = format!("r{i:04}");
            out.references.push(self.picture(&task.prompt, task.seed, Some(seen), &name)?);
            painted();
        }
        for (guard, edits, letter) in [(true, &mut out.edits, 'e'), (false, &mut out.drawn, 'd')] {
            for (i, (task, source)) in set.edits.iter().zip(&set.edit_pictures).enumerate() {
                let source = Seen { role: Role::Edit, pixels: source, guard: Some(guard) };
                let name = format!("{letter}{i:04}");
                edits.push(self.picture(&task.prompt, task.seed, Some(source), &name)?);
                painted();
            }
        }
        Ok(out)
    }

    fn picture(
        &mut self,
        prompt: &str,
        seed: u64,
        seen: Option<Seen>,
        name: &str,
    ) -> Result<Picture> {
        let reference = seen.map(|seen| Reference {
            role: seen.role,
            sha256: format!("{:x}", Sha256::digest(&seen.pixels.data)),
            name: None,
            guard: seen.guard,
        });
        let recipe = Recipe {
            width: Some(self.size.width),
            height: Some(self.size.height),
            seed: Some(Seed::Fixed(seed)),
            noise_source: Some(NoiseSource::Likeness.name().to_owned()),
            steps: self.plan.steps,
            guidance: self.plan.guidance,
            precision: self.plan.precision.clone(),
            references: reference.into_iter().collect(),
            ..Recipe::new(prompt)
        };
        let recipe = resolve(&recipe, self.engine.model().capabilities(), || seed)?;
        let inputs = Inputs {
            references: seen.map(|seen| seen.pixels.clone()).into_iter().collect(),
            ..Inputs::default()
        };
        let rendered = self
            .engine
            .render(&recipe, &inputs, &mut Unwatched)
            .with_context(|| format!("no picture of {prompt:?}"))?;
        let first = rendered.first().context("the engine gave no picture")?;
        if let Some(folder) = &self.plan.keep {
            let bytes = encode(&first.pixels, Format::Png, &first.recipe)?;
            let name = format!("{name}-{}.png", self.size);
            write_whole(&folder.join(name), &bytes, Existing::Replace)?;
        }
        Picture::of(&as_judged(&first.pixels)).context("the engine gave another size")
    }
}

/// A picture of any size as the judge looks at it: whole, in the middle of a square.
fn as_judged(pixels: &Pixels) -> Pixels {
    let square = Size { width: SIDE as u32, height: SIDE as u32 };
    match pixels.size() == square {
        true => pixels.clone(),
        false => canvas::laid(&image::fit(pixels, pixels.size().within(square)), square),
    }
}
