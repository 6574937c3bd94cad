//! The trash: a mark on a picture's row. Its file stays where it is until it is purged.

use std::path::{Path, PathBuf};

use likeness_picture::Format;
use rusqlite::{Connection, OptionalExtension, params};

use super::{pictures, recipes, tags, words};
use crate::{Library, LibraryError, PictureId, Result, Time, files, folder, thumbnails};

/// The files of pictures that were deleted for good and may still be there: without this a kill
/// between the rows and the files, or a file that another program holds, brings a picture back.
pub(crate) const CREATE: &str = "
CREATE TABLE purged (
    id BLOB NOT NULL CHECK (length(id) = 32),
    day INTEGER NOT NULL,
    format TEXT NOT NULL,
    PRIMARY KEY (id, day, format)
) STRICT, WITHOUT ROWID;
";

const DAY: i64 = 24 * 60 * 60 * 1000;

impl Library {
    /// Puts pictures into the trash, and answers those that were not in it.
    pub fn trash(&self, ids: &[PictureId], now: Time) -> Result<Vec<PictureId>> {
        self.each(ids, |tx, number| {
            let sql =
                "UPDATE pictures SET trashed_at = ?2 WHERE number = ?1 AND trashed_at IS NULL";
            Ok(tx.prepare_cached(sql)?.execute(params![number, now])?)
        })
    }

    /// Takes pictures out of the trash, and answers those that were in it.
    pub fn restore(&self, ids: &[PictureId]) -> Result<Vec<PictureId>> {
        self.each(ids, |tx, number| {
            let sql = "UPDATE pictures SET trashed_at = NULL WHERE number = ?1 AND trashed_at IS NOT NULL";
            Ok(tx.prepare_cached(sql)?.execute([number])?)
        })
    }

    /// Deletes those of these pictures that are in the trash, for good, and answers how many.
    pub fn purge(&self, ids: &[PictureId]) -> Result<u64> {
        let trashed = self.sorted(|connection| self.trashed(connection, ids))?;
        match self.write(|tx| delete_rows(tx, &trashed)) {
            // Rows go before files: a file without a row can be taken in again, a row without its
            // file cannot. But a full disk has no room for writing down what is deleted, and this is
            // how a person makes some.
            Err(LibraryError::DiskFull { .. }) => {
                let removed = trashed.iter().map(|one| files::remove_file(&one.path));
                first_error(removed)?;
                self.write(|tx| delete_rows(tx, &trashed))?;
            }
            other => other?,
        }
        // Small copies of a picture are part of it; they go even where the picture cannot.
        let thumbnails = trashed.iter().map(|one| thumbnails::remove(&self.folder, one.id));
        let thumbnails = first_error(thumbnails);
        self.finish_purge()?;
        thumbnails?;
        Ok(trashed.len() as u64)
    }

    /// Deletes the files of pictures that were deleted for good: all that can be, whatever one of them
    /// says. What is left is tried again when the library is opened and with the next purge.
    pub(crate) fn finish_purge(&self) -> Result<()> {
        let left = self.sorted(purged)?;
        if left.is_empty() {
            return Ok(());
        }
        let (mut gone, mut failed) = (Vec::new(), Ok(()));
        for (id, day, format) in left {
            let named = self.sorted(|connection| pictures::place_of(connection, id))?;
            // Made again meanwhile: the file is a picture's.
            let removed = match named == Some((day, format)) {
                true => Ok(()),
                false => files::remove_file(&folder::picture_path(&self.folder, day, id, format)),
            };
            // A kill may have come before its small copies went.
            let removed = match named {
                Some(_) => removed,
                None => removed.and(thumbnails::remove(&self.folder, id)),
            };
            match removed {
                Ok(()) => gone.push((id, day, format)),
                Err(error) => failed = failed.and(Err(error)),
            }
        }
        let noted = self.write(|tx| {
            let sql = "DELETE FROM purged WHERE id = ?1 AND day = ?2 AND format = ?3";
            for (id, day, format) in gone {
                tx.prepare_cached(sql)?.execute(params![id, day, format.extension()])?;
            }
            Ok(())
        });
        match noted {
            // Finding once more that they are gone costs nothing.
            Err(LibraryError::DiskFull { .. }) => failed,
            noted => failed.and(noted),
        }
    }

    /// The numbers and files of those of these pictures that are in the trash.
    fn trashed(&self, connection: &Connection, ids: &[PictureId]) -> Result<Vec<Trashed>> {
        let mut found = Vec::new();
        for &id in ids {
            let mut statement = connection.prepare_cached(
                "SELECT number, day, format FROM pictures WHERE id = ?1 AND trashed_at IS NOT NULL",
            )?;
            let row = statement.query_row([id], |row| {
                Ok((row.get(0)?, row.get(1)?, pictures::read_format(row, 2)?))
            });
            if let Some((number, day, format)) = row.optional()? {
                let path = folder::picture_path(&self.folder, day, id, format);
                found.push(Trashed { id, number, path });
            }
        }
        Ok(found)
    }

    /// Deletes all that is in the trash, for good.
    pub fn empty_trash(&self) -> Result<u64> {
        self.purge(&self.trashed_before(Time::MAX)?)
    }

    /// Deletes what has been in the trash for more than `days` by two readings of the clock: one of
    /// `before` and one of `now`. One alone may be wrong by years.
    pub fn purge_expired(&self, days: u32, before: Time, now: Time) -> Result<u64> {
        let before = now.min(before).saturating_sub(i64::from(days).saturating_mul(DAY));
        match self.trashed_before(before)?.as_slice() {
            [] => Ok(0),
            expired => self.purge(expired),
        }
    }

    fn trashed_before(&self, time: Time) -> Result<Vec<PictureId>> {
        self.sorted(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id FROM pictures WHERE trashed_at IS NOT NULL AND trashed_at < ?1",
            )?;
            let rows = statement.query_map([time], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn each(
        &self,
        ids: &[PictureId],
        change: impl Fn(&Connection, i64) -> Result<usize>,
    ) -> Result<Vec<PictureId>> {
        self.write(|tx| {
            let mut changed = Vec::new();
            for &id in ids {
                if change(tx, pictures::number_of(tx, id)?)? > 0 {
                    changed.push(id);
                }
            }
            Ok(changed)
        })
    }
}

/// A picture that is to be deleted.
struct Trashed {
    id: PictureId,
    number: i64,
    path: PathBuf,
}

/// The first error of several things that are all done.
fn first_error(done: impl Iterator<Item = Result<()>>) -> Result<()> {
    let failed: Vec<_> = done.filter_map(Result::err).collect();
    failed.into_iter().next().map_or(Ok(()), Err)
}

/// Files that are to go: picture, day, format.
fn purged(connection: &Connection) -> Result<Vec<(PictureId, i64, Format)>> {
    let mut statement = connection.prepare_cached("SELECT id, day, format FROM purged")?;
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, pictures::read_format(row, 2)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether `path`, in the library at `folder`, is a file of `id` that is to go.
pub(crate) fn is_purged(
    connection: &Connection,
    id: PictureId,
    path: &Path,
    folder: &Path,
) -> Result<bool> {
    let found = purged(connection)?;
    Ok(found.into_iter().any(|(purged, day, format)| {
        purged == id && folder::picture_path(folder, day, id, format) == path
    }))
}

fn delete_rows(connection: &Connection, trashed: &[Trashed]) -> Result<()> {
    for Trashed { number, .. } in trashed {
        words::unindex(connection, *number)?;
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO purged (id, day, format)
                 SELECT id, day, format FROM pictures WHERE number = ?1",
            )?
            .execute([number])?;
        connection.prepare_cached("DELETE FROM pictures WHERE number = ?1")?.execute([number])?;
    }
    tags::sweep(connection)?;
    recipes::sweep(connection)
}
