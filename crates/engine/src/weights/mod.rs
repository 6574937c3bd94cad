//! Weights on disk, read where they lie.
//!
//! [`Weights`] maps one safetensors file, its shards, or a GGUF file, after reading nothing but the
//! header: [`safetensors`] and [`gguf`] hold the two readers, pure functions over bytes that check
//! every size before they allocate. [`keys`] tells a family by its tensor names and translates
//! between the names in use for one network. [`Checkpoint`] joins the two and is what a network is
//! built from: it asks for a tensor by the network's own name and shape, and every failure says
//! which file and which tensor. It can be weighed before anything of it is read ([`Weight`]), and where
//! speed is measured, it is made up. [`hash`] tells whether a file is the one its manifest means.

mod checkpoint;
pub mod gguf;
pub mod hash;
mod invented;
pub mod keys;
mod mapped;
pub mod safetensors;
mod scales;

pub use checkpoint::{Checkpoint, Compute};
pub(crate) use invented::blocks;
pub use mapped::Bytes;
pub use scales::Weight;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

use candle_core::quantized::GgmlDType;

/// What is wrong with weights.
#[derive(Debug, thiserror::Error)]
pub enum WeightError {
    /// The file cannot be opened or mapped.
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

/// Bytes of the longest text that lies beside weights. The tokenizers of published models have up to 35 MB.
const MOST_TEXT: u64 = 64 << 20;

/// Reads one of the texts beside weights: a manifest, a config, an index, a tokenizer.
pub(crate) fn read_text(path: &Path) -> Result<Vec<u8>, WeightError> {
    let unreadable = |source| WeightError::Open { file: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(file, MOST_TEXT + 1), &mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > MOST_TEXT {
        let problem = format!("a text of more than {} MB", MOST_TEXT >> 20);
        return Err(WeightError::Damaged { file: path.to_owned(), problem });
    }
    Ok(text)
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
        Self::from_parts(vec![(path.to_owned(), Bytes::map(path)?)])
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
        let text = read_text(index)?;
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
        let mut parts = Vec::with_capacity(names.len());
        for name in names {
            // A shard lies beside its index; anything else would let an index read other files.
            if Path::new(name).file_name() != Some(name.as_ref()) {
                return Err(damaged(format!("{name:?} is not the name of a file beside it")));
            }
            let path = folder.join(name);
            parts.push((path.clone(), Bytes::map(&path)?));
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
            weights.tensors.extend(header.tensors.into_iter().map(|(k, info)| (k, (part, info))));
            weights.parts.push(Part { file, bytes });
        }
        Ok(weights)
    }

    /// The names of all tensors, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// What the header says of a tensor.
    pub fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.get(name).map(|(_, info)| info)
    }

    /// The bytes of a tensor as they lie on disk.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        let (part, info) = self.tensors.get(name)?;
        self.parts[*part].bytes.get(info.bytes.clone())
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
fn read_header(file: &Path, bytes: &[u8]) -> Result<Header, WeightError> {
    let header = if bytes.starts_with(b"GGUF") {
        gguf::read_header(bytes)
    } else if is_pickle(file, bytes) {
        return Err(WeightError::Pickle { file: file.to_owned() });
    } else {
        safetensors::read_header(bytes)
    };
    header.map_err(|HeaderError { tensor, problem }| match tensor {
        Some(tensor) => WeightError::Tensor { file: file.to_owned(), tensor, problem },
        None => WeightError::Damaged { file: file.to_owned(), problem },
    })
}

/// PyTorch's zip archives and bare pickles. A safetensors file starts with a header length far below
/// either signature, so the content decides; the file name only helps where there is no content.
fn is_pickle(file: &Path, bytes: &[u8]) -> bool {
    let named = file.extension().is_some_and(|ending| {
        ["ckpt", "pt", "pth", "bin"].iter().any(|pickle| ending.eq_ignore_ascii_case(pickle))
    });
    bytes.starts_with(b"PK\x03\x04")
        || (bytes.len() > 2
            && bytes[0] == 0x80
            && (2..=5).contains(&bytes[1])
            && bytes.get(8) != Some(&b'{'))
        || (named && safetensors::read_header(bytes).is_err())
}
