//! Small pictures, made off the interface's path: by a thread of their own while nothing is asked, and
//! at once where a window asks for one that is not there yet.

use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};

use likeness_library::{AnyId, THUMBNAIL_SIZES, make_thumbnail, make_thumbnails, thumbnail_path};

use crate::StudioError;
use crate::studio::{Shared, lock};

/// Pictures that are looked at before the library is asked again: the newest come first, and what has
/// just been made should not wait for thousands of imported ones.
const AT_ONCE: u32 = 8;

/// The thread's bell.
#[derive(Default)]
pub(crate) struct Thumbnails {
    bell: Mutex<Bell>,
    rung: Condvar,
    /// Held by who makes one that a window asked for: a grid of photographs asks for a hundred at
    /// once, and each of them unpacks to as much as a picture may.
    making: Mutex<()>,
}

#[derive(Default)]
struct Bell {
    stop: bool,
    wanted: bool,
}

impl Thumbnails {
    /// There may be pictures without thumbnails.
    pub fn wake(&self) {
        lock(&self.bell).wanted = true;
        self.rung.notify_all();
    }

    /// Ends the thread after the picture that it is at.
    pub fn stop(&self) {
        lock(&self.bell).stop = true;
        self.rung.notify_all();
    }

    fn stopped(&self) -> bool {
        lock(&self.bell).stop
    }

    /// Waits until there may be something to do; whether to go on.
    fn wait(&self) -> bool {
        let mut bell = lock(&self.bell);
        while !bell.wanted && !bell.stop {
            bell = self.rung.wait(bell).unwrap_or_else(PoisonError::into_inner);
        }
        bell.wanted = false;
        !bell.stop
    }
}

/// The thread.
pub(crate) fn run(shared: &Shared) {
    shared.thumbnails.wake();
    while shared.thumbnails.wait() {
        // A library that cannot be read has told whoever asked it for pictures.
        while let Ok(missing) = shared.read(|reader| reader.missing_thumbnails(AT_ONCE))
            && !missing.is_empty()
        {
            let mut made = Vec::new();
            for source in &missing {
                if shared.thumbnails.stopped() {
                    return;
                }
                // One that cannot be made is not tried again and again: the check of the library tells
                // why, and a window that asks for it gets the reason.
                let _ = make_thumbnails(&shared.folder, source);
                made.push(source.id);
            }
            if shared.write(|library| library.thumbnails_made(&made)).is_err() {
                break;
            }
        }
    }
}

/// The file of a thumbnail, made where it is not there.
pub(crate) fn file(shared: &Shared, id: AnyId, size: &str) -> Result<PathBuf, StudioError> {
    let sizes = || THUMBNAIL_SIZES.map(|size| size.to_string()).join(", ");
    let known = size.parse().ok().filter(|size| THUMBNAIL_SIZES.contains(size));
    let size: u32 =
        known.ok_or_else(|| StudioError::field("kind", format!("{size:?} is no size"), sizes()))?;
    let path = thumbnail_path(&shared.folder, size, id);
    if path.is_file() {
        return Ok(path);
    }
    let _one = lock(&shared.thumbnails.making);
    if path.is_file() {
        return Ok(path);
    }
    let source = shared.read(|reader| reader.thumbnail_source(id))?;
    Ok(make_thumbnail(&shared.folder, &source, size)?)
}
