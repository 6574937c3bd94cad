//! Weights seen through a network's own names.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{DType, Device, Tensor};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use likeness_kernels::{self as kernels, Blocks, Convolution, Gate, Matrix, Walks};

use super::invented::Invented;
use super::keys::{self, Family, Naming, Piece, Rows};
use super::numbers::{not_finite, not_finite_in_blocks, widen};
use super::scales::{Scales, Stored, Weight};
use super::{Format, WeightError, Weights};
use crate::ops::{GatedLayer, Kernel, Layer, Linear};

/// In which numbers a network computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compute {
    /// 32-bit floats, whatever the format on disk: exact for the weights as they are stored.
    F32,
    /// Products of numbers rounded to bf16, with sums in f32, where the processor has these. What is
    /// stored in blocks stays so.
    Bf16,
    /// Products of 8-bit whole numbers, with a scale for each row of weights and of activations: an
    /// approximation.
    Int8,
}

/// The weights of one network, with the names that it uses for them.
pub struct Checkpoint {
    weights: Weights,
    /// Every tensor that is asked for is made up.
    invented: Option<Invented>,
    /// Nothing is read: matrices are put on these, and single numbers stand in for them.
    scales: Option<Scales>,
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
        let (family, naming, prefix) = match keys::recognise(|name| weights.info(name).is_some()) {
            Some((family, naming, prefix)) => (Some(family), naming, prefix),
            None => (None, Naming::Diffusers, ""),
        };
        Self { weights, invented: None, scales: None, family, naming, prefix }
    }

    /// A checkpoint that has every tensor, of random numbers, in whatever shape it is asked for; linear
    /// layers whose rows are whole `blocks` are stored so.
    pub fn invented(seed: u64, blocks: Option<Blocks>) -> Self {
        Self { invented: Some(Invented::new(seed, blocks)), ..Self::new(Weights::none()) }
    }

    /// The same checkpoint to look at and not to compute with: a network that is built from it has single
    /// numbers in place of matrices. That it can be built shows that every tensor is there as the network
    /// needs it, and [`Checkpoint::weight`] then tells what they take; `dense` where nothing is packed, on
    /// another device than the processor.
    pub fn weighed(self, dense: bool) -> Self {
        Self { scales: Some(Scales::new(dense)), ..self }
    }

    /// What has been asked of a checkpoint that is [`Checkpoint::weighed`].
    pub fn weight(&self) -> Weight {
        self.scales.as_ref().map_or(Weight::default(), Scales::weight)
    }

    /// The family, if its tensors are those of one.
    pub fn family(&self) -> Option<Family> {
        self.family
    }

    /// Whether every matrix is stored in 16 bits a number, or fewer.
    pub fn is_narrow(&self) -> bool {
        let mut infos = self.weights.names().filter_map(|name| self.weights.info(name));
        infos.all(|info| info.shape.len() < 2 || info.format != Format::F32)
    }

    /// Refuses files that are not as they were opened: asked when all is read.
    pub fn check_unchanged(&self) -> Result<(), WeightError> {
        self.weights.check_unchanged()
    }

    /// The files that its tensors lie in.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.weights.files()
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

    /// All numbers of a tensor.
    pub fn numbers(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightError> {
        let mut numbers = Vec::new();
        self.read(name, shape, &mut numbers)?;
        Ok(numbers)
    }

    /// The convolution [outputs of all the names together, inputs, side, side]; every tensor is stored
    /// in `shape`, whose first number is its outputs. On a CPU it is only for such `walks`.
    pub fn kernel(
        &self,
        names: &[&str],
        shape: &[usize],
        walks: Walks,
        compute: Compute,
        device: &Device,
    ) -> Result<Kernel, WeightError> {
        let side = shape.get(3).copied().unwrap_or(1);
        let (outputs, inputs) = (shape[0] * names.len(), shape[1]);
        let format = match compute {
            // A scale for each row of activations has no meaning where a row is nine pixels.
            Compute::Int8 => kernels::Format::Bf16,
            _ => self.format(names, compute),
        };
        let taps = walks.taps(outputs, inputs, side, format);
        if self.weighs(names, shape, (outputs, inputs * taps), format)? {
            return self.convolution(names[0], Convolution::pack(&[0.0], 1, 1, 1, format));
        }
        let mut numbers = Vec::new();
        for name in names {
            self.read(name, shape, &mut numbers)?;
        }
        if !device.is_cpu() {
            let dense = Tensor::from_vec(numbers, (outputs, inputs, side, side), device);
            return self.made(names[0], dense.map(Kernel::Dense));
        }
        let packed = Convolution::pack_for(walks, &numbers, outputs, inputs, side, format);
        self.convolution(names[0], packed)
    }

    fn convolution(
        &self,
        name: &str,
        packed: Result<Convolution, kernels::Error>,
    ) -> Result<Kernel, WeightError> {
        packed
            .map(|packed| Kernel::Packed(Arc::new(packed)))
            .map_err(|error| self.bad(name, error.to_string()))
    }

    /// The layer `name`.weight [2 · half, inputs], with its bias if it has one, of which one half gates
    /// the other.
    pub fn gated(
        &self,
        name: &str,
        (half, inputs): (usize, usize),
        (gate, has_bias): (Gate, bool),
        compute: Compute,
        device: &Device,
    ) -> Result<GatedLayer, WeightError> {
        let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
        let raw = self.take(&[&weight], (2 * half, inputs), compute, device)?;
        let bias = match has_bias {
            true => Some(self.numbers(&bias, &[2 * half])?),
            false => None,
        };
        self.ready_gated(&weight, raw, (half, inputs), bias, gate, device)
    }

    /// The layer `name` [plain + 2 · half, inputs] as two: its first rows, and the others, of which one
    /// half gates the other.
    pub fn split(
        &self,
        name: &str,
        (plain, half, inputs): (usize, usize, usize),
        gate: Gate,
        compute: Compute,
        device: &Device,
    ) -> Result<(Linear, GatedLayer), WeightError> {
        let mut first = self.take(&[name], (plain + 2 * half, inputs), compute, device)?;
        let second = first.split_off(plain, inputs);
        let first = self.ready(name, first, (plain, inputs), device)?;
        Ok((first, self.ready_gated(name, second, (half, inputs), None, gate, device)?))
    }

    /// The form in which floats are packed.
    fn format(&self, names: &[&str], compute: Compute) -> kernels::Format {
        match compute {
            Compute::F32 if names.iter().all(|name| self.is_half(name)) => kernels::Format::F16,
            Compute::F32 => kernels::Format::F32,
            Compute::Bf16 => kernels::Format::Bf16,
            Compute::Int8 => kernels::Format::Int8,
        }
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
        let shape = [rows, columns];
        if let Some(scales) = &self.scales {
            scales.put_table(rows as u64 * columns as u64, self.look(name, &shape)?);
            return self.made(name, Tensor::zeros((1, 1), DType::F32, device));
        }
        self.made(name, Tensor::from_vec(self.numbers(name, &shape)?, &shape, device))
    }

    /// The layer [rows of all the names together, columns], ready to be multiplied; every name has
    /// `rows` rows.
    pub fn linear(
        &self,
        names: &[&str],
        (rows, columns): (usize, usize),
        compute: Compute,
        device: &Device,
    ) -> Result<Linear, WeightError> {
        let shape = (rows * names.len(), columns);
        self.ready(names[0], self.take(names, (rows, columns), compute, device)?, shape, device)
    }

    /// The weights of layers over the same input as one, as they are stored or will be packed.
    fn take(
        &self,
        names: &[&str],
        (rows, columns): (usize, usize),
        compute: Compute,
        device: &Device,
    ) -> Result<Raw, WeightError> {
        let format = self.format(names, compute);
        let kept = |kind: &GgmlDType| match device.is_cpu() {
            true => compute == Compute::Bf16 && ours(*kind).is_some(),
            false => compute != Compute::F32,
        };
        let kind = match &self.invented {
            Some(invented) => invented.blocks(columns).map(ggml),
            None => self.common_blocks(names),
        };
        let kind = kind.filter(kept);
        let packed = kind.and_then(ours).map_or(format, Blocks::format);
        let all = rows * names.len();
        if self.weighs(names, &[rows, columns], (all, columns), packed)? {
            return Ok(Raw::Weighed);
        }
        if let Some(kind) = kind {
            let bytes = match (&self.invented, ours(kind)) {
                (Some(invented), Some(kind)) => {
                    invented.rows_of_blocks(names[0], (all, columns), kind)
                }
                _ => self.joined(names, (rows, columns), kind)?,
            };
            return Ok(Raw::Blocks(bytes, kind));
        }
        let mut numbers = Vec::new();
        for name in names {
            self.read(name, &[rows, columns], &mut numbers)?;
        }
        Ok(Raw::Numbers(numbers, format))
    }

    /// A layer of [rows, columns] ready to be multiplied.
    fn ready(
        &self,
        name: &str,
        raw: Raw,
        (rows, columns): (usize, usize),
        device: &Device,
    ) -> Result<Linear, WeightError> {
        let packed = match raw {
            Raw::Weighed => Matrix::pack(1, 1, kernels::Format::F32, |_, _| 0.0),
            Raw::Blocks(bytes, kind) => match ours(kind).filter(|_| device.is_cpu()) {
                Some(kind) => Matrix::of_blocks(&bytes, rows, columns, kind),
                None => {
                    let blocks = QStorage::from_data(bytes.into(), device, kind)
                        .and_then(|all| QMatMul::from_qtensor(QTensor::new(all, (rows, columns))?));
                    return self.made(name, blocks.map(|blocks| Linear::Blocks(Arc::new(blocks))));
                }
            },
            Raw::Numbers(numbers, _) if !device.is_cpu() => {
                let dense = Tensor::from_vec(numbers, (rows, columns), device);
                return self.made(name, dense.map(Linear::Dense));
            }
            Raw::Numbers(numbers, format) => Matrix::pack_rows(&numbers, rows, columns, format),
        };
        packed
            .map(|matrix| Linear::Packed(Arc::new(matrix)))
            .map_err(|error| self.bad(name, error.to_string()))
    }

    /// The same of [2 · half, columns], of which one half gates the other.
    fn ready_gated(
        &self,
        name: &str,
        raw: Raw,
        (half, columns): (usize, usize),
        bias: Option<Vec<f32>>,
        gate: Gate,
        device: &Device,
    ) -> Result<GatedLayer, WeightError> {
        if !device.is_cpu() {
            let weight = self.ready(name, raw, (2 * half, columns), device)?;
            let bias = bias.map(|bias| self.made(name, Tensor::from_vec(bias, 2 * half, device)));
            return Ok(GatedLayer::Wide(Layer { weight, bias: bias.transpose()? }, gate));
        }
        let bias = bias.as_deref();
        let packed = match raw {
            Raw::Weighed => kernels::Gated::pack(&[0.0; 2], None, 1, 1, gate, kernels::Format::F32),
            Raw::Blocks(bytes, kind) => match ours(kind) {
                Some(kind) => kernels::Gated::of_blocks(&bytes, bias, half, columns, gate, kind),
                None => return Err(self.bad(name, "its blocks are not multiplied here".into())),
            },
            Raw::Numbers(numbers, format) => {
                kernels::Gated::pack(&numbers, bias, half, columns, gate, format)
            }
        };
        packed
            .map(|packed| GatedLayer::Packed(Arc::new(packed)))
            .map_err(|error| self.bad(name, error.to_string()))
    }

    /// Whether nothing is to be read; then these weights, each stored in `shape`, are there, and were put
    /// on the scales as [rows, columns].
    fn weighs(
        &self,
        names: &[&str],
        shape: &[usize],
        (rows, columns): (usize, usize),
        format: kernels::Format,
    ) -> Result<bool, WeightError> {
        let Some(scales) = &self.scales else { return Ok(false) };
        let mut stored = Stored::Numbers;
        for name in names {
            if self.look(name, shape)? == Stored::Blocks {
                stored = Stored::Blocks;
            }
        }
        scales.put((rows as u64).saturating_mul(columns as u64), format, stored);
        Ok(true)
    }

    /// How a tensor is stored, if it can be read in this shape.
    fn look(&self, name: &str, shape: &[usize]) -> Result<Stored, WeightError> {
        if self.invented.is_some() {
            return Ok(Stored::Numbers);
        }
        match self.stored(name, shape)?.format {
            Format::Other(other) => Err(self.of_other_format(name, other)),
            Format::Blocks(_) => Ok(Stored::Blocks),
            Format::F32 | Format::F16 | Format::BF16 => Ok(Stored::Numbers),
        }
    }

    fn of_other_format(&self, name: &str, other: &str) -> WeightError {
        self.bad(name, format!("it is stored as {other}, and floats or GGUF blocks are read"))
    }

    /// Whether a tensor is stored in half precision, which packs without loss.
    fn is_half(&self, name: &str) -> bool {
        matches!(self.weights.info(&self.piece(name).name), Some(info) if info.format == Format::F16)
    }

    /// The bytes of several tensors in the same blocks, one after the other.
    fn joined(
        &self,
        names: &[&str],
        (rows, columns): (usize, usize),
        kind: GgmlDType,
    ) -> Result<Vec<u8>, WeightError> {
        let mut bytes = Vec::new();
        for name in names {
            let Placed { tensor, parts, .. } = self.stored(name, &[rows, columns])?;
            let start = bytes.len();
            for part in parts {
                bytes.extend(self.weights.read(&tensor, &part)?);
            }
            self.check_finite(name, not_finite_in_blocks(&bytes[start..], kind))?;
        }
        Ok(bytes)
    }

    fn check_finite(&self, name: &str, bad: Option<f32>) -> Result<(), WeightError> {
        match bad {
            Some(number) => Err(self.bad(
                name,
                format!(
                    "it holds {number}, which no picture can be computed with: restore this file"
                ),
            )),
            None => Ok(()),
        }
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
        if let Some(invented) = &self.invented {
            invented.numbers(name, shape, numbers);
            return Ok(());
        }
        if self.scales.is_some() {
            self.look(name, shape)?;
            numbers.resize(numbers.len() + shape.iter().product::<usize>(), 0.0);
            return Ok(());
        }
        let Placed { tensor, format, parts } = self.stored(name, shape)?;
        // Room is made only now: the file has been seen to hold that many numbers.
        numbers.reserve(shape.iter().product());
        let mut bad = None;
        for part in parts {
            // What has just been written is near when it is looked at.
            let mut take = |each, append: &dyn Fn(&[u8], &mut Vec<f32>)| {
                self.weights.read_by_pieces(&tensor, &part, each, |bytes| {
                    let start = numbers.len();
                    append(bytes, numbers);
                    bad = bad.or(not_finite(&numbers[start..]));
                })
            };
            match format {
                Format::F32 => take(4, &|bytes, numbers| {
                    numbers.extend(bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)));
                }),
                Format::F16 => take(2, &|bytes, numbers| {
                    widen(bytes, numbers, f16::from_bits, |from, to| from.convert_to_f32_slice(to));
                }),
                Format::BF16 => take(2, &|bytes, numbers| {
                    widen(bytes, numbers, bf16::from_bits, |from, to| {
                        from.convert_to_f32_slice(to)
                    });
                }),
                Format::Blocks(kind) => {
                    let bytes = self.weights.read(&tensor, &part)?;
                    let count = bytes.len() / kind.type_size() * kind.block_size();
                    let blocks = QStorage::from_data(bytes.into(), &Device::Cpu, *kind);
                    let dense = blocks.and_then(|blocks| {
                        QTensor::new(blocks, count)?.dequantize(&Device::Cpu)?.to_vec1()
                    });
                    let dense = self.made::<Vec<f32>>(name, dense)?;
                    bad = bad.or(not_finite(&dense));
                    numbers.extend(dense);
                    Ok(())
                }
                Format::Other(other) => return Err(self.of_other_format(name, other)),
            }?;
        }
        self.check_finite(name, bad)
    }

    /// Where a tensor lies, after its shape has been checked.
    fn stored(&self, name: &str, shape: &[usize]) -> Result<Placed<'_>, WeightError> {
        let Piece { name: tensor, rows } = self.piece(name);
        let Some(info) = self.weights.info(&tensor) else {
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
        let Range { start, end } = info.bytes;
        let (half, third) = (start + (end - start) / 2, (end - start) / 3);
        let parts = match rows {
            Rows::All => vec![info.bytes.clone()],
            Rows::Third(i) => {
                let start = start + third * i;
                vec![Range { start, end: start + third }]
            }
            Rows::Swapped if !expected[0].is_multiple_of(2) => {
                return Err(self.bad(name, "it has no two halves".into()));
            }
            Rows::Swapped => vec![half..end, start..half],
        };
        Ok(Placed { tensor, format: &info.format, parts })
    }

    fn piece(&self, name: &str) -> Piece {
        let mut piece = match (self.family, self.naming) {
            (Some(Family::Flux2), Naming::Original) => keys::flux2_original(name),
            _ => Piece { name: name.to_owned(), rows: Rows::All },
        };
        piece.name.insert_str(0, self.prefix);
        piece
    }

    /// What candle made of a tensor, or why it did not.
    pub(crate) fn made<T>(
        &self,
        name: &str,
        result: candle_core::Result<T>,
    ) -> Result<T, WeightError> {
        result.map_err(|error| self.bad(name, error.to_string()))
    }

    fn bad(&self, name: &str, problem: String) -> WeightError {
        let tensor = self.piece(name).name;
        WeightError::Tensor { file: self.weights.file(&tensor).to_owned(), tensor, problem }
    }
}

/// Where a tensor lies.
struct Placed<'a> {
    /// By its name in the file.
    tensor: String,
    format: &'a Format,
    /// Of the file, in the order of the tensor's rows.
    parts: Vec<Range<usize>>,
}

/// The rows of a layer between the file and their packed form.
enum Raw {
    /// Floats, and how they will be packed.
    Numbers(Vec<f32>, kernels::Format),
    /// Blocks as they are stored.
    Blocks(Vec<u8>, GgmlDType),
    /// None: they were only weighed.
    Weighed,
}

impl Raw {
    /// Takes the rows from `row` on away.
    fn split_off(&mut self, row: usize, columns: usize) -> Self {
        match self {
            Self::Numbers(numbers, format) => {
                Self::Numbers(numbers.split_off(row * columns), *format)
            }
            Self::Blocks(bytes, kind) => {
                let each = columns / kind.block_size() * kind.type_size();
                Self::Blocks(bytes.split_off(row * each), *kind)
            }
            Self::Weighed => Self::Weighed,
        }
    }
}

/// Our name for candle's kind of block, where our kernels have it.
fn ours(kind: GgmlDType) -> Option<Blocks> {
    [Blocks::Q8_0, Blocks::Q4K].into_iter().find(|&one| ggml(one) == kind)
}

fn ggml(kind: Blocks) -> GgmlDType {
    match kind {
        Blocks::Q8_0 => GgmlDType::Q8_0,
        Blocks::Q4K => GgmlDType::Q4K,
    }
}
