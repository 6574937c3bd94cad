//! A studio that is open: a library, whatever computes, and the threads between them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use likeness_library::{
    AnyId, JobId, JobState, Library, LibraryError, PictureId, Reader, unless_full,
};
use likeness_recipe::{Engine, Peak};
use serde_json::Value;

use crate::api::{Event, Settings};
use crate::channel::{Channel, Watchers};
use crate::easel::{self, Easel};
use crate::models::Remembering;
use crate::thumbnails::{self, Thumbnails};
use crate::{StudioError, commands, settings};

/// What a host passes in: all of the world that a studio must not reach for itself.
pub struct Opening {
    /// The library's folder.
    pub library: PathBuf,
    /// Whether a library is made where there is none. One that was there before is only gone for now:
    /// a new one in its place, as on the mount point of a disk that is out, would hide that.
    pub make: bool,
    /// Folders that hold models, or are one, best first.
    pub model_places: Vec<PathBuf>,
    /// What computes.
    pub engine: Arc<dyn Engine>,
    /// Milliseconds since 1970, UTC.
    pub clock: Box<dyn Fn() -> i64 + Send + Sync>,
    /// Numbers that nobody can guess.
    pub random: Box<dyn Fn() -> u64 + Send + Sync>,
    /// Who is told that something changed. Called on any thread, and must not call back.
    pub events: Box<dyn Fn(Event) + Send + Sync>,
    /// The host's version.
    pub version: String,
}

/// What a person can do. Every command is a method, and [`Studio::call`] finds it by its name.
///
/// Dropping it stops the render that goes on, which waits again, and closes the library.
pub struct Studio {
    pub(crate) shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What the studio's threads share.
///
/// Locks are taken one at a time, but for the easel's, under which none other is taken.
pub(crate) struct Shared {
    library: Mutex<Library>,
    /// Reads beside whatever is being written, so that a grid can be scrolled meanwhile.
    reader: Mutex<Reader>,
    pub folder: PathBuf,
    pub model_places: Vec<PathBuf>,
    pub engine: Remembering,
    pub settings: Mutex<Settings>,
    pub easel: Easel,
    /// What the machine can do, once somebody asked.
    pub peak: Mutex<Option<Peak>>,
    pub watchers: Watchers,
    pub thumbnails: Thumbnails,
    pub version: String,
    pub unclean_end: bool,
    clock: Box<dyn Fn() -> i64 + Send + Sync>,
    random: Box<dyn Fn() -> u64 + Send + Sync>,
    events: Box<dyn Fn(Event) + Send + Sync>,
}

impl Studio {
    /// Opens the library and starts to work on its queue, unless that is paused.
    pub fn open(opening: Opening) -> Result<Self, LibraryError> {
        let mut studio = Self::open_idle(opening)?;
        studio.start()?;
        Ok(studio)
    }

    /// Opens the library and does nothing until [`Studio::start`]: every command but those that render
    /// at once can be called.
    pub fn open_idle(opening: Opening) -> Result<Self, LibraryError> {
        let now = (opening.clock)();
        let library = match opening.make {
            true => Library::open(&opening.library, now)?,
            false => Library::open_there(&opening.library, now)?,
        };
        let recovered = unless_full(library.recover())?;
        let (settings, knows_trash) = settings::read(&library)?;
        if let Some(before) = settings::clock_before(&library, now)?
            && knows_trash
        {
            // What cannot go yet keeps nobody from opening: it is tried again with the next purge.
            let _ = library.purge_expired(settings.trash_days, before, now);
        }
        let paused = library.queue_state()?.paused || recovered.is_none();
        // Jobs that cannot be put back now are when there is room.
        let cut_off = if recovered.is_none() { running(&library)? } else { Vec::new() };
        opening.engine.set_threads(settings.threads.map(|threads| threads as usize));
        let shared = Arc::new(Shared {
            reader: Mutex::new(library.reader()?),
            folder: library.folder().to_owned(),
            unclean_end: recovered.map_or(!cut_off.is_empty(), |recovered| recovered.unclean),
            easel: Easel::new(paused, cut_off, settings::read_speeds(&library)?),
            library: Mutex::new(library),
            model_places: opening.model_places,
            engine: Remembering::new(opening.engine),
            settings: Mutex::new(settings),
            peak: Mutex::default(),
            watchers: Watchers::default(),
            thumbnails: Thumbnails::default(),
            version: opening.version,
            clock: opening.clock,
            random: opening.random,
            events: opening.events,
        });
        Ok(Self { shared, threads: Vec::new() })
    }

    /// Starts to work on the queue.
    pub fn start(&mut self) -> Result<(), LibraryError> {
        self.spawn("easel", easel::run)?;
        self.spawn("thumbnails", thumbnails::run)
    }

    fn spawn(&mut self, name: &str, work: fn(&Shared)) -> Result<(), LibraryError> {
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(&shared))
            .map_err(|source| LibraryError::Io { path: self.shared.folder.clone(), source })?;
        self.threads.push(thread);
        Ok(())
    }

    /// Runs the command called `name`. Commands that go on take a channel.
    pub fn call(
        &self,
        name: &str,
        arguments: Value,
        channel: Option<Box<dyn Channel>>,
    ) -> Result<Value, StudioError> {
        commands::call(self, name, arguments, channel)
    }

    /// The file that a window shows for `kind` (`picture`, `thumb128`, `thumb320` or `thumb768`) and
    /// the hash of a picture or an asset. A thumbnail that is not there is made now.
    pub fn file(&self, kind: &str, id: &str) -> Result<PathBuf, StudioError> {
        let id: AnyId = id.parse()?;
        match kind.strip_prefix("thumb") {
            Some(size) => thumbnails::file(&self.shared, id, size.trim_start_matches('/')),
            None if kind == "picture" => self.shared.read(|reader| reader.asset_path(id)),
            None => Err(StudioError::field(
                "kind",
                format!("{kind:?} is unknown"),
                "picture, thumb128, thumb320, thumb768",
            )),
        }
    }

    /// The library's folder.
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        self.shared.easel.stop();
        self.shared.thumbnails.stop();
        if self.threads.is_empty() {
            return;
        }
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; closing goes on.
            let _ = thread.join();
        }
        settings::write_speeds(&self.shared);
    }
}

impl Shared {
    /// Reads the library.
    pub fn read<T>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, LibraryError>,
    ) -> Result<T, StudioError> {
        Ok(lock(&self.reader).at_once(read)?)
    }

    /// Changes the library.
    pub fn write<T>(
        &self,
        write: impl FnOnce(&Library) -> Result<T, LibraryError>,
    ) -> Result<T, StudioError> {
        Ok(write(&lock(&self.library))?)
    }

    pub fn now(&self) -> i64 {
        (self.clock)()
    }

    pub fn random(&self) -> u64 {
        (self.random)()
    }

    pub fn tell(&self, event: Event) {
        (self.events)(event);
    }

    /// Tells that pictures came, changed or went.
    pub fn tell_pictures(&self, ids: &[PictureId]) {
        if !ids.is_empty() {
            self.tell(Event::Pictures { ids: ids.iter().map(PictureId::hex).collect() });
        }
    }
}

/// Jobs whose rows say that they run.
fn running(library: &Library) -> Result<Vec<JobId>, LibraryError> {
    let open = library.queue(0)?.into_iter();
    Ok(open.filter(|job| job.state == JobState::Running).map(|job| job.id).collect())
}

/// What a thread left behind when it panicked is still whole: nothing is changed in halves here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
