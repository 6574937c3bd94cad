//! Where the one picture goes that a command makes of another, and how such work is watched.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use likeness_picture::Format;
use likeness_recipe::{Progress, Watch};
use likeness_studio::{ErrorCode, Shelf, StudioError};

use crate::Failure;
use crate::environment::{Cancelled, Host};
use crate::output::{self, Destination};

/// What `--out` says, and without one the library. Something can be written there.
pub enum Place {
    /// A file, a folder or standard output.
    File(Destination),
    /// The library, open.
    Library(Shelf),
}

impl Place {
    /// Found before anything is computed: what is in the way must not cost a picture.
    pub fn choose(out: Option<&Path>, overwrite: bool, host: &Host) -> Result<Self, Failure> {
        let Some(out) = out else { return Ok(Self::Library(output::shelf(host)?)) };
        let destination = Destination::choose(out, 1, overwrite)?;
        destination.check(&host.library)?;
        Ok(Self::File(destination))
    }

    /// The format that is written there.
    pub fn format(&self) -> Format {
        match self {
            Self::File(destination) => destination.format(),
            Self::Library(_) => Format::Png,
        }
    }

    /// Puts the picture there and says where it is: under `name`, without an ending, where a folder was
    /// named, or as `keep` does in the library. Whoever interrupts before it begins gets no picture, and
    /// whoever does after that a whole one.
    pub fn store(
        self,
        bytes: &[u8],
        name: impl FnOnce() -> OsString,
        keep: impl FnOnce(&Shelf) -> Result<PathBuf, StudioError>,
        cancelled: &Cancelled,
    ) -> Result<PathBuf, Failure> {
        if cancelled.is_set() {
            return Err(Failure::Cancelled);
        }
        cancelled.finish(|| match self {
            Self::File(destination) => destination.write_as(0, bytes, name),
            Self::Library(shelf) => Ok(keep(&shelf)?),
        })
    }
}

/// The name of `image` with `more` behind it, whatever bytes it consists of.
pub fn named_after(image: &Path, more: &str) -> OsString {
    let mut name = image.file_stem().unwrap_or_default().to_owned();
    name.push(more);
    name
}

/// What went wrong with the picture that was given, by the option that it is about.
pub fn of_picture(error: StudioError) -> Failure {
    match (error.code, &error.field) {
        (ErrorCode::Input, None) => Failure::Input(format!("image: {}", error.message)),
        (ErrorCode::Usage, None) => Failure::Usage(format!("out: {}", error.message)),
        _ => error.into(),
    }
}

/// Passes on how far it is, until somebody stops it.
pub struct Watcher<'a> {
    /// Is told how it goes.
    pub show: &'a mut dyn FnMut(Progress),
    /// Set by Ctrl+C.
    pub cancelled: &'a Cancelled,
}

impl Watch for Watcher<'_> {
    fn progress(&mut self, progress: Progress) {
        (self.show)(progress);
    }

    fn cancelled(&self) -> bool {
        self.cancelled.is_set()
    }
}
