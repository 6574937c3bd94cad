//! Stars and ratings.

use rusqlite::{Connection, OptionalExtension, params};

use crate::{Library, LibraryError, PictureId, Reader, Result};

/// What a person thinks of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Marks {
    /// The picture.
    pub id: PictureId,
    /// Whether it is starred.
    pub star: bool,
    /// 0 (none) to 5.
    pub rating: u8,
}

/// What is to change; the rest stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangeMarks {
    /// The star.
    pub star: Option<bool>,
    /// The rating, 0 to 5.
    pub rating: Option<u8>,
}

impl Library {
    /// Changes the marks of some pictures alike, and answers what they were, for
    /// [`Library::set_marks`] to undo it. All change, or none.
    pub fn mark(&self, ids: &[PictureId], change: ChangeMarks) -> Result<Vec<Marks>> {
        self.write(|tx| {
            ids.iter()
                .map(|&id| {
                    let before = read(tx, id)?;
                    let star = change.star.unwrap_or(before.star);
                    let rating = change.rating.unwrap_or(before.rating);
                    set(tx, &Marks { id, star, rating })?;
                    Ok(before)
                })
                .collect()
        })
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
        .prepare_cached("SELECT star, rating FROM pictures WHERE id = ?1")?
        .query_row([id], |row| Ok(Marks { id, star: row.get(0)?, rating: row.get(1)? }))
        .optional()?
        .ok_or_else(|| LibraryError::not_found("picture", id))
}

fn set(connection: &Connection, marks: &Marks) -> Result<()> {
    if marks.rating > 5 {
        let problem = format!("there is no rating of {}", marks.rating);
        return Err(LibraryError::field("rating", problem, "0 to 5"));
    }
    connection
        .prepare_cached("UPDATE pictures SET star = ?2, rating = ?3 WHERE id = ?1")?
        .execute(params![marks.id, marks.star, marks.rating])?;
    Ok(())
}
