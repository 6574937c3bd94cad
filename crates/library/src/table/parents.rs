//! Lineage: which picture came from which.

use std::collections::{BTreeSet, VecDeque};

use rusqlite::{Connection, params};

use super::pictures::{self, PictureRow};
use crate::{PictureId, Reader, Result};

/// A parent is named by its hash and not by its row: it may be an asset, or deleted one day, and is
/// the parent all the same.
pub(crate) const CREATE: &str = "
CREATE TABLE parents (
    picture INTEGER NOT NULL REFERENCES pictures ON DELETE CASCADE,
    parent BLOB NOT NULL,
    relation TEXT NOT NULL,
    PRIMARY KEY (picture, parent, relation)
) STRICT, WITHOUT ROWID;
CREATE INDEX parents_parent ON parents (parent);
";

/// What was made larger was called an edit once. Where the recipe says of which file, it can be told.
pub(crate) const ENLARGEMENTS: &str = "
UPDATE parents SET relation = 'enlargement' WHERE relation = 'edit' AND EXISTS (
    SELECT 1 FROM renders JOIN recipes ON recipes.number = renders.recipe
    WHERE renders.picture = parents.picture AND json_valid(recipes.json)
      AND json_extract(recipes.json, '$.enlarged.sha256') = lower(hex(parents.parent)));
";

/// Most pictures of one tree: more could not be looked at.
const TREE: usize = 500;

super::named! {
    /// What a picture has from its parent.
    Relation {
        /// The same request with another seed, or started from the parent.
        Variation = "variation",
        /// A change of the parent itself.
        Edit = "edit",
        /// The parent showed a subject or a style.
        Reference = "reference",
        /// The parent's request with other words.
        Remix = "remix",
        /// The parent itself, larger.
        Enlargement = "enlargement",
    }
}

/// A picture that another one came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Parent {
    /// The parent.
    pub id: PictureId,
    /// What it gave.
    pub relation: Relation,
}

/// One line of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Edge {
    /// Came first.
    pub parent: PictureId,
    /// Came from it.
    pub child: PictureId,
    /// How.
    pub relation: Relation,
}

/// All that a picture came from and all that came from it, each with the pictures around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Lineage {
    /// The pictures, oldest first; at most 500, those nearest to the one asked about.
    pub pictures: Vec<PictureRow>,
    /// Between pictures of the list only.
    pub edges: Vec<Edge>,
}

pub(crate) fn add(connection: &Connection, picture: i64, parent: &Parent) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO parents (picture, parent, relation) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![picture, parent.id, parent.relation])?;
    Ok(())
}

impl Reader {
    /// What a picture came from, also where that is no picture of the library (any more).
    pub fn parents_of(&self, id: PictureId) -> Result<Vec<Parent>> {
        self.sorted(|connection| {
            let number = pictures::number_of(connection, id)?;
            let mut statement = connection.prepare_cached(
                "SELECT parent, relation FROM parents WHERE picture = ?1 ORDER BY relation, parent",
            )?;
            let rows = statement
                .query_map([number], |row| Ok(Parent { id: row.get(0)?, relation: row.get(1)? }))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The pictures of the library that a picture came from, oldest first.
    pub fn parents(&self, id: PictureId) -> Result<Vec<PictureRow>> {
        self.sorted(|connection| {
            let number = pictures::number_of(connection, id)?;
            self.rows(
                connection,
                "p.id IN (SELECT parent FROM parents WHERE picture = ?1)",
                [number],
            )
        })
    }

    /// The latest pictures that came from one, `most` of them, oldest first; and how many did in all.
    pub fn children(&self, id: PictureId, most: u32) -> Result<(Vec<PictureRow>, u64)> {
        self.sorted(|connection| {
            let rows = self.rows(
                connection,
                "p.number IN (SELECT DISTINCT picture FROM parents WHERE parent = ?1
                              ORDER BY picture DESC LIMIT ?2)",
                params![id, most],
            )?;
            let sql = "SELECT count(DISTINCT picture) FROM parents WHERE parent = ?1";
            let all =
                connection.prepare_cached(sql)?.query_row([id], |row| row.get::<_, i64>(0))?;
            Ok((rows, all.unsigned_abs()))
        })
    }

    /// The tree around a picture.
    pub fn lineage(&self, id: PictureId) -> Result<Lineage> {
        self.sorted(|connection| {
            pictures::number_of(connection, id)?;
            let (mut near, mut open) = (BTreeSet::from([id]), VecDeque::from([id]));
            let mut edges = BTreeSet::new();
            // Nearest first, so that a limit cuts off what is farthest.
            while let Some(id) = open.pop_front() {
                for edge in edges_at(connection, id)? {
                    let other = if edge.parent == id { edge.child } else { edge.parent };
                    if near.contains(&other) || near.len() < TREE {
                        edges.insert((edge.parent, edge.child, edge.relation));
                        if near.insert(other) {
                            open.push_back(other);
                        }
                    }
                }
            }
            let mut pictures = Vec::new();
            for id in near {
                pictures.extend(self.rows(connection, "p.id = ?1", [id])?);
            }
            pictures.sort_by_key(|row| (row.created_at, row.id));
            let edge = |(parent, child, relation)| Edge { parent, child, relation };
            Ok(Lineage { pictures, edges: edges.into_iter().map(edge).collect() })
        })
    }
}

/// The lines that end at a picture, both of whose ends are in the library.
fn edges_at(connection: &Connection, id: PictureId) -> Result<Vec<Edge>> {
    let mut statement = connection.prepare_cached(
        "SELECT parents.parent, child.id, parents.relation FROM parents
             JOIN pictures AS child ON child.number = parents.picture
             JOIN pictures AS parent ON parent.id = parents.parent
         WHERE parents.parent = ?1
         UNION
         SELECT parents.parent, child.id, parents.relation FROM pictures AS child
             JOIN parents ON parents.picture = child.number
             JOIN pictures AS parent ON parent.id = parents.parent
         WHERE child.id = ?1",
    )?;
    let rows = statement.query_map([id], |row| {
        Ok(Edge { parent: row.get(0)?, child: row.get(1)?, relation: row.get(2)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
