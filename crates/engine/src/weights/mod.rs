//! Weights on disk, read where they lie.
//!
//! [`Weights`] opens one safetensors file, its shards, or a GGUF file, and reads nothing but the
//! header: [`safetensors`] and [`gguf`] hold the two readers, pure functions that check every count and
//! size before they allocate. [`keys`] tells a family by its tensor names and translates
//! between the names in use for one network. [`Checkpoint`] joins the two and is what a network is
//! built from: it asks for a tensor by the network's own name and shape, and every failure says
//! which file and which tensor. It can be weighed before anything of it is read ([`Weight`]), and where
//! speed is measured, it is made up. [`hash`] tells whether a file is the one its manifest means.

mod checkpoint;
mod file;
pub mod gguf;
pub mod hash;
mod invented;
pub mod keys;
mod numbers;
pub mod safetensors;
mod scales;

pub use checkpoint::{Checkpoint, Compute};
pub use file::Bytes;
pub(crate) use file::{SHORT_TEXT, TOKENIZER_TEXT, read_text};
pub(crate) use invented::blocks;
pub use scales::Weight;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

use candle_core::quantized::GgmlDType;

/// What is wrong with weights.
#[derive(Debug, thiserror::Error)]
pub enum WeightError {
    /// The file cannot be opened or read.
    #[error("{}: {source}", file.display())]
    Open {
        /// Which.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{}: {problem}", file.display())]
    Damaged {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// One of its tensors is not what it should be.
    #[error("{}: tensor {tensor}: {problem}", file.display())]
    Tensor {
        /// Which file.
        file: PathBuf,
        /// Which tensor, by the name it has in the file.
        tensor: String,
        /// What is wrong.
        problem: String,
    },
    /// A pickle: reading it runs whatever program it holds.
    #[error(
        "{}: this is a pickle checkpoint, which can run code when it is opened, so it is refused; \
         convert it to .safetensors first (for example with the convert script of the safetensors \
         project, on a machine that may be harmed)",
        file.display()
    )]
    Pickle {
        /// Which.
        file: PathBuf,
    },
}

impl WeightError {
    /// The file at fault.
    pub fn file(&self) -> &Path {
        match self {
            Self::Open { file, .. }
            | Self::Damaged { file, .. }
            | Self::Tensor { file, .. }
            | Self::Pickle { file } => file,
        }
    }

    /// What is wrong, without the file's name.
    pub fn problem(&self) -> String {
        match self {
            Self::Open { source, .. } => source.to_string(),
            Self::Damaged { problem, .. } => problem.clone(),
            Self::Tensor { tensor, problem, .. } => format!("tensor {tensor}: {problem}"),
            Self::Pickle { file } => {
                let text = self.to_string();
                text.trim_start_matches(&format!("{}: ", file.display())).to_owned()
            }
        }
    }
}

/// What a header tells, without a byte of the tensors themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Every tensor by its name in the file.
    pub tensors: BTreeMap<String, TensorInfo>,
    /// Text that the file carries beside them.
    pub metadata: BTreeMap<String, String>,
}

/// Most tensors of one file, and of all shards of one model; the largest published ones have some
/// thousands.
pub const MOST_TENSORS: usize = 1 << 16;

/// Bytes of the longest name of a tensor.
const MOST_NAME: usize = 512;

/// Most files that a model's weights lie in.
const MOST_SHARDS: usize = 1000;

/// Where a tensor lies and how it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorInfo {
    /// How its numbers are written.
    pub format: Format,
    /// Outermost dimension first.
    pub shape: Vec<usize>,
    /// Its place in the file. A reader has checked that the file is that long and that the length
    /// fits shape and format.
    pub bytes: Range<usize>,
}

/// How numbers are written on disk.
#[derive(Debug, Clone, PartialEq)]
pub enum Format {
    /// 32-bit floats.
    F32,
    /// 16-bit floats with 5 bits of exponent.
    F16,
    /// 16-bit floats with 8 bits of exponent.
    BF16,
    /// Blocks of small integers with scales, as GGUF has them.
    Blocks(GgmlDType),
    /// Something that no network here reads.
    Other(String),
}

impl Format {
    /// The name that people know it by.
    pub fn name(&self) -> String {
        match self {
            Self::F32 => "F32".into(),
            Self::F16 => "F16".into(),
            Self::BF16 => "BF16".into(),
            Self::Blocks(kind) => format!("{kind:?}"),
            Self::Other(name) => name.clone(),
        }
    }
}

/// A header that cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", tensor.as_ref().map(|name| format!("tensor {name}: ")).unwrap_or_default())]
pub struct HeaderError {
    /// The tensor it concerns, if one.
    pub tensor: Option<String>,
    /// What is wrong.
    pub problem: String,
}

impl HeaderError {
    fn new(problem: impl Into<String>) -> Self {
        Self { tensor: None, problem: problem.into() }
    }

    /// The system gave less than the file had, or nothing.
    fn unreadable(error: &std::io::Error) -> Self {
        Self::new(match error.kind() {
            std::io::ErrorKind::UnexpectedEof => file::CHANGED.to_owned(),
            _ => error.to_string(),
        })
    }

    fn tensor(name: &str, problem: impl Into<String>) -> Self {
        Self { tensor: Some(name.to_owned()), problem: problem.into() }
    }
}

/// The tensors of a model, over one file or several shards.
pub struct Weights {
    parts: Vec<Part>,
    tensors: HashMap<String, (usize, TensorInfo)>,
}

struct Part {
    file: PathBuf,
    bytes: Bytes,
}

impl Weights {
    /// Opens a `.safetensors` or `.gguf` file, or the `.index.json` of shards that lie beside it.
    pub fn open(path: &Path) -> Result<Self, WeightError> {
        if path.extension().is_some_and(|ending| ending == "json") {
            return Self::open_shards(path);
        }
        Self::from_parts(vec![(path.to_owned(), Bytes::open(path)?)])
    }

    /// Weights that are already in memory; `name` stands for the file in messages.
    pub fn from_memory(name: &str, bytes: Vec<u8>) -> Result<Self, WeightError> {
        Self::from_parts(vec![(PathBuf::from(name), Bytes::Owned(bytes))])
    }

    /// No tensors at all.
    fn none() -> Self {
        Self { parts: Vec::new(), tensors: HashMap::new() }
    }

    fn open_shards(index: &Path) -> Result<Self, WeightError> {
        let damaged = |problem: String| WeightError::Damaged { file: index.to_owned(), problem };
        let text = read_text(index, file::INDEX_TEXT)?;
        #[derive(serde::Deserialize)]
        struct Index {
            weight_map: BTreeMap<String, String>,
        }
        let Index { weight_map } = serde_json::from_slice(&text)
            .map_err(|error| damaged(format!("not an index of shards: {error}")))?;
        let folder = index.parent().unwrap_or(Path::new("."));
        let mut names: Vec<&String> = weight_map.values().collect();
        names.sort();
        names.dedup();
        if weight_map.len() > MOST_TENSORS || names.len() > MOST_SHARDS {
            return Err(damaged(format!(
                "{} tensors in {} files, and at most {MOST_TENSORS} in {MOST_SHARDS} are read",
                weight_map.len(),
                names.len()
            )));
        }
        let mut parts = Vec::with_capacity(names.len());
        for name in names {
            // A shard lies beside its index; anything else would let an index read other files.
            if Path::new(name).file_name() != Some(name.as_ref()) {
                return Err(damaged(format!("{name:?} is not the name of a file beside it")));
            }
            let path = folder.join(name);
            parts.push((path.clone(), Bytes::open(&path)?));
        }
        let weights = Self::from_parts(parts)?;
        match weight_map.keys().find(|name| !weights.tensors.contains_key(*name)) {
            Some(name) => Err(damaged(format!("no shard holds the tensor {name}"))),
            None => Ok(weights),
        }
    }

    fn from_parts(files: Vec<(PathBuf, Bytes)>) -> Result<Self, WeightError> {
        let mut weights = Self { parts: Vec::with_capacity(files.len()), tensors: HashMap::new() };
        for (file, bytes) in files {
            let header = read_header(&file, &bytes)?;
            let part = weights.parts.len();
            if weights.tensors.len() + header.tensors.len() > MOST_TENSORS {
                let problem = format!("with it there are more than {MOST_TENSORS} tensors");
                return Err(WeightError::Damaged { file, problem });
            }
            for (tensor, info) in header.tensors {
                if weights.tensors.insert(tensor.clone(), (part, info)).is_some() {
                    let problem = "another shard has it too".to_owned();
                    return Err(WeightError::Tensor { file, tensor, problem });
                }
            }
            weights.parts.push(Part { file, bytes });
        }
        Ok(weights)
    }

    /// Refuses files that are not as they were opened, so that nothing is taken for weights that are
    /// parts of two.
    pub fn check_unchanged(&self) -> Result<(), WeightError> {
        self.parts.iter().try_for_each(|Part { file, bytes }| bytes.check_unchanged(file))
    }

    /// The names of all tensors, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// What the header says of a tensor.
    pub fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.get(name).map(|(_, info)| info)
    }

    /// Reads `range` of the file that a tensor lies in.
    fn read(&self, name: &str, range: &Range<usize>) -> Result<Vec<u8>, WeightError> {
        let mut bytes = vec![0; range.len()];
        self.fill(name, range.start, &mut bytes).map(|()| bytes)
    }

    /// The same, some of it at a time: whole pieces of `each` bytes.
    fn read_by_pieces(
        &self,
        name: &str,
        range: &Range<usize>,
        each: usize,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), WeightError> {
        let mut piece = vec![0; (file::CHUNK / each * each).min(range.len())];
        let mut at = range.start;
        while at < range.end {
            let count = piece.len().min(range.end - at);
            self.fill(name, at, &mut piece[..count])?;
            take(&piece[..count]);
            at += count;
        }
        Ok(())
    }

    fn fill(&self, name: &str, start: usize, into: &mut [u8]) -> Result<(), WeightError> {
        let Some(Part { file, bytes }) =
            self.tensors.get(name).and_then(|(part, _)| self.parts.get(*part))
        else {
            let (file, tensor) = (self.file(name).to_owned(), name.to_owned());
            return Err(WeightError::Tensor { file, tensor, problem: "it is missing".into() });
        };
        bytes.read(start as u64, into).map_err(|error| file::unreadable(file, error))
    }

    /// The files that the tensors lie in.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.parts.iter().map(|part| part.file.as_path())
    }

    /// The file that holds a tensor; for one that is nowhere, the first file.
    pub fn file(&self, name: &str) -> &Path {
        let part = self.tensors.get(name).map_or(0, |(part, _)| *part);
        self.parts.get(part).map_or(Path::new(""), |part| &part.file)
    }
}

/// The header of whichever format the bytes are in, told by content and not by file name.
fn read_header(file: &Path, bytes: &Bytes) -> Result<Header, WeightError> {
    let length = bytes.length();
    let mut first = [0; 9];
    let first = &mut first[..length.min(9) as usize];
    bytes.read(0, first).map_err(|error| file::unreadable(file, error))?;
    let pickle = || WeightError::Pickle { file: file.to_owned() };
    if is_pickle(first) {
        return Err(pickle());
    }
    let header = match first.starts_with(b"GGUF") {
        true => gguf::read_header(bytes.reader(), length),
        false => safetensors::read_header(bytes.reader(), length),
    };
    header.map_err(|HeaderError { tensor, problem }| match tensor {
        _ if is_named_pickle(file) => pickle(),
        Some(tensor) => WeightError::Tensor { file: file.to_owned(), tensor, problem },
        None => WeightError::Damaged { file: file.to_owned(), problem },
    })
}

/// PyTorch's zip archives and bare pickles. A safetensors file starts with a header length far below
/// either signature, so the content decides.
fn is_pickle(first: &[u8]) -> bool {
    first.starts_with(b"PK\x03\x04")
        || (first.len() > 2
            && first[0] == 0x80
            && (2..=5).contains(&first[1])
            && first.get(8) != Some(&b'{'))
}

/// The file name only helps where the content is nothing that is read.
fn is_named_pickle(file: &Path) -> bool {
    file.extension().is_some_and(|ending| {
        ["ckpt", "pt", "pth", "bin"].iter().any(|pickle| ending.eq_ignore_ascii_case(pickle))
    })
}

/// Tensors that share bytes are no file that anybody's program wrote: one would be read as the other.
fn check_apart(tensors: &BTreeMap<String, TensorInfo>) -> Result<(), HeaderError> {
    let mut all: Vec<_> = tensors.iter().map(|(name, info)| (&info.bytes, name)).collect();
    all.sort_by_key(|(bytes, _)| (bytes.start, bytes.end));
    match all.windows(2).find(|two| two[0].0.end > two[1].0.start) {
        Some(two) => {
            let problem = format!("it shares bytes with {}", two[0].1);
            Err(HeaderError::tensor(two[1].1, problem))
        }
        None => Ok(()),
    }
}
