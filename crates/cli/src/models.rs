//! `models`: which models there are, and which of them run.

use std::path::PathBuf;

use likeness_recipe::Engine;
use likeness_studio::models::{self, Found};
use serde::Serialize;

use crate::told;

/// A model as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// What `--model` takes.
    pub name: String,
    /// Its folder or file.
    #[serde(flatten, serialize_with = "told::path")]
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

/// Every model in these places.
pub fn list(places: &[PathBuf], engine: &dyn Engine) -> Vec<Listed> {
    models::list(places, engine).into_iter().map(Listed::from).collect()
}

impl From<Found> for Listed {
    fn from(found: Found) -> Self {
        let Found { name, path, description } = found;
        let able = description.as_ref().ok().map(|model| &model.capabilities);
        Self {
            name,
            path,
            runs: able.is_some(),
            family: able.map(|able| able.family.clone()),
            sha256: able.map(|able| able.model.sha256.clone()),
            reason: description.as_ref().err().cloned(),
        }
    }
}
