//! A model on disk: what it is, whether it can run here, and why not.
//!
//! Opening reads the manifest and file sizes, configurations, the tokenizer and the headers of the
//! weights, in which every tensor has to be; the weights themselves are read, and all is held against its
//! hash, when a pipeline loads them.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use likeness_recipe::{
    Defaults, ModelCapabilities, ModelRef, RenderError, Role, Size, SizeLimits, TokenCounter,
};

use crate::device::Processor;
use crate::manifest::{self, Manifest};
use crate::networks::text::Tokenizer;
use crate::pipelines::flux2::Parts;
use crate::weights::keys::Family;
use crate::weights::{Checkpoint, SHORT_TEXT, WeightError, hash, read_text};

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file of it is missing or damaged.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// Its manifest or a configuration is not understood.
    #[error("{}: {problem}", file.display())]
    Manifest {
        /// Which file.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// It is sound, but nothing here runs it.
    #[error("{}: {problem}", file.display())]
    Unsupported {
        /// The file or folder.
        file: PathBuf,
        /// What it is and what it would take.
        problem: String,
    },
}

impl From<ModelError> for RenderError {
    fn from(error: ModelError) -> Self {
        let (file, problem) = match error {
            ModelError::Weights(error) => (error.file().to_owned(), error.problem()),
            ModelError::Manifest { file, problem } | ModelError::Unsupported { file, problem } => {
                (file, problem)
            }
        };
        Self::Model { file: file.display().to_string(), problem: clipped(problem) }
    }
}

/// What is wrong may quote the file, which may have been made to fill a screen.
fn clipped(problem: String) -> String {
    const LONGEST: usize = 1000;
    match problem.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} …", &problem[..end]),
        None => problem,
    }
}

/// A model that can run.
#[derive(Debug, Clone)]
pub struct Model {
    folder: PathBuf,
    denoiser: PathBuf,
    manifest: Manifest,
    parts: Arc<Parts>,
    capabilities: ModelCapabilities,
}

impl Model {
    /// Opens a model folder, or a single file of weights whose manifest lies beside it.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let meta = std::fs::metadata(path)
            .map_err(|source| WeightError::Open { file: path.to_owned(), source })?;
        if meta.is_dir() {
            return Self::open_folder(path);
        }
        let family = family_of(path)?;
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if !folder.join(manifest::FILE_NAME).is_file() {
            return Err(unsupported(path, lacks_companions(family)));
        }
        // Spelt as the files of the manifest are, which it must be one of.
        let denoiser = path.file_name().map_or(path.to_owned(), |name| folder.join(name));
        Self::with_manifest(folder, denoiser)
    }

    fn open_folder(folder: &Path) -> Result<Self, ModelError> {
        if folder.join(manifest::FILE_NAME).is_file() {
            let denoiser = find_denoiser(folder)?;
            family_of(&denoiser)?;
            return Self::with_manifest(folder, denoiser);
        }
        let index = folder.join("model_index.json");
        let Ok(text) = read_text(&index, SHORT_TEXT) else {
            let problem =
                format!("no model lies here: neither {} nor model_index.json", manifest::FILE_NAME);
            return Err(unsupported(folder, problem));
        };
        let class = serde_json::from_slice::<serde_json::Value>(&text)
            .ok()
            .and_then(|index| Some(index.get("_class_name")?.as_str()?.to_owned()));
        match class {
            Some(class) => Err(unsupported(
                folder,
                format!(
                    "a diffusers folder for {class}, whose text encoder and autoencoder are not there yet; what runs is a folder with {}",
                    manifest::FILE_NAME
                ),
            )),
            None => Err(ModelError::Manifest {
                file: index,
                problem: "it names no pipeline (_class_name)".into(),
            }),
        }
    }

    fn with_manifest(folder: &Path, denoiser: PathBuf) -> Result<Self, ModelError> {
        let file = folder.join(manifest::FILE_NAME);
        let text = read_text(&file, SHORT_TEXT)?;
        let manifest = Manifest::parse(&text)
            .map_err(|problem| ModelError::Manifest { file: file.clone(), problem })?;
        if manifest.family != Family::Flux2.name() {
            return Err(unsupported(
                &file,
                format!("the family {} is not there yet", manifest.family),
            ));
        }
        for listed in &manifest.files {
            hash::verify_size(&folder.join(&listed.path), listed.bytes)?;
        }
        let parts = Arc::new(Parts::read(folder, &denoiser, &manifest)?);
        check_listed(folder, &manifest, &parts)?;
        let sha256 = identity(folder, &manifest, &parts);
        let capabilities = capabilities(&manifest, &parts, sha256);
        Ok(Self { folder: folder.to_owned(), denoiser, manifest, parts, capabilities })
    }

    /// What it accepts.
    pub fn capabilities(&self) -> &ModelCapabilities {
        &self.capabilities
    }

    /// What its manifest says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder that its manifest lies in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The denoiser's weights: a file, or the index of its shards.
    pub fn denoiser(&self) -> &Path {
        &self.denoiser
    }

    /// What it consists of beside the numbers of its weights.
    pub(crate) fn parts(&self) -> &Arc<Parts> {
        &self.parts
    }

    /// Holds every file that the manifest lists against its hash.
    pub fn verify(&self) -> Result<(), ModelError> {
        for file in &self.manifest.files {
            hash::verify(&self.folder.join(&file.path), file.bytes, &file.sha256)?;
        }
        Ok(())
    }
}

/// One thing that was found where models lie.
#[derive(Debug)]
pub struct Description {
    /// Its own name, or that of its file.
    pub name: String,
    /// Where.
    pub path: PathBuf,
    /// The model, or why it cannot run.
    pub model: Result<Model, ModelError>,
}

/// Tells of each path whether it can run, and if not, why.
pub fn describe(path: &Path) -> Description {
    let model = Model::open(path);
    let name = match &model {
        Ok(model) => model.manifest.name.clone(),
        Err(_) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
    };
    Description { name, path: path.to_owned(), model }
}

/// A picture names the hashes that its model's manifest lists, so nothing else may be read for it: other
/// weights beside the listed ones would be recorded as these. Only sizes are looked at here, since hashing
/// gigabytes each time that models are listed would take minutes.
fn check_listed(folder: &Path, manifest: &Manifest, parts: &Parts) -> Result<(), ModelError> {
    let Some(stray) = parts.files.iter().find(|file| manifest.listed(folder, file).is_none())
    else {
        return Ok(());
    };
    let name = stray.strip_prefix(folder).unwrap_or(stray).display();
    let problem = format!(
        "files: {name} would be read and is not listed, so no picture could tell what made it; list its \
         path, bytes and sha256 in the manifest of a folder of its own, under another name"
    );
    Err(ModelError::Manifest { file: folder.join(manifest::FILE_NAME), problem })
}

/// One hash for all that is listed, except for weights that are not read: a folder may hold the same
/// network in several forms, and each makes other pictures.
fn identity(folder: &Path, manifest: &Manifest, parts: &Parts) -> String {
    let counts = |file: &&manifest::File| {
        let path = folder.join(&file.path);
        !is_weights(&path) || parts.files.contains(&path)
    };
    let files = manifest.files.iter().filter(counts);
    hash::of_all(files.map(|file| (file.path.as_str(), file.sha256.as_str())))
}

fn is_weights(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "safetensors" || ending == "gguf")
}

/// Counts a prompt's tokens with the model's own tokenizer, which is built for the first prompt: whoever
/// only lists models does not wait for it. One that cannot be built, or falls over, counts nothing, and is
/// told of when the model is loaded.
fn counter(manifest: &Manifest, parts: &Arc<Parts>) -> TokenCounter {
    let (manifest, parts) = (manifest.clone(), parts.clone());
    let (most, built) = (manifest.text.max_tokens, OnceLock::<Option<Tokenizer>>::new());
    let count = move |prompt: &str| {
        let count = || {
            let built = built.get_or_init(|| parts.tokenizer(&manifest).ok());
            built.as_ref()?.count(prompt).ok()
        };
        std::panic::catch_unwind(AssertUnwindSafe(count)).ok().flatten()
    };
    TokenCounter { most, count: Arc::new(count) }
}

fn capabilities(manifest: &Manifest, parts: &Arc<Parts>, sha256: String) -> ModelCapabilities {
    let Manifest { defaults, limits, .. } = manifest;
    let processor = Processor::usual();
    ModelCapabilities {
        model: ModelRef { name: manifest.name.clone(), sha256 },
        family: manifest.family.clone(),
        defaults: Defaults {
            size: Size { width: defaults.width, height: defaults.height },
            steps: defaults.steps,
            guidance: defaults.guidance,
            sampler: defaults.sampler,
            schedule: defaults.schedule,
            precision: processor.precision(parts.narrow),
            strength: 0.75,
            // From three quarters on, a colour stays what it was: of four things that were to be
            // recoloured under a mask, none was, and all were from noise alone.
            masked_strength: 1.0,
        },
        size: SizeLimits {
            min_side: limits.min_side,
            max_side: limits.max_side,
            multiple: limits.multiple,
            max_pixels: u64::from(limits.max_side).pow(2),
        },
        sizes: manifest.sizes.iter().copied().map(Size::from).collect(),
        steps: manifest::STEPS,
        guidance: manifest::GUIDANCE,
        samplers: manifest::SAMPLERS.to_vec(),
        schedules: manifest::SCHEDULES.to_vec(),
        // A network that is told its guidance is asked once a step, and never what to lead away from.
        negative: !parts.network.guidance_embeds,
        // What reads the prompt is a language model: it knows words, and no more of one than of another.
        weights: false,
        vocabulary: manifest.language.clone().map(Arc::new),
        tokens: Some(counter(manifest, parts)),
        max_references: limits.max_references,
        // Nothing tells the network that only a picture's style is meant.
        roles: vec![Role::Subject, Role::Edit],
        init: true,
        mask: true,
        loras: false,
        precisions: processor.precisions().to_vec(),
        approximations: Vec::new(),
    }
}

/// The family of a file of weights, if its network is there.
fn family_of(file: &Path) -> Result<Family, ModelError> {
    match Checkpoint::open(file)?.family() {
        Some(Family::Flux2) => Ok(Family::Flux2),
        Some(family) => Err(unsupported(
            file,
            format!("a {} checkpoint, and that family is not there yet", family.name()),
        )),
        None => Err(unsupported(file, "its tensors are those of no family that is known".into())),
    }
}

fn lacks_companions(family: Family) -> String {
    format!(
        "{} weights alone: {} with a tokenizer and a text encoder must lie beside them (the published \
         FLUX.2 models' own text encoder and autoencoder are not there yet)",
        family.name(),
        manifest::FILE_NAME
    )
}

/// The denoiser of a folder: the diffusers place, or the one file of weights beside the manifest.
fn find_denoiser(folder: &Path) -> Result<PathBuf, ModelError> {
    const NAME: &str = "diffusion_pytorch_model.safetensors";
    let usual = folder.join("transformer").join(NAME);
    let sharded = folder.join("transformer").join(format!("{NAME}.index.json"));
    if let Some(found) = [&usual, &sharded].into_iter().find(|path| path.is_file()) {
        return Ok(found.clone());
    }
    let entries = std::fs::read_dir(folder)
        .map_err(|source| WeightError::Open { file: folder.to_owned(), source })?;
    let mut single: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_weights(path))
        .collect();
    match (single.pop(), single.len()) {
        (Some(file), 0) => Ok(file),
        (Some(_), more) => Err(unsupported(
            folder,
            format!("{} files of weights lie here: name one of them", more + 1),
        )),
        (None, _) => Err(WeightError::Open {
            file: usual,
            source: std::io::Error::new(std::io::ErrorKind::NotFound, "the weights are missing"),
        }
        .into()),
    }
}

fn unsupported(file: &Path, problem: String) -> ModelError {
    ModelError::Unsupported { file: file.to_owned(), problem }
}
