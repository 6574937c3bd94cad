//! Pictures that go out: to a file that a person names, or into a folder under names from a template.

use std::path::{Path, PathBuf};

use likeness_library::{PictureRow, Time};
use likeness_picture::{
    Decoded, Existing, Format, Limits, PictureError, PictureMetadata, Said, at_quality, decode,
    encode_saying, lies_within, read_file, read_metadata, saying_srgb, write_whole,
};
use likeness_recipe::{Pixels, ResolvedRecipe, Size};

use crate::api::{ExportRequest, Exported, FileFormat, SaveRequest, Saved};
use crate::deliver::fit::{Colour, flatten};
use crate::deliver::{self, Target};
use crate::names;
use crate::{Studio, StudioError};

/// Names that say nothing of the prompt.
const TEMPLATE: &str = "[date]-[time]-[seed]";

impl Studio {
    /// Writes a picture to a file.
    pub fn save(&self, asked: SaveRequest) -> Result<Saved, StudioError> {
        let path = PathBuf::from(&asked.path);
        self.must_be_outside("path", &path)?;
        let (row, recipe) = self.row(&asked.id)?;
        let own = path.extension().and_then(|ending| ending.to_str()).and_then(Format::of_ending);
        let format = match asked.format {
            Some(format) => format.into(),
            None if own == Some(row.format) => row.format,
            None => Format::of_path(&path).map_err(|error| StudioError::unwritable(&error))?,
        };
        let (_, bytes) = Says::of(asked.recipe, asked.ai_mark).file(&row, recipe, format)?;
        write_whole(&path, &bytes, Existing::Replace)
            .map_err(|error| StudioError::unwritable(&error))?;
        Ok(Saved { path: asked.path })
    }

    /// Writes pictures into a folder under names from a template. Nothing there is replaced.
    pub fn export(&self, asked: ExportRequest) -> Result<Exported, StudioError> {
        let folder = PathBuf::from(&asked.folder);
        self.must_be_outside("folder", &folder)?;
        // Slips are found before the first file.
        let template = asked.template.as_deref().unwrap_or(TEMPLATE);
        names::name(template, |_| None)?;
        let finish = Finish::read(&asked)?;
        let unwritable = |error| StudioError::unwritable(&PictureError::from_write(&folder, error));
        std::fs::create_dir_all(&folder).map_err(unwritable)?;
        let says = Says::of(asked.recipe, asked.ai_mark);
        let mut paths = Vec::new();
        for id in &asked.ids {
            let (row, recipe) = self.row(id)?;
            let size = finish.size(&row);
            let name = names::name(template, |token| value(&row, size, token))?;
            let format = finish.format.unwrap_or(row.format);
            let (format, bytes) = match finish.changes() {
                true => self.finished(&row, &finish, says)?,
                false => says.file(&row, recipe, format)?,
            };
            let path = write_free(&folder, &name, format, &bytes)?;
            paths.push(path.display().to_string());
        }
        Ok(Exported { paths })
    }

    /// A picture as an export wants it: its pixels are written anew.
    fn finished(
        &self,
        row: &PictureRow,
        finish: &Finish,
        says: Says,
    ) -> Result<(Format, Vec<u8>), StudioError> {
        let unreadable = |error| StudioError::input(&row.path, error);
        let file = read_file(&row.path, Limits::default().bytes).map_err(unreadable)?;
        let Decoded { mut pixels, sha256, .. } =
            decode(&file, &Limits::default()).map_err(unreadable)?;
        let metadata = read_metadata(&file).map_err(unreadable)?;
        // A recipe that cannot be understood goes on as it stands.
        let mut recipe = metadata.recipe().and_then(Result::ok);
        if let Some(target) = &finish.target {
            let source = (pixels, sha256.as_str());
            (pixels, recipe) = deliver::for_export(&self.shared, source, recipe, target)?;
        }
        if let Some(colour) = finish.background {
            pixels = flatten(pixels, colour);
        }
        let format = finish.format.unwrap_or(row.format).written();
        let unwritable = |error| StudioError::unwritable(&error);
        let mut bytes = says.encoded(&pixels, format, recipe.as_ref(), &metadata)?;
        if let (Some(quality), Format::Jpeg) = (finish.quality, format) {
            bytes = at_quality(&bytes, &pixels, quality).map_err(unwritable)?;
        }
        Ok((format, saying_srgb(bytes, format)))
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

/// What an export asks for beside where it goes.
struct Finish {
    target: Option<Target>,
    format: Option<Format>,
    quality: Option<u8>,
    background: Option<Colour>,
    srgb: bool,
}

impl Finish {
    fn read(asked: &ExportRequest) -> Result<Self, StudioError> {
        let background = asked.background.as_deref().map(deliver::colour("background"));
        let target = asked.deliver.as_ref().map(Target::read).transpose()?;
        if let Some(quality) = asked.quality.filter(|quality| !(1..=100).contains(quality)) {
            let problem = format!("{quality} is out of range");
            return Err(StudioError::field("quality", problem, "1 to 100"));
        }
        Ok(Self {
            target,
            format: asked.format.map(Format::from),
            quality: asked.quality,
            background: background.transpose()?,
            srgb: asked.srgb == Some(true),
        })
    }

    /// Whether files are written anew; what is not touched goes out as it lies there.
    fn changes(&self) -> bool {
        let Self { target, format, quality, background, srgb } = self;
        target.is_some() || format.is_some() || quality.is_some() || background.is_some() || *srgb
    }

    /// What a picture is as large as then.
    fn size(&self, row: &PictureRow) -> Size {
        self.target.map_or(Size { width: row.width, height: row.height }, |target| target.size)
    }
}

/// What a file that goes out says of its picture.
#[derive(Clone, Copy)]
struct Says {
    recipe: bool,
    ai_mark: bool,
}

impl Says {
    /// What is not said is yes.
    fn of(recipe: Option<bool>, ai_mark: Option<bool>) -> Self {
        Self { recipe: recipe != Some(false), ai_mark: ai_mark != Some(false) }
    }

    /// The file of a picture in this format, and the format. Where it is the picture's own the file goes out
    /// as it is, with whatever else is in it, unless it is to say less, or was made before our pictures said
    /// to machines what they are. What can only be read and must be written anew becomes a PNG.
    fn file(
        self,
        row: &PictureRow,
        recipe: Option<ResolvedRecipe>,
        format: Format,
    ) -> Result<(Format, Vec<u8>), StudioError> {
        let unreadable = |error| StudioError::input(&row.path, error);
        let bytes = read_file(&row.path, Limits::default().bytes).map_err(unreadable)?;
        // What another program says of it, or a newer version of ours, goes on as it stands.
        let metadata = read_metadata(&bytes).unwrap_or(PictureMetadata::none(row.format));
        let source = metadata.made_by().filter(|_| self.ai_mark);
        let unmarked = recipe.is_some() && row.format != Format::Jpeg;
        let says = metadata.digital_source == source
            || (self.ai_mark && metadata.digital_source.is_none() && !unmarked);
        if row.format == format && self.recipe && says {
            return Ok((format, bytes));
        }
        let format = format.written();
        let pixels = decode(&bytes, &Limits::default()).map_err(unreadable)?.pixels;
        Ok((format, self.encoded(&pixels, format, recipe.as_ref(), &metadata)?))
    }

    /// A file of these pixels, which says what the one before it did, `metadata`.
    fn encoded(
        self,
        pixels: &Pixels,
        format: Format,
        recipe: Option<&ResolvedRecipe>,
        metadata: &PictureMetadata,
    ) -> Result<Vec<u8>, StudioError> {
        let source = metadata.made_by().filter(|_| self.ai_mark);
        let said = match self.recipe {
            true => Said { recipe, before: Some(metadata), source },
            false => Said { source, ..Said::default() },
        };
        encode_saying(pixels, format, &said).map_err(|error| StudioError::unwritable(&error))
    }
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

fn value(row: &PictureRow, size: Size, token: &str) -> Option<String> {
    match token {
        "seed" => row.seed.map(|seed| seed.to_string()),
        "date" => Some(date_and_time(row.created_at).0),
        "time" => Some(date_and_time(row.created_at).1),
        "prompt" => Some(row.prompt.clone()),
        "model" => row.model.clone(),
        "subject" => row.subject.clone(),
        "width" => Some(size.width.to_string()),
        "height" => Some(size.height.to_string()),
        "channel" => deliver::channel_of(size).map(str::to_owned),
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
