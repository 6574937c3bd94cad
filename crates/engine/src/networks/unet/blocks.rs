//! The levels of the network on the way down, through the middle and up again.

use candle_core::{Result, Tensor};

use super::config::{Config, Level};
use super::resnet::{self, Resnet};
use super::transformer::{self, Transformer};
use crate::networks::Source;
use crate::ops::{Conv, Map, Pass};
use crate::weights::WeightError;

/// What the blocks of one network have in common.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub config: &'a Config,
    pub source: &'a Source<'a>,
}

impl Common<'_> {
    fn resnet(
        &self,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> std::result::Result<Resnet, WeightError> {
        let sizes = resnet::Sizes {
            inputs,
            outputs,
            groups: self.config.norm_num_groups,
            eps: self.config.norm_eps,
            time: Some(self.config.time_width()),
        };
        Resnet::new(name, sizes, self.source)
    }

    fn transformer(
        &self,
        name: &str,
        level: &Level,
        layers: usize,
    ) -> std::result::Result<Option<Transformer>, WeightError> {
        let sizes = transformer::Sizes {
            channels: level.channels,
            layers,
            heads: level.heads,
            groups: self.config.norm_num_groups,
            text: self.config.cross_attention_dim,
            linear: self.config.use_linear_projection,
        };
        if layers == 0 {
            return Ok(None);
        }
        Transformer::new(name, sizes, self.source).map(Some)
    }
}

/// A residual block, and a transformer where the level has them.
struct Step {
    resnet: Resnet,
    transformer: Option<Transformer>,
}

impl Step {
    fn forward<'a>(
        &self,
        x: &[&Map],
        level: &Tensor,
        texts: &mut impl Iterator<Item = &'a Map>,
    ) -> Result<Map> {
        let x = self.resnet.forward(x, Some(level))?;
        match &self.transformer {
            Some(transformer) => transformer.forward(&x, texts),
            None => Ok(x),
        }
    }

    fn read(&self, text: &Map, read: &mut Vec<Map>) -> Result<()> {
        self.transformer.as_ref().map_or(Ok(()), |transformer| transformer.read(text, read))
    }
}

/// A level on the way down, which is halved at its end unless it is the coarsest.
pub(super) struct Down {
    steps: Vec<Step>,
    halve: Option<Conv>,
}

impl Down {
    pub fn new(
        i: usize,
        inputs: usize,
        level: &Level,
        is_last: bool,
        common: Common,
    ) -> std::result::Result<Self, WeightError> {
        let name = format!("down_blocks.{i}");
        let c = level.channels;
        let step = |j: usize| {
            let inputs = if j == 0 { inputs } else { c };
            Ok(Step {
                resnet: common.resnet(&format!("{name}.resnets.{j}"), inputs, c)?,
                transformer: common.transformer(
                    &format!("{name}.attentions.{j}"),
                    level,
                    level.down_layers,
                )?,
            })
        };
        let halve = match is_last {
            true => None,
            false => {
                Some(common.source.halving(&format!("{name}.downsamplers.0.conv"), c, true)?)
            }
        };
        let steps = (0..common.config.layers_per_block).map(step);
        Ok(Self { steps: steps.collect::<std::result::Result<_, _>>()?, halve })
    }

    pub fn read(&self, text: &Map, read: &mut Vec<Map>) -> Result<()> {
        self.steps.iter().try_for_each(|step| step.read(text, read))
    }

    /// Goes on from the last picture of `kept` and appends all that it makes.
    pub fn forward<'a>(
        &self,
        kept: &mut Vec<Map>,
        level: &Tensor,
        texts: &mut impl Iterator<Item = &'a Map>,
    ) -> Result<()> {
        for step in &self.steps {
            let x = step.forward(&[last(kept)?], level, texts)?;
            kept.push(x);
        }
        if let Some(halve) = &self.halve {
            let x = halve.forward(&[last(kept)?], Pass::default())?;
            kept.push(x);
        }
        Ok(())
    }
}

/// The picture that was kept last.
pub(super) fn last(kept: &[Map]) -> Result<&Map> {
    kept.last().ok_or_else(|| candle_core::Error::Msg("no picture was kept".into()))
}

/// The middle of the coarsest level.
pub(super) struct Mid {
    first: Step,
    second: Resnet,
}

impl Mid {
    pub fn new(level: &Level, common: Common) -> std::result::Result<Self, WeightError> {
        let c = level.channels;
        let layers = common.config.mid_layers();
        Ok(Self {
            first: Step {
                resnet: common.resnet("mid_block.resnets.0", c, c)?,
                transformer: common.transformer("mid_block.attentions.0", level, layers)?,
            },
            second: common.resnet("mid_block.resnets.1", c, c)?,
        })
    }

    pub fn read(&self, text: &Map, read: &mut Vec<Map>) -> Result<()> {
        self.first.read(text, read)
    }

    pub fn forward<'a>(
        &self,
        x: &Map,
        level: &Tensor,
        texts: &mut impl Iterator<Item = &'a Map>,
    ) -> Result<Map> {
        let x = self.first.forward(&[x], level, texts)?;
        self.second.forward(&[&x], Some(level))
    }
}

/// A level on the way up, which sees what the way down kept and is doubled at its end unless it is the
/// finest.
pub(super) struct Up {
    steps: Vec<Step>,
    double: Option<Conv>,
}

impl Up {
    /// `from`: channels of what comes from below; `beside`: of the next finer level, whose last picture is
    /// the last that this level sees.
    pub fn new(
        i: usize,
        from: usize,
        beside: usize,
        level: &Level,
        is_last: bool,
        common: Common,
    ) -> std::result::Result<Self, WeightError> {
        let name = format!("up_blocks.{i}");
        let (c, count) = (level.channels, common.config.layers_per_block + 1);
        let step = |j: usize| {
            let own = if j == 0 { from } else { c };
            let kept = if j + 1 == count { beside } else { c };
            Ok(Step {
                resnet: common.resnet(&format!("{name}.resnets.{j}"), own + kept, c)?,
                transformer: common.transformer(
                    &format!("{name}.attentions.{j}"),
                    level,
                    level.up_layers,
                )?,
            })
        };
        let double = match is_last {
            true => None,
            false => Some(common.source.doubling(&format!("{name}.upsamplers.0.conv"), c, true)?),
        };
        Ok(Self { steps: (0..count).map(step).collect::<std::result::Result<_, _>>()?, double })
    }

    pub fn read(&self, text: &Map, read: &mut Vec<Map>) -> Result<()> {
        self.steps.iter().try_for_each(|step| step.read(text, read))
    }

    /// Takes as many pictures off `kept` as it has steps.
    pub fn forward<'a>(
        &self,
        mut x: Map,
        kept: &mut Vec<Map>,
        level: &Tensor,
        texts: &mut impl Iterator<Item = &'a Map>,
    ) -> Result<Map> {
        for step in &self.steps {
            x = step.forward(&[&x, last(kept)?], level, texts)?;
            kept.pop();
        }
        match &self.double {
            Some(double) => double.forward(&[&x], Pass::default()),
            None => Ok(x),
        }
    }
}
