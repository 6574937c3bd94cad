//! `generate` and `edit`: from a request to picture files.

use std::path::PathBuf;
use std::time::Instant;

use likeness_picture::{Limits, check_recipe_fits, encode, encode_plain, read_file};
use likeness_recipe::{
    Engine, Inputs, ModelRef, Progress, PromptNote, RenderError, Rendered, Renderer,
    ResolvedRecipe, Seconds, Watch, Word,
};
use likeness_studio::{Shelf, models};
use serde::Serialize;

use crate::environment::{Cancelled, Host};
use crate::output::{self, Destination};
use crate::request::{Request, file_name, prepare, typed_model};
use crate::{Failure, memory, notes, tensors};

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
    /// What is to be said of its prompt: words that the model does not know, marks that it does not read.
    pub notes: Vec<PromptNote>,
    /// Of an edit, the share of its pixels that are not the source's: 0 where it changed nothing.
    pub changed: Option<f64>,
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
    /// Something is to be said that is no failure.
    fn note(&mut self, line: &str);
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
    let model = request.model.as_deref().map(typed_model);
    let model = models::choose(model.as_deref(), &host.model_places, engine)?;
    let (recipe, inputs) = prepare(request, &model.description.capabilities, || host.random)?;
    let place = Place::choose(request, &recipe, host)?;
    let able = &model.description.capabilities;
    let notes = able.notes(&request.prompt, !request.references.is_empty());
    notes::lines(&notes, &able.model.name).iter().for_each(|line| report.note(line));
    if let Some(path) = &request.dump {
        tensors::check_dump(path)?;
    }

    report.progress(0, recipe.count, Progress::Loading);
    let opening = Instant::now();
    let mut renderer = engine.open(&model.path, recipe.precision)?;
    let mut load = opening.elapsed().as_secs_f64();

    let mut started = host.started;
    for index in 0..recipe.count {
        let mut watch = Watcher { report, cancelled: &host.cancelled, index, count: recipe.count };
        let mut rendered = render_one(&mut *renderer, &recipe.picture(index), &inputs, &mut watch)?;
        rendered.seconds.load += std::mem::take(&mut load);
        let path = place.store(index, &rendered, &model.description.words, host)?;
        rendered.seconds.total = started.elapsed().as_secs_f64();
        started = Instant::now();
        let dump = rendered.dump.take();
        if let Some(line) = notes::unchanged(&rendered.recipe, rendered.changed) {
            report.note(&line);
        }
        report.written(&Written {
            path,
            seed: rendered.recipe.seed,
            model: rendered.recipe.model.clone(),
            recipe: rendered.recipe,
            notes: notes.clone(),
            changed: rendered.changed,
            seconds: rendered.seconds,
            peak_memory: memory::peak(),
        })?;
        // After the picture, which numbers that cannot be written must not cost.
        if let Some(path) = &request.dump {
            let missing = || Failure::Internal("the engine gave no numbers to dump".to_owned());
            tensors::write_dump(path, &dump.ok_or_else(missing)?)?;
        }
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

/// Where pictures go.
enum Place {
    /// `plain` ones say nothing of how they were made.
    Files {
        destination: Destination,
        plain: bool,
    },
    Library(Shelf),
}

impl Place {
    /// What `--out` says, and without one the library, where the pictures that were looked at are kept
    /// too, so that the window can make the result again. Something can be written there.
    fn choose(request: &Request, recipe: &ResolvedRecipe, host: &Host) -> Result<Self, Failure> {
        if let Some(out) = &request.out {
            let destination = Destination::choose(out, recipe.count)?;
            if !request.no_recipe {
                check_recipe_fits(destination.format(), recipe)
                    .map_err(|error| Failure::of_output(&error))?;
            }
            destination.check(&host.library)?;
            return Ok(Self::Files { destination, plain: request.no_recipe });
        }
        let (shelf, now) = (output::shelf(host)?, (host.clock)());
        for path in request.files() {
            let bytes = read_file(path, Limits::default().bytes)
                .map_err(|error| Failure::of_input("ref", path, &error))?;
            shelf.keep_input(&bytes, &file_name(path), now)?;
        }
        shelf.prompt_used(&request.prompt, now)?;
        Ok(Self::Library(shelf))
    }

    fn store(
        &self,
        index: u32,
        rendered: &Rendered,
        words: &[Word],
        host: &Host,
    ) -> Result<PathBuf, Failure> {
        match self {
            Self::Library(shelf) => Ok(shelf.keep(rendered, words, (host.clock)())?),
            Self::Files { destination, plain } => {
                let (pixels, format, recipe) =
                    (&rendered.pixels, destination.format(), &rendered.recipe);
                let bytes = match plain {
                    true => encode_plain(pixels, format),
                    false => encode(pixels, format, recipe),
                };
                let bytes = bytes.map_err(|error| Failure::of_output(&error))?;
                match plain {
                    true => destination.write_as(index, &bytes, || "picture".to_owned()),
                    false => destination.write(index, &bytes, recipe),
                }
            }
        }
    }
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
