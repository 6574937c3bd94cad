//! The engine of this project as hosts see it: what opens models on the device it was built for.

use std::panic::{AssertUnwindSafe, catch_unwind};
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
        guarded(path, || described(path))
    }

    fn open(
        &self,
        path: &Path,
        precision: Precision,
    ) -> Result<Box<dyn Renderer + Send>, RenderError> {
        guarded(path, || {
            let mut engine = Engine::new(Model::open(path)?, Processor::usual(), Memory::Free)?;
            engine.load(precision)?;
            Ok(Box::new(engine) as Box<dyn Renderer + Send>)
        })
    }

    fn open_enlarger(&self, path: &Path) -> Result<Box<dyn Enlarger + Send>, RenderError> {
        guarded(path, || {
            let upscaler = Upscaler::open(path, Upscaler::usual(), Processor::usual())?;
            Ok(Box::new(upscaler) as Box<dyn Enlarger + Send>)
        })
    }

    fn need(
        &self,
        path: &Path,
        recipe: &ResolvedRecipe,
        references: &[Size],
    ) -> Result<u64, RenderError> {
        let references = seen_sizes(recipe, references);
        guarded(path, || {
            need(&Model::open(path)?, recipe.precision, recipe.drawn_size(), &references)
        })
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

/// What a model is, and what it takes.
fn described(path: &Path) -> Result<ModelDescription, RenderError> {
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

/// A model is a stranger's, and libraries read a part of it: a panic in one of them is a fault of that
/// model, and costs none of the others that are listed beside it.
fn guarded<T>(
    path: &Path,
    work: impl FnOnce() -> Result<T, RenderError>,
) -> Result<T, RenderError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let problem =
            "reading it failed where nothing should fail; please report it with this model";
        Err(RenderError::Model { file: path.display().to_string(), problem: problem.to_owned() })
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_costs_only_the_model_that_it_was_for() {
        let path = Path::new("models/bad");
        let said = guarded::<()>(path, || panic!("a library believed what it read")).unwrap_err();
        assert!(matches!(&said, RenderError::Model { file, .. } if file == "models/bad"), "{said}");
        assert_eq!(guarded(path, || Ok(7)), Ok(7));
    }
}
