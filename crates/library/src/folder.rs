//! Where things lie in a library's folder.

use std::path::{Path, PathBuf};

use likeness_picture::Format;

use crate::time::{date_of, day_from};
use crate::{PictureId, Result, files};

pub(crate) const DATABASE: &str = "library.sqlite";
pub(crate) const SEAL: &str = "library.sealed";
pub(crate) const LOCK: &str = "library.lock";
pub(crate) const PICTURES: &str = "pictures";
pub(crate) const ASSETS: &str = "assets";
pub(crate) const THUMBNAILS: &str = "thumbnails";
pub(crate) const ASIDE: &str = "aside";
pub(crate) const BACKUPS: &str = "backups";

/// The folder of one day's pictures.
pub(crate) fn day_folder(folder: &Path, day: i64) -> PathBuf {
    let (year, month, day) = date_of(day);
    folder
        .join(PICTURES)
        .join(format!("{year:04}"))
        .join(format!("{month:02}"))
        .join(format!("{day:02}"))
}

/// A picture's file.
pub(crate) fn picture_path(folder: &Path, day: i64, id: PictureId, format: Format) -> PathBuf {
    day_folder(folder, day).join(format!("{id}.{}", format.extension()))
}

/// The file of something that a recipe uses.
pub(crate) fn asset_path(folder: &Path, id: PictureId, format: Format) -> PathBuf {
    let name = id.hex();
    folder.join(ASSETS).join(&name[..2]).join(format!("{name}.{}", format.extension()))
}

/// Where the thumbnail of a picture or an asset lies or would lie, in the library at `folder`, for
/// one of [`crate::THUMBNAIL_SIZES`].
pub fn thumbnail_path(folder: &Path, size: u32, id: PictureId) -> PathBuf {
    let name = id.hex();
    folder.join(THUMBNAILS).join(size.to_string()).join(&name[..2]).join(format!("{name}.webp"))
}

/// The id and format that a file's name states, if it is such a name.
pub(crate) fn read_name(path: &Path) -> Option<(PictureId, Format)> {
    let id = path.file_stem()?.to_str()?.parse().ok()?;
    let format = Format::of_ending(path.extension()?.to_str()?)?;
    // Another spelling of the same name would be a second file for one row.
    (path.file_name()?.to_str()? == format!("{id}.{}", format.extension())).then_some((id, format))
}

/// The day of a folder such as `pictures/2026/11/21`.
pub(crate) fn read_day(day_folder: &Path) -> Option<i64> {
    let mut parts = day_folder.iter().rev().map(|part| part.to_str());
    let (day, month, year) = (parts.next()??, parts.next()??, parts.next()??);
    day_from(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

/// The folders of days that are there, in order.
pub(crate) fn days(folder: &Path) -> Result<Vec<(i64, PathBuf)>> {
    // What is not of ours, and cannot be read, keeps nobody from opening the library.
    let is_number = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let mut found = Vec::new();
    for year in files::list(&folder.join(PICTURES))?.iter().filter(|path| is_number(path)) {
        for month in files::list(year)?.iter().filter(|path| is_number(path)) {
            let days = files::list(month)?.into_iter();
            found.extend(days.filter_map(|path| Some((read_day(&path)?, path))));
        }
    }
    Ok(found)
}

/// Whether a file is one that systems leave in folders that somebody looks at.
pub(crate) fn is_passed_over(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.starts_with('.') || name == "thumbs.db" || name == "desktop.ini"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let id = PictureId::of(b"a");
        let path = picture_path(Path::new("l"), 20_778, id, Format::Jpeg);
        assert_eq!(path, Path::new("l/pictures/2026/11/21").join(format!("{id}.jpg")));
        assert_eq!(read_name(&path), Some((id, Format::Jpeg)));
        assert_eq!(read_day(path.parent().unwrap()), Some(20_778));
        for other in [format!("{id}.jpeg"), format!("{id}.txt"), "fox.png".to_owned()] {
            assert_eq!(read_name(Path::new(&other)), None, "{other}");
        }
        assert_eq!(read_day(Path::new("l/pictures/2026/13/01")), None);
        assert_eq!(read_day(Path::new("01")), None);
    }
}
