//! Writes the fixture of the present schema, or of one that came before it.
//!
//! ```text
//! cargo run -p likeness-library --example past_library -- tests/fixtures/libraries/schema-14 14
//! ```
//!
//! Run it once for each schema that is shipped, before the next change is added; a fixture that is
//! there already is never made anew.

use std::path::PathBuf;

use likeness_library::testing::make_past_library;
use likeness_picture::{Format, encode};
use likeness_recipe::{Pixels, ResolvedRecipe};

const RECIPE: &str = r#"{"schema":1,"model":{"name":"likeness-starter","sha256":"ab"},"prompt":"PROMPT","negative":"","width":8,"height":8,"seed":SEED,"noise_source":"likeness","count":1,"steps":4,"guidance":1.0,"sampler":"flow_euler","schedule":"default","precision":"f32","references":[],"init":null,"mask":null,"loras":[],"approximations":[]}"#;

/// Noon of the 21st of November 2026.
const NOON: i64 = 1_795_262_400_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(schema)) = (arguments.next(), arguments.next()) else {
        return Err("a folder and a schema".into());
    };
    let folder = PathBuf::from(folder);
    if folder.exists() {
        return Err("it is there already".into());
    }
    let files =
        [("a red fox", 1u8), ("a fox in the snow", 2), ("一只猫", 3)].map(|(prompt, seed)| {
            let json = RECIPE.replace("PROMPT", prompt).replace("SEED", &seed.to_string());
            let recipe = ResolvedRecipe::from_json(&json).expect("the recipe above is one of ours");
            let pixels =
                Pixels { width: 8, height: 8, channels: 3, data: vec![seed * 60; 8 * 8 * 3] };
            encode(&pixels, Format::Png, &recipe).expect("a small picture can be written")
        });
    make_past_library(&folder, schema.parse()?, &files, NOON)
}
