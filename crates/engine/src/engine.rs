//! A model that stays warm: the [`Renderer`] that hosts use.

use std::time::Instant;

use candle_core::Device;
use likeness_recipe::{
    CacheUse, Inputs, Precision, Progress, RenderError, Rendered, Renderer, ResolvedRecipe, Size,
    Watch,
};

use crate::device::Processor;
use crate::model::Model;
use crate::pipelines::flux2::{Pipeline, lengths, request};
use crate::planner;
use crate::weights::{Checkpoint, Compute};

/// Renders with one model. The weights are loaded by the first render and stay; so do the embeddings
/// of prompts and the cards of references.
pub struct Engine {
    model: Model,
    device: Device,
    memory: Memory,
    loaded: Option<(Compute, Pipeline)>,
    cache_bytes: u64,
}

/// What is kept for the next render where nobody says how much may be.
const CACHE_BYTES: u64 = 256 << 20;

/// How much memory a render may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Memory {
    /// What the system says is free.
    #[default]
    Free,
    /// This many bytes.
    Limit(u64),
}

impl Engine {
    /// An engine that has loaded nothing yet.
    pub fn new(model: Model, processor: Processor, memory: Memory) -> Result<Self, RenderError> {
        Ok(Self {
            model,
            device: processor.open()?,
            memory,
            loaded: None,
            cache_bytes: CACHE_BYTES,
        })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Loads the weights now, rather than with the first render. Returns the seconds it took; 0 if
    /// they were loaded.
    pub fn load(&mut self, precision: Precision) -> Result<f64, RenderError> {
        let compute = self.compute(precision)?;
        if self.has_loaded(compute) {
            return Ok(0.0);
        }
        let started = Instant::now();
        self.loaded = None;
        self.check_weights(compute)?;
        let mut pipeline = Pipeline::load(&self.model, compute, &self.device)?;
        pipeline.set_cache_limit(self.cache_bytes);
        self.loaded = Some((compute, pipeline));
        Ok(started.elapsed().as_secs_f64())
    }

    fn has_loaded(&self, compute: Compute) -> bool {
        matches!(&self.loaded, Some((loaded, _)) if *loaded == compute)
    }

    fn compute(&self, precision: Precision) -> Result<Compute, RenderError> {
        let accepted = &self.model.capabilities().precisions;
        let here = self.device.is_cpu() && accepted.contains(&precision);
        match precision {
            Precision::F32 => Ok(Compute::F32),
            Precision::Bf16 if here => Ok(Compute::Bf16),
            Precision::Int8 if here => Ok(Compute::Int8),
            _ => {
                let problem = format!("{precision} products are not computed on this device yet");
                Err(request("precision", problem, "f32"))
            }
        }
    }

    /// Refuses weights that would not fit before any of them is read.
    fn check_weights(&self, compute: Compute) -> Result<(), RenderError> {
        self.check_memory(weights(&self.model, compute)?)
    }

    fn check_memory(&self, needed: u64) -> Result<(), RenderError> {
        let available = match self.memory {
            Memory::Free => planner::available(),
            Memory::Limit(bytes) => bytes,
        };
        if needed > available { Err(RenderError::Memory { needed, available }) } else { Ok(()) }
    }

    /// A recipe is resolved before it comes here, but for some model; this one may be another.
    fn check(&self, recipe: &ResolvedRecipe, inputs: &Inputs) -> Result<(), RenderError> {
        let able = self.model.capabilities();
        if recipe.model.sha256 != able.model.sha256 {
            let problem =
                format!("the recipe is for {} {}", recipe.model.name, recipe.model.sha256);
            return Err(request(
                "model",
                problem,
                format!("{} {}", able.model.name, able.model.sha256),
            ));
        }
        likeness_recipe::resolve(&recipe.low(), able, || recipe.seed)?;
        let pairs = [
            ("references", recipe.references.len(), inputs.references.len()),
            ("init", usize::from(recipe.init.is_some()), usize::from(inputs.init.is_some())),
            ("mask", usize::from(recipe.mask.is_some()), usize::from(inputs.mask.is_some())),
        ];
        match pairs.iter().find(|(_, named, given)| named != given) {
            Some((field, named, given)) => Err(request(
                field,
                format!("the recipe names {named}, and {given} came with it"),
                "as many as it names",
            )),
            None => Ok(()),
        }
    }
}

impl Renderer for Engine {
    fn render(
        &mut self,
        recipe: &ResolvedRecipe,
        inputs: &Inputs,
        watch: &mut dyn Watch,
    ) -> Result<Vec<Rendered>, RenderError> {
        let started = Instant::now();
        self.check(recipe, inputs)?;
        let compute = self.compute(recipe.precision)?;
        if !self.has_loaded(compute) {
            watch.progress(Progress::Loading);
        }
        let load = self.load(recipe.precision)?;
        let Some((_, pipeline)) = &self.loaded else {
            return Err(RenderError::Internal("nothing was loaded".into()));
        };
        // What the pictures before this one left behind is free to it, though not to the system.
        self.check_memory(pipeline.need(recipe, inputs).total().saturating_sub(pipeline.held()))?;
        let Some((_, pipeline)) = &mut self.loaded else {
            return Err(RenderError::Internal("nothing was loaded".into()));
        };
        pipeline.render(recipe, inputs, watch, started, load)
    }

    fn caches(&self) -> Vec<CacheUse> {
        self.loaded.as_ref().map(|(_, pipeline)| pipeline.caches()).unwrap_or_default()
    }

    fn set_cache_limit(&mut self, bytes: u64) {
        self.cache_bytes = bytes;
        if let Some((_, pipeline)) = &mut self.loaded {
            pipeline.set_cache_limit(bytes);
        }
    }
}

/// Bytes of the weights in the form that is computed with.
fn weights(model: &Model, compute: Compute) -> Result<u64, RenderError> {
    let mut bytes = 0u64;
    for file in [model.denoiser(), &model.parts().text_weights] {
        let checkpoint = Checkpoint::open(file).map_err(crate::ModelError::from)?;
        bytes = bytes.saturating_add(checkpoint.bytes(compute));
    }
    Ok(bytes)
}

/// Bytes that a render of this size takes, weights and all, by a model that is not loaded.
pub(crate) fn need(
    model: &Model,
    precision: Precision,
    size: Size,
    references: &[Size],
) -> Result<u64, RenderError> {
    let compute = match precision {
        Precision::F32 => Compute::F32,
        Precision::Bf16 => Compute::Bf16,
        Precision::Int8 => Compute::Int8,
    };
    let lengths = lengths(model.manifest(), size, references);
    let render = planner::flux2(&model.parts().network, lengths);
    Ok(weights(model, compute)?.saturating_add(render.total()))
}
