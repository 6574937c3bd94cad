//! How the last session ended, and whether the queue is paused: one row.

use rusqlite::{Connection, params};

use super::jobs;
use crate::{Library, Reader, Result, Time};

pub(crate) const CREATE: &str = "
CREATE TABLE session (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- Since when it is open; none after a clean end.
    open_since INTEGER,
    -- Whether an end that was not clean has not been dealt with yet.
    unclean INTEGER NOT NULL DEFAULT 0,
    paused INTEGER NOT NULL DEFAULT 0,
    interrupted INTEGER NOT NULL DEFAULT 0,
    waiting INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO session (id) VALUES (1);
";

/// Which library this is, so that its backup is told from another library; and whether this is the
/// backup, which it is until somebody opens it to work in it.
pub(crate) const TELL_APART: &str = "
ALTER TABLE session ADD COLUMN identity TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN is_backup INTEGER NOT NULL DEFAULT 0 CHECK (is_backup IN (0, 1));
UPDATE session SET identity = lower(hex(randomblob(16)));
";

/// What became of the queue since the last session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Jobs that were running, and wait again.
    pub interrupted: u32,
    /// Jobs that wait, those included.
    pub waiting: u32,
    /// Whether the last session did not end by closing the library.
    pub unclean: bool,
}

/// What a person should know about the queue before it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// Jobs that were running, and wait again.
    pub interrupted: u32,
    /// Jobs that wait, those included.
    pub waiting: u32,
}

impl Library {
    /// Makes the queue ready after opening: what was running waits again. Where something was cut
    /// off, the queue is paused, with a notice that stays until it is dismissed.
    pub fn recover(&self) -> Result<Recovered> {
        self.write(|tx| {
            let unclean = tx.query_row("SELECT unclean FROM session", [], |row| row.get(0))?;
            let interrupted = jobs::interrupt(tx)?;
            let waiting = jobs::count_waiting(tx)?;
            tx.execute("UPDATE session SET unclean = 0", [])?;
            if interrupted > 0 || (unclean && waiting > 0) {
                tx.execute(
                    "UPDATE session SET paused = 1, interrupted = ?1, waiting = ?2",
                    [interrupted, waiting],
                )?;
            }
            Ok(Recovered { interrupted, waiting, unclean })
        })
    }

    /// Pauses the queue, or lets it go on.
    pub fn queue_pause(&self, paused: bool) -> Result<()> {
        self.write(|tx| {
            tx.execute("UPDATE session SET paused = ?1", [paused])?;
            Ok(())
        })
    }

    /// Forgets the notice. The queue stays paused or not.
    pub fn queue_dismiss(&self) -> Result<()> {
        self.write(|tx| {
            tx.execute("UPDATE session SET interrupted = 0, waiting = 0", [])?;
            Ok(())
        })
    }
}

impl Reader {
    /// Whether the queue is paused.
    pub fn is_paused(&self) -> Result<bool> {
        self.sorted(is_paused)
    }
}

/// Notes that the library is open, and answers since when it was open if the last session has not
/// ended cleanly. That stays noted until [`settled`]: what was left is looked for until it was found.
pub(crate) fn begin(library: &Library, now: Time) -> Result<Option<Time>> {
    library.write(|tx| {
        let since: Option<Time> =
            tx.query_row("SELECT open_since FROM session", [], |row| row.get(0))?;
        tx.execute(
            "UPDATE session SET open_since = min(coalesce(open_since, ?1), ?1),
                 unclean = max(unclean, ?2), is_backup = 0",
            params![now, since.is_some()],
        )?;
        Ok(since)
    })
}

/// Notes that nothing from before `now` is left to be looked for.
pub(crate) fn settled(library: &Library, now: Time) -> Result<()> {
    library.write(|tx| {
        tx.execute("UPDATE session SET open_since = ?1", [now])?;
        Ok(())
    })
}

/// Notes a clean end.
pub(crate) fn end(library: &Library) -> Result<()> {
    library.write(|tx| {
        tx.execute("UPDATE session SET open_since = NULL", [])?;
        Ok(())
    })
}

/// Which library a database is of; none before a program that tells them apart has opened it.
pub(crate) fn identity(connection: &Connection) -> Result<Option<String>> {
    if !connection.column_exists(None, "session", "identity")? {
        return Ok(None);
    }
    Ok(connection.query_row("SELECT identity FROM session", [], |row| row.get(0))?)
}

/// Whether a database is a backup of the library `identity`.
pub(crate) fn is_backup_of(connection: &Connection, identity: &str) -> Result<bool> {
    let sql = "SELECT is_backup AND identity = ?1 FROM session";
    Ok(connection.query_row(sql, [identity], |row| row.get(0))?)
}

pub(crate) fn is_paused(connection: &Connection) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT paused FROM session")?.query_row([], |row| row.get(0))?)
}

pub(crate) fn notice(connection: &Connection) -> Result<Option<Notice>> {
    let notice: Notice = connection
        .prepare_cached("SELECT interrupted, waiting FROM session")?
        .query_row([], |row| Ok(Notice { interrupted: row.get(0)?, waiting: row.get(1)? }))?;
    Ok((notice.interrupted > 0 || notice.waiting > 0).then_some(notice))
}
