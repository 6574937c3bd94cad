//! The three formats, told by file name when writing and by content when reading.

use std::path::Path;

use crate::PictureError;

/// A picture format that is read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Lossless, with alpha.
    Png,
    /// Small, without alpha: a picture that has some is laid over white.
    Jpeg,
    /// Written lossless, with alpha.
    WebP,
}

impl Format {
    /// The format that the ending of `path` names.
    pub fn of_path(path: &Path) -> Result<Self, PictureError> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        match ending.as_deref() {
            Some("png") => Ok(Self::Png),
            Some("jpg" | "jpeg") => Ok(Self::Jpeg),
            Some("webp") => Ok(Self::WebP),
            _ => Err(PictureError::UnknownFormat { path: path.to_owned() }),
        }
    }

    /// The format that `bytes` begin as, whatever the file is called.
    pub fn of_content(bytes: &[u8]) -> Result<Self, PictureError> {
        match image::guess_format(bytes) {
            Ok(image::ImageFormat::Png) => Ok(Self::Png),
            Ok(image::ImageFormat::Jpeg) => Ok(Self::Jpeg),
            Ok(image::ImageFormat::WebP) => Ok(Self::WebP),
            _ => Err(PictureError::NotAPicture),
        }
    }

    /// The name for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
        }
    }

    /// The usual ending of a file name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
        }
    }
}
