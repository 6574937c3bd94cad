//! Files of the library, whole or not at all.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::folder::{ASIDE, DATABASE};
use crate::{LibraryError, Result};

/// Writes `bytes` in the library's folder for files that are being written, makes sure that they are
/// on the disk, then gives them their name. A file of that name is left if it holds these bytes, and
/// replaced if it does not: names here are hashes, so what it holds is damage.
///
/// All unfinished files lie in one folder, so that after a crash they are found without a search.
pub(crate) fn write_file(folder: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    if holds(path, bytes) {
        return Ok(());
    }
    let parent = path.parent().expect("a file of the library lies in a folder");
    make_folder(folder, parent)?;
    let aside = folder.join(ASIDE);
    make_folder(folder, &aside)?;
    let failed = |error| LibraryError::from_write(path, error);
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    // A temporary file is private by default; a picture is as readable as its owner wants files to be.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(&aside).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    sync_folder(parent);
    Ok(())
}

/// How the names of unfinished files begin. Whatever else lies beside them is not ours to delete: any
/// folder may be chosen for a library.
const UNFINISHED: &str = ".likeness-";

/// Whether this is a file that was being written when the program ended.
pub(crate) fn is_unfinished(path: &Path) -> bool {
    let ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(UNFINISHED));
    ours && std::fs::symlink_metadata(path).is_ok_and(|file| file.is_file())
}

fn holds(path: &Path, bytes: &[u8]) -> bool {
    // Most files are new; one that is there is as long as a picture, not longer.
    std::fs::metadata(path).is_ok_and(|file| file.len() == bytes.len() as u64)
        && std::fs::read(path).is_ok_and(|found| found == bytes)
}

/// Whether two names lead to the same entry of one folder, as where a system takes capitals for small
/// letters: what is done to one of them is done to both. Two links to a file are two.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let file = |path: &Path| {
            std::fs::symlink_metadata(path).map(|it| (it.dev(), it.ino(), it.nlink())).ok()
        };
        matches!((file(one), file(other)), (Some(a), Some(b)) if one == other || a == b && a.2 == 1)
    }
    #[cfg(not(unix))]
    matches!((one.canonicalize(), other.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Makes `wanted`, inside the library that is at `folder`. The library's own folder is never made
/// here: where it is gone, as with a disk that was taken out, a new one would swallow pictures.
pub(crate) fn make_folder(folder: &Path, wanted: &Path) -> Result<()> {
    if wanted.is_dir() {
        return Ok(());
    }
    still_there(folder)?;
    std::fs::create_dir_all(wanted).map_err(|error| LibraryError::from_write(wanted, error))?;
    // Each new folder is an entry in the one above it.
    for above in wanted.ancestors().skip(1).take_while(|above| above.starts_with(folder)) {
        sync_folder(above);
    }
    Ok(())
}

/// That the database is still where it was opened. SQLite would go on writing into a file that has
/// been deleted.
pub(crate) fn still_there(folder: &Path) -> Result<()> {
    match std::fs::metadata(folder.join(DATABASE)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(LibraryError::Gone { path: folder.to_owned() })
        }
        Err(error) => Err(LibraryError::from_read(folder, error)),
    }
}

/// Deletes what a crash left unfinished.
pub(crate) fn clear_aside(folder: &Path) -> Result<()> {
    let aside = folder.join(ASIDE);
    if aside.is_symlink() {
        return Ok(());
    }
    list(&aside)?.iter().filter(|path| is_unfinished(path)).try_for_each(|path| remove_file(path))
}

/// Deletes a file; that it is not there is what was wanted.
pub(crate) fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(LibraryError::from_write(path, error))
        }
        _ => Ok(()),
    }
}

/// What lies in a folder, in order of name; nothing where there is no such folder.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error| LibraryError::from_read(folder, error);
    let entries = match std::fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        entries => entries.map_err(failed)?,
    };
    let paths: std::io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(failed)?;
    paths.sort();
    Ok(paths)
}

/// Deeper than any folder of ours.
const DEPTH: u32 = 8;

/// Every file in a folder and below it, in order. Links are not followed: what they lead to is not
/// the library's.
pub(crate) fn walk(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    walk_into(folder, DEPTH, &mut found)?;
    Ok(found)
}

fn walk_into(folder: &Path, depth: u32, found: &mut Vec<PathBuf>) -> Result<()> {
    for path in list(folder)? {
        match std::fs::symlink_metadata(&path) {
            Ok(it) if it.is_file() => found.push(path),
            Ok(it) if it.is_dir() && depth > 0 => walk_into(&path, depth - 1, found)?,
            _ => {}
        }
    }
    Ok(())
}

/// A new name is only certain to outlive a power cut once its folder is written too. Where a system
/// has no such thing the file is there all the same.
pub(crate) fn sync_folder(folder: &Path) {
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    #[cfg(not(unix))]
    let _ = folder;
}

/// That all of a file is on the disk.
pub(crate) fn sync_file(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| LibraryError::from_write(path, error))
}
