//! Rebuild: the database from the picture files alone, and from what an old one still gives.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::Serialize;

use super::adopt::{adopt_asset, made_at, read_named};
use super::backup::move_database;
use super::preserve::{BESIDE, beside, preserve};
use super::salvage::{Salvage, Salvaged};
use crate::folder::{self, ASSETS, DATABASE, PICTURES};
use crate::library::{APPLICATION, migrate, set_up};
use crate::lock::Lock;
use crate::table::pictures;
use crate::{LibraryError, NewPicture, PictureId, Result, Time, files};

/// What a rebuilt library has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Rebuilt {
    /// Pictures.
    pub pictures: u64,
    /// Assets.
    pub assets: u64,
    /// What came from the old database and is in no file.
    pub salvaged: Salvaged,
    /// Files that are damaged or no pictures, and were left where they are.
    pub unreadable: Vec<PathBuf>,
    /// The old database, if there was one.
    pub old: Option<PathBuf>,
}

/// What comes after the name of a database that is moved aside, before the time.
const DAMAGED: &str = ".damaged-";

/// Makes the database of the library at `folder` anew. The old one is moved aside as
/// `library.sqlite.damaged-<now>`, and only once the new one is whole.
pub fn rebuild(folder: &Path, now: Time) -> Result<Rebuilt> {
    let folder = &std::path::absolute(folder).map_err(|e| LibraryError::from_read(folder, e))?;
    let lock = Lock::take(folder)?;
    let database = folder.join(DATABASE);
    let part = beside(&database, ".rebuilt");
    remove_with_beside(&part)?;
    // Read from a copy: opening a database may write into it.
    let copy = preserve(folder)?.or_else(|| moved_aside(folder));
    let salvage = copy.as_deref().map(Salvage::open).unwrap_or_default();
    let mut done = fill(&part, folder, &salvage, now).map_err(|error| error.at(&part))?;
    files::sync_file(&part)?;
    if database.exists() {
        let old = beside(&database, &format!("{DAMAGED}{now}"));
        done.old = Some(move_database(folder, &old)?);
    }
    std::fs::rename(&part, &database).map_err(|e| LibraryError::from_write(&database, e))?;
    files::sync_folder(folder);
    drop(lock);
    Ok(done)
}

/// The database that a rebuild moved aside last: where it was killed before the new one had its name, this
/// is all there is of marks and boards.
fn moved_aside(folder: &Path) -> Option<PathBuf> {
    let prefix = format!("{DATABASE}{DAMAGED}");
    let moved = |path: &PathBuf| {
        let time = path.file_name()?.to_str()?.strip_prefix(&prefix)?.parse::<Time>().ok()?;
        Some((time, path.clone()))
    };
    files::list(folder).ok()?.iter().filter_map(moved).max().map(|(_, path)| path)
}

fn fill(part: &Path, folder: &Path, salvage: &Salvage, now: Time) -> Result<Rebuilt> {
    let mut connection = Connection::open(part)?;
    set_up(&connection)?;
    // Nobody else sees it before it is whole, and it is synced then.
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    migrate(&mut connection, folder)?;
    let mut done = Rebuilt::default();
    let transaction = connection.transaction()?;
    // In the order in which they were made: their numbers are the order of the library.
    let mut found = Vec::new();
    for path in files::walk(&folder.join(PICTURES))? {
        let named = folder::read_name(&path).zip(path.parent().and_then(folder::read_day));
        match named {
            Some(((id, _), day)) if salvage.is_purged(id, day) => {}
            Some(((id, _), day)) => {
                let number = salvage.number_of(id).unwrap_or(i64::MAX);
                found.push((
                    number,
                    salvage.made_at(id).unwrap_or_else(|| made_at(&path, day)),
                    id,
                    day,
                    path,
                ));
            }
            None => done.unreadable.push(path),
        }
    }
    found.sort();
    for (_, made_at, id, day, path) in found {
        match add(&transaction, &path, id, day, made_at)? {
            true => done.pictures += 1,
            false => done.unreadable.push(path),
        }
    }
    for path in files::walk(&folder.join(ASSETS))? {
        let name = folder::read_name(&path).and_then(|(id, _)| salvage.asset_name(id));
        match adopt_asset(&transaction, &path, &name.unwrap_or_default(), now)? {
            true => done.assets += 1,
            false => done.unreadable.push(path),
        }
    }
    done.salvaged = salvage.put_into(&transaction, now)?;
    transaction.commit()?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(done)
}

/// Reads a file and makes its rows, if it is what its name says.
fn add(
    connection: &Connection,
    path: &Path,
    id: PictureId,
    day: i64,
    made_at: Time,
) -> Result<bool> {
    let Some(bytes) = read_named(path, id) else { return Ok(false) };
    let Ok(picture) = NewPicture::read(&bytes) else { return Ok(false) };
    pictures::insert(connection, id, &picture, day, made_at)
}

fn remove_with_beside(database: &Path) -> Result<()> {
    BESIDE
        .into_iter()
        .chain([""])
        .try_for_each(|suffix| files::remove_file(&beside(database, suffix)))
}
