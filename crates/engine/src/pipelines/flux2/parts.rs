//! What a model of the family consists of beside the numbers of its weights. It is read and checked when
//! the model is opened, so that what is said to run can be loaded.

use std::path::{Path, PathBuf};

use candle_core::Device;

use crate::device::Processor;
use crate::manifest::{self, Manifest};
use crate::model::ModelError;
use crate::networks::flux2::{Config, Flux2};
use crate::networks::text::{self, Padding, TextEncoder, Tokenizer};
use crate::networks::{ConfigError, Source, read_config};
use crate::weights::{Checkpoint, Compute, Weight, WeightError};

/// The parts of a model, which fit together.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The denoiser's sizes.
    pub network: Config,
    /// The text encoder's sizes.
    pub text: text::Config,
    /// What makes tokens of prompts.
    pub words: PathBuf,
    /// The text encoder's weights.
    pub text_weights: PathBuf,
    /// Whether every matrix of the denoiser is stored in 16 bits a number, or fewer.
    pub narrow: bool,
    /// Every file that was read for it or will be, the manifest apart; some may be here twice.
    pub files: Vec<PathBuf>,
}

impl Parts {
    /// Reads what lies in a folder, whose denoiser may be a file of weights or the index of its shards.
    pub fn read(folder: &Path, denoiser: &Path, manifest: &Manifest) -> Result<Self, ModelError> {
        let checkpoint = Checkpoint::open(denoiser)?;
        let (network, config) = denoiser_config(denoiser, &checkpoint)?;

        let encoder = folder.join("text_encoder");
        let (text_weights, text_config) =
            (encoder.join("model.safetensors"), encoder.join("config.json"));
        let text: text::Config = read_config(&text_config)?;
        text.check().map_err(|error| not_understood(&text_config, error))?;

        let words = folder.join("tokenizer").join("tokenizer.json");
        Tokenizer::check(&words, text.vocab_size)?;
        check_fit(manifest, &network, &text).map_err(|problem| ModelError::Manifest {
            file: folder.join(manifest::FILE_NAME),
            problem: problem.into(),
        })?;
        let mut files =
            vec![denoiser.to_owned(), config, text_weights.clone(), text_config, words.clone()];
        files.extend(checkpoint.files().map(Path::to_owned));
        let narrow = checkpoint.is_narrow();
        let parts = Self { network, text, words, text_weights, narrow, files };
        parts.weigh(denoiser, Compute::F32, Processor::Cpu)?;
        Ok(parts)
    }

    /// The tokenizer, whose tables take longer to build than all else that a model is opened for.
    pub fn tokenizer(&self, manifest: &Manifest) -> Result<Tokenizer, WeightError> {
        let padding = Padding {
            limit: manifest.text.max_tokens,
            multiple: manifest.text.pad_multiple,
            token: manifest.text.pad_token_id,
        };
        Tokenizer::open(&self.words, padding, self.text.vocab_size)
    }

    /// What the weights take in the form in which they are computed with. Nothing of them is read, but each
    /// tensor has to be there as its network needs it.
    pub fn weigh(
        &self,
        denoiser: &Path,
        compute: Compute,
        processor: Processor,
    ) -> Result<Weight, WeightError> {
        let weighed = |path: &Path| {
            Checkpoint::open(path).map(|checkpoint| checkpoint.weighed(processor != Processor::Cpu))
        };
        let source = |checkpoint| Source { checkpoint, compute, device: &Device::Cpu };
        let network = weighed(denoiser)?;
        Flux2::new(self.network.clone(), &source(&network))?;
        let encoder = weighed(&self.text_weights)?;
        TextEncoder::new(self.text.clone(), &source(&encoder))?;
        Ok(network.weight().and(encoder.weight()))
    }
}

/// The configuration beside the weights, or what their shapes tell; and the file that it is from.
fn denoiser_config(
    denoiser: &Path,
    checkpoint: &Checkpoint,
) -> Result<(Config, PathBuf), ModelError> {
    let beside = denoiser.with_file_name("config.json");
    let (config, from): (Config, _) = match beside.is_file() {
        true => (read_config(&beside)?, beside),
        false => {
            let told = Config::infer(checkpoint);
            (told.map_err(|error| not_understood(denoiser, error))?, denoiser.to_owned())
        }
    };
    config.check().map_err(|error| not_understood(&from, error))?;
    Ok((config, from))
}

fn not_understood(file: &Path, ConfigError(problem): ConfigError) -> ModelError {
    ModelError::Manifest { file: file.to_owned(), problem }
}

/// The parts of a model must fit together.
fn check_fit(
    manifest: &Manifest,
    network: &Config,
    text: &text::Config,
) -> Result<(), &'static str> {
    let channels = manifest.image.channels * manifest.image.patch_size.pow(2);
    let longest = manifest.text.max_tokens.next_multiple_of(manifest.text.pad_multiple);
    let rules = [
        (
            network.in_channels == channels + manifest.image.place_features
                && network.out_channels() == channels,
            "image: the network has other channels",
        ),
        (
            network.joint_attention_dim == text.hidden_size,
            "the text encoder is not the one of this network",
        ),
        (longest <= text.max_positions, "text.max_tokens: more than the text encoder can place"),
        (
            (manifest.text.pad_token_id as usize) < text.vocab_size,
            "text.pad_token_id: no such token",
        ),
    ];
    match rules.iter().find(|(holds, _)| !holds) {
        Some((_, problem)) => Err(problem),
        None => Ok(()),
    }
}
