//! Attention of a picture's pixels to one another and to the text.

use candle_core::Result;

use crate::networks::Source;
use crate::ops::{Columns, Conv, GatedLayer, GroupNorm, Layer, LayerNorm, Map, Pass, Seen, attend};
use crate::weights::WeightError;

/// Diffusers' `Transformer2DModel`: blocks between two projections, beside the picture itself.
pub(super) struct Transformer {
    norm: GroupNorm,
    proj_in: Conv,
    blocks: Vec<Block>,
    proj_out: Conv,
}

/// Sizes of a transformer.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub channels: usize,
    pub layers: usize,
    pub heads: usize,
    pub groups: usize,
    /// Numbers of a text token.
    pub text: usize,
    /// Whether the projections are stored as linear layers.
    pub linear: bool,
}

impl Transformer {
    pub fn new(
        name: &str,
        sizes: Sizes,
        source: &Source,
    ) -> std::result::Result<Self, WeightError> {
        let d = sizes.channels;
        let part = |inner: &str| format!("{name}.{inner}");
        Ok(Self {
            norm: source.group_norm(&part("norm"), d, sizes.groups, 1e-6, false)?,
            proj_in: source.mix(&[&part("proj_in")], d, d, sizes.linear)?,
            blocks: (0..sizes.layers)
                .map(|i| Block::new(&part(&format!("transformer_blocks.{i}")), sizes, source))
                .collect::<std::result::Result<_, _>>()?,
            proj_out: source.mix(&[&part("proj_out")], d, d, sizes.linear)?,
        })
    }

    /// Keys and values of the text [l, text] in each block.
    pub fn read(&self, text: &Map, read: &mut Vec<Map>) -> Result<()> {
        for block in &self.blocks {
            read.push(block.kv.forward(text, None, None)?);
        }
        Ok(())
    }

    /// [pixels, d] → the same; takes a text's keys and values for each of its blocks.
    pub fn forward<'a>(&self, x: &Map, texts: &mut impl Iterator<Item = &'a Map>) -> Result<Map> {
        let mut h =
            self.proj_in.forward(&[x], Pass { norm: Some(&self.norm), ..Pass::default() })?;
        for block in &self.blocks {
            let Some(text) = texts.next() else {
                candle_core::bail!("a text that was read by another network");
            };
            h = block.forward(&h, text)?;
        }
        self.proj_out.forward(&[&h], Pass { residual: Some(x), ..Pass::default() })
    }
}

struct Block {
    norm1: LayerNorm,
    qkv: Layer,
    out1: Layer,
    norm2: LayerNorm,
    q: Layer,
    kv: Layer,
    out2: Layer,
    norm3: LayerNorm,
    ff_in: GatedLayer,
    ff_out: Layer,
    d: usize,
    heads: usize,
    exact: bool,
}

impl Block {
    fn new(name: &str, sizes: Sizes, source: &Source) -> std::result::Result<Self, WeightError> {
        let Sizes { channels: d, heads, text, .. } = sizes;
        let part = |inner: &str| format!("{name}.{inner}");
        let [q, k, v] = ["attn1.to_q", "attn1.to_k", "attn1.to_v"].map(part);
        Ok(Self {
            norm1: source.layer_norm(&part("norm1"), d)?,
            qkv: source.layers(&[&q, &k, &v], d, d)?,
            out1: source.layer(&part("attn1.to_out.0"), d, d)?,
            norm2: source.layer_norm(&part("norm2"), d)?,
            q: source.layers(&[&part("attn2.to_q")], d, d)?,
            kv: source.layers(&[&part("attn2.to_k"), &part("attn2.to_v")], d, text)?,
            out2: source.layer(&part("attn2.to_out.0"), d, d)?,
            norm3: source.layer_norm(&part("norm3"), d)?,
            ff_in: source.geglu(&part("ff.net.0.proj"), 4 * d, d)?,
            ff_out: source.layer(&part("ff.net.2"), d, 4 * d)?,
            d,
            heads,
            exact: source.exact(),
        })
    }

    /// [pixels, d] and the text's keys and values [l, 2d] → [pixels, d]
    fn forward(&self, x: &Map, text: &Map) -> Result<Map> {
        let d = self.d;
        let attend = |of, seen| attend(Columns { of, at: 0 }, &[seen], d, self.heads, self.exact);

        let qkv = self.qkv.forward(x, Some(&self.norm1), None)?; // [pixels, 3d]
        let seen = attend(&qkv, Seen::all(&qkv, d, 2 * d))?;
        let x = self.out1.forward(&seen, None, Some(x))?;

        let q = self.q.forward(&x, Some(&self.norm2), None)?;
        let told = attend(&q, Seen::all(text, 0, d))?;
        let x = self.out2.forward(&told, None, Some(&x))?;

        let inner = self.ff_in.forward(&x, &self.norm3)?; // [pixels, 4d]
        self.ff_out.forward(&inner, None, Some(&x))
    }
}
