//! Care of the library: commands for a studio that is open, and functions for one that may not open.

use std::path::{Path, PathBuf};
use std::time::Duration;

use likeness_library::care::{
    self, BackedUp, Depth, Exported, Problem, Rebuilt, Repaired, Report, Restored,
};
use likeness_library::{Library, LibraryError, Reader};

pub use likeness_library::care::Lost;

use crate::api::{
    Event, Filter, LibraryProblem, LibraryRepaired, LibraryReport, Nothing, Page, PathRequest,
    Unused, UnusedRequest,
};
use crate::pictures::{card, filter};
use crate::queue::count;
use crate::{ErrorCode, Studio, StudioError};

impl Studio {
    /// Holds the library's rows against its files.
    pub fn library_check(&self, _: Nothing) -> Result<LibraryReport, StudioError> {
        // Over a connection of its own: it takes as long as the disk, and a grid should not wait for it.
        check(&self.shared.folder, false)
    }

    /// Mends what a check found.
    pub fn library_repair(&self, _: Nothing) -> Result<LibraryRepaired, StudioError> {
        let now = self.shared.now();
        let report = standing(&self.shared.folder, Depth::Full)?;
        let repaired = self.shared.write(|library| library.repair(&report, now))?;
        self.shared.thumbnails.wake();
        self.shared.tell(Event::Pictures { ids: Vec::new() });
        Ok(repaired.into())
    }

    /// Writes a copy of the whole library into a folder.
    pub fn library_backup(&self, asked: PathRequest) -> Result<Nothing, StudioError> {
        let lost = backup(&self.shared.folder, Path::new(&asked.path))?.lost;
        let Some(first) = lost.first() else { return Ok(Nothing {}) };
        // All else is there.
        Err(StudioError::new(
            ErrorCode::Storage,
            format!(
                "the backup lacks {} files that cannot be read, such as {}: {} \
                 (accepted: a check of the library, which names all of them)",
                lost.len(),
                first.path.display(),
                first.problem
            ),
        ))
    }
}

impl Studio {
    /// References, starting pictures and masks that nothing needs any more: counted, or deleted.
    pub fn library_unused(&self, asked: UnusedRequest) -> Result<Unused, StudioError> {
        // What came in just now may be on its way into a request, or be brought back by an undo.
        const MOMENTS_AGO: i64 = 60 * 60 * 1000;
        let kept = asked.kept.iter().map(|id| id.parse()).collect::<Result<Vec<_>, _>>()?;
        let before = self.shared.now() - MOMENTS_AGO;
        let unused = self.shared.write(|library| {
            let unused = library.unused_assets(&kept, before)?;
            if asked.remove {
                let ids: Vec<_> = unused.iter().map(|(id, _)| *id).collect();
                library.remove_assets(&ids)?;
            }
            Ok(unused)
        })?;
        let bytes = unused.iter().map(|(_, bytes)| bytes).sum();
        Ok(Unused { count: count(unused.len() as u64), bytes })
    }
}

/// Holds the rows of the library at `folder` against its files; `all` reads every byte of them. Also
/// while it is open elsewhere.
pub fn check(folder: &Path, all: bool) -> Result<LibraryReport, StudioError> {
    let depth = if all { Depth::Full } else { Depth::Quick };
    let report = standing(folder, depth)?;
    Ok(LibraryReport {
        pictures: count(report.pictures),
        problems: report.problems.iter().map(problem).collect(),
    })
}

/// What is wrong at two looks, some moments apart. A library that is open has files under way: written
/// and not yet named by a row, or still aside.
fn standing(folder: &Path, depth: Depth) -> Result<Report, StudioError> {
    const MOMENTS: Duration = Duration::from_millis(500);
    let reader = Reader::open(folder)?;
    let mut report = reader.check(depth)?;
    if !report.problems.is_empty() {
        std::thread::sleep(MOMENTS);
        let again = reader.check(depth)?;
        report.problems.retain(|problem| again.problems.contains(problem));
    }
    Ok(report)
}

/// Mends what a check of the library at `folder` finds.
pub fn repair(folder: &Path, now: i64) -> Result<LibraryRepaired, StudioError> {
    let library = Library::open_there(folder, now)?;
    let report = library.check(Depth::Full)?;
    Ok(library.repair(&report, now)?.into())
}

/// Makes the database of the library at `folder` anew, from its picture files alone and whatever can
/// still be read of the old one, which is moved aside. Where there is neither, as on the mount point of a
/// disk that is out, there is nothing to make it from: an empty one would hide the library that was there.
pub fn rebuild(folder: &Path, now: i64) -> Result<Rebuilt, LibraryError> {
    Library::must_be_there(folder)?;
    care::rebuild(folder, now)
}

/// Copies the library at `folder` into another folder, also while it is open elsewhere.
pub fn backup(folder: &Path, to: &Path) -> Result<BackedUp, StudioError> {
    Ok(Reader::open(folder)?.backup(to)?)
}

/// Makes the library at `folder` what the backup at `from` is.
pub fn restore(folder: &Path, from: &Path, now: i64) -> Result<Restored, StudioError> {
    Ok(care::restore(folder, from, now)?)
}

/// Copies the pictures that a filter lets through into a folder, with a list of all that is known of
/// them.
pub fn export(folder: &Path, of: Filter, to: &Path) -> Result<Exported, StudioError> {
    Ok(Reader::open(folder)?.export(&filter(of), to)?)
}

/// The file of a picture or of something that requests use, by its hash, in the library at `folder`; also
/// while that is open elsewhere.
pub fn asset_file(folder: &Path, sha256: &str) -> Result<PathBuf, StudioError> {
    Ok(Reader::open(folder)?.asset_path(sha256.parse()?)?)
}

/// A stretch of the pictures of the library at `folder`, with the files of each, also while it is open
/// elsewhere.
pub fn list(
    folder: &Path,
    of: Filter,
    after: Option<&str>,
    limit: u32,
) -> Result<(Page, Vec<PathBuf>), StudioError> {
    let after = after.map(str::parse).transpose()?;
    let page = Reader::open(folder)?.page(&filter(of), after, limit)?;
    let paths = page.items.iter().map(|row| row.path.clone()).collect();
    let page = Page {
        items: page.items.into_iter().map(card).collect(),
        next: page.next.map(|cursor| cursor.to_string()),
        total: count(page.total),
    };
    Ok((page, paths))
}

fn problem(problem: &Problem) -> LibraryProblem {
    let shown = |path: &Path| path.display().to_string();
    let (kind, subject, message) = match problem {
        Problem::Database { problem } => {
            ("database", String::new(), format!("The database is damaged: {problem}"))
        }
        Problem::Search { pictures } => (
            "search",
            String::new(),
            format!("The search does not know what {pictures} pictures say"),
        ),
        Problem::PictureMissing { id, path } => {
            ("picture_missing", id.hex(), format!("{} is not there", shown(path)))
        }
        Problem::PictureChanged { id, path } => {
            ("picture_changed", id.hex(), format!("{} is not what it was", shown(path)))
        }
        Problem::AssetLost { id, path } => {
            ("asset_lost", id.hex(), format!("{} is not there, or not what it was", shown(path)))
        }
        Problem::Unreadable { path, problem } => {
            ("unreadable", shown(path), format!("{} cannot be read now: {problem}", shown(path)))
        }
        Problem::Unknown { path } => {
            ("unknown", shown(path), format!("{} has no row", shown(path)))
        }
        Problem::Unfinished { path } => {
            ("unfinished", shown(path), format!("{} was never finished", shown(path)))
        }
        Problem::ThumbnailsMissing { id } => {
            ("thumbnails_missing", id.hex(), format!("The thumbnails of {id} are not there"))
        }
    };
    LibraryProblem { kind: kind.to_owned(), subject, message }
}

impl From<Repaired> for LibraryRepaired {
    fn from(repaired: Repaired) -> Self {
        let mut done = Vec::new();
        let mut note = |count: u64, what: &str| {
            if count > 0 {
                done.push(format!("{count} {what}"));
            }
        };
        note(repaired.adopted, "files without a row have one now");
        note(repaired.forgotten, "rows whose file is lost were forgotten");
        note(
            repaired.moved.len() as u64,
            "files that are damaged or no pictures lie in found/ now",
        );
        note(repaired.deleted, "unfinished files were deleted");
        note(repaired.thumbnails, "pictures get their thumbnails again");
        note(repaired.indexed, "pictures can be searched for again");
        if let Some(backup) = repaired.backup {
            let backup = backup.display();
            done.push(format!(
                "the database as it was is {backup} (likeness library restore brings it back)"
            ));
        }
        Self { done, left: repaired.left.iter().map(problem).collect() }
    }
}
