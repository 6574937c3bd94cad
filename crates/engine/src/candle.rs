//! The engine of this project as hosts see it: what opens models on the device it was built for.

use std::path::Path;

use likeness_recipe::{
    Enlarger, Exercisable, Exercise, MachineMemory, ModelDescription, Peak, Precision, RenderError,
    Renderer, ResolvedRecipe, Size, Word, Workload,
};

use crate::engine::need;
use crate::pipelines::flux2::{request, seen_sizes};
use crate::{Engine, Memory, Model, Processor, Upscaler, exercise, instruction_set, planner};

/// Opens models with candle.
#[derive(Debug, Clone, Copy, Default)]
pub struct Candle;

impl likeness_recipe::Engine for Candle {
    fn describe(&self, path: &Path) -> Result<ModelDescription, RenderError> {
        let model = Model::open(path)?;
        let (capabilities, manifest) = (model.capabilities().clone(), model.manifest());
        let words = manifest.vocabulary.iter().flat_map(|(kind, words)| {
            words.iter().map(|text| Word { kind: kind.clone(), text: text.clone() })
        });
        Ok(ModelDescription {
            licence: Some(manifest.licence.clone()),
            bytes: manifest.files.iter().map(|file| file.bytes).sum(),
            words: words.collect(),
            memory: need(&model, capabilities.defaults.precision, capabilities.defaults.size, &[])?,
            capabilities,
        })
    }

    fn open(
        &self,
        path: &Path,
        precision: Precision,
    ) -> Result<Box<dyn Renderer + Send>, RenderError> {
        let mut engine = Engine::new(Model::open(path)?, Processor::usual(), Memory::Free)?;
        engine.load(precision)?;
        Ok(Box::new(engine))
    }

    fn open_enlarger(&self, path: &Path) -> Result<Box<dyn Enlarger + Send>, RenderError> {
        Ok(Box::new(Upscaler::open(path, Upscaler::usual(), Processor::usual())?))
    }

    fn need(
        &self,
        path: &Path,
        recipe: &ResolvedRecipe,
        references: &[Size],
    ) -> Result<u64, RenderError> {
        let references = seen_sizes(recipe, references);
        need(&Model::open(path)?, recipe.precision, recipe.drawn_size(), &references)
    }

    fn instruction_set(&self) -> String {
        instruction_set().to_owned()
    }

    fn device(&self) -> String {
        match Processor::usual() {
            Processor::Cpu => "cpu",
            Processor::Cuda(_) => "cuda",
            Processor::Metal(_) => "metal",
        }
        .to_owned()
    }

    fn set_threads(&self, threads: Option<usize>) -> bool {
        // The pool is made with the first picture, once.
        threads.is_none_or(likeness_kernels::pool::set_threads)
    }

    fn threads(&self) -> usize {
        likeness_kernels::pool::threads()
    }

    fn memory(&self) -> MachineMemory {
        MachineMemory { total: planner::total(), free: planner::available() }
    }

    fn peak(&self) -> Result<Peak, RenderError> {
        on_the_cpu()?;
        exercise::peak()
    }

    fn exercisable(&self) -> Vec<Exercisable> {
        exercise::list()
    }

    fn exercise(&self, workload: &Workload) -> Result<Exercise, RenderError> {
        on_the_cpu()?;
        exercise::ready(workload)
    }
}

/// Refuses to measure another device: what it computes goes on after the call that asked for it.
fn on_the_cpu() -> Result<(), RenderError> {
    match Processor::usual() {
        Processor::Cpu => Ok(()),
        Processor::Cuda(_) | Processor::Metal(_) => Err(request(
            "device",
            "only the processor is measured so far",
            "a build without the features cuda and metal",
        )),
    }
}
