//! Assets: pictures that requests use and that are not pictures of the library themselves, such as
//! references, starting pictures and masks. A picture of the library serves as one as it is.

use std::collections::HashSet;
use std::path::PathBuf;

use likeness_picture::{Format, Limits, look_at};
use rusqlite::{Connection, OptionalExtension, params};

use super::pictures::{self, read_format};
use crate::{AnyId, Library, LibraryError, Reader, Result, Time, files, folder, thumbnails};

pub(crate) const CREATE: &str = "
CREATE TABLE assets (
    id BLOB PRIMARY KEY CHECK (length(id) = 32),
    format TEXT NOT NULL,
    name TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    alpha INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    added_at INTEGER NOT NULL
) STRICT;
";

/// Most characters of an asset's name.
const NAME: usize = 200;

/// A picture that a request may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// The hash of its file.
    pub sha256: AnyId,
    /// What the file was called, or the first words of a picture's prompt.
    pub name: String,
    /// Pixels from left to right, upright.
    pub width: u32,
    /// Pixels from top to bottom, upright.
    pub height: u32,
    /// Whether it has an alpha channel.
    pub alpha: bool,
}

impl Library {
    /// Keeps a picture file for requests to use. A file that is there already keeps its first name.
    pub fn add_asset(&self, bytes: &[u8], name: &str, now: Time) -> Result<Asset> {
        let id = AnyId::of(bytes);
        if let Some(asset) = self.find_asset(id)? {
            return Ok(asset);
        }
        let looks = look_at(bytes, &Limits::default())
            .map_err(|e| LibraryError::from_picture(name.as_ref(), e))?;
        let asset = Asset {
            sha256: id,
            name: name.chars().filter(|c| !c.is_control()).take(NAME).collect(),
            width: looks.width,
            height: looks.height,
            alpha: looks.alpha,
        };
        let path = folder::asset_path(&self.folder, id, looks.format);
        files::write_file(&self.folder, &path, bytes)?;
        self.write(|tx| insert(tx, &asset, looks.format, bytes.len() as u64, now))?;
        Ok(asset)
    }
}

impl Library {
    /// Deletes assets for good.
    pub fn remove_assets(&self, ids: &[AnyId]) -> Result<()> {
        let paths = ids.iter().map(|&id| self.asset_path(id)).collect::<Result<Vec<_>>>()?;
        self.write(|tx| {
            let mut statement = tx.prepare_cached("DELETE FROM assets WHERE id = ?1")?;
            ids.iter().try_for_each(|id| statement.execute([id]).map(drop).map_err(Into::into))
        })?;
        // Each as far as it goes: what a kill leaves here is found by a check.
        let mut failed = Ok(());
        for (&id, path) in ids.iter().zip(&paths) {
            failed = failed.and(files::remove_file(path));
            let shared = self.sorted(|connection| pictures::find(connection, id))?.is_some();
            if !shared {
                failed = failed.and(thumbnails::remove(&self.folder, id));
            }
        }
        failed
    }
}

pub(crate) fn insert(
    connection: &Connection,
    asset: &Asset,
    format: Format,
    bytes: u64,
    now: Time,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO assets (id, format, name, width, height, alpha, bytes, added_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            asset.sha256,
            format.extension(),
            asset.name,
            asset.width,
            asset.height,
            asset.alpha,
            bytes.cast_signed(),
            now
        ])?;
    Ok(())
}

impl Reader {
    /// An asset, or a picture of the library as one.
    pub fn asset(&self, id: AnyId) -> Result<Asset> {
        self.find_asset(id)?.ok_or_else(|| LibraryError::not_found("picture", id))
    }

    /// Where the file of an asset or of a picture lies.
    pub fn asset_path(&self, id: AnyId) -> Result<PathBuf> {
        let format = self.sorted(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT format FROM assets WHERE id = ?1")?;
            Ok(statement.query_row([id], |row| read_format(row, 0)).optional()?)
        })?;
        match format {
            Some(format) => Ok(folder::asset_path(&self.folder, id, format)),
            None => self.path_of(id),
        }
    }

    /// The assets that came in `before` and that neither a recipe names, nor a job, nor what pictures came
    /// from, nor `kept`; with the bytes of each.
    pub fn unused_assets(&self, kept: &[AnyId], before: Time) -> Result<Vec<(AnyId, u64)>> {
        self.sorted(|connection| {
            let mut named: HashSet<AnyId> = kept.iter().copied().collect();
            for sql in [
                "SELECT json FROM recipes",
                "SELECT request FROM jobs",
                // Where what is being written is kept.
                "SELECT value FROM settings",
            ] {
                let mut statement = connection.prepare(sql)?;
                let mut rows = statement.query([])?;
                while let Some(row) = rows.next()? {
                    named.extend(hashes(row.get_ref(0)?.as_str().unwrap_or_default()));
                }
            }
            let mut statement = connection.prepare("SELECT parent FROM parents")?;
            for parent in statement.query_map([], |row| row.get(0))? {
                named.insert(parent?);
            }
            let mut statement =
                connection.prepare("SELECT id, bytes FROM assets WHERE added_at < ?1")?;
            let all =
                statement.query_map([before], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
            let all = all.collect::<rusqlite::Result<Vec<(AnyId, i64)>>>()?;
            let unused = all.into_iter().filter(|(id, _)| !named.contains(id));
            Ok(unused.map(|(id, bytes)| (id, bytes.unsigned_abs())).collect())
        })
    }

    fn find_asset(&self, id: AnyId) -> Result<Option<Asset>> {
        self.sorted(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT name, width, height, alpha FROM assets WHERE id = ?1")?;
            let asset = statement.query_row([id], |row| {
                let (name, width, height) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(Asset { sha256: id, name, width, height, alpha: row.get(3)? })
            });
            if let Some(asset) = asset.optional()? {
                return Ok(Some(asset));
            }
            if pictures::find(connection, id)?.is_none() {
                return Ok(None);
            }
            let row = self.picture(id)?;
            let name = row.prompt.split_whitespace().take(6).collect::<Vec<_>>().join(" ");
            let (width, height, alpha) = (row.width, row.height, row.alpha);
            Ok(Some(Asset { sha256: id, name, width, height, alpha }))
        })
    }
}

/// Whatever in a text may be a hash. What it stands for is not asked: a recipe may be of a version to come.
fn hashes(text: &str) -> impl Iterator<Item = AnyId> {
    const DIGITS: usize = 64;
    let parts = text.split(|c: char| !c.is_ascii_hexdigit());
    parts.filter(|part| part.len() == DIGITS).filter_map(|part| part.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_found_in_any_text() {
        let (one, other) = (AnyId::of(b"one"), AnyId::of(b"other"));
        let text =
            format!(r#"{{"a":"{}","b":["{}0","abc","{}"]}}"#, one.hex(), one.hex(), other.hex());
        assert_eq!(hashes(&text).collect::<Vec<_>>(), [one, other]);
    }
}
