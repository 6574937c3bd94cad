//! A layer whose outputs come in two halves of which one gates the other, from one product: panels of
//! both halves stand side by side, so that what is wider than the result never reaches memory.

use std::ops::Range;

use crate::Error;
use crate::before::Before;
use crate::cpu::Isa;
use crate::elementwise::Gate;
use crate::finish::{Activation, activate};
use crate::matmul::{Emit, product_after};
use crate::matrix::{Blocks, Format, Matrix, PANEL, check_len, sizes};
use crate::pool::Shared;
use crate::simd::{Math, per_isa};
use crate::tasks::Tasks;

/// Weights [2n, k] and bias [2n] of such a layer.
#[derive(Debug, Clone)]
pub struct Gated {
    matrix: Matrix,
    /// In the order of the panels.
    bias: Vec<f32>,
    n: usize,
    gate: Gate,
}

impl Gated {
    /// Packs weights [2n, k]; without a bias it is 0.
    pub fn pack(
        weights: &[f32],
        bias: Option<&[f32]>,
        n: usize,
        k: usize,
        gate: Gate,
        format: Format,
    ) -> Result<Self, Error> {
        sizes(n, k)?;
        check_len("weights", weights.len(), &[2, n, k])?;
        if let Some(bias) = bias {
            check_len("bias", bias.len(), &[2, n])?;
        }
        let rows = n.div_ceil(PANEL) * 2 * PANEL;
        let at = |r: usize, c: usize| source(r, n).map_or(0.0, |r| weights[r * k + c]);
        let matrix = Matrix::pack(rows, k, format, at)?;
        Ok(Self::of(matrix, bias, n, gate))
    }

    /// The same of weights in blocks, row after row, as GGUF has them.
    pub fn of_blocks(
        bytes: &[u8],
        bias: Option<&[f32]>,
        n: usize,
        k: usize,
        gate: Gate,
        kind: Blocks,
    ) -> Result<Self, Error> {
        sizes(n, k)?;
        let (numbers, size) = kind.sizes();
        if !k.is_multiple_of(numbers) {
            return Err(Error::Size { what: "inputs of a block matrix", size: k });
        }
        let each = k / numbers * size;
        check_len("blocks", bytes.len(), &[2, n, each])?;
        if let Some(bias) = bias {
            check_len("bias", bias.len(), &[2, n])?;
        }
        let rows = n.div_ceil(PANEL) * 2 * PANEL;
        // A block of zero bytes is one of zeros.
        let mut ordered = vec![0u8; rows * each];
        for (r, to) in ordered.chunks_exact_mut(each).enumerate() {
            if let Some(from) = source(r, n) {
                to.copy_from_slice(&bytes[from * each..][..each]);
            }
        }
        let matrix = Matrix::of_blocks(&ordered, rows, k, kind)?;
        Ok(Self::of(matrix, bias, n, gate))
    }

    fn of(matrix: Matrix, bias: Option<&[f32]>, n: usize, gate: Gate) -> Self {
        let of_bias = |r: usize| source(r, n).and_then(|r| Some(bias?[r])).unwrap_or(0.0);
        let bias = (0..matrix.outputs()).map(of_bias).collect();
        Self { matrix, bias, n, gate }
    }

    /// Numbers of a row of the result.
    pub fn outputs(&self) -> usize {
        self.n
    }

    /// The weights of both halves.
    pub fn matrix(&self) -> &Matrix {
        &self.matrix
    }

    /// Bytes of memory that it takes.
    pub fn bytes(&self) -> usize {
        self.matrix.bytes() + self.bias.len() * 4
    }

    /// out [m, n]
    pub fn forward(&self, before: Before, out: &mut [f32]) -> Result<(), Error> {
        self.forward_with(Isa::get(), before, out)
    }

    /// [`Gated::forward`] with a set of instructions that this machine has.
    pub fn forward_with(&self, isa: Isa, before: Before, out: &mut [f32]) -> Result<(), Error> {
        isa.check()?;
        before.check(&self.matrix)?;
        check_len("out", out.len(), &[before.m, self.n])?;
        if before.m == 0 {
            return Ok(());
        }
        let tasks = Tasks::of(before.m, &self.matrix, 2);
        let emit = Halves { layer: self, out: Shared::new(out) };
        product_after(isa, &before, &tasks, &self.matrix, &emit);
        Ok(())
    }
}

/// The row of [2n, k] that stands in row `r` of the panels, if any does: panel 2i holds outputs 32i.. of
/// the first half, panel 2i + 1 those of the second.
fn source(r: usize, n: usize) -> Option<usize> {
    let (panel, column) = (r / PANEL, r % PANEL);
    let at = panel / 2 * PANEL + column;
    (at < n).then_some(at + panel % 2 * n)
}

struct Halves<'a> {
    layer: &'a Gated,
    out: Shared<f32>,
}

impl Emit for Halves<'_> {
    const TOGETHER: usize = 2;

    fn soon(&self, rows: Range<usize>, panel: usize) {
        for row in rows {
            self.out.soon(row * self.layer.n + panel / 2 * PANEL);
        }
    }

    fn emit(&self, isa: Isa, rows: Range<usize>, panel: usize, [first, second]: [&[f32]; 2]) {
        let (one, two) = self.layer.bias[panel * PANEL..][..2 * PANEL].split_at(PANEL);
        let columns = panel / 2 * PANEL;
        let to = Destination { rows, columns, n: self.layer.n, out: &self.out };
        halves(isa, [first, second], [one, two], self.layer.gate, to);
    }
}

/// Where results go: some rows of n numbers, from column `columns`.
struct Destination<'a> {
    rows: Range<usize>,
    columns: usize,
    n: usize,
    out: &'a Shared<f32>,
}

#[inline(always)]
fn halves_body<M: Math>(sums: [&[f32]; 2], bias: [&[f32]; 2], gate: Gate, to: Destination) {
    let width = PANEL.min(to.n - to.columns);
    let [bias_one, bias_two] = bias.map(whole);
    let both = sums[0].chunks_exact(PANEL).zip(sums[1].chunks_exact(PANEL));
    for (r, (first, second)) in to.rows.zip(both) {
        let (first, second) = (whole(first), whole(second));
        let mut line = [0f32; PANEL];
        // One loop a gate: a choice inside the loop would keep it from being made into vectors.
        match gate {
            Gate::SwiGlu => {
                for i in 0..PANEL {
                    let (through, plain) = (first[i] + bias_one[i], second[i] + bias_two[i]);
                    line[i] = activate::<M>(through, Activation::Silu) * plain;
                }
            }
            Gate::GeGlu => {
                for i in 0..PANEL {
                    let (plain, through) = (first[i] + bias_one[i], second[i] + bias_two[i]);
                    line[i] = activate::<M>(through, Activation::Gelu) * plain;
                }
            }
        }
        // SAFETY: a task alone writes its rows and panels.
        let out = unsafe { to.out.part(r * to.n + to.columns, width) };
        out.copy_from_slice(&line[..width]);
    }
}

/// A line as an array, whose length the compiler knows: a check inside the loop would keep it from being
/// made into vectors.
#[inline(always)]
fn whole(line: &[f32]) -> [f32; PANEL] {
    let mut all = [0f32; PANEL];
    all.copy_from_slice(line);
    all
}

per_isa! {
    /// Sums [rows][32] of a panel of each half, through the gate. The caller's task alone writes there.
    fn halves(sums: [&[f32]; 2], bias: [&[f32]; 2], gate: Gate, to: Destination) = halves_body
}
