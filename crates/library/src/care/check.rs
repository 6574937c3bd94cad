//! Check: where files and rows disagree.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use likeness_picture::{Limits, PictureError, read_file};
use rusqlite::Connection;
use serde::Serialize;

use crate::folder::{self, ASIDE, ASSETS, PICTURES, THUMBNAILS};
use crate::table::pictures::read_format;
use crate::{LibraryError, PictureId, Reader, Result, THUMBNAIL_SIZES, files};

/// How closely files are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Whether they are there and as long as they should be.
    Quick,
    /// Whether every byte is what it was: all pictures are read.
    Full,
}

/// One disagreement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Problem {
    /// The database itself is damaged; see [`crate::care::rebuild()`].
    Database {
        /// What SQLite says.
        problem: String,
    },
    /// The search does not know what the rows say.
    Search {
        /// How many pictures are concerned.
        pictures: u64,
    },
    /// A picture's file is not there.
    PictureMissing {
        /// The picture.
        id: PictureId,
        /// Where its file should be.
        path: PathBuf,
    },
    /// A picture's file is not what it was.
    PictureChanged {
        /// The picture.
        id: PictureId,
        /// Its file.
        path: PathBuf,
    },
    /// A file that cannot be read now, whatever is in it.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// The file of an asset is not there, or not what it was.
    AssetLost {
        /// The asset.
        id: PictureId,
        /// Where its file is or should be.
        path: PathBuf,
    },
    /// A file that no row names.
    Unknown {
        /// The file.
        path: PathBuf,
    },
    /// Something that was being written when the program ended.
    Unfinished {
        /// The file.
        path: PathBuf,
    },
    /// Thumbnails that are said to be made and are not there.
    ThumbnailsMissing {
        /// The picture.
        id: PictureId,
    },
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
    /// How many pictures have a row.
    pub pictures: u64,
    /// How many assets have one.
    pub assets: u64,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }
}

/// A row that names a file.
struct Named {
    id: PictureId,
    path: PathBuf,
    bytes: u64,
}

impl Reader {
    /// Compares every row with its file, every file with its row, and the database with itself.
    pub fn check(&self, depth: Depth) -> Result<Report> {
        let mut problems = self.sorted(database).or_else(damage)?;
        problems.extend(self.sorted(search).or_else(damage)?);
        let pictures = self.named_pictures()?;
        for picture in &pictures {
            let Named { id, path, .. } = picture;
            let (id, path) = (*id, path.clone());
            problems.extend(match state(picture, depth) {
                State::Whole => None,
                State::Missing => Some(Problem::PictureMissing { id, path }),
                State::Changed => Some(Problem::PictureChanged { id, path }),
                State::Unreadable(problem) => Some(Problem::Unreadable { path, problem }),
            });
        }
        let assets = self.named_assets()?;
        for asset in &assets {
            let Named { id, path, .. } = asset;
            let (id, path) = (*id, path.clone());
            problems.extend(match state(asset, depth) {
                State::Whole => None,
                State::Missing | State::Changed => Some(Problem::AssetLost { id, path }),
                State::Unreadable(problem) => Some(Problem::Unreadable { path, problem }),
            });
        }
        let known: HashSet<&Path> =
            pictures.iter().chain(&assets).map(|named| named.path.as_path()).collect();
        let mut found = files::walk(&self.folder.join(PICTURES))?;
        found.extend(files::walk(&self.folder.join(ASSETS))?);
        let unknown = found.into_iter().filter(|path| !known.contains(path.as_path()));
        problems.extend(unknown.map(|path| Problem::Unknown { path }));
        let mut unfinished = files::list(&self.folder.join(ASIDE))?;
        unfinished.retain(|path| files::is_unfinished(path));
        problems.extend(unfinished.into_iter().map(|path| Problem::Unfinished { path }));
        problems.extend(self.thumbnails()?);
        Ok(Report { problems, pictures: pictures.len() as u64, assets: assets.len() as u64 })
    }

    /// Every file that a row names.
    pub(crate) fn named_files(&self) -> Result<Vec<PathBuf>> {
        let named = self.named_pictures()?.into_iter().chain(self.named_assets()?);
        Ok(named.map(|named| named.path).collect())
    }

    fn named_pictures(&self) -> Result<Vec<Named>> {
        self.sorted(|connection| {
            let mut statement = connection
                .prepare("SELECT id, day, format, bytes FROM pictures ORDER BY number")?;
            let rows = statement.query_map([], |row| {
                let (id, day) = (row.get(0)?, row.get(1)?);
                let path = folder::picture_path(&self.folder, day, id, read_format(row, 2)?);
                Ok(Named { id, path, bytes: row.get::<_, i64>(3)?.cast_unsigned() })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn named_assets(&self) -> Result<Vec<Named>> {
        self.sorted(|connection| {
            let mut statement =
                connection.prepare("SELECT id, format, bytes FROM assets ORDER BY id")?;
            let rows = statement.query_map([], |row| {
                let id = row.get(0)?;
                let path = folder::asset_path(&self.folder, id, read_format(row, 1)?);
                Ok(Named { id, path, bytes: row.get::<_, i64>(2)?.cast_unsigned() })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// By listing the folders once: asking for each of 150,000 files would take longer.
    fn thumbnails(&self) -> Result<Vec<Problem>> {
        let made: Vec<PictureId> = self.sorted(|connection| {
            let mut statement = connection
                .prepare("SELECT id FROM pictures WHERE thumbnails = 1 ORDER BY number")?;
            Ok(statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
        })?;
        let mut there = Vec::new();
        for size in THUMBNAIL_SIZES {
            let found = files::walk(&self.folder.join(THUMBNAILS).join(size.to_string()))?;
            let names = found.iter().filter_map(|path| path.file_stem()?.to_str()?.parse().ok());
            there.push(names.collect::<HashSet<PictureId>>());
        }
        let missing = made.into_iter().filter(|id| !there.iter().all(|made| made.contains(id)));
        Ok(missing.map(|id| Problem::ThumbnailsMissing { id }).collect())
    }
}

/// What became of a file. One that cannot be read at the moment, as on a disk that answers with an
/// error, is neither lost nor changed: its row stays.
pub(crate) enum State {
    Whole,
    Missing,
    Changed,
    Unreadable(String),
}

fn state(named: &Named, depth: Depth) -> State {
    match std::fs::metadata(&named.path) {
        Err(error) => State::of_error(&error),
        Ok(file) if file.len() != named.bytes => State::Changed,
        Ok(_) if depth == Depth::Quick => State::Whole,
        Ok(_) => State::of(&named.path, named.id),
    }
}

impl State {
    /// What became of the file of `id`, by reading it.
    pub(crate) fn of(path: &Path, id: PictureId) -> Self {
        match read_file(path, Limits::default().bytes) {
            Ok(bytes) if PictureId::of(&bytes) == id => Self::Whole,
            Err(PictureError::Unreadable { source, .. }) => Self::of_error(&source),
            _ => Self::Changed,
        }
    }

    fn of_error(error: &std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::Missing,
            _ => Self::Unreadable(error.to_string()),
        }
    }
}

/// A page that cannot be read is a finding, not the end of the check.
fn damage(error: LibraryError) -> Result<Vec<Problem>> {
    match error {
        LibraryError::Damaged { problem, .. } => Ok(vec![Problem::Database { problem }]),
        other => Err(other),
    }
}

fn database(connection: &Connection) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
    let said = statement.query_map([], |row| row.get::<_, String>(0))?;
    for line in said.collect::<rusqlite::Result<Vec<_>>>()? {
        if line != "ok" {
            problems.push(Problem::Database { problem: line });
        }
    }
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let broken = statement.query_map([], |row| row.get::<_, String>(0))?;
    for table in broken.collect::<rusqlite::Result<HashSet<_>>>()? {
        let problem = format!("rows of {table} belong to rows that are not there");
        problems.push(Problem::Database { problem });
    }
    Ok(problems)
}

/// The index keeps the number of each row it has words of.
fn search(connection: &Connection) -> Result<Vec<Problem>> {
    let pictures: u64 = connection.query_row(
        "SELECT (SELECT count(*) FROM words WHERE picture NOT IN (SELECT id FROM search_docsize))
              + (SELECT count(*) FROM search_docsize WHERE id NOT IN (SELECT picture FROM words))
              + (SELECT count(*) FROM pictures WHERE number NOT IN (SELECT picture FROM words))",
        [],
        |row| row.get(0),
    )?;
    Ok(if pictures > 0 { vec![Problem::Search { pictures }] } else { Vec::new() })
}
