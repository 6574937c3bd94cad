//! Which models there are, and which one a request means.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use likeness_picture::foreign::model_name;
use likeness_recipe::{
    Engine, Enlarger, Exercisable, Exercise, MachineMemory, ModelDescription, Peak, Precision,
    RenderError, Renderer, ResolvedRecipe, Size, Workload,
};

use crate::api::{Abilities, AbilityDefaults, KnownWord, Model, NumberSpan, PictureSize};
use crate::{ErrorCode, StudioError};

/// What is taken first where nobody names a model.
const DEFAULT: &str = "starter";

/// Files that may hold a model. Pickles are among them, so that they are listed with the reason why
/// they are not opened.
const ENDINGS: &[&str] = &["safetensors", "gguf", "ckpt", "pt", "pth", "bin"];

/// Files by which a folder shows that it is one model.
const MARKS: &[&str] = &["starter.json", "model_index.json"];

/// A model that can run.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// Its folder or file.
    pub path: PathBuf,
    /// What it is.
    pub description: ModelDescription,
}

/// Something that was found where models lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What a request calls it: its own name, or that of its file.
    pub name: String,
    /// Its folder or file.
    pub path: PathBuf,
    /// What it is, or why it cannot run.
    pub description: Result<ModelDescription, String>,
}

/// What makes a path of what would be a name, on any system: a picture may come from another one.
const SEPARATORS: [char; 2] = ['/', '\\'];

/// What a picture says of its model, as a request may say it: a name and never a path. Whoever made the
/// picture chose the words, and a path is opened, on Windows over the network; only a person may name one.
pub(crate) fn plain_name(said: &str) -> Option<String> {
    if said.contains(SEPARATORS) { model_name(said) } else { Some(said.to_owned()) }
}

/// The model called `asked`, or at that path, which has a separator in it; without a wish the usual one.
/// A name is never looked for in whatever folder the program happens to run in.
pub fn choose(
    asked: Option<&str>,
    places: &[PathBuf],
    engine: &dyn Engine,
) -> Result<Chosen, StudioError> {
    let path = match asked {
        Some(path) if path.contains(SEPARATORS) => PathBuf::from(path),
        Some(name) => named(name, places, engine)?,
        None => usual(places, engine)?,
    };
    if !path.exists() {
        let accepted = "a model folder, or a .safetensors or .gguf file";
        return Err(refused(format!("{}: there is no such thing", path.display()), accepted));
    }
    let description = engine.describe(&path)?;
    Ok(Chosen { path, description })
}

/// Everything in these places that is a model or might be taken for one.
pub fn list(places: &[PathBuf], engine: &dyn Engine) -> Vec<Found> {
    find(places).into_iter().map(|path| describe(path, engine)).collect()
}

fn describe(path: PathBuf, engine: &dyn Engine) -> Found {
    match engine.describe(&path) {
        Ok(model) => {
            Found { name: model.capabilities.model.name.clone(), path, description: Ok(model) }
        }
        Err(error) => Found {
            name: stem(&path),
            description: Err(match error {
                RenderError::Model { file, problem } => at(&path, &file, &problem),
                other => other.to_string(),
            }),
            path,
        },
    }
}

/// What is wrong, and with which file where a model has several.
fn at(model: &Path, file: &str, problem: &str) -> String {
    match Path::new(file).strip_prefix(model) {
        Ok(within) if !within.as_os_str().is_empty() => format!("{}: {problem}", within.display()),
        _ => problem.to_owned(),
    }
}

/// The model that is meant where nobody names one: the starter, else the first that runs. A starter that
/// does not run is not passed over in silence.
pub(crate) fn usual(places: &[PathBuf], engine: &dyn Engine) -> Result<PathBuf, StudioError> {
    named(DEFAULT, places, engine).or_else(|none| {
        let runs = list(places, engine).into_iter().find(|one| one.description.is_ok());
        runs.map(|one| one.path).ok_or(none)
    })
}

/// A model by the name of its file or folder, else by the name that it gives itself.
fn named(name: &str, places: &[PathBuf], engine: &dyn Engine) -> Result<PathBuf, StudioError> {
    let found = find(places);
    if let Some(path) = found.iter().find(|path| stem(path) == name) {
        return Ok(path.clone());
    }
    let listed: Vec<_> = found.into_iter().map(|path| describe(path, engine)).collect();
    if let Some(one) = listed.iter().find(|one| one.name == name) {
        return Ok(one.path.clone());
    }
    let runs = listed.iter().filter(|one| one.description.is_ok());
    let runs: Vec<_> = runs.map(|one| one.name.as_str()).collect();
    let accepted = match runs.is_empty() {
        true => "set LIKENESS_MODELS to a folder that holds one, or give its path".to_owned(),
        false => format!("{}, or a path", runs.join(", ")),
    };
    Err(refused(format!("none here is called {name:?}"), accepted))
}

fn refused(problem: String, accepted: impl std::fmt::Display) -> StudioError {
    StudioError { code: ErrorCode::Model, ..StudioError::field("model", problem, accepted) }
}

/// What may be models, each once, in the order of the places and of their names.
fn find(places: &[PathBuf]) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for place in places {
        let mut here = if is_model(place) { vec![place.clone()] } else { inside(place) };
        here.sort();
        found.extend(here);
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    found
}

fn inside(folder: &Path) -> Vec<PathBuf> {
    // A place that is not there is no error: most of them never are.
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| is_model(path)).collect()
}

fn is_model(path: &Path) -> bool {
    if path.is_dir() {
        return MARKS.iter().any(|mark| path.join(mark).is_file());
    }
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    path.is_file() && ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

fn stem(path: &Path) -> String {
    let name = if path.is_dir() { path.file_name() } else { path.file_stem() };
    name.unwrap_or_default().to_string_lossy().into_owned()
}

impl Found {
    /// As it is listed. `free` is what memory is free, and `loaded` whether this one is in it.
    pub fn into_api(self, free: u64, loaded: bool) -> Model {
        let path = self.path.display().to_string();
        match self.description {
            Ok(model) => Model {
                name: self.name,
                path,
                runs: true,
                reason: None,
                family: Some(model.capabilities.family.clone()),
                licence: model.licence.clone(),
                sha256: Some(model.capabilities.model.sha256.clone()),
                bytes: model.bytes,
                memory_needed: Some(model.memory),
                fits: loaded || model.memory <= free,
                loaded,
                able: Some(abilities(&model)),
                words: model
                    .words
                    .into_iter()
                    .map(|word| KnownWord { kind: word.kind, text: word.text })
                    .collect(),
            },
            Err(reason) => Model {
                name: self.name,
                bytes: std::fs::metadata(&self.path).map_or(0, |file| file.len()),
                path,
                runs: false,
                reason: Some(reason),
                family: None,
                licence: None,
                sha256: None,
                memory_needed: None,
                fits: false,
                loaded: false,
                words: Vec::new(),
                able: None,
            },
        }
    }
}

fn abilities(model: &ModelDescription) -> Abilities {
    let able = &model.capabilities;
    fn names<T: ToString>(all: &[T]) -> Vec<String> {
        all.iter().map(T::to_string).collect()
    }
    Abilities {
        defaults: AbilityDefaults {
            width: able.defaults.size.width,
            height: able.defaults.size.height,
            steps: able.defaults.steps,
            guidance: able.defaults.guidance,
            sampler: able.defaults.sampler.to_string(),
            schedule: able.defaults.schedule.to_string(),
            strength: able.defaults.strength,
            masked_strength: able.defaults.masked_strength,
        },
        min_side: able.size.min_side,
        max_side: able.size.max_side,
        multiple: able.size.multiple,
        sizes: able
            .sizes
            .iter()
            .map(|size| PictureSize { width: size.width, height: size.height })
            .collect(),
        steps: NumberSpan { min: able.steps.min.into(), max: able.steps.max.into() },
        guidance: NumberSpan { min: able.guidance.min.into(), max: able.guidance.max.into() },
        samplers: names(&able.samplers),
        schedules: names(&able.schedules),
        precisions: names(&able.precisions),
        negative: able.negative,
        weights: able.weights,
        max_references: able.max_references,
        roles: names(&able.roles),
        init: able.init,
        mask: able.mask,
    }
}

/// An engine that reads a model's files again only when they have changed: a request is held against
/// what its model can do at every key press. Why one cannot run is found anew each time: what mends it,
/// such as a file that is still being copied, may lie anywhere in its folder.
pub struct Remembering {
    engine: Arc<dyn Engine>,
    seen: Mutex<HashMap<PathBuf, (Stamp, ModelDescription)>>,
}

/// When the files by which a model is told were last written, and how long they are.
type Stamp = Vec<Option<(SystemTime, u64)>>;

impl Remembering {
    /// The same engine, with a memory.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine, seen: Mutex::default() }
    }
}

fn stamp(path: &Path) -> Stamp {
    let of = |path: &Path| {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.modified().ok()?, meta.len()))
    };
    // A single file has its manifest beside it.
    let folder = if path.is_file() { path.parent().unwrap_or(path) } else { path };
    let marks = MARKS.iter().map(|mark| of(&folder.join(mark)));
    std::iter::once(of(path)).chain(marks).collect()
}

impl Engine for Remembering {
    fn describe(&self, path: &Path) -> Result<ModelDescription, RenderError> {
        let now = stamp(path);
        let lock = || self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((then, described)) = lock().get(path)
            && *then == now
        {
            return Ok(described.clone());
        }
        let described = self.engine.describe(path)?;
        lock().insert(path.to_owned(), (now, described.clone()));
        Ok(described)
    }

    fn open(
        &self,
        path: &Path,
        precision: Precision,
    ) -> Result<Box<dyn Renderer + Send>, RenderError> {
        self.engine.open(path, precision)
    }

    fn open_enlarger(&self, path: &Path) -> Result<Box<dyn Enlarger + Send>, RenderError> {
        self.engine.open_enlarger(path)
    }

    fn need(
        &self,
        path: &Path,
        recipe: &ResolvedRecipe,
        references: &[Size],
    ) -> Result<u64, RenderError> {
        self.engine.need(path, recipe, references)
    }

    fn instruction_set(&self) -> String {
        self.engine.instruction_set()
    }

    fn device(&self) -> String {
        self.engine.device()
    }

    fn set_threads(&self, threads: Option<usize>) -> bool {
        self.engine.set_threads(threads)
    }

    fn threads(&self) -> usize {
        self.engine.threads()
    }

    fn memory(&self) -> MachineMemory {
        self.engine.memory()
    }

    fn peak(&self) -> Result<Peak, RenderError> {
        self.engine.peak()
    }

    fn exercisable(&self) -> Vec<Exercisable> {
        self.engine.exercisable()
    }

    fn exercise(&self, workload: &Workload) -> Result<Exercise, RenderError> {
        self.engine.exercise(workload)
    }
}
