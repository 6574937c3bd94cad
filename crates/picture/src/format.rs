//! Picture formats, told by file name when writing and by content when reading.

use std::path::Path;

use crate::{PictureError, unread};

/// A picture format. All are read; the first three are written too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Lossless, with alpha.
    Png,
    /// Small, without alpha: a picture that has some is laid over white.
    Jpeg,
    /// Written lossless, with alpha.
    WebP,
    /// Only read: its first frame.
    Gif,
    /// Only read: its first picture.
    Tiff,
    /// Only read.
    Bmp,
}

impl Format {
    /// Every one there is.
    pub const ALL: &'static [Self] =
        &[Self::Png, Self::Jpeg, Self::WebP, Self::Gif, Self::Tiff, Self::Bmp];

    /// What the names of files that can be read end in. Dialogs and folders ask for these.
    pub const ENDINGS: &'static [&'static str] =
        &["png", "jpg", "jpeg", "webp", "gif", "tif", "tiff", "bmp"];

    /// The format to write that the ending of `path` names.
    pub fn of_path(path: &Path) -> Result<Self, PictureError> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().into_owned());
        let format = ending.as_deref().and_then(Self::of_ending).filter(|it| it.is_written());
        format.ok_or_else(|| PictureError::UnknownFormat { path: path.to_owned() })
    }

    /// The format, also one that is only read, whose files end so.
    pub fn of_ending(ending: &str) -> Option<Self> {
        match ending.to_ascii_lowercase().as_str() {
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "webp" => Some(Self::WebP),
            "gif" => Some(Self::Gif),
            "tif" | "tiff" => Some(Self::Tiff),
            "bmp" => Some(Self::Bmp),
            _ => None,
        }
    }

    /// The format that `bytes` begin as, whatever the file is called. One that is known and not read is
    /// named by the error.
    pub fn of_content(bytes: &[u8]) -> Result<Self, PictureError> {
        if let Some(refused) = unread::named(bytes) {
            return Err(refused);
        }
        match image::guess_format(bytes) {
            Ok(image::ImageFormat::Png) => Ok(Self::Png),
            Ok(image::ImageFormat::Jpeg) => Ok(Self::Jpeg),
            Ok(image::ImageFormat::WebP) => Ok(Self::WebP),
            Ok(image::ImageFormat::Gif) => Ok(Self::Gif),
            Ok(image::ImageFormat::Tiff) => Ok(Self::Tiff),
            Ok(image::ImageFormat::Bmp) if has_bmp_header(bytes) => Ok(Self::Bmp),
            _ => Err(PictureError::NotAPicture),
        }
    }

    /// Whether pictures can be written in it.
    pub fn is_written(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg | Self::WebP)
    }

    /// The format itself where pictures can be written in it, and otherwise PNG.
    pub fn written(self) -> Self {
        if self.is_written() { self } else { Self::Png }
    }

    /// The name for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Tiff => "TIFF",
            Self::Bmp => "BMP",
        }
    }

    /// The usual ending of a file name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
            Self::Gif => "gif",
            Self::Tiff => "tiff",
            Self::Bmp => "bmp",
        }
    }
}

/// The two letters that a BMP begins with begin many a text too: the length of what follows its file's
/// head is one of few.
fn has_bmp_header(bytes: &[u8]) -> bool {
    let length = bytes.get(14..18).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes);
    length.is_some_and(|length| [12, 16, 40, 52, 56, 64, 108, 124].contains(&length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_is_read_and_every_format_has_one() {
        for ending in Format::ENDINGS {
            assert!(Format::of_ending(&ending.to_uppercase()).is_some(), "{ending}");
        }
        for format in Format::ALL {
            assert!(Format::ENDINGS.contains(&format.extension()), "{format:?}");
            assert_eq!(Format::of_ending(format.extension()), Some(*format));
            let path = Path::new("a").with_extension(format.extension());
            assert_eq!(Format::of_path(&path).is_ok(), format.is_written(), "{format:?}");
        }
    }

    #[test]
    fn a_text_that_begins_as_a_bitmap_does_is_a_text() {
        for text in [&b"BMW, a red one, beside a house"[..], b"BM"] {
            assert!(matches!(Format::of_content(text), Err(PictureError::NotAPicture)));
        }
    }
}
