//! Repair: what a check found is mended. Nothing that might be wanted is deleted.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use likeness_picture::{Limits, PictureError, look_at, read_file};
use rusqlite::Connection;
use serde::Serialize;

use super::adopt::{adopt_asset, adopt_file, made_at};
use super::check::{Problem, Report, State};
use crate::folder::{self, ASSETS, BACKUPS, PICTURES};
use crate::table::{pictures, recipes, tags, trash, words};
use crate::time::day_of;
use crate::{Library, LibraryError, PictureId, Result, Time, files, thumbnails};

/// The folder for files that were in the wrong place or damaged.
const FOUND: &str = "found";

/// What was mended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Repaired {
    /// The database as it was before, if anything was changed in it.
    pub backup: Option<PathBuf>,
    /// Files that had no row, and have one now.
    pub adopted: u64,
    /// Rows whose file is lost. They are still in the backup.
    pub forgotten: u64,
    /// Files that are damaged, or no pictures, and lie in `found/` now.
    pub moved: Vec<PathBuf>,
    /// Unfinished files that were deleted.
    pub deleted: u64,
    /// Pictures whose thumbnails will be made again.
    pub thumbnails: u64,
    /// Pictures that the search knows again.
    pub indexed: u64,
    /// What cannot be mended here: a damaged database is rebuilt, and what cannot be read now may be
    /// read later.
    pub left: Vec<Problem>,
}

impl Library {
    /// Mends what [`crate::Reader::check`] reported. The library may have been used since then: each
    /// problem is looked at once more before it is mended.
    pub fn repair(&self, report: &Report, now: Time) -> Result<Repaired> {
        let mut done = Repaired::default();
        if report.is_clean() {
            return Ok(done);
        }
        done.backup = Some(self.copy_database(&format!("before-repair-{now}"))?);
        // A folder without anything is one whose disk is out: what is there may come back.
        let is_away = |name| files::list(&self.folder.join(name)).map(|there| there.is_empty());
        let away = Away { pictures: is_away(PICTURES)?, assets: is_away(ASSETS)? };
        // Files first: one that lies in another day's folder is what its row is missing.
        for problem in &report.problems {
            match problem {
                Problem::Unknown { path } => self.take_in(path, now, &mut done)?,
                Problem::PictureChanged { id, path } | Problem::AssetLost { id, path }
                    if matches!(State::of(path, *id), State::Changed) =>
                {
                    self.move_away(path, &mut done)?;
                }
                Problem::Unfinished { path } if !is_recent(path, now) => {
                    files::remove_file(path)?;
                    done.deleted += 1;
                }
                _ => {}
            }
        }
        self.write(|tx| {
            for problem in &report.problems {
                self.mend_row(tx, problem, &away, &mut done)?;
            }
            tags::sweep(tx)?;
            recipes::sweep(tx)
        })?;
        Ok(done)
    }

    fn mend_row(
        &self,
        tx: &Connection,
        problem: &Problem,
        away: &Away,
        done: &mut Repaired,
    ) -> Result<()> {
        match problem {
            Problem::PictureMissing { .. } if away.pictures => done.left.push(problem.clone()),
            Problem::AssetLost { .. } if away.assets => done.left.push(problem.clone()),
            Problem::PictureMissing { id, path } | Problem::PictureChanged { id, path } => {
                // Unless the file was found in another folder meanwhile.
                let place = pictures::place_of(tx, *id)?;
                let moved = place.is_some_and(|(day, format)| {
                    folder::picture_path(&self.folder, day, *id, format) != *path
                });
                if place.is_some() && !moved && is_lost(path, *id) {
                    let number = pictures::number_of(tx, *id)?;
                    words::unindex(tx, number)?;
                    tx.execute("DELETE FROM pictures WHERE number = ?1", [number])?;
                    thumbnails::remove(&self.folder, *id)?;
                    done.forgotten += 1;
                }
            }
            Problem::AssetLost { id, path } if is_lost(path, *id) => {
                done.forgotten += tx.execute("DELETE FROM assets WHERE id = ?1", [id])? as u64;
            }
            Problem::ThumbnailsMissing { id } => {
                tx.execute("UPDATE pictures SET thumbnails = 0 WHERE id = ?1", [id])?;
                done.thumbnails += 1;
            }
            Problem::Search { .. } => done.indexed = index_all(tx)?,
            Problem::Database { .. } | Problem::Unreadable { .. } => {
                done.left.push(problem.clone());
            }
            Problem::AssetLost { .. } | Problem::Unknown { .. } | Problem::Unfinished { .. } => {}
        }
        Ok(())
    }

    /// Gives a file its row, and the place that belongs to its content.
    fn take_in(&self, path: &Path, now: Time, done: &mut Repaired) -> Result<()> {
        let bytes = match read_file(path, Limits::default().bytes) {
            Ok(bytes) => bytes,
            Err(PictureError::Unreadable { source, .. })
                if source.kind() == ErrorKind::NotFound =>
            {
                return Ok(());
            }
            Err(PictureError::TooLarge { .. }) => return self.move_away(path, done),
            Err(error) => {
                let (path, problem) = (path.to_owned(), error.to_string());
                done.left.push(Problem::Unreadable { path, problem });
                return Ok(());
            }
        };
        let Ok(looks) = look_at(&bytes, &Limits::default()) else {
            return self.move_away(path, done);
        };
        let id = PictureId::of(&bytes);
        if self.sorted(|connection| trash::is_purged(connection, id, path, &self.folder))? {
            // Somebody deleted it for good, and the file could not go then.
            return files::remove_file(path);
        }
        if path.starts_with(self.folder.join(ASSETS)) {
            let right = folder::asset_path(&self.folder, id, looks.format);
            self.put(path, &right, &bytes)?;
            self.write(|tx| adopt_asset(tx, &right, "", now))?;
            done.adopted += 1;
            return Ok(());
        }
        let place = self.sorted(|connection| pictures::place_of(connection, id))?;
        if let Some((day, format)) = place {
            let named = folder::picture_path(&self.folder, day, id, format);
            if named == path {
                return Ok(());
            }
            if files::is_same(path, &named) {
                return rename(path, &named);
            }
            if named.is_file() {
                // A second copy of what is there already.
                return self.move_away(path, done);
            }
        }
        let day = path.parent().and_then(folder::read_day).unwrap_or_else(|| day_of(now));
        let right = folder::picture_path(&self.folder, day, id, looks.format);
        self.put(path, &right, &bytes)?;
        if place.is_some() {
            self.write(|tx| {
                let sql = "UPDATE pictures SET day = ?2, format = ?3 WHERE id = ?1";
                tx.execute(sql, rusqlite::params![id, day, looks.format.extension()])?;
                Ok(())
            })?;
        } else {
            let made_at = made_at(&right, day).min(now);
            if !adopt_file(self, &right, id, day, made_at)? {
                return Ok(()); // It went meanwhile.
            }
        }
        done.adopted += 1;
        Ok(())
    }

    /// Puts a file where it belongs.
    fn put(&self, path: &Path, right: &Path, bytes: &[u8]) -> Result<()> {
        if files::is_same(path, right) {
            return rename(path, right);
        }
        files::write_file(&self.folder, right, bytes)?;
        files::remove_file(path)
    }

    fn move_away(&self, path: &Path, done: &mut Repaired) -> Result<()> {
        let found = self.folder.join(FOUND);
        files::make_folder(&self.folder, &found)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let free = |number: &u32| !found.join(format!("{number}-{name}")).exists();
        let number = (0..).find(free).expect("some number is free");
        let to = found.join(format!("{number}-{name}"));
        rename(path, &to)?;
        done.moved.push(to);
        Ok(())
    }

    /// The database as it is, in `backups/`.
    fn copy_database(&self, name: &str) -> Result<PathBuf> {
        let backups = self.folder.join(BACKUPS);
        files::make_folder(&self.folder, &backups)?;
        let copy = backups.join(format!("{name}.sqlite"));
        self.sorted(|connection| Ok(connection.backup("main", &copy, None)?))?;
        files::sync_file(&copy)?;
        Ok(copy)
    }
}

/// Whether a folder of the library holds nothing at all.
struct Away {
    pictures: bool,
    assets: bool,
}

/// Whether the file of a row is gone, or what lies there is not it.
fn is_lost(path: &Path, id: PictureId) -> bool {
    matches!(State::of(path, id), State::Missing | State::Changed)
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).map_err(|error| LibraryError::from_write(to, error))
}

/// Whether a file may still be being written by a thread that stores a picture.
fn is_recent(path: &Path, now: Time) -> bool {
    let written = std::fs::metadata(path).and_then(|file| file.modified()).ok();
    let since = written.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since.is_some_and(|since| now.abs_diff(since.as_millis() as Time) < 60_000)
}

/// Makes the search index anew, with words for every picture.
pub(crate) fn index_all(connection: &Connection) -> Result<u64> {
    connection.execute_batch(
        "INSERT OR IGNORE INTO words (picture, prompt, negative) SELECT number, '', '' FROM pictures;
         DELETE FROM words WHERE picture NOT IN (SELECT number FROM pictures);
         INSERT INTO search (search) VALUES ('delete-all');",
    )?;
    let mut statement = connection.prepare("SELECT number FROM pictures ORDER BY number")?;
    let numbers: Vec<i64> =
        statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for number in &numbers {
        words::index(connection, *number)?;
    }
    Ok(numbers.len() as u64)
}
