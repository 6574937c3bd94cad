//! The studio that a host shows, or why its library does not open and what can be done about that.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::{ErrorCode, LibraryError, Opening, Studio, StudioError, rebuild};

/// One studio at a time. Whoever asks before it is open waits.
#[derive(Default)]
pub struct Opened {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
enum State {
    #[default]
    Opening,
    Ready(Arc<Studio>),
    Failed(PathBuf, Problem),
    Closed,
}

/// How opening went, as a page is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Startup {
    /// Whether there is a studio.
    pub ready: bool,
    /// The library's folder; empty when the program is closing.
    pub folder: PathBuf,
    /// What was wrong with it.
    pub problem: Option<Problem>,
}

/// Why a library does not open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What a page chooses its words and what it offers by: `in_use`, `newer`, `damaged`, `gone`,
    /// `read_only`, `disk_full` or `other`.
    pub kind: &'static str,
    /// One line.
    pub message: String,
    /// Where the database that is damaged was copied to.
    pub copy: Option<PathBuf>,
}

impl Opened {
    /// Opens a folder, whatever was open before.
    pub fn open(&self, opening: Opening) {
        // What was open gives up its lock before another folder, or the same again, is opened.
        self.set(State::Opening);
        let folder = opening.library.clone();
        self.set(match Studio::open(opening) {
            Ok(studio) => State::Ready(Arc::new(studio)),
            Err(error) => State::Failed(folder, error.into()),
        });
    }

    /// Makes a damaged database again from what the picture files say, and opens the library. The
    /// damaged one is kept beside it. `now` is milliseconds since 1970.
    pub fn rebuild(&self, now: i64, opening: impl FnOnce(&Path) -> Opening) {
        let folder = self.startup().folder;
        self.set(State::Opening);
        match rebuild(&folder, now) {
            Ok(_) => self.open(opening(&folder)),
            Err(error) => self.set(State::Failed(folder, error.into())),
        }
    }

    /// The studio, once it is open. Errors with why it is not.
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

    /// Closes the library; commands that use it may end first, for up to five seconds.
    pub fn close(&self) {
        self.set(State::Closed);
    }

    fn set(&self, state: State) {
        let before = std::mem::replace(&mut *self.lock(), state);
        self.changed.notify_all();
        if let State::Ready(studio) = before {
            end(studio);
        }
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

/// Ends a studio with the last command that uses it, so that its library is closed in order when this
/// returns: it waits for the step it is at. A command that goes on longer keeps it.
fn end(mut studio: Arc<Studio>) {
    for _ in 0..500 {
        studio = match Arc::try_unwrap(studio) {
            Ok(studio) => return drop(studio),
            Err(shared) => shared,
        };
        std::thread::sleep(Duration::from_millis(10));
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
