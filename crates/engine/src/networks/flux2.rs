//! The FLUX.2 transformer, number for number what diffusers calls `Flux2Transformer2DModel`, with
//! references as its KV mode has them.
//!
//! Text and picture tokens go through [`DoubleBlock`]s, each with weights of its own that meet in
//! attention, then joined through [`SingleBlock`]s. All blocks of a kind share one modulation by the
//! noise level. Reference tokens always see noise level 0 and attend only to one another, so what
//! the others need of them, keys and values of every layer, is the same at every step and for every
//! prompt: a [`Card`].

use std::ops::Range;

use candle_core::{Device, Result, Tensor};
use candle_nn::ops::silu;

use super::{ConfigError, Source};
use crate::ops::{
    Buffers, Columns, GatedLayer, Layer, LayerNorm, LayerRows, Linear, Map, Seen, Shaping, attend,
    columns, shape_heads,
};
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
    proj_out: Layer,
    buffers: Buffers,
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
    /// Bytes that calls left behind for the next.
    pub fn held(&self) -> u64 {
        self.buffers.held()
    }

    /// Builds the network; the checkpoint's tensors must have exactly the configured shapes.
    pub fn new(config: Config, source: &Source) -> std::result::Result<Self, WeightError> {
        let file = source.checkpoint.file().to_owned();
        config.check().map_err(|ConfigError(problem)| WeightError::Damaged { file, problem })?;
        let d = config.width();
        let ends = source.ends();
        let embedder = |name: &str| Embedder::new(name, &config, &ends);
        Ok(Self {
            x_embedder: ends.linear("x_embedder.weight", d, config.in_channels)?,
            context_embedder: ends.linear(
                "context_embedder.weight",
                d,
                config.joint_attention_dim,
            )?,
            timestep: embedder("time_guidance_embed.timestep_embedder")?,
            guidance: match config.guidance_embeds {
                true => Some(embedder("time_guidance_embed.guidance_embedder")?),
                false => None,
            },
            modulation_img: ends.linear("double_stream_modulation_img.linear.weight", 6 * d, d)?,
            modulation_txt: ends.linear("double_stream_modulation_txt.linear.weight", 6 * d, d)?,
            modulation_single: ends.linear("single_stream_modulation.linear.weight", 3 * d, d)?,
            double: (0..config.num_layers)
                .map(|i| DoubleBlock::new(&format!("transformer_blocks.{i}"), &config, source))
                .collect::<std::result::Result<_, _>>()?,
            single: (0..config.num_single_layers)
                .map(|i| {
                    SingleBlock::new(&format!("single_transformer_blocks.{i}"), &config, source)
                })
                .collect::<std::result::Result<_, _>>()?,
            norm_out: ends.linear("norm_out.linear.weight", 2 * d, d)?,
            proj_out: ends.layers(&["proj_out"], config.out_channels(), d)?,
            buffers: Buffers::default(),
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
        let (level, eps) =
            (silu(&self.noise_level(call.sigma, call.guidance)?)?, self.config.eps as f32); // [1, d]
        let img_mod = Modulation::pair(&self.modulation_img.forward(&level)?, eps)?;
        let txt_mod = Modulation::pair(&self.modulation_txt.forward(&level)?, eps)?;
        let joint_mod = Modulation::one(&self.modulation_single.forward(&level)?, eps)?;

        let img = self.x_embedder.forward(call.latents)?; // [n, d]
        let txt = self.context_embedder.forward(call.text)?; // [l, d]
        let (l, all) = (txt.dim(0)?, txt.dim(0)? + img.dim(0)?);
        let mut joint = Map::new(&Tensor::cat(&[&txt, &img], 0)?, all, 1, &self.buffers)?; // [l + n, d]
        let mut cards = call.card.map(|card| card.layers.iter());
        let mut next_card = || cards.as_mut().and_then(Iterator::next);
        for block in &self.double {
            let streams = [(&block.txt, &txt_mod, 0..l), (&block.img, &img_mod, l..all)];
            joint = Stream::forward(&joint, &streams, call.rotations, next_card())?;
        }
        for block in &self.single {
            joint = block.forward(&joint, l, &joint_mod, call.rotations, next_card())?;
        }

        let scale_shift = self.norm_out.forward(&level)?.flatten_all()?;
        let norm = LayerNorm {
            weight: (part(&scale_shift, 0, 2)? + 1.0)?,
            bias: part(&scale_shift, 1, 2)?,
            eps: self.config.eps as f32,
        };
        let img = LayerRows { layer: &self.proj_out, rows: l..all, norm: Some(&norm), gate: None };
        Layer::over(&[&joint], &[img], None)?.tensor()
    }

    /// The card of reference tokens [r, in_channels], which may be several pictures' together.
    pub fn card(
        &self,
        references: &Tensor,
        rotations: &Rotations,
        guidance: Option<f32>,
    ) -> Result<Card> {
        let (level, eps) = (silu(&self.noise_level(0.0, guidance)?)?, self.config.eps as f32);
        let img_mod = Modulation::pair(&self.modulation_img.forward(&level)?, eps)?;
        let joint_mod = Modulation::one(&self.modulation_single.forward(&level)?, eps)?;
        let x = self.x_embedder.forward(references)?; // [r, d]
        let mut x = Map::new(&x, x.dim(0)?, 1, &self.buffers)?;
        let (all, d) = (0..x.pixels(), self.config.width());
        let mut layers = Vec::with_capacity(self.double.len() + self.single.len());
        for block in &self.double {
            let streams = [(&block.img, &img_mod, all.clone())];
            let qkv = Stream::project(&x, &streams, rotations)?;
            layers.push(columns(&qkv, d, 2 * d)?);
            x = Stream::absorb(
                &x,
                &block.img.norms.attend(&qkv, &[Seen::all(&qkv, d, 2 * d)])?,
                &streams,
            )?;
        }
        for (i, block) in self.single.iter().enumerate() {
            let qkv = block.project(&x, &joint_mod, rotations)?;
            layers.push(columns(&qkv, d, 2 * d)?);
            // Nobody looks at the references after the last block's keys and values.
            if i + 1 < self.single.len() {
                let seen = block.norms.attend(&qkv, &[Seen::all(&qkv, d, 2 * d)])?;
                x = block.absorb(&x, &seen, &joint_mod)?;
            }
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
    /// Of each layer [tokens, 2d], keys first.
    layers: Vec<Map>,
}

impl Card {
    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        self.layers.iter().map(Map::bytes).sum()
    }

    /// Keys and values of each layer, each [tokens, heads · head].
    pub fn layers(&self) -> impl Iterator<Item = Result<(Tensor, Tensor)>> {
        self.layers.iter().map(|layer| {
            let (both, d) = (layer.tensor()?, layer.channels / 2);
            Ok((both.narrow(1, 0, d)?, both.narrow(1, d, d)?))
        })
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
}

/// How a layer's input is normed, shifted and scaled, and its output let through.
struct Modulation {
    norm: LayerNorm,
    /// [d]
    gate: Tensor,
}

impl Modulation {
    /// From [1, 3d]
    fn one(values: &Tensor, eps: f32) -> Result<Self> {
        let values = values.flatten_all()?;
        Self::of(&values, 0, 3, eps)
    }

    /// From [1, 6d]: for attention, then for the feed-forward layer.
    fn pair(values: &Tensor, eps: f32) -> Result<(Self, Self)> {
        let values = values.flatten_all()?;
        Ok((Self::of(&values, 0, 6, eps)?, Self::of(&values, 3, 6, eps)?))
    }

    fn of(values: &Tensor, start: usize, parts: usize, eps: f32) -> Result<Self> {
        Ok(Self {
            norm: LayerNorm {
                weight: (part(values, start + 1, parts)? + 1.0)?,
                bias: part(values, start, parts)?,
                eps,
            },
            gate: part(values, start + 2, parts)?,
        })
    }

    /// A layer for what comes in.
    fn enter<'a, L>(&'a self, layer: &'a L, rows: &Range<usize>) -> LayerRows<'a, L> {
        LayerRows { layer, rows: rows.clone(), norm: Some(&self.norm), gate: None }
    }

    /// One for what goes back to the residual stream.
    fn leave<'a, L>(&'a self, layer: &'a L, rows: &Range<usize>) -> LayerRows<'a, L> {
        LayerRows { layer, rows: rows.clone(), norm: None, gate: Some(&self.gate) }
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

    /// How queries and keys in rows of [n, 3·h·d] are normed.
    fn shapings(&self, rows: &Range<usize>) -> Result<[Shaping<'_>; 2]> {
        let width = self.count * self.q.dim(0)?;
        Ok([(&self.q, 0), (&self.k, width)].map(|(weight, at)| Shaping {
            rows: rows.clone(),
            weight,
            at,
        }))
    }

    fn shape(&self, qkv: Map, shapings: &[Shaping], rotations: &Rotations) -> Result<Map> {
        shape_heads(qkv, shapings, self.count, self.eps, (&rotations.cos, &rotations.sin))
    }

    /// The queries of [n, 3·h·d] over what is seen → [n, h·d]
    fn attend(&self, qkv: &Map, seen: &[Seen]) -> Result<Map> {
        attend(Columns { of: qkv, at: 0 }, seen, qkv.channels / 3, self.count, self.exact)
    }

    /// The same over its own keys and values, with those of references behind the first `l` tokens.
    fn attend_with(&self, qkv: &Map, l: usize, references: Option<&Map>) -> Result<Map> {
        let d = qkv.channels / 3;
        let own = |rows| Seen { of: qkv, rows, keys: d, values: 2 * d };
        match references {
            Some(card) => {
                let rest = own(l..qkv.pixels());
                self.attend(qkv, &[own(0..l), Seen::all(card, 0, d), rest])
            }
            None => self.attend(qkv, &[Seen::all(qkv, d, 2 * d)]),
        }
    }
}

/// One of the two streams of a double block.
struct Stream {
    qkv: Layer,
    norms: Heads,
    to_out: Layer,
    linear_in: GatedLayer,
    linear_out: Layer,
}

/// A stream, how it is modulated, and its tokens among all of them.
type Streamed<'a> = (&'a Stream, &'a (Modulation, Modulation), Range<usize>);

impl Stream {
    fn new(
        block: &str,
        names: &StreamNames,
        config: &Config,
        source: &Source,
    ) -> std::result::Result<Self, WeightError> {
        let (d, m) = (config.width(), config.inner());
        let name = |inner: &str| format!("{block}.{inner}");
        let weight = |inner: &str| format!("{block}.{inner}.weight");
        let [q, k, v] = names.qkv.map(name);
        Ok(Self {
            qkv: source.layers(&[&q, &k, &v], d, d)?,
            norms: Heads::new(&weight(names.norm_q), &weight(names.norm_k), config, source)?,
            to_out: source.layers(&[&name(names.to_out)], d, d)?,
            linear_in: source.swiglu(&name(names.linear_in), m, d)?,
            linear_out: source.layers(&[&name(names.linear_out)], d, m)?,
        })
    }

    /// Streams that attend to each other, and to references behind the first of them: [tokens, d] → the
    /// same
    fn forward(
        x: &Map,
        streams: &[Streamed],
        rotations: &Rotations,
        references: Option<&Map>,
    ) -> Result<Map> {
        let qkv = Self::project(x, streams, rotations)?;
        let (first, _, rows) = &streams[0];
        Self::absorb(x, &first.norms.attend_with(&qkv, rows.end, references)?, streams)
    }

    /// [tokens, d] → queries, keys and values [tokens, 3d]
    fn project(x: &Map, streams: &[Streamed], rotations: &Rotations) -> Result<Map> {
        let layers = streams.iter().map(|(stream, (how, _), rows)| how.enter(&stream.qkv, rows));
        let qkv = Layer::over(&[x], &layers.collect::<Vec<_>>(), None)?;
        let shapings = streams.iter().map(|(stream, _, rows)| stream.norms.shapings(rows));
        let shapings: Vec<_> =
            shapings.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
        streams[0].0.norms.shape(qkv, &shapings, rotations)
    }

    /// The residual stream after attention's answer and the feed-forward layer.
    fn absorb(x: &Map, attended: &Map, streams: &[Streamed]) -> Result<Map> {
        let out = streams.iter().map(|(stream, (how, _), rows)| how.leave(&stream.to_out, rows));
        let x = Layer::over(&[attended], &out.collect::<Vec<_>>(), Some(x))?;
        let layers =
            streams.iter().map(|(stream, (_, how), rows)| how.enter(&stream.linear_in, rows));
        let inner = GatedLayer::over(&[&x], &layers.collect::<Vec<_>>())?; // [tokens, m]
        let out =
            streams.iter().map(|(stream, (_, how), rows)| how.leave(&stream.linear_out, rows));
        Layer::over(&[&inner], &out.collect::<Vec<_>>(), Some(&x))
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
}

/// Text and picture joined; attention and feed-forward layer side by side, from one matrix into one.
struct SingleBlock {
    qkv: Layer,
    mlp: GatedLayer,
    norms: Heads,
    to_out: Layer,
}

impl SingleBlock {
    fn new(name: &str, config: &Config, source: &Source) -> std::result::Result<Self, WeightError> {
        let (d, m) = (config.width(), config.inner());
        let name = |inner: &str| format!("{name}.attn.{inner}");
        let weight = |inner: &str| format!("{}.weight", name(inner));
        let (qkv, mlp) = source.split(&weight("to_qkv_mlp_proj"), (3 * d, m, d))?;
        Ok(Self {
            qkv: Layer { weight: qkv, bias: None },
            mlp,
            norms: Heads::new(&weight("norm_q"), &weight("norm_k"), config, source)?,
            to_out: source.layers(&[&name("to_out")], d, d + m)?,
        })
    }

    /// [l + n, d] with l text tokens → the same
    fn forward(
        &self,
        x: &Map,
        l: usize,
        modulation: &Modulation,
        rotations: &Rotations,
        references: Option<&Map>,
    ) -> Result<Map> {
        let qkv = self.project(x, modulation, rotations)?;
        self.absorb(x, &self.norms.attend_with(&qkv, l, references)?, modulation)
    }

    /// [n, d] → queries, keys and values [n, 3d]
    fn project(&self, x: &Map, modulation: &Modulation, rotations: &Rotations) -> Result<Map> {
        let qkv = self.qkv.forward(x, Some(&modulation.norm), None)?;
        self.norms.shape(qkv, &self.norms.shapings(&(0..x.pixels()))?, rotations)
    }

    fn absorb(&self, x: &Map, attended: &Map, modulation: &Modulation) -> Result<Map> {
        let inner = self.mlp.forward(x, &modulation.norm)?; // [n, m]
        let out = modulation.leave(&self.to_out, &(0..x.pixels()));
        Layer::over(&[attended, &inner], &[out], Some(x))
    }
}
