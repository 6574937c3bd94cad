//! Recipes as text, each once: what was rendered twice has two renders and one recipe.

use rusqlite::{Connection, OptionalExtension, params};

use crate::{PictureId, Result};

pub(crate) const CREATE: &str = "
CREATE TABLE recipes (
    number INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL UNIQUE,
    json TEXT NOT NULL
) STRICT;
";

/// The row of a recipe, made where there is none.
pub(crate) fn number_of(connection: &Connection, json: &str) -> Result<i64> {
    let hash = PictureId::of(json.as_bytes());
    let there = connection
        .prepare_cached("SELECT number FROM recipes WHERE sha256 = ?1")?
        .query_row([hash], |row| row.get(0))
        .optional()?;
    if let Some(number) = there {
        return Ok(number);
    }
    connection
        .prepare_cached("INSERT INTO recipes (sha256, json) VALUES (?1, ?2)")?
        .execute(params![hash, json])?;
    Ok(connection.last_insert_rowid())
}

/// Deletes those that no render uses any more.
pub(crate) fn sweep(connection: &Connection) -> Result<()> {
    connection.execute(
        "DELETE FROM recipes WHERE number NOT IN (SELECT recipe FROM renders WHERE recipe IS NOT NULL)",
        [],
    )?;
    Ok(())
}
