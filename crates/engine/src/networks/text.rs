//! The starter's own text encoder, and its tokenizer.
//!
//! A small transformer over byte-pair tokens, trained together with the denoiser. Every token looks
//! at every other, the pads included: a prompt is padded to a multiple, and pads are ordinary
//! tokens here and in the denoiser.

mod file;
mod parts;

use std::path::Path;

use candle_core::{Result, Tensor};
use serde::Deserialize;

use super::{ConfigError, Source, check_sizes};
use crate::ops::{Buffers, Columns, Gate, Linear, Map, Seen, Then, attend, gated, rms_norm};
use crate::weights::{TOKENIZER_TEXT, WeightError, read_text};

/// Sizes, as its `config.json` has them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Config {
    /// Always `likeness_text`; anything else is another encoder.
    pub model_type: String,
    /// Tokens there are.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Layers.
    pub num_layers: usize,
    /// Heads of a layer.
    pub num_heads: usize,
    /// Width inside the feed-forward layers.
    pub intermediate_size: usize,
    /// Tokens it can place.
    pub max_positions: usize,
    /// Added to mean squares.
    pub norm_eps: f64,
}

impl Config {
    /// Refuses what [`TextEncoder`] does not compute.
    pub fn check(&self) -> std::result::Result<(), ConfigError> {
        if self.model_type != "likeness_text" {
            return Err(ConfigError(format!(
                "the text encoder {:?} is not one that runs yet",
                self.model_type
            )));
        }
        check_sizes(&[
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("num_layers", self.num_layers),
            ("num_heads", self.num_heads),
            ("intermediate_size", self.intermediate_size),
            ("max_positions", self.max_positions),
        ])?;
        if !self.hidden_size.is_multiple_of(self.num_heads) {
            return Err(ConfigError("hidden_size is no multiple of num_heads".into()));
        }
        Ok(())
    }
}

/// The network.
pub struct TextEncoder {
    config: Config,
    tokens: Tensor,
    positions: Tensor,
    layers: Vec<Layer>,
    norm: Tensor,
}

impl TextEncoder {
    /// Builds the network; the checkpoint's tensors must have exactly the configured shapes.
    pub fn new(config: Config, source: &Source) -> std::result::Result<Self, WeightError> {
        let file = source.checkpoint.file().to_owned();
        config.check().map_err(|ConfigError(problem)| WeightError::Damaged { file, problem })?;
        let d = config.hidden_size;
        let table = |name: &str, rows: usize| -> std::result::Result<Tensor, WeightError> {
            source.checkpoint.table(name, (rows, d), source.device)
        };
        Ok(Self {
            tokens: table("embed_tokens.weight", config.vocab_size)?,
            positions: table("embed_positions.weight", config.max_positions)?,
            layers: (0..config.num_layers)
                .map(|i| Layer::new(&format!("layers.{i}"), &config, source))
                .collect::<std::result::Result<_, _>>()?,
            norm: source.vector("norm.weight", d)?,
            config,
        })
    }

    /// Its sizes.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Token ids → [tokens, hidden_size]
    pub fn forward(&self, ids: &[u32]) -> Result<Tensor> {
        let ids = Tensor::new(ids, self.tokens.device())?;
        let positions = self.positions.narrow(0, 0, ids.dim(0)?)?;
        let mut x = (self.tokens.index_select(&ids, 0)? + positions)?;
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        rms_norm(&x, &self.norm, self.config.norm_eps as f32)
    }
}

struct Layer {
    norm1: Tensor,
    qkv: Linear,
    out: Linear,
    norm2: Tensor,
    fc_in: Linear,
    fc_out: Linear,
    inner: usize,
    heads: usize,
    eps: f32,
    exact: bool,
}

impl Layer {
    fn new(name: &str, config: &Config, source: &Source) -> std::result::Result<Self, WeightError> {
        let (d, m) = (config.hidden_size, config.intermediate_size);
        let name = |inner: &str| format!("{name}.{inner}.weight");
        Ok(Self {
            norm1: source.vector(&name("norm1"), d)?,
            qkv: source.linear(&name("qkv"), 3 * d, d)?,
            out: source.linear(&name("out"), d, d)?,
            norm2: source.vector(&name("norm2"), d)?,
            fc_in: source.linear(&name("fc_in"), 2 * m, d)?,
            fc_out: source.linear(&name("fc_out"), d, m)?,
            inner: m,
            heads: config.num_heads,
            eps: config.norm_eps as f32,
            exact: source.exact(),
        })
    }

    /// [l, d] → the same
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let d = x.dim(1)?;
        let qkv = self.qkv.forward(&rms_norm(x, &self.norm1, self.eps)?)?;
        let qkv = Map::new(&qkv, x.dim(0)?, 1, &Buffers::default())?;
        let (q, seen) = (Columns { of: &qkv, at: 0 }, [Seen::all(&qkv, d, 2 * d)]);
        let attended = attend(q, &seen, d, self.heads, self.exact)?;
        let x =
            self.out.then(&attended.tensor()?, Then { residual: Some(x), ..Then::default() })?;
        let inner = self.fc_in.forward(&rms_norm(&x, &self.norm2, self.eps)?)?;
        let inner = gated(&inner, 0, self.inner, Gate::SwiGlu)?;
        self.fc_out.then(&inner, Then { residual: Some(&x), ..Then::default() })
    }
}

/// Why a prompt makes no ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptError {
    /// It makes too many.
    TooLong {
        /// Tokens that it makes.
        tokens: usize,
        /// Tokens that the model reads.
        limit: usize,
    },
    /// The tokenizer cannot express it.
    Tokenizer(String),
}

/// Words to token ids.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    padding: Padding,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Its words are many.
        f.debug_struct("Tokenizer").field("padding", &self.padding).finish_non_exhaustive()
    }
}

/// How prompts are brought to a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Padding {
    /// Tokens that a prompt may have.
    pub limit: usize,
    /// Prompts are padded to a multiple of this many, at least once.
    pub multiple: usize,
    /// The token that fills up.
    pub token: u32,
}

impl Tokenizer {
    /// Refuses a `tokenizer.json` that [`Tokenizer::open`] would refuse, in the time that reading it takes.
    pub fn check(path: &Path, vocabulary: usize) -> std::result::Result<(), WeightError> {
        file::check(&read_text(path, TOKENIZER_TEXT)?, vocabulary)
            .map_err(|problem| WeightError::Damaged { file: path.to_owned(), problem })
    }

    /// Reads a `tokenizer.json`; its tokens must be below `vocabulary`.
    pub fn open(
        path: &Path,
        padding: Padding,
        vocabulary: usize,
    ) -> std::result::Result<Self, WeightError> {
        Self::parse(&read_text(path, TOKENIZER_TEXT)?, padding, vocabulary)
            .map_err(|problem| WeightError::Damaged { file: path.to_owned(), problem })
    }

    /// The same from the file's text, or what is wrong with it.
    pub fn parse(
        text: &[u8],
        padding: Padding,
        vocabulary: usize,
    ) -> std::result::Result<Self, String> {
        file::check(text, vocabulary)?;
        let mut inner = tokenizers::Tokenizer::from_bytes(text)
            .map_err(|error| format!("not a tokenizer: {error}"))?;
        // Length and filling are the manifest's to say.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| error.to_string())?;
        Ok(Self { inner, padding })
    }

    /// How many tokens a prompt is, however many these are.
    pub fn count(&self, prompt: &str) -> std::result::Result<usize, PromptError> {
        self.encoded(prompt).map(|ids| ids.len())
    }

    fn encoded(&self, prompt: &str) -> std::result::Result<Vec<u32>, PromptError> {
        match self.inner.encode_fast(prompt, false) {
            Ok(encoded) => Ok(encoded.get_ids().to_vec()),
            Err(error) => Err(PromptError::Tokenizer(error.to_string())),
        }
    }

    /// The ids of a prompt, filled up; an empty prompt is filling alone.
    pub fn ids(&self, prompt: &str) -> std::result::Result<Vec<u32>, PromptError> {
        let Padding { limit, multiple, token } = self.padding;
        let mut ids = self.encoded(prompt)?;
        if ids.len() > limit {
            return Err(PromptError::TooLong { tokens: ids.len(), limit });
        }
        ids.resize(ids.len().max(1).next_multiple_of(multiple), token);
        Ok(ids)
    }
}
