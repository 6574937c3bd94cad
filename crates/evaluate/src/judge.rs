//! The judge: a small convolutional network whose layers are listed in `judge.json`.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use candle_core::{D, DType, Device, Tensor};
use serde::Deserialize;

use crate::set::{Picture, SIDE};

/// Says what pictures show.
pub struct Judge {
    about: About,
    weights: HashMap<String, Tensor>,
    gallery: Tensor, // [subjects * styles, embedding]
}

/// What it sees in one picture.
#[derive(Debug, Clone)]
pub struct Seen {
    /// A score for each label, by the name of the head.
    pub heads: HashMap<String, Vec<f32>>,
    /// Of unit length; near for pictures of one drawing.
    pub embedding: Vec<f32>,
    /// The subject of the gallery that is nearest in any of its styles.
    pub retrieved: String,
}

#[derive(Deserialize)]
struct About {
    schema: u32,
    side: usize,
    channels: usize,
    stages: Vec<Stage>,
    heads: Vec<Head>,
    embedding: usize,
    gallery: Vec<String>,
    own: Vec<Own>,
}

#[derive(Deserialize)]
struct Head {
    name: String,
    labels: Vec<String>,
}

#[derive(Deserialize)]
struct Own {
    what: String,
    share: f64,
}

/// What the stages make of pictures.
struct Trunk {
    /// Of each stage's channels, `[B, channels]`.
    means: Vec<Tensor>,
    /// The last stage, `[B, channels, places]`.
    last: Tensor,
}

/// A convolution that reduces the picture, then residual pairs of 3×3 convolutions.
#[derive(Deserialize)]
struct Stage {
    stride: usize,
    padding: usize,
    residuals: usize,
}

impl Judge {
    /// Reads `judge.json` and `judge.safetensors` from `folder`.
    pub fn read(folder: &Path) -> Result<Self> {
        let file = folder.join("judge.json");
        let text =
            std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let about: About = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not understood", file.display()))?;
        ensure!(about.schema == 2, "{} has schema {}", file.display(), about.schema);
        ensure!((about.side, about.channels) == (SIDE, 4), "the judge looks at other pictures");

        let file = folder.join("judge.safetensors");
        let mut weights = candle_core::safetensors::load(&file, &Device::Cpu)
            .with_context(|| format!("cannot read {}", file.display()))?;
        for tensor in weights.values_mut() {
            *tensor = tensor.to_dtype(DType::F32)?;
        }
        let gallery = weights.remove("gallery").context("the judge has no gallery")?;
        let gallery = gallery.flatten_to(1)?;
        ensure!(
            gallery.dim(0)? % about.gallery.len() == 0 && gallery.dim(1)? == about.embedding,
            "the judge's gallery has the shape {:?}",
            gallery.dims()
        );
        Ok(Self { about, weights, gallery })
    }

    /// How often it is right about renders, by what it is asked: the ceiling of all that it measures.
    pub fn own(&self) -> impl Iterator<Item = (&str, f64)> {
        self.about.own.iter().map(|own| (own.what.as_str(), own.share))
    }

    /// The labels of a head, in the order of its scores.
    pub fn labels(&self, head: &str) -> Result<&[String]> {
        let found = self.about.heads.iter().find(|one| one.name == head);
        Ok(&found.with_context(|| format!("the judge does not tell {head}"))?.labels)
    }

    /// The index of a label, among those of its head.
    pub fn label(&self, head: &str, word: &str) -> Result<usize> {
        let labels = self.labels(head)?;
        let found = labels.iter().position(|label| label == word);
        found.with_context(|| format!("the judge knows no {head} {word:?}"))
    }

    /// What each picture shows.
    pub fn look(&self, pictures: &[Picture]) -> Result<Vec<Seen>> {
        let mut seen = Vec::with_capacity(pictures.len());
        for some in pictures.chunks(32) {
            let numbers: Vec<f32> =
                some.iter().flat_map(|p| p.0.iter().map(|v| 2.0 * v - 1.0)).collect();
            let x = Tensor::from_vec(numbers, (some.len(), 4, SIDE, SIDE), &Device::Cpu)?;
            seen.extend(self.read_heads(&self.trunk(&x)?)?);
        }
        Ok(seen)
    }

    /// What each stage makes of `[B, 4, SIDE, SIDE]`.
    fn trunk(&self, x: &Tensor) -> Result<Trunk> {
        let (mut x, mut means) = (x.clone(), Vec::new());
        for (i, stage) in self.about.stages.iter().enumerate() {
            let name = format!("stages.{i}.reduce");
            x = self.convolution(&x, &name, stage.stride, stage.padding)?.relu()?;
            for j in 0..stage.residuals {
                let name = format!("stages.{i}.residuals.{j}");
                let inner = self.convolution(&x, &format!("{name}.first"), 1, 1)?.relu()?;
                let inner = self.convolution(&inner, &format!("{name}.second"), 1, 1)?;
                x = (x + inner)?.relu()?;
            }
            means.push(x.flatten_from(2)?.mean(D::Minus1)?);
        }
        Ok(Trunk { means, last: x.flatten_from(2)? })
    }

    fn convolution(&self, x: &Tensor, name: &str, stride: usize, padding: usize) -> Result<Tensor> {
        let weight = self.weight(&format!("{name}.weight"))?;
        let bias = self.weight(&format!("{name}.bias"))?.reshape((1, (), 1, 1))?;
        Ok(x.conv2d(weight, padding, stride, 1, 1)?.broadcast_add(&bias)?)
    }

    fn weight(&self, name: &str) -> Result<&Tensor> {
        self.weights.get(name).with_context(|| format!("the judge has no {name}"))
    }

    fn read_heads(&self, trunk: &Trunk) -> Result<Vec<Seen>> {
        let whole = Tensor::cat(&trunk.means, 1)?;
        let out = Tensor::cat(&[whole, trunk.last.max(D::Minus1)?], 1)?
            .matmul(&self.weight("heads.weight")?.t()?)?
            .broadcast_add(self.weight("heads.bias")?)?;
        // A subject's score, of the first head, also has what its best place says.
        let spots = self.weight("spots.weight")?.broadcast_matmul(&trunk.last)?.max(D::Minus1)?;
        let out = (&out + spots.pad_with_zeros(1, 0, out.dim(1)? - spots.dim(1)?)?)?;
        let scores = out.narrow(1, 0, out.dim(1)? - self.about.embedding)?.to_vec2::<f32>()?;
        let embedding = out.narrow(1, out.dim(1)? - self.about.embedding, self.about.embedding)?;
        let length = embedding.sqr()?.sum_keepdim(1)?.sqrt()?.maximum(1e-12)?;
        let embedding = embedding.broadcast_div(&length)?;
        let nearest = embedding.matmul(&self.gallery.t()?)?.argmax(D::Minus1)?.to_vec1::<u32>()?;
        let styles = self.gallery.dim(0)? / self.about.gallery.len();

        let each = scores.into_iter().zip(embedding.to_vec2::<f32>()?).zip(nearest);
        each.map(|((scores, embedding), nearest)| {
            let mut rest = scores.as_slice();
            let mut heads = HashMap::new();
            for head in &self.about.heads {
                let Some((own, after)) = rest.split_at_checked(head.labels.len()) else {
                    bail!("the judge has fewer scores than labels");
                };
                heads.insert(head.name.clone(), own.to_vec());
                rest = after;
            }
            let retrieved = self.about.gallery[nearest as usize / styles].clone();
            Ok(Seen { heads, embedding, retrieved })
        })
        .collect()
    }
}

impl Seen {
    /// The `count` labels of `head` that score highest, best first.
    pub fn best(&self, head: &str, count: usize) -> Vec<usize> {
        let Some(scores) = self.heads.get(head) else { return Vec::new() };
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        order.truncate(count);
        order
    }

    /// The score of one label.
    pub fn of(&self, head: &str, label: usize) -> f32 {
        self.heads.get(head).and_then(|scores| scores.get(label)).copied().unwrap_or(f32::MIN)
    }
}
