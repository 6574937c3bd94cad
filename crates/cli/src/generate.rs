//! `generate` and `edit`: from a request to picture files.

use std::path::PathBuf;
use std::time::Instant;

use likeness_picture::{
    DigitalSource, Existing, Limits, Said, check_recipe_fits, encode_saying, read_file,
};
use likeness_recipe::{
    Engine, Inputs, ModelCapabilities, ModelRef, Progress, PromptNote, RenderError, Rendered,
    Renderer, ResolvedRecipe, Role, Seconds, Watch, Word,
};
use likeness_studio::deliver::{self, Target};
use likeness_studio::{Shelf, enlarge, models};
use serde::Serialize;

use crate::environment::{Cancelled, Host};
use crate::output::{self, Destination};
use crate::recipe_file::RecipeFile;
use crate::request::{Prepared, Request, file_name, prepare, typed_model};
use crate::{Failure, memory, notes, tensors, told};

/// A picture that is on disk.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Written {
    /// Where; `-` is standard output.
    #[serde(flatten, serialize_with = "told::path")]
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
    /// Something that the person did not ask for, and may want to know.
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
    let again = request.recipe.as_deref().map(RecipeFile::read).transpose()?;
    let named = again.as_ref().and_then(RecipeFile::model);
    let model = request.model.as_deref().map(typed_model);
    let model =
        match models::choose(model.as_deref().or(named.as_deref()), &host.model_places, engine) {
            Err(error) if model.is_none() && named.is_some() => {
                let line = Failure::from(error).to_string();
                return Err(Failure::Model(format!("recipe: {line}; --model takes another one")));
            }
            chosen => chosen?,
        };
    let able = &model.description.capabilities;
    let completed;
    let request = match &again {
        None => request,
        Some(again) => {
            let (request, notes) = again.complete(request, able, host)?;
            notes.iter().for_each(|note| report.note(note));
            completed = request;
            &completed
        }
    };
    let target = request.deliver.as_ref().map(Target::read).transpose()?;
    let request = &shaped(request, target.as_ref(), able);
    let Prepared { recipe, inputs, before } = prepare(request, able, || host.random)?;
    // Before anything is drawn: what is missing must not cost a picture.
    let enlarger = target.map(|_| enlarge::open(&host.model_places, engine));
    let mut enlarger = enlarger.transpose()?;
    let place = Place::choose(request, &recipe, host)?;
    let notes = able.notes(&request.prompt, !request.references.is_empty());
    notes::lines(&notes, &able.model.name).iter().for_each(|line| report.note(line));
    let existing = if request.overwrite { Existing::Replace } else { Existing::Keep };
    let dump = request.dump.as_deref();
    let dump = dump.map(|path| output::may_be_written("dump", path, existing)).transpose()?;

    report.progress(0, recipe.count, Progress::Loading);
    let opening = Instant::now();
    let mut renderer = engine.open(&model.path, recipe.precision)?;
    let mut load = opening.elapsed().as_secs_f64();

    let mut started = host.started;
    for index in 0..recipe.count {
        let mut watch = Watcher { report, cancelled: &host.cancelled, index, count: recipe.count };
        let mut rendered = render_one(&mut *renderer, &recipe.picture(index), &inputs, &mut watch)?;
        rendered.seconds.load += std::mem::take(&mut load);
        if let (Some(target), Some(enlarger)) = (&target, &mut enlarger) {
            let (delivered, drawn) =
                deliver::finish(&mut **enlarger, rendered, before, target, &mut watch)?;
            rendered = delivered;
            place.keep_drawn(&drawn, &request.prompt, host)?;
        }
        let path = place.store(index, &rendered, &model.description.words, before, host)?;
        rendered.seconds.total = started.elapsed().as_secs_f64();
        started = Instant::now();
        let numbers = rendered.dump.take();
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
        if let Some(path) = &dump {
            let missing = || Failure::Internal("the engine gave no numbers to dump".to_owned());
            tensors::write_dump(path, &numbers.ok_or_else(missing)?, existing)?;
        }
    }
    Ok(())
}

/// The request with a size of about the shape that is wanted at the end, where nothing else says one.
fn shaped(request: &Request, target: Option<&Target>, able: &ModelCapabilities) -> Request {
    let edits = request.references.iter().any(|(role, _)| *role == Role::Edit);
    let mut shaped = request.clone();
    if let Some(target) = target
        && !edits
        && request.init.is_none()
    {
        let like = || able.drawn_like(target.size);
        shaped.size = Some(request.size.unwrap_or_else(like));
    }
    shaped
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
    /// `plain` ones say nothing of how they were made, `marked` ones to machines that a model made them.
    Files {
        destination: Destination,
        plain: bool,
        marked: bool,
    },
    Library(Shelf),
}

impl Place {
    /// What `--out` says, and without one the library, where the pictures that were looked at are kept
    /// too, so that the window can make the result again. Something can be written there.
    fn choose(request: &Request, recipe: &ResolvedRecipe, host: &Host) -> Result<Self, Failure> {
        if let Some(out) = &request.out {
            let destination = Destination::choose(out, recipe.count, request.overwrite)?;
            if !request.no_recipe {
                check_recipe_fits(destination.format(), recipe)
                    .map_err(|error| Failure::of_output(&error))?;
            }
            destination.check(&host.library)?;
            let (plain, marked) = (request.no_recipe, !request.no_ai_mark);
            return Ok(Self::Files { destination, plain, marked });
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

    /// Keeps what a picture of another size was made of, where that is kept.
    fn keep_drawn(&self, drawn: &[u8], prompt: &str, host: &Host) -> Result<(), Failure> {
        match self {
            Self::Library(shelf) => Ok(shelf.keep_input(drawn, prompt, (host.clock)())?),
            Self::Files { .. } => Ok(()),
        }
    }

    fn store(
        &self,
        index: u32,
        rendered: &Rendered,
        words: &[Word],
        before: Option<DigitalSource>,
        host: &Host,
    ) -> Result<PathBuf, Failure> {
        match self {
            Self::Library(shelf) => Ok(shelf.keep(rendered, words, before, (host.clock)())?),
            Self::Files { destination, plain, marked } => {
                let recipe = &rendered.recipe;
                let said = Said {
                    recipe: Some(recipe).filter(|_| !plain),
                    before: None,
                    source: marked.then(|| DigitalSource::of_render(recipe, before)),
                };
                let bytes = encode_saying(&rendered.pixels, destination.format(), &said)
                    .map_err(|error| Failure::of_output(&error))?;
                match plain {
                    true => destination.write_as(index, &bytes, || "picture".into()),
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
