//! `recipe`: what a picture says about how it was made.

use std::path::Path;

use likeness_picture::{Limits, read_file, read_metadata};

use crate::Failure;

/// The recipe in the picture at `path` as JSON, on one line if `compact`; of a picture that another
/// program made, the `parameters` text that it left there.
pub fn recipe(path: &Path, compact: bool) -> Result<String, Failure> {
    let unusable = |error| Failure::of_input("image", path, &error);
    let bytes = read_file(path, Limits::default().bytes).map_err(unusable)?;
    let metadata = read_metadata(&bytes).map_err(unusable)?;
    let refused = |problem: &str| Failure::Input(format!("image: {}: {problem}", path.display()));
    match (metadata.recipe(), metadata.parameters) {
        (Some(Ok(recipe)), _) if compact => Ok(recipe.to_json()),
        (Some(Ok(recipe)), _) => serde_json::to_string_pretty(&recipe)
            .map_err(|error| Failure::Internal(error.to_string())),
        (Some(Err(error)), _) => Err(refused(&format!("its recipe cannot be read: {error}"))),
        (None, Some(parameters)) if !compact => Ok(parameters),
        (None, Some(_)) => Err(refused(
            "it has no recipe of ours, only `parameters` text (accepted: the same without --json)",
        )),
        (None, None) => {
            Err(refused("it carries no recipe (accepted: a picture as it was written)"))
        }
    }
}
