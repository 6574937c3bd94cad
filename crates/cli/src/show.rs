//! `recipe`: what a picture says about how it was made.

use std::fmt::Write;
use std::path::Path;

use likeness_picture::foreign::{ForeignSettings, Unmatched, read_settings};
use likeness_picture::{PictureMetadata, read_metadata};
use likeness_recipe::{Recipe, ResolvedRecipe};
use serde::Serialize;

use crate::{Failure, recipe_file};

/// The fields beside those of a recipe.
pub(crate) const PROGRAM: &str = "program";
pub(crate) const UNMATCHED: &str = "unmatched";

/// What a file says of how its picture was made.
pub enum Shown {
    /// Our own recipe.
    Ours(Box<ResolvedRecipe>),
    /// Another program's settings in our words, and what there are none for.
    Theirs {
        /// Who wrote them, by the name that its own people write.
        program: &'static str,
        /// What could be matched.
        recipe: Box<Recipe>,
        /// What could not.
        unmatched: Vec<Unmatched>,
    },
}

/// The same as an object: a recipe's fields, and beside them what is not in it. `generate --recipe` takes it.
#[derive(Serialize)]
struct Object<'a> {
    #[serde(flatten)]
    recipe: &'a Recipe,
    program: &'a str,
    unmatched: Vec<Left<'a>>,
}

#[derive(Serialize)]
struct Left<'a> {
    name: &'a str,
    value: &'a str,
    reason: &'static str,
}

impl<'a> Left<'a> {
    fn of(unmatched: &'a Unmatched) -> Self {
        let Unmatched { name, value, reason } = unmatched;
        Self { name, value, reason: reason.name() }
    }
}

/// The recipe in the picture at `path`, or in standard input where that is `-`: ours as JSON, on one line if
/// `compact`; another program's settings as lines to read, and as JSON if `compact`.
pub fn recipe(path: &Path, compact: bool) -> Result<String, Failure> {
    let bytes = recipe_file::read_bytes("image", path)?;
    let metadata =
        read_metadata(&bytes).map_err(|error| Failure::of_input("image", path, &error))?;
    let internal = |error: serde_json::Error| Failure::Internal(error.to_string());
    match of_metadata("image", path, &metadata)? {
        Shown::Ours(recipe) if compact => Ok(recipe.to_json()),
        Shown::Ours(recipe) => serde_json::to_string_pretty(&recipe).map_err(internal),
        Shown::Theirs { program, recipe, unmatched } if compact => {
            let unmatched = unmatched.iter().map(Left::of).collect();
            serde_json::to_string(&Object { recipe: &recipe, program, unmatched }).map_err(internal)
        }
        Shown::Theirs { program, recipe, unmatched } => Ok(lines(program, &recipe, &unmatched)
            .map_err(|error| Failure::Internal(format!("the settings cannot be told: {error}")))?),
    }
}

/// What a file's texts say, or that they say nothing. `field` and `path` are for the message.
pub fn of_metadata(field: &str, path: &Path, metadata: &PictureMetadata) -> Result<Shown, Failure> {
    let refused = |problem: &str| Failure::Input(format!("{field}: {}: {problem}", path.display()));
    match metadata.recipe() {
        Some(Ok(recipe)) => return Ok(Shown::Ours(Box::new(recipe))),
        Some(Err(error)) => return Err(refused(&format!("its recipe cannot be read: {error}"))),
        None => {}
    }
    let settings = read_settings(metadata).ok_or_else(|| {
        refused(
            "it carries no recipe (accepted: a picture as Likeness, AUTOMATIC1111, ComfyUI, InvokeAI, \
             SwarmUI, Fooocus or NovelAI wrote it)",
        )
    })?;
    let program = settings.program.label();
    let (recipe, unmatched) = ForeignSettings::into_recipe(settings);
    Ok(Shown::Theirs { program, recipe: Box::new(recipe), unmatched })
}

fn lines(
    program: &str,
    recipe: &Recipe,
    unmatched: &[Unmatched],
) -> Result<String, Box<dyn std::error::Error>> {
    let mut text = format!("made with {program}\n");
    // As its JSON has it, in the same order.
    if let serde_json::Value::Object(fields) = serde_json::to_value(recipe)? {
        for (name, value) in &fields {
            let value = match value {
                serde_json::Value::String(value) => value.clone(),
                serde_json::Value::Object(model) => {
                    model.get("name").and_then(|name| name.as_str()).unwrap_or("").to_owned()
                }
                value => value.to_string(),
            };
            writeln!(text, "{name}: {value}")?;
        }
    }
    for Unmatched { name, value, reason } in unmatched {
        writeln!(text, "not matched: {name}: {value} ({})", reason.said())?;
    }
    Ok(text.trim_end().to_owned())
}
