//! The machine around the window: environment, clock and randomness are read here and nowhere else.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use likeness_engine::Candle;
use likeness_studio::{Opening, places};
use tauri::{AppHandle, Emitter};

/// The library's folder, or why there is none.
pub fn library() -> Result<PathBuf, String> {
    let folders = folders()?;
    let named = std::env::var_os("LIKENESS_LIBRARY");
    Ok(places::library_folder(named, Some(&chosen(&folders)), folders.data_dir()))
}

/// Remembers another folder for the starts to come, in a file of one line.
pub fn choose(library: &Path) -> std::io::Result<()> {
    let folders = folders().map_err(std::io::Error::other)?;
    std::fs::create_dir_all(folders.config_dir())?;
    places::choose(library, &chosen(&folders))
}

/// Whether it is the one that a person chose, and that was opened then.
pub fn was_chosen(library: &Path) -> bool {
    folders().is_ok_and(|folders| places::was_chosen(library, &chosen(&folders)))
}

/// What a test answers where a person would be asked for a place: a dialog is no part of the page, and no
/// driver reaches it. The folder, or none as of somebody who changes their mind, where the window is driven and
/// `LIKENESS_TEST_FOLDER` is set. A release asks a person, whatever its environment says.
#[cfg(debug_assertions)]
pub fn dialog_folder() -> Option<Option<PathBuf>> {
    let folder = std::env::var_os("LIKENESS_TEST_FOLDER")?;
    std::env::var_os("TAURI_AUTOMATION")?;
    Some(Some(PathBuf::from(folder)).filter(|it| !it.as_os_str().is_empty()))
}

/// What the studio is told of the world; the page hears its events. `make` as in [`Opening`].
pub fn opening(app: &AppHandle, library: &Path, make: bool) -> Opening {
    let app = app.clone();
    let program = std::env::current_exe().ok();
    Opening {
        library: library.to_owned(),
        make,
        model_places: places::model_places(
            std::env::var_os("LIKENESS_MODELS"),
            library,
            program.as_deref(),
        ),
        engine: Arc::new(Candle),
        clock: Box::new(now),
        // A system without random numbers gives no window either.
        random: Box::new(|| getrandom::u64().expect("the system gives random numbers")),
        events: Box::new(move |event| {
            // Fails only when there is no window left to tell.
            let _ = app.emit("likeness://event", event);
        }),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Milliseconds since 1970, UTC.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn folders() -> Result<directories::ProjectDirs, String> {
    directories::ProjectDirs::from("", "", "Likeness").ok_or_else(|| {
        "library: this machine names no data folder (accepted: set LIKENESS_LIBRARY to a folder)"
            .to_owned()
    })
}

fn chosen(folders: &directories::ProjectDirs) -> PathBuf {
    folders.config_dir().join("library")
}
