//! `generate` and `edit`: from a request to picture files.

use std::path::{Path, PathBuf};
use std::time::Instant;

use likeness_picture::{check_recipe_fits, encode};
use likeness_recipe::{
    Inputs, ModelRef, Progress, RenderError, Rendered, Renderer, ResolvedRecipe, Seconds, Watch,
};
use serde::Serialize;

use crate::engine::Engine;
use crate::environment::{Cancelled, Host};
use crate::output::Destination;
use crate::request::{Request, prepare};
use crate::{Failure, memory, models, tensors};

/// A picture that is on disk.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Written {
    /// Where.
    pub path: PathBuf,
    /// Its own seed.
    pub seed: u64,
    /// Its own recipe, which it carries too.
    pub recipe: ResolvedRecipe,
    /// The weights.
    pub model: ModelRef,
    /// Where the time went. The total ends with the file on disk; that of the first picture begins
    /// with the program.
    pub seconds: Seconds,
    /// Most bytes of memory that this process has held so far; none where the system does not tell.
    pub peak_memory: Option<u64>,
}

/// Whoever is told how it goes.
pub trait Report {
    /// Picture number `picture` (from 0) of `of` has come this far.
    fn progress(&mut self, picture: u32, of: u32, progress: Progress);
    /// One more is on disk.
    fn written(&mut self, written: &Written) -> Result<(), Failure>;
}

/// Makes the pictures of `request` and writes each as soon as it is finished.
pub fn generate(
    request: &Request,
    host: &Host,
    engine: &dyn Engine,
    report: &mut dyn Report,
) -> Result<(), Failure> {
    let model = models::choose(request.model.as_deref(), &host.model_places, engine)?;
    let (recipe, inputs) = prepare(request, &model.capabilities, || host.random)?;
    let destination =
        Destination::choose(request.out.as_deref(), recipe.count, &host.library, &host.now)?;
    check_recipe_fits(destination.format(), &recipe).map_err(|error| Failure::of_output(&error))?;
    destination.check()?;

    report.progress(0, recipe.count, Progress::Loading);
    let opening = Instant::now();
    let mut renderer = engine.open(&model.path, recipe.precision)?;
    let mut load = opening.elapsed().as_secs_f64();

    let mut started = host.started;
    for index in 0..recipe.count {
        let mut watch = Watcher { report, cancelled: &host.cancelled, index, count: recipe.count };
        let mut rendered = render_one(&mut *renderer, &recipe.picture(index), &inputs, &mut watch)?;
        rendered.seconds.load += std::mem::take(&mut load);
        let path = store(&destination, index, &rendered, request.dump.as_deref())?;
        rendered.seconds.total = started.elapsed().as_secs_f64();
        started = Instant::now();
        report.written(&Written {
            path,
            seed: rendered.recipe.seed,
            model: rendered.recipe.model.clone(),
            recipe: rendered.recipe,
            seconds: rendered.seconds,
            peak_memory: memory::peak(),
        })?;
    }
    Ok(())
}

/// One picture at a time, so that each is on disk before the next begins.
fn render_one(
    renderer: &mut dyn Renderer,
    recipe: &ResolvedRecipe,
    inputs: &Inputs,
    watch: &mut dyn Watch,
) -> Result<Rendered, Failure> {
    if watch.cancelled() {
        return Err(RenderError::Cancelled.into());
    }
    let mut rendered = renderer.render(recipe, inputs, watch)?;
    match (rendered.pop(), rendered.is_empty()) {
        (Some(one), true) => Ok(one),
        _ => Err(Failure::Internal("the engine did not give one picture for one".to_owned())),
    }
}

fn store(
    destination: &Destination,
    index: u32,
    rendered: &Rendered,
    dump: Option<&Path>,
) -> Result<PathBuf, Failure> {
    if let Some(path) = dump {
        let numbers = rendered.dump.as_ref();
        let missing = || Failure::Internal("the engine gave no numbers to dump".to_owned());
        tensors::write_dump(path, numbers.ok_or_else(missing)?)?;
    }
    let bytes = encode(&rendered.pixels, destination.format(), &rendered.recipe)
        .map_err(|error| Failure::of_output(&error))?;
    destination.write(index, &bytes, &rendered.recipe)
}

/// Passes on what the engine says of one picture, as part of all of them.
struct Watcher<'a> {
    report: &'a mut dyn Report,
    cancelled: &'a Cancelled,
    index: u32,
    count: u32,
}

impl Watch for Watcher<'_> {
    fn progress(&mut self, progress: Progress) {
        self.report.progress(self.index, self.count, progress);
    }

    fn cancelled(&self) -> bool {
        self.cancelled.is_set()
    }
}
