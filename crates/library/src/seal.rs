//! What a clean end leaves beside the database: how long its file is, and when it was last written.
//!
//! While that still holds, nobody but us has written the file, and opening need not read through the
//! tables for damage: with 50,000 pictures on a cold disk that takes longer than to make a picture.
//! Bits that rot in silence are found when they are met, and by `check`.

use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::Reader;
use crate::folder::{DATABASE, SEAL};

/// Seals the database, after the last change and with nothing left in its log.
pub(crate) fn set(library: &Reader) -> rusqlite::Result<()> {
    let busy: bool =
        library.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if let Some(state) = state(&library.folder).filter(|_| !busy) {
        // Without it the next one to open reads through the tables.
        let _ = std::fs::write(library.folder.join(SEAL), state);
    }
    Ok(())
}

/// Whether the database is as the last clean end left it.
pub(crate) fn holds(folder: &Path) -> bool {
    // Longer than any: what is not ours is not read whole.
    let small = |file: &std::fs::Metadata| file.is_file() && file.len() < 100;
    let path = folder.join(SEAL);
    std::fs::metadata(&path).is_ok_and(|file| small(&file))
        && state(folder)
            .is_some_and(|now| std::fs::read_to_string(path).is_ok_and(|then| then == now))
}

/// The database's file in words; none while its log holds changes.
fn state(folder: &Path) -> Option<String> {
    let log = std::fs::metadata(folder.join(format!("{DATABASE}-wal")));
    if log.is_ok_and(|log| log.len() > 0) {
        return None;
    }
    let file = std::fs::metadata(folder.join(DATABASE)).ok()?;
    let written = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("{} bytes, written {} ns after 1970\n", file.len(), written.as_nanos()))
}
