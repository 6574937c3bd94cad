//! The two EXIF fields that carry a recipe.

use std::io::Cursor;

use exif::{Exif, Field, In, Tag, Value, experimental::Writer};

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

/// The (description, comment) of a picture file, each if it is there and can be read.
pub(crate) fn read(file: &[u8]) -> (Option<String>, Option<String>) {
    let exif = exif::Reader::new()
        .continue_on_error(true)
        .read_from_container(&mut Cursor::new(file))
        .or_else(|error| error.distill_partial_result(|_| ()));
    let Ok(exif) = exif else { return (None, None) };
    (read_description(&exif), read_comment(&exif))
}

fn read_description(exif: &Exif) -> Option<String> {
    match &exif.get_field(Tag::ImageDescription, In::PRIMARY)?.value {
        Value::Ascii(lines) => String::from_utf8(lines.first()?.clone()).ok(),
        _ => None,
    }
}

fn read_comment(exif: &Exif) -> Option<String> {
    match &exif.get_field(Tag::UserComment, In::PRIMARY)?.value {
        Value::Undefined(bytes, _) => decode_comment(bytes),
        _ => None,
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
}
