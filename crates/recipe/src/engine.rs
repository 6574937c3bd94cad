//! What opens models, seen from outside: hosts pass an [`Engine`] in, and tests pass a fake.

use std::path::Path;

use crate::{
    Enlarger, Exercisable, Exercise, ModelCapabilities, Peak, Precision, RenderError, Renderer,
    ResolvedRecipe, Size, Workload,
};

/// Opens models, and knows the machine that it computes on.
pub trait Engine: Send + Sync {
    /// What the model at `path` is and can do, or why it cannot run here. Weights stay unread.
    fn describe(&self, path: &Path) -> Result<ModelDescription, RenderError>;

    /// The model at `path` with its weights loaded, ready to render in `precision`.
    fn open(
        &self,
        path: &Path,
        precision: Precision,
    ) -> Result<Box<dyn Renderer + Send>, RenderError>;

    /// What makes pictures larger, from its folder, with its weights loaded.
    fn open_enlarger(&self, path: &Path) -> Result<Box<dyn Enlarger + Send>, RenderError>;

    /// Bytes of memory that `recipe` needs by the model at `path`, weights and all, with references of
    /// these sizes.
    fn need(
        &self,
        path: &Path,
        recipe: &ResolvedRecipe,
        references: &[Size],
    ) -> Result<u64, RenderError>;

    /// The instruction set that it computes with on this machine.
    fn instruction_set(&self) -> String;

    /// What it computes on: `cpu`, `cuda` or `metal`.
    fn device(&self) -> String;

    /// Computes with this many threads; none is as many as the machine runs at once. Only what is said
    /// before the first model is opened counts. Whether it did.
    fn set_threads(&self, threads: Option<usize>) -> bool;

    /// Threads that it computes with.
    fn threads(&self) -> usize;

    /// Memory of this machine, now.
    fn memory(&self) -> MachineMemory;

    /// The fastest that this machine computes, measured now with all threads: about a second.
    fn peak(&self) -> Result<Peak, RenderError>;

    /// What can be exercised without a model.
    fn exercisable(&self) -> Vec<Exercisable>;

    /// Makes ready to compute `workload` over random numbers, again and again. Refused where it would
    /// not fit in memory.
    fn exercise(&self, workload: &Workload) -> Result<Exercise, RenderError>;
}

/// A model that can run, as lists show it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelDescription {
    /// What it accepts.
    pub capabilities: ModelCapabilities,
    /// The licence of its weights.
    pub licence: Option<String>,
    /// Its files' bytes on disk.
    pub bytes: u64,
    /// Words that it knows, where it knows few.
    pub words: Vec<Word>,
    /// Bytes of memory for a picture of its default size, weights and all.
    pub memory: u64,
}

/// A word, or a few, that a model knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What kind of thing it names, such as `subjects`.
    pub kind: String,
    /// As it is written in a prompt.
    pub text: String,
}

/// Bytes of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MachineMemory {
    /// All that this process may ever have.
    pub total: u64,
    /// What it could have now.
    pub free: u64,
}
