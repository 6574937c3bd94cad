//! Prompts that were used, each once, the last used first.

use rusqlite::{Connection, params};

use crate::{Library, Reader, Result, Time};

/// A prompt that is used again gets the next number, so that the number alone is the order.
pub(crate) const CREATE: &str = "
CREATE TABLE prompts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    text TEXT NOT NULL UNIQUE,
    used_at INTEGER NOT NULL,
    count INTEGER NOT NULL
) STRICT;
";

/// A prompt of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptRow {
    /// Its place in the history: higher is later. It changes when the prompt is used again.
    pub id: i64,
    /// What was typed.
    pub text: String,
    /// When it was used last.
    pub used_at: Time,
    /// How often it was used.
    pub count: u64,
}

impl Library {
    /// Notes that a prompt was used. An empty one is not kept.
    pub fn prompt_used(&self, text: &str, now: Time) -> Result<()> {
        self.write(|tx| used(tx, text, now))
    }

    /// Forgets a prompt.
    pub fn prompt_forget(&self, id: i64) -> Result<()> {
        self.write(|tx| {
            tx.execute("DELETE FROM prompts WHERE id = ?1", [id])?;
            Ok(())
        })
    }
}

impl Reader {
    /// At most `limit` prompts that begin with `prefix`, the last used first, from before the one
    /// numbered `before`.
    pub fn prompts(&self, prefix: &str, before: Option<i64>, limit: u32) -> Result<Vec<PromptRow>> {
        self.sorted(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, text, used_at, count FROM prompts
                 WHERE id < ?1 AND lower(substr(text, 1, ?2)) = lower(?3)
                 ORDER BY id DESC LIMIT ?4",
            )?;
            let length = prefix.chars().count() as i64;
            let before = before.unwrap_or(i64::MAX);
            let rows = statement.query_map(params![before, length, prefix, limit], |row| {
                let (id, text) = (row.get(0)?, row.get(1)?);
                Ok(PromptRow { id, text, used_at: row.get(2)?, count: row.get(3)? })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

pub(crate) fn used(connection: &Connection, text: &str, now: Time) -> Result<()> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(());
    }
    let count: Option<u64> = connection
        .prepare_cached("DELETE FROM prompts WHERE text = ?1 RETURNING count")?
        .query_map([text], |row| row.get(0))?
        .next()
        .transpose()?;
    connection
        .prepare_cached("INSERT INTO prompts (text, used_at, count) VALUES (?1, ?2, ?3)")?
        .execute(params![text, now, count.unwrap_or(0).saturating_add(1)])?;
    Ok(())
}
