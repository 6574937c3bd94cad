//! Renders: each time a picture was made. The same recipe may be run twice, and give the same file.

use rusqlite::{Connection, OptionalExtension, params};

use super::{pictures, recipes};
use crate::{PictureId, Reader, Result, Time};

pub(crate) const CREATE: &str = "
CREATE TABLE renders (
    number INTEGER PRIMARY KEY,
    picture INTEGER NOT NULL REFERENCES pictures ON DELETE CASCADE,
    recipe INTEGER REFERENCES recipes,
    seconds REAL,
    made_at INTEGER NOT NULL
) STRICT;
CREATE INDEX renders_picture ON renders (picture);
CREATE INDEX renders_recipe ON renders (recipe);
";

/// How much of the picture that it changes an edit changed. What was rendered before does not tell.
pub(crate) const CHANGED: &str = "ALTER TABLE renders ADD COLUMN changed REAL;";

/// One run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Render<'a> {
    pub picture: i64,
    pub recipe: Option<&'a str>,
    pub seconds: Option<f64>,
    pub changed: Option<f64>,
    pub made_at: Time,
}

pub(crate) fn add(connection: &Connection, render: &Render<'_>) -> Result<()> {
    let recipe = render.recipe.map(|json| recipes::number_of(connection, json)).transpose()?;
    connection
        .prepare_cached(
            "INSERT INTO renders (picture, recipe, seconds, made_at) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![render.picture, recipe, render.seconds, render.made_at])?;
    if let Some(changed) = render.changed {
        connection
            .prepare_cached("UPDATE renders SET changed = ?2 WHERE number = ?1")?
            .execute(params![connection.last_insert_rowid(), changed])?;
    }
    Ok(())
}

impl Reader {
    /// The resolved recipe of a picture as JSON, if it has one.
    pub fn recipe_of(&self, id: PictureId) -> Result<Option<String>> {
        self.sorted(|connection| {
            let number = pictures::number_of(connection, id)?;
            Ok(connection
                .prepare_cached(
                    "SELECT json FROM renders JOIN recipes ON recipes.number = renders.recipe
                     WHERE picture = ?1 ORDER BY renders.number DESC LIMIT 1",
                )?
                .query_row([number], |row| row.get(0))
                .optional()?)
        })
    }

    /// Of an edit, the share of its pixels that are not those of the picture that it changed, when it was
    /// made last; none of any other picture, and of one that was made before this was noted.
    pub fn changed_of(&self, id: PictureId) -> Result<Option<f64>> {
        self.sorted(|connection| {
            let number = pictures::number_of(connection, id)?;
            Ok(connection
                .prepare_cached(
                    "SELECT changed FROM renders WHERE picture = ?1 ORDER BY number DESC LIMIT 1",
                )?
                .query_row([number], |row| row.get(0))
                .optional()?
                .flatten())
        })
    }

    /// The middle of the last `count` rendering times with a model, in seconds: what another such
    /// picture may take.
    pub fn usual_seconds(&self, model: &str, count: u32) -> Result<Option<f64>> {
        let seconds: Vec<f64> = self.sorted(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT seconds FROM renders JOIN pictures ON pictures.number = renders.picture
                 WHERE seconds IS NOT NULL
                   AND pictures.model IN (SELECT number FROM models WHERE name = ?1)
                 ORDER BY renders.number DESC LIMIT ?2",
            )?;
            let rows = statement.query_map(params![model, count], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })?;
        Ok(median(seconds))
    }
}

fn median(mut seconds: Vec<f64>) -> Option<f64> {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied()
}
