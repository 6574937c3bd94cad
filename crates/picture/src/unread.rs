//! Files that are pictures to everybody else and are not read here: each is refused by its name, with
//! what would do.
//!
//! AVIF and HEIC hold a frame of a video. The one AVIF decoder in Rust that is complete is a translation
//! of C with as many `unsafe` blocks, which is not what strangers' files are given to here; HEIC's codec is
//! patented besides.

use crate::PictureError;

/// Why a file is not read, where it is known what it is.
pub(crate) fn named(bytes: &[u8]) -> Option<PictureError> {
    const EXPORT: &str = "the same picture saved as PNG or JPEG";
    let (what, instead) = match bytes {
        [_, _, _, _, b'f', b't', b'y', b'p', brands @ ..] => match video_frame(bytes, brands)? {
            Video::Avif => ("an AVIF", EXPORT),
            Video::Heic => (
                "a HEIC",
                "the same picture saved as JPEG; a telephone does so when it is set to the most \
                 compatible format",
            ),
        },
        [b'8', b'B', b'P', b'S', ..] => ("a Photoshop document", "a copy saved as PNG"),
        [b'%', b'P', b'D', b'F', b'-', ..] => ("a PDF", "its page exported as PNG"),
        [0xff, 0x0a, ..] | [0, 0, 0, 0x0c, b'J', b'X', b'L', b' ', ..] => ("a JPEG XL", EXPORT),
        _ if is_camera_raw(bytes) => {
            ("a camera's raw file", "the picture developed, and saved as TIFF, PNG or JPEG")
        }
        _ if is_svg(bytes) => (
            "an SVG, which is a drawing",
            "the drawing exported as PNG, in the size that is wanted",
        ),
        _ => return None,
    };
    Some(PictureError::NotRead { what, instead })
}

enum Video {
    Avif,
    Heic,
}

/// What a file of ISO's container for media says that it can be read as.
fn video_frame(bytes: &[u8], brands: &[u8]) -> Option<Video> {
    let length = u32::from_be_bytes(*bytes.first_chunk::<4>()?) as usize;
    let brands = &brands[..length.saturating_sub(8).min(brands.len()).min(256)];
    let has = |known: &[&[u8]]| brands.chunks_exact(4).any(|brand| known.contains(&brand));
    if has(&[b"avif", b"avis"]) {
        Some(Video::Avif)
    } else if has(&[b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"]) {
        Some(Video::Heic)
    } else {
        None
    }
}

/// Most bytes that stand before a drawing begins: a declaration, comments, the type of the document.
const BEFORE_SVG: usize = 4096;

fn is_svg(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = bytes[..bytes.len().min(BEFORE_SVG)].trim_ascii_start();
    start.starts_with(b"<svg")
        || ((start.starts_with(b"<?xml") || start.starts_with(b"<!"))
            && start.windows(4).any(|four| four == b"<svg"))
}

/// Raw files are TIFFs whose first picture is a small one for showing. It would be taken for the whole.
fn is_camera_raw(bytes: &[u8]) -> bool {
    const SMALLER_VERSION: u16 = 254;
    const DNG_VERSION: u16 = 50_706;
    let little = match bytes {
        [b'I', b'I', b'*', 0, _, _, _, _, b'C', b'R', ..] => return true,
        [b'I', b'I', b'*', 0, ..] => true,
        [b'M', b'M', 0, b'*', ..] => false,
        _ => return false,
    };
    let two = |at: usize| {
        let two = *bytes.get(at..)?.first_chunk::<2>()?;
        Some(if little { u16::from_le_bytes(two) } else { u16::from_be_bytes(two) })
    };
    let four = |at: usize| {
        let four = *bytes.get(at..)?.first_chunk::<4>()?;
        Some(if little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
    };
    let Some(start) = four(4).map(|start| start as usize) else { return false };
    let count = two(start).map_or(0, usize::from);
    (0..count).map_while(|i| start.checked_add(2 + i * 12)).any(|entry| match two(entry) {
        Some(DNG_VERSION) => true,
        Some(SMALLER_VERSION) => four(entry.saturating_add(8)).is_some_and(|kind| kind & 1 == 1),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_and_not_read_is_named() {
        let tiff = |tag: u16, value: u32| {
            let entry = [&tag.to_le_bytes()[..], &[4, 0, 1, 0, 0, 0], &value.to_le_bytes()];
            [&b"II*\0\x08\0\0\0\x01\0"[..], &entry.concat(), &[0; 4]].concat()
        };
        for (bytes, name) in [
            (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf".to_vec(), Some("an AVIF")),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif".to_vec(), Some("an AVIF")),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec(), Some("a HEIC")),
            // What stands behind the brands is none of them.
            (b"\0\0\0\x10ftypisom\0\0\0\0heic".to_vec(), None),
            (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42".to_vec(), None),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), Some("an SVG")),
            (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a -->\n<svg/>".to_vec(), Some("an SVG")),
            (b"<?xml version='1.0'?><html/>".to_vec(), None),
            (b"%PDF-1.4".to_vec(), Some("a PDF")),
            (b"8BPS\0\x01".to_vec(), Some("a Photoshop")),
            (b"\xff\x0a\x00".to_vec(), Some("a JPEG XL")),
            (tiff(254, 1), Some("a camera's raw file")),
            (tiff(50_706, 1), Some("a camera's raw file")),
            (tiff(254, 0), None),
            (b"II*\0\xff\xff\xff\xff".to_vec(), None),
            (b"II*\0\x10\0\0\0CR\x02\0".to_vec(), Some("a camera's raw file")),
            (b"".to_vec(), None),
        ] {
            let said = named(&bytes).map(|refused| refused.to_string());
            let fits = match (&said, name) {
                (Some(said), Some(name)) => said.contains(name) && said.contains("accepted: "),
                (said, name) => said.is_none() && name.is_none(),
            };
            assert!(fits, "{name:?}: {said:?}");
        }
    }
}
