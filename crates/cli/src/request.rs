//! What a person asked for on this machine: the recipe's fields, with files by path.

use std::path::{Path, PathBuf};

use likeness_picture::{DigitalSource, Limits, PictureError, decode, read_file, read_metadata};
use likeness_recipe::{
    Canvas, InitChoice, Inputs, Lora, Mask, ModelCapabilities, Pixels, Recipe, Reference,
    ResolvedRecipe, Role, Seed, Size, resolve,
};
use likeness_studio::api::DeliverChoice;
use sha2::{Digest, Sha256};

use crate::{Failure, tensors};

/// One `generate` or `edit`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// What the picture should show, or what an edit should change.
    pub prompt: String,
    /// What a recipe that is made again, with the same words, seed and size, settles beside all else.
    pub again: Option<Again>,
    /// See [`Recipe::negative`].
    pub negative: Option<String>,
    /// A model's name or path.
    pub model: Option<String>,
    /// See [`Recipe::seed`].
    pub seed: Option<Seed>,
    /// See [`Recipe::steps`].
    pub steps: Option<u32>,
    /// See [`Recipe::guidance`].
    pub guidance: Option<f32>,
    /// Without one, a picture to edit or to start from gives the shape.
    pub size: Option<Size>,
    /// See [`Recipe::count`].
    pub count: Option<u32>,
    /// Pictures to look at, and what for.
    pub references: Vec<(Role, PathBuf)>,
    /// See [`Reference::guard`]: of the picture to edit.
    pub guard: Option<bool>,
    /// A picture to start from.
    pub init: Option<PathBuf>,
    /// See [`InitChoice::strength`].
    pub strength: Option<f32>,
    /// Where the starting picture may change.
    pub mask: Option<PathBuf>,
    /// See [`Recipe::sampler`].
    pub sampler: Option<String>,
    /// See [`Recipe::schedule`].
    pub schedule: Option<String>,
    /// See [`Recipe::noise_source`].
    pub noise_source: Option<String>,
    /// See [`Recipe::precision`].
    pub precision: Option<String>,
    /// Additions to the weights.
    pub loras: Vec<LoraFile>,
    /// What size each picture is to have at the end.
    pub deliver: Option<DeliverChoice>,
    /// A file or a folder.
    pub out: Option<PathBuf>,
    /// Whether a file that has the name is replaced.
    pub overwrite: bool,
    /// Whether the file is to say nothing of how it was made.
    pub no_recipe: bool,
    /// Whether the file is not to say to machines that a model made it.
    pub no_ai_mark: bool,
    /// A file with a recipe that fills in what is not said.
    pub recipe: Option<PathBuf>,
    /// What files are called that the library holds under names of its own.
    pub called: Vec<(PathBuf, Option<String>)>,
    /// A safetensors file with first noise.
    pub initial_noise: Option<PathBuf>,
    /// A safetensors file to write.
    pub dump: Option<PathBuf>,
}

/// The rules by which a picture was made that is made again.
#[derive(Debug, Clone, PartialEq)]
pub struct Again {
    /// See [`Recipe::schema`].
    pub schema: Option<u32>,
    /// See [`Recipe::alpha`].
    pub alpha: Option<String>,
    /// See [`Recipe::canvas`].
    pub canvas: Option<Canvas>,
}

/// A file of additions to the weights, and how much of them.
#[derive(Debug, Clone, PartialEq)]
pub struct LoraFile {
    /// The file.
    pub path: PathBuf,
    /// 1 is as it was trained.
    pub weight: f32,
}

impl LoraFile {
    /// Reads `FILE:WEIGHT`. What follows the last colon is a weight only if it is a number, since
    /// paths may hold colons too; without one the weight is 1.
    pub fn parse(text: &str) -> Self {
        let with_weight = text.rsplit_once(':').and_then(|(path, weight)| {
            Some(Self { path: path.into(), weight: weight.trim().parse().ok()? })
        });
        with_weight.unwrap_or_else(|| Self { path: text.into(), weight: 1.0 })
    }
}

impl Request {
    /// The picture files that it names.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let references = self.references.iter().map(|(_, path)| path);
        references.chain(&self.init).chain(&self.mask).map(PathBuf::as_path)
    }

    /// What a person calls one of them.
    fn name_of(&self, path: &Path) -> Option<String> {
        match self.called.iter().find(|(there, _)| there == path) {
            Some((_, name)) => name.clone(),
            None => path.file_name().map(|name| name.to_string_lossy().into_owned()),
        }
    }
}

/// A model as it was typed: a file or a folder that is there is meant as that, wherever the queue is
/// worked off later, and all else stays as it is. Only what was typed is looked for like this; a name in
/// a picture never is.
pub fn typed_model(text: &str) -> String {
    let there = Path::new(text).exists().then(|| std::path::absolute(text).ok()).flatten();
    there.and_then(|path| path.into_os_string().into_string().ok()).unwrap_or(text.to_owned())
}

/// What a person calls a file.
pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// A request that can be met, with what it needs.
pub struct Prepared {
    /// Every default filled in.
    pub recipe: ResolvedRecipe,
    /// The pictures that it names.
    pub inputs: Inputs,
    /// What the picture that it goes on from, to edit or to start from, says of how it came about.
    pub before: Option<DigitalSource>,
}

/// Resolves `request` against the model, and reads the files that it names.
///
/// What needs no file is checked before any is read: a slip in `--steps` should not cost the reading
/// of six photographs.
pub fn prepare(
    request: &Request,
    model: &ModelCapabilities,
    random_seed: impl FnOnce() -> u64,
) -> Result<Prepared, Failure> {
    resolve(&recipe(request), model, || 0)?;
    check_once(request)?;
    let files = Files::read(request)?;
    let recipe = with_files(recipe(request), request, &files, model)?;
    let resolved = resolve(&recipe, model, random_seed)?;
    let before = files.source(request).and_then(|picture| picture.made_by);
    Ok(Prepared { recipe: resolved, inputs: files.into_inputs(request)?, before })
}

/// The recipe of `request` before its files are read: their hashes are empty.
fn recipe(request: &Request) -> Recipe {
    let references = request.references.iter().map(|(role, path)| Reference {
        role: *role,
        sha256: String::new(),
        name: request.name_of(path),
        guard: request.guard.filter(|_| *role == Role::Edit),
    });
    let loras = request.loras.iter().map(|lora| Lora {
        name: lora.path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        sha256: String::new(),
        weight: lora.weight,
    });
    let init = request
        .init
        .as_ref()
        .map(|_| InitChoice { sha256: String::new(), strength: request.strength });
    let again = request.again.as_ref();
    Recipe {
        schema: again.and_then(|again| again.schema),
        alpha: again.and_then(|again| again.alpha.clone()),
        canvas: again.and_then(|again| again.canvas),
        negative: request.negative.clone(),
        width: request.size.map(|size| size.width),
        height: request.size.map(|size| size.height),
        seed: request.seed,
        noise_source: request.noise_source.clone(),
        count: request.count,
        steps: request.steps,
        guidance: request.guidance,
        sampler: request.sampler.clone(),
        schedule: request.schedule.clone(),
        precision: request.precision.clone(),
        references: references.collect(),
        init,
        mask: request.mask.as_ref().map(|_| Mask { sha256: String::new() }),
        loras: loras.collect(),
        ..Recipe::new(&request.prompt)
    }
}

/// Noise and numbers are those of one picture.
fn check_once(request: &Request) -> Result<(), Failure> {
    let several = request.count.is_some_and(|count| count > 1);
    let field = [(&request.initial_noise, "initial_noise"), (&request.dump, "dump")];
    match field.iter().find(|(given, _)| several && given.is_some()) {
        Some((_, field)) => {
            Err(Failure::Usage(format!("{field}: it is for one picture (accepted: --count 1)")))
        }
        None => Ok(()),
    }
}

/// A picture from a file.
struct Picture {
    pixels: Pixels,
    /// The file's hash.
    sha256: String,
    /// What the file says of how it came about.
    made_by: Option<DigitalSource>,
}

struct Files {
    references: Vec<Picture>,
    init: Option<Picture>,
    mask: Option<Picture>,
    loras: Vec<String>,
}

impl Files {
    fn read(request: &Request) -> Result<Self, Failure> {
        let optional =
            |field, path: &Option<PathBuf>| path.as_ref().map(|path| read(field, path)).transpose();
        let references = request.references.iter().map(|(role, path)| match role {
            Role::Edit => read("image", path),
            Role::Subject | Role::Style => read("ref", path),
        });
        Ok(Self {
            references: references.collect::<Result<_, _>>()?,
            init: optional("init", &request.init)?,
            mask: optional("mask", &request.mask)?,
            loras: request.loras.iter().map(|lora| hash(&lora.path)).collect::<Result<_, _>>()?,
        })
    }

    /// The picture that the result goes on from.
    fn source(&self, request: &Request) -> Option<&Picture> {
        let edited = request.references.iter().position(|(role, _)| *role == Role::Edit);
        self.init.as_ref().or(edited.and_then(|i| self.references.get(i)))
    }

    fn into_inputs(self, request: &Request) -> Result<Inputs, Failure> {
        let pixels = |picture: Picture| picture.pixels;
        Ok(Inputs {
            references: self.references.into_iter().map(pixels).collect(),
            init: self.init.map(pixels),
            mask: self.mask.map(pixels),
            initial_noise: request.initial_noise.as_deref().map(tensors::read_noise).transpose()?,
            dump: request.dump.is_some(),
        })
    }
}

fn read(field: &str, path: &Path) -> Result<Picture, Failure> {
    let unusable = |error| Failure::of_input(field, path, &error);
    let bytes = read_file(path, Limits::default().bytes).map_err(unusable)?;
    let decoded = decode(&bytes, &Limits::default()).map_err(unusable)?;
    // A file whose texts are damaged is a picture all the same.
    let made_by = read_metadata(&bytes).ok().and_then(|metadata| metadata.made_by());
    Ok(Picture { pixels: decoded.pixels, sha256: decoded.sha256, made_by })
}

fn hash(path: &Path) -> Result<String, Failure> {
    let unreadable = |source| {
        let error = PictureError::Unreadable { path: path.to_owned(), source };
        Failure::of_input("lora", path, &error)
    };
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let mut hasher = Sha256::new();
    std::io::copy(&mut file, &mut hasher).map_err(unreadable)?;
    Ok(format!("{:x}", hasher.finalize()))
}

fn with_files(
    mut recipe: Recipe,
    request: &Request,
    files: &Files,
    model: &ModelCapabilities,
) -> Result<Recipe, Failure> {
    for (reference, file) in recipe.references.iter_mut().zip(&files.references) {
        reference.sha256.clone_from(&file.sha256);
    }
    for (lora, sha256) in recipe.loras.iter_mut().zip(&files.loras) {
        lora.sha256.clone_from(sha256);
    }
    if let (Some(init), Some(file)) = (&mut recipe.init, &files.init) {
        init.sha256.clone_from(&file.sha256);
    }
    if let (Some(mask), Some(file)) = (&mut recipe.mask, &files.mask) {
        mask.sha256.clone_from(&file.sha256);
    }
    if let (None, Some(source)) = (request.size, files.source(request)) {
        let size = model.size_like(source.pixels.size());
        (recipe.width, recipe.height) = (Some(size.width), Some(size.height));
    }
    Ok(recipe)
}
