//! What there is to filter by.

use rusqlite::Connection;

use crate::{Reader, Result};

/// Most entries of one list.
const ENTRIES: u32 = 50;

/// What the pictures have in common, each with how many have it, the most frequent first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facets {
    /// Names of models.
    pub models: Vec<(String, u64)>,
    /// Widths and heights.
    pub sizes: Vec<(u32, u32, u64)>,
    /// Subjects.
    pub subjects: Vec<(String, u64)>,
    /// Tags.
    pub tags: Vec<(String, u64)>,
}

impl Reader {
    /// What the pictures in the trash, or those not in it, can be filtered by: at most 50 of each.
    pub fn facets(&self, trashed: bool) -> Result<Facets> {
        let there = if trashed { "IS NOT NULL" } else { "IS NULL" };
        let named = |connection: &Connection, name: &str, from: &str| -> Result<_> {
            let sql = format!(
                "SELECT {name}, count(*) FROM {from}
                 WHERE pictures.trashed_at {there} AND {name} IS NOT NULL
                 GROUP BY {name} ORDER BY count(*) DESC, {name} LIMIT {ENTRIES}"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<Vec<(String, u64)>>>()?)
        };
        self.sorted(|connection| {
            let models = "pictures JOIN models ON models.number = pictures.model";
            let tags = "picture_tags JOIN pictures ON pictures.number = picture_tags.picture
                        JOIN tags ON tags.number = picture_tags.tag";
            let mut statement = connection.prepare_cached(&format!(
                "SELECT width, height, count(*) FROM pictures WHERE trashed_at {there}
                 GROUP BY width, height ORDER BY count(*) DESC, width, height LIMIT {ENTRIES}"
            ))?;
            let sizes =
                statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            Ok(Facets {
                models: named(connection, "models.name", models)?,
                sizes: sizes.collect::<rusqlite::Result<_>>()?,
                subjects: named(connection, "pictures.subject", "pictures")?,
                tags: named(connection, "tags.name", tags)?,
            })
        })
    }
}
