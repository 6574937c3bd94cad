//! What computes, as the commands see it. [`Candle`] is the real one, and the only place here that
//! names the engine.

use std::path::Path;

use likeness_engine::{Memory, Model, Processor};
use likeness_recipe::{ModelCapabilities, Precision, RenderError, Renderer};

/// Opens models.
pub trait Engine {
    /// What the model at `path` can do, or why it cannot run here. Weights stay unread.
    fn describe(&self, path: &Path) -> Result<ModelCapabilities, RenderError>;
    /// The model at `path` with its weights loaded, ready to render in `precision`.
    fn open(&self, path: &Path, precision: Precision) -> Result<Box<dyn Renderer>, RenderError>;
    /// The instruction set that it computes with on this machine.
    fn instruction_set(&self) -> String;
}

/// The engine of this project, on the device that it was built for.
#[derive(Debug, Clone, Copy)]
pub struct Candle;

impl Engine for Candle {
    fn describe(&self, path: &Path) -> Result<ModelCapabilities, RenderError> {
        Ok(Model::open(path)?.capabilities().clone())
    }

    fn open(&self, path: &Path, precision: Precision) -> Result<Box<dyn Renderer>, RenderError> {
        let model = Model::open(path)?;
        let mut engine = likeness_engine::Engine::new(model, processor(), Memory::Free)?;
        engine.load(precision)?;
        Ok(Box::new(engine))
    }

    fn instruction_set(&self) -> String {
        likeness_engine::instruction_set().to_owned()
    }
}

fn processor() -> Processor {
    if cfg!(feature = "cuda") {
        Processor::Cuda(0)
    } else if cfg!(feature = "metal") {
        Processor::Metal(0)
    } else {
        Processor::Cpu
    }
}
