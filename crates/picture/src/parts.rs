//! What a file consists of: the parts of a WebP and the segments of a JPEG, which are walked through
//! here and nowhere else. No length that they state is believed before it is held against the file.

use crate::{Format, PictureError};

/// A name, and what stands under it.
pub(crate) type Part<'a> = ([u8; 4], &'a [u8]);

/// The parts of a WebP. The file may have been cut off, behind its pixels too.
pub(crate) fn webp(bytes: &[u8]) -> Result<Vec<Part<'_>>, PictureError> {
    let length = |four: [u8; 4]| u32::from_le_bytes(four) as usize;
    let told = bytes.get(4..8).and_then(|four| four.try_into().ok()).map_or(0, length);
    let mut rest = bytes.get(12..).unwrap_or_default();
    // What stands behind the end that the file says is none of it.
    let behind = bytes.len().saturating_sub(told.saturating_add(8));
    let mut parts = Vec::new();
    while rest.len() >= behind + 8
        && let Some((&name, after)) = rest.split_first_chunk::<4>()
        && let Some((&size, after)) = after.split_first_chunk::<4>()
    {
        let size = length(size);
        let Some(part) = after.get(..size) else {
            let problem = format!("a part of it says {size} bytes, and {} are left", after.len());
            return Err(PictureError::Damaged { format: Format::WebP.name(), problem });
        };
        parts.push((name, part));
        rest = after.get(size + size % 2..).unwrap_or_default();
    }
    Ok(parts)
}

/// The part of a WebP under a name, where the file can be walked through to it.
pub(crate) fn of_webp<'a>(bytes: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    let parts = webp(bytes).unwrap_or_default();
    parts.into_iter().find(|(there, _)| there == name).map(|(_, part)| part)
}

/// One step through a JPEG.
pub(crate) enum Segment<'a> {
    /// A mark, and what stands under it without its length.
    Marked(u8, &'a [u8]),
    /// The head of the first scan: all from its length on.
    Scan(&'a [u8]),
}

/// The segments of a JPEG up to its first scan, or to where it goes wrong. `None` there tells of damage
/// that is none of a missing end.
pub(crate) fn jpeg(bytes: &[u8]) -> impl Iterator<Item = Option<Segment<'_>>> {
    const SCAN: u8 = 0xda;
    let mut rest = bytes.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        loop {
            let [0xff, mark, after @ ..] = rest else {
                // What comes is no part of a JPEG.
                let wrong = !rest.is_empty();
                rest = &[];
                return wrong.then_some(None);
            };
            match (mark, after) {
                // May fill up before a mark.
                (0xff, _) => rest = &rest[1..],
                (&SCAN, _) => {
                    rest = &[];
                    return Some(Some(Segment::Scan(after)));
                }
                // Those that stand alone.
                (0x01 | 0xd0..=0xd8, _) => rest = after,
                (&mark, [high, low, ..]) => {
                    let length = usize::from(u16::from_be_bytes([*high, *low]));
                    let inside = after.get(2..length).unwrap_or_default();
                    rest = after.get(length..).unwrap_or_default();
                    return Some(Some(Segment::Marked(mark, inside)));
                }
                _ => {
                    rest = &[];
                    return None;
                }
            }
        }
    })
}

/// What stands in the first application segment `mark` of a JPEG that begins with `name`.
pub(crate) fn of_jpeg<'a>(bytes: &'a [u8], mark: u8, name: &[u8]) -> Option<&'a [u8]> {
    jpeg(bytes).flatten().find_map(|segment| match segment {
        Segment::Marked(there, inside) if there == mark => inside.strip_prefix(name),
        _ => None,
    })
}

/// Whether a JPEG goes on to the mark of its end. The decoder fills with grey what a download that was cut
/// off lacks. Between the head of the first scan and the end nothing else is written as that mark, but for
/// what tables may hold.
pub(crate) fn jpeg_has_its_end(bytes: &[u8]) -> bool {
    const END: [u8; 2] = [0xff, 0xd9];
    jpeg(bytes)
        .find_map(|segment| match segment {
            Some(Segment::Scan(after)) => Some(after.windows(2).any(|two| two == END)),
            Some(Segment::Marked(..)) => None,
            // The decoder says better what is wrong.
            None => Some(true),
        })
        .unwrap_or(false)
}
