//! `generate --recipe`: a recipe out of a file, to be rendered again. It may be a picture that carries one,
//! ours or another program's, or JSON as `recipe` prints it.
//!
//! What else is said on the command line comes before it. A recipe is a stranger's as any file is: it names
//! its model by a plain name, and pictures by hash, which the library may have.

use std::io::Read;
use std::path::{Path, PathBuf};

use likeness_picture::foreign::model_name;
use likeness_picture::{Limits, PictureError, read_file, read_metadata};
use likeness_recipe::{ModelCapabilities, Recipe, ResolvedRecipe, Role, Sampler, Size};
use likeness_studio::care;

use crate::environment::Host;
use crate::request::{Again, Request};
use crate::show::{Shown, of_metadata};
use crate::{Failure, show};

/// Most bytes of a recipe as JSON: one of the longest prompts has a hundred thousand.
const JSON_BYTES: usize = 1 << 20;

/// A recipe that came in.
#[derive(Debug, Clone, PartialEq)]
pub struct RecipeFile {
    recipe: Recipe,
    /// Whether another program made the picture: its names are matched, not its own.
    foreign: bool,
}

impl RecipeFile {
    /// Reads the file at `path`, or standard input where that is `-`.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = read_bytes("recipe", path)?;
        let unusable = |error: PictureError| Failure::of_input("recipe", path, &error);
        let start = bytes.trim_ascii_start().first();
        if start == Some(&b'{') {
            return Self::of_json(&bytes).map_err(|problem| {
                Failure::Input(format!("recipe: {}: {problem}", path.display()))
            });
        }
        let metadata = read_metadata(&bytes).map_err(|error| match error {
            PictureError::NotAPicture => Failure::Input(format!(
                "recipe: {}: it is neither a picture nor JSON (accepted: a picture that carries a \
                 recipe, or what `likeness recipe --json` prints)",
                path.display()
            )),
            error => unusable(error),
        })?;
        Ok(match of_metadata("recipe", path, &metadata)? {
            Shown::Ours(recipe) => Self { recipe: recipe.low(), foreign: false },
            Shown::Theirs { recipe, .. } => Self { recipe: *recipe, foreign: true },
        })
    }

    fn of_json(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > JSON_BYTES {
            return Err(format!(
                "it has {} bytes (accepted: at most {JSON_BYTES} of JSON)",
                bytes.len()
            ));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let mut fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|error| format!("{error} (accepted: JSON)"))?;
        // Beside the recipe stands what was not matched, where another program's picture was shown.
        fields.remove(show::UNMATCHED);
        let foreign = fields.remove(show::PROGRAM).is_some();
        let text = serde_json::Value::from(fields).to_string();
        if let Ok(resolved) = ResolvedRecipe::from_json(&text) {
            return Ok(Self { recipe: resolved.low(), foreign });
        }
        let recipe = Recipe::from_json(&text).map_err(|error| error.to_string())?;
        Ok(Self { recipe, foreign })
    }

    /// The name of the model that it is for.
    pub fn model(&self) -> Option<String> {
        self.recipe.model.as_ref().and_then(|model| model_name(&model.name))
    }

    /// The request that was made with it: what was said stays, and the recipe fills in the rest. What belongs
    /// to another model than `able` is left to that one, and told.
    pub fn complete(
        &self,
        said: &Request,
        able: &ModelCapabilities,
        host: &Host,
    ) -> Result<(Request, Vec<String>), Failure> {
        let Self { recipe, foreign } = self;
        let same = self.model().map_or(!foreign, |name| name == able.model.name);
        let pinned = recipe.model.as_ref().and_then(|model| model.sha256.as_deref());
        if said.model.is_none() && pinned.is_some_and(|hash| hash != able.model.sha256) {
            let name = &able.model.name;
            return Err(Failure::Usage(format!(
                "recipe: it is for other weights of {name} than are here (accepted: --model {name}, which \
                 makes another picture of the same words)"
            )));
        }
        let mut request = said.clone();
        let mut left = Vec::new();
        if request.prompt.is_empty() {
            request.prompt.clone_from(&recipe.prompt);
        }
        request.seed = said.seed.or(recipe.seed);
        request.noise_source = said.noise_source.clone().or(recipe.noise_source.clone());
        request.count = said.count.or(recipe.count);
        let size = Size {
            width: recipe.width.unwrap_or(able.defaults.size.width),
            height: recipe.height.unwrap_or(able.defaults.size.height),
        };
        let sized = recipe.width.is_some() || recipe.height.is_some();
        request.size = said.size.or(sized.then_some(size));
        take(&mut request.steps, &recipe.steps, "steps", same, &mut left);
        take(&mut request.guidance, &recipe.guidance, "guidance", same, &mut left);
        let sampler = recipe.sampler.as_ref().map(|name| match foreign {
            true => as_the_model_calls_it(name, able),
            false => name.clone(),
        });
        take(&mut request.sampler, &sampler, "sampler", same, &mut left);
        take(&mut request.schedule, &recipe.schedule, "schedule", same, &mut left);
        take(&mut request.precision, &recipe.precision, "precision", same, &mut left);
        // Where nothing is asked about it, it belongs to a guidance that was left.
        let heard = able.negative && request.guidance.unwrap_or(able.defaults.guidance) != 1.0;
        take(&mut request.negative, &recipe.negative, "negative", same || heard, &mut left);
        self.take_pictures(&mut request, host)?;
        // With other words, another seed or another size it is a new picture, by the rules of today.
        let repeats = same
            && request.prompt == recipe.prompt
            && request.seed == recipe.seed
            && request.size == sized.then_some(size);
        request.again = repeats.then(|| Again {
            schema: recipe.schema,
            alpha: recipe.alpha.clone(),
            canvas: recipe.canvas,
        });
        if let (Some(lora), true) = (recipe.loras.first(), said.loras.is_empty()) {
            return Err(Failure::Usage(format!(
                "recipe: it adds {} to the weights, whose file a recipe does not hold (accepted: --lora \
                 FILE:WEIGHT)",
                lora.name
            )));
        }
        if let Some(name) = recipe.approximations.first() {
            let problem = format!("recipe: it asks for {name}, which cannot be asked for here");
            return Err(Failure::Usage(format!("{problem} (accepted: a recipe without it)")));
        }
        let name = &able.model.name;
        let note = format!("of the recipe's other model, left to {name}: {}", left.join(", "));
        Ok((request, if left.is_empty() { Vec::new() } else { vec![note] }))
    }

    /// Takes the pictures that it names out of the library, where no others were given.
    fn take_pictures(&self, request: &mut Request, host: &Host) -> Result<(), Failure> {
        let given = !request.references.is_empty();
        let mut references = Vec::new();
        for reference in &self.recipe.references {
            let edit = reference.role == Role::Edit;
            if !edit && given {
                continue;
            }
            let instead = if edit { "likeness edit IMAGE" } else { "--ref FILE" };
            let called = reference.name.as_deref().unwrap_or("a picture");
            let path = find(host, &reference.sha256, called, instead)?;
            request.called.extend(Some((path.clone(), reference.name.clone())));
            if edit {
                request.guard = Some(reference.guard != Some(false));
            }
            references.push((reference.role, path));
        }
        references.append(&mut request.references);
        request.references = references;
        if let (Some(init), None) = (&self.recipe.init, &request.init) {
            request.init = Some(find(host, &init.sha256, "its starting picture", "--init FILE")?);
            request.strength = request.strength.or(init.strength);
        }
        if let (Some(mask), None) = (&self.recipe.mask, &request.mask) {
            request.mask = Some(find(host, &mask.sha256, "its mask", "--mask FILE")?);
        }
        Ok(())
    }
}

/// The bytes of a file, or of standard input for `-`.
pub fn read_bytes(field: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    let most = Limits::default().bytes;
    if path != Path::new("-") {
        return read_file(path, most).map_err(|error| Failure::of_input(field, path, &error));
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(most + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::Input(format!("{field}: standard input: {error}")))?;
    if bytes.len() as u64 > most {
        let problem = format!("it gives more than {} MB", most >> 20);
        return Err(Failure::Input(format!("{field}: standard input: {problem}")));
    }
    Ok(bytes)
}

/// Fills in a field that was not said, or notes that it is left.
fn take<T: Clone + std::fmt::Display>(
    said: &mut Option<T>,
    recipe: &Option<T>,
    name: &str,
    taken: bool,
    left: &mut Vec<String>,
) {
    match recipe {
        Some(value) if said.is_none() && taken => *said = Some(value.clone()),
        Some(value) if said.is_none() => left.push(format!("{name} {value}")),
        _ => {}
    }
}

/// Euler's method has one name in other programs, for flow models too.
fn as_the_model_calls_it(name: &str, able: &ModelCapabilities) -> String {
    let flow = name == Sampler::Euler.name()
        && !able.samplers.contains(&Sampler::Euler)
        && able.samplers.contains(&Sampler::FlowEuler);
    if flow { Sampler::FlowEuler.name().to_owned() } else { name.to_owned() }
}

fn find(host: &Host, sha256: &str, called: &str, instead: &str) -> Result<PathBuf, Failure> {
    let found = care::asset_file(&host.library, sha256).ok().filter(|path| path.is_file());
    found.ok_or_else(|| {
        Failure::Input(format!(
            "recipe: {called}, which it names, is not in the library (accepted: {instead}, or the library \
             that has it)"
        ))
    })
}
