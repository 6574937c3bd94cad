//! The sizes of a FLUX.2 transformer: read from `config.json`, or told by the shapes of its tensors.

use serde::Deserialize;

use crate::networks::{ConfigError, check_sizes};
use crate::weights::Checkpoint;

/// Sizes, by the names of diffusers' `config.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Config {
    /// Side of the patch that makes a token; every published model has 1.
    pub patch_size: usize,
    /// Numbers that enter for each picture token.
    pub in_channels: usize,
    /// Numbers that leave; the same if absent.
    pub out_channels: Option<usize>,
    /// Double blocks.
    pub num_layers: usize,
    /// Single blocks.
    pub num_single_layers: usize,
    /// Numbers of a head.
    pub attention_head_dim: usize,
    /// Heads.
    pub num_attention_heads: usize,
    /// Numbers that enter for each text token.
    pub joint_attention_dim: usize,
    /// Numbers that the noise level is spread over.
    pub timestep_guidance_channels: usize,
    /// Width of the inner layers, as a multiple.
    pub mlp_ratio: f64,
    /// How a head's numbers are shared between the four axes of a position.
    pub axes_dims_rope: Vec<usize>,
    /// Base of the rotation's wavelengths.
    pub rope_theta: f64,
    /// Added to variances.
    #[serde(default = "default_eps")]
    pub eps: f64,
    /// Whether it is told a guidance scale.
    pub guidance_embeds: bool,
}

fn default_eps() -> f64 {
    1e-6
}

impl Config {
    /// Width of the residual stream; as much as there can be where nothing has been checked.
    pub fn width(&self) -> usize {
        self.num_attention_heads.saturating_mul(self.attention_head_dim)
    }

    /// Width inside the feed-forward layers.
    pub fn inner(&self) -> usize {
        (self.width() as f64 * self.mlp_ratio) as usize
    }

    /// Numbers that leave for each picture token.
    pub fn out_channels(&self) -> usize {
        self.out_channels.unwrap_or(self.in_channels)
    }

    /// Refuses what [`Flux2`] does not compute.
    pub fn check(&self) -> Result<(), ConfigError> {
        check_sizes(&[
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels()),
            ("attention_head_dim", self.attention_head_dim),
            ("num_attention_heads", self.num_attention_heads),
            ("joint_attention_dim", self.joint_attention_dim),
            ("timestep_guidance_channels", self.timestep_guidance_channels),
            ("num_layers", self.num_layers),
            ("num_single_layers", self.num_single_layers),
            ("width", self.width()),
            ("mlp width", self.inner()),
        ])?;
        let refuse = |text: String| Err(ConfigError(text));
        if self.patch_size != 1 {
            return refuse(format!("patch_size is {}, and only 1 is computed", self.patch_size));
        }
        let axes = &self.axes_dims_rope;
        if axes.len() != 4 || axes.iter().any(|axis| axis % 2 != 0) {
            let count = axes.len();
            return refuse(format!(
                "axes_dims_rope has {count} numbers: four even ones are needed"
            ));
        }
        // Each by itself first: the sum of numbers this large could wrap to what is wanted.
        let head = self.attention_head_dim;
        if axes.iter().any(|&axis| axis > head) || axes.iter().sum::<usize>() != head {
            return refuse(format!(
                "axes_dims_rope {axes:?} do not add up to attention_head_dim, {head}"
            ));
        }
        if !self.timestep_guidance_channels.is_multiple_of(2) {
            return refuse("timestep_guidance_channels is odd".into());
        }
        Ok(())
    }

    /// The sizes of a file that comes without `config.json`, from the shapes of its tensors. What no
    /// shape tells (the rotation's axes and base, eps) is the same in all published models.
    pub fn infer(checkpoint: &Checkpoint) -> Result<Self, ConfigError> {
        let shape = |name: &str| match checkpoint.shape(name).as_deref() {
            Some(&[rows, columns]) => Ok((rows, columns)),
            _ => Err(ConfigError(format!("sizes cannot be told without the matrix {name}"))),
        };
        let count = |prefix: &str, name: &str| {
            (0..)
                .take_while(|i| checkpoint.shape(&format!("{prefix}.{i}.{name}")).is_some())
                .count()
        };
        let head = checkpoint.shape("single_transformer_blocks.0.attn.norm_q.weight");
        let Some(&[head]) = head.as_deref() else {
            return Err(ConfigError(
                "sizes cannot be told without the norms of single block 0".into(),
            ));
        };
        let (width, in_channels) = shape("x_embedder.weight")?;
        let (_, out_inputs) = shape("single_transformer_blocks.0.attn.to_out.weight")?;
        let guidance = "time_guidance_embed.guidance_embedder.linear_1.weight";
        Ok(Self {
            patch_size: 1,
            in_channels,
            out_channels: Some(shape("proj_out.weight")?.0),
            num_layers: count("transformer_blocks", "attn.norm_q.weight"),
            num_single_layers: count("single_transformer_blocks", "attn.norm_q.weight"),
            attention_head_dim: head,
            num_attention_heads: width / head.max(1),
            joint_attention_dim: shape("context_embedder.weight")?.1,
            timestep_guidance_channels: shape(
                "time_guidance_embed.timestep_embedder.linear_1.weight",
            )?
            .1,
            mlp_ratio: out_inputs.saturating_sub(width) as f64 / width.max(1) as f64,
            axes_dims_rope: vec![head / 4; 4],
            rope_theta: 2000.0,
            eps: default_eps(),
            guidance_embeds: checkpoint.shape(guidance).is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config {
            patch_size: 1,
            in_channels: 64,
            out_channels: None,
            num_layers: 1,
            num_single_layers: 1,
            attention_head_dim: 128,
            num_attention_heads: 2,
            joint_attention_dim: 32,
            timestep_guidance_channels: 16,
            mlp_ratio: 3.0,
            axes_dims_rope: vec![32; 4],
            rope_theta: 2000.0,
            eps: 1e-6,
            guidance_embeds: false,
        }
    }

    #[track_caller]
    fn refused(field: &str, change: impl FnOnce(&mut Config)) {
        let mut config = config();
        change(&mut config);
        let ConfigError(problem) = config.check().expect_err(field);
        assert!(problem.contains(field), "{field} is not in {problem:?}");
    }

    #[test]
    fn sizes_that_would_wrap_are_refused_by_name() {
        assert_eq!(config().check(), Ok(()));
        // Together they are 64 more than all that a usize counts: 64 in a release, a panic elsewhere.
        let half = 1 << (usize::BITS - 1);
        refused("axes_dims_rope", |config| {
            config.attention_head_dim = 64;
            config.axes_dims_rope = vec![half, half, 32, 32];
        });
        refused("axes_dims_rope", |config| config.axes_dims_rope = vec![half; 4]);
        refused("axes_dims_rope", |config| config.axes_dims_rope = vec![64; 4]);
        refused("axes_dims_rope", |config| config.axes_dims_rope = vec![128, 0, 0]);
        refused("num_attention_heads", |config| config.num_attention_heads = usize::MAX);
        refused("attention_head_dim", |config| config.attention_head_dim = half);
        refused("width", |config| {
            (config.num_attention_heads, config.attention_head_dim) = (1 << 20, 1 << 20);
        });
        refused("mlp width", |config| config.mlp_ratio = f64::INFINITY);
    }
}
