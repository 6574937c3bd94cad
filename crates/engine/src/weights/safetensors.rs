//! The header of a safetensors file: 8 bytes of length, that many bytes of JSON, then the tensors.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Format, Header, HeaderError, TensorInfo};

/// A header larger than this is refused before it is read; real ones stay under one megabyte.
pub const MAX_HEADER_BYTES: u64 = 100_000_000;

/// More dimensions than any network has.
const MAX_DIMENSIONS: usize = 8;

/// One entry of the JSON.
#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

/// Reads the header of a whole file that is given as bytes, and checks that every tensor lies in it.
pub fn read_header(file: &[u8]) -> Result<Header, HeaderError> {
    let Some((length, rest)) = file.split_first_chunk::<8>() else {
        return Err(HeaderError::new(format!(
            "truncated: {} bytes are no safetensors file",
            file.len()
        )));
    };
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER_BYTES {
        return Err(HeaderError::new("not a safetensors file: its header would be over 100 MB"));
    }
    // Fits: it is below the limit above.
    let length = length as usize;
    let Some(json) = rest.get(..length) else {
        let problem = format!("truncated: a header of {length} bytes in {} bytes", rest.len());
        return Err(HeaderError::new(problem));
    };
    let entries: BTreeMap<String, serde_json::Value> = serde_json::from_slice(json)
        .map_err(|error| HeaderError::new(format!("not a safetensors file: {error}")))?;
    let data = 8 + length;
    let mut header = Header { tensors: BTreeMap::new(), metadata: BTreeMap::new() };
    for (name, value) in entries {
        if name == "__metadata__" {
            header.metadata = serde_json::from_value(value)
                .map_err(|error| HeaderError::new(format!("__metadata__: {error}")))?;
            continue;
        }
        let info = read_entry(&name, value, data, file.len())?;
        header.tensors.insert(name, info);
    }
    Ok(header)
}

fn read_entry(
    name: &str,
    value: serde_json::Value,
    data: usize,
    file_length: usize,
) -> Result<TensorInfo, HeaderError> {
    let bad = |problem: String| HeaderError::tensor(name, problem);
    let entry: Entry = serde_json::from_value(value).map_err(|error| bad(error.to_string()))?;
    if entry.shape.len() > MAX_DIMENSIONS {
        return Err(bad(format!("{} dimensions", entry.shape.len())));
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
        let expected =
            entry.shape.iter().try_fold(width, |all: usize, &side| all.checked_mul(side));
        if expected != Some(length) {
            return Err(bad(format!(
                "{length} bytes do not make {:?} of {}",
                entry.shape, entry.dtype
            )));
        }
    }
    let (start, end) = match (data.checked_add(start), data.checked_add(end)) {
        (Some(start), Some(end)) if end <= file_length => (start, end),
        _ => return Err(bad(format!("truncated: it ends beyond the file's {file_length} bytes"))),
    };
    Ok(TensorInfo { format, shape: entry.shape, bytes: start..end })
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
        read_header(file).expect_err("this file is damaged").to_string()
    }

    #[test]
    fn finds_tensors_where_they_lie() {
        let json = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[2,3],"data_offsets":[4,16]}}"#;
        let header = read_header(&file(json, 16)).unwrap();
        assert_eq!(header.metadata["format"], "pt");
        let start = 8 + json.len();
        let expected =
            TensorInfo { format: Format::F16, shape: vec![2, 3], bytes: start + 4..start + 16 };
        assert_eq!(header.tensors["a"], expected);
    }

    #[test]
    fn names_the_damage() {
        let one = |shape: &str, to: u64| {
            format!(r#"{{"w":{{"dtype":"F32","shape":{shape},"data_offsets":[0,{to}]}}}}"#)
        };
        let cases = [
            (vec![1, 2, 3], "truncated: 3 bytes"),
            (u64::MAX.to_le_bytes().to_vec(), "over 100 MB"),
            (file(&one("[4]", 16), 0)[..20].to_vec(), "truncated: a header of"),
            (file("[1]", 0), "not a safetensors file"),
            (file(&one("[4]", 16), 15), "tensor w: truncated"),
            (file(&one("[5]", 16), 16), "tensor w: 16 bytes do not make [5]"),
            (file(&one("[4294967296,4294967296,2]", 0), 0), "tensor w: 0 bytes do not make"),
            (file(&one("[1,1,1,1,1,1,1,1,4]", 16), 16), "tensor w: 9 dimensions"),
            (
                file(r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}}"#, 8),
                "tensor w: ends before",
            ),
        ];
        for (file, expected) in cases {
            let found = problem(&file);
            assert!(found.contains(expected), "{expected:?} is not in {found:?}");
        }
    }
}
