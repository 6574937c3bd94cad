//! Every way in which a command ends without doing what was asked.

use std::path::Path;

use likeness_picture::PictureError;
use likeness_recipe::{RecipeError, RenderError};
use likeness_studio::{ErrorCode, LibraryError, StudioError};

/// One line for a person, and an exit code for a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A fault of ours.
    #[error("{0}")]
    Internal(String),
    /// The request cannot be met as it is.
    #[error("{0}")]
    Usage(String),
    /// A file that was given to work with cannot be used.
    #[error("{0}")]
    Input(String),
    /// The model is missing, damaged or not one that runs here.
    #[error("{0}")]
    Model(String),
    /// The result cannot be stored.
    #[error("{0}")]
    Storage(String),
    /// The person stopped it.
    #[error("cancelled")]
    Cancelled,
    /// Whoever read the output has gone away, as `head` does: there is nobody to tell it to.
    #[error("the reader of the output has gone away")]
    ClosedPipe,
}

impl Failure {
    /// The exit code: 128 + SIGINT for a cancelled one, 128 + SIGPIPE for one that nobody reads, as shells
    /// expect.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Internal(_) => 1,
            Self::Usage(_) => 2,
            Self::Input(_) => 3,
            Self::Model(_) => 4,
            Self::Storage(_) => 5,
            Self::Cancelled => 130,
            Self::ClosedPipe => 141,
        }
    }

    /// What this program said in another process, by the exit code that it had there.
    pub fn of_exit_code(code: Option<i32>, line: String) -> Self {
        match code {
            Some(2) => Self::Usage(line),
            Some(3) => Self::Input(line),
            Some(4) => Self::Model(line),
            Some(5) => Self::Storage(line),
            Some(130) => Self::Cancelled,
            Some(141) => Self::ClosedPipe,
            _ => Self::Internal(line),
        }
    }

    /// A picture `path`, given as `field`, that cannot be used.
    pub fn of_input(field: &str, path: &Path, error: &PictureError) -> Self {
        Self::Input(format!("{field}: {}: {error}", path.display()))
    }

    /// A library that does not open. One that is in use may be in the way of a picture that could go
    /// elsewhere: `instead` says how.
    pub fn of_library(error: LibraryError, instead: &str) -> Self {
        match error {
            LibraryError::InUse { .. } => {
                Self::Storage(format!("library: {error} (accepted: close that one, or {instead})"))
            }
            LibraryError::Damaged { .. } => {
                Self::Storage(format!("library: {error} (accepted: likeness library rebuild)"))
            }
            LibraryError::Gone { .. } => Self::Storage(format!(
                "library: {error} (accepted: bring it back, or choose another in the window or with \
                 LIKENESS_LIBRARY)"
            )),
            error => match Self::from(StudioError::from(error)) {
                Self::Storage(line) => Self::Storage(format!("library: {line}")),
                other => other,
            },
        }
    }

    /// A result that cannot be written. Only the disk can be to blame for more than our own fault.
    pub fn of_output(error: &PictureError) -> Self {
        match error {
            PictureError::UnknownFormat { .. } | PictureError::RecipeTooLong { .. } => {
                Self::Usage(format!("out: {error}"))
            }
            // It came while the picture was made: before, somebody would have been told.
            PictureError::Exists { .. } => {
                Self::Usage(format!("out: {error} (accepted: another name, or --overwrite)"))
            }
            error if error.is_storage() => Self::Storage(format!("out: {error}")),
            error => Self::Internal(error.to_string()),
        }
    }
}

impl From<RecipeError> for Failure {
    fn from(error: RecipeError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<StudioError> for Failure {
    fn from(error: StudioError) -> Self {
        let line = error.message;
        match error.code {
            ErrorCode::Usage | ErrorCode::Memory | ErrorCode::NotFound => Self::Usage(line),
            ErrorCode::Input => Self::Input(line),
            ErrorCode::Model => Self::Model(line),
            ErrorCode::Storage | ErrorCode::InUse => Self::Storage(line),
            ErrorCode::Cancelled => Self::Cancelled,
            ErrorCode::Internal => Self::Internal(line),
        }
    }
}

impl From<RenderError> for Failure {
    fn from(error: RenderError) -> Self {
        let line = error.to_string();
        match error {
            RenderError::Cancelled => Self::Cancelled,
            RenderError::Request { .. } | RenderError::Memory { .. } => Self::Usage(line),
            RenderError::Model { .. } => Self::Model(line),
            RenderError::Internal(_) => Self::Internal(line),
        }
    }
}
