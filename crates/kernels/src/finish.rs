//! What is done to a product on its way to memory, so that nothing walks over it a second time.

use std::ops::Range;

use crate::Error;
use crate::matrix::{PANEL, check_len};
use crate::pool::{self, Shared};
use crate::simd::{Math, erf, exp, per_isa};
use crate::tasks::Place;

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Activation {
    /// x
    #[default]
    None,
    /// x · sigmoid(x)
    Silu,
    /// x · Φ(x), exact
    Gelu,
    /// Its approximation by a hyperbolic tangent
    GeluTanh,
    /// x · sigmoid(1.702 x), which CLIP uses
    QuickGelu,
    /// x, or 0 where it is negative
    Relu,
}

/// out = last(residual + gate · activation(scale · product + bias))
#[derive(Debug, Clone, Copy, Default)]
pub struct Finish<'a> {
    /// A factor for all; none is 1.
    pub scale: Option<f32>,
    /// One for each output.
    pub bias: Option<&'a [f32]>,
    /// Applied after scale and bias.
    pub activation: Activation,
    /// A factor for each output.
    pub gate: Option<&'a [f32]>,
    /// As large as the result, and added to it.
    pub residual: Option<&'a [f32]>,
    /// Whether what is negative at the end becomes 0.
    pub relu: bool,
}

impl Finish<'_> {
    pub(crate) fn check(&self, m: usize, n: usize) -> Result<(), Error> {
        for (what, part) in [("bias", self.bias), ("gate", self.gate)] {
            if let Some(part) = part {
                check_len(what, part.len(), &[n])?;
            }
        }
        match self.residual {
            Some(residual) => check_len("residual", residual.len(), &[m, n]),
            None => Ok(()),
        }
    }
}

/// Not `max`, which would make a zero of what is not a number.
#[inline(always)]
fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

#[inline(always)]
pub(crate) fn activate<M: Math>(x: f32, activation: Activation) -> f32 {
    match activation {
        Activation::None => x,
        // Not x times a sigmoid, which becomes too small for the processor to divide fast.
        Activation::Silu => x / (1.0 + exp::<M>(-x)),
        Activation::Gelu => 0.5 * x * (1.0 + erf::<M>(x * std::f32::consts::FRAC_1_SQRT_2)),
        Activation::GeluTanh => {
            let inner = 0.797_884_6 * M::fma(0.044_715 * x * x, x, x);
            x - x / (1.0 + exp::<M>(2.0 * inner))
        }
        Activation::QuickGelu => x / (1.0 + exp::<M>(-1.702 * x)),
        Activation::Relu => relu(x),
    }
}

#[inline(always)]
fn line_body<M: Math>(sums: &[f32], finish: &Finish, columns: usize, at: usize, out: &mut [f32]) {
    let n = out.len();
    let sums = &sums[..n];
    let scale = finish.scale.unwrap_or(1.0);
    match finish.bias {
        Some(bias) => {
            let bias = &bias[columns..columns + n];
            for i in 0..n {
                out[i] = M::fma(sums[i], scale, bias[i]);
            }
        }
        None => {
            for i in 0..n {
                out[i] = sums[i] * scale;
            }
        }
    }
    // One loop an activation: a choice inside the loop would keep it from being made into vectors.
    macro_rules! each {
        ($($which:ident),*) => { match finish.activation {
            Activation::None => {}
            $(Activation::$which => for x in out.iter_mut() { *x = activate::<M>(*x, Activation::$which); },)*
        } };
    }
    each!(Silu, Gelu, GeluTanh, QuickGelu, Relu);
    if let Some(gate) = finish.gate {
        let gate = &gate[columns..columns + n];
        for i in 0..n {
            out[i] *= gate[i];
        }
    }
    if let Some(residual) = finish.residual {
        let residual = &residual[at..at + n];
        for i in 0..n {
            out[i] += residual[i];
        }
    }
    if finish.relu {
        out.iter_mut().for_each(|x| *x = relu(*x));
    }
}

/// Where the rows of a block of sums go.
pub(crate) struct Destination<'a> {
    pub place: &'a Place,
    /// Outputs of a row of the result.
    pub n: usize,
    pub out: &'a Shared<f32>,
    /// Whether the result goes past the caches.
    past: bool,
}

impl<'a> Destination<'a> {
    pub(crate) fn of(place: &'a Place, n: usize, out: &'a Shared<f32>) -> Self {
        Self { place, n, out, past: out.len() >= PAST && cfg!(target_arch = "x86_64") }
    }

    /// That some rows of a panel come next: where they go, and what they are added to, may be fetched.
    pub(crate) fn soon(&self, rows: Range<usize>, columns: usize, finish: &Finish) {
        for row in self.place.kept(rows) {
            let at = row * self.n + columns;
            if !self.past {
                self.out.soon(at);
            }
            if let Some(residual) = finish.residual {
                pool::soon(residual, at);
            }
        }
    }
}

/// Numbers of a result that goes past the caches: at 32 MiB, its beginning is out of them again when its
/// end is written, and memory would be read for nothing before each line of it is written.
const PAST: usize = 8 << 20;

/// Writes a line past the caches, unless it begins in the middle of one of theirs. [`settle`] follows.
#[inline(always)]
fn write_past(line: &[f32; PANEL], to: &mut [f32; PANEL]) {
    #[cfg(target_arch = "x86_64")]
    if to.as_ptr().addr().is_multiple_of(64) {
        use std::arch::x86_64::{_mm_loadu_ps, _mm_stream_ps};
        for at in (0..PANEL).step_by(4) {
            // SAFETY: every x86-64 has these; four numbers are read and written, and the line is aligned.
            unsafe { _mm_stream_ps(to.as_mut_ptr().add(at), _mm_loadu_ps(line.as_ptr().add(at))) }
        }
        return;
    }
    *to = *line;
}

/// What this thread wrote past the caches is there for all who learn of it later.
pub(crate) fn settle() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has this instruction.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

#[inline(always)]
fn block_body<M: Math>(
    sums: &[f32],
    rows: Range<usize>,
    finish: &Finish,
    columns: usize,
    to: &Destination,
    moments: Option<&mut [[f32; PANEL]; 2]>,
) {
    let width = PANEL.min(to.n - columns);
    let mut unwanted = [[0f32; PANEL]; 2];
    let is_wanted = moments.is_some();
    let [sum, square] = moments.unwrap_or(&mut unwanted);
    for (row, sums) in to.place.all(rows).zip(sums.chunks_exact(PANEL)) {
        let Some(row) = row else { continue };
        let at = row * to.n + columns;
        // SAFETY: a task alone writes its rows and panels.
        let out = unsafe { to.out.part(at, width) };
        // A whole panel is of a length that the compiler knows.
        match <&mut [f32; PANEL]>::try_from(&mut *out) {
            Ok(out) => {
                let mut line = [0f32; PANEL];
                line_body::<M>(sums, finish, columns, at, &mut line);
                if to.past {
                    write_past(&line, out);
                } else {
                    *out = line;
                }
                if is_wanted {
                    for i in 0..PANEL {
                        sum[i] += line[i];
                        square[i] = M::fma(line[i], line[i], square[i]);
                    }
                }
            }
            Err(_) => {
                line_body::<M>(sums, finish, columns, at, out);
                for (i, &x) in out.iter().enumerate() {
                    sum[i] += x;
                    square[i] = M::fma(x, x, square[i]);
                }
            }
        }
    }
}

per_isa! {
    /// Finishes the sums [rows][32] of a panel whose first output is `columns`, and adds what it writes to
    /// the sums and sums of squares of `moments`. The caller's task alone writes these rows and columns.
    pub(crate) fn block(
        sums: &[f32],
        rows: Range<usize>,
        finish: &Finish,
        columns: usize,
        to: &Destination,
        moments: Option<&mut [[f32; PANEL]; 2]>,
    ) = block_body
}

const _: () = assert!(PANEL == 32);
