//! Models that pictures were made with, or that were found on disk.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{Library, Reader, Result, Time};

pub(crate) const CREATE: &str = "
CREATE TABLE models (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    -- Empty where only the name is known, as from another program's picture: two NULLs would differ.
    sha256 TEXT NOT NULL,
    path TEXT,
    bytes INTEGER,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    UNIQUE (name, sha256)
) STRICT;
";

/// A model that is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewModelSeen {
    /// The model's own name.
    pub name: String,
    /// The hash of its weights, if known.
    pub sha256: Option<String>,
    /// Where it lies, if it lies on this machine.
    pub path: Option<String>,
    /// Bytes of its weights.
    pub bytes: Option<u64>,
}

/// A model that was there once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSeen {
    /// What is known of it.
    pub model: NewModelSeen,
    /// When it was first seen.
    pub first_seen: Time,
    /// When it was last seen or used.
    pub last_seen: Time,
    /// Pictures made with it that are not in the trash.
    pub pictures: u64,
}

impl Library {
    /// Notes that a model is there.
    pub fn model_seen(&self, model: &NewModelSeen, now: Time) -> Result<()> {
        self.write(|tx| {
            let number = number_of(tx, &model.name, model.sha256.as_deref(), now)?;
            tx.prepare_cached(
                "UPDATE models SET path = coalesce(?2, path), bytes = coalesce(?3, bytes)
                 WHERE number = ?1",
            )?
            .execute(params![number, model.path, model.bytes])?;
            Ok(())
        })
    }
}

impl Reader {
    /// Every model that was ever seen, the last used first.
    pub fn models_seen(&self) -> Result<Vec<ModelSeen>> {
        self.sorted(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT name, sha256, path, bytes, first_seen, last_seen,
                     (SELECT count(*) FROM pictures WHERE model = models.number AND trashed_at IS NULL)
                 FROM models ORDER BY last_seen DESC, number DESC",
            )?;
            Ok(statement.query_map([], read_row)?.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<ModelSeen> {
    let sha256: String = row.get(1)?;
    let sha256 = (!sha256.is_empty()).then_some(sha256);
    let model = NewModelSeen { name: row.get(0)?, sha256, path: row.get(2)?, bytes: row.get(3)? };
    Ok(ModelSeen { model, first_seen: row.get(4)?, last_seen: row.get(5)?, pictures: row.get(6)? })
}

/// The row of a model, made where there is none.
pub(crate) fn number_of(
    connection: &Connection,
    name: &str,
    sha256: Option<&str>,
    now: Time,
) -> Result<i64> {
    let sha256 = sha256.unwrap_or("");
    let seen = connection
        .prepare_cached(
            "UPDATE models SET last_seen = max(last_seen, ?3) WHERE name = ?1 AND sha256 = ?2
             RETURNING number",
        )?
        .query_row(params![name, sha256, now], |row| row.get(0))
        .optional()?;
    if let Some(number) = seen {
        return Ok(number);
    }
    connection
        .prepare_cached(
            "INSERT INTO models (name, sha256, first_seen, last_seen) VALUES (?1, ?2, ?3, ?3)",
        )?
        .execute(params![name, sha256, now])?;
    Ok(connection.last_insert_rowid())
}
