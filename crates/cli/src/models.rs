//! `models`: which models there are, and which of them run.

use std::path::{Path, PathBuf};

use likeness_recipe::{ModelCapabilities, RenderError};
use serde::Serialize;

use crate::Failure;
use crate::engine::Engine;

/// What is taken where nobody names a model.
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
    /// What it can do.
    pub capabilities: ModelCapabilities,
}

/// A model as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// What `--model` takes.
    pub name: String,
    /// Its folder or file.
    pub path: PathBuf,
    /// Whether it runs here.
    pub runs: bool,
    /// The family that runs it.
    pub family: Option<String>,
    /// The hash of its weights.
    pub sha256: Option<String>,
    /// Why it does not run.
    pub reason: Option<String>,
}

/// The model called `asked`, or at that path; without a wish the starter.
pub fn choose(
    asked: Option<&str>,
    places: &[PathBuf],
    engine: &dyn Engine,
) -> Result<Chosen, Failure> {
    let path = match asked {
        Some(path) if Path::new(path).exists() || path.contains(['/', '\\']) => PathBuf::from(path),
        name => named(name.unwrap_or(DEFAULT), places, engine)?,
    };
    if !path.exists() {
        let accepted = "a model folder, or a .safetensors or .gguf file";
        return Err(Failure::Model(format!(
            "model: {}: there is no such thing (accepted: {accepted})",
            path.display()
        )));
    }
    let capabilities = engine.describe(&path)?;
    Ok(Chosen { path, capabilities })
}

/// Every model in these places.
pub fn list(places: &[PathBuf], engine: &dyn Engine) -> Vec<Listed> {
    find(places).into_iter().map(|path| describe(path, engine)).collect()
}

fn describe(path: PathBuf, engine: &dyn Engine) -> Listed {
    match engine.describe(&path) {
        Ok(model) => Listed {
            name: model.model.name,
            path,
            runs: true,
            family: Some(model.family),
            sha256: Some(model.model.sha256),
            reason: None,
        },
        Err(error) => Listed {
            name: stem(&path),
            path,
            runs: false,
            family: None,
            sha256: None,
            reason: Some(match error {
                RenderError::Model { problem, .. } => problem,
                other => other.to_string(),
            }),
        },
    }
}

/// A model by the name of its file or folder, else by the name that it gives itself.
fn named(name: &str, places: &[PathBuf], engine: &dyn Engine) -> Result<PathBuf, Failure> {
    let found = find(places);
    if let Some(path) = found.iter().find(|path| stem(path) == name) {
        return Ok(path.clone());
    }
    let listed: Vec<_> = found.into_iter().map(|path| describe(path, engine)).collect();
    if let Some(one) = listed.iter().find(|one| one.name == name) {
        return Ok(one.path.clone());
    }
    let runs: Vec<_> = listed.iter().filter(|one| one.runs).map(|one| one.name.as_str()).collect();
    let accepted = match runs.is_empty() {
        true => "set LIKENESS_MODELS to a folder that holds one, or give its path".to_owned(),
        false => format!("{}, or a path", runs.join(", ")),
    };
    Err(Failure::Model(format!("model: none here is called {name:?} (accepted: {accepted})")))
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
