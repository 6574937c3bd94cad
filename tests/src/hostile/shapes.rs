//! Kernels asked for any shape: sizes of any size, slices of any length.
//!
//! Sizes are mostly small and slices mostly as long as these say, so that kernels run; one byte makes a
//! size absurd, a slice too short or a number infinite. What is refused is refused by an error, and what
//! is done is done to every number.

use likeness_kernels::{
    Activation, Before, Blocks, Channelwise, Convolution, Error, Finish, Format, Gate, Gated,
    HeadNorm, Heads, Isa, KeyValues, LayerNorm, Matrix, Moments, Over, Walk, Walks, attention_with,
    cpu, gated, layer_norm, matmul_after, norm_heads, rms_norm, softmax,
};

/// Numbers of the longest slice: what is padded from it fits into memory many times.
const LONGEST: usize = 4096;
/// In every number of a result before it is written; no arithmetic makes these bits.
const UNWRITTEN: u32 = 0x7fc5_a5a5;
/// Kinds of request, by the first byte.
pub const KINDS: u8 = 8;

/// Makes one request of a kernel from the bytes.
pub fn kernel_shapes(bytes: &[u8]) {
    let mut asked = Asked { bytes, at: 0 };
    let _ = match asked.byte() % KINDS {
        0 => asked.product(),
        1 => asked.product_of_blocks(),
        2 => asked.gated_product(),
        3 => asked.convolution(),
        4 => asked.attention(),
        5 => asked.norms(),
        6 => asked.group_norm(),
        _ => asked.heads_and_gates(),
    };
}

struct Asked<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Asked<'_> {
    /// The next byte; zeros for ever after the last.
    fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        byte
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.byte()) % of.len()]
    }

    fn flag(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    fn size(&mut self) -> usize {
        const ABSURD: [usize; 10] = [
            0,
            255,
            4095,
            (1 << 16) + 1,
            1 << 24,
            (1 << 24) + 1,
            1 << 32,
            1 << 62,
            usize::MAX / 2 + 1,
            usize::MAX,
        ];
        match self.byte() {
            small @ 0..240 => usize::from(small) % 40 + 1,
            absurd => ABSURD[usize::from(absurd - 240) % ABSURD.len()],
        }
    }

    /// As many numbers as the shape says, or a few more or less.
    fn len(&mut self, shape: &[usize]) -> usize {
        let fitting = shape.iter().try_fold(1usize, |a, &b| a.checked_mul(b)).unwrap_or(LONGEST);
        let fitting = fitting.min(LONGEST);
        match self.byte() {
            250 => 0,
            251 => fitting.saturating_sub(1),
            252 => fitting + 1,
            _ => fitting,
        }
    }

    fn numbers(&mut self, shape: &[usize]) -> Vec<f32> {
        let mut numbers: Vec<f32> =
            (0..self.len(shape)).map(|i| (i % 17) as f32 / 8.0 - 1.0).collect();
        let what = match self.byte() {
            250 => f32::NAN,
            251 => f32::INFINITY,
            252 => f32::NEG_INFINITY,
            253 => f32::MAX,
            254 => f32::MIN_POSITIVE / 2.0,
            _ => return numbers,
        };
        let place = usize::from(self.byte());
        if let Some(number) = numbers.get_mut(place) {
            *number = what;
        }
        numbers
    }

    fn perhaps(&mut self, shape: &[usize]) -> Option<Vec<f32>> {
        self.flag().then(|| self.numbers(shape))
    }

    fn result(&mut self, shape: &[usize]) -> Vec<f32> {
        vec![f32::from_bits(UNWRITTEN); self.len(shape)]
    }

    /// Most often a set that this machine has.
    fn isa(&mut self) -> Isa {
        match self.byte() {
            255 => self.one(&[Isa::Neon, Isa::Avx2, Isa::AvxVnni, Isa::Avx512, Isa::Amx]),
            byte => cpu::available()[usize::from(byte) % cpu::available().len()],
        }
    }

    fn format(&mut self) -> Format {
        self.one(&[Format::F32, Format::Bf16, Format::F16, Format::Int8, Format::Q8_0, Format::Q4K])
    }

    fn gate(&mut self) -> Gate {
        self.one(&[Gate::SwiGlu, Gate::GeGlu])
    }

    fn multiplied(&mut self, w: &Matrix) -> Result<(), Error> {
        let (isa, m) = (self.isa(), self.size());
        let x = self.numbers(&[m, w.inputs()]);
        let (weight, bias) = (self.perhaps(&[w.inputs()]), self.perhaps(&[w.inputs()]));
        let norm = LayerNorm { weight: weight.as_deref(), bias: bias.as_deref(), eps: 1e-5 };
        let before = Before { x: &[&x], m, norm: self.flag().then_some(norm) };
        let n = w.outputs();
        let (bias, gate, residual) =
            (self.perhaps(&[n]), self.perhaps(&[n]), self.perhaps(&[m, n]));
        let activation = self.one(&[
            Activation::None,
            Activation::Silu,
            Activation::Gelu,
            Activation::GeluTanh,
            Activation::QuickGelu,
            Activation::Relu,
        ]);
        let finish = Finish {
            scale: self.flag().then_some(0.5),
            bias: bias.as_deref(),
            activation,
            gate: gate.as_deref(),
            residual: residual.as_deref(),
            relu: self.flag(),
        };
        let mut out = self.result(&[m, n]);
        matmul_after(isa, before, w, &finish, &mut out).inspect(|()| is_written(&out))
    }

    fn product(&mut self) -> Result<(), Error> {
        let (n, k, format) = (self.size(), self.size(), self.format());
        let weights = self.numbers(&[n, k]);
        self.multiplied(&Matrix::pack_rows(&weights, n, k, format)?)
    }

    fn product_of_blocks(&mut self) -> Result<(), Error> {
        let kind = self.one(&[Blocks::Q8_0, Blocks::Q4K]);
        let (numbers, size) = kind.sizes();
        let (n, blocks) = (self.size(), self.size());
        let k = numbers.wrapping_mul(blocks).wrapping_add(usize::from(self.byte() == 255));
        let len = self.len(&[n, blocks, size]);
        let bytes: Vec<u8> = (0..len).map(|i| (i * 37 % 61) as u8).collect();
        self.multiplied(&Matrix::of_blocks(&bytes, n, k, kind)?)
    }

    fn gated_product(&mut self) -> Result<(), Error> {
        let (n, k, gate, format) = (self.size(), self.size(), self.gate(), self.format());
        let weights = self.numbers(&[2, n, k]);
        let bias = self.perhaps(&[2, n]);
        let layer = Gated::pack(&weights, bias.as_deref(), n, k, gate, format)?;
        let (isa, m) = (self.isa(), self.size());
        let x = self.numbers(&[m, k]);
        let mut out = self.result(&[m, n]);
        let before = Before { x: &[&x], m, norm: None };
        layer.forward_with(isa, before, &mut out).inspect(|()| is_written(&out))
    }

    fn convolution(&mut self) -> Result<(), Error> {
        let (n, c, format) = (self.size(), self.size(), self.format());
        let side = if self.byte() == 255 { self.size() } else { self.one(&[1, 3]) };
        let weights = self.numbers(&[n, c, side, side]);
        let walks = self.one(&[Walks::Any, Walks::Any, Walks::Same, Walks::Doubled]);
        let conv = Convolution::pack_for(walks, &weights, n, c, side, format)?;
        let (height, width) = (self.size(), self.size());
        let walk = Walk {
            height,
            width,
            stride: self.one(&[1, 1, 2, 0, 3, usize::MAX]),
            before: self.one(&[1, 1, 0, 2, usize::MAX]),
            doubled: self.flag(),
        };
        let x = self.numbers(&[height, width, c]);
        // The channels in two parts, of which one may be a little long.
        let cut = usize::from(self.byte()) % (c + 1);
        let (one, two) =
            (height.checked_mul(width).and_then(|pixels| pixels.checked_mul(cut)), x.len());
        let (first, second) = x.split_at(one.unwrap_or(0).min(two));
        let parts: &[&[f32]] = if self.flag() { &[first, second] } else { &[&x] };
        let channelwise =
            Channelwise { scale: self.numbers(&[c]), shift: self.numbers(&[c]), silu: self.flag() };
        let over = Over { parts, walk, first: self.flag().then_some(&channelwise) };
        let (rows, columns) = walk.out(side);
        let (bias, residual) = (self.perhaps(&[n]), self.perhaps(&[rows, columns, n]));
        let finish =
            Finish { bias: bias.as_deref(), residual: residual.as_deref(), ..Finish::default() };
        let (isa, mut out) = (self.isa(), self.result(&[rows, columns, n]));
        let mut moments = self.flag().then(Moments::default);
        conv.forward_over(isa, over, &finish, &mut out, moments.as_mut())?;
        is_written(&out);
        if let Some(moments) = moments {
            assert_eq!(moments.channels(), n, "moments are of the result");
        }
        Ok(())
    }

    fn attention(&mut self) -> Result<(), Error> {
        let (isa, heads, n) = (self.isa(), self.size() % 5, self.size());
        let heads = Heads { count: heads, size: self.size(), bf16: self.flag() };
        let width = heads.count.wrapping_mul(heads.size);
        let stride = self.one(&[width, width.wrapping_add(3), width.wrapping_sub(1)]);
        let q = self.numbers(&[n, stride]);
        let given: Vec<_> = (0..self.byte() % 3 + 1)
            .map(|_| {
                let count = self.size();
                let strides = [self.one(&[width, width.wrapping_add(5), 0]), width];
                (self.numbers(&[count, strides[0]]), self.numbers(&[count, width]), strides, count)
            })
            .collect();
        let parts: Vec<KeyValues> = given
            .iter()
            .map(|(keys, values, strides, count)| KeyValues {
                keys,
                keys_stride: strides[0],
                values,
                values_stride: strides[1],
                count: *count,
            })
            .collect();
        let mut out = self.result(&[n, width]);
        attention_with(isa, &q, stride, n, &parts, heads, &mut out).inspect(|()| is_written(&out))
    }

    fn norms(&mut self) -> Result<(), Error> {
        let (m, n) = (self.size(), self.size());
        let x = self.numbers(&[m, n]);
        let (weight, bias) = (self.perhaps(&[n]), self.perhaps(&[n]));
        let mut out = self.result(&[m, n]);
        match self.byte() % 3 {
            0 => layer_norm(&x, n, weight.as_deref(), bias.as_deref(), 1e-5, &mut out)?,
            1 => rms_norm(&x, n, &weight.unwrap_or_default(), 1e-5, &mut out)?,
            _ => {
                out = x;
                softmax(&mut out, n)?;
            }
        }
        is_written(&out);
        Ok(())
    }

    fn group_norm(&mut self) -> Result<(), Error> {
        let (pixels, c, groups) = (self.size(), self.size(), self.size());
        let x = self.numbers(&[pixels, c]);
        let (weight, bias) = (self.numbers(&[c]), self.numbers(&[c]));
        let moments = Moments::of(&x, c)?;
        let mut how = moments.group_norm(groups, &weight, &bias, 1e-5, self.flag())?;
        if self.byte() == 255 {
            how.shift = self.numbers(&[c]);
        }
        let mut out = self.result(&[pixels, c]);
        how.apply(&x, &mut out).inspect(|()| is_written(&out))
    }

    fn heads_and_gates(&mut self) -> Result<(), Error> {
        let (m, n, gate) = (self.size(), self.size(), self.gate());
        let width = n.wrapping_mul(2);
        let stride = self.one(&[width, width.wrapping_add(1), width.wrapping_sub(1)]);
        let mut x = self.numbers(&[m, stride]);
        if self.flag() {
            let mut out = self.result(&[m, n]);
            return gated(&x, stride, m, n, gate, &mut out).inspect(|()| is_written(&out));
        }
        let heads = self.one(&[1, 2, 3, 0, usize::MAX]);
        let size = width.checked_div(heads).unwrap_or(1);
        let weight = self.numbers(&[size]);
        let (cos, sin) = (self.numbers(&[m, size / 2]), self.numbers(&[m, size / 2]));
        let turns = self.flag().then_some((&cos[..], &sin[..]));
        let how = HeadNorm { heads, size, weight: &weight, eps: 1e-5, turns };
        norm_heads(&mut x, stride, m, how)
    }
}

/// What a kernel says it did, it did everywhere.
fn is_written(out: &[f32]) {
    let left = out.iter().filter(|x| x.to_bits() == UNWRITTEN).count();
    assert_eq!(left, 0, "of {} numbers some were not written", out.len());
}

/// A request of each kind with sizes from small to larger, and one that cannot be met.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    const NAMES: [&str; KINDS as usize] =
        ["product", "blocks", "gated", "convolution", "attention", "norms", "group-norm", "heads"];
    let mut seeds = vec![("empty".to_owned(), Vec::new())];
    for (kind, name) in (0..KINDS).zip(NAMES) {
        // Bytes that are alike make sizes that are alike, which fit wherever one divides another.
        for (size, fill) in [("one", 0), ("some", 7), ("many", 38), ("odd", 121), ("absurd", 249)] {
            let mut bytes = vec![fill; 48];
            bytes[0] = kind;
            seeds.push((format!("{name}-{size}"), bytes));
        }
    }
    seeds
}
