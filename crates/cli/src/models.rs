//! `models`: which models there are, and which of them run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use likeness_recipe::{Engine, Size};
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
    /// The sizes that it draws, as `WxH`, the usual one first; empty where any within its limits will do.
    pub sizes: Vec<String>,
    /// The names that it knows, by kind, where it knows few.
    pub vocabulary: BTreeMap<String, Vec<String>>,
    /// Every word and name that it was trained to read; nothing where that is not known.
    pub known: Option<Vec<String>>,
}

/// Every model in these places.
pub fn list(places: &[PathBuf], engine: &dyn Engine) -> Vec<Listed> {
    models::list(places, engine).into_iter().map(Listed::from).collect()
}

impl From<Found> for Listed {
    fn from(found: Found) -> Self {
        let Found { name, path, description } = found;
        let able = description.as_ref().ok().map(|model| &model.capabilities);
        let mut vocabulary: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for word in description.iter().flat_map(|model| &model.words) {
            vocabulary.entry(word.kind.clone()).or_default().push(word.text.clone());
        }
        let known = able.and_then(|able| able.vocabulary.as_ref());
        Self {
            name,
            path,
            runs: able.is_some(),
            family: able.map(|able| able.family.clone()),
            sha256: able.map(|able| able.model.sha256.clone()),
            reason: description.as_ref().err().cloned(),
            sizes: able.iter().flat_map(|able| &able.sizes).map(Size::to_string).collect(),
            vocabulary,
            known: known.map(|words| words.known.iter().cloned().collect()),
        }
    }
}
