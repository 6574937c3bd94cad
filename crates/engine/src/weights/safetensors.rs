//! The header of a safetensors file: 8 bytes of length, that many bytes of JSON, then the tensors.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Format, Header, HeaderError, MOST_NAME, MOST_TENSORS, TensorInfo};

/// A header larger than this is refused before it is read; real ones stay under one megabyte, and what
/// is noted in some of how they were made takes a few more.
pub const MAX_HEADER_BYTES: u64 = 16 << 20;

/// More dimensions than any network has.
const MAX_DIMENSIONS: usize = 8;

/// Most texts that the file carries beside its tensors.
const MAX_METADATA: usize = 1 << 12;

/// Reads the header of a file of so many bytes, and checks that the tensors are what follows it: each
/// begins where the one before it ended, and the last ends with the file, as the format's own reader has
/// it.
pub fn read_header(mut file: impl Read, length: u64) -> Result<Header, HeaderError> {
    if length < 8 {
        return Err(HeaderError::new(format!("truncated: {length} bytes are no safetensors file")));
    }
    let unreadable = |error| HeaderError::unreadable(&error);
    let mut header = [0; 8];
    file.read_exact(&mut header).map_err(unreadable)?;
    let header = u64::from_le_bytes(header);
    if header > MAX_HEADER_BYTES {
        return Err(HeaderError::new(format!(
            "not a safetensors file: its header would be over {} MB",
            MAX_HEADER_BYTES >> 20
        )));
    }
    if header > length - 8 {
        let problem = format!("truncated: a header of {header} bytes in {} bytes", length - 8);
        return Err(HeaderError::new(problem));
    }
    // Fits: it is below the limit above.
    let mut json = vec![0; header as usize];
    file.read_exact(&mut json).map_err(unreadable)?;
    let listed = parse(&json)?;
    let data = 8 + json.len();
    let file_length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut tensors = BTreeMap::new();
    for (name, entry) in listed.entries {
        let info = place(&name, entry, data, file_length)?;
        tensors.insert(name, info);
    }
    check_whole(&tensors, data, file_length)?;
    Ok(Header { tensors, metadata: listed.metadata })
}

/// No tensor shares bytes with another, none lies between them, and none is left over.
fn check_whole(
    tensors: &BTreeMap<String, TensorInfo>,
    data: usize,
    file_length: usize,
) -> Result<(), HeaderError> {
    let mut all: Vec<_> = tensors.iter().map(|(name, info)| (&info.bytes, name)).collect();
    all.sort_by_key(|(bytes, _)| (bytes.start, bytes.end));
    let (mut end, mut before) = (data, None);
    for (bytes, name) in all {
        match (bytes.start, before) {
            (start, _) if start == end => {}
            (start, Some(before)) if start < end => {
                return Err(HeaderError::tensor(name, format!("it shares bytes with {before}")));
            }
            (start, _) => {
                let problem = format!("{} bytes before it are no tensor's", start.abs_diff(end));
                return Err(HeaderError::tensor(name, problem));
            }
        }
        (end, before) = (bytes.end, Some(name));
    }
    match file_length - end {
        0 => Ok(()),
        left => Err(HeaderError::new(format!("{left} bytes at its end are no tensor's"))),
    }
}

fn place(
    name: &str,
    entry: Entry,
    data: usize,
    file_length: usize,
) -> Result<TensorInfo, HeaderError> {
    let bad = |problem: String| HeaderError::tensor(name, problem);
    let Sides { sides: shape, count } = entry.shape;
    if count > MAX_DIMENSIONS {
        return Err(bad(format!("{count} dimensions")));
    }
    let (format, width) = match entry.dtype.as_str() {
        "F32" => (Format::F32, Some(4)),
        "F16" => (Format::F16, Some(2)),
        "BF16" => (Format::BF16, Some(2)),
        other => (Format::Other(other.to_owned()), width_of(other)),
    };
    let (start, end) = entry.data_offsets;
    let length = end.checked_sub(start).ok_or_else(|| bad("ends before it starts".into()))?;
    if let Some(width) = width {
        let expected = shape.iter().try_fold(width, |all: usize, &side| all.checked_mul(side));
        if expected != Some(length) {
            let dtype = entry.dtype;
            return Err(bad(format!("{length} bytes do not make {shape:?} of {dtype}")));
        }
    }
    let (start, end) = match (data.checked_add(start), data.checked_add(end)) {
        (Some(start), Some(end)) if end <= file_length => (start, end),
        _ => return Err(bad(format!("truncated: it ends beyond the file's {file_length} bytes"))),
    };
    Ok(TensorInfo { format, shape, bytes: start..end })
}

/// What the JSON lists.
#[derive(Default)]
struct Listed {
    entries: BTreeMap<String, Entry>,
    metadata: BTreeMap<String, String>,
    /// The tensor that is being read.
    now: Option<String>,
}

/// One entry of the JSON.
#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Sides,
    data_offsets: (usize, usize),
}

/// Reads the JSON, with each count held to its limit as it is met.
fn parse(json: &[u8]) -> Result<Listed, HeaderError> {
    let mut listed = Listed::default();
    let mut json = serde_json::Deserializer::from_slice(json);
    let read = listed.deserialize(&mut json).and_then(|()| json.end());
    match (read, listed.now.take()) {
        (Ok(()), _) => Ok(listed),
        (Err(error), Some(name)) => Err(HeaderError::tensor(&name, error.to_string())),
        (Err(error), None) => Err(HeaderError::new(format!("not a safetensors file: {error}"))),
    }
}

impl<'de> DeserializeSeed<'de> for &mut Listed {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Listed {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut has_metadata = false;
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                if std::mem::replace(&mut has_metadata, true) {
                    return Err(Error::custom("__metadata__ is there twice"));
                }
                self.metadata = map.next_value()?;
                if self.metadata.len() > MAX_METADATA {
                    let count = self.metadata.len();
                    return Err(Error::custom(format!("__metadata__ of {count} texts")));
                }
                continue;
            }
            if self.entries.len() == MOST_TENSORS || name.len() > MOST_NAME {
                return Err(Error::custom(format!(
                    "more than {MOST_TENSORS} tensors, or a name of more than {MOST_NAME} bytes"
                )));
            }
            self.now = Some(name.clone());
            let entry = map.next_value()?;
            if self.entries.insert(name, entry).is_some() {
                return Err(Error::custom("it is there twice"));
            }
            self.now = None;
        }
        Ok(())
    }
}

/// The sides of a tensor; of too many, only how many there are.
struct Sides {
    sides: Vec<usize>,
    count: usize,
}

impl<'de> Deserialize<'de> for Sides {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Self { sides: Vec::new(), count: 0 })
    }
}

impl<'de> Visitor<'de> for Sides {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of sides")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Self, A::Error> {
        while let Some(side) = list.next_element()? {
            self.count += 1;
            if self.count <= MAX_DIMENSIONS {
                self.sides.push(side);
            }
        }
        Ok(self)
    }
}

/// Bytes of one number in the formats that are known but not computed with.
fn width_of(format: &str) -> Option<usize> {
    match format {
        "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2" | "F8_E8M0" => Some(1),
        "U16" | "I16" => Some(2),
        "U32" | "I32" => Some(4),
        "F64" | "U64" | "I64" | "C64" => Some(8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with this header and this many bytes of tensors.
    fn file(json: &str, data: usize) -> Vec<u8> {
        let mut file = (json.len() as u64).to_le_bytes().to_vec();
        file.extend_from_slice(json.as_bytes());
        file.resize(file.len() + data, 0);
        file
    }

    fn problem(file: &[u8]) -> String {
        let length = file.len() as u64;
        read_header(file, length).expect_err("this file is damaged").to_string()
    }

    #[test]
    fn finds_tensors_where_they_lie() {
        let json = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]}}"#;
        let file = file(json, 12);
        let header = read_header(&file[..], file.len() as u64).unwrap();
        assert_eq!(header.metadata["format"], "pt");
        let start = 8 + json.len();
        let expected =
            TensorInfo { format: Format::F16, shape: vec![2, 3], bytes: start..start + 12 };
        assert_eq!(header.tensors["a"], expected);
    }

    /// Sixty bytes each that nothing lies behind: a million of them took 1.8 GB.
    #[test]
    fn counts_are_held_as_they_are_met() {
        let empty =
            |i: usize| format!(r#""{i}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#);
        let of = |count: usize| {
            let all: Vec<String> = (0..count).map(empty).collect();
            file(&format!("{{{}}}", all.join(",")), 0)
        };
        assert!(read_header(&of(MOST_TENSORS)[..], 1 << 30).is_err(), "bytes that are not there");
        let whole = of(MOST_TENSORS);
        assert_eq!(
            read_header(&whole[..], whole.len() as u64).unwrap().tensors.len(),
            MOST_TENSORS
        );
        let found = problem(&of(MOST_TENSORS + 1));
        assert!(found.contains("more than 65536 tensors"), "{found}");
        let found = problem(&file(&format!(r#"{{"{}":0}}"#, "n".repeat(MOST_NAME + 1)), 0));
        assert!(found.contains("a name of more than"), "{found}");
        let text = |i: usize| format!(r#""{i}":"""#);
        let texts: Vec<String> = (0..=MAX_METADATA).map(text).collect();
        let found = problem(&file(&format!(r#"{{"__metadata__":{{{}}}}}"#, texts.join(",")), 0));
        assert!(found.contains("__metadata__ of 4097 texts"), "{found}");
    }

    #[test]
    fn names_the_damage() {
        let one = |shape: &str, to: u64| {
            format!(r#"{{"w":{{"dtype":"F32","shape":{shape},"data_offsets":[0,{to}]}}}}"#)
        };
        let cases = [
            (vec![1, 2, 3], "truncated: 3 bytes"),
            (u64::MAX.to_le_bytes().to_vec(), "over 16 MB"),
            (file(&one("[4]", 16), 0)[..20].to_vec(), "truncated: a header of"),
            (file("[1]", 0), "not a safetensors file"),
            (file("{}{}", 0), "not a safetensors file"),
            (file(&one("[-1]", 4), 4), "tensor w: invalid value"),
            (file(&one("[4]", 16), 15), "tensor w: truncated"),
            (file(&one("[5]", 16), 16), "tensor w: 16 bytes do not make [5]"),
            (file(&one("[4294967296,4294967296,2]", 0), 0), "tensor w: 0 bytes do not make"),
            (file(&one("[1,1,1,1,1,1,1,1,4]", 16), 16), "tensor w: 9 dimensions"),
            (
                file(r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}}"#, 8),
                "tensor w: ends before",
            ),
        ];
        let two = |first: &str, a: [u64; 2], second: &str, b: [u64; 2]| {
            let one = |name: &str, [from, to]: [u64; 2]| {
                format!(r#""{name}":{{"dtype":"U8","shape":[2],"data_offsets":[{from},{to}]}}"#)
            };
            file(&format!("{{{},{}}}", one(first, a), one(second, b)), 4)
        };
        let apart = [
            (two("a", [0, 2], "b", [1, 3]), "tensor b: it shares bytes with a"),
            (two("a", [0, 2], "b", [0, 2]), "tensor b: it shares bytes with a"),
            (two("a", [2, 4], "a", [0, 2]), "tensor a: it is there twice"),
            (two("a", [2, 4], "b", [2, 4]), "tensor a: 2 bytes before it are no tensor's"),
            (file(&one("[1]", 4), 6), "2 bytes at its end are no tensor's"),
            (
                file(r#"{"__metadata__":{},"__metadata__":{}}"#, 0),
                "not a safetensors file: __metadata__ is there twice",
            ),
        ];
        for (file, expected) in cases.into_iter().chain(apart) {
            let found = problem(&file);
            assert!(found.contains(expected), "{expected:?} is not in {found:?}");
        }
    }
}
