//! A damaged database, copied as it was found.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
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
    let copy_at = folder.join(BACKUPS).join(format!("damaged-{}.sqlite", &hash[..12]));
    if copy_at.exists() {
        return Ok(Some(copy_at));
    }
    std::fs::create_dir_all(folder.join(BACKUPS))
        .map_err(|e| LibraryError::from_write(&copy_at, e))?;
    let copy = |from: &Path, to: &Path| -> Result<u64> {
        copy_file(from, to)?.map_err(|error| LibraryError::from_read(from, error))
    };
    for suffix in BESIDE {
        // The index of a write-ahead log is made anew from the log.
        if suffix == "-wal" && beside(&database, suffix).exists() {
            copy(&beside(&database, suffix), &beside(&copy_at, suffix))?;
        }
    }
    // Last, since its being there says that the copy is whole.
    copy(&database, &copy_at)?;
    Ok(Some(copy_at))
}

/// The path of what SQLite calls after a database.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Copies a file so that it is whole or not there, and answers how many bytes that were, or why it
/// cannot be read. The copy may be written to, whatever its original may.
///
/// # Errors
///
/// What is wrong with the place that it is copied to.
pub(crate) fn copy_file(from: &Path, to: &Path) -> Result<std::io::Result<u64>> {
    let part = beside(to, ".part");
    files::remove_file(&part)?;
    let copied = copy_into(from, &part).and_then(|copied| {
        if copied.is_ok() {
            std::fs::rename(&part, to)?;
        }
        Ok(copied)
    });
    if !matches!(copied, Ok(Ok(_))) {
        let _ = std::fs::remove_file(&part);
    } else if let Some(folder) = to.parent() {
        files::sync_folder(folder);
    }
    copied.map_err(|error| LibraryError::from_write(to, error))
}

/// The inner error is of `from`, the outer one of `to`.
fn copy_into(from: &Path, to: &Path) -> std::io::Result<std::io::Result<u64>> {
    let mut source = match File::open(from) {
        Ok(source) => source,
        Err(error) => return Ok(Err(error)),
    };
    let (mut file, mut buffer, mut bytes) = (File::create_new(to)?, vec![0; 1 << 18], 0);
    loop {
        match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                file.write_all(&buffer[..read])?;
                bytes += read as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    file.sync_all()?;
    Ok(Ok(bytes))
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
