//! Boards: pictures that a person put together.

use rusqlite::{Connection, OptionalExtension, params};

use super::pictures;
use super::tags::read_name;
use crate::{Library, LibraryError, PictureId, Reader, Result, Time};

pub(crate) const CREATE: &str = "
CREATE TABLE boards (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE board_pictures (
    board INTEGER NOT NULL REFERENCES boards ON DELETE CASCADE,
    picture INTEGER NOT NULL REFERENCES pictures ON DELETE CASCADE,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (board, picture)
) STRICT, WITHOUT ROWID;
CREATE INDEX board_pictures_picture ON board_pictures (picture);
";

/// A board's number; one that was deleted is never given again.
pub type BoardId = i64;

/// A board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// Its number.
    pub id: BoardId,
    /// What a person calls it; two may be called the same.
    pub name: String,
    /// How many pictures are on it, the trash not counted.
    pub count: u64,
}

impl Library {
    /// Makes a board.
    pub fn board_create(&self, name: &str, now: Time) -> Result<BoardId> {
        let name = read_name("name", name)?;
        self.write(|tx| {
            tx.execute(
                "INSERT INTO boards (name, created_at) VALUES (?1, ?2)",
                params![name, now],
            )?;
            Ok(tx.last_insert_rowid())
        })
    }

    /// Gives a board another name.
    pub fn board_rename(&self, id: BoardId, name: &str) -> Result<()> {
        let name = read_name("name", name)?;
        self.write(|tx| {
            must_be(tx, id)?;
            tx.execute("UPDATE boards SET name = ?2 WHERE number = ?1", params![id, name])?;
            Ok(())
        })
    }

    /// Deletes a board; its pictures stay.
    pub fn board_delete(&self, id: BoardId) -> Result<()> {
        self.write(|tx| {
            must_be(tx, id)?;
            tx.execute("DELETE FROM boards WHERE number = ?1", [id])?;
            Ok(())
        })
    }

    /// Puts pictures on a board, and answers those that were not on it.
    pub fn board_add(&self, id: BoardId, ids: &[PictureId], now: Time) -> Result<Vec<PictureId>> {
        let sql =
            "INSERT OR IGNORE INTO board_pictures (board, picture, added_at) VALUES (?1, ?2, ?3)";
        self.change_board(id, ids, |tx, picture| {
            Ok(tx.prepare_cached(sql)?.execute(params![id, picture, now])?)
        })
    }

    /// Takes pictures off a board, and answers those that were on it.
    pub fn board_remove(&self, id: BoardId, ids: &[PictureId]) -> Result<Vec<PictureId>> {
        let sql = "DELETE FROM board_pictures WHERE board = ?1 AND picture = ?2";
        self.change_board(id, ids, |tx, picture| {
            Ok(tx.prepare_cached(sql)?.execute([id, picture])?)
        })
    }

    fn change_board(
        &self,
        id: BoardId,
        ids: &[PictureId],
        change: impl Fn(&Connection, i64) -> Result<usize>,
    ) -> Result<Vec<PictureId>> {
        self.write(|tx| {
            must_be(tx, id)?;
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

impl Reader {
    /// Every board, by name.
    pub fn boards(&self) -> Result<Vec<Board>> {
        self.sorted(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT number, name, (SELECT count(*) FROM board_pictures
                                       JOIN pictures ON pictures.number = picture
                                       WHERE board = boards.number AND trashed_at IS NULL)
                 FROM boards ORDER BY name COLLATE NOCASE, number",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(Board { id: row.get(0)?, name: row.get(1)?, count: row.get(2)? })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The boards that a picture is on.
    pub fn boards_of(&self, id: PictureId) -> Result<Vec<BoardId>> {
        self.sorted(|connection| {
            let number = pictures::number_of(connection, id)?;
            let mut statement = connection.prepare_cached(
                "SELECT board FROM board_pictures WHERE picture = ?1 ORDER BY board",
            )?;
            let rows = statement.query_map([number], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn must_be(connection: &Connection, id: BoardId) -> Result<()> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT number FROM boards WHERE number = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    found.map(drop).ok_or_else(|| LibraryError::not_found("board", id))
}
