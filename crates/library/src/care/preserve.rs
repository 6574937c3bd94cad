//! A damaged database, copied as it was found.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::folder::{BACKUPS, DATABASE};
use crate::{LibraryError, Result, files};

/// What SQLite puts beside a database, and what belongs to one that is moved or copied.
pub(crate) const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// Copies the library's database, with what SQLite left beside it, and answers where the copy is.
/// The name comes from the content, so that opening it ten times makes one copy.
pub(crate) fn preserve(folder: &Path) -> Result<Option<PathBuf>> {
    let database = folder.join(DATABASE);
    if !std::fs::metadata(&database).is_ok_and(|file| file.len() > 0) {
        return Ok(None);
    }
    let hash = hash(&[database.clone(), beside(&database, "-wal")])?;
    let copy = folder.join(BACKUPS).join(format!("damaged-{}.sqlite", &hash[..12]));
    if copy.exists() {
        return Ok(Some(copy));
    }
    std::fs::create_dir_all(folder.join(BACKUPS))
        .map_err(|e| LibraryError::from_write(&copy, e))?;
    for suffix in BESIDE {
        // The index of a write-ahead log is made anew from the log.
        if suffix == "-wal" && beside(&database, suffix).exists() {
            copy_file(&beside(&database, suffix), &beside(&copy, suffix))?;
        }
    }
    // Last, since its being there says that the copy is whole.
    copy_file(&database, &copy)?;
    Ok(Some(copy))
}

/// The path of what SQLite calls after a database.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Copies a file so that it is whole or not there.
pub(crate) fn copy_file(from: &Path, to: &Path) -> Result<u64> {
    let part = beside(to, ".part");
    let copied = std::fs::copy(from, &part).and_then(|bytes| {
        File::options().write(true).open(&part)?.sync_all()?;
        std::fs::rename(&part, to)?;
        Ok(bytes)
    });
    let bytes = copied.map_err(|error| {
        let _ = std::fs::remove_file(&part);
        match std::fs::metadata(from) {
            Err(missing) => LibraryError::from_read(from, missing),
            Ok(_) => LibraryError::from_write(to, error),
        }
    })?;
    if let Some(folder) = to.parent() {
        files::sync_folder(folder);
    }
    Ok(bytes)
}

fn hash(paths: &[PathBuf]) -> Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    for path in paths {
        let Ok(mut file) = File::open(path) else { continue };
        loop {
            match file.read(&mut buffer).map_err(|error| LibraryError::from_read(path, error))? {
                0 => break,
                read => hash.update(&buffer[..read]),
            }
        }
    }
    Ok(format!("{:x}", hash.finalize()))
}
