//! Picture files that come in: from a folder, dropped on a window, or pasted.

use std::path::{Path, PathBuf};

use base64::Engine;
use likeness_library::{self as library, AnyId, NewPicture};
use likeness_picture::{Format, Limits, decode, read_file, read_metadata};

use crate::api::{Asset, ImportAnswer, ImportBytes, ImportRequest, Imported, OneId, Refused};
use crate::pictures::card;
use crate::{ErrorCode, Studio, StudioError, foreign, keep};

/// Files of one import at most, so that a slip with a whole disk ends.
const FILES: usize = 20_000;

/// Files that are taken in to be looked at, and no pictures of the library: no model looks at more, and
/// nobody sees them there.
const REFERENCES: usize = 32;

/// How many pictures come in before they are shown: thousands take minutes.
const TOLD_AT_ONCE: usize = 200;

/// Folders within folders at most.
const DEPTH: u32 = 8;

impl Studio {
    /// Takes picture files into the library.
    pub fn import(&self, asked: ImportRequest) -> Result<ImportAnswer, StudioError> {
        let only_asset = asked.reference.unwrap_or(false);
        let mut answer = ImportAnswer { imported: Vec::new(), refused: Vec::new() };
        let mut told = 0;
        let mut files = Vec::new();
        for path in asked.paths.iter().map(PathBuf::from) {
            match path.is_dir() {
                true => inside(&path, DEPTH, &mut files),
                false => files.push(path),
            }
        }
        if files.len() > FILES {
            let problem = format!("there are more than {FILES} pictures");
            return Err(StudioError::field("paths", problem, "fewer at a time"));
        }
        if only_asset && files.len() > REFERENCES {
            let problem = format!("{} pictures are too many to look at", files.len());
            return Err(StudioError::field("paths", problem, format!("at most {REFERENCES}")));
        }
        for path in files {
            if answer.imported.len() >= told + TOLD_AT_ONCE {
                self.imported(&answer.imported[told..]);
                told = answer.imported.len();
            }
            match self.import_file(&path, only_asset) {
                Ok(imported) => answer.imported.push(imported),
                // What is wrong with the library is wrong for every file; those before are there.
                Err(error) if error.code != ErrorCode::Input => {
                    self.imported(&answer.imported[told..]);
                    return Err(error);
                }
                Err(error) => answer
                    .refused
                    .push(Refused { path: path.display().to_string(), reason: error.message }),
            }
        }
        self.imported(&answer.imported[told..]);
        Ok(answer)
    }

    /// Takes in one file, whatever bytes its path consists of. `reference` is as in [`ImportRequest`].
    pub fn import_path(&self, path: &Path, reference: bool) -> Result<Imported, StudioError> {
        let imported = self.import_file(path, reference)?;
        self.imported(std::slice::from_ref(&imported));
        Ok(imported)
    }

    /// Takes in a picture that was pasted or dropped.
    pub fn import_bytes(&self, asked: ImportBytes) -> Result<Imported, StudioError> {
        let most = Limits::default().bytes;
        // Four letters hold three bytes.
        if asked.base64.len() as u64 / 4 * 3 > most + 3 {
            let problem = format!("the file has more than {} MB", most >> 20);
            return Err(StudioError::field("base64", problem, format!("{} MB", most >> 20)));
        }
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(asked.base64.trim())
            .map_err(|error| StudioError::field("base64", error, "base64 of a picture file"))?;
        let only_asset = asked.reference.unwrap_or(false);
        let imported = self.take_in(&bytes, Path::new(&asked.name), only_asset)?;
        self.imported(std::slice::from_ref(&imported));
        Ok(imported)
    }

    /// A picture of the library as something that requests can use.
    pub fn asset(&self, asked: OneId) -> Result<Asset, StudioError> {
        Ok(asset(self.shared.read(|reader| reader.asset(asked.id.parse()?))?))
    }

    fn import_file(&self, path: &Path, only_asset: bool) -> Result<Imported, StudioError> {
        let bytes = read_file(path, Limits::default().bytes)
            .map_err(|error| StudioError::input(path, error))?;
        self.take_in(&bytes, path, only_asset)
    }

    fn take_in(
        &self,
        bytes: &[u8],
        path: &Path,
        only_asset: bool,
    ) -> Result<Imported, StudioError> {
        let shared = &self.shared;
        let refused = |error| StudioError::input(path, error);
        // A file that begins as a picture and breaks off is better refused now than shown grey later.
        decode(bytes, &Limits::default()).map_err(refused)?;
        // A file whose texts are damaged is a picture all the same, of which less is known.
        let metadata = read_metadata(bytes).ok();
        let settings = metadata.and_then(|metadata| foreign::settings(shared, &metadata));
        if only_asset {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
            let asset_there = shared.read(|reader| reader.asset(AnyId::of(bytes)));
            let added = match asset_there {
                Ok(added) => added,
                Err(_) => shared.write(|library| library.add_asset(bytes, &name, shared.now()))?,
            };
            return Ok(Imported { picture: None, new: false, asset: asset(added), settings });
        }
        let new = NewPicture::read(bytes).map_err(refused)?;
        let (id, is_new) = keep::add(shared, &new)?;
        let (row, added) = shared.read(|reader| Ok((reader.picture(id)?, reader.asset(id)?)))?;
        Ok(Imported { picture: Some(card(row)), new: is_new, asset: asset(added), settings })
    }

    fn imported(&self, imported: &[Imported]) {
        let ids: Vec<_> =
            imported.iter().filter_map(|one| one.picture.as_ref()?.id.parse().ok()).collect();
        self.shared.tell_pictures(&ids);
        self.shared.thumbnails.wake();
    }
}

/// Picture files in a folder and below, in order of name. What cannot be looked into is left out.
fn inside(folder: &Path, depth: u32, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if files.len() > FILES {
            return;
        }
        // A link could lead round in a circle.
        if path.is_dir() && !path.is_symlink() {
            if depth > 0 {
                inside(&path, depth - 1, files);
            }
            continue;
        }
        let ending = path.extension().and_then(|ending| ending.to_str());
        if ending.and_then(Format::of_ending).is_some() {
            files.push(path);
        }
    }
}

fn asset(asset: library::Asset) -> Asset {
    Asset {
        sha256: asset.sha256.hex(),
        name: asset.name,
        width: asset.width,
        height: asset.height,
        alpha: asset.alpha,
    }
}
