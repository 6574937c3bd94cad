//! The sizes of autoencoders, as their `config.json` has them.

use serde::Deserialize;

use crate::networks::{ConfigError, check_sizes};

/// The configuration of diffusers' `AutoencoderKL`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Channels of a picture.
    pub in_channels: usize,
    /// Channels of a decoded picture.
    pub out_channels: usize,
    /// Channels of each level, finest first.
    pub block_out_channels: Vec<usize>,
    /// Residual blocks of a level of the encoder; the decoder has one more.
    pub layers_per_block: usize,
    /// Channels of the latents.
    pub latent_channels: usize,
    /// Groups of every group norm.
    pub norm_num_groups: usize,
    /// Pixels of a side of the pictures it was trained on, and of a tile.
    pub sample_size: usize,
    /// What latents are multiplied with for a denoiser.
    pub scaling_factor: f64,
    /// What is taken off latents before that.
    pub shift_factor: Option<f64>,
    /// Whether a convolution of single pixels follows the encoder.
    pub use_quant_conv: bool,
    /// Whether one precedes the decoder.
    pub use_post_quant_conv: bool,
    /// Whether the coarsest level has attention.
    pub mid_block_add_attention: bool,
    /// The nonlinearity.
    pub act_fn: String,
    down_block_types: Option<Vec<String>>,
    up_block_types: Option<Vec<String>>,
}

/// The defaults are those of SD1.5.
impl Default for Config {
    fn default() -> Self {
        Self {
            in_channels: 3,
            out_channels: 3,
            block_out_channels: vec![128, 256, 512, 512],
            layers_per_block: 2,
            latent_channels: 4,
            norm_num_groups: 32,
            sample_size: 512,
            scaling_factor: 0.18215,
            shift_factor: None,
            use_quant_conv: true,
            use_post_quant_conv: true,
            mid_block_add_attention: true,
            act_fn: "silu".into(),
            down_block_types: None,
            up_block_types: None,
        }
    }
}

impl Config {
    /// Pixels of a side of what one latent stands for.
    pub fn scale(&self) -> usize {
        1 << (self.block_out_channels.len() - 1)
    }

    /// Refuses what no network can be built from, and what this one does not do.
    pub fn check(&self) -> Result<(), ConfigError> {
        let fail = |problem: String| Err(ConfigError(problem));
        let count = self.block_out_channels.len();
        if !(1..=8).contains(&count) || self.layers_per_block > 16 {
            return fail("more levels or layers than any network has, or none".into());
        }
        for (kinds, usual) in [
            (&self.down_block_types, "DownEncoderBlock2D"),
            (&self.up_block_types, "UpDecoderBlock2D"),
        ] {
            let Some(kinds) = kinds else { continue };
            if kinds.len() != count {
                return fail("block_out_channels and the block types differ in length".into());
            }
            if let Some(kind) = kinds.iter().find(|kind| *kind != usual) {
                return fail(format!("{kind} is not supported"));
            }
        }
        if !["silu", "swish"].contains(&self.act_fn.as_str()) {
            return fail(format!("act_fn {} is not supported", self.act_fn));
        }
        let mut sizes = vec![
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
            ("layers_per_block", self.layers_per_block),
            ("latent_channels", self.latent_channels),
            ("norm_num_groups", self.norm_num_groups),
            ("sample_size", self.sample_size),
        ];
        sizes.extend(self.block_out_channels.iter().map(|&size| ("block_out_channels", size)));
        check_sizes(&sizes)?;
        match self.block_out_channels.iter().find(|c| !c.is_multiple_of(self.norm_num_groups)) {
            Some(c) => fail(format!("{c} channels in {} groups", self.norm_num_groups)),
            None => Ok(()),
        }
    }
}

/// The configuration of diffusers' `AutoencoderTiny`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct TinyConfig {
    /// Channels of a picture.
    pub in_channels: usize,
    /// Channels of a decoded picture.
    pub out_channels: usize,
    /// Channels of each level of the encoder, finest first.
    pub encoder_block_out_channels: Vec<usize>,
    /// Channels of each level of the decoder, coarsest first.
    pub decoder_block_out_channels: Vec<usize>,
    /// Channels of the latents.
    pub latent_channels: usize,
    /// Residual blocks of each level of the encoder, finest first.
    pub num_encoder_blocks: Vec<usize>,
    /// Residual blocks of each level of the decoder, coarsest first.
    pub num_decoder_blocks: Vec<usize>,
    /// What latents are multiplied with for a denoiser.
    pub scaling_factor: f64,
    /// The nonlinearity.
    pub act_fn: String,
    upsample_fn: String,
    upsampling_scaling_factor: usize,
}

/// The defaults are those of TAESD.
impl Default for TinyConfig {
    fn default() -> Self {
        Self {
            in_channels: 3,
            out_channels: 3,
            encoder_block_out_channels: vec![64; 4],
            decoder_block_out_channels: vec![64; 4],
            latent_channels: 4,
            num_encoder_blocks: vec![1, 3, 3, 3],
            num_decoder_blocks: vec![3, 3, 3, 1],
            scaling_factor: 1.0,
            act_fn: "relu".into(),
            upsample_fn: "nearest".into(),
            upsampling_scaling_factor: 2,
        }
    }
}

impl TinyConfig {
    /// Refuses what no network can be built from, and what this one does not do.
    pub fn check(&self) -> Result<(), ConfigError> {
        let fail = |problem: &str| Err(ConfigError(problem.into()));
        let pairs = [
            (&self.encoder_block_out_channels, &self.num_encoder_blocks),
            (&self.decoder_block_out_channels, &self.num_decoder_blocks),
        ];
        let mut sizes = vec![
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
            ("latent_channels", self.latent_channels),
        ];
        for (channels, blocks) in pairs {
            if channels.len() != blocks.len() || !(1..=8).contains(&channels.len()) {
                return fail("channels and blocks of the levels differ in count");
            }
            // Convolutions between levels keep the channels, in diffusers too.
            if channels.iter().any(|c| *c != channels[0]) {
                return fail("levels of different channels are not supported");
            }
            if blocks.iter().any(|&count| count > 16) {
                return fail("more blocks than any network has");
            }
            sizes.push(("block_out_channels", channels[0]));
        }
        if self.act_fn != "relu" || self.upsample_fn != "nearest" {
            return fail("an act_fn or upsample_fn that is not supported");
        }
        if self.upsampling_scaling_factor != 2 {
            return fail("an upsampling_scaling_factor that is not supported");
        }
        check_sizes(&sizes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_configurations_are_taken_and_others_refused() {
        assert_eq!(Config::default().check(), Ok(()));
        assert_eq!(TinyConfig::default().check(), Ok(()));
        let read = |text: &str| serde_json::from_str::<Config>(text).unwrap().check();
        assert_eq!(read(r#"{"_class_name": "AutoencoderKL", "force_upcast": true}"#), Ok(()));
        for refused in [
            r#"{"block_out_channels": []}"#,
            r#"{"block_out_channels": [30]}"#,
            r#"{"layers_per_block": 0}"#,
            r#"{"act_fn": "mish"}"#,
            r#"{"up_block_types": ["AttnUpDecoderBlock2D"], "block_out_channels": [32]}"#,
        ] {
            assert!(read(refused).is_err(), "{refused}");
        }
        let read = |text: &str| serde_json::from_str::<TinyConfig>(text).unwrap().check();
        for refused in [
            r#"{"num_decoder_blocks": [1]}"#,
            r#"{"decoder_block_out_channels": [64, 64, 64, 32]}"#,
            r#"{"act_fn": "silu"}"#,
        ] {
            assert!(read(refused).is_err(), "{refused}");
        }
    }
}
