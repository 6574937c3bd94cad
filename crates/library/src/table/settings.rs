//! Settings: JSON by name. What they mean, the host knows.

use rusqlite::{OptionalExtension, params};

use crate::{Library, Reader, Result};

pub(crate) const CREATE: &str = "
CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

impl Library {
    /// Sets a setting.
    pub fn set_setting(&self, key: &str, json: &str) -> Result<()> {
        self.write(|tx| {
            tx.prepare_cached(
                "INSERT INTO settings (key, value) VALUES (?1, ?2)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )?
            .execute(params![key, json])?;
            Ok(())
        })
    }
}

impl Reader {
    /// A setting, if it was ever set.
    pub fn setting(&self, key: &str) -> Result<Option<String>> {
        self.sorted(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
            Ok(statement.query_row([key], |row| row.get(0)).optional()?)
        })
    }
}
