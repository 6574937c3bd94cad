//! The studio that the window shows, or why its library does not open.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use likeness_studio::{ErrorCode, LibraryError, Studio, StudioError};
use serde::Serialize;
use tauri::{AppHandle, Emitter};

use crate::host;

/// One studio at a time. Whoever asks before it is open waits.
#[derive(Default)]
pub struct Opened {
    state: Mutex<State>,
    changed: Condvar,
    page: Arc<AtomicU64>,
}

#[derive(Default)]
enum State {
    #[default]
    Opening,
    Ready(Arc<Studio>),
    Failed(PathBuf, Problem),
    Closed,
}

/// How opening went, as the page is told.
#[derive(Serialize)]
pub struct Startup {
    ready: bool,
    folder: PathBuf,
    problem: Option<Problem>,
}

/// Why the library does not open.
#[derive(Clone, Serialize)]
struct Problem {
    /// What the page chooses its words and what it offers by.
    kind: &'static str,
    message: String,
    /// Where the database that is damaged was copied to.
    copy: Option<PathBuf>,
}

impl Opened {
    /// Opens another folder, and from then on at each start, or the same one again.
    pub fn open_again(&self, app: &AppHandle, folder: Option<PathBuf>) -> std::io::Result<()> {
        self.open(app, folder.as_ref().unwrap_or(&self.startup().folder));
        match folder.filter(|_| self.startup().ready) {
            Some(folder) => host::choose(&folder),
            None => Ok(()),
        }
    }

    /// Makes a damaged database again from what the picture files say, and opens the library. The
    /// damaged one is kept beside it.
    pub fn rebuild(&self, app: &AppHandle) {
        let folder = self.startup().folder;
        self.set(State::Opening);
        match likeness_studio::rebuild(&folder, host::now()) {
            Ok(_) => self.open(app, &folder),
            Err(error) => self.set(State::Failed(folder, error.into())),
        }
    }

    /// The studio, once it is open.
    pub fn studio(&self) -> Result<Arc<Studio>, StudioError> {
        match &*self.settled() {
            State::Ready(studio) => Ok(studio.clone()),
            State::Failed(_, problem) => {
                let code =
                    if problem.kind == "in_use" { ErrorCode::InUse } else { ErrorCode::Storage };
                Err(StudioError::new(code, problem.message.clone()))
            }
            State::Opening | State::Closed => {
                Err(StudioError::new(ErrorCode::Cancelled, "the window is closing"))
            }
        }
    }

    /// How it went.
    pub fn startup(&self) -> Startup {
        let (folder, problem) = match &*self.settled() {
            State::Ready(studio) => (studio.folder().to_owned(), None),
            State::Failed(folder, problem) => (folder.clone(), Some(problem.clone())),
            State::Opening | State::Closed => {
                return Startup { ready: false, folder: PathBuf::new(), problem: None };
            }
        };
        Startup { ready: problem.is_none(), folder, problem }
    }

    /// Closes the library; the last command that uses it may end first.
    pub fn close(&self) {
        self.set(State::Closed);
    }

    /// The counter of pages, and the page that is loaded now.
    pub fn page(&self) -> (Arc<AtomicU64>, u64) {
        (self.page.clone(), self.page.load(Ordering::Relaxed))
    }

    /// Another page loads. A channel of an earlier one is closed.
    pub fn new_page(&self) {
        self.page.fetch_add(1, Ordering::Relaxed);
    }

    /// Opens a folder, whatever was open before.
    pub fn open(&self, app: &AppHandle, folder: &Path) {
        // What was open gives up its lock before another folder, or the same again, is opened.
        self.set(State::Opening);
        let app = app.clone();
        let events = Box::new(move |event| {
            // Fails only when there is no window left to tell.
            let _ = app.emit("likeness://event", event);
        });
        self.set(match Studio::open(host::opening(folder, events)) {
            Ok(studio) => State::Ready(Arc::new(studio)),
            Err(error) => State::Failed(folder.to_owned(), error.into()),
        });
    }

    fn set(&self, state: State) {
        let before = std::mem::replace(&mut *self.lock(), state);
        self.changed.notify_all();
        // Outside the lock: a studio that is dropped waits for the step it is at.
        drop(before);
    }

    fn settled(&self) -> MutexGuard<'_, State> {
        self.changed
            .wait_while(self.lock(), |state| matches!(state, State::Opening))
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<LibraryError> for Problem {
    fn from(error: LibraryError) -> Self {
        let message = error.to_string();
        let (kind, copy) = match error {
            LibraryError::InUse { .. } => ("in_use", None),
            LibraryError::Newer { .. } => ("newer", None),
            LibraryError::Damaged { copy, .. } => ("damaged", copy),
            LibraryError::Gone { .. } => ("gone", None),
            LibraryError::ReadOnly { .. } => ("read_only", None),
            LibraryError::DiskFull { .. } => ("disk_full", None),
            _ => ("other", None),
        };
        Self { kind, message, copy }
    }
}
