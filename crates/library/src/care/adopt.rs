//! Finished files that a crash left without a row.

use std::path::Path;

use likeness_picture::{Limits, look_at, read_file};
use rusqlite::Connection;

use crate::folder::ASSETS;
use crate::table::{assets, pictures, trash};
use crate::time::{day_of, start_of};
use crate::{Asset, Library, NewPicture, PictureId, Result, Time, files, folder};

/// Takes in the pictures without a row that lie in the folders of the days since `since`, and assets;
/// answers how many pictures those were. What is no picture, or is not what its name says, is left
/// for `check` to report.
pub(crate) fn adopt(library: &Library, since: Time, now: Time) -> Result<u32> {
    let mut adopted = 0;
    // The clock may have been set back meanwhile, and have been ahead before.
    let from = day_of(since.min(now));
    let days = folder::days(&library.folder)?.into_iter();
    for (day, folder) in days.filter(|(day, _)| *day >= from) {
        for path in files::list(&folder)? {
            let Some((id, _)) = folder::read_name(&path) else { continue };
            match library.sorted(|connection| pictures::place_of(connection, id))? {
                Some((day, format)) => {
                    // Made again on another day, and cut off before the old file went.
                    let named = folder::picture_path(&library.folder, day, id, format);
                    if named != path && read_named(&named, id).is_some() {
                        files::remove_file(&path)?;
                    }
                }
                None if library.sorted(|c| trash::is_purged(c, id, &path, &library.folder))? => {}
                None if adopt_file(library, &path, id, day, now)? => adopted += 1,
                None => {}
            }
        }
    }
    for path in files::walk(&library.folder.join(ASSETS))? {
        let is_known = folder::read_name(&path).is_some_and(|(id, _)| library.asset(id).is_ok());
        if !is_known {
            library.write(|tx| adopt_asset(tx, &path, "", now))?;
        }
    }
    Ok(adopted)
}

/// Makes the rows of a file that lies where its name and `day` say. Answers whether it is that file.
pub(crate) fn adopt_file(
    library: &Library,
    path: &Path,
    id: PictureId,
    day: i64,
    now: Time,
) -> Result<bool> {
    let Some(bytes) = read_named(path, id) else { return Ok(false) };
    let Ok(picture) = NewPicture::read(&bytes) else { return Ok(false) };
    let made_at = made_at(path, day).min(now.max(start_of(day)));
    library.write(|tx| pictures::insert(tx, id, &picture, day, made_at))?;
    Ok(true)
}

/// Makes the row of an asset whose file lies where its name says, and answers whether it is that file.
pub(crate) fn adopt_asset(
    connection: &Connection,
    path: &Path,
    name: &str,
    now: Time,
) -> Result<bool> {
    let Some((id, _)) = folder::read_name(path) else { return Ok(false) };
    let Some(bytes) = read_named(path, id) else { return Ok(false) };
    let Ok(looks) = look_at(&bytes, &Limits::default()) else { return Ok(false) };
    let (width, height, alpha) = (looks.width, looks.height, looks.alpha);
    let asset = Asset { sha256: id, name: name.to_owned(), width, height, alpha };
    assets::insert(connection, &asset, looks.format, bytes.len() as u64, now)?;
    Ok(true)
}

/// The bytes of a file that is what its name says. What cannot be read is not.
pub(crate) fn read_named(path: &Path, id: PictureId) -> Option<Vec<u8>> {
    read_file(path, Limits::default().bytes).ok().filter(|bytes| PictureId::of(bytes) == id)
}

/// When a file was written, as far as that agrees with the day's folder that it lies in.
pub(crate) fn made_at(path: &Path, day: i64) -> Time {
    let written = std::fs::metadata(path).and_then(|file| file.modified()).ok();
    let since = written.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let time = since.and_then(|since| Time::try_from(since.as_millis()).ok());
    time.filter(|&time| day_of(time) == day).unwrap_or_else(|| start_of(day))
}
