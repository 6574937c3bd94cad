//! What can be wrong with a picture file.

use std::io;
use std::path::{Path, PathBuf};

/// Why a picture could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The file is not there, or may not be read.
    #[error("it cannot be read: {source} (accepted: a file that is there and may be read)")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The content is none of the formats we read.
    #[error("it is not a picture (accepted: PNG, JPEG, WebP, GIF, TIFF, BMP)")]
    NotAPicture,
    /// A picture of a kind that is known, and not read.
    #[error("it is {what}, which is not read here (accepted: {instead})")]
    NotRead {
        /// What it is, with its article.
        what: &'static str,
        /// What would do.
        instead: &'static str,
    },
    /// A file of a format that is read, of a kind that is not.
    #[error(
        "the {format} is of a kind that is not read: {problem} (accepted: 8 or 16 bits a channel, such as a PNG)"
    )]
    Unsupported {
        /// What it begins as.
        format: &'static str,
        /// What is not read of it.
        problem: String,
    },
    /// It begins as a picture and does not go on as one.
    #[error("the {format} is damaged: {problem} (accepted: a whole file)")]
    Damaged {
        /// What it begins as.
        format: &'static str,
        /// Where it goes wrong.
        problem: String,
    },
    /// It is over one of the limits.
    #[error("it is too large: {found} (accepted: {limit})")]
    TooLarge {
        /// What it has.
        found: String,
        /// What it may have.
        limit: String,
    },
    /// The file name ends in something that we do not write.
    #[error("{}: the ending names no format (accepted: .png, .jpg, .jpeg, .webp)", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The recipe does not fit into this format.
    #[error(
        "its recipe has {bytes} bytes, too many for a {format} (accepted: PNG or WebP, or a shorter prompt)"
    )]
    RecipeTooLong {
        /// The format.
        format: &'static str,
        /// Bytes of EXIF.
        bytes: usize,
    },
    /// The pixels cannot be written in this format.
    #[error("it cannot be written as {format}: {problem}")]
    Unencodable {
        /// The format.
        format: &'static str,
        /// What the encoder said.
        problem: String,
    },
    /// There is a file already, and it was not to be replaced.
    #[error("{}: there is such a file already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// There is no room left.
    #[error("{}: the disk is full (accepted: free some room, or another place)", path.display())]
    DiskFull {
        /// The file that was to be written.
        path: PathBuf,
    },
    /// The file cannot be written for another reason.
    #[error(
        "{}: it cannot be written: {source} (accepted: a folder that is there and may be written to)",
        path.display()
    )]
    Unwritable {
        /// The file that was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl PictureError {
    /// Sorts what the system says about writing `path`.
    pub fn from_write(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            io::ErrorKind::AlreadyExists => Self::Exists { path },
            _ => Self::Unwritable { path, source },
        }
    }

    /// Whether the disk is to blame, and not the picture.
    pub fn is_storage(&self) -> bool {
        matches!(self, Self::DiskFull { .. } | Self::Unwritable { .. } | Self::Exists { .. })
    }
}
