//! The trash: a mark on a picture's row. Its file stays where it is until it is purged.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, params};

use super::{pictures, recipes, tags, words};
use crate::{Library, LibraryError, PictureId, Result, Time, files, folder, thumbnails};

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
                self.delete_files(&trashed)?;
                self.write(|tx| delete_rows(tx, &trashed))?;
            }
            other => {
                other?;
                self.delete_files(&trashed)?;
            }
        }
        Ok(trashed.len() as u64)
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

    fn delete_files(&self, trashed: &[Trashed]) -> Result<()> {
        trashed.iter().try_for_each(|Trashed { id, path, .. }| {
            files::remove_file(path)?;
            thumbnails::remove(&self.folder, *id)
        })
    }

    /// Deletes all that is in the trash, for good.
    pub fn empty_trash(&self) -> Result<u64> {
        self.purge(&self.trashed_before(Time::MAX)?)
    }

    /// Deletes what has been in the trash for more than `days`.
    pub fn purge_expired(&self, days: u32, now: Time) -> Result<u64> {
        let before = now.saturating_sub(i64::from(days).saturating_mul(DAY));
        self.purge(&self.trashed_before(before)?)
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

fn delete_rows(connection: &Connection, trashed: &[Trashed]) -> Result<()> {
    for Trashed { number, .. } in trashed {
        words::unindex(connection, *number)?;
        connection.prepare_cached("DELETE FROM pictures WHERE number = ?1")?.execute([number])?;
    }
    tags::sweep(connection)?;
    recipes::sweep(connection)
}
