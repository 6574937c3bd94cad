//! The one way in which a command fails.

use std::path::Path;

use likeness_library::LibraryError;
use likeness_picture::PictureError;
use likeness_recipe::{RecipeError, RenderError};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What went wrong: a code for the host, a sentence for the person, and the field at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, thiserror::Error)]
#[error("{message}")]
pub struct StudioError {
    /// What a host acts on.
    pub code: ErrorCode,
    /// One line that says what is wrong and what would be accepted.
    pub message: String,
    /// The request's field at fault, such as `steps` or `references[0].role`.
    pub field: Option<String>,
}

/// Only what a host acts on differently has a code of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request cannot be met as it is.
    Usage,
    /// A file that was given to work with cannot be used.
    Input,
    /// The model is missing, damaged or not one that runs here.
    Model,
    /// It would not fit into memory.
    Memory,
    /// The library or another place cannot be written or read.
    Storage,
    /// Another process has the library open.
    InUse,
    /// There is no such picture, job or board.
    NotFound,
    /// Somebody stopped it.
    Cancelled,
    /// A fault of ours.
    Internal,
}

impl StudioError {
    /// An error without a field.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None }
    }

    /// A request's field that cannot be met, in the words that recipes use too.
    pub fn field(
        field: impl Into<String>,
        problem: impl std::fmt::Display,
        accepted: impl std::fmt::Display,
    ) -> Self {
        let field = field.into();
        let message = format!("{field}: {problem} (accepted: {accepted})");
        Self { code: ErrorCode::Usage, message, field: Some(field) }
    }

    /// A fault of ours.
    pub fn internal(problem: impl std::fmt::Display) -> Self {
        Self::new(ErrorCode::Internal, format!("internal: {problem}"))
    }

    /// A picture file that was given to work with and cannot be used.
    pub fn input(path: &Path, problem: impl std::fmt::Display) -> Self {
        Self::new(ErrorCode::Input, format!("{}: {problem}", path.display()))
    }

    /// A file that cannot be written.
    pub fn unwritable(error: &PictureError) -> Self {
        let code = match error {
            PictureError::UnknownFormat { .. } | PictureError::RecipeTooLong { .. } => {
                ErrorCode::Usage
            }
            error if error.is_storage() => ErrorCode::Storage,
            _ => ErrorCode::Internal,
        };
        Self::new(code, error.to_string())
    }
}

impl From<RecipeError> for StudioError {
    fn from(error: RecipeError) -> Self {
        Self::field(error.field.clone(), error.problem, error.accepted)
    }
}

impl From<RenderError> for StudioError {
    fn from(error: RenderError) -> Self {
        let message = error.to_string();
        let (code, field) = match error {
            RenderError::Cancelled => (ErrorCode::Cancelled, None),
            RenderError::Request { field, .. } => (ErrorCode::Usage, Some(field)),
            RenderError::Memory { field, .. } => (ErrorCode::Memory, Some(field.to_owned())),
            RenderError::Model { .. } => (ErrorCode::Model, Some("model".to_owned())),
            RenderError::Internal(_) => (ErrorCode::Internal, None),
        };
        Self { code, message, field }
    }
}

impl From<LibraryError> for StudioError {
    fn from(error: LibraryError) -> Self {
        let message = error.to_string();
        let (code, field) = match error {
            LibraryError::InUse { .. } => (ErrorCode::InUse, None),
            LibraryError::NotFound { .. } => (ErrorCode::NotFound, None),
            LibraryError::Field { field, .. } => (ErrorCode::Usage, Some(field.to_owned())),
            LibraryError::Picture { .. } => (ErrorCode::Input, None),
            LibraryError::Newer { .. }
            | LibraryError::Damaged { .. }
            | LibraryError::ReadOnly { .. }
            | LibraryError::Gone { .. }
            | LibraryError::DiskFull { .. }
            | LibraryError::Io { .. }
            | LibraryError::Database { .. } => (ErrorCode::Storage, None),
        };
        Self { code, message, field }
    }
}
