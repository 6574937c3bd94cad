//! What a picture says of how it was made, as a request: our own recipe, or another program's settings.
//!
//! Each setting stands by itself, with what this machine's model would say to it, so that a person can
//! take some and leave the others.

use likeness_library::AnyId;
use likeness_picture::PictureMetadata;
use likeness_picture::foreign::{Field, Reason, Unmatched, read_settings};
use likeness_recipe::{ResolvedRecipe, Sampler};

use crate::api::{ForeignSettings, RenderRequest, SettingFound, SettingUnmatched};
use crate::models;
use crate::studio::Shared;

/// What the weights of a picture's model are called in the list of what has no counterpart, where the
/// model of that name has others here. The window looks for it.
const OTHER_WEIGHTS: &str = "model hash";

/// Characters of a hash that are shown: enough to tell two by.
const HASH: usize = 12;

/// The settings in a picture, if it has any.
pub(crate) fn settings(shared: &Shared, metadata: &PictureMetadata) -> Option<ForeignSettings> {
    let mut settings = match metadata.recipe() {
        Some(Ok(recipe)) => ours(shared, &recipe),
        _ => as_the_model_calls_it(shared, theirs(metadata)?),
    };
    for field in &mut settings.fields {
        field.problem = problem(shared, &settings.request, &field.field);
    }
    Some(settings)
}

/// The settings that another program wrote.
fn theirs(metadata: &PictureMetadata) -> Option<ForeignSettings> {
    let found = read_settings(metadata)?;
    let mut request = RenderRequest::new("");
    let mut fields = Vec::new();
    let mut unmatched: Vec<_> = found.unmatched.iter().map(left).collect();
    for (field, value) in &found.values {
        let number = || value.parse::<u32>().ok();
        match field {
            Field::Prompt => request.prompt.clone_from(value),
            Field::Negative => request.negative = Some(value.clone()),
            Field::Model => request.model = Some(value.clone()),
            Field::Seed => request.seed = Some(value.clone()),
            Field::NoiseSource => request.noise_source = Some(value.clone()),
            Field::Steps => request.steps = number(),
            Field::Guidance => request.guidance = value.parse().ok(),
            Field::Width => request.width = number(),
            Field::Height => request.height = number(),
            Field::Sampler => request.sampler = Some(value.clone()),
            Field::Schedule => request.schedule = Some(value.clone()),
            Field::Strength => {
                unmatched.push(SettingUnmatched {
                    name: field.name().to_owned(),
                    value: value.clone(),
                    reason: Reason::NoStartingPicture.said().to_owned(),
                });
                continue;
            }
        }
        fields.push((field.name().to_owned(), value.clone()));
    }
    Some(ForeignSettings {
        program: found.program.label().to_owned(),
        fields: list(fields),
        request,
        unmatched,
    })
}

/// Euler's method has one name in other programs, for flow models too: it becomes the one that the model has.
fn as_the_model_calls_it(shared: &Shared, mut settings: ForeignSettings) -> ForeignSettings {
    let has = |request: &RenderRequest| problem(shared, request, "sampler").is_none();
    let request = &mut settings.request;
    if request.sampler.as_deref() != Some(Sampler::Euler.name()) || has(request) {
        return settings;
    }
    let flow = Sampler::FlowEuler.name().to_owned();
    let other = RenderRequest { sampler: Some(flow.clone()), ..request.clone() };
    if has(&other) {
        *request = other;
        for field in settings.fields.iter_mut().filter(|field| field.field == "sampler") {
            field.value.clone_from(&flow);
        }
    }
    settings
}

fn left(setting: &Unmatched) -> SettingUnmatched {
    SettingUnmatched {
        name: setting.name.clone(),
        value: setting.value.clone(),
        reason: setting.reason.said().to_owned(),
    }
}

/// The settings of a picture that we made, or that says so: anybody can write such a recipe. What it was
/// made from is there if the library has it.
fn ours(shared: &Shared, recipe: &ResolvedRecipe) -> ForeignSettings {
    let mut request = RenderRequest::of_recipe(recipe, Vec::new());
    let mut unmatched = Vec::new();
    let mut fields = Vec::new();
    let mut found = |name: &str, value: Option<String>| {
        fields.extend(value.map(|value| (name.to_owned(), value)));
    };
    found("prompt", Some(request.prompt.clone()));
    found("negative", request.negative.clone());
    found("model", request.model.clone());
    found("seed", request.seed.clone());
    found("noise_source", request.noise_source.clone());
    found("steps", request.steps.map(|steps| steps.to_string()));
    found("guidance", request.guidance.map(|guidance| guidance.to_string()));
    found("width", request.width.map(|width| width.to_string()));
    found("height", request.height.map(|height| height.to_string()));
    found("sampler", request.sampler.clone());
    found("schedule", request.schedule.clone());
    found("precision", request.precision.clone());

    let there = |hash: &str| {
        hash.parse::<AnyId>().is_ok_and(|id| shared.read(|reader| reader.asset(id)).is_ok())
    };
    unmatched.extend(other_weights(shared, &request, recipe));
    let mut lost = |name: &str, value: String| {
        let reason = "This picture is not in the library".to_owned();
        unmatched.push(SettingUnmatched { name: name.to_owned(), value, reason });
    };
    request.references.retain(|reference| {
        let is_there = there(&reference.asset);
        let name = reference.name.clone().unwrap_or_else(|| reference.asset.clone());
        if is_there {
            found("references", Some(name))
        } else {
            lost("references", name)
        }
        is_there
    });
    if let Some(init) = request.init.take() {
        match there(&init.asset) {
            true => {
                found("init", Some(init.asset.clone()));
                request.init = Some(init);
            }
            false => lost("init", init.asset),
        }
    }
    if let Some(mask) = request.mask.take() {
        match request.init.is_some() && there(&mask.asset) {
            true => {
                found("mask", Some(mask.asset.clone()));
                request.mask = Some(mask);
            }
            false => lost("mask", mask.asset),
        }
    }
    let sources = recipe.references.len() == request.references.len()
        && recipe.init.is_some() == request.init.is_some();
    if !sources {
        // Without what it was made from it is another picture, which is nobody's repetition.
        request.again = None;
    }
    ForeignSettings { program: "Likeness".to_owned(), fields: list(fields), request, unmatched }
}

/// That the model of this name has other weights here than those that made the picture. It runs all the
/// same, and gives another picture. No weights are read for this: what a model is called and what its
/// weights hash to stands in its manifest, and is remembered.
fn other_weights(
    shared: &Shared,
    request: &RenderRequest,
    recipe: &ResolvedRecipe,
) -> Option<SettingUnmatched> {
    let name = request.model.as_deref()?;
    // That there is none of this name is the setting's own problem.
    let model = models::choose(Some(name), &shared.model_places, &shared.engine).ok()?;
    let (here, made_with) = (&model.description.capabilities.model.sha256, &recipe.model.sha256);
    if made_with.is_empty() || here.eq_ignore_ascii_case(made_with) {
        return None;
    }
    let shown = |hash: &str| hash.chars().take(HASH).collect::<String>();
    let here = shown(here);
    Some(SettingUnmatched {
        name: OTHER_WEIGHTS.to_owned(),
        value: shown(made_with),
        reason: format!("{name} has other weights here ({here}): the picture will differ"),
    })
}

/// As a person reads them: width and height are one setting.
fn list(fields: Vec<(String, String)>) -> Vec<SettingFound> {
    let mut all: Vec<SettingFound> = Vec::new();
    let joins = |field: &str, last: &str| match field {
        "height" if last == "size" => Some("x"),
        "references" if last == "references" => Some(", "),
        _ => None,
    };
    for (field, value) in fields {
        if let Some(last) = all.last_mut()
            && let Some(joint) = joins(&field, &last.field)
        {
            last.value = format!("{}{joint}{value}", last.value);
            continue;
        }
        let field = if field == "width" { "size".to_owned() } else { field };
        let label = field.replace('_', " ");
        all.push(SettingFound { field, label, value, problem: None });
    }
    all
}

/// What a model here would say to one setting alone.
fn problem(shared: &Shared, request: &RenderRequest, field: &str) -> Option<String> {
    let mut alone = RenderRequest::new("a picture");
    match field {
        "prompt" => alone.prompt.clone_from(&request.prompt),
        // It has no effect at some guidance, so the two belong together.
        "negative" => {
            alone.negative.clone_from(&request.negative);
            alone.guidance = request.guidance;
        }
        "model" => alone.model.clone_from(&request.model),
        "seed" => alone.seed.clone_from(&request.seed),
        "noise_source" => alone.noise_source.clone_from(&request.noise_source),
        "steps" => alone.steps = request.steps,
        "guidance" => alone.guidance = request.guidance,
        "size" => (alone.width, alone.height) = (request.width, request.height),
        "sampler" => alone.sampler.clone_from(&request.sampler),
        "schedule" => alone.schedule.clone_from(&request.schedule),
        "precision" => alone.precision.clone_from(&request.precision),
        "references" => alone.references.clone_from(&request.references),
        "init" => alone.init.clone_from(&request.init),
        "mask" => {
            alone.init.clone_from(&request.init);
            alone.mask.clone_from(&request.mask);
        }
        _ => return None,
    }
    shared.prepare(&alone).err().map(|error| error.message)
}
