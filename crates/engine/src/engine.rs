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
use crate::weights::{Compute, Weight};

/// Renders with one model. The weights are loaded by the first render and stay; so do the embeddings
/// of prompts and the cards of references.
pub struct Engine {
    model: Model,
    processor: Processor,
    device: Device,
    memory: Memory,
    loaded: Option<(Compute, Pipeline)>,
    /// Bytes beside the weights of the largest picture since these were loaded.
    largest: u64,
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
            processor,
            device: processor.open()?,
            memory,
            loaded: None,
            largest: 0,
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
        self.largest = 0;
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
        if !self.processor.precisions().contains(&precision) {
            let problem = format!("{precision} products are not computed on this device yet");
            return Err(request("precision", problem, "f32"));
        }
        Ok(compute(precision))
    }

    /// Refuses weights that would not fit before any of them is read.
    fn check_weights(&self, compute: Compute) -> Result<(), RenderError> {
        let needed = weights(&self.model, compute, self.processor)?.loading();
        self.check_memory(needed, "model", "a smaller model, or close other programs")
    }

    fn check_memory(
        &self,
        needed: u64,
        field: &'static str,
        accepted: &'static str,
    ) -> Result<(), RenderError> {
        let available = match self.memory {
            Memory::Free => planner::available(),
            Memory::Limit(bytes) => bytes,
        };
        match needed > available {
            true => Err(RenderError::Memory { field, accepted, needed, available }),
            false => Ok(()),
        }
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
        let need = pipeline.need(recipe, inputs).total();
        // What a picture left behind that was as large is free to this one, though not to the system.
        let held = if need <= self.largest { pipeline.held() } else { 0 };
        let accepted = "a smaller size, fewer references, or a smaller model";
        self.check_memory(need.saturating_sub(held), "size", accepted)?;
        self.largest = self.largest.max(need);
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

fn compute(precision: Precision) -> Compute {
    match precision {
        Precision::F32 => Compute::F32,
        Precision::Bf16 => Compute::Bf16,
        Precision::Int8 => Compute::Int8,
    }
}

/// What the weights take in the form that is computed with.
fn weights(model: &Model, compute: Compute, processor: Processor) -> Result<Weight, RenderError> {
    let weighed = model.parts().weigh(model.denoiser(), compute, processor);
    Ok(weighed.map_err(crate::ModelError::from)?)
}

/// Bytes that a render of this size takes, weights and all, by a model that is not loaded.
pub(crate) fn need(
    model: &Model,
    precision: Precision,
    size: Size,
    references: &[Size],
) -> Result<u64, RenderError> {
    let lengths = lengths(model.manifest(), size, references);
    let render = planner::flux2(&model.parts().network, lengths);
    let weights = weights(model, compute(precision), Processor::usual())?;
    // One after the other: what lies beside the weights while they are read is free again.
    Ok(weights.bytes.saturating_add(weights.beside.max(render.total())))
}
