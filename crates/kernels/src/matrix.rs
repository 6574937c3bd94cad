//! Weights in the order in which kernels read them, packed once.
//!
//! A matrix W [n, k] (a row for each output) is cut into panels of [`PANEL`] outputs. Within a panel
//! the numbers of one k stand side by side: `f32` as [k][32], `bf16` as [k/2][32][2], which is what a
//! tile and a 512-bit vector want alike. Narrower forms keep their blocks and are unpacked a part of
//! a panel at a time into one of these two.

use half::{bf16, f16};

use crate::Error;
use crate::aligned::Aligned;
use crate::cpu::Isa;
use crate::unpack::{Rows, block_number, to_floats, to_halves};

/// Outputs in a panel.
pub const PANEL: usize = 32;
/// Depths are padded with zeros to a multiple of this, the depth of a tile of bytes.
pub(crate) const DEPTH: usize = 64;

/// Products of bytes that a 32-bit sum holds, 127² each.
const DEEPEST_BYTES: usize = 1 << 17;

/// How a weight is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// 32 bits.
    F32,
    /// The upper half of an `f32`.
    Bf16,
    /// Half precision.
    F16,
    /// 8 bits, and one scale for each row; activations are rounded to 8 bits a row too.
    Int8,
    /// Blocks of 32 numbers of 8 bits with a scale (GGUF).
    Q8_0,
    /// Blocks of 256 numbers of 4 bits with scales and minima for each 32 (GGUF).
    Q4K,
}

/// A packed matrix of weights [n, k].
#[derive(Debug, Clone)]
pub struct Matrix {
    pub(crate) n: usize,
    pub(crate) k: usize,
    /// `k` up to the next multiple of [`DEPTH`].
    pub(crate) depth: usize,
    pub(crate) data: Data,
}

#[derive(Debug, Clone)]
pub(crate) enum Data {
    F32(Aligned<f32>),
    Bf16(Aligned<u16>),
    /// [panel][k][32] halves.
    F16(Aligned<u16>),
    /// [panel][k/4][32][4], the scale of each row, and the sum of each row's numbers.
    Int8 {
        values: Aligned<i8>,
        scales: Vec<f32>,
        sums: Vec<i32>,
    },
    /// Rows of blocks as they stand in the file.
    Blocks {
        bytes: Vec<u8>,
        kind: Blocks,
    },
}

/// A kind of block, as GGUF has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// See [`Format::Q8_0`].
    Q8_0,
    /// See [`Format::Q4K`].
    Q4K,
}

impl Blocks {
    /// The format of weights in such blocks.
    pub const fn format(self) -> Format {
        match self {
            Self::Q8_0 => Format::Q8_0,
            Self::Q4K => Format::Q4K,
        }
    }

    /// Numbers in a block, and its bytes.
    pub const fn sizes(self) -> (usize, usize) {
        match self {
            Self::Q8_0 => (32, 34),
            Self::Q4K => (256, 144),
        }
    }
}

impl Matrix {
    /// Outputs.
    pub fn outputs(&self) -> usize {
        self.n
    }

    /// Inputs.
    pub fn inputs(&self) -> usize {
        self.k
    }

    /// How it is stored.
    pub fn format(&self) -> Format {
        match &self.data {
            Data::F32(_) => Format::F32,
            Data::Bf16(_) => Format::Bf16,
            Data::F16(_) => Format::F16,
            Data::Int8 { .. } => Format::Int8,
            Data::Blocks { kind, .. } => kind.format(),
        }
    }

    /// Bytes of memory that it takes.
    pub fn bytes(&self) -> usize {
        match &self.data {
            Data::F32(v) => v.len() * 4,
            Data::Bf16(v) | Data::F16(v) => v.len() * 2,
            Data::Int8 { values, scales, sums } => values.len() + (scales.len() + sums.len()) * 4,
            Data::Blocks { bytes, .. } => bytes.len(),
        }
    }

    pub(crate) fn panels(&self) -> usize {
        self.n.div_ceil(PANEL)
    }

    /// Packs W [n, k], given by a function of row and column, in one of the plain formats.
    ///
    /// Errors where a size is zero or too large, or the format is one of blocks (see
    /// [`Matrix::of_blocks`]).
    pub fn pack(
        n: usize,
        k: usize,
        format: Format,
        at: impl Fn(usize, usize) -> f32 + Sync,
    ) -> Result<Self, Error> {
        let depth = sizes(n, k)?;
        let data = match format {
            Format::F32 => Data::F32(interleave(n, k, depth, 1, &at)),
            Format::Bf16 => {
                Data::Bf16(interleave(n, k, depth, 2, &|r, c| bf16::from_f32(at(r, c)).to_bits()))
            }
            Format::F16 => {
                Data::F16(interleave(n, k, depth, 1, &|r, c| f16::from_f32(at(r, c)).to_bits()))
            }
            Format::Int8 if k > DEEPEST_BYTES => {
                return Err(Error::Size { what: "inputs of a byte matrix", size: k });
            }
            Format::Int8 => int8(n, k, depth, &at),
            Format::Q8_0 | Format::Q4K => return Err(Error::Format(format)),
        };
        Ok(Self { n, k, depth, data })
    }

    /// Packs W [n, k] of floats, row after row.
    pub fn pack_rows(rows: &[f32], n: usize, k: usize, format: Format) -> Result<Self, Error> {
        check_len("weights", rows.len(), &[n, k])?;
        Self::pack(n, k, format, |r, c| rows[r * k + c])
    }

    /// Takes W [n, k] in blocks, row after row, as GGUF has them; `k` is a multiple of the block's size.
    pub fn of_blocks(bytes: &[u8], n: usize, k: usize, kind: Blocks) -> Result<Self, Error> {
        let depth = sizes(n, k)?;
        let (numbers, size) = kind.sizes();
        if !k.is_multiple_of(numbers) {
            return Err(Error::Size { what: "inputs of a block matrix", size: k });
        }
        check_len("blocks", bytes.len(), &[n, k / numbers, size])?;
        Ok(Self { n, k, depth, data: Data::Blocks { bytes: bytes.to_vec(), kind } })
    }

    /// The weight of one output and input, as it is computed with.
    pub fn at(&self, row: usize, column: usize) -> f32 {
        assert!(row < self.n && column < self.k, "no such weight");
        let place = |group: usize| {
            let (panel, c) = (row / PANEL, row % PANEL);
            panel * self.depth * PANEL + (column / group * PANEL + c) * group + column % group
        };
        match &self.data {
            Data::F32(v) => v[place(1)],
            Data::Bf16(v) => bf16::from_bits(v[place(2)]).to_f32(),
            Data::F16(v) => f16::from_bits(v[place(1)]).to_f32(),
            Data::Int8 { values, scales, .. } => f32::from(values[place(4)]) * scales[row],
            Data::Blocks { bytes, kind } => {
                let (numbers, size) = kind.sizes();
                let start = (row * self.k + column) / numbers * size;
                block_number(*kind, &bytes[start..start + size], column % numbers)
            }
        }
    }

    /// Unpacks steps `from..to` of depth of one panel into [k][32]; rows past the end are zero.
    pub(crate) fn unpack_f32(
        &self,
        isa: Isa,
        panel: usize,
        from: usize,
        to: usize,
        out: &mut [f32],
    ) {
        let base = panel * self.depth * PANEL;
        match &self.data {
            Data::F32(v) => out.copy_from_slice(&v[base + from * PANEL..base + to * PANEL]),
            Data::F16(v) => {
                let part = &v[base + from * PANEL..base + to * PANEL];
                for (o, &h) in out.iter_mut().zip(part) {
                    *o = f16::from_bits(h).to_f32();
                }
            }
            Data::Bf16(v) => {
                let part = &v[base + from * PANEL..base + to * PANEL];
                for (pair, o) in part.chunks_exact(2 * PANEL).zip(out.chunks_exact_mut(2 * PANEL)) {
                    let (even, odd) = o.split_at_mut(PANEL);
                    for c in 0..PANEL {
                        even[c] = f32::from_bits(u32::from(pair[2 * c]) << 16);
                        odd[c] = f32::from_bits(u32::from(pair[2 * c + 1]) << 16);
                    }
                }
            }
            Data::Int8 { .. } => out.fill(0.0),
            Data::Blocks { bytes, kind } => {
                to_floats(isa, self.rows_of(bytes, *kind, panel), from, to, out);
            }
        }
    }

    /// The same into [k/2][32][2] of bf16.
    pub(crate) fn unpack_bf16(
        &self,
        isa: Isa,
        panel: usize,
        from: usize,
        to: usize,
        out: &mut [u16],
    ) {
        if let Data::Blocks { bytes, kind } = &self.data {
            to_halves(isa, self.rows_of(bytes, *kind, panel), from, to, out);
        }
    }

    /// The rows of a panel.
    fn rows_of<'a>(&self, bytes: &'a [u8], kind: Blocks, panel: usize) -> Rows<'a> {
        let (numbers, size) = kind.sizes();
        let (first, count) = (panel * PANEL, PANEL.min(self.n - panel * PANEL));
        let row = self.k / numbers * size;
        Rows { bytes: &bytes[first * row..][..count * row], kind, count, k: self.k }
    }
}

/// Sizes that can be packed, and the padded depth.
pub(crate) fn sizes(n: usize, k: usize) -> Result<usize, Error> {
    for (what, size) in [("outputs", n), ("inputs", k)] {
        if size == 0 || size > 1 << 24 {
            return Err(Error::Size { what, size });
        }
    }
    Ok(k.next_multiple_of(DEPTH))
}

/// [panel][k/group][32][group], zeros where the matrix ends.
fn interleave<T: Copy + Default + Send>(
    n: usize,
    k: usize,
    depth: usize,
    group: usize,
    at: &(impl Fn(usize, usize) -> T + Sync),
) -> Aligned<T> {
    let mut out = Aligned::new(n.div_ceil(PANEL) * PANEL * depth);
    let size = PANEL * depth;
    let shared = crate::pool::Shared::new(&mut out);
    crate::pool::for_each(n.div_ceil(PANEL), |p| {
        // SAFETY: each panel is written by one task.
        let panel = unsafe { shared.part(p * size, size) };
        for c in 0..PANEL.min(n - p * PANEL) {
            for i in 0..k {
                panel[(i / group * PANEL + c) * group + i % group] = at(p * PANEL + c, i);
            }
        }
    });
    out
}

fn int8(n: usize, k: usize, depth: usize, at: &(impl Fn(usize, usize) -> f32 + Sync)) -> Data {
    // Without their sign, floats are in the order of their bits, and what is not a number above all:
    // the scale of a row with such a weight is that too.
    let most = |r: usize| (0..k).map(|c| at(r, c).abs().to_bits()).fold(0, u32::max);
    let scales: Vec<f32> = (0..n).map(|r| f32::from_bits(most(r)) / 127.0).collect();
    let round = |r: usize, c: usize| {
        if scales[r] > 0.0 { (at(r, c) / scales[r]).round().clamp(-127.0, 127.0) as i8 } else { 0 }
    };
    let values = interleave(n, k, depth, 4, &round);
    let sums = (0..n).map(|r| (0..k).map(|c| i32::from(round(r, c))).sum()).collect();
    Data::Int8 { values, scales, sums }
}

/// Refuses a slice that does not have the product of `shape` elements.
pub(crate) fn check_len(what: &'static str, found: usize, shape: &[usize]) -> Result<(), Error> {
    let wanted = shape.iter().try_fold(1usize, |a, &b| a.checked_mul(b));
    match wanted {
        Some(wanted) if wanted == found => Ok(()),
        _ => Err(Error::Shape { what, shape: shape.to_vec(), found }),
    }
}

/// Refuses rows that lie `stride` apart and do not have `width` numbers each.
pub(crate) fn check_rows(
    what: &'static str,
    rows: &[f32],
    stride: usize,
    count: usize,
    width: usize,
) -> Result<(), Error> {
    let wanted =
        count.checked_sub(1).map_or(Some(0), |last| last.checked_mul(stride)?.checked_add(width));
    match wanted {
        Some(wanted) if rows.len() >= wanted && stride >= width => Ok(()),
        _ => Err(Error::Shape { what, shape: vec![count, stride], found: rows.len() }),
    }
}
