//! How fast renders are here, learnt from those that were made.

use std::collections::BTreeMap;

use likeness_recipe::{ResolvedRecipe, Seconds, Size};
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

impl Speeds {
    /// Learns from a picture that was made larger.
    pub fn learn_enlarging(&mut self, from: Size, by: u32, seconds: f64) {
        self.learn_area(&enlarging(by), from, seconds);
    }

    /// Seconds that making a picture of this size larger takes; none before one was.
    pub fn enlarging(&self, from: Size, by: u32) -> Option<f64> {
        Some(self.0.get(&enlarging(by))?.step * area_of(from))
    }

    /// Learns from a picture that was brought to a size.
    pub fn learn_fitting(&mut self, to: Size, seconds: f64) {
        self.learn_area(FITTING, to, seconds);
    }

    /// Seconds that bringing a picture to this size takes; none before one was.
    pub fn fitting(&self, to: Size) -> Option<f64> {
        Some(self.0.get(FITTING)?.step * area_of(to))
    }

    fn learn_area(&mut self, key: &str, size: Size, seconds: f64) {
        let now = seconds / area_of(size);
        if now.is_finite() {
            let speed = self.0.entry(key.to_owned()).or_insert(Speed { step: now, other: 0.0 });
            speed.step += WEIGHT * (now - speed.step);
        }
    }
}

const FITTING: &str = "fit";

fn enlarging(by: u32) -> String {
    format!("enlarge {by}")
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
    area_of(Size { width: recipe.width, height: recipe.height })
}

fn area_of(size: Size) -> f64 {
    f64::from(size.width) * f64::from(size.height) / 1e6
}
