//! Pictures that go out: to a file that a person names, or into a folder under names from a template.

use std::path::{Path, PathBuf};

use likeness_library::{PictureRow, Time};
use likeness_picture::{
    Existing, Format, Limits, PictureError, decode, encode_after, encode_plain, lies_within,
    read_file, read_metadata, read_picture, write_whole,
};
use likeness_recipe::ResolvedRecipe;

use crate::api::{ExportRequest, Exported, FileFormat, SaveRequest, Saved};
use crate::names;
use crate::{Studio, StudioError};

/// Names that say nothing of the prompt.
const TEMPLATE: &str = "[date]-[time]-[seed]";

impl Studio {
    /// Writes a picture to a file.
    pub fn save(&self, asked: SaveRequest) -> Result<Saved, StudioError> {
        let path = PathBuf::from(&asked.path);
        self.must_be_outside("path", &path)?;
        let format = match asked.format {
            Some(format) => format.into(),
            None => Format::of_path(&path).map_err(|error| StudioError::unwritable(&error))?,
        };
        let (row, recipe) = self.row(&asked.id)?;
        let bytes = match asked.recipe {
            Some(false) => plain(&row, format)?,
            _ => bytes_as(&row, recipe.as_ref(), format)?,
        };
        write_whole(&path, &bytes, Existing::Replace)
            .map_err(|error| StudioError::unwritable(&error))?;
        Ok(Saved { path: asked.path })
    }

    /// Writes pictures into a folder under names from a template. Nothing there is replaced.
    pub fn export(&self, asked: ExportRequest) -> Result<Exported, StudioError> {
        let folder = PathBuf::from(&asked.folder);
        self.must_be_outside("folder", &folder)?;
        // A slip in the template is found before the first file.
        let template = asked.template.as_deref().unwrap_or(TEMPLATE);
        names::name(template, |_| None)?;
        let unwritable = |error| StudioError::unwritable(&PictureError::from_write(&folder, error));
        std::fs::create_dir_all(&folder).map_err(unwritable)?;
        let mut paths = Vec::new();
        for id in &asked.ids {
            let (row, _) = self.row(id)?;
            let name = names::name(template, |token| value(&row, token))?;
            let bytes = match asked.recipe {
                Some(false) => plain(&row, row.format)?,
                _ => read_file(&row.path, Limits::default().bytes)
                    .map_err(|error| StudioError::input(&row.path, error))?,
            };
            let path = write_free(&folder, &name, row.format, &bytes)?;
            paths.push(path.display().to_string());
        }
        Ok(Exported { paths })
    }

    /// The library's own pictures never change, and what lies in between would be taken for one of them.
    fn must_be_outside(&self, field: &str, path: &Path) -> Result<(), StudioError> {
        if lies_within(path, &self.shared.folder) {
            return Err(StudioError::field(field, "it lies in the library", "another folder"));
        }
        Ok(())
    }

    fn row(&self, id: &str) -> Result<(PictureRow, Option<ResolvedRecipe>), StudioError> {
        self.shared.read(|reader| {
            let id = id.parse()?;
            let recipe = reader.recipe_of(id)?;
            // A recipe of a newer version is none that this one understands.
            let recipe = recipe.and_then(|text| ResolvedRecipe::from_json(&text).ok());
            Ok((reader.picture(id)?, recipe))
        })
    }
}

/// The file as it is where the format is its own: whatever else is in it stays.
fn bytes_as(
    row: &PictureRow,
    recipe: Option<&ResolvedRecipe>,
    format: Format,
) -> Result<Vec<u8>, StudioError> {
    let unreadable = |error| StudioError::input(&row.path, error);
    let bytes = read_file(&row.path, Limits::default().bytes).map_err(unreadable)?;
    if row.format == format {
        return Ok(bytes);
    }
    let pixels = decode(&bytes, &Limits::default()).map_err(unreadable)?.pixels;
    // What another program says of it, or a newer version of ours, goes on as it stands.
    let metadata = read_metadata(&bytes).map_err(unreadable)?;
    encode_after(&pixels, format, &metadata, recipe)
        .map_err(|error| StudioError::unwritable(&error))
}

/// The picture with nothing of how it was made: its pixels are written anew.
fn plain(row: &PictureRow, format: Format) -> Result<Vec<u8>, StudioError> {
    let unreadable = |error| StudioError::input(&row.path, error);
    let pixels = read_picture(&row.path, &Limits::default()).map_err(unreadable)?.pixels;
    encode_plain(&pixels, format).map_err(|error| StudioError::unwritable(&error))
}

/// Writes under the first of `name.png`, `name-2.png`, … that nothing has.
fn write_free(
    folder: &Path,
    name: &str,
    format: Format,
    bytes: &[u8],
) -> Result<PathBuf, StudioError> {
    let ending = format.extension();
    let mut path = folder.join(format!("{name}.{ending}"));
    let mut number = 1_u32;
    loop {
        match write_whole(&path, bytes, Existing::Keep) {
            Ok(()) => return Ok(path),
            Err(PictureError::Exists { .. }) => {
                number += 1;
                path = folder.join(format!("{name}-{number}.{ending}"));
            }
            Err(error) => return Err(StudioError::unwritable(&error)),
        }
    }
}

fn value(row: &PictureRow, token: &str) -> Option<String> {
    match token {
        "seed" => row.seed.map(|seed| seed.to_string()),
        "date" => Some(date_and_time(row.created_at).0),
        "time" => Some(date_and_time(row.created_at).1),
        "prompt" => Some(row.prompt.clone()),
        "model" => row.model.clone(),
        "subject" => row.subject.clone(),
        "width" => Some(row.width.to_string()),
        "height" => Some(row.height.to_string()),
        // Of sheets, which there are none of yet.
        _ => None,
    }
}

/// `2026-11-21` and `235959`, UTC.
fn date_and_time(time: Time) -> (String, String) {
    let seconds = time.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 1 March of the year 0, so that the odd day of a leap year is the last of a year.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    (format!("{year:04}-{month:02}-{day:02}"), format!("{hour:02}{minute:02}{:02}", second % 60))
}

impl From<FileFormat> for Format {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Png => Self::Png,
            FileFormat::Jpeg => Self::Jpeg,
            FileFormat::Webp => Self::WebP,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_calendars_do() {
        let of = |time| date_and_time(time);
        assert_eq!(of(0), ("1970-01-01".into(), "000000".into()));
        assert_eq!(of(1_795_219_199_000), ("2026-11-20".into(), "235959".into()));
        assert_eq!(of(951_782_400_000).0, "2000-02-29");
        assert_eq!(of(-1).0, "1969-12-31");
    }
}
