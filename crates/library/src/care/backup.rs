//! Backups: the database through SQLite's online backup, and every file that it names.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use serde::Serialize;

use super::adopt::read_named;
use super::preserve::{BESIDE, beside, copy_file};
use crate::folder::{self, ASSETS, BACKUPS, DATABASE, LOCK, PICTURES};
use crate::library::{APPLICATION, version};
use crate::lock::Lock;
use crate::table::session;
use crate::{LibraryError, Reader, Result, SCHEMA, Time, files};

/// What was backed up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BackedUp {
    /// Pictures and assets that the backup has.
    pub files: u64,
    /// Those that it did not have before.
    pub copied: u64,
    /// Bytes that were copied for them.
    pub bytes: u64,
    /// Those that it does not have.
    pub lost: Vec<Lost>,
}

/// A file that a row names and that cannot be read. It keeps no other from being copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub problem: String,
}

/// What was brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Pictures and assets that the library has now.
    pub files: u64,
    /// The database that was there before, if there was one.
    pub replaced: Option<PathBuf>,
    /// Pictures and assets that the backup should have and that cannot be read there.
    pub lost: Vec<Lost>,
}

impl Reader {
    /// Copies the library into the folder `to`, while it is in use. A backup of this library that is
    /// there already is brought up to date: pictures never change, so only new ones are copied. The
    /// result is itself a library that can be opened; once somebody has, it is no backup any more.
    ///
    /// # Errors
    ///
    /// A [`LibraryError::Field`] `to` where anything else lies there, and [`LibraryError::InUse`] where
    /// it is open.
    pub fn backup(&self, to: &Path) -> Result<BackedUp> {
        let to = std::path::absolute(to).map_err(|e| LibraryError::from_read(to, e))?;
        let bad = |problem: &str| {
            let accepted = "an empty folder, or a backup of this library, outside of it";
            LibraryError::field("to", problem, accepted)
        };
        let (there, here) = (real(&to)?, real(&self.folder)?);
        if there.starts_with(&here) || here.starts_with(&there) {
            return Err(bad("a library cannot be backed up into itself"));
        }
        let database = to.join(DATABASE);
        let others = files::list(&to)?.into_iter().any(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            ![DATABASE, PICTURES, ASSETS, LOCK].contains(&name.as_str())
                && !name.starts_with(DATABASE)
        });
        if others && !database.exists() {
            return Err(bad("there is something else in the folder"));
        }
        std::fs::create_dir_all(&to).map_err(|e| LibraryError::from_write(&to, e))?;
        let _lock = Lock::take(&to)?;
        let identity = self.sorted(session::identity)?;
        let is_ours = |identity: &String| is_backup(&database, identity);
        if database.exists() && !identity.as_ref().is_some_and(is_ours) {
            return Err(bad("the database in the folder is no backup of this library"));
        }
        // The rows first: each file they name is there by then, and stays.
        let part = beside(&database, ".part");
        files::remove_file(&part)?;
        self.sorted(|connection| Ok(connection.backup("main", &part, None)?))
            .map_err(|error| error.at(&part))?;
        make_backup(&part).map_err(|error| error.at(&part))?;
        let done = copy_named(&part, &self.folder, &to, Trust::Length)?;
        files::sync_file(&part)?;
        for suffix in BESIDE {
            files::remove_file(&beside(&database, suffix))?;
            files::remove_file(&beside(&part, suffix))?;
        }
        std::fs::rename(&part, &database).map_err(|e| LibraryError::from_write(&database, e))?;
        files::sync_folder(&to);
        Ok(done)
    }
}

/// Makes the library at `folder` what the backup at `from` is. The database that is there is moved
/// into `backups/`; picture files that are there stay, but for those that are damaged, and those made
/// since the backup are taken in when the library is opened. `from` may also be one of the databases in
/// `backups/`, as they were before a repair, say: its pictures are those of the library.
pub fn restore(folder: &Path, from: &Path, now: Time) -> Result<Restored> {
    let (backup, from) = match from.is_file() {
        true => (from.to_owned(), folder),
        false => (from.join(DATABASE), from),
    };
    sound(&backup, from)?;
    std::fs::create_dir_all(folder).map_err(|e| LibraryError::from_write(folder, e))?;
    let _lock = Lock::take(folder)?;
    let database = folder.join(DATABASE);
    let part = beside(&database, ".restored");
    for suffix in BESIDE.into_iter().chain([""]) {
        files::remove_file(&beside(&part, suffix))?;
    }
    // Through SQLite: where somebody worked in the backup, a part of it may lie in its log.
    open_file(&backup)?
        .backup("main", &part, None)
        .map_err(|error| LibraryError::from(error).at(&backup))?;
    seem_open(&part, now).map_err(|error| error.at(&part))?;
    let done = copy_named(&part, from, folder, Trust::Content)?;
    files::sync_file(&part)?;
    // A log without its database would be read as the log of the one that comes.
    let there = |suffix| beside(&database, suffix).exists();
    let replaced = match BESIDE.into_iter().chain([""]).any(there) {
        true => Some(move_database(
            folder,
            &folder.join(BACKUPS).join(format!("replaced-{now}.sqlite")),
        )?),
        false => None,
    };
    std::fs::rename(&part, &database).map_err(|e| LibraryError::from_write(&database, e))?;
    files::sync_folder(folder);
    Ok(Restored { files: done.files, replaced, lost: done.lost })
}

/// A path without links and `..`, also where its end is not there yet.
fn real(path: &Path) -> Result<PathBuf> {
    for above in path.ancestors() {
        match above.canonicalize() {
            Ok(real) => return Ok(real.join(path.strip_prefix(above).unwrap_or(Path::new("")))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(LibraryError::from_read(above, error)),
        }
    }
    Ok(path.to_owned())
}

/// Whether a database is a backup of the library `identity`, that nobody has worked in since.
fn is_backup(database: &Path, identity: &str) -> bool {
    let of_us = || -> Result<bool> {
        let connection = open_file(database)?;
        let application: i32 =
            connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        Ok(application == APPLICATION && session::is_backup_of(&connection, identity)?)
    };
    // One that is damaged may be anybody's.
    of_us().unwrap_or(false)
}

/// Makes a backup of the copy of a database. Thumbnails are not backed up: they are made again where
/// it is opened.
fn make_backup(database: &Path) -> Result<()> {
    change_file(database, |connection| {
        connection.execute_batch("UPDATE pictures SET thumbnails = 0")?;
        match connection.column_exists(None, "session", "is_backup")? {
            true => connection.execute_batch("UPDATE session SET is_backup = 1"),
            false => Ok(()), // An old one, that nothing can be told of: the next takes another folder.
        }
    })
}

/// Makes a restored database look as if it was left open since its last picture, so that opening it
/// takes in what was made after it. What was in the trash then was put there now: it is not to go
/// before anybody has looked.
fn seem_open(database: &Path, now: Time) -> Result<()> {
    change_file(database, |connection| {
        connection.execute(
            "UPDATE pictures SET trashed_at = max(trashed_at, ?1) WHERE trashed_at IS NOT NULL",
            [now],
        )?;
        if !connection.table_exists(None, "session")? {
            return Ok(()); // A schema before the table: such a library never said.
        }
        // One of a day to come was made while the clock was wrong.
        connection.execute(
            "UPDATE session SET open_since = coalesce(
                 open_since, (SELECT max(created_at) FROM pictures WHERE created_at <= ?1), 0)",
            [now],
        )?;
        Ok(())
    })
}

/// Changes a database that nobody else has seen, and leaves it as one file, without a log beside it.
fn change_file(
    database: &Path,
    change: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> Result<()> {
    let connection = Connection::open(database)?;
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    change(&connection)?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// Moves the library's database, with what SQLite left beside it, to `to`.
pub(crate) fn move_database(folder: &Path, to: &Path) -> Result<PathBuf> {
    let database = folder.join(DATABASE);
    if let Some(above) = to.parent() {
        std::fs::create_dir_all(above).map_err(|e| LibraryError::from_write(above, e))?;
    }
    for suffix in BESIDE.into_iter().chain([""]) {
        let (from, to) = (beside(&database, suffix), beside(to, suffix));
        if from.exists() {
            std::fs::rename(&from, &to).map_err(|e| LibraryError::from_write(&to, e))?;
        }
    }
    Ok(to.to_owned())
}

/// A backup that is damaged must not take the place of anything.
fn sound(database: &Path, from: &Path) -> Result<()> {
    if !database.exists() {
        return Err(LibraryError::Gone { path: from.to_owned() });
    }
    let connection = open_file(database)?;
    let check = || -> Result<Option<String>> {
        let found = version(&connection)?;
        if found > SCHEMA {
            let folder = from.to_owned();
            return Err(LibraryError::Newer { folder, found, known: SCHEMA });
        }
        let application: i32 =
            connection.pragma_query_value(None, "application_id", |r| r.get(0))?;
        if application != APPLICATION {
            return Ok(Some("it is another program's database".to_owned()));
        }
        let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Ok((said != "ok").then_some(said))
    };
    match check().map_err(|error| error.at(database))? {
        None => Ok(()),
        Some(problem) => {
            Err(LibraryError::Damaged { folder: from.to_owned(), copy: None, problem })
        }
    }
}

/// A database that nobody writes to: read as one file.
pub(crate) fn open_file(database: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags);
    connection.map_err(|error| LibraryError::from(error).at(database))
}

/// When a file that is there already is taken for the one that is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Where it is as long: a backup is made often.
    Length,
    /// Where it is what its name says: a restore is to heal.
    Content,
}

/// Copies the files that a database names from one folder to another, but for those that are there.
/// What is damaged takes the place of nothing.
fn copy_named(database: &Path, from: &Path, to: &Path, trust: Trust) -> Result<BackedUp> {
    let mut done = BackedUp::default();
    let reader = Reader::open_copy(database, from)?;
    for path in reader.named_files()? {
        let inside = path.strip_prefix(from).expect("a library's files lie in its folder");
        let there = to.join(inside);
        done.files += 1;
        let length = |path: &Path| std::fs::metadata(path).map(|file| file.len()).ok();
        let whole = |path: &Path| {
            folder::read_name(path).is_some_and(|(id, _)| read_named(path, id).is_some())
        };
        if length(&there).is_some() {
            let same = length(&there) == length(&path);
            let trusted = if trust == Trust::Length { same } else { same && whole(&there) };
            if trusted || !whole(&path) {
                continue;
            }
        }
        let parent = there.parent().expect("a library's files lie in its folder");
        std::fs::create_dir_all(parent).map_err(|e| LibraryError::from_write(parent, e))?;
        match copy_file(&path, &there)? {
            Ok(bytes) => {
                done.copied += 1;
                done.bytes += bytes;
            }
            // What is lost already must not keep the others from being saved.
            Err(error) => {
                done.files -= 1;
                done.lost.push(Lost { path, problem: error.to_string() });
            }
        }
    }
    Ok(done)
}
