//! Recipes as JSON: what is not understood is refused by name, never skipped.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{RecipeError, SCHEMA};

pub(crate) fn write(recipe: &impl Serialize) -> String {
    // Only maps with keys other than text can fail, and recipes hold none.
    serde_json::to_string(recipe).expect("a recipe is plain data")
}

/// A number that fits: one too large would be infinite, which JSON has no word for.
pub(crate) fn finite<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    let number = f32::deserialize(from)?;
    let too_large = || D::Error::custom("the number is too large");
    if number.is_finite() { Ok(number) } else { Err(too_large()) }
}

pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, RecipeError> {
    refuse_newer(text)?;
    let mut from = serde_json::Deserializer::from_str(text);
    let recipe = serde_path_to_error::deserialize(&mut from).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { "recipe".to_owned() } else { path };
        RecipeError::new(field, error.into_inner().to_string(), "the fields of `likeness recipe`")
    })?;
    from.end().map_err(|error| {
        RecipeError::new("recipe", error.to_string(), "one JSON object and nothing after it")
    })?;
    Ok(recipe)
}

/// Checked before the fields are, since "unknown field" would be a poor answer to a newer recipe.
fn refuse_newer(text: &str) -> Result<(), RecipeError> {
    #[derive(Deserialize)]
    struct OnlySchema {
        schema: Option<u32>,
    }
    match serde_json::from_str::<OnlySchema>(text) {
        Ok(OnlySchema { schema: Some(schema) }) => check_schema(schema),
        // Anything else that is wrong gets a better answer from the full reading.
        _ => Ok(()),
    }
}

pub(crate) fn check_schema(schema: u32) -> Result<(), RecipeError> {
    if (1..=SCHEMA).contains(&schema) {
        return Ok(());
    }
    let problem = if schema > SCHEMA {
        format!("{schema} was written by a newer Likeness than this one")
    } else {
        format!("{schema} never existed")
    };
    Err(RecipeError::new("schema", problem, format!("1 to {SCHEMA}")))
}
