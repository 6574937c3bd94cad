//! Marks: what a person thinks of a picture, from 0 to 5.

use rusqlite::{Connection, OptionalExtension, params};

use crate::{Library, LibraryError, PictureId, Reader, Result};

/// There were stars beside the ratings once: two ways to say one thing. A star alone is a mark of 1.
pub(crate) const ONE_MARK: &str = "
UPDATE pictures SET rating = 1 WHERE star = 1 AND rating = 0;
DROP INDEX pictures_best;
ALTER TABLE pictures DROP COLUMN star;
CREATE INDEX pictures_best ON pictures (rating, number) WHERE trashed_at IS NULL;
";

/// What a person thinks of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Marks {
    /// The picture.
    pub id: PictureId,
    /// 0 (none) to 5.
    pub rating: u8,
}

impl Library {
    /// Marks some pictures alike, and answers what their marks were, for [`Library::set_marks`] to
    /// undo it. All change, or none.
    pub fn mark(&self, ids: &[PictureId], rating: u8) -> Result<Vec<Marks>> {
        self.set_marks(&ids.iter().map(|&id| Marks { id, rating }).collect::<Vec<_>>())
    }

    /// Sets marks, and answers what they were. All change, or none.
    pub fn set_marks(&self, marks: &[Marks]) -> Result<Vec<Marks>> {
        self.write(|tx| {
            marks
                .iter()
                .map(|marks| {
                    let before = read(tx, marks.id)?;
                    set(tx, marks)?;
                    Ok(before)
                })
                .collect()
        })
    }
}

impl Reader {
    /// The marks of some pictures.
    pub fn marks(&self, ids: &[PictureId]) -> Result<Vec<Marks>> {
        self.sorted(|connection| ids.iter().map(|&id| read(connection, id)).collect())
    }
}

fn read(connection: &Connection, id: PictureId) -> Result<Marks> {
    connection
        .prepare_cached("SELECT rating FROM pictures WHERE id = ?1")?
        .query_row([id], |row| Ok(Marks { id, rating: row.get(0)? }))
        .optional()?
        .ok_or_else(|| LibraryError::not_found("picture", id))
}

fn set(connection: &Connection, marks: &Marks) -> Result<()> {
    if marks.rating > 5 {
        let problem = format!("there is no rating of {}", marks.rating);
        return Err(LibraryError::field("rating", problem, "0 to 5"));
    }
    connection
        .prepare_cached("UPDATE pictures SET rating = ?2 WHERE id = ?1")?
        .execute(params![marks.id, marks.rating])?;
    Ok(())
}
