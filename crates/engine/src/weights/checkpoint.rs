//! Weights seen through a network's own names.

use std::path::Path;

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Tensor};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use super::keys::{self, Family, Naming, Piece, Rows};
use super::{Format, WeightError, Weights};

/// In which numbers a network computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compute {
    /// 32-bit floats, whatever the format on disk: exact for the weights as they are stored.
    F32,
    /// Blocks of 8 bits or fewer stay as they are stored, and activations are rounded to 8 bits:
    /// an approximation. What is stored as floats is still computed in f32.
    Int8,
}

/// A matrix in the form in which it is multiplied.
pub enum Matrix {
    /// One number for each weight.
    Dense(Tensor),
    /// Blocks as they lie on disk.
    Blocks(QTensor),
}

/// The weights of one network, with the names that it uses for them.
pub struct Checkpoint {
    weights: Weights,
    family: Option<Family>,
    naming: Naming,
    prefix: &'static str,
}

impl Checkpoint {
    /// Opens weights and tells family and naming by their tensors' names.
    pub fn open(path: &Path) -> Result<Self, WeightError> {
        Weights::open(path).map(Self::new)
    }

    /// The same for weights that are already open.
    pub fn new(weights: Weights) -> Self {
        match keys::recognise(|name| weights.info(name).is_some()) {
            Some((family, naming, prefix)) => {
                Self { weights, family: Some(family), naming, prefix }
            }
            None => Self { weights, family: None, naming: Naming::Diffusers, prefix: "" },
        }
    }

    /// The family, if its tensors are those of one.
    pub fn family(&self) -> Option<Family> {
        self.family
    }

    /// Whether any tensor is stored in blocks.
    pub fn has_blocks(&self) -> bool {
        self.weights
            .names()
            .any(|name| matches!(self.weights.info(name), Some(info) if matches!(info.format, Format::Blocks(_))))
    }

    /// How many numbers all tensors hold together.
    pub fn parameters(&self) -> u64 {
        let count =
            |name| self.weights.info(name).map_or(0, |info| info.shape.iter().product::<usize>());
        self.weights.names().map(|name| count(name) as u64).sum()
    }

    /// Bytes that all tensors take on disk.
    pub fn bytes(&self) -> u64 {
        self.weights
            .names()
            .filter_map(|name| self.weights.info(name))
            .map(|info| info.bytes.len() as u64)
            .sum()
    }

    /// The file that names it in messages.
    pub fn file(&self) -> &Path {
        self.weights.file("")
    }

    /// The shape of a tensor by the network's name for it, if it is there.
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let Piece { name, rows } = self.piece(name);
        let mut shape = self.weights.info(&name)?.shape.clone();
        if let (Rows::Third(_), Some(first)) = (rows, shape.first_mut()) {
            *first /= 3;
        }
        Some(shape)
    }

    /// A vector of `length` numbers.
    pub fn vector(
        &self,
        name: &str,
        length: usize,
        device: &Device,
    ) -> Result<Tensor, WeightError> {
        let mut numbers = Vec::new();
        self.read(name, &[length], &mut numbers)?;
        self.made(name, Tensor::from_vec(numbers, length, device))
    }

    /// A matrix that is looked up in and not multiplied, always as floats.
    pub fn table(
        &self,
        name: &str,
        (rows, columns): (usize, usize),
        device: &Device,
    ) -> Result<Tensor, WeightError> {
        let mut numbers = Vec::new();
        self.read(name, &[rows, columns], &mut numbers)?;
        self.made(name, Tensor::from_vec(numbers, (rows, columns), device))
    }

    /// The matrix [rows of all the names together, columns]; every name has `rows` rows.
    pub fn matrix(
        &self,
        names: &[&str],
        (rows, columns): (usize, usize),
        compute: Compute,
        device: &Device,
    ) -> Result<Matrix, WeightError> {
        let shape = (rows * names.len(), columns);
        if let (Compute::Int8, Some(kind)) = (compute, self.common_blocks(names)) {
            let mut bytes = Vec::new();
            for name in names {
                let (_, parts) = self.stored(name, &[rows, columns])?;
                parts.into_iter().for_each(|part| bytes.extend_from_slice(part));
            }
            let blocks = QStorage::from_data(bytes.into(), device, kind);
            let blocks = blocks.and_then(|blocks| QTensor::new(blocks, shape));
            return self.made(names[0], blocks.map(Matrix::Blocks));
        }
        let mut numbers = Vec::new();
        for name in names {
            self.read(name, &[rows, columns], &mut numbers)?;
        }
        self.made(names[0], Tensor::from_vec(numbers, shape, device).map(Matrix::Dense))
    }

    /// The block format that all these tensors have in common, if they have one.
    fn common_blocks(&self, names: &[&str]) -> Option<GgmlDType> {
        let mut kinds =
            names.iter().map(|name| match self.weights.info(&self.piece(name).name)?.format {
                Format::Blocks(kind) => Some(kind),
                _ => None,
            });
        let first = kinds.next()??;
        kinds.all(|kind| kind == Some(first)).then_some(first)
    }

    /// Appends a tensor's numbers to `numbers`.
    fn read(&self, name: &str, shape: &[usize], numbers: &mut Vec<f32>) -> Result<(), WeightError> {
        let (format, parts) = self.stored(name, shape)?;
        // Room is made only now: the file has been seen to hold that many numbers.
        numbers.reserve(shape.iter().product());
        for part in parts {
            match format {
                Format::F32 => numbers.extend(
                    part.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])),
                ),
                Format::F16 => {
                    widen(part, numbers, f16::from_bits, |from, to| from.convert_to_f32_slice(to))
                }
                Format::BF16 => {
                    widen(part, numbers, bf16::from_bits, |from, to| from.convert_to_f32_slice(to))
                }
                Format::Blocks(kind) => {
                    let count = part.len() / kind.type_size() * kind.block_size();
                    let blocks = QStorage::from_data(part.into(), &Device::Cpu, *kind);
                    let dense = blocks.and_then(|blocks| {
                        QTensor::new(blocks, count)?.dequantize(&Device::Cpu)?.to_vec1()
                    });
                    numbers.extend(self.made::<Vec<f32>>(name, dense)?);
                }
                Format::Other(other) => {
                    return Err(self.bad(
                        name,
                        format!("it is stored as {other}, and floats or GGUF blocks are read"),
                    ));
                }
            }
        }
        Ok(())
    }

    /// The bytes of a tensor in the order of its rows, after its shape has been checked.
    fn stored(&self, name: &str, shape: &[usize]) -> Result<(&Format, Vec<&[u8]>), WeightError> {
        let Piece { name: stored, rows } = self.piece(name);
        let (Some(info), Some(bytes)) = (self.weights.info(&stored), self.weights.bytes(&stored))
        else {
            return Err(self.bad(name, "it is missing".into()));
        };
        let mut expected = shape.to_vec();
        if let Rows::Third(_) = rows {
            expected[0] *= 3;
        }
        if info.shape != expected {
            return Err(self.bad(
                name,
                format!("its shape is {:?}, and the network needs {expected:?}", info.shape),
            ));
        }
        let half = bytes.len() / 2;
        let parts = match rows {
            Rows::All => vec![bytes],
            Rows::Third(i) => vec![&bytes[bytes.len() / 3 * i..bytes.len() / 3 * (i + 1)]],
            Rows::Swapped if !expected[0].is_multiple_of(2) => {
                return Err(self.bad(name, "it has no two halves".into()));
            }
            Rows::Swapped => vec![&bytes[half..], &bytes[..half]],
        };
        Ok((&info.format, parts))
    }

    fn piece(&self, name: &str) -> Piece {
        let mut piece = match (self.family, self.naming) {
            (Some(Family::Flux2), Naming::Original) => keys::flux2_original(name),
            _ => Piece { name: name.to_owned(), rows: Rows::All },
        };
        piece.name.insert_str(0, self.prefix);
        piece
    }

    fn made<T>(&self, name: &str, result: candle_core::Result<T>) -> Result<T, WeightError> {
        result.map_err(|error| self.bad(name, error.to_string()))
    }

    fn bad(&self, name: &str, problem: String) -> WeightError {
        let tensor = self.piece(name).name;
        WeightError::Tensor { file: self.weights.file(&tensor).to_owned(), tensor, problem }
    }
}

/// Appends 16-bit floats as 32-bit ones, through a small buffer since a file aligns nothing.
fn widen<H: Copy + Default>(
    bytes: &[u8],
    numbers: &mut Vec<f32>,
    from_bits: impl Fn(u16) -> H,
    convert: impl Fn(&[H], &mut [f32]),
) {
    let mut narrow = [H::default(); 2048];
    for chunk in bytes.chunks(2 * narrow.len()) {
        let count = chunk.len() / 2;
        for (to, from) in narrow.iter_mut().zip(chunk.chunks_exact(2)) {
            *to = from_bits(u16::from_le_bytes([from[0], from[1]]));
        }
        let start = numbers.len();
        numbers.resize(start + count, 0.0);
        convert(&narrow[..count], &mut numbers[start..]);
    }
}
