//! The sizes of a UNet, as its `config.json` has them.

use serde::{Deserialize, Serialize};

use crate::networks::{ConfigError, check_sizes};

/// The configuration of diffusers' `UNet2DConditionModel`. What is here is read, what changes the
/// network and is not supported is refused by [`Config::check`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Channels of the latents, with a mask and a masked picture for inpainting.
    pub in_channels: usize,
    /// Channels of the result.
    pub out_channels: usize,
    /// A row of the declared kinds for each level, finest first.
    pub down_block_types: Vec<String>,
    /// The coarsest level's middle.
    pub mid_block_type: Option<String>,
    /// Coarsest first.
    pub up_block_types: Vec<String>,
    /// Channels of each level, finest first.
    pub block_out_channels: Vec<usize>,
    /// Residual blocks of a level on the way down; one more on the way up.
    pub layers_per_block: usize,
    /// Groups of every group norm.
    pub norm_num_groups: usize,
    /// Of the residual blocks' norms.
    pub norm_eps: f32,
    /// Numbers of a text token.
    pub cross_attention_dim: usize,
    /// Transformer layers of each level.
    pub transformer_layers_per_block: Each<usize>,
    /// The number of heads, in spite of its name.
    pub attention_head_dim: Each<usize>,
    /// Whether transformers begin and end with linear layers in place of 1 by 1 convolutions.
    pub use_linear_projection: bool,
    /// Whether cosines stand before sines in what a time step is spread over.
    pub flip_sin_to_cos: bool,
    /// Taken off the count of frequencies.
    pub freq_shift: f64,
    /// `text_time` for SDXL.
    pub addition_embed_type: Option<String>,
    /// Numbers that each of SDXL's sizes is spread over.
    pub addition_time_embed_dim: Option<usize>,
    /// Numbers of the pooled text and all sizes together.
    pub projection_class_embeddings_input_dim: Option<usize>,
    /// Rows and columns of zeros around a picture that is halved.
    pub downsample_padding: usize,
    /// The nonlinearity.
    pub act_fn: String,
    #[serde(flatten)]
    refused: Refused,
}

/// Settings that are at their defaults in the published models; any other value is refused.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default)]
struct Refused {
    center_input_sample: bool,
    only_cross_attention: Each<bool>,
    mid_block_scale_factor: f64,
    reverse_transformer_layers_per_block: Option<serde_json::Value>,
    encoder_hid_dim: Option<serde_json::Value>,
    num_attention_heads: Option<serde_json::Value>,
    dual_cross_attention: bool,
    class_embed_type: Option<serde_json::Value>,
    num_class_embeds: Option<serde_json::Value>,
    resnet_time_scale_shift: String,
    resnet_skip_time_act: bool,
    resnet_out_scale_factor: f64,
    time_embedding_type: String,
    time_embedding_dim: Option<serde_json::Value>,
    time_embedding_act_fn: Option<serde_json::Value>,
    timestep_post_act: Option<serde_json::Value>,
    time_cond_proj_dim: Option<serde_json::Value>,
    conv_in_kernel: usize,
    conv_out_kernel: usize,
    attention_type: String,
    mid_block_only_cross_attention: Option<bool>,
    cross_attention_norm: Option<serde_json::Value>,
}

impl Refused {
    /// The setting that is another than in `usual`, by its name in the file.
    fn unlike(&self, usual: &Self) -> String {
        let fields = |of: &Self| match serde_json::to_value(of) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (found, usual) = (fields(self), fields(usual));
        let all = usual.into_iter().find(|(name, usual)| found.get(name) != Some(usual));
        let (name, usual) = all.unwrap_or_default();
        let found = found.get(&name).unwrap_or(&serde_json::Value::Null);
        format!("{name}: {found} is not supported (accepted: {usual})")
    }
}

impl Default for Refused {
    fn default() -> Self {
        Self {
            center_input_sample: false,
            only_cross_attention: Each::All(false),
            mid_block_scale_factor: 1.0,
            reverse_transformer_layers_per_block: None,
            encoder_hid_dim: None,
            num_attention_heads: None,
            dual_cross_attention: false,
            class_embed_type: None,
            num_class_embeds: None,
            resnet_time_scale_shift: "default".into(),
            resnet_skip_time_act: false,
            resnet_out_scale_factor: 1.0,
            time_embedding_type: "positional".into(),
            time_embedding_dim: None,
            time_embedding_act_fn: None,
            timestep_post_act: None,
            time_cond_proj_dim: None,
            conv_in_kernel: 3,
            conv_out_kernel: 3,
            attention_type: "default".into(),
            mid_block_only_cross_attention: None,
            cross_attention_norm: None,
        }
    }
}

/// One value for all levels, or one for each.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Each<T> {
    /// The same everywhere.
    All(T),
    /// Finest level first.
    List(Vec<T>),
}

impl<T: Copy> Each<T> {
    /// The value of a level.
    pub fn at(&self, level: usize) -> Option<T> {
        match self {
            Self::All(value) => Some(*value),
            Self::List(values) => values.get(level).copied(),
        }
    }
}

/// The defaults are those of SD1.5.
impl Default for Config {
    fn default() -> Self {
        Self {
            in_channels: 4,
            out_channels: 4,
            down_block_types: [&[CROSS_DOWN; 3][..], &[PLAIN_DOWN]].concat().map_strings(),
            mid_block_type: Some(MID.into()),
            up_block_types: [&[PLAIN_UP][..], &[CROSS_UP; 3]].concat().map_strings(),
            block_out_channels: vec![320, 640, 1280, 1280],
            layers_per_block: 2,
            norm_num_groups: 32,
            norm_eps: 1e-5,
            cross_attention_dim: 768,
            transformer_layers_per_block: Each::All(1),
            attention_head_dim: Each::All(8),
            use_linear_projection: false,
            flip_sin_to_cos: true,
            freq_shift: 0.0,
            addition_embed_type: None,
            addition_time_embed_dim: None,
            projection_class_embeddings_input_dim: None,
            downsample_padding: 1,
            act_fn: "silu".into(),
            refused: Refused::default(),
        }
    }
}

const CROSS_DOWN: &str = "CrossAttnDownBlock2D";
const PLAIN_DOWN: &str = "DownBlock2D";
const CROSS_UP: &str = "CrossAttnUpBlock2D";
const PLAIN_UP: &str = "UpBlock2D";
const MID: &str = "UNetMidBlock2DCrossAttn";

trait MapStrings {
    fn map_strings(self) -> Vec<String>;
}

impl MapStrings for Vec<&str> {
    fn map_strings(self) -> Vec<String> {
        self.into_iter().map(str::to_owned).collect()
    }
}

/// What a level is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Channels.
    pub channels: usize,
    /// Layers of each transformer on the way down; 0 where there are none.
    pub down_layers: usize,
    /// The same on the way up.
    pub up_layers: usize,
    /// Heads of their attention.
    pub heads: usize,
}

impl Config {
    /// The sizes of SDXL.
    pub fn sdxl() -> Self {
        Self {
            down_block_types: vec![PLAIN_DOWN, CROSS_DOWN, CROSS_DOWN].map_strings(),
            up_block_types: vec![CROSS_UP, CROSS_UP, PLAIN_UP].map_strings(),
            block_out_channels: vec![320, 640, 1280],
            cross_attention_dim: 2048,
            transformer_layers_per_block: Each::List(vec![1, 2, 10]),
            attention_head_dim: Each::List(vec![5, 10, 20]),
            use_linear_projection: true,
            addition_embed_type: Some("text_time".into()),
            addition_time_embed_dim: Some(256),
            projection_class_embeddings_input_dim: Some(2816),
            ..Self::default()
        }
    }

    /// Levels, finest first.
    pub fn levels(&self) -> Vec<Level> {
        let count = self.block_out_channels.len();
        let layers = |crossed: bool, level| match crossed {
            true => self.transformer_layers_per_block.at(level).unwrap_or(0),
            false => 0,
        };
        (0..count)
            .map(|level| Level {
                channels: self.block_out_channels[level],
                down_layers: layers(self.down_block_types[level] == CROSS_DOWN, level),
                up_layers: layers(self.up_block_types[count - 1 - level] == CROSS_UP, level),
                heads: self.attention_head_dim.at(level).unwrap_or(0),
            })
            .collect()
    }

    /// Layers of the middle's transformer.
    pub fn mid_layers(&self) -> usize {
        self.transformer_layers_per_block.at(self.block_out_channels.len() - 1).unwrap_or(0)
    }

    /// Numbers that a time step becomes.
    pub fn time_width(&self) -> usize {
        4 * self.block_out_channels[0]
    }

    /// Whether sizes and pooled text are told besides the time step.
    pub fn is_told_sizes(&self) -> bool {
        self.addition_embed_type.is_some()
    }

    /// Refuses what no network can be built from, and what this one does not do.
    pub fn check(&self) -> Result<(), ConfigError> {
        let fail = |problem: String| Err(ConfigError(problem));
        let count = self.block_out_channels.len();
        if !(1..=8).contains(&count)
            || self.down_block_types.len() != count
            || self.up_block_types.len() != count
        {
            return fail("block_out_channels and the block types differ in length".into());
        }
        let known = |kinds: &[&str], given: &[String]| {
            given.iter().find(|one| !kinds.contains(&one.as_str())).cloned()
        };
        let other = known(&[CROSS_DOWN, PLAIN_DOWN], &self.down_block_types)
            .or_else(|| known(&[CROSS_UP, PLAIN_UP], &self.up_block_types))
            .or_else(|| self.mid_block_type.clone().filter(|kind| kind != MID))
            .or_else(|| self.addition_embed_type.clone().filter(|kind| kind != "text_time"));
        if let Some(kind) = other {
            return fail(format!("{kind} is not supported"));
        }
        if self.mid_block_type.is_none() {
            return fail("a network without a middle is not supported".into());
        }
        if !["silu", "swish"].contains(&self.act_fn.as_str()) {
            return fail(format!("act_fn {} is not supported", self.act_fn));
        }
        if self.downsample_padding != 1 {
            return fail(format!("downsample_padding {}", self.downsample_padding));
        }
        let usual = Refused {
            only_cross_attention: match &self.refused.only_cross_attention {
                Each::List(each) if each.iter().all(|&only| !only) => {
                    self.refused.only_cross_attention.clone()
                }
                _ => Each::All(false),
            },
            mid_block_only_cross_attention: self
                .refused
                .mid_block_only_cross_attention
                .filter(|&only| !only),
            ..Refused::default()
        };
        if self.refused != usual {
            return fail(self.refused.unlike(&usual));
        }
        let mut sizes = vec![
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
            ("layers_per_block", self.layers_per_block),
            ("norm_num_groups", self.norm_num_groups),
            ("cross_attention_dim", self.cross_attention_dim),
        ];
        sizes.extend(self.block_out_channels.iter().map(|&size| ("block_out_channels", size)));
        if self.is_told_sizes() {
            let each = self.addition_time_embed_dim.unwrap_or(0);
            let all = self.projection_class_embeddings_input_dim.unwrap_or(0);
            sizes.push(("addition_time_embed_dim", each));
            sizes.push(("projection_class_embeddings_input_dim", all));
            if all < 6 * each || !each.is_multiple_of(2) {
                return fail(format!("{each} numbers for each of six sizes in {all}"));
            }
        }
        check_sizes(&sizes)?;
        if self.layers_per_block > 16 || !self.block_out_channels[0].is_multiple_of(2) {
            return fail("more layers than any network has, or an odd width".into());
        }
        for (level, sizes) in self.levels().iter().enumerate() {
            let Level { channels, down_layers, up_layers, heads } = *sizes;
            if !channels.is_multiple_of(self.norm_num_groups) {
                return fail(format!("{channels} channels in {} groups", self.norm_num_groups));
            }
            let layers = down_layers.max(up_layers);
            let attends = layers > 0 || level + 1 == count;
            if attends && (heads == 0 || !channels.is_multiple_of(heads)) {
                return fail(format!("{channels} channels in {heads} heads"));
            }
            if layers.max(self.mid_layers()) > 64 || self.mid_layers() == 0 {
                return fail("transformer_layers_per_block is beyond any network's".into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_configurations_are_taken_and_others_refused() {
        assert_eq!(Config::default().check(), Ok(()));
        assert_eq!(Config::sdxl().check(), Ok(()));
        let read = |text: &str| serde_json::from_str::<Config>(text).unwrap().check();
        assert_eq!(read(r#"{"_class_name": "UNet2DConditionModel", "sample_size": 64}"#), Ok(()));
        for refused in [
            r#"{"class_embed_type": "timestep"}"#,
            r#"{"down_block_types": ["DownBlock2D"]}"#,
            r#"{"attention_head_dim": 7}"#,
            r#"{"attention_head_dim": [8, 8]}"#,
            r#"{"norm_num_groups": 0}"#,
            r#"{"addition_embed_type": "text_time"}"#,
            r#"{"time_cond_proj_dim": 256}"#,
            r#"{"mid_block_type": null}"#,
        ] {
            assert!(read(refused).is_err(), "{refused}");
        }
    }
}
