//! The FLUX.2 transformer, number for number what diffusers calls `Flux2Transformer2DModel`, with
//! references as its KV mode has them.
//!
//! Text and picture tokens go through [`DoubleBlock`]s, each with weights of its own that meet in
//! attention, then joined through [`SingleBlock`]s. All blocks of a kind share one modulation by the
//! noise level. Reference tokens always see noise level 0 and attend only to one another, so what
//! the others need of them, keys and values of every layer, is the same at every step and for every
//! prompt: a [`Card`].

use candle_core::{Device, Result, Tensor};
use candle_nn::ops::silu;

use super::{ConfigError, Source};
use crate::ops::{Gate, Linear, Seen, Shaping, Then, attention, gated, layer_norm, shape_heads};
use crate::weights::WeightError;

mod config;

pub use config::Config;

/// Where a token stands: time, row, column, place in the text.
pub type Position = [f32; 4];

/// The network.
pub struct Flux2 {
    config: Config,
    device: Device,
    x_embedder: Linear,
    context_embedder: Linear,
    timestep: Embedder,
    guidance: Option<Embedder>,
    modulation_img: Linear,
    modulation_txt: Linear,
    modulation_single: Linear,
    double: Vec<DoubleBlock>,
    single: Vec<SingleBlock>,
    norm_out: Linear,
    proj_out: Linear,
}

/// What one evaluation is about.
pub struct Call<'a> {
    /// Noisy picture tokens [n, in_channels].
    pub latents: &'a Tensor,
    /// Text tokens [l, joint_attention_dim].
    pub text: &'a Tensor,
    /// Noise level from 0 to 1.
    pub sigma: f32,
    /// Guidance scale, for networks that are told one.
    pub guidance: Option<f32>,
    /// Rotations of the text tokens, then of the picture tokens.
    pub rotations: &'a Rotations,
    /// The references.
    pub card: Option<&'a Card>,
}

impl Flux2 {
    /// Builds the network; the checkpoint's tensors must have exactly the configured shapes.
    pub fn new(config: Config, source: &Source) -> std::result::Result<Self, WeightError> {
        let file = source.checkpoint.file().to_owned();
        config.check().map_err(|ConfigError(problem)| WeightError::Damaged { file, problem })?;
        let d = config.width();
        let embedder = |name: &str| Embedder::new(name, &config, source);
        Ok(Self {
            x_embedder: source.linear("x_embedder.weight", d, config.in_channels)?,
            context_embedder: source.linear(
                "context_embedder.weight",
                d,
                config.joint_attention_dim,
            )?,
            timestep: embedder("time_guidance_embed.timestep_embedder")?,
            guidance: match config.guidance_embeds {
                true => Some(embedder("time_guidance_embed.guidance_embedder")?),
                false => None,
            },
            modulation_img: source.linear(
                "double_stream_modulation_img.linear.weight",
                6 * d,
                d,
            )?,
            modulation_txt: source.linear(
                "double_stream_modulation_txt.linear.weight",
                6 * d,
                d,
            )?,
            modulation_single: source.linear("single_stream_modulation.linear.weight", 3 * d, d)?,
            double: (0..config.num_layers)
                .map(|i| DoubleBlock::new(&format!("transformer_blocks.{i}"), &config, source))
                .collect::<std::result::Result<_, _>>()?,
            single: (0..config.num_single_layers)
                .map(|i| {
                    SingleBlock::new(&format!("single_transformer_blocks.{i}"), &config, source)
                })
                .collect::<std::result::Result<_, _>>()?,
            norm_out: source.linear("norm_out.linear.weight", 2 * d, d)?,
            proj_out: source.linear("proj_out.weight", config.out_channels(), d)?,
            device: source.device.clone(),
            config,
        })
    }

    /// Its sizes.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What the network makes of noisy picture tokens → [n, out_channels]
    pub fn forward(&self, call: &Call) -> Result<Tensor> {
        let level = silu(&self.noise_level(call.sigma, call.guidance)?)?; // [1, d]
        let img_mod = Modulation::pair(&self.modulation_img.forward(&level)?)?;
        let txt_mod = Modulation::pair(&self.modulation_txt.forward(&level)?)?;
        let joint_mod = Modulation::one(&self.modulation_single.forward(&level)?)?;

        let mut img = self.x_embedder.forward(call.latents)?; // [n, d]
        let mut txt = self.context_embedder.forward(call.text)?; // [l, d]
        let l = txt.dim(0)?;
        let mut cards = call.card.map(|card| card.layers.iter());
        let mut next_card = || cards.as_mut().and_then(Iterator::next);
        for block in &self.double {
            (txt, img) =
                block.forward(&txt, &img, &txt_mod, &img_mod, call.rotations, next_card())?;
        }
        let mut joint = Tensor::cat(&[&txt, &img], 0)?; // [l + n, d]
        for block in &self.single {
            joint = block.forward(&joint, l, &joint_mod, call.rotations, next_card())?;
        }
        let img = joint.narrow(0, l, joint.dim(0)? - l)?;

        let scale_shift = self.norm_out.forward(&level)?.flatten_all()?;
        let (scale, shift) = (part(&scale_shift, 0, 2)?, part(&scale_shift, 1, 2)?);
        self.proj_out.forward(&layer_norm(&img, &(scale + 1.0)?, &shift, self.config.eps as f32)?)
    }

    /// The card of reference tokens [r, in_channels], which may be several pictures' together.
    pub fn card(
        &self,
        references: &Tensor,
        rotations: &Rotations,
        guidance: Option<f32>,
    ) -> Result<Card> {
        let level = silu(&self.noise_level(0.0, guidance)?)?;
        let img_mod = Modulation::pair(&self.modulation_img.forward(&level)?)?;
        let joint_mod = Modulation::one(&self.modulation_single.forward(&level)?)?;
        let mut x = self.x_embedder.forward(references)?; // [r, d]
        let mut layers = Vec::with_capacity(self.double.len() + self.single.len());
        for block in &self.double {
            let (q, keys) = block.img.project(&x, &img_mod.0, rotations)?;
            x = block.img.absorb(&x, &block.img.norms.attend(&q, &[&keys])?, &img_mod)?;
            layers.push(keys);
        }
        for (i, block) in self.single.iter().enumerate() {
            let (q, keys, inner) = block.project(&x, &joint_mod, rotations)?;
            // Nobody looks at the references after the last block's keys and values.
            if i + 1 < self.single.len() {
                x = block.absorb(&x, &block.norms.attend(&q, &[&keys])?, &inner, &joint_mod)?;
            }
            layers.push(keys);
        }
        Ok(Card { layers })
    }

    /// [1, d]
    fn noise_level(&self, sigma: f32, guidance: Option<f32>) -> Result<Tensor> {
        let level = self.timestep.forward(sigma * 1000.0, &self.device)?;
        match (&self.guidance, guidance) {
            (Some(embedder), Some(scale)) => {
                level + embedder.forward(scale * 1000.0, &self.device)?
            }
            _ => Ok(level),
        }
    }
}

/// Keys and values of the references in every layer, rotated already: exact and reusable.
pub struct Card {
    layers: Vec<Keys>,
}

impl Card {
    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        self.layers.iter().map(|keys| 4 * (keys.k.elem_count() + keys.v.elem_count())).sum()
    }

    /// Keys and values of each layer, each [tokens, heads · head].
    pub fn layers(&self) -> impl Iterator<Item = (&Tensor, &Tensor)> {
        self.layers.iter().map(|keys| (&keys.k, &keys.v))
    }
}

/// Keys and values of one layer, each [tokens, heads · head].
struct Keys {
    k: Tensor,
    v: Tensor,
}

impl Keys {
    fn narrow(&self, start: usize, count: usize) -> Result<Self> {
        Ok(Self { k: self.k.narrow(0, start, count)?, v: self.v.narrow(0, start, count)? })
    }
}

/// Rotations of tokens by their positions, each [tokens, head / 2].
pub struct Rotations {
    cos: Tensor,
    sin: Tensor,
}

impl Rotations {
    /// Computed in f64 and by portable mathematics, so that positions far out stay exact.
    pub fn new(config: &Config, positions: &[Position], device: &Device) -> Result<Self> {
        let frequencies = |axis: usize| {
            let dims = config.axes_dims_rope[axis];
            (0..dims)
                .step_by(2)
                .map(move |i| libm::pow(config.rope_theta, i as f64 / dims as f64).recip())
        };
        let angles: Vec<f64> = positions
            .iter()
            .flat_map(|position| {
                (0..4).flat_map(move |axis| {
                    frequencies(axis).map(move |f| f64::from(position[axis]) * f)
                })
            })
            .collect();
        let table = |of: fn(f64) -> f64| {
            let numbers: Vec<f32> = angles.iter().map(|&angle| of(angle) as f32).collect();
            Tensor::from_vec(numbers, (positions.len(), config.attention_head_dim / 2), device)
        };
        Ok(Self { cos: table(libm::cos)?, sin: table(libm::sin)? })
    }

    fn narrow(&self, start: usize, count: usize) -> Result<Self> {
        Ok(Self { cos: self.cos.narrow(0, start, count)?, sin: self.sin.narrow(0, start, count)? })
    }
}

/// How a layer's input is shifted and scaled, and its output let through, each [d].
struct Modulation {
    shift: Tensor,
    scale: Tensor,
    gate: Tensor,
}

impl Modulation {
    /// From [1, 3d]
    fn one(values: &Tensor) -> Result<Self> {
        let values = values.flatten_all()?;
        Self::of(&values, 0, 3)
    }

    /// From [1, 6d]: for attention, then for the feed-forward layer.
    fn pair(values: &Tensor) -> Result<(Self, Self)> {
        let values = values.flatten_all()?;
        Ok((Self::of(&values, 0, 6)?, Self::of(&values, 3, 6)?))
    }

    fn of(values: &Tensor, start: usize, parts: usize) -> Result<Self> {
        Ok(Self {
            shift: part(values, start, parts)?,
            // layer_norm multiplies by this.
            scale: (part(values, start + 1, parts)? + 1.0)?,
            gate: part(values, start + 2, parts)?,
        })
    }

    fn enter(&self, x: &Tensor, eps: f32) -> Result<Tensor> {
        layer_norm(x, &self.scale, &self.shift, eps)
    }

    /// x + gate · layer(y)
    fn leave(&self, x: &Tensor, layer: &Linear, y: &Tensor) -> Result<Tensor> {
        layer.then(y, Then { gate: Some(&self.gate), residual: Some(x), ..Then::default() })
    }
}

/// Part `i` of a vector cut into `parts`.
fn part(values: &Tensor, i: usize, parts: usize) -> Result<Tensor> {
    let d = values.dim(0)? / parts;
    values.narrow(0, i * d, d)
}

/// A number spread over sines and cosines, through two layers.
struct Embedder {
    channels: usize,
    linear_1: Linear,
    linear_2: Linear,
}

impl Embedder {
    fn new(name: &str, config: &Config, source: &Source) -> std::result::Result<Self, WeightError> {
        let (d, channels) = (config.width(), config.timestep_guidance_channels);
        Ok(Self {
            channels,
            linear_1: source.linear(&format!("{name}.linear_1.weight"), d, channels)?,
            linear_2: source.linear(&format!("{name}.linear_2.weight"), d, d)?,
        })
    }

    /// [1, d]
    fn forward(&self, value: f32, device: &Device) -> Result<Tensor> {
        let half = self.channels / 2;
        let angle = |i: usize| value * libm::expf(-libm::logf(10000.0) * i as f32 / half as f32);
        let cos = (0..half).map(|i| libm::cosf(angle(i)));
        let sin = (0..half).map(|i| libm::sinf(angle(i)));
        let spread = Tensor::from_vec(cos.chain(sin).collect(), (1, self.channels), device)?;
        self.linear_2.forward(&silu(&self.linear_1.forward(&spread)?)?)
    }
}

/// The heads of a layer: RMS norms of queries and keys, and attention over them.
struct Heads {
    q: Tensor,
    k: Tensor,
    count: usize,
    eps: f32,
    exact: bool,
}

impl Heads {
    fn new(
        q: &str,
        k: &str,
        config: &Config,
        source: &Source,
    ) -> std::result::Result<Self, WeightError> {
        let d = config.attention_head_dim;
        Ok(Self {
            q: source.vector(q, d)?,
            k: source.vector(k, d)?,
            count: config.num_attention_heads,
            eps: config.eps as f32,
            exact: source.exact(),
        })
    }

    /// [n, ≥ 3·h·d] with q, k, v first → q and keys, each [n, h·d], normed and rotated
    fn split(&self, qkv: &Tensor, rotations: &Rotations) -> Result<(Tensor, Keys)> {
        let width = self.count * self.q.dim(0)?;
        let shape = |i: usize, weight: &Tensor| {
            let turns = (&rotations.cos, &rotations.sin);
            let how = Shaping { heads: self.count, weight, eps: self.eps, turns };
            shape_heads(qkv, i * width, &how)
        };
        let v = qkv.narrow(1, 2 * width, width)?.contiguous()?;
        Ok((shape(0, &self.q)?, Keys { k: shape(1, &self.k)?, v }))
    }

    fn attend(&self, q: &Tensor, seen: &[&Keys]) -> Result<Tensor> {
        let seen: Vec<_> =
            seen.iter().map(|keys| Seen { keys: &keys.k, values: &keys.v }).collect();
        attention(q, &seen, self.count, self.exact)
    }
}

/// One of the two streams of a double block.
struct Stream {
    qkv: Linear,
    norms: Heads,
    to_out: Linear,
    linear_in: Linear,
    linear_out: Linear,
    inner: usize,
    eps: f32,
}

impl Stream {
    fn new(
        block: &str,
        names: &StreamNames,
        config: &Config,
        source: &Source,
    ) -> std::result::Result<Self, WeightError> {
        let (d, m) = (config.width(), config.inner());
        let name = |inner: &str| format!("{block}.{inner}.weight");
        let [q, k, v] = names.qkv.map(name);
        Ok(Self {
            qkv: source.fused(&[&q, &k, &v], d, d)?,
            norms: Heads::new(&name(names.norm_q), &name(names.norm_k), config, source)?,
            to_out: source.linear(&name(names.to_out), d, d)?,
            linear_in: source.linear(&name(names.linear_in), 2 * m, d)?,
            linear_out: source.linear(&name(names.linear_out), d, m)?,
            inner: m,
            eps: config.eps as f32,
        })
    }

    /// [n, d] → q and keys [n, d]
    fn project(
        &self,
        x: &Tensor,
        modulation: &Modulation,
        rotations: &Rotations,
    ) -> Result<(Tensor, Keys)> {
        self.norms.split(&self.qkv.forward(&modulation.enter(x, self.eps)?)?, rotations)
    }

    /// The residual stream after attention's answer and the feed-forward layer.
    fn absorb(
        &self,
        x: &Tensor,
        attended: &Tensor,
        (first, second): &(Modulation, Modulation),
    ) -> Result<Tensor> {
        let x = first.leave(x, &self.to_out, attended)?;
        let inner = self.linear_in.forward(&second.enter(&x, self.eps)?)?;
        second.leave(&x, &self.linear_out, &gated(&inner, 0, self.inner, Gate::SwiGlu)?)
    }
}

struct StreamNames {
    qkv: [&'static str; 3],
    norm_q: &'static str,
    norm_k: &'static str,
    to_out: &'static str,
    linear_in: &'static str,
    linear_out: &'static str,
}

const IMG: StreamNames = StreamNames {
    qkv: ["attn.to_q", "attn.to_k", "attn.to_v"],
    norm_q: "attn.norm_q",
    norm_k: "attn.norm_k",
    to_out: "attn.to_out.0",
    linear_in: "ff.linear_in",
    linear_out: "ff.linear_out",
};

const TXT: StreamNames = StreamNames {
    qkv: ["attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"],
    norm_q: "attn.norm_added_q",
    norm_k: "attn.norm_added_k",
    to_out: "attn.to_add_out",
    linear_in: "ff_context.linear_in",
    linear_out: "ff_context.linear_out",
};

/// Text and picture, each with its own weights, attending to both and to the references.
struct DoubleBlock {
    img: Stream,
    txt: Stream,
}

impl DoubleBlock {
    fn new(name: &str, config: &Config, source: &Source) -> std::result::Result<Self, WeightError> {
        Ok(Self {
            img: Stream::new(name, &IMG, config, source)?,
            txt: Stream::new(name, &TXT, config, source)?,
        })
    }

    /// [l, d] and [n, d] → the same
    fn forward(
        &self,
        txt: &Tensor,
        img: &Tensor,
        txt_mod: &(Modulation, Modulation),
        img_mod: &(Modulation, Modulation),
        rotations: &Rotations,
        references: Option<&Keys>,
    ) -> Result<(Tensor, Tensor)> {
        let (l, n) = (txt.dim(0)?, img.dim(0)?);
        let (txt_q, txt_keys) = self.txt.project(txt, &txt_mod.0, &rotations.narrow(0, l)?)?;
        let (img_q, img_keys) = self.img.project(img, &img_mod.0, &rotations.narrow(l, n)?)?;
        let q = Tensor::cat(&[&txt_q, &img_q], 0)?; // [l + n, d]
        let mut seen = vec![&txt_keys];
        seen.extend(references);
        seen.push(&img_keys);
        let attended = self.img.norms.attend(&q, &seen)?; // [l + n, d]
        Ok((
            self.txt.absorb(txt, &attended.narrow(0, 0, l)?, txt_mod)?,
            self.img.absorb(img, &attended.narrow(0, l, n)?, img_mod)?,
        ))
    }
}

/// Text and picture joined; attention and feed-forward layer side by side, from one matrix into one.
struct SingleBlock {
    to_qkv_mlp: Linear,
    norms: Heads,
    to_out: Linear,
    inner: usize,
    eps: f32,
}

impl SingleBlock {
    fn new(name: &str, config: &Config, source: &Source) -> std::result::Result<Self, WeightError> {
        let (d, m) = (config.width(), config.inner());
        let name = |inner: &str| format!("{name}.attn.{inner}.weight");
        Ok(Self {
            to_qkv_mlp: source.linear(&name("to_qkv_mlp_proj"), 3 * d + 2 * m, d)?,
            norms: Heads::new(&name("norm_q"), &name("norm_k"), config, source)?,
            to_out: source.linear(&name("to_out"), d, d + m)?,
            inner: m,
            eps: config.eps as f32,
        })
    }

    /// [l + n, d] with l text tokens → the same
    fn forward(
        &self,
        x: &Tensor,
        l: usize,
        modulation: &Modulation,
        rotations: &Rotations,
        references: Option<&Keys>,
    ) -> Result<Tensor> {
        let (q, keys, inner) = self.project(x, modulation, rotations)?;
        let attended = match references {
            Some(references) => {
                let (text, rest) = (keys.narrow(0, l)?, keys.narrow(l, x.dim(0)? - l)?);
                self.norms.attend(&q, &[&text, references, &rest])?
            }
            None => self.norms.attend(&q, &[&keys])?,
        };
        self.absorb(x, &attended, &inner, modulation)
    }

    /// q and keys [n, d], and what goes through the feed-forward layer [n, m]
    fn project(
        &self,
        x: &Tensor,
        modulation: &Modulation,
        rotations: &Rotations,
    ) -> Result<(Tensor, Keys, Tensor)> {
        let d = x.dim(1)?;
        let all = self.to_qkv_mlp.forward(&modulation.enter(x, self.eps)?)?; // [n, 3d + 2m]
        let (q, keys) = self.norms.split(&all, rotations)?;
        let inner = gated(&all, 3 * d, self.inner, Gate::SwiGlu)?;
        Ok((q, keys, inner))
    }

    fn absorb(
        &self,
        x: &Tensor,
        attended: &Tensor,
        inner: &Tensor,
        modulation: &Modulation,
    ) -> Result<Tensor> {
        modulation.leave(x, &self.to_out, &Tensor::cat(&[attended, inner], 1)?)
    }
}
