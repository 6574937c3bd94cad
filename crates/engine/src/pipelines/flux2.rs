//! The flux2 family over pixels: prompt and references to tokens, tokens to a picture.
//!
//! Pictures of one recipe are computed one after the other, so that each is the same bytes as if it
//! had been asked for alone.

use std::sync::Arc;
use std::time::Instant;

use candle_core::{Device, Tensor};
use likeness_recipe::{
    CacheUse, Inputs, Progress, RenderError, Rendered, ResolvedRecipe, Role, Sampler, Seconds,
    Size, Watch,
};

mod parts;
mod scene;

pub(crate) use parts::Parts;
use scene::{Scene, places_tensor};

use super::recent::Recent;
use crate::canvas;
use crate::image::{self, Grid};
use crate::manifest::{Manifest, Prediction};
use crate::model::{Model, ModelError};
use crate::networks::Source;
use crate::networks::flux2::{Call, Card, Flux2, Position, Rotations};
use crate::networks::text::{PromptError, TextEncoder, Tokenizer};
use crate::planner::{self, Lengths};
use crate::profile::{self, Stretch};
use crate::sampling::samplers;
use crate::weights::{Checkpoint, Compute, hash};

/// Of the bytes that may be kept, one part in this many is for the embeddings of prompts; the rest is
/// for the cards of references, which are far larger.
const PROMPTS_PART: u64 = 8;

/// Additions and multiplications of a square layer below which threads would wait for each other's
/// numbers longer than they compute: then the two answers that guidance needs are each one thread's.
const SMALL: usize = 100_000_000;

/// A loaded model of the family.
pub struct Pipeline {
    manifest: Manifest,
    device: Device,
    tokenizer: Tokenizer,
    text: TextEncoder,
    network: Flux2,
    prompts: Recent<String, Tensor>,
    cards: Recent<String, Arc<Card>>,
}

impl Pipeline {
    /// Reads the weights, and meanwhile holds every file against its hash.
    pub fn load(model: &Model, compute: Compute, device: &Device) -> Result<Self, ModelError> {
        std::thread::scope(|scope| {
            let verified = scope.spawn(|| model.verify());
            let built = Self::build(model, compute, device);
            verified.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            built
        })
    }

    fn build(model: &Model, compute: Compute, device: &Device) -> Result<Self, ModelError> {
        let parts = model.parts().clone();
        let checkpoint = Checkpoint::open(model.denoiser())?;
        let source = Source { checkpoint: &checkpoint, compute, device };
        let network = Flux2::new(parts.network.clone(), &source)?;
        checkpoint.check_unchanged()?;
        let checkpoint = Checkpoint::open(&parts.text_weights)?;
        let source = Source { checkpoint: &checkpoint, compute, device };
        let text = TextEncoder::new(parts.text.clone(), &source)?;
        checkpoint.check_unchanged()?;
        Ok(Self {
            manifest: model.manifest().clone(),
            device: device.clone(),
            tokenizer: parts.tokenizer(model.manifest())?,
            text,
            network,
            prompts: Recent::new("prompts", 0),
            cards: Recent::new("references", 0),
        })
    }

    /// Sets how many bytes may be kept for the next render.
    pub fn set_cache_limit(&mut self, bytes: u64) {
        let prompts = bytes / PROMPTS_PART;
        self.prompts.set_limit(prompts);
        self.cards.set_limit(bytes - prompts);
    }

    /// What is kept, and how often that helped.
    pub fn caches(&self) -> Vec<CacheUse> {
        vec![self.prompts.used().clone(), self.cards.used().clone()]
    }

    /// Bytes that renders before this one left behind, to be used again.
    pub fn held(&self) -> u64 {
        self.network.held()
    }

    /// Bytes that a render of `recipe` needs beside the weights.
    pub fn need(&self, recipe: &ResolvedRecipe, inputs: &Inputs) -> planner::Need {
        let references: Vec<Size> = inputs.references.iter().map(|one| one.size()).collect();
        let references = seen_sizes(recipe, &references);
        planner::flux2(
            self.network.config(),
            lengths(&self.manifest, recipe.drawn_size(), &references),
        )
    }

    /// Computes all pictures of a recipe. `load` is what loading took, in seconds, if it was for this.
    pub fn render(
        &mut self,
        recipe: &ResolvedRecipe,
        inputs: &Inputs,
        watch: &mut dyn Watch,
        started: Instant,
        load: f64,
    ) -> Result<Vec<Rendered>, RenderError> {
        let mut stretch = Stretch::begin();
        let scene = Scene::new(recipe, inputs, &self.manifest, &self.device)?;
        watch.progress(Progress::Encoding);
        let encoding = Instant::now();
        let conditions = self.encode(recipe, inputs)?;
        let encode = encoding.elapsed().as_secs_f64();
        let mut pictures = Vec::with_capacity(recipe.count as usize);
        for index in 0..recipe.count {
            if watch.cancelled() {
                return Err(RenderError::Cancelled);
            }
            let denoising = Instant::now();
            let latents = self.denoise(&scene, &conditions, index, watch)?;
            let denoise = denoising.elapsed().as_secs_f64();
            watch.progress(Progress::Decoding { picture: index });
            let decoding = Instant::now();
            let (pixels, dump) = scene.decode(&latents, inputs.dump)?;
            let changed = scene.changed(&pixels);
            let shared = if index == 0 { (load, encode) } else { (0.0, 0.0) };
            let seconds = Seconds {
                load: shared.0,
                encode: shared.1,
                denoise,
                decode: decoding.elapsed().as_secs_f64(),
                total: started.elapsed().as_secs_f64(),
            };
            let work = std::mem::replace(&mut stretch, Stretch::begin()).end();
            let recipe = recipe.picture(index);
            pictures.push(Rendered { recipe, pixels, changed, seconds, work, dump });
        }
        Ok(pictures)
    }

    /// From noise, or from a noised picture, to a clean one: [tokens, channels]
    fn denoise(
        &self,
        scene: &Scene,
        conditions: &Conditions,
        index: u32,
        watch: &mut dyn Watch,
    ) -> Result<Tensor, RenderError> {
        let noise = scene.noise(index)?;
        let mut x = match &scene.start {
            Some(start) => {
                samplers::add_noise(&start.tokens, &noise, scene.sigmas[0]).map_err(internal)?
            }
            None => noise.clone(),
        };
        let total = scene.sigmas.len() as u32 - 1;
        for (done, levels) in (1..).zip(scene.sigmas.windows(2)) {
            if watch.cancelled() {
                return Err(RenderError::Cancelled);
            }
            let (sigma, next) = (levels[0], levels[1]);
            let mut network = |x: &Tensor, sigma: f32| self.clean(x, sigma, scene, conditions);
            let step = match scene.recipe.sampler {
                Sampler::FlowHeun => samplers::flow_heun(&x, sigma, next, &mut network),
                _ => samplers::flow_euler(&x, sigma, next, &mut network),
            };
            let step = step.map_err(internal)?;
            x = scene.keep(step.next, &noise, next).map_err(internal)?;
            let preview = match watch.wants_preview() {
                true => Some(scene.decode(&step.clean, false)?.0),
                false => None,
            };
            watch.progress(Progress::Step { picture: index, done, total, preview });
        }
        Ok(x)
    }

    /// The clean picture that the network sees in `x`.
    fn clean(
        &self,
        x: &Tensor,
        sigma: f32,
        scene: &Scene,
        conditions: &Conditions,
    ) -> candle_core::Result<Tensor> {
        let told = self.network.config().guidance_embeds.then_some(scene.recipe.guidance);
        let placed = beside(x, scene.places.as_ref())?;
        let ask = |prompt: &Prompt| {
            self.network.forward(&Call {
                latents: &placed,
                text: &prompt.text,
                sigma,
                guidance: told,
                rotations: &prompt.rotations,
                card: conditions.card.as_deref(),
            })
        };
        let tokens = placed.dim(0)? + conditions.prompt.text.dim(0)?;
        let width = self.network.config().width();
        let small = self.device.is_cpu() && 2 * tokens * width * width < SMALL;
        let (mut out, other) = match &conditions.negative {
            None => (ask(&conditions.prompt)?, None),
            Some(negative) if small => {
                let (out, other) = profile::both(|| ask(&conditions.prompt), || ask(negative));
                (out?, Some(other?))
            }
            Some(negative) => (ask(&conditions.prompt)?, Some(ask(negative)?)),
        };
        if let Some(other) = other {
            out = (&other + ((out - &other)? * f64::from(scene.recipe.guidance))?)?;
        }
        match self.manifest.prediction_type {
            Prediction::Sample => Ok(out),
            Prediction::Velocity => x - (out * f64::from(sigma))?,
        }
    }

    fn encode(
        &mut self,
        recipe: &ResolvedRecipe,
        inputs: &Inputs,
    ) -> Result<Conditions, RenderError> {
        let grid = Grid::over(recipe.drawn_size(), self.manifest.image.patch_size);
        let said = recipe.read.as_deref().unwrap_or(&recipe.prompt);
        let prompt = self.prompt("prompt", said, grid)?;
        let unguided = recipe.guidance == 1.0 || self.network.config().guidance_embeds;
        let negative = match unguided {
            true => None,
            false => {
                let said = recipe.read_negative.as_deref().unwrap_or(&recipe.negative);
                Some(self.prompt("negative", said, grid)?)
            }
        };
        Ok(Conditions { prompt, negative, card: self.card(recipe, inputs)? })
    }

    /// A prompt's embedding, kept for the next time, and the rotations for its length.
    fn prompt(&mut self, field: &str, prompt: &str, grid: Grid) -> Result<Prompt, RenderError> {
        let text = match self.prompts.get(&prompt.to_owned()) {
            Some(text) => text,
            None => {
                let ids = self.tokenizer.ids(prompt);
                let ids = ids.map_err(|error| refused_prompt(field, &error))?;
                let text = self.text.forward(&ids).map_err(internal)?;
                self.prompts.put(prompt.to_owned(), text.clone(), 4 * text.elem_count() as u64);
                text
            }
        };
        let length = text.dim(0).map_err(internal)?;
        let mut positions: Vec<Position> = (0..length).map(|l| [0.0, 0.0, 0.0, l as f32]).collect();
        positions.extend(positions_of(grid, 0.0));
        let rotations =
            Rotations::new(self.network.config(), &positions, &self.device).map_err(internal)?;
        Ok(Prompt { text, rotations })
    }

    /// The card of the recipe's references, kept for the next time by what they look like.
    fn card(
        &mut self,
        recipe: &ResolvedRecipe,
        inputs: &Inputs,
    ) -> Result<Option<Arc<Card>>, RenderError> {
        if inputs.references.is_empty() {
            return Ok(None);
        }
        let (mut tokens, mut positions, mut key) = (Vec::new(), Vec::new(), String::new());
        let mut grids = Vec::new();
        for (i, reference) in inputs.references.iter().enumerate() {
            // The picture to change is seen as it lies under the result.
            let fitted = match recipe.canvas.filter(|_| is_edited(recipe, i)) {
                Some(canvas) => canvas::laid(&image::fit(reference, recipe.size()), canvas.into()),
                None => image::fit(reference, reference_size(&self.manifest, reference.size())),
            };
            let size = fitted.size();
            let grid = Grid::over(size, self.manifest.image.patch_size);
            key += &format!(
                "{}x{}x{} {} ",
                size.width,
                size.height,
                fitted.channels,
                hash::sha256(&fitted.data)
            );
            tokens.extend(grid.tokens_of(&fitted));
            positions.extend(positions_of(grid, 10.0 + 10.0 * i as f32));
            grids.push(grid);
        }
        let guidance = self.network.config().guidance_embeds.then_some(recipe.guidance);
        key += &format!("{guidance:?}");
        if let Some(card) = self.cards.get(&key) {
            return Ok(Some(card));
        }
        let channels = tokens.len() / positions.len();
        let card = Tensor::from_vec(tokens, (positions.len(), channels), &self.device).and_then(
            |tokens| {
                let rotations = Rotations::new(self.network.config(), &positions, &self.device)?;
                let places =
                    places_tensor(&grids, self.manifest.image.place_features, &self.device)?;
                self.network.card(&beside(&tokens, places.as_ref())?, &rotations, guidance)
            },
        );
        let card = Arc::new(card.map_err(internal)?);
        self.cards.put(key, card.clone(), card.bytes() as u64);
        Ok(Some(card))
    }
}

/// Tokens of a render of this size that looks at references of these sizes.
pub(crate) fn lengths(manifest: &Manifest, size: Size, references: &[Size]) -> Lengths {
    let patch = manifest.image.patch_size;
    let tokens = |size: Size| Grid::over(size, patch).tokens();
    Lengths {
        text: manifest.text.max_tokens.next_multiple_of(manifest.text.pad_multiple),
        picture: tokens(size),
        references: references.iter().map(|&one| tokens(reference_size(manifest, one))).sum(),
    }
}

/// The size in which a reference is read: its own where that is near what the model was trained on,
/// otherwise the default picture's area in the reference's proportions.
fn reference_size(manifest: &Manifest, size: Size) -> Size {
    let Manifest { defaults, limits, .. } = manifest;
    let area = |width: u32, height: u32| f64::from(width) * f64::from(height);
    let (own, usual) = (area(size.width, size.height), area(defaults.width, defaults.height));
    let whole = |side: u32| side.is_multiple_of(limits.multiple);
    let fits = size.width.max(size.height) <= limits.max_side;
    if fits && whole(size.width) && whole(size.height) && own >= usual / 4.0 && own <= usual * 1.25
    {
        return size;
    }
    // One scale for both sides: a bottle that were cut to a model's largest side would lose its ends.
    let most = limits.max_side / limits.multiple * limits.multiple;
    let room = f64::from(most) / f64::from(size.width.max(size.height));
    let scale = (usual / own).sqrt().min(room);
    let side = |side: u32| {
        let multiples = (f64::from(side) * scale / f64::from(limits.multiple)).round().max(1.0);
        multiples as u32 * limits.multiple
    };
    Size { width: side(size.width), height: side(size.height) }
}

/// What the network is told beside the noisy picture.
struct Conditions {
    prompt: Prompt,
    /// What guidance leads away from.
    negative: Option<Prompt>,
    card: Option<Arc<Card>>,
}

struct Prompt {
    text: Tensor,
    rotations: Rotations,
}

/// Tokens [n, channels] with what is told of their places beside them.
fn beside(tokens: &Tensor, places: Option<&Tensor>) -> candle_core::Result<Tensor> {
    match places {
        Some(places) => Tensor::cat(&[tokens, places], 1),
        None => Ok(tokens.clone()),
    }
}

/// The positions of a grid's tokens at a time of their own.
fn positions_of(grid: Grid, time: f32) -> impl Iterator<Item = Position> {
    (0..grid.rows).flat_map(move |row| {
        (0..grid.columns).map(move |column| [time, row as f32, column as f32, 0.0])
    })
}

/// Whether the reference of this number is the picture that the prompt changes.
fn is_edited(recipe: &ResolvedRecipe, index: usize) -> bool {
    recipe.references.get(index).is_some_and(|one| one.role == Role::Edit)
}

/// The sizes of references, with that of a picture to change which is laid on a canvas.
pub(crate) fn seen_sizes(recipe: &ResolvedRecipe, references: &[Size]) -> Vec<Size> {
    let seen = |(i, &own): (usize, &Size)| match recipe.canvas.filter(|_| is_edited(recipe, i)) {
        Some(canvas) => canvas.into(),
        None => own,
    };
    references.iter().enumerate().map(seen).collect()
}

fn refused_prompt(field: &str, error: &PromptError) -> RenderError {
    match error {
        PromptError::TooLong { tokens, limit } => {
            let accepted = format!("at most {limit} tokens, some {} words", limit * 3 / 4);
            request(field, format!("it makes {tokens} tokens"), accepted)
        }
        PromptError::Tokenizer(problem) => request(field, problem.clone(), "another wording"),
    }
}

pub(crate) fn request(
    field: &str,
    problem: impl Into<String>,
    accepted: impl Into<String>,
) -> RenderError {
    RenderError::Request { field: field.into(), problem: problem.into(), accepted: accepted.into() }
}

fn internal(error: candle_core::Error) -> RenderError {
    RenderError::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_reference_keeps_its_proportions_however_long_it_is() {
        let starter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/starter");
        let manifest = std::fs::read(starter.join("starter.json")).expect("it ships");
        let manifest = Manifest::parse(&manifest).expect("it is sound");
        let read = |width, height| {
            let Size { width, height } = reference_size(&manifest, Size { width, height });
            (width, height)
        };
        assert_eq!(read(128, 128), (128, 128), "as it is");
        assert_eq!(read(1024, 1024), (128, 128));
        assert_eq!(read(1920, 1080), (160, 96));
        assert_eq!(read(300, 900), (48, 160), "a bottle from top to bottom");
        assert_eq!(read(1200, 300), (160, 48));
        assert_eq!(read(256, 64), (160, 48), "the same, small");
        assert_eq!(read(10_000, 10), (160, 16));
    }
}
