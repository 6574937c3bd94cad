//! The header of a GGUF file, versions 2 and 3: counted metadata, counted tensor descriptions, then
//! the tensors after an alignment.
//!
//! candle has a reader too; this one takes no count on trust, since it allocates only what it has
//! already seen bytes for.

use std::collections::BTreeMap;
use std::io::Read;

use candle_core::quantized::GgmlDType;

use super::{Format, Header, HeaderError, MOST_NAME, MOST_TENSORS, TensorInfo, check_apart};

/// More dimensions than the format allows are refused.
const MAX_DIMENSIONS: u32 = 4;
/// Longest name or text that is kept; a tokenizer's merges are arrays of short ones.
const MAX_TEXT_BYTES: u64 = 1 << 20;
/// Most entries of metadata; published files have some dozens.
const MAX_METADATA: u64 = 1 << 12;
/// Bytes of the longest header; a tokenizer in it takes up to ten million.
const MAX_HEADER_BYTES: u64 = 64 << 20;
/// Arrays may hold arrays, but not without end.
const MAX_NESTING: u32 = 4;

/// Reads the header of a file of so many bytes, and checks that every tensor lies in it.
///
/// Metadata that is text or a number is kept as text; arrays are stepped over.
pub fn read_header(file: impl Read, length: u64) -> Result<Header, HeaderError> {
    let mut reader = Reader { file, length, at: 0 };
    if &reader.array::<4>()? != b"GGUF" {
        return Err(HeaderError::new("not a GGUF file"));
    }
    let version = reader.u32()?;
    if !(2..=3).contains(&version) {
        return Err(HeaderError::new(format!("GGUF version {version}, and 2 and 3 are read")));
    }
    let (tensor_count, metadata_count) = (reader.u64()?, reader.u64()?);
    if tensor_count > MOST_TENSORS as u64 || metadata_count > MAX_METADATA {
        return Err(HeaderError::new(format!(
            "a header of {tensor_count} tensors and {metadata_count} entries of metadata, and at most \
             {MOST_TENSORS} and {MAX_METADATA} are read"
        )));
    }
    let mut metadata = BTreeMap::new();
    for _ in 0..metadata_count {
        let key = reader.text()?;
        let kind = reader.u32()?;
        if let Some(value) = reader.value(kind, 0)?
            && metadata.insert(key.clone(), value).is_some()
        {
            return Err(HeaderError::new(format!("the metadata {key} is there twice")));
        }
    }
    let mut described = Vec::new();
    for _ in 0..tensor_count {
        described.push(reader.tensor()?);
    }
    let alignment = match metadata.get("general.alignment") {
        None => 32,
        Some(text) => match text.parse::<usize>() {
            // Below 8, blocks could lie where the processor does not read their scales.
            Ok(alignment) if alignment.is_power_of_two() && (8..=1 << 20).contains(&alignment) => {
                alignment
            }
            _ => return Err(HeaderError::new(format!("an alignment of {text}"))),
        },
    };
    // Fits: a header is far shorter than what a machine can address, and so is the file where it matters.
    let data = (reader.at as usize).next_multiple_of(alignment);
    let file_length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut tensors = BTreeMap::new();
    for (name, shape, kind, offset) in described {
        let info = place(&name, shape, kind, offset, data, file_length)?;
        if tensors.insert(name.clone(), info).is_some() {
            return Err(HeaderError::tensor(&name, "it is there twice"));
        }
    }
    check_apart(&tensors)?;
    Ok(Header { tensors, metadata })
}

fn place(
    name: &str,
    shape: Vec<usize>,
    kind: u32,
    offset: u64,
    data: usize,
    file_length: usize,
) -> Result<TensorInfo, HeaderError> {
    let bad = |problem: String| HeaderError::tensor(name, problem);
    let (format, block, block_bytes) =
        format(kind).ok_or_else(|| bad(format!("unknown number format {kind}")))?;
    let numbers = shape.iter().try_fold(1usize, |all, &side| all.checked_mul(side));
    let row = shape.last().copied().unwrap_or(1);
    let bytes = match numbers {
        Some(numbers) if row % block == 0 => (numbers / block).checked_mul(block_bytes),
        Some(_) => return Err(bad(format!("rows of {row} are no multiple of blocks of {block}"))),
        None => None,
    };
    if !offset.is_multiple_of(8) {
        return Err(bad(format!("it starts at the odd place {offset}")));
    }
    let start = usize::try_from(offset).ok().and_then(|offset| data.checked_add(offset));
    let range = start.zip(bytes).and_then(|(start, bytes)| Some(start..start.checked_add(bytes)?));
    match range {
        Some(range) if range.end <= file_length => Ok(TensorInfo { format, shape, bytes: range }),
        _ => Err(bad(format!("truncated: it ends beyond the file's {file_length} bytes"))),
    }
}

/// Number formats by their number in the file: format, numbers in a block, bytes of a block.
fn format(kind: u32) -> Option<(Format, usize, usize)> {
    let blocks =
        |kind: GgmlDType| Some((Format::Blocks(kind), kind.block_size(), kind.type_size()));
    match kind {
        0 => Some((Format::F32, 1, 4)),
        1 => Some((Format::F16, 1, 2)),
        2 => blocks(GgmlDType::Q4_0),
        3 => blocks(GgmlDType::Q4_1),
        6 => blocks(GgmlDType::Q5_0),
        7 => blocks(GgmlDType::Q5_1),
        8 => blocks(GgmlDType::Q8_0),
        10 => blocks(GgmlDType::Q2K),
        11 => blocks(GgmlDType::Q3K),
        12 => blocks(GgmlDType::Q4K),
        13 => blocks(GgmlDType::Q5K),
        14 => blocks(GgmlDType::Q6K),
        24 => Some((Format::Other("I8".into()), 1, 1)),
        25 => Some((Format::Other("I16".into()), 1, 2)),
        26 => Some((Format::Other("I32".into()), 1, 4)),
        27 => Some((Format::Other("I64".into()), 1, 8)),
        28 => Some((Format::Other("F64".into()), 1, 8)),
        30 => Some((Format::BF16, 1, 2)),
        _ => None,
    }
}

/// A place in the file that never goes beyond its end.
struct Reader<R> {
    file: R,
    length: u64,
    at: u64,
}

/// Name, shape (outermost first), number format, offset from the first tensor.
type Described = (String, Vec<usize>, u32, u64);

impl<R: Read> Reader<R> {
    fn fill(&mut self, into: &mut [u8]) -> Result<(), HeaderError> {
        self.check_left(into.len() as u64)?;
        self.at += into.len() as u64;
        self.file.read_exact(into).map_err(|error| HeaderError::unreadable(&error))
    }

    /// Before anything is allocated for what is to come.
    fn check_left(&self, count: u64) -> Result<(), HeaderError> {
        let end = self.at.saturating_add(count);
        if end > self.length {
            return Err(HeaderError::new(format!(
                "truncated: the header goes on beyond the file's {} bytes",
                self.length
            )));
        }
        match end > MAX_HEADER_BYTES {
            true => Err(HeaderError::new(format!(
                "a header of more than {} MB",
                MAX_HEADER_BYTES >> 20
            ))),
            false => Ok(()),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], HeaderError> {
        let mut array = [0; N];
        self.fill(&mut array).map(|()| array)
    }

    fn u32(&mut self) -> Result<u32, HeaderError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, HeaderError> {
        self.array().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Result<String, HeaderError> {
        let length = self.u64()?;
        if length > MAX_TEXT_BYTES {
            return Err(HeaderError::new(format!("a text of {length} bytes in the header")));
        }
        self.check_left(length)?;
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| HeaderError::new("a text that is not UTF-8"))
    }

    /// A value of metadata, as text if it is a single one.
    fn value(&mut self, kind: u32, depth: u32) -> Result<Option<String>, HeaderError> {
        Ok(Some(match kind {
            0 => self.array::<1>()?[0].to_string(),
            1 => i8::from_le_bytes(self.array()?).to_string(),
            2 => u16::from_le_bytes(self.array()?).to_string(),
            3 => i16::from_le_bytes(self.array()?).to_string(),
            4 => self.u32()?.to_string(),
            5 => i32::from_le_bytes(self.array()?).to_string(),
            6 => f32::from_le_bytes(self.array()?).to_string(),
            7 => (self.array::<1>()?[0] != 0).to_string(),
            8 => self.text()?,
            9 if depth < MAX_NESTING => {
                let (inner, count) = (self.u32()?, self.u64()?);
                // Each element takes at least one byte, so this cannot turn longer than the file.
                for _ in 0..count {
                    self.value(inner, depth + 1)?;
                }
                return Ok(None);
            }
            10 => self.u64()?.to_string(),
            11 => i64::from_le_bytes(self.array()?).to_string(),
            12 => f64::from_le_bytes(self.array()?).to_string(),
            _ => return Err(HeaderError::new(format!("unknown kind {kind} of metadata"))),
        }))
    }

    fn tensor(&mut self) -> Result<Described, HeaderError> {
        let name = self.text()?;
        if name.len() > MOST_NAME {
            return Err(HeaderError::new(format!("a tensor's name of {} bytes", name.len())));
        }
        let dimensions = self.u32()?;
        if dimensions > MAX_DIMENSIONS {
            return Err(HeaderError::tensor(&name, format!("{dimensions} dimensions")));
        }
        let mut shape = Vec::with_capacity(dimensions as usize);
        for _ in 0..dimensions {
            let side = usize::try_from(self.u64()?);
            shape.push(side.map_err(|_| HeaderError::tensor(&name, "a side beyond this machine"))?);
        }
        // The file lists the innermost dimension first.
        shape.reverse();
        Ok((name, shape, self.u32()?, self.u64()?))
    }
}
