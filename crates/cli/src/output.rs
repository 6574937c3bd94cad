//! Where pictures go: with `--out`, and what they are called there; without it, into the library.

use std::path::{Path, PathBuf};

use likeness_picture::{
    Existing, Format, PictureError, check_replaceable, lies_within, write_whole,
};
use likeness_recipe::ResolvedRecipe;
use likeness_studio::Shelf;

use crate::Failure;
use crate::environment::Host;

/// Most bytes of a prompt that become part of a file's name; systems take 255 in all.
const NAME_BYTES: usize = 80;

/// Where the pictures of one request go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// One picture, in place of whatever has that name.
    File(PathBuf),
    /// Several, numbered before the ending.
    Numbered(PathBuf),
    /// A folder; each picture gets a free name in it.
    Folder(PathBuf),
}

impl Destination {
    /// What `--out` means for so many pictures.
    pub fn choose(out: &Path, count: u32) -> Result<Self, Failure> {
        let ends_as_folder = out.to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR]);
        if out.is_dir() || ends_as_folder || out.extension().is_none() {
            return Ok(Self::Folder(out.to_owned()));
        }
        Format::of_path(out).map_err(|error| Failure::of_output(&error))?;
        let out = out.to_owned();
        Ok(if count > 1 { Self::Numbered(out) } else { Self::File(out) })
    }

    /// The format that is written there.
    pub fn format(&self) -> Format {
        match self {
            Self::File(path) | Self::Numbered(path) => Format::of_path(path).unwrap_or(Format::Png),
            Self::Folder(_) => Format::Png,
        }
    }

    /// Makes sure that something can be written there, before anything is computed. The `library`'s own
    /// pictures never change, and what lies in between would be taken for one of them.
    pub fn check(&self, library: &Path) -> Result<(), Failure> {
        let (Self::File(path) | Self::Numbered(path) | Self::Folder(path)) = self;
        if lies_within(path, library) {
            return Err(Failure::Usage(format!(
                "out: {}: it lies in the library (accepted: another folder; without --out the picture \
                 goes into the library)",
                path.display()
            )));
        }
        let folder = match self {
            Self::File(path) | Self::Numbered(path) => {
                check_replaceable(path).map_err(|error| Failure::of_output(&error))?;
                parent(path).to_owned()
            }
            Self::Folder(folder) => {
                std::fs::create_dir_all(folder).map_err(|source| unwritable(folder, source))?;
                folder.clone()
            }
        };
        tempfile::tempfile_in(&folder).map_err(|source| unwritable(&folder, source))?;
        Ok(())
    }

    /// Writes picture number `index` (from 0) and says where it is.
    pub fn write(
        &self,
        index: u32,
        bytes: &[u8],
        recipe: &ResolvedRecipe,
    ) -> Result<PathBuf, Failure> {
        self.write_as(index, bytes, || stem(recipe))
    }

    /// The same under a name that is asked for where there is none: without an ending.
    pub fn write_as(
        &self,
        index: u32,
        bytes: &[u8],
        stem: impl FnOnce() -> String,
    ) -> Result<PathBuf, Failure> {
        match self {
            Self::File(path) => {
                write_whole(path, bytes, Existing::Replace)
                    .map_err(|error| Failure::of_output(&error))?;
                Ok(path.clone())
            }
            Self::Numbered(path) => {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                let ending = path.extension().unwrap_or_default().to_string_lossy();
                let path = path.with_file_name(format!("{stem}-{}.{ending}", index + 1));
                write_whole(&path, bytes, Existing::Replace)
                    .map_err(|error| Failure::of_output(&error))?;
                Ok(path)
            }
            Self::Folder(folder) => write_free(folder, &stem(), bytes),
        }
    }
}

/// The library, open for what is about to be made. Before anything is computed: one that is in use, or
/// gone, must not cost a picture.
pub fn shelf(host: &Host) -> Result<Shelf, Failure> {
    Shelf::open(&host.library, host.make_library, (host.clock)())
        .map_err(|error| Failure::of_library(error, "--out FILE|DIR"))
}

/// Writes under the first of `stem.png`, `stem-2.png`, … that nothing has.
fn write_free(folder: &Path, stem: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
    let ending = Format::Png.extension();
    for number in 1_u32.. {
        let name = if number == 1 {
            format!("{stem}.{ending}")
        } else {
            format!("{stem}-{number}.{ending}")
        };
        let path = folder.join(name);
        match write_whole(&path, bytes, Existing::Keep) {
            Err(PictureError::Exists { .. }) => continue,
            Err(error) => return Err(Failure::of_output(&error)),
            Ok(()) => return Ok(path),
        }
    }
    Err(Failure::Storage(format!("out: {}: no free name is left", folder.display())))
}

/// `a-red-fox-7`: words of the prompt, then the seed. Only letters and digits stay, so every system
/// takes the name, and as the seed ends it no name is one that Windows keeps for itself.
fn stem(recipe: &ResolvedRecipe) -> String {
    let mut stem = String::new();
    for c in recipe.prompt.chars().flat_map(char::to_lowercase) {
        if stem.len() + c.len_utf8() > NAME_BYTES {
            break;
        }
        if c.is_alphanumeric() {
            stem.push(c);
        } else if !stem.is_empty() && !stem.ends_with('-') {
            stem.push('-');
        }
    }
    let words = stem.trim_end_matches('-');
    let joint = if words.is_empty() { "" } else { "-" };
    format!("{words}{joint}{}", recipe.seed)
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn unwritable(path: &Path, source: std::io::Error) -> Failure {
    Failure::of_output(&PictureError::from_write(path, source))
}
