//! What a damaged database still gives of that which no picture file holds: marks, tags, boards,
//! lineage, the queue, settings.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, Row, params};
use serde::Serialize;

use super::backup::open_file;
use crate::table::parents::{self, Parent};
use crate::table::{pictures, tags, words};
use crate::{PictureId, Result, Time};

/// What came over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Salvaged {
    /// Pictures with a mark, a subject or a place in the trash.
    pub marks: u64,
    /// Tags on pictures.
    pub tags: u64,
    /// Places on boards.
    pub boards: u64,
    /// Lines of the lineage.
    pub parents: u64,
    /// Jobs that had not ended.
    pub jobs: u64,
    /// Prompts of the history.
    pub prompts: u64,
    /// Settings.
    pub settings: u64,
}

/// Everything that could be read, before any of it is used.
#[derive(Default)]
pub(crate) struct Salvage {
    pictures: HashMap<PictureId, Kept>,
    assets: HashMap<PictureId, String>,
    tags: Vec<(PictureId, String)>,
    boards: Vec<(i64, String, Time)>,
    on_boards: Vec<(i64, PictureId, Time)>,
    parents: Vec<(PictureId, Parent)>,
    jobs: Vec<Job>,
    prompts: Vec<(String, Time, i64)>,
    settings: Vec<(String, String)>,
    identity: Option<String>,
    purged: Vec<(PictureId, i64, String)>,
}

#[derive(Clone)]
struct Kept {
    number: i64,
    created_at: Time,
    subject: Option<String>,
    rating: u8,
    trashed_at: Option<Time>,
    seconds: Option<f64>,
    run: Option<String>,
    enlarged: Option<u32>,
}

struct Job {
    together: i64,
    place: i64,
    interactive: bool,
    request: String,
    parents: Vec<Parent>,
    created_at: Time,
}

const JOBS: &str = "together, place, interactive, request, parents, created_at";

impl Salvage {
    /// Reads what can be read. A table that cannot be is empty, one that breaks off is what came
    /// before: whatever is there is more than nothing.
    pub(crate) fn open(database: &Path) -> Self {
        let Ok(old) = open_file(database) else { return Self::default() };
        let (mark, beside) = marks_of(&old);
        let kept = |seconds: &str| {
            let sql = format!(
                "SELECT id, number, created_at, subject, {mark}, trashed_at, {seconds}, {beside}
                 FROM pictures"
            );
            read(&old, &sql, read_kept)
        };
        let pictures = kept(
            "(SELECT seconds FROM renders WHERE picture = pictures.number
              ORDER BY renders.number DESC LIMIT 1)",
        );
        // Where only the times are out of reach, all else is still wanted.
        let pictures = if pictures.is_empty() { kept("NULL") } else { pictures };
        Self {
            pictures: pictures.into_iter().collect(),
            assets: read(&old, "SELECT id, name FROM assets", |r| Ok((r.get(0)?, r.get(1)?)))
                .into_iter()
                .collect(),
            tags: read(
                &old,
                "SELECT id, name FROM picture_tags JOIN tags ON tags.number = tag
                     JOIN pictures ON pictures.number = picture",
                |r| Ok((r.get(0)?, r.get(1)?)),
            ),
            boards: read(&old, "SELECT number, name, created_at FROM boards", |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?))
            }),
            on_boards: read(
                &old,
                "SELECT board, id, added_at FROM board_pictures
                     JOIN pictures ON pictures.number = picture",
                |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
            ),
            parents: read(
                &old,
                "SELECT id, parent, relation FROM parents JOIN pictures ON pictures.number = picture",
                |r| Ok((r.get(0)?, Parent { id: r.get(1)?, relation: r.get(2)? })),
            ),
            jobs: read(
                &old,
                &format!(
                    "SELECT {JOBS} FROM jobs WHERE state IN ('waiting', 'running') ORDER BY id"
                ),
                read_job,
            ),
            prompts: read(&old, "SELECT text, used_at, count FROM prompts ORDER BY id", |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?))
            }),
            settings: read(&old, "SELECT key, value FROM settings", |r| Ok((r.get(0)?, r.get(1)?))),
            // It stays the library that its backups are of.
            identity: read(&old, "SELECT identity FROM session", |r| r.get(0)).pop(),
            purged: read(&old, "SELECT id, day, format FROM purged", |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?))
            }),
        }
    }

    /// The place that a picture had in the library.
    pub(crate) fn number_of(&self, id: PictureId) -> Option<i64> {
        self.pictures.get(&id).map(|kept| kept.number)
    }

    /// When a picture was added.
    pub(crate) fn made_at(&self, id: PictureId) -> Option<Time> {
        self.pictures.get(&id).map(|kept| kept.created_at)
    }

    /// Whether a file of this day was to go, since its picture was deleted for good.
    pub(crate) fn is_purged(&self, id: PictureId, day: i64) -> bool {
        self.purged.iter().any(|(purged, from, _)| (*purged, *from) == (id, day))
    }

    /// What an asset was called.
    pub(crate) fn asset_name(&self, id: PictureId) -> Option<String> {
        self.assets.get(&id).cloned()
    }

    /// Writes it into a new database that has the pictures. What no row there fits is left out; what
    /// a damaged page made impossible, such as a rating of 90, is refused by the schema and left out.
    pub(crate) fn put_into(&self, new: &Connection, now: Time) -> Result<Salvaged> {
        let mut done = Salvaged::default();
        for (id, kept) in &self.pictures {
            let Some(number) = pictures::find(new, *id)? else { continue };
            let changed = new.execute(
                "UPDATE OR IGNORE pictures SET subject = ?2, rating = ?3, trashed_at = ?4, run = ?5,
                     enlarged = coalesce(enlarged, ?6)
                 WHERE number = ?1",
                params![
                    number,
                    kept.subject,
                    kept.rating.min(5),
                    kept.trashed_at,
                    kept.run,
                    kept.enlarged
                ],
            )?;
            new.execute(
                "UPDATE renders SET seconds = ?2 WHERE picture = ?1",
                params![number, kept.seconds],
            )?;
            let any = kept.rating > 0 || kept.subject.is_some() || kept.trashed_at.is_some();
            done.marks += if any { changed as u64 } else { 0 };
        }
        for (id, name) in &self.tags {
            let Some(number) = pictures::find(new, *id)? else { continue };
            let Ok(name) = tags::read_name("tag", name) else { continue };
            let sql = "INSERT OR IGNORE INTO picture_tags (picture, tag) VALUES (?1, ?2)";
            done.tags += new.execute(sql, [number, tags::tag_of(new, &name)?])? as u64;
        }
        for board in &self.boards {
            let sql = "INSERT OR IGNORE INTO boards (number, name, created_at) VALUES (?1, ?2, ?3)";
            new.execute(sql, params![board.0, board.1, board.2])?;
        }
        for (board, id, added_at) in &self.on_boards {
            let Some(number) = pictures::find(new, *id)? else { continue };
            if !self.boards.iter().any(|(number, ..)| number == board) {
                continue;
            }
            let sql = "INSERT OR IGNORE INTO board_pictures (board, picture, added_at) VALUES (?1, ?2, ?3)";
            done.boards += new.execute(sql, params![board, number, added_at])? as u64;
        }
        for (id, parent) in &self.parents {
            let Some(number) = pictures::find(new, *id)? else { continue };
            parents::add(new, number, parent)?;
            done.parents += 1;
        }
        for job in &self.jobs {
            let sql = format!(
                "INSERT OR IGNORE INTO jobs ({JOBS}, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'waiting')"
            );
            let parents = serde_json::to_string(&job.parents).expect("parents are plain data");
            done.jobs += new.execute(
                &sql,
                params![
                    job.together,
                    job.place,
                    job.interactive,
                    job.request,
                    parents,
                    job.created_at
                ],
            )? as u64;
        }
        if done.jobs > 0 {
            let sql = "UPDATE session SET paused = 1, waiting = ?1, unclean = 1";
            new.execute(sql, [done.jobs as i64])?;
        }
        for (text, used_at, count) in &self.prompts {
            let sql = "INSERT OR IGNORE INTO prompts (text, used_at, count) VALUES (?1, ?2, ?3)";
            done.prompts += new.execute(sql, params![text, (*used_at).min(now), count])? as u64;
        }
        for (key, value) in &self.settings {
            let sql = "INSERT OR IGNORE INTO settings (key, value) VALUES (?1, ?2)";
            done.settings += new.execute(sql, [key, value])? as u64;
        }
        if let Some(identity) = &self.identity {
            new.execute("UPDATE session SET identity = ?1", [identity])?;
        }
        for (id, day, format) in &self.purged {
            let sql = "INSERT OR IGNORE INTO purged (id, day, format) VALUES (?1, ?2, ?3)";
            new.execute(sql, params![id, day, format])?;
        }
        let mut statement = new.prepare("SELECT number FROM pictures")?;
        let numbers = statement.query_map([], |row| row.get(0))?;
        for number in numbers.collect::<rusqlite::Result<Vec<i64>>>()? {
            words::index(new, number)?;
        }
        Ok(done)
    }
}

/// What a database calls the mark of a picture, and its run and how much larger it was made: one of an
/// older schema has a star beside the rating, and knows of no runs.
fn marks_of(old: &Connection) -> (&'static str, &'static str) {
    let has = |name: &str| old.column_exists(None, "pictures", name).unwrap_or(false);
    let mark = match has("star") {
        true => "CASE WHEN star = 1 AND rating = 0 THEN 1 ELSE rating END",
        false => "rating",
    };
    (mark, if has("run") { "run, enlarged" } else { "NULL, NULL" })
}

fn read_kept(row: &Row<'_>) -> rusqlite::Result<(PictureId, Kept)> {
    let kept = Kept {
        number: row.get(1)?,
        created_at: row.get(2)?,
        subject: row.get(3)?,
        rating: row.get(4)?,
        trashed_at: row.get(5)?,
        seconds: row.get(6)?,
        run: row.get(7)?,
        enlarged: row.get(8)?,
    };
    Ok((row.get(0)?, kept))
}

fn read_job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let parents: String = row.get(4)?;
    Ok(Job {
        together: row.get(0)?,
        place: row.get(1)?,
        interactive: row.get(2)?,
        request: row.get(3)?,
        // Where only these are damaged, the job itself is still wanted.
        parents: serde_json::from_str(&parents).unwrap_or_default(),
        created_at: row.get(5)?,
    })
}

/// Rows until the first that cannot be read.
fn read<T>(
    old: &Connection,
    sql: &str,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Vec<T> {
    let Ok(mut statement) = old.prepare(sql) else { return Vec::new() };
    let Ok(rows) = statement.query_map([], row) else { return Vec::new() };
    rows.map_while(std::result::Result::ok).collect()
}
