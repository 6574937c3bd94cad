//! Pictures: what was made here or brought in, each once.

use std::path::{Path, PathBuf};

use likeness_picture::Format;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::parents::{self, Parent};
use super::renders::{self, Render};
use super::{jobs, models, words};
use crate::time::day_of;
use crate::{JobId, Library, LibraryError, PictureId, Reader, Result, Time, files, folder};

/// `number` rises with every picture that is added and is what all paging goes by. `day` says in
/// which folder the file lies. Rows are short: filters walk all of them.
pub(crate) const CREATE: &str = "
CREATE TABLE pictures (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
    day INTEGER NOT NULL,
    format TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    alpha INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    source TEXT NOT NULL,
    model INTEGER REFERENCES models,
    seed INTEGER,
    subject TEXT,
    star INTEGER NOT NULL DEFAULT 0 CHECK (star IN (0, 1)),
    rating INTEGER NOT NULL DEFAULT 0 CHECK (rating BETWEEN 0 AND 5),
    trashed_at INTEGER,
    thumbnails INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX pictures_best ON pictures (star, rating, number) WHERE trashed_at IS NULL;
CREATE INDEX pictures_trashed ON pictures (trashed_at) WHERE trashed_at IS NOT NULL;
CREATE INDEX pictures_without_thumbnails ON pictures (number) WHERE thumbnails = 0;
CREATE INDEX pictures_model ON pictures (model);
";

/// Which pictures were asked for at once, and by how many times a picture was made larger.
pub(crate) const RUNS: &str = "
ALTER TABLE pictures ADD COLUMN run TEXT;
ALTER TABLE pictures ADD COLUMN enlarged INTEGER;
UPDATE pictures SET run = made.run FROM (
    SELECT picture, max(printf('%x-%d', created_at, together)) AS run FROM jobs
    WHERE picture IS NOT NULL GROUP BY picture) AS made
WHERE made.picture = pictures.id;
UPDATE pictures SET enlarged = larger.by FROM (
    SELECT renders.picture AS number, max(json_extract(json, '$.enlarged.by')) AS by
    FROM renders JOIN recipes ON recipes.number = renders.recipe
    WHERE json_valid(json) AND json_type(json, '$.enlarged.by') = 'integer'
    GROUP BY renders.picture) AS larger
WHERE larger.number = pictures.number;
UPDATE pictures SET enlarged = larger.by FROM (
    SELECT picture, max(json_extract(request, '$.enlarge.by')) AS by FROM jobs
    WHERE picture IS NOT NULL AND json_valid(request)
      AND json_type(request, '$.enlarge.by') = 'integer'
    GROUP BY picture) AS larger
WHERE larger.picture = pictures.id AND enlarged IS NULL;
CREATE INDEX pictures_run ON pictures (run) WHERE run IS NOT NULL;
";

/// A picture that is to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPicture<'a> {
    /// The whole file.
    pub bytes: &'a [u8],
    /// What the file is.
    pub format: Format,
    /// Pixels from left to right, upright.
    pub width: u32,
    /// Pixels from top to bottom, upright.
    pub height: u32,
    /// Whether it has an alpha channel.
    pub alpha: bool,
    /// The resolved recipe as JSON, where it was made by us.
    pub recipe: Option<String>,
    /// What it should show.
    pub prompt: String,
    /// What it should not show.
    pub negative: String,
    /// Where its noise started.
    pub seed: Option<u64>,
    /// The name of the model that made it.
    pub model: Option<String>,
    /// The hash of that model's weights.
    pub model_sha256: Option<String>,
    /// The program that made it: `likeness`, `a1111`, `comfyui`, …, or `file` where nothing says.
    pub source: String,
    /// Who or what it shows, where that is known.
    pub subject: Option<String>,
    /// What it came from.
    pub parents: Vec<Parent>,
    /// How long it took to make.
    pub seconds: Option<f64>,
    /// Of an edit, the share of its pixels that are not those of the picture that it changes.
    pub changed: Option<f64>,
    /// The job that made it, which is done by this, and whose run the picture is of.
    pub job: Option<JobId>,
    /// How many times as large as another picture of the same it is, where it was made larger.
    pub enlarged: Option<u32>,
    /// The picture that it is another form of, whose mark and tags it takes where that is there.
    pub marked_as: Option<PictureId>,
}

/// A picture of the library.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureRow {
    /// The hash of its file.
    pub id: PictureId,
    /// The file, in full.
    pub path: PathBuf,
    /// What the file is.
    pub format: Format,
    /// Bytes of the file.
    pub bytes: u64,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Whether it has an alpha channel.
    pub alpha: bool,
    /// When it was added.
    pub created_at: Time,
    /// The program that made it.
    pub source: String,
    /// What it should show.
    pub prompt: String,
    /// What it should not show.
    pub negative: String,
    /// Where its noise started.
    pub seed: Option<u64>,
    /// The model that made it.
    pub model: Option<String>,
    /// The hash of that model's weights.
    pub model_sha256: Option<String>,
    /// Who or what it shows.
    pub subject: Option<String>,
    /// 0 (none) to 5.
    pub rating: u8,
    /// When it was put into the trash, if it is there.
    pub trashed_at: Option<Time>,
    /// How many pictures it came from.
    pub parents: u32,
    /// How long it took to make.
    pub seconds: Option<f64>,
    /// Names those that were asked for together with it, where it was asked for here.
    pub run: Option<String>,
    /// How many times as large as another picture of the same it is, where it was made larger.
    pub enlarged: Option<u32>,
}

/// A picture's file that is on the disk and has no row yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredFile {
    /// The picture.
    pub id: PictureId,
    day: i64,
    format: Format,
}

/// Puts a picture's file into the library at `folder`. This is what takes time in adding a picture,
/// and it needs no connection: others can use the library meanwhile. Then comes
/// [`Library::add_stored`].
pub fn store_file(folder: &Path, bytes: &[u8], format: Format, now: Time) -> Result<StoredFile> {
    let stored = StoredFile { id: PictureId::of(bytes), day: day_of(now), format };
    files::write_file(folder, &stored.path(folder), bytes)?;
    Ok(stored)
}

impl StoredFile {
    fn path(&self, folder: &Path) -> PathBuf {
        folder::picture_path(folder, self.day, self.id, self.format)
    }
}

impl Library {
    /// Adds a picture: its file, then its rows.
    pub fn add_picture(&self, picture: &NewPicture<'_>, now: Time) -> Result<(PictureId, bool)> {
        let stored = store_file(&self.folder, picture.bytes, picture.format, now)?;
        self.add_stored(picture, &stored, now)
    }

    /// Adds the rows of a picture whose file is stored, and marks the job that made it as done, in one
    /// transaction. Answers its id and whether it is new among those that are shown: a picture that is
    /// there already stays as it is, comes out of the trash (and is new), and gets another render.
    pub fn add_stored(
        &self,
        picture: &NewPicture<'_>,
        stored: &StoredFile,
        now: Time,
    ) -> Result<(PictureId, bool)> {
        // Between the two steps a picture that was there already may have been deleted for good.
        let path = stored.path(&self.folder);
        if !path.is_file() {
            files::write_file(&self.folder, &path, picture.bytes)?;
        }
        let (before, shown) = self.write(|tx| {
            let before = place_of(tx, stored.id)?;
            let shown = tx
                .prepare_cached("SELECT 1 FROM pictures WHERE id = ?1 AND trashed_at IS NULL")?
                .exists([stored.id])?;
            insert(tx, stored.id, picture, stored.day, now)?;
            // One file is enough: the new one, since it is known to be whole.
            tx.prepare_cached("UPDATE pictures SET day = ?2, format = ?3 WHERE id = ?1")?
                .execute(params![stored.id, stored.day, stored.format.extension()])?;
            Ok((before, shown))
        })?;
        if let Some((day, format)) = before {
            let old = folder::picture_path(&self.folder, day, stored.id, format);
            if old != path {
                files::remove_file(&old)?;
            }
        }
        Ok((stored.id, !shown))
    }
}

/// Makes the rows of a picture whose file lies in the folder of `day`.
pub(crate) fn insert(
    connection: &Connection,
    id: PictureId,
    picture: &NewPicture<'_>,
    day: i64,
    now: Time,
) -> Result<bool> {
    let there = find(connection, id)?;
    let number = match there {
        Some(number) => {
            connection
                .prepare_cached("UPDATE pictures SET trashed_at = NULL WHERE number = ?1")?
                .execute([number])?;
            number
        }
        None => insert_row(connection, id, picture, day, now)?,
    };
    for parent in &picture.parents {
        parents::add(connection, number, parent)?;
    }
    if there.is_none() || picture.job.is_some() {
        let recipe = picture.recipe.as_deref();
        let (seconds, changed) = (picture.seconds, picture.changed);
        let render = Render { picture: number, recipe, seconds, changed, made_at: now };
        renders::add(connection, &render)?;
    }
    if let Some(job) = picture.job {
        jobs::set_done(connection, job, id, now)?;
        // One that was there before stays among those that it was made with.
        connection
            .prepare_cached("UPDATE pictures SET run = coalesce(run, ?2) WHERE number = ?1")?
            .execute(params![number, jobs::run_of(connection, job)?])?;
    }
    Ok(there.is_none())
}

fn insert_row(
    connection: &Connection,
    id: PictureId,
    picture: &NewPicture<'_>,
    day: i64,
    now: Time,
) -> Result<i64> {
    let model = picture
        .model
        .as_deref()
        .map(|name| models::number_of(connection, name, picture.model_sha256.as_deref(), now));
    connection
        .prepare_cached(
            "INSERT INTO pictures (id, day, format, bytes, width, height, alpha, created_at, source,
                 model, seed, subject)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            id,
            day,
            picture.format.extension(),
            picture.bytes.len() as i64,
            picture.width,
            picture.height,
            picture.alpha,
            now,
            picture.source,
            model.transpose()?,
            picture.seed.map(u64::cast_signed),
            picture.subject,
        ])?;
    let number = connection.last_insert_rowid();
    // By itself, since `make_past_library` writes the rows of schemas that have no such column.
    if let Some(by) = picture.enlarged {
        connection
            .prepare_cached("UPDATE pictures SET enlarged = ?2 WHERE number = ?1")?
            .execute(params![number, by])?;
    }
    words::add(connection, number, &picture.prompt, &picture.negative)?;
    if let Some(like) = picture.marked_as {
        mark_as(connection, number, like)?;
    }
    words::index(connection, number)?;
    Ok(number)
}

/// Gives a new picture the mark and the tags of another one.
fn mark_as(connection: &Connection, number: i64, like: PictureId) -> Result<()> {
    let Some(like) = find(connection, like)? else { return Ok(()) };
    let sql = "UPDATE pictures SET rating = (SELECT rating FROM pictures WHERE number = ?2)
               WHERE number = ?1";
    connection.prepare_cached(sql)?.execute([number, like])?;
    let sql = "INSERT OR IGNORE INTO picture_tags (picture, tag)
               SELECT ?1, tag FROM picture_tags WHERE picture = ?2";
    connection.prepare_cached(sql)?.execute([number, like])?;
    Ok(())
}

impl Reader {
    /// A picture, in the trash or not.
    pub fn picture(&self, id: PictureId) -> Result<PictureRow> {
        self.sorted(|connection| {
            let mut found = self.rows(connection, "p.id = ?1", [id])?;
            found.pop().ok_or_else(|| LibraryError::not_found("picture", id))
        })
    }

    /// Where the file of a picture lies.
    pub fn path_of(&self, id: PictureId) -> Result<PathBuf> {
        self.sorted(|connection| {
            let place = place_of(connection, id)?;
            let (day, format) = place.ok_or_else(|| LibraryError::not_found("picture", id))?;
            Ok(folder::picture_path(&self.folder, day, id, format))
        })
    }

    /// How many pictures there are, those in the trash not counted.
    pub fn pictures(&self) -> Result<u64> {
        self.sorted(|connection| {
            let sql = "SELECT count(*) FROM pictures WHERE trashed_at IS NULL";
            Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
        })
    }

    /// The pictures for which `condition` on `p` holds, in the order in which they were added.
    pub(crate) fn rows(
        &self,
        connection: &Connection,
        condition: &str,
        values: impl Params,
    ) -> Result<Vec<PictureRow>> {
        let sql =
            format!("{COLUMNS} FROM pictures AS p {BESIDE} WHERE {condition} ORDER BY p.number");
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(values, |row| read_row(&self.folder, row))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// What [`read_row`] reads. Between the two stands where `p`, the pictures, come from.
pub(crate) const COLUMNS: &str = "
SELECT p.number, p.id, p.day, p.format, p.bytes, p.width, p.height, p.alpha, p.created_at, p.source,
    coalesce(w.prompt, ''), coalesce(w.negative, ''), p.seed, m.name, nullif(m.sha256, ''), p.subject,
    p.rating, p.trashed_at, (SELECT count(*) FROM parents WHERE picture = p.number),
    (SELECT seconds FROM renders WHERE picture = p.number ORDER BY renders.number DESC LIMIT 1),
    p.run, p.enlarged
";
pub(crate) const BESIDE: &str = "
LEFT JOIN words AS w ON w.picture = p.number
LEFT JOIN models AS m ON m.number = p.model";

/// The number of the row that [`COLUMNS`] begin with.
pub(crate) fn read_number(row: &Row<'_>) -> rusqlite::Result<i64> {
    row.get(0)
}

pub(crate) fn read_row(folder: &Path, row: &Row<'_>) -> rusqlite::Result<PictureRow> {
    let (id, day, format) = (row.get(1)?, row.get(2)?, read_format(row, 3)?);
    Ok(PictureRow {
        id,
        path: folder::picture_path(folder, day, id, format),
        format,
        bytes: row.get::<_, i64>(4)?.cast_unsigned(),
        width: row.get(5)?,
        height: row.get(6)?,
        alpha: row.get(7)?,
        created_at: row.get(8)?,
        source: row.get(9)?,
        prompt: row.get(10)?,
        negative: row.get(11)?,
        seed: row.get::<_, Option<i64>>(12)?.map(i64::cast_unsigned),
        model: row.get(13)?,
        model_sha256: row.get(14)?,
        subject: row.get(15)?,
        rating: row.get(16)?,
        trashed_at: row.get(17)?,
        parents: row.get(18)?,
        seconds: row.get(19)?,
        run: row.get(20)?,
        enlarged: row.get(21)?,
    })
}

/// A format by its ending, as rows have it.
pub(crate) fn read_format(row: &Row<'_>, at: usize) -> rusqlite::Result<Format> {
    let ending: String = row.get(at)?;
    Format::of_ending(&ending).ok_or_else(|| {
        let unknown = format!("{ending:?} is no format of this version's").into();
        rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, unknown)
    })
}

/// The number of a picture that must be there.
pub(crate) fn number_of(connection: &Connection, id: PictureId) -> Result<i64> {
    find(connection, id)?.ok_or_else(|| LibraryError::not_found("picture", id))
}

/// The number of a picture that may be there.
pub(crate) fn find(connection: &Connection, id: PictureId) -> Result<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT number FROM pictures WHERE id = ?1")?;
    Ok(statement.query_row([id], |row| row.get(0)).optional()?)
}

/// The day and format that lead to a picture's file.
pub(crate) fn place_of(connection: &Connection, id: PictureId) -> Result<Option<(i64, Format)>> {
    let mut statement =
        connection.prepare_cached("SELECT day, format FROM pictures WHERE id = ?1")?;
    let place = statement.query_row([id], |row| Ok((row.get(0)?, read_format(row, 1)?)));
    Ok(place.optional()?)
}
