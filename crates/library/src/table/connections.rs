//! The log of every connection that was ever opened, and why. Nothing opens one yet: whatever will
//! must write here first.

use rusqlite::params;

use crate::{Library, Reader, Result, Time};

pub(crate) const CREATE: &str = "
CREATE TABLE connections (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    what TEXT NOT NULL,
    why TEXT NOT NULL,
    address TEXT NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
";

/// A connection that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConnection {
    /// What was fetched or sent.
    pub what: String,
    /// What the person had asked for.
    pub why: String,
    /// With whom.
    pub address: String,
    /// Bytes in both directions.
    pub bytes: u64,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// When it was opened.
    pub at: Time,
    /// What it was.
    pub connection: NewConnection,
}

impl Library {
    /// Writes a line into the log.
    pub fn connection_opened(&self, connection: &NewConnection, now: Time) -> Result<()> {
        self.write(|tx| {
            let NewConnection { what, why, address, bytes } = connection;
            tx.execute(
                "INSERT INTO connections (at, what, why, address, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![now, what, why, address, bytes.cast_signed()],
            )?;
            Ok(())
        })
    }
}

impl Reader {
    /// The whole log, the last line first.
    pub fn connections(&self) -> Result<Vec<Connection>> {
        self.sorted(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT at, what, why, address, bytes FROM connections ORDER BY number DESC",
            )?;
            let rows = statement.query_map([], |row| {
                let bytes = row.get::<_, i64>(4)?.cast_unsigned();
                let (what, why, address) = (row.get(1)?, row.get(2)?, row.get(3)?);
                Ok(Connection {
                    at: row.get(0)?,
                    connection: NewConnection { what, why, address, bytes },
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}
