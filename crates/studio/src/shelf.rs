//! How pictures get onto the shelf, for hosts with no studio open too.

use std::path::{Path, PathBuf};

use likeness_library::{AnyId, Library, LibraryError, NewPicture, Parent, PictureId, Relation};
use likeness_picture::DigitalSource;
use likeness_recipe::{Rendered, Word};

use crate::deliver::DeliveredFile;
use crate::enlarge::LargerFile;
use crate::{StudioError, keep};

/// A library that a host puts finished pictures into, without any thread or queue.
pub struct Shelf {
    library: Library,
}

impl Shelf {
    /// Opens the library at `folder`. Where there is none, `make` says whether one is made, as in
    /// [`Opening`](crate::Opening).
    pub fn open(folder: &Path, make: bool, now: i64) -> Result<Self, LibraryError> {
        let library = match make {
            true => Library::open(folder, now)?,
            false => Library::open_there(folder, now)?,
        };
        Ok(Self { library })
    }

    /// Keeps a picture file for recipes to name by its hash.
    pub fn keep_input(&self, bytes: &[u8], name: &str, now: i64) -> Result<(), StudioError> {
        // What is in the library already needs no second copy.
        if self.library.asset(AnyId::of(bytes)).is_err() {
            self.library.add_asset(bytes, name, now)?;
        }
        Ok(())
    }

    /// Keeps a finished picture; where it is afterwards. `words` is what its model knows, `before` what the
    /// picture that it goes on from says of how it came about.
    pub fn keep(
        &self,
        rendered: &Rendered,
        words: &[Word],
        before: Option<DigitalSource>,
        now: i64,
    ) -> Result<PathBuf, StudioError> {
        let bytes = keep::file(rendered, before)?;
        let picture = keep::picture(&bytes, rendered, Vec::new(), words)?;
        let (id, _) = self.library.add_picture(&picture, now)?;
        Ok(self.library.path_of(id)?)
    }

    /// Keeps a picture file that was made larger, and the file that it was made from; where it is
    /// afterwards.
    pub fn keep_larger(
        &self,
        larger: &LargerFile,
        (source, name): (&[u8], &str),
        now: i64,
    ) -> Result<PathBuf, StudioError> {
        self.keep_input(source, name, now)?;
        let mut picture = NewPicture::read(&larger.bytes).map_err(StudioError::internal)?;
        let source = PictureId::of(source);
        picture.parents = vec![Parent { id: source, relation: Relation::Enlargement }];
        (picture.enlarged, picture.marked_as) = (Some(larger.by), Some(source));
        picture.seconds = Some(larger.seconds);
        // Of the same thing, where the library knows the smaller one.
        picture.subject = self.library.picture(source).ok().and_then(|row| row.subject);
        let (id, _) = self.library.add_picture(&picture, now)?;
        Ok(self.library.path_of(id)?)
    }

    /// Keeps a picture file that was brought to a size, and the file that it was made from; where it is
    /// afterwards.
    pub fn keep_delivered(
        &self,
        done: &DeliveredFile,
        (source, name): (&[u8], &str),
        now: i64,
    ) -> Result<PathBuf, StudioError> {
        self.keep_input(source, name, now)?;
        let mut picture = NewPicture::read(&done.bytes).map_err(StudioError::internal)?;
        let (id, by) = (PictureId::of(source), done.by());
        picture.parents = vec![Parent { id, relation: done.relation() }];
        (picture.enlarged, picture.marked_as) = (by.or(picture.enlarged), Some(id));
        picture.seconds = Some(done.seconds);
        picture.subject = self.library.picture(id).ok().and_then(|row| row.subject);
        let (id, _) = self.library.add_picture(&picture, now)?;
        Ok(self.library.path_of(id)?)
    }

    /// Notes that a prompt was used.
    pub fn prompt_used(&self, prompt: &str, now: i64) -> Result<(), StudioError> {
        Ok(self.library.prompt_used(prompt, now)?)
    }
}
