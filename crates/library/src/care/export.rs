//! Export: picture files with plain names, and a list of what is known of them.

use std::path::Path;

use likeness_picture::{Existing, lies_within, write_whole};
use serde::Serialize;

use super::backup::Lost;
use super::preserve::copy_file;
use crate::table::parents::Parent;
use crate::time::{date_of, day_of};
use crate::{Filter, LibraryError, MAX_PAGE, PictureRow, Reader, Result};

/// The file that lists the others.
const MANIFEST: &str = "manifest.json";

/// What was exported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// How many pictures.
    pub pictures: u64,
    /// Those that could not be read.
    pub lost: Vec<Lost>,
}

/// A picture in the manifest.
#[derive(Serialize)]
struct Entry<'a> {
    file: &'a str,
    id: String,
    created_at: i64,
    width: u32,
    height: u32,
    source: &'a str,
    prompt: &'a str,
    negative: &'a str,
    /// As text: a seed may be larger than what JSON's numbers hold elsewhere.
    seed: Option<String>,
    model: Option<&'a str>,
    model_sha256: Option<&'a str>,
    subject: Option<&'a str>,
    run: Option<&'a str>,
    rating: u8,
    tags: Vec<String>,
    boards: Vec<&'a str>,
    parents: Vec<Parent>,
    recipe: Option<serde_json::Value>,
}

impl Reader {
    /// Copies the pictures of `filter` into the folder `to`, with a `manifest.json` of all that is
    /// known of them. A folder that has a manifest already is refused.
    pub fn export(&self, filter: &Filter, to: &Path) -> Result<Exported> {
        if lies_within(to, &self.folder) {
            return Err(LibraryError::field("to", "it lies in the library", "another folder"));
        }
        std::fs::create_dir_all(to).map_err(|e| LibraryError::from_write(to, e))?;
        let manifest = to.join(MANIFEST);
        let taken = || {
            let problem = "there is an export in this folder already";
            LibraryError::field("to", problem, "another folder")
        };
        if manifest.exists() {
            return Err(taken());
        }
        let boards = self.boards()?;
        let (mut entries, mut lost, mut after) = (Vec::new(), Vec::new(), None);
        loop {
            let page = self.page(filter, after, MAX_PAGE)?;
            for row in &page.items {
                let name = file_name(row);
                if let Err(error) = copy_file(&row.path, &to.join(&name))? {
                    lost.push(Lost { path: row.path.clone(), problem: error.to_string() });
                    continue;
                }
                let on = self.boards_of(row.id)?;
                let on = boards.iter().filter(|board| on.contains(&board.id));
                let boards = on.map(|board| board.name.as_str()).collect();
                entries.push(
                    serde_json::to_value(self.entry(row, &name, boards)?)
                        .expect("an entry is plain data"),
                );
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let text = serde_json::to_string_pretty(&entries).expect("values are plain data");
        write_whole(&manifest, text.as_bytes(), Existing::Keep).map_err(|error| match error {
            likeness_picture::PictureError::Exists { .. } => taken(),
            likeness_picture::PictureError::DiskFull { path } => LibraryError::DiskFull { path },
            error => LibraryError::Picture { path: manifest.clone(), source: error },
        })?;
        Ok(Exported { pictures: entries.len() as u64, lost })
    }

    fn entry<'a>(
        &self,
        row: &'a PictureRow,
        file: &'a str,
        boards: Vec<&'a str>,
    ) -> Result<Entry<'a>> {
        let recipe = self.recipe_of(row.id)?;
        Ok(Entry {
            file,
            id: row.id.hex(),
            created_at: row.created_at,
            width: row.width,
            height: row.height,
            source: &row.source,
            prompt: &row.prompt,
            negative: &row.negative,
            seed: row.seed.map(|seed| seed.to_string()),
            model: row.model.as_deref(),
            model_sha256: row.model_sha256.as_deref(),
            subject: row.subject.as_deref(),
            run: row.run.as_deref(),
            rating: row.rating,
            tags: self.tags_of(row.id)?,
            boards,
            parents: self.parents_of(row.id)?,
            recipe: recipe.and_then(|json| serde_json::from_str(&json).ok()),
        })
    }
}

/// Such as `2026-11-21-0123456789ab.png`.
fn file_name(row: &PictureRow) -> String {
    let (year, month, day) = date_of(day_of(row.created_at));
    let id = &row.id.hex()[..12];
    format!("{year:04}-{month:02}-{day:02}-{id}.{}", row.format.extension())
}
