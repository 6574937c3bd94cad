//! Where pictures go: with `--out`, and what they are called there; without it, into the library.

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use likeness_picture::{Existing, Format, PictureError, lies_within, write_whole};
use likeness_recipe::ResolvedRecipe;
use likeness_studio::Shelf;

use crate::Failure;
use crate::environment::Host;
use crate::report;

/// Most bytes of a prompt that become part of a file's name; systems take 255 in all.
const NAME_BYTES: usize = 80;

/// What `--out` says for standard output.
const STANDARD: &str = "-";

/// Where the pictures of one request go, and what becomes of a file that has the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    place: Place,
    existing: Existing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// One picture.
    File(PathBuf),
    /// So many, numbered before the ending.
    Numbered(PathBuf, u32),
    /// A folder; each picture gets a free name in it.
    Folder(PathBuf),
    /// One picture, and nothing else.
    Standard,
}

/// Whether pictures go to standard output, where an object about them has no room.
pub fn is_standard(out: Option<&Path>, json: bool) -> Result<bool, Failure> {
    let standard = out.is_some_and(|out| out == Path::new(STANDARD));
    if standard && json {
        let problem = "standard output takes the picture (accepted: one of --json and --out -)";
        return Err(Failure::Usage(format!("json: {problem}")));
    }
    Ok(standard)
}

impl Destination {
    /// What `--out` means for so many pictures, and `--overwrite` beside it.
    pub fn choose(out: &Path, count: u32, overwrite: bool) -> Result<Self, Failure> {
        let existing = if overwrite { Existing::Replace } else { Existing::Keep };
        Ok(Self { place: Place::choose(out, count)?, existing })
    }

    /// The format that is written there.
    pub fn format(&self) -> Format {
        match &self.place {
            Place::File(path) | Place::Numbered(path, _) => {
                Format::of_path(path).unwrap_or(Format::Png)
            }
            Place::Folder(_) | Place::Standard => Format::Png,
        }
    }

    /// Makes sure that something can be written there, before anything is computed. The `library`'s own
    /// pictures never change, and what lies in between would be taken for one of them.
    pub fn check(&self, library: &Path) -> Result<(), Failure> {
        let (Place::File(path) | Place::Numbered(path, _) | Place::Folder(path)) = &self.place
        else {
            return match std::io::stdout().is_terminal() {
                true => Err(Failure::Usage(
                    "out: standard output is a terminal, which shows no picture (accepted: a pipe, or \
                     --out FILE)"
                        .to_owned(),
                )),
                false => Ok(()),
            };
        };
        if lies_within(path, library) {
            return Err(Failure::Usage(format!(
                "out: {}: it lies in the library (accepted: another folder; without --out the picture \
                 goes into the library)",
                path.display()
            )));
        }
        let folder = match &self.place {
            Place::Folder(folder) => {
                std::fs::create_dir_all(folder).map_err(|source| unwritable(folder, source))?;
                folder.clone()
            }
            _ => parent(path).to_owned(),
        };
        tempfile::tempfile_in(&folder).map_err(|source| unwritable(&folder, source))?;
        match &self.place {
            Place::File(path) => may_be_written("out", path, self.existing).map(drop),
            Place::Numbered(path, count) => (0..*count).try_for_each(|index| {
                may_be_written("out", &numbered(path, index), self.existing).map(drop)
            }),
            _ => Ok(()),
        }
    }

    /// Writes picture number `index` (from 0) and says where it is.
    pub fn write(
        &self,
        index: u32,
        bytes: &[u8],
        recipe: &ResolvedRecipe,
    ) -> Result<PathBuf, Failure> {
        self.write_as(index, bytes, || stem(recipe).into())
    }

    /// The same under a name that is asked for where there is none: without an ending.
    pub fn write_as(
        &self,
        index: u32,
        bytes: &[u8],
        stem: impl FnOnce() -> OsString,
    ) -> Result<PathBuf, Failure> {
        let path = match &self.place {
            Place::File(path) => path.clone(),
            Place::Numbered(path, _) => numbered(path, index),
            Place::Folder(folder) => return write_free(folder, &stem(), bytes),
            Place::Standard => {
                let mut out = std::io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush()).map_err(report::unprinted)?;
                return Ok(STANDARD.into());
            }
        };
        let real = may_be_written("out", &path, self.existing)?;
        write_whole(&real, bytes, self.existing).map_err(|error| Failure::of_output(&error))?;
        Ok(path)
    }
}

impl Place {
    fn choose(out: &Path, count: u32) -> Result<Self, Failure> {
        if out == Path::new(STANDARD) {
            return match count {
                0 | 1 => Ok(Self::Standard),
                many => Err(Failure::Usage(format!(
                    "out: standard output takes one picture, not {many} (accepted: --count 1, or a \
                     folder)"
                ))),
            };
        }
        let ends_as_folder = out.to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR]);
        if out.is_dir() || ends_as_folder || out.extension().is_none() {
            return Ok(Self::Folder(out.to_owned()));
        }
        Format::of_path(out).map_err(|error| Failure::of_output(&error))?;
        let out = out.to_owned();
        Ok(if count > 1 { Self::Numbered(out, count) } else { Self::File(out) })
    }
}

/// Where a file of this name lies, or will: what is there is only replaced where somebody said so, and
/// never if it may not be written to. A link is followed to its file, which would otherwise be left behind
/// as it was; and what is no file, such as a device, is not put away for one.
pub fn may_be_written(field: &str, path: &Path, existing: Existing) -> Result<PathBuf, Failure> {
    if std::fs::symlink_metadata(path).is_err() {
        return Ok(path.to_owned());
    }
    let refused = |problem: &str, accepted: &str| {
        let path = path.display();
        format!("{field}: {path}: {problem} (accepted: {accepted})")
    };
    let Ok(there) = std::fs::metadata(path) else {
        let problem = "it is a link that leads nowhere";
        return Err(Failure::Usage(refused(problem, "another name")));
    };
    if !there.is_file() {
        let problem = "it is there, and is no file";
        return Err(Failure::Usage(refused(problem, "the name of a file")));
    }
    if existing == Existing::Keep {
        let problem = "there is such a file already";
        return Err(Failure::Usage(refused(problem, "another name, or --overwrite")));
    }
    let closed = std::fs::OpenOptions::new().write(true).open(path).is_err();
    if there.permissions().readonly() || closed {
        let problem = "it may only be read";
        return Err(Failure::Storage(refused(
            problem,
            "another name, or a file that may be written",
        )));
    }
    path.canonicalize().map_err(|source| unwritable(path, source))
}

/// The library, open for what is about to be made. Before anything is computed: one that is in use, or
/// gone, must not cost a picture.
pub fn shelf(host: &Host) -> Result<Shelf, Failure> {
    Shelf::open(&host.library, host.make_library, (host.clock)())
        .map_err(|error| Failure::of_library(error, "--out FILE|DIR"))
}

/// `name-3.png` of `name.png`, whatever bytes the name consists of.
fn numbered(path: &Path, index: u32) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{}.", index + 1));
    name.push(path.extension().unwrap_or_default());
    path.with_file_name(name)
}

/// Writes under the first of `stem.png`, `stem-2.png`, … that nothing has.
fn write_free(folder: &Path, stem: &OsStr, bytes: &[u8]) -> Result<PathBuf, Failure> {
    let ending = Format::Png.extension();
    for number in 1_u32.. {
        let mut name = stem.to_owned();
        if number > 1 {
            name.push(format!("-{number}"));
        }
        name.push(format!(".{ending}"));
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
