//! The machine around the program. Environment, clock, randomness and signals are read here, once,
//! and nowhere else.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::Failure;

/// What a command needs to know of the machine.
#[derive(Debug, Clone)]
pub struct Host {
    /// The folder of pictures and models.
    pub library: PathBuf,
    /// Folders that hold models, or are one, best first. Not all of them need exist.
    pub model_places: Vec<PathBuf>,
    /// The local date and time at the start.
    pub now: Moment,
    /// When the program started.
    pub started: Instant,
    /// A number nobody can guess.
    pub random: u64,
    /// Set by Ctrl+C.
    pub cancelled: Cancelled,
}

/// A date and a time, as file names hold them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// `2026-11-20`
    pub date: String,
    /// `235959`
    pub time: String,
}

/// Whether the person wants to stop.
#[derive(Debug, Clone, Default)]
pub struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    /// Asks for a stop.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether a stop has been asked for.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Host {
    /// Looks around, and begins to listen for Ctrl+C.
    pub fn from_environment() -> Result<Self, Failure> {
        let started = Instant::now();
        let library = library()?;
        let program = std::env::current_exe().ok();
        let now = chrono::Local::now();
        Ok(Self {
            model_places: model_places(
                std::env::var_os("LIKENESS_MODELS"),
                &library,
                program.as_deref(),
            ),
            library,
            now: Moment {
                date: now.format("%Y-%m-%d").to_string(),
                time: now.format("%H%M%S").to_string(),
            },
            started,
            random: getrandom::u64().map_err(|error| {
                Failure::Internal(format!("the system gives no random number: {error}"))
            })?,
            cancelled: listen()?,
        })
    }
}

fn library() -> Result<PathBuf, Failure> {
    if let Some(folder) = std::env::var_os("LIKENESS_LIBRARY").filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    let folders = directories::ProjectDirs::from("", "", "Likeness");
    folders.map(|folders| folders.data_dir().to_owned()).ok_or_else(|| {
        let accepted = "set LIKENESS_LIBRARY to a folder";
        Failure::Storage(format!(
            "library: this machine names no data folder (accepted: {accepted})"
        ))
    })
}

/// Where models may be: what the person names, the library, beside an installed program, and last
/// the source tree that the program was built in.
fn model_places(
    named: Option<std::ffi::OsString>,
    library: &Path,
    program: Option<&Path>,
) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = Vec::new();
    if let Some(named) = named {
        places.extend(std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()));
    }
    places.push(library.join("models"));
    if let Some(folder) = program.and_then(Path::parent) {
        places.push(folder.join("models"));
        places.push(folder.join("../share/likeness/models"));
        let source = folder.ancestors().skip(1).map(|above| above.join("models"));
        places.extend(
            source.filter(|models| models.join("starter").join("starter.json").is_file()).take(1),
        );
    }
    places
}

/// The first Ctrl+C is remembered, and the work stops at the next step.
fn listen() -> Result<Cancelled, Failure> {
    let cancelled = Cancelled::default();
    let seen = cancelled.clone();
    ctrlc::set_handler(move || seen.set())
        .map_err(|error| Failure::Internal(format!("Ctrl+C cannot be listened for: {error}")))?;
    Ok(cancelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_names_comes_first() {
        let tree = tempfile::tempdir().unwrap();
        let starter = tree.path().join("models/starter");
        std::fs::create_dir_all(&starter).unwrap();
        std::fs::write(starter.join("starter.json"), "{}").unwrap();
        let program = tree.path().join("target/release/likeness");
        let named = std::env::join_paths(["/one", "/two"]).unwrap();
        let places = model_places(Some(named), Path::new("/library"), Some(&program));
        assert_eq!(places[0], Path::new("/one"));
        assert_eq!(places[1], Path::new("/two"));
        assert_eq!(places[2], Path::new("/library/models"));
        assert_eq!(places.last().unwrap(), &tree.path().join("models"));
    }
}
