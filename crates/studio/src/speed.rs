//! How fast renders are here, learnt from those that were made.

use std::collections::BTreeMap;

use likeness_recipe::{ResolvedRecipe, Seconds};
use serde::{Deserialize, Serialize};

/// How much of what is known a new measurement replaces. Machines slow down when they get warm, and
/// pictures of another size teach what the last ones did not.
const WEIGHT: f64 = 0.3;

/// What was measured, by what matters for it. Kept with the library, so that the first estimate of a
/// day is one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Speeds(BTreeMap<String, Speed>);

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Speed {
    /// Seconds of a step for each million pixels.
    step: f64,
    /// Seconds of everything else.
    other: f64,
}

impl Speeds {
    /// Learns from a render.
    pub fn learn(&mut self, recipe: &ResolvedRecipe, seconds: &Seconds) {
        let work = steps(recipe) * area(recipe);
        // Loading is paid once, and would be remembered for ever.
        let other = seconds.total - seconds.load - seconds.denoise;
        let now = Speed { step: seconds.denoise / work, other: other.max(0.0) };
        if !(now.step.is_finite() && now.other.is_finite()) {
            return;
        }
        let speed = self.0.entry(key(recipe)).or_insert(now);
        speed.step += WEIGHT * (now.step - speed.step);
        speed.other += WEIGHT * (now.other - speed.other);
    }

    /// Seconds that one picture of `recipe` takes; none before one like it was made.
    pub fn estimate(&self, recipe: &ResolvedRecipe) -> Option<f64> {
        let speed = self.0.get(&key(recipe))?;
        Some(speed.step * steps(recipe) * area(recipe) + speed.other)
    }
}

/// What makes a step dearer or cheaper, beside its size.
fn key(recipe: &ResolvedRecipe) -> String {
    format!(
        "{} {} {} {} {}",
        recipe.model.sha256,
        recipe.precision,
        recipe.sampler,
        if recipe.guidance == 1.0 { "plain" } else { "guided" },
        recipe.references.len()
    )
}

/// Steps that are truly taken: a start from a picture leaves some out.
fn steps(recipe: &ResolvedRecipe) -> f64 {
    let strength = recipe.init.as_ref().map_or(1.0, |init| f64::from(init.strength));
    (f64::from(recipe.steps) * strength).max(1.0)
}

fn area(recipe: &ResolvedRecipe) -> f64 {
    f64::from(recipe.width) * f64::from(recipe.height) / 1e6
}
