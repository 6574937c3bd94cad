//! Files, whole or not at all.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use crate::PictureError;
use crate::decode::too_many_bytes;

/// What to do where a file of that name is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Put the new one in its place.
    Replace,
    /// Leave it, and answer [`PictureError::Exists`].
    Keep,
}

/// Reads all of a file that has at most `limit` bytes.
pub fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, PictureError> {
    let unreadable = |source| PictureError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // One byte more than allowed shows that there is more; what a pipe will give, no length tells.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(too_many_bytes(limit));
    }
    Ok(bytes)
}

/// Writes `bytes` beside `path`, makes sure that they are on the disk, then gives them the name. On
/// any error nothing is left behind, and a file that was there is untouched.
pub fn write_whole(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), PictureError> {
    let failed = |source| PictureError::from_write(path, source);
    if existing == Existing::Replace {
        check_replaceable(path)?;
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".likeness-").suffix(".part");
    // A temporary file is private by default; a picture is as readable as its owner wants files to be.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut aside = builder.tempfile_in(folder).map_err(failed)?;
    aside.write_all(bytes).and_then(|()| aside.as_file().sync_all()).map_err(failed)?;
    let renamed = match existing {
        Existing::Replace => aside.persist(path),
        Existing::Keep => aside.persist_noclobber(path),
    };
    renamed.map_err(|error| failed(error.error))?;
    sync_folder(folder);
    Ok(())
}

/// Refuses a name that a device, a pipe or a socket has: a file that took its place would take it away
/// from everybody on the machine.
fn check_replaceable(path: &Path) -> Result<(), PictureError> {
    match std::fs::metadata(path) {
        Ok(there) if !there.is_file() && !there.is_dir() => {
            let problem = "this is a device, a pipe or a socket, and a file would take its place";
            let source = std::io::Error::new(std::io::ErrorKind::InvalidInput, problem);
            Err(PictureError::Unwritable { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Whether a file or folder lies in `folder`, or would: also where links, `..` or another spelling lead
/// there. The folder is there; so a path with an end that is not can only lead into it through what is.
pub fn lies_within(path: &Path, folder: &Path) -> bool {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let real = path.ancestors().find_map(|above| above.canonicalize().ok());
    real.is_some_and(|real| folder.canonicalize().is_ok_and(|folder| real.starts_with(folder)))
}

/// The new name is only certain to outlive a power cut once the folder is written too. Where a
/// system has no such thing the picture is there all the same.
fn sync_folder(folder: &Path) {
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    #[cfg(not(unix))]
    let _ = folder;
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn nothing_is_left_beside_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        write_whole(&path, b"one", Existing::Keep).unwrap();
        let again = write_whole(&path, b"two", Existing::Keep);
        assert!(matches!(again, Err(PictureError::Exists { .. })), "{again:?}");
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        write_whole(&path, b"two", Existing::Replace).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["a.png"]);
    }

    #[test]
    fn a_folder_in_the_way_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::create_dir_all(path.join("inside")).unwrap();
        let refused = write_whole(&path, b"one", Existing::Replace).unwrap_err();
        assert!(refused.is_storage(), "{refused}");
        assert_eq!(names(folder.path()), ["a.png"], "no temporary file stays");
    }

    #[cfg(unix)]
    #[test]
    fn nothing_but_a_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let refused = write_whole(&path, b"one", Existing::Replace).unwrap_err();
        assert!(refused.is_storage() && refused.to_string().contains("a socket"), "{refused}");
        drop(socket);
        assert!(!std::fs::metadata(&path).unwrap().is_file(), "it is still there");
        assert_eq!(names(folder.path()), ["a.png"]);
    }

    #[test]
    fn the_kinds_of_failure_are_told_apart() {
        let path = Path::new("a.png");
        let full = PictureError::from_write(path, Error::from(ErrorKind::StorageFull));
        assert!(matches!(full, PictureError::DiskFull { .. }) && full.is_storage());
        let missing =
            write_whole(Path::new("no/such/folder/a.png"), b"", Existing::Keep).unwrap_err();
        assert!(matches!(missing, PictureError::Unwritable { .. }), "{missing}");
        let unreadable = read_file(Path::new("no/such/file"), 9).unwrap_err();
        assert!(matches!(unreadable, PictureError::Unreadable { .. }) && !unreadable.is_storage());
    }

    #[cfg(unix)]
    #[test]
    fn a_picture_is_not_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("a.png"), folder.path().join("b"));
        write_whole(&ours, b"", Existing::Keep).unwrap();
        std::fs::write(&plain, b"").unwrap();
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn a_file_over_the_limit_is_not_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, [0; 9]).unwrap();
        assert!(matches!(read_file(&path, 8), Err(PictureError::TooLarge { .. })));
        assert_eq!(read_file(&path, 9).unwrap().len(), 9);
    }
}
