//! Why the library could not do something.

use std::io;
use std::path::{Path, PathBuf};

use likeness_picture::PictureError;
use rusqlite::ErrorCode;

/// What went wrong, with what a host needs in order to say so and to act on it.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// Another process has it open.
    #[error("{}: the library is open in another window or program{}", folder.display(), by(*pid))]
    InUse {
        /// The library.
        folder: PathBuf,
        /// The process, where the system lets us read it.
        pid: Option<u32>,
    },
    /// A newer Likeness made it.
    #[error(
        "{}: a newer version made this library (schema {found}; this version knows up to {known})",
        folder.display()
    )]
    Newer {
        /// The library.
        folder: PathBuf,
        /// Its schema.
        found: u32,
        /// The last schema this build can read.
        known: u32,
    },
    /// The database cannot be trusted. It has not been changed.
    #[error("{}: its database is damaged: {problem}; rebuild it from the pictures", folder.display())]
    Damaged {
        /// The library.
        folder: PathBuf,
        /// A copy of the database as it was found, for [`crate::Reader::open_copy`]. None where
        /// there is nothing to copy, or no room for it.
        copy: Option<PathBuf>,
        /// What is wrong.
        problem: String,
    },
    /// It may not be written.
    #[error("{}: it can only be read (accepted: a folder that may be written)", path.display())]
    ReadOnly {
        /// The file or folder.
        path: PathBuf,
    },
    /// It was there and is not any more.
    #[error("{}: it is gone; was a disk taken out, or the folder moved?", path.display())]
    Gone {
        /// The file or folder.
        path: PathBuf,
    },
    /// There is no room left.
    #[error("{}: the disk is full (accepted: free some room)", path.display())]
    DiskFull {
        /// What was to be written.
        path: PathBuf,
    },
    /// There is no such thing in the library.
    #[error("there is no {what} {id}")]
    NotFound {
        /// Such as `picture` or `board`.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// Something that was asked for cannot be.
    #[error("{field}: {problem} (accepted: {accepted})")]
    Field {
        /// What is at fault.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
        /// What would be accepted in its place.
        accepted: String,
    },
    /// A picture file cannot be read.
    #[error("{}: {source}", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: PictureError,
    },
    /// The system refused for another reason.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was to be read or written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite refused for another reason.
    #[error("the library's database: {source}")]
    Database {
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

/// Every answer of the library.
pub type Result<T, E = LibraryError> = std::result::Result<T, E>;

impl LibraryError {
    /// Sorts what the system says about writing `path`.
    pub fn from_write(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                Self::ReadOnly { path }
            }
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Gone { path },
            _ => Self::Io { path, source },
        }
    }

    /// Sorts what the system says about reading `path`.
    pub fn from_read(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Gone { path },
            _ => Self::Io { path, source },
        }
    }

    /// A picture file that was to be read and cannot be.
    pub(crate) fn from_picture(path: &Path, source: PictureError) -> Self {
        match source {
            PictureError::Unreadable { path, source } => Self::from_read(&path, source),
            source => Self::Picture { path: path.to_owned(), source },
        }
    }

    pub(crate) fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    pub(crate) fn field(
        field: &'static str,
        problem: impl Into<String>,
        accepted: impl Into<String>,
    ) -> Self {
        Self::Field { field, problem: problem.into(), accepted: accepted.into() }
    }

    /// What SQLite said, told as what it means for the library whose database is `database`.
    pub(crate) fn at(self, database: &Path) -> Self {
        let Self::Database { source } = self else { return self };
        let path = database.to_owned();
        let folder = database.parent().unwrap_or(Path::new("")).to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { folder, copy: None, problem: source.to_string() }
            }
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            // A database whose file was taken away under it is read-only to SQLite.
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::SystemIoFailure)
                if !path.exists() =>
            {
                Self::Gone { path: folder }
            }
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly { path }
            }
            _ => Self::Database { source },
        }
    }
}

impl From<rusqlite::Error> for LibraryError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Database { source }
    }
}

fn by(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}
