//! The fields of EXIF in which programs say how a picture was made.
//!
//! A block is read where it lies: nothing is copied before it is known to be one of these fields, and no
//! length in it is believed. What a camera or anybody else has in it costs nothing.

use std::io::Cursor;

use exif::{Field, In, Tag, Value, experimental::Writer};

/// A block of EXIF with `json` as ImageDescription and `parameters` as UserComment, the field that
/// A1111 writes and reads.
pub(crate) fn write(json: Option<&str>, parameters: Option<&str>) -> Vec<u8> {
    let field = |tag, value| Field { tag, ifd_num: In::PRIMARY, value };
    let description =
        json.map(|json| field(Tag::ImageDescription, Value::Ascii(vec![json.as_bytes().to_vec()])));
    let comment =
        parameters.map(|text| field(Tag::UserComment, Value::Undefined(write_comment(text), 0)));
    let mut writer = Writer::new();
    for field in [&description, &comment].into_iter().flatten() {
        writer.push_field(field);
    }
    let mut bytes = Cursor::new(Vec::new());
    let big_endian = false;
    writer.write(&mut bytes, big_endian).expect("writing two fields to memory");
    bytes.into_inner()
}

/// What programs write, each if it is there and can be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    /// Where our recipe stands.
    pub description: Option<String>,
    /// ComfyUI writes one graph here.
    pub make: Option<String>,
    /// ComfyUI writes the other graph here.
    pub model: Option<String>,
    /// Where A1111 writes its settings, and all who write as it does.
    pub comment: Option<String>,
    /// Where Fooocus says how it wrote them: beside the comment, outside of the camera's own fields.
    pub scheme: Option<String>,
}

const DESCRIPTION: u16 = 0x010e;
const MAKE: u16 = 0x010f;
const MODEL: u16 = 0x0110;
const CAMERA: u16 = 0x8769;
const MAKER_NOTE: u16 = 0x927c;
const COMMENT: u16 = 0x9286;

/// Most fields of a directory that are looked at. Cameras write some fifty.
const FIELDS: usize = 1_000;

/// Reads a block of EXIF: a TIFF without a picture.
pub(crate) fn read(block: &[u8]) -> Fields {
    let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    let mut fields = Fields::default();
    let Some(tiff) = Tiff::of(block) else { return fields };
    let mut camera = None;
    for entry in tiff.directory(tiff.first) {
        match entry.tag {
            DESCRIPTION => fields.description = entry.text(),
            MAKE => fields.make = entry.text(),
            MODEL => fields.model = entry.text(),
            COMMENT => fields.comment = entry.comment(),
            MAKER_NOTE => fields.scheme = entry.text(),
            CAMERA => camera = entry.pointer,
            _ => {}
        }
    }
    // Where the standard has the comment.
    let standard = camera.into_iter().flat_map(|at| tiff.directory(at));
    let standard = standard.filter(|entry| entry.tag == COMMENT).find_map(|entry| entry.comment());
    fields.comment = standard.or(fields.comment);
    fields
}

#[derive(Clone, Copy)]
struct Tiff<'a> {
    bytes: &'a [u8],
    little: bool,
    first: usize,
}

struct Entry<'a> {
    tag: u16,
    kind: u16,
    value: &'a [u8],
    pointer: Option<usize>,
}

impl<'a> Tiff<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let little = match bytes {
            [b'I', b'I', b'*', 0, ..] => true,
            [b'M', b'M', 0, b'*', ..] => false,
            _ => return None,
        };
        let mut tiff = Self { bytes, little, first: 0 };
        tiff.first = tiff.four(4)?;
        Some(tiff)
    }

    /// The fields of a directory that lie in the block and hold bytes.
    fn directory(self, at: usize) -> impl Iterator<Item = Entry<'a>> {
        let count = self.two(at).map_or(0, usize::from).min(FIELDS);
        (0..count).filter_map(move |i| self.entry(at.checked_add(2 + i * 12)?))
    }

    fn entry(self, at: usize) -> Option<Entry<'a>> {
        let (tag, kind) = (self.two(at)?, self.two(at.checked_add(2)?)?);
        let (length, place) = (self.four(at.checked_add(4)?)?, at.checked_add(8)?);
        // A pointer is one number of four bytes; the texts are of bytes.
        let pointer = (kind == 4 && length == 1).then(|| self.four(place)).flatten();
        let start = if length > 4 { self.four(place)? } else { place };
        let value = match kind {
            1 | 2 | 7 => self.bytes.get(start..start.checked_add(length)?)?,
            _ => &[],
        };
        Some(Entry { tag, kind, value, pointer })
    }

    fn two(self, at: usize) -> Option<u16> {
        let two = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.little { u16::from_le_bytes(two) } else { u16::from_be_bytes(two) })
    }

    fn four(self, at: usize) -> Option<usize> {
        let four = *self.bytes.get(at..)?.first_chunk()?;
        let four = if self.little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) };
        usize::try_from(four).ok()
    }
}

impl Entry<'_> {
    /// The first text of those that may stand here.
    fn text(&self) -> Option<String> {
        let end = self.value.iter().position(|&byte| byte == 0).unwrap_or(self.value.len());
        let text = std::str::from_utf8(&self.value[..end]).ok()?;
        (self.kind == 2 && !text.is_empty()).then(|| text.to_owned())
    }

    /// A comment names its encoding, unless whoever wrote it took it for a plain text.
    fn comment(&self) -> Option<String> {
        decode_comment(self.value).or_else(|| self.text())
    }
}

/// As A1111 does through piexif: the name of the encoding, then UTF-16 with the high byte first.
fn write_comment(text: &str) -> Vec<u8> {
    let mut bytes = UNICODE.to_vec();
    bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
    bytes
}

const UNICODE: &[u8; 8] = b"UNICODE\0";

fn decode_comment(bytes: &[u8]) -> Option<String> {
    let (encoding, text) = bytes.split_at_checked(8)?;
    let decoded = match encoding {
        b"UNICODE\0" => decode_utf16(text),
        b"ASCII\0\0\0" | b"\0\0\0\0\0\0\0\0" => String::from_utf8_lossy(text).into_owned(),
        _ => return None,
    };
    Some(decoded.trim_end_matches('\0').to_owned())
}

/// The standard does not say which byte comes first, and programs differ. Most text has most of its
/// zeros in the high bytes.
fn decode_utf16(bytes: &[u8]) -> String {
    let zeros = |first: usize| bytes.iter().skip(first).step_by(2).filter(|&&b| b == 0).count();
    let high_first = zeros(0) >= zeros(1);
    let units = bytes.chunks_exact(2).map(|pair| match high_first {
        true => u16::from_be_bytes([pair[0], pair[1]]),
        false => u16::from_le_bytes([pair[0], pair[1]]),
    });
    let text: String =
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.trim_start_matches('\u{feff}').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_in_every_encoding() {
        let low_first: Vec<u8> = [
            &b"UNICODE\0"[..],
            &"fox é".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
        ]
        .concat();
        for (bytes, text) in [
            (write_comment("fox 狐"), Some("fox 狐")),
            (low_first, Some("fox é")),
            (b"ASCII\0\0\0fox\0".to_vec(), Some("fox")),
            (b"JIS\0\0\0\0\0fox".to_vec(), None),
            (b"short".to_vec(), None),
            (UNICODE.to_vec(), Some("")),
        ] {
            assert_eq!(decode_comment(&bytes).as_deref(), text, "{bytes:?}");
        }
    }

    /// A directory as other programs write it: (field, kind, value).
    fn block(fields: &[(u16, u16, &[u8])]) -> Vec<u8> {
        let (mut entries, mut values) = (Vec::new(), Vec::new());
        let start = 8 + 2 + fields.len() * 12 + 4;
        for (tag, kind, value) in fields {
            let mut inline = [0; 4];
            if value.len() > 4 {
                inline = ((start + values.len()) as u32).to_be_bytes();
                values.extend(*value);
            } else {
                inline[..value.len()].copy_from_slice(value);
            }
            let length = (value.len() as u32).to_be_bytes();
            let entry = [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &length, &inline];
            entries.extend(entry.concat());
        }
        let count = (fields.len() as u16).to_be_bytes();
        [&b"MM\0*\0\0\0\x08"[..], &count, &entries, &[0; 4], &values].concat()
    }

    #[test]
    fn fields_are_found_where_other_programs_put_them() {
        let fooocus = block(&[
            (0x0131, 2, b"Fooocus v2.5.5\0"),
            (MAKER_NOTE, 2, b"fooocus\0"),
            (COMMENT, 2, b"{\"prompt\": \"a fox\"}\0"),
        ]);
        for block in [fooocus.clone(), [b"Exif\0\0".to_vec(), fooocus].concat()] {
            let read = read(&block);
            assert_eq!(read.comment.as_deref(), Some("{\"prompt\": \"a fox\"}"));
            assert_eq!(read.scheme.as_deref(), Some("fooocus"));
        }
        let comfyui = block(&[(MAKE, 2, b"workflow:{}\0"), (MODEL, 2, b"prompt:{}\0")]);
        let fields = read(&comfyui);
        assert_eq!(fields.make.as_deref(), Some("workflow:{}"));
        assert_eq!(fields.model.as_deref(), Some("prompt:{}"));
        let ours = read(&write(Some("{}"), Some("a fox 狐")));
        assert_eq!(ours.description.as_deref(), Some("{}"));
        assert_eq!(ours.comment.as_deref(), Some("a fox 狐"));
    }

    #[test]
    fn what_lies_beyond_the_block_is_not_there() {
        let whole = write(Some("{\"a\": 1}"), Some("a fox"));
        for end in 0..whole.len() {
            read(&whole[..end]);
        }
        let mut beyond = block(&[(DESCRIPTION, 2, b"{}")]);
        beyond[14..18].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(read(&beyond), Fields::default());
    }
}
