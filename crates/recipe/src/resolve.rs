//! Low form to high form: every default filled in, everything impossible refused by name.

use crate::capabilities::ModelCapabilities;
use crate::resolved::SETTLED;
use crate::{
    Alpha, Canvas, Init, Lora, Mask, ModelRef, NoiseSource, Precision, Recipe, RecipeError,
    Reference, ResolvedRecipe, Role, SCHEMA, Sampler, Schedule, Seed, Size, json, prompt,
};

/// Most characters of a prompt. The tokens that a model reads are its own, tighter limit.
pub const MAX_PROMPT_CHARS: usize = 4_000;

/// Most pictures of one recipe.
pub const MAX_COUNT: u32 = 1_000;

/// Largest weight of a LoRA in either direction.
const MAX_LORA_WEIGHT: f32 = 10.0;

/// Fills in what `recipe` leaves open from what the model offers, or says which field cannot be met.
///
/// `random_seed` is asked once, and only for a seed that is left open; 32 bits of it are used, since
/// A1111 and the tools after it hold no longer ones.
pub fn resolve(
    recipe: &Recipe,
    model: &ModelCapabilities,
    random_seed: impl FnOnce() -> u64,
) -> Result<ResolvedRecipe, RecipeError> {
    let schema = recipe.schema.unwrap_or(SCHEMA);
    json::check_schema(schema)?;
    let guidance = resolve_guidance(recipe, model)?;
    let (size, canvas) = resolve_size(recipe, model)?;
    let prompt = resolve_prompt(&recipe.prompt)?;
    let negative = resolve_negative(recipe, model, guidance)?;
    Ok(ResolvedRecipe {
        schema,
        model: resolve_model(recipe, model)?,
        read: resolve_reading("prompt", &prompt, schema, model)?,
        read_negative: resolve_reading("negative", &negative, schema, model)?,
        prompt,
        negative,
        width: size.width,
        height: size.height,
        seed: match recipe.seed {
            Some(Seed::Fixed(seed)) => seed,
            Some(Seed::Random) | None => random_seed() & u64::from(u32::MAX),
        },
        noise_source: resolve_noise_source(recipe)?,
        count: resolve_count(recipe)?,
        steps: resolve_steps(recipe, model)?,
        guidance,
        sampler: resolve_sampler(recipe, model)?,
        schedule: resolve_schedule(recipe, model)?,
        precision: resolve_precision(recipe, model)?,
        references: resolve_references(recipe, model)?,
        init: resolve_init(recipe, model)?,
        mask: resolve_mask(recipe, model)?,
        loras: resolve_loras(recipe, model)?,
        approximations: resolve_approximations(recipe, model)?,
        canvas,
        alpha: resolve_alpha(recipe, schema, model)?,
        enlarged: None,
        delivered: None,
    })
}

fn resolve_model(recipe: &Recipe, model: &ModelCapabilities) -> Result<ModelRef, RecipeError> {
    let Some(asked) = &recipe.model else { return Ok(model.model.clone()) };
    if asked.name != model.model.name {
        let problem = format!("the recipe is for {}, and {} is open", asked.name, model.model.name);
        return Err(RecipeError::new(
            "model",
            problem,
            format!("open {}, or leave model out", asked.name),
        ));
    }
    match &asked.sha256 {
        Some(sha256) if *sha256 != model.model.sha256 => Err(RecipeError::new(
            "model.sha256",
            format!("the recipe is for other weights of {}: {sha256}", asked.name),
            format!("{}, or leave it out", model.model.sha256),
        )),
        _ => Ok(model.model.clone()),
    }
}

fn resolve_prompt(prompt: &str) -> Result<String, RecipeError> {
    if prompt.trim().is_empty() {
        return Err(RecipeError::new(
            "prompt",
            "it is empty",
            "what the picture should show, in words",
        ));
    }
    check_text("prompt", prompt)?;
    Ok(prompt.to_owned())
}

/// What the network is given of a text where that is not the text itself. Recipes of before gave it
/// every mark as words.
fn resolve_reading(
    field: &str,
    text: &str,
    schema: u32,
    model: &ModelCapabilities,
) -> Result<Option<String>, RecipeError> {
    let read = if schema < SETTLED { None } else { prompt::read(field, text, model.weights)? };
    let (Some(counter), given) = (&model.tokens, read.as_deref().unwrap_or(text)) else {
        return Ok(read);
    };
    match (counter.count)(given) {
        Some(tokens) if tokens > counter.most => {
            let most = counter.most;
            let accepted = format!("at most {most} tokens, some {} words", most * 3 / 4);
            Err(RecipeError::new(field, format!("it makes {tokens} tokens"), accepted))
        }
        _ => Ok(read),
    }
}

/// That a text is no longer than a prompt may be, and can be written into a picture.
pub(crate) fn check_text(field: &str, text: &str) -> Result<(), RecipeError> {
    let length = text.chars().count();
    if length > MAX_PROMPT_CHARS {
        let problem = format!("it has {length} characters");
        return Err(RecipeError::new(field, problem, format!("at most {MAX_PROMPT_CHARS}")));
    }
    // They cannot be written into a picture's text, and none of them is meant by anyone.
    let stray = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    match stray {
        Some(c) => Err(RecipeError::new(
            field,
            format!("it holds the control character U+{:04X}", c as u32),
            "text, line breaks and tabs",
        )),
        None => Ok(()),
    }
}

fn resolve_guidance(recipe: &Recipe, model: &ModelCapabilities) -> Result<f32, RecipeError> {
    let guidance = recipe.guidance.unwrap_or(model.defaults.guidance);
    if !model.guidance.contains(guidance) {
        let problem = format!("{guidance} is not something {} can follow", model.model.name);
        return Err(RecipeError::new("guidance", problem, model.guidance.to_string()));
    }
    Ok(guidance)
}

fn resolve_negative(
    recipe: &Recipe,
    model: &ModelCapabilities,
    guidance: f32,
) -> Result<String, RecipeError> {
    let negative = recipe.negative.as_deref().unwrap_or_default();
    if negative.trim().is_empty() {
        return Ok(String::new());
    }
    if !model.negative {
        return Err(lacking("negative", "a negative prompt", model));
    }
    check_text("negative", negative)?;
    // At guidance 1 the network is never asked about it: it would be dropped without a word.
    if guidance == 1.0 {
        let accepted =
            format!("a guidance of {} other than 1, or no negative prompt", model.guidance);
        return Err(RecipeError::new("negative", "it has no effect at guidance 1", accepted));
    }
    Ok(negative.to_owned())
}

/// The size of the picture, and the one in which it is drawn where that is another.
fn resolve_size(
    recipe: &Recipe,
    model: &ModelCapabilities,
) -> Result<(Size, Option<Canvas>), RecipeError> {
    let size = Size {
        width: recipe.width.unwrap_or(model.defaults.size.width),
        height: recipe.height.unwrap_or(model.defaults.size.height),
    };
    // Recipes of before drew whatever was within the limits, and make it again.
    let before = recipe.schema.is_some_and(|schema| schema < SETTLED);
    let within = |size| match model.sizes.is_empty() || before {
        true => model.size.accepts(size),
        false => model.sizes.contains(&size),
    };
    let has_source = has_source(recipe);
    if let Some(canvas) = recipe.canvas {
        let drawn = Size::from(canvas);
        let inside = size.width <= drawn.width && size.height <= drawn.height && size.pixels() > 0;
        return match (has_source && inside, within(drawn)) {
            (true, true) => Ok((size, Some(canvas))),
            (true, false) => Err(unmeasured("canvas", drawn, model)),
            (false, _) => {
                let problem = format!("{drawn} is nothing that {size} can be cut out of");
                let accepted = "a size within it, and a picture to change or to begin from";
                Err(RecipeError::new("canvas", problem, accepted))
            }
        };
    }
    if within(size) {
        return Ok((size, None));
    }
    if model.sizes.is_empty() || before {
        return Err(out_of_limits(size, model));
    }
    match model.canvas_of(size).filter(|_| has_source) {
        Some(canvas) => Ok((size, Some(canvas.into()))),
        None => Err(unmeasured("size", size, model)),
    }
}

/// Whether the picture is made from another, whose shape it may have.
fn has_source(recipe: &Recipe) -> bool {
    recipe.init.is_some() || recipe.references.iter().any(|one| one.role == Role::Edit)
}

fn unmeasured(field: &str, size: Size, model: &ModelCapabilities) -> RecipeError {
    let problem = format!("{} was never measured at {size}", model.model.name);
    let all = list(&model.sizes);
    let accepted =
        format!("{all}; a picture made from another has its shape where none is asked for");
    RecipeError::new(field, problem, accepted)
}

fn out_of_limits(size: Size, model: &ModelCapabilities) -> RecipeError {
    let limits = &model.size;
    let sides = [size.width, size.height];
    let problem = if sides.iter().any(|&side| side < limits.min_side) {
        format!("{size} is too small")
    } else if sides.iter().any(|&side| side > limits.max_side) {
        format!("{size} is too large")
    } else if sides.iter().any(|&side| side % limits.multiple.max(1) != 0) {
        format!("{size} is not a multiple of {}", limits.multiple)
    } else {
        format!("{size} has more than {} pixels", limits.max_pixels)
    };
    let rule = format!(
        "sides from {} to {} that are multiples of {}",
        limits.min_side, limits.max_side, limits.multiple
    );
    let nearest: Vec<_> = limits.nearest(size).iter().map(Size::to_string).collect();
    let accepted =
        if nearest.is_empty() { rule } else { format!("{rule}; nearest: {}", nearest.join(", ")) };
    RecipeError::new("size", problem, accepted)
}

/// A prompt that asks for a background gets one that nothing can be seen through, and so does one that
/// says nothing of it, as such models were trained; one that asks for none is cut out softly; and what is
/// made from another picture is as that is. Of a model whose words are not known nothing can be told.
fn resolve_alpha(
    recipe: &Recipe,
    schema: u32,
    model: &ModelCapabilities,
) -> Result<Alpha, RecipeError> {
    if let Some(name) = &recipe.alpha {
        let named = Alpha::from_name(name).ok_or_else(|| {
            RecipeError::new("alpha", format!("{name:?} is unknown"), list(Alpha::ALL))
        })?;
        return match named == Alpha::Source && !has_source(recipe) {
            true => Err(RecipeError::new(
                "alpha",
                "there is no picture that it is made from",
                "drawn, opaque, or a picture to change or to begin from",
            )),
            false => Ok(named),
        };
    }
    let Some(vocabulary) = model.vocabulary.as_ref().filter(|_| schema >= SETTLED) else {
        return Ok(Alpha::Drawn);
    };
    Ok(match vocabulary.asks_for_ground(&recipe.prompt) {
        Some(true) => Alpha::Opaque,
        Some(false) => Alpha::Drawn,
        None if has_source(recipe) => Alpha::Source,
        None => Alpha::Opaque,
    })
}

fn resolve_noise_source(recipe: &Recipe) -> Result<NoiseSource, RecipeError> {
    let Some(name) = &recipe.noise_source else { return Ok(NoiseSource::Likeness) };
    NoiseSource::from_name(name).ok_or_else(|| {
        RecipeError::new("noise_source", format!("{name:?} is unknown"), list(NoiseSource::ALL))
    })
}

fn resolve_count(recipe: &Recipe) -> Result<u32, RecipeError> {
    let count = recipe.count.unwrap_or(1);
    if (1..=MAX_COUNT).contains(&count) {
        return Ok(count);
    }
    Err(RecipeError::new(
        "count",
        format!("{count} pictures cannot be made"),
        format!("1 to {MAX_COUNT}"),
    ))
}

fn resolve_steps(recipe: &Recipe, model: &ModelCapabilities) -> Result<u32, RecipeError> {
    let steps = recipe.steps.unwrap_or(model.defaults.steps);
    if model.steps.contains(steps) {
        return Ok(steps);
    }
    Err(RecipeError::new(
        "steps",
        format!("{steps} steps cannot be taken"),
        model.steps.to_string(),
    ))
}

fn resolve_sampler(recipe: &Recipe, model: &ModelCapabilities) -> Result<Sampler, RecipeError> {
    let Some(name) = &recipe.sampler else { return Ok(model.defaults.sampler) };
    pick("sampler", name, Sampler::from_name(name), &model.samplers, model)
}

fn resolve_schedule(recipe: &Recipe, model: &ModelCapabilities) -> Result<Schedule, RecipeError> {
    let Some(name) = &recipe.schedule else { return Ok(model.defaults.schedule) };
    pick("schedule", name, Schedule::from_name(name), &model.schedules, model)
}

fn resolve_precision(recipe: &Recipe, model: &ModelCapabilities) -> Result<Precision, RecipeError> {
    match recipe.precision.as_deref() {
        None | Some("auto") => Ok(model.defaults.precision),
        Some(name) => pick("precision", name, Precision::from_name(name), &model.precisions, model),
    }
}

fn resolve_references(
    recipe: &Recipe,
    model: &ModelCapabilities,
) -> Result<Vec<Reference>, RecipeError> {
    let references = &recipe.references;
    if references.len() > model.max_references as usize {
        let problem = format!("{} are given to {}", references.len(), model.model.name);
        return Err(RecipeError::new(
            "references",
            problem,
            format!("at most {}", model.max_references),
        ));
    }
    for (i, reference) in references.iter().enumerate() {
        let field = format!("references[{i}].role");
        if !model.roles.contains(&reference.role) {
            let problem =
                format!("{} cannot use a picture as {}", model.model.name, reference.role);
            return Err(RecipeError::new(field, problem, list(&model.roles)));
        }
        if reference.role == Role::Edit && i > 0 {
            return Err(RecipeError::new(
                field,
                "the picture to edit comes first",
                "one, at references[0]",
            ));
        }
        if reference.role != Role::Edit && reference.guard == Some(true) {
            return Err(RecipeError::new(
                format!("references[{i}].guard"),
                format!("a picture given as {} has nothing to keep", reference.role),
                "the edit guard on a picture to edit",
            ));
        }
    }
    let resolved = |reference: &Reference| Reference {
        guard: (reference.role == Role::Edit).then(|| reference.guard.unwrap_or(true)),
        ..reference.clone()
    };
    Ok(references.iter().map(resolved).collect())
}

fn resolve_init(recipe: &Recipe, model: &ModelCapabilities) -> Result<Option<Init>, RecipeError> {
    let Some(init) = &recipe.init else { return Ok(None) };
    if !model.init {
        return Err(lacking("init", "a starting picture", model));
    }
    let usual = match recipe.mask {
        Some(_) => model.defaults.masked_strength,
        None => model.defaults.strength,
    };
    let strength = init.strength.unwrap_or(usual);
    if !(strength > 0.0 && strength <= 1.0) {
        return Err(RecipeError::new(
            "init.strength",
            format!("{strength} is out of range"),
            "above 0, up to 1",
        ));
    }
    Ok(Some(Init { sha256: init.sha256.clone(), strength }))
}

fn resolve_mask(recipe: &Recipe, model: &ModelCapabilities) -> Result<Option<Mask>, RecipeError> {
    let Some(mask) = &recipe.mask else { return Ok(None) };
    if !model.mask {
        return Err(lacking("mask", "a mask", model));
    }
    if recipe.init.is_none() {
        return Err(RecipeError::new(
            "mask",
            "there is no picture that it masks",
            "a mask together with init",
        ));
    }
    Ok(Some(mask.clone()))
}

fn resolve_loras(recipe: &Recipe, model: &ModelCapabilities) -> Result<Vec<Lora>, RecipeError> {
    if !recipe.loras.is_empty() && !model.loras {
        return Err(lacking("loras", "a LoRA", model));
    }
    for (i, lora) in recipe.loras.iter().enumerate() {
        if lora.weight.is_nan() || lora.weight.abs() > MAX_LORA_WEIGHT {
            return Err(RecipeError::new(
                format!("loras[{i}].weight"),
                format!("{} is out of range", lora.weight),
                format!("-{MAX_LORA_WEIGHT} to {MAX_LORA_WEIGHT}"),
            ));
        }
    }
    Ok(recipe.loras.clone())
}

fn resolve_approximations(
    recipe: &Recipe,
    model: &ModelCapabilities,
) -> Result<Vec<String>, RecipeError> {
    let unknown = recipe.approximations.iter().find(|name| !model.approximations.contains(name));
    match unknown {
        Some(name) => Err(RecipeError::new(
            "approximations",
            format!("{} does not offer {name:?}", model.model.name),
            if model.approximations.is_empty() {
                "none".into()
            } else {
                model.approximations.join(", ")
            },
        )),
        None => Ok(recipe.approximations.clone()),
    }
}

/// `found` if the model accepts it; the error tells an unknown name from one the family lacks.
fn pick<T: Copy + PartialEq + std::fmt::Display>(
    field: &str,
    name: &str,
    found: Option<T>,
    accepted: &[T],
    model: &ModelCapabilities,
) -> Result<T, RecipeError> {
    match found {
        Some(one) if accepted.contains(&one) => Ok(one),
        Some(one) => {
            let problem = format!("the {} family does not have {one}", model.family);
            Err(RecipeError::new(field, problem, list(accepted)))
        }
        None => Err(RecipeError::new(field, format!("{name:?} is unknown"), list(accepted))),
    }
}

fn lacking(field: &str, what: &str, model: &ModelCapabilities) -> RecipeError {
    let problem = format!("{} ({}) cannot use {what}", model.model.name, model.family);
    RecipeError::new(field, problem, format!("a recipe without {field}"))
}

fn list<T: std::fmt::Display>(all: &[T]) -> String {
    all.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}
