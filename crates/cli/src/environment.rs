//! The machine around the program. Environment, clock, randomness and signals are read here, once,
//! and nowhere else.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use likeness_studio::places;

use crate::Failure;

/// What a command needs to know of the machine.
#[derive(Debug, Clone)]
pub struct Host {
    /// The folder of pictures and models.
    pub library: PathBuf,
    /// Whether a library is made there where there is none. Not where the person once chose it in the
    /// window: then it is only gone for now, as with a disk that is out.
    pub make_library: bool,
    /// Folders that hold models, or are one, best first. Not all of them need exist.
    pub model_places: Vec<PathBuf>,
    /// Where this program is, if the system tells.
    pub program: Option<PathBuf>,
    /// Milliseconds since 1970, UTC, whenever it is asked.
    pub clock: fn() -> i64,
    /// When the program started.
    pub started: Instant,
    /// A number nobody can guess.
    pub random: u64,
    /// Set by Ctrl+C, once it is listened for.
    pub cancelled: Cancelled,
}

/// Whether the person wants to stop.
#[derive(Debug, Clone, Default)]
pub struct Cancelled {
    asked: Arc<AtomicBool>,
    writing: Arc<AtomicBool>,
}

/// How long the program may go on after the first Ctrl+C where a part of its work has no steps to stop
/// between: with what ending takes, it is gone within a second.
const PATIENCE: Duration = Duration::from_millis(400);

impl Cancelled {
    /// Asks for a stop.
    pub fn set(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether a stop has been asked for.
    pub fn is_set(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Does what is finished quickly and would leave something behind if the program ended in it.
    pub fn hold<T>(&self, work: impl FnOnce() -> T) -> T {
        self.writing.store(true, Ordering::SeqCst);
        let done = work();
        self.writing.store(false, Ordering::SeqCst);
        done
    }

    /// The same for what a command does last: once it is done there is nothing to stop any more.
    pub fn finish<T>(&self, work: impl FnOnce() -> T) -> T {
        self.writing.store(true, Ordering::SeqCst);
        work()
    }

    /// Ends the program once nothing is held.
    fn end_soon(&self) {
        std::thread::sleep(PATIENCE);
        while self.writing.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        end();
    }
}

/// Ends the program as a cancelled command ends it.
fn end() -> ! {
    eprintln!("error: {}", Failure::Cancelled);
    std::process::exit(Failure::Cancelled.exit_code().into())
}

impl Host {
    /// Looks around.
    pub fn from_environment() -> Result<Self, Failure> {
        let started = Instant::now();
        let (library, make_library) = library()?;
        let program = std::env::current_exe().ok();
        Ok(Self {
            model_places: places::model_places(
                std::env::var_os("LIKENESS_MODELS"),
                &library,
                program.as_deref(),
            ),
            library,
            make_library,
            program,
            clock,
            started,
            random: getrandom::u64().map_err(|error| {
                Failure::Internal(format!("the system gives no random number: {error}"))
            })?,
            cancelled: Cancelled::default(),
        })
    }

    /// From here on the first Ctrl+C is remembered, and the work stops at the next step; the second ends
    /// the program. Only for what asks [`Cancelled::is_set`] between its steps: all else would go on as if
    /// nothing had been pressed. `soon` is for what also has work without steps, and nothing to lose: it
    /// ends within a second in any case.
    pub fn listen(&self, soon: bool) -> Result<(), Failure> {
        let seen = self.cancelled.clone();
        let pressed = move || {
            if seen.is_set() {
                end();
            }
            seen.set();
            if soon {
                let seen = seen.clone();
                std::thread::spawn(move || seen.end_soon());
            }
        };
        ctrlc::set_handler(pressed)
            .map_err(|error| Failure::Internal(format!("Ctrl+C cannot be listened for: {error}")))
    }
}

/// The library's folder, and whether one may be made there.
fn library() -> Result<(PathBuf, bool), Failure> {
    let folders = directories::ProjectDirs::from("", "", "Likeness").ok_or_else(|| {
        let accepted = "set LIKENESS_LIBRARY to a folder";
        Failure::Storage(format!(
            "library: this machine names no data folder (accepted: {accepted})"
        ))
    });
    let named = std::env::var_os("LIKENESS_LIBRARY").filter(|folder| !folder.is_empty());
    match (named, folders) {
        (Some(named), Err(_)) => Ok((named.into(), true)),
        (None, Err(failure)) => Err(failure),
        (named, Ok(folders)) => {
            // Where the window notes which library was chosen.
            let chosen = folders.config_dir().join("library");
            let library = places::library_folder(named, Some(&chosen), folders.data_dir());
            let make = !places::was_chosen(&library, &chosen);
            Ok((library, make))
        }
    }
}

/// Milliseconds since 1970, UTC.
fn clock() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    // A clock that stands before 1970 is wrong in any case.
    since.map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}
