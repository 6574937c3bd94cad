//! Pictures in small, for grids. They are made from a picture's file, on any thread and without the
//! database, and can be made again at any time.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::codecs::webp::WebPEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, RgbImage, RgbaImage};
use likeness_picture::{Limits, PictureError, read_picture};
use likeness_recipe::Pixels;
use rusqlite::params;

use crate::table::pictures::read_format;
use crate::{AnyId, Library, LibraryError, PictureId, Reader, Result, files, folder};

/// The longest sides in which there are thumbnails. A picture that is smaller stays as it is.
pub const THUMBNAIL_SIZES: [u32; 3] = [128, 320, 768];

/// A picture whose thumbnails are to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThumbnailSource {
    /// The picture.
    pub id: AnyId,
    /// Its file.
    pub path: PathBuf,
}

/// The smallest of [`THUMBNAIL_SIZES`] that has at least `side` pixels, or the largest.
pub fn thumbnail_size(side: u32) -> u32 {
    let [.., largest] = THUMBNAIL_SIZES;
    THUMBNAIL_SIZES.into_iter().find(|&size| size >= side).unwrap_or(largest)
}

/// Makes all thumbnails of a picture that are not there, in the library at `folder`.
pub fn make_thumbnails(folder: &Path, source: &ThumbnailSource) -> Result<()> {
    let missing = |size: &u32| !folder::thumbnail_path(folder, *size, source.id).exists();
    let sizes: Vec<u32> = THUMBNAIL_SIZES.into_iter().filter(missing).collect();
    make(folder, source, &sizes)
}

/// Makes one thumbnail of a picture anew, and answers where it lies.
pub fn make_thumbnail(folder: &Path, source: &ThumbnailSource, size: u32) -> Result<PathBuf> {
    if !THUMBNAIL_SIZES.contains(&size) {
        let problem = format!("there are no thumbnails of {size} pixels");
        return Err(LibraryError::field("size", problem, "128, 320, 768"));
    }
    make(folder, source, &[size])?;
    Ok(folder::thumbnail_path(folder, size, source.id))
}

fn make(folder: &Path, source: &ThumbnailSource, sizes: &[u32]) -> Result<()> {
    if sizes.is_empty() {
        return Ok(());
    }
    let unreadable = |error| LibraryError::from_picture(&source.path, error);
    let pixels = read_picture(&source.path, &Limits::default()).map_err(unreadable)?.pixels;
    let mut picture = into_image(pixels);
    // The largest first: each smaller one is made from the one before.
    let mut sizes = sizes.to_vec();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    for size in sizes {
        if picture.width().max(picture.height()) > size {
            picture = picture.resize(size, size, FilterType::Triangle);
        }
        let bytes = encode(&picture).map_err(unreadable)?;
        files::write_file(folder, &folder::thumbnail_path(folder, size, source.id), &bytes)?;
    }
    Ok(())
}

fn into_image(pixels: Pixels) -> DynamicImage {
    let Pixels { width, height, channels, data } = pixels;
    let image = match channels {
        4 => RgbaImage::from_raw(width, height, data).map(DynamicImage::from),
        _ => RgbImage::from_raw(width, height, data).map(DynamicImage::from),
    };
    image.expect("decoded pixels are as many as their sizes say")
}

fn encode(picture: &DynamicImage) -> Result<Vec<u8>, PictureError> {
    let mut bytes = Cursor::new(Vec::new());
    let colour = match picture.color().has_alpha() {
        true => ExtendedColorType::Rgba8,
        false => ExtendedColorType::Rgb8,
    };
    WebPEncoder::new_lossless(&mut bytes)
        .write_image(picture.as_bytes(), picture.width(), picture.height(), colour)
        .map_err(|error| PictureError::Unencodable {
            format: "WebP",
            problem: error.to_string(),
        })?;
    Ok(bytes.into_inner())
}

/// Deletes a picture's thumbnails.
pub(crate) fn remove(folder: &Path, id: AnyId) -> Result<()> {
    THUMBNAIL_SIZES
        .into_iter()
        .try_for_each(|size| files::remove_file(&folder::thumbnail_path(folder, size, id)))
}

impl Library {
    /// Notes that the thumbnails of these pictures are made, or cannot be made: they are not among
    /// the missing ones any more. Those of a picture that was deleted for good meanwhile go too.
    pub fn thumbnails_made(&self, ids: &[PictureId]) -> Result<()> {
        let gone = self.write(|tx| {
            let mut gone = Vec::new();
            for id in ids {
                let mut made =
                    tx.prepare_cached("UPDATE pictures SET thumbnails = 1 WHERE id = ?1")?;
                if made.execute(params![id])? == 0 {
                    gone.push(*id);
                }
            }
            Ok(gone)
        })?;
        gone.into_iter().try_for_each(|id| remove(&self.folder, id))
    }
}

impl Reader {
    /// The file of a picture or an asset, for [`make_thumbnail`].
    pub fn thumbnail_source(&self, id: AnyId) -> Result<ThumbnailSource> {
        Ok(ThumbnailSource { id, path: self.asset_path(id)? })
    }

    /// At most `limit` pictures whose thumbnails have not been made, the newest first.
    pub fn missing_thumbnails(&self, limit: u32) -> Result<Vec<ThumbnailSource>> {
        self.sorted(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, day, format FROM pictures WHERE thumbnails = 0
                 ORDER BY number DESC LIMIT ?1",
            )?;
            let rows = statement.query_map([limit], |row| {
                let (id, day) = (row.get(0)?, row.get(1)?);
                let path = folder::picture_path(&self.folder, day, id, read_format(row, 2)?);
                Ok(ThumbnailSource { id, path })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}
