//! The bytes of a file, mapped or in memory: the only place that maps.

use std::fs::File;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

use super::WeightError;

/// Bytes that look the same wherever they lie.
pub enum Bytes {
    /// Pages of a file, read by the system when they are touched.
    Mapped(Mmap),
    /// Already in memory.
    Owned(Vec<u8>),
}

impl Bytes {
    /// Maps a whole file.
    pub fn map(path: &Path) -> Result<Self, WeightError> {
        let failed = |source| WeightError::Open { file: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            let problem = "this is a folder, not a file of weights".to_owned();
            return Err(WeightError::Damaged { file: path.to_owned(), problem });
        }
        // SAFETY: the map is read-only and private to this process. What can break it is another
        // program that shortens the file meanwhile, which ends this process with a bus error but
        // shows it no memory that is not the file's; copying gigabytes to rule that out would cost
        // every start of the program what mapping exists to save.
        let map = unsafe { Mmap::map(&file) };
        map.map(Self::Mapped).map_err(failed)
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}
