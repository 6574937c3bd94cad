//! Tags: words that a person adds to pictures.

use rusqlite::{Connection, OptionalExtension, params};

use super::{pictures, words};
use crate::{Library, LibraryError, PictureId, Reader, Result};

pub(crate) const CREATE: &str = "
CREATE TABLE tags (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE
) STRICT;
CREATE TABLE picture_tags (
    picture INTEGER NOT NULL REFERENCES pictures ON DELETE CASCADE,
    tag INTEGER NOT NULL REFERENCES tags ON DELETE CASCADE,
    PRIMARY KEY (picture, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX picture_tags_tag ON picture_tags (tag, picture);
";

/// Most characters of a tag's or a board's name.
const NAME: usize = 100;

impl Library {
    /// Adds tags to pictures and takes others away, and answers those whose tags changed. A tag that no
    /// picture has is forgotten.
    pub fn tag(
        &self,
        ids: &[PictureId],
        add: &[String],
        remove: &[String],
    ) -> Result<Vec<PictureId>> {
        let add: Vec<_> = add.iter().map(|name| read_name("add", name)).collect::<Result<_>>()?;
        self.write(|tx| {
            let add: Vec<_> = add.iter().map(|name| tag_of(tx, name)).collect::<Result<_>>()?;
            let mut changed = Vec::new();
            for &id in ids {
                let picture = pictures::number_of(tx, id)?;
                let mut rows = 0;
                for tag in &add {
                    rows += tx
                        .prepare_cached(
                            "INSERT OR IGNORE INTO picture_tags (picture, tag) VALUES (?1, ?2)",
                        )?
                        .execute(params![picture, tag])?;
                }
                for name in remove {
                    rows += tx
                        .prepare_cached(
                            "DELETE FROM picture_tags WHERE picture = ?1
                                 AND tag = (SELECT number FROM tags WHERE name = ?2)",
                        )?
                        .execute(params![picture, name.trim()])?;
                }
                if rows > 0 {
                    words::index(tx, picture)?;
                    changed.push(id);
                }
            }
            sweep(tx)?;
            Ok(changed)
        })
    }
}

impl Reader {
    /// The tags of a picture, by name.
    pub fn tags_of(&self, id: PictureId) -> Result<Vec<String>> {
        self.sorted(|connection| {
            let number = pictures::number_of(connection, id)?;
            let mut statement = connection.prepare_cached(
                "SELECT name FROM picture_tags JOIN tags ON number = tag WHERE picture = ?1 ORDER BY name",
            )?;
            let rows = statement.query_map([number], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Every tag, and how many pictures have it, the trash not counted.
    pub fn tags(&self) -> Result<Vec<(String, u64)>> {
        self.sorted(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT name, (SELECT count(*) FROM picture_tags
                               JOIN pictures ON pictures.number = picture
                               WHERE tag = tags.number AND trashed_at IS NULL)
                 FROM tags ORDER BY name",
            )?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

/// A name as it is kept: one line, without spaces around it.
pub(crate) fn read_name(field: &'static str, name: &str) -> Result<String> {
    let name = name.trim();
    let bad = name.is_empty() || name.chars().count() > NAME || name.contains(char::is_control);
    match bad {
        false => Ok(name.to_owned()),
        true => Err(LibraryError::field(
            field,
            format!("{:?} is no name", name.chars().take(NAME).collect::<String>()),
            format!("1 to {NAME} characters on one line"),
        )),
    }
}

/// The row of a tag, made where there is none.
pub(crate) fn tag_of(connection: &Connection, name: &str) -> Result<i64> {
    let there = connection
        .prepare_cached("SELECT number FROM tags WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    if let Some(number) = there {
        return Ok(number);
    }
    connection.prepare_cached("INSERT INTO tags (name) VALUES (?1)")?.execute([name])?;
    Ok(connection.last_insert_rowid())
}

/// Forgets tags that no picture has.
pub(crate) fn sweep(connection: &Connection) -> Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM tags WHERE NOT EXISTS (SELECT 1 FROM picture_tags WHERE tag = number)",
        )?
        .execute([])?;
    Ok(())
}
