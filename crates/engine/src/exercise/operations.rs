//! Single operations of the kernels over random numbers, as networks use them.

use likeness_kernels as kernels;
use likeness_kernels::{
    Activation, Before, Blocks, Channelwise, Convolution, Finish, Format, Gate, Gated, HeadNorm,
    Heads, Isa, KeyValues, Matrix, Moments, Over, Walk, Walks,
};
use likeness_recipe::{Exercise, RenderError, WeightFormat, Workload};

use super::{FORMATS, check_memory, exercise, noise, weights_of};
use crate::pipelines::flux2::request;
use crate::profile::{Cost, timed};
use crate::weights::blocks;

/// An operation that can be exercised. Adding one: a row in [`OPERATIONS`] and what makes it ready.
pub(super) struct Operation {
    pub name: &'static str,
    pub about: &'static str,
    /// Names of its sizes, which are written with an x between them.
    sizes: &'static [&'static str],
    /// A further size that may follow a colon.
    more: Option<&'static str>,
    /// Sizes to try, those of real networks.
    pub cases: &'static [&'static str],
    /// Formats of its weights, or of what it multiplies; the usual one first.
    pub weights: &'static [WeightFormat],
    /// Floats that it holds, weights in every form among them.
    floats: fn(&Sizes) -> u128,
    ready: fn(&Sizes, WeightFormat) -> Result<Run, Refused>,
}

type Run = Box<dyn FnMut() -> Result<(), kernels::Error>>;

const PACKED: &[WeightFormat] = &[WeightFormat::Bf16, WeightFormat::F32, WeightFormat::Int8];
const FLOATS: &[WeightFormat] = &[WeightFormat::Bf16, WeightFormat::F32];
const PLAIN: &[WeightFormat] = &[WeightFormat::F32];

/// The sizes of a picture and, where it is not the same, of what becomes of it.
const PICTURE: &[&str] = &["channels", "height", "width"];
const OUTPUTS: Option<&str> = Some("outputs");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "matmul",
        about: "rows of activations times packed weights",
        sizes: &["rows", "inputs", "outputs"],
        more: None,
        cases: &["4096x1280x1280", "4096x320x320", "1536x3072x9216", "1x3072x18432"],
        weights: FORMATS,
        floats: matmul_floats,
        ready: |sizes, weights| matmul(sizes, weights, false),
    },
    Operation {
        name: "residual",
        about: "the same with bias, gate and residual on the way out",
        sizes: &["rows", "inputs", "outputs"],
        more: None,
        cases: &["4096x1280x1280", "1536x12288x3072"],
        weights: FORMATS,
        floats: matmul_floats,
        ready: |sizes, weights| matmul(sizes, weights, true),
    },
    Operation {
        name: "geglu",
        about: "a product of which one half gates the other by GELU",
        sizes: &["rows", "inputs", "outputs"],
        more: None,
        cases: &["4096x320x1280", "1024x640x2560"],
        weights: PACKED,
        floats: |s| s.0[0] * (s.0[1] + s.0[2]) + 4 * s.0[1] * s.0[2],
        ready: geglu,
    },
    Operation {
        name: "conv3x3",
        about: "a convolution of 3 by 3 pixels",
        sizes: PICTURE,
        more: OUTPUTS,
        cases: &["320x64x64", "640x32x32", "1280x16x16", "128x512x512"],
        weights: FLOATS,
        floats: |s| convolution_floats(s, 9, 1),
        ready: |sizes, weights| convolution(sizes, weights, 3, Way::Plain),
    },
    Operation {
        name: "conv1x1",
        about: "a convolution of single pixels",
        sizes: PICTURE,
        more: OUTPUTS,
        cases: &["320x64x64", "960x64x64:320"],
        weights: FLOATS,
        floats: |s| convolution_floats(s, 1, 1),
        ready: |sizes, weights| convolution(sizes, weights, 1, Way::Plain),
    },
    Operation {
        name: "norm_conv3x3",
        about: "a convolution of 3 by 3 pixels with GroupNorm and SiLU on the way in",
        sizes: PICTURE,
        more: OUTPUTS,
        cases: &["320x64x64", "640x32x32"],
        weights: FLOATS,
        floats: |s| convolution_floats(s, 9, 1),
        ready: |sizes, weights| convolution(sizes, weights, 3, Way::Normed),
    },
    Operation {
        name: "downsample",
        about: "a convolution of 3 by 3 pixels at every second one",
        sizes: PICTURE,
        more: OUTPUTS,
        cases: &["320x64x64", "640x32x32"],
        weights: FLOATS,
        floats: |s| convolution_floats(s, 9, 1),
        ready: |sizes, weights| convolution(sizes, weights, 3, Way::Halved),
    },
    Operation {
        name: "upsample",
        about: "a convolution of 3 by 3 pixels with each pixel doubled in front",
        sizes: PICTURE,
        more: OUTPUTS,
        cases: &["1280x16x16", "640x32x32"],
        weights: FLOATS,
        floats: |s| convolution_floats(s, 9, 4),
        ready: |sizes, weights| convolution(sizes, weights, 3, Way::Doubled),
    },
    Operation {
        name: "attention",
        about: "everything sees everything, or as many keys",
        sizes: &["heads", "tokens", "size"],
        more: Some("keys"),
        cases: &["8x4096x40", "8x4096x40:77", "8x1024x80", "24x1536x128"],
        weights: FLOATS,
        floats: |s| 2 * s.0[0] * s.0[2] * (s.0[1] + s.more_or(1)),
        ready: attention,
    },
    Operation {
        name: "group_norm",
        about: "the sums of a GroupNorm of 32 groups; what becomes of each number is norm_conv3x3's",
        sizes: PICTURE,
        more: None,
        cases: &["320x64x64", "128x512x512"],
        weights: PLAIN,
        floats: |s| s.product(),
        ready: group_norm,
    },
    Operation {
        name: "layer_norm",
        about: "LayerNorm with scale and shift",
        sizes: &["rows", "numbers"],
        more: None,
        cases: &["4096x320", "1536x3072"],
        weights: PLAIN,
        floats: |s| 2 * s.product(),
        ready: |sizes, _| norm(sizes, true),
    },
    Operation {
        name: "rms_norm",
        about: "RMSNorm",
        sizes: &["rows", "numbers"],
        more: None,
        cases: &["1536x3072"],
        weights: PLAIN,
        floats: |s| 2 * s.product(),
        ready: |sizes, _| norm(sizes, false),
    },
    Operation {
        name: "norm_heads",
        about: "RMSNorm of heads and their rotary positions",
        sizes: &["tokens", "heads", "size"],
        more: None,
        cases: &["1536x24x128"],
        weights: PLAIN,
        floats: |s| 3 * s.product(),
        ready: norm_heads,
    },
    Operation {
        name: "swiglu",
        about: "one half of a row gates the other by SiLU",
        sizes: &["rows", "outputs"],
        more: None,
        cases: &["1536x9216"],
        weights: PLAIN,
        floats: |s| 3 * s.product(),
        ready: swiglu,
    },
    Operation {
        name: "softmax",
        about: "rows that become shares of 1",
        sizes: &["rows", "numbers"],
        more: None,
        cases: &["4096x4096", "32768x77"],
        weights: PLAIN,
        floats: |s| 2 * s.product(),
        ready: softmax,
    },
];

impl Operation {
    /// How its sizes are written.
    pub fn shape(&self) -> String {
        let sizes = self.sizes.join("x").to_uppercase().replace('X', "x");
        let more = self.more.map(|more| format!("[:{}]", more.to_uppercase())).unwrap_or_default();
        format!("{}:{sizes}{more}", self.name)
    }
}

/// As they were written, in the order of their names.
pub(super) struct Sizes(Vec<u128>, Option<u128>);

impl Sizes {
    fn at(&self, i: usize) -> usize {
        // Read within `1..=LARGEST`.
        self.0[i] as usize
    }

    fn more_or(&self, i: usize) -> u128 {
        self.1.unwrap_or(self.0[i])
    }

    fn product(&self) -> u128 {
        self.0.iter().product()
    }
}

/// No network has a size beyond this; products of four of them cannot overflow 128 bits.
const LARGEST: u128 = 1 << 20;

/// Why sizes do not do.
enum Refused {
    Sizes { problem: String, accepted: String },
    Kernel(kernels::Error),
}

impl From<kernels::Error> for Refused {
    fn from(error: kernels::Error) -> Self {
        Self::Kernel(error)
    }
}

pub(super) fn ready(text: &str, workload: &Workload) -> Result<Exercise, RenderError> {
    let (name, sizes) = text.split_once(':').unwrap_or((text, ""));
    let Some(operation) = OPERATIONS.iter().find(|one| one.name == name) else {
        let names: Vec<_> = OPERATIONS.iter().map(|one| one.name).collect();
        return Err(request("op", format!("there is no {name:?}"), names.join(", ")));
    };
    if workload.size.is_some() {
        return Err(request("size", "an operation has its sizes in its name", operation.shape()));
    }
    let sizes = read(operation, sizes)?;
    let weights = weights_of(workload, name, operation.weights)?;
    check_memory("op", text, 4 * (operation.floats)(&sizes))?;
    let mut run = (operation.ready)(&sizes, weights).map_err(|refused| match refused {
        Refused::Sizes { problem, accepted } => request("op", problem, accepted),
        Refused::Kernel(error) => request("op", error.to_string(), operation.shape()),
    })?;
    Ok(exercise(workload, weights, move || {
        // The kernels have limits of their own, which only sizes can pass.
        run().map_err(|error| request("op", error.to_string(), operation.shape()))
    }))
}

fn read(operation: &Operation, text: &str) -> Result<Sizes, RenderError> {
    let refuse = |problem: String| request("op", problem, operation.shape());
    let (sizes, more) = match text.split_once(':') {
        Some((sizes, more)) => (sizes, Some(more)),
        None => (text, None),
    };
    let parts: Vec<&str> = sizes.split('x').filter(|part| !part.is_empty()).collect();
    if parts.len() != operation.sizes.len() || more.is_some() && operation.more.is_none() {
        return Err(refuse(format!("{text:?} are not the sizes of {}", operation.name)));
    }
    let one = |name: &str, text: &str| match text.parse::<u128>() {
        Ok(size) if (1..=LARGEST).contains(&size) => Ok(size),
        _ => Err(refuse(format!("{name} of {text} is not a number from 1 to {LARGEST}"))),
    };
    let named = operation.sizes.iter().zip(&parts);
    let sizes = named.map(|(name, text)| one(name, text)).collect::<Result<_, _>>()?;
    let more = more.map(|text| one(operation.more.unwrap_or_default(), text)).transpose()?;
    Ok(Sizes(sizes, more))
}

fn matmul_floats(sizes: &Sizes) -> u128 {
    let (m, k, n) = (sizes.0[0], sizes.0[1], sizes.0[2]);
    m * k + 2 * m * n + 2 * k * n
}

fn convolution_floats(sizes: &Sizes, taps: u128, grows: u128) -> u128 {
    let (inputs, pixels, outputs) = (sizes.0[0], sizes.0[1] * sizes.0[2], sizes.more_or(0));
    pixels * (inputs + grows * (inputs + outputs)) + 2 * taps * inputs * outputs
}

fn format(weights: WeightFormat) -> Format {
    match weights {
        WeightFormat::F32 => Format::F32,
        WeightFormat::Bf16 => Format::Bf16,
        WeightFormat::Int8 => Format::Int8,
        WeightFormat::Q8_0 => Format::Q8_0,
        WeightFormat::Q4K => Format::Q4K,
    }
}

/// Weights [n, k] in a format, of blocks among others.
fn matrix(n: usize, k: usize, weights: WeightFormat) -> Result<Matrix, Refused> {
    let kind = match weights {
        WeightFormat::Q8_0 => Blocks::Q8_0,
        WeightFormat::Q4K => Blocks::Q4K,
        _ => return Ok(Matrix::pack_rows(&noise(n * k), n, k, format(weights))?),
    };
    let (numbers, _) = kind.sizes();
    if !k.is_multiple_of(numbers) {
        let problem = format!("inputs of {k} are no whole blocks of {weights}");
        return Err(Refused::Sizes { problem, accepted: format!("a multiple of {numbers}") });
    }
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state
    };
    Ok(Matrix::of_blocks(&blocks(kind, n, k, &mut random), n, k, kind)?)
}

fn matmul(sizes: &Sizes, weights: WeightFormat, all: bool) -> Result<Run, Refused> {
    let (m, k, n) = (sizes.at(0), sizes.at(1), sizes.at(2));
    let (x, weights) = (noise(m * k), matrix(n, k, weights)?);
    let (bias, gate, mut out) = (noise(n), noise(n), vec![0f32; m * n]);
    let residual = if all { noise(m * n) } else { Vec::new() };
    Ok(Box::new(move || {
        let finish = match all {
            true => Finish {
                bias: Some(&bias),
                gate: Some(&gate),
                residual: Some(&residual),
                ..Finish::default()
            },
            false => Finish::default(),
        };
        timed(Cost::product(m, &weights, all), || {
            kernels::matmul(&x, m, &weights, &finish, &mut out)
        })
    }))
}

fn geglu(sizes: &Sizes, weights: WeightFormat) -> Result<Run, Refused> {
    let (m, k, n) = (sizes.at(0), sizes.at(1), sizes.at(2));
    let rows = noise(2 * n * k);
    let layer = Gated::pack(&rows, Some(&noise(2 * n)), n, k, Gate::GeGlu, format(weights))?;
    let (x, mut out) = (noise(m * k), vec![0f32; m * n]);
    Ok(Box::new(move || {
        let before = Before { x: &[&x], m, norm: None };
        timed(Cost::gated_product(m, &layer), || layer.forward(before, &mut out))
    }))
}

/// How a convolution goes over its picture.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Plain,
    Normed,
    Halved,
    Doubled,
}

fn convolution(
    sizes: &Sizes,
    weights: WeightFormat,
    side: usize,
    way: Way,
) -> Result<Run, Refused> {
    let (inputs, height, width) = (sizes.at(0), sizes.at(1), sizes.at(2));
    let outputs = sizes.more_or(0) as usize;
    let numbers = noise(outputs * inputs * side * side);
    let walks = match way {
        Way::Plain | Way::Normed => Walks::Same,
        Way::Halved => Walks::Any,
        Way::Doubled => Walks::Doubled,
    };
    let format = format(weights);
    let conv = Convolution::pack_for(walks, &numbers, outputs, inputs, side, format)?;
    let walk = Walk {
        stride: if way == Way::Halved { 2 } else { 1 },
        doubled: way == Way::Doubled,
        ..Walk::same(height, width, side)
    };
    let first = (way == Way::Normed).then(|| Channelwise {
        scale: noise(inputs),
        shift: noise(inputs),
        silu: true,
    });
    let (down, across) = walk.out(side);
    let (x, bias) = (noise(inputs * height * width), noise(outputs));
    let mut out = vec![0f32; down * across * outputs];
    Ok(Box::new(move || {
        let finish =
            Finish { bias: Some(&bias), activation: Activation::None, ..Finish::default() };
        // As in a network: whoever makes a picture adds up its moments for the norm that follows.
        let mut moments = Moments::default();
        let over = Over { parts: &[&x], walk, first: first.as_ref() };
        timed(Cost::convolution(&conv, &walk, false), || {
            conv.forward_over(Isa::get(), over, &finish, &mut out, Some(&mut moments))
        })
    }))
}

fn attention(sizes: &Sizes, weights: WeightFormat) -> Result<Run, Refused> {
    let (count, tokens, size) = (sizes.at(0), sizes.at(1), sizes.at(2));
    let (keys, width) = (sizes.more_or(1) as usize, count * size);
    let (q, k, v) = (noise(tokens * width), noise(keys * width), noise(keys * width));
    let mut out = vec![0f32; tokens * width];
    let heads = Heads { count, size, bf16: weights == WeightFormat::Bf16 };
    Ok(Box::new(move || {
        let part = KeyValues {
            keys: &k,
            keys_stride: width,
            values: &v,
            values_stride: width,
            count: keys,
        };
        timed(Cost::attention(tokens, keys, heads), || {
            kernels::attention(&q, width, tokens, &[part], heads, &mut out)
        })
    }))
}

fn group_norm(sizes: &Sizes, _: WeightFormat) -> Result<Run, Refused> {
    const GROUPS: usize = 32;
    let channels = sizes.at(0);
    if !channels.is_multiple_of(GROUPS) {
        let problem = format!("{channels} channels do not make {GROUPS} groups");
        return Err(Refused::Sizes { problem, accepted: format!("a multiple of {GROUPS}") });
    }
    let x = noise(channels * sizes.at(1) * sizes.at(2));
    let (weight, bias) = (noise(channels), noise(channels));
    Ok(Box::new(move || {
        timed(Cost::moments(x.len()), || {
            kernels::group_norm(&x, channels, GROUPS, &weight, &bias, 1e-5, true).map(drop)
        })
    }))
}

fn norm(sizes: &Sizes, layer: bool) -> Result<Run, Refused> {
    let n = sizes.at(1);
    let x = noise(sizes.at(0) * n);
    let (weight, bias, mut out) = (noise(n), noise(n), vec![0f32; x.len()]);
    Ok(Box::new(move || match layer {
        true => timed(Cost::layer_norm(x.len()), || {
            kernels::layer_norm(&x, n, Some(&weight), Some(&bias), 1e-5, &mut out)
        }),
        false => {
            timed(Cost::rms_norm(x.len()), || kernels::rms_norm(&x, n, &weight, 1e-5, &mut out))
        }
    }))
}

fn norm_heads(sizes: &Sizes, _: WeightFormat) -> Result<Run, Refused> {
    let (tokens, heads, size) = (sizes.at(0), sizes.at(1), sizes.at(2));
    if !size.is_multiple_of(2) {
        let problem = format!("heads of {size} numbers have no pairs to turn");
        return Err(Refused::Sizes { problem, accepted: "an even size".to_owned() });
    }
    let width = heads * size;
    // In place: the same again and again must leave numbers of the same size, or they become so small that
    // the processor is slow with them.
    let (mut x, weight) = (noise(tokens * width), vec![1.0; size]);
    let (sin, cos): (Vec<f32>, Vec<f32>) = noise(tokens * size / 2)
        .into_iter()
        .map(|angle| (libm::sinf(angle), libm::cosf(angle)))
        .unzip();
    Ok(Box::new(move || {
        let how = HeadNorm { heads, size, weight: &weight, eps: 1e-6, turns: Some((&cos, &sin)) };
        timed(Cost::shape_heads(x.len()), || kernels::norm_heads(&mut x, width, tokens, how))
    }))
}

fn swiglu(sizes: &Sizes, _: WeightFormat) -> Result<Run, Refused> {
    let (rows, n) = (sizes.at(0), sizes.at(1));
    let (x, mut out) = (noise(rows * 2 * n), vec![0f32; rows * n]);
    Ok(Box::new(move || {
        timed(Cost::gated(rows * n), || kernels::gated(&x, 2 * n, rows, n, Gate::SwiGlu, &mut out))
    }))
}

fn softmax(sizes: &Sizes, _: WeightFormat) -> Result<Run, Refused> {
    let n = sizes.at(1);
    let mut x = noise(sizes.at(0) * n);
    // In place: what is shares already takes as long.
    Ok(Box::new(move || timed(Cost::softmax(x.len()), || kernels::softmax(&mut x, n))))
}
