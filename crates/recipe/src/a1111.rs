//! The text that AUTOMATIC1111's web UI writes into its pictures, and that most other tools read.
//!
//! ```text
//! a red fox, <lora:paper:0.8>
//! Negative prompt: blurry
//! Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 512x512, Model hash: 45dee52b
//! ```
//!
//! It cannot hold all of a recipe; the JSON beside it can.

use std::sync::LazyLock;

use regex_lite::Regex;

use crate::{Lora, NoiseSource, ResolvedRecipe, Sampler, Schedule, Size};

/// What a `parameters` text says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameters {
    /// The prompt without its `<lora:…>` marks.
    pub prompt: String,
    /// The negative prompt, empty when there is none.
    pub negative: String,
    /// Each `<lora:name:weight>` of the prompt.
    pub loras: Vec<(String, f32)>,
    /// The settings of the last line as they stand there, in order.
    pub settings: Vec<(String, String)>,
}

impl Parameters {
    /// The setting called `name`, such as `Seed`.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `Steps`.
    pub fn steps(&self) -> Option<u32> {
        self.setting("Steps")?.parse().ok()
    }

    /// `Seed`.
    pub fn seed(&self) -> Option<u64> {
        self.setting("Seed")?.parse().ok()
    }

    /// `CFG scale`.
    pub fn guidance(&self) -> Option<f32> {
        self.setting("CFG scale")?.parse().ok()
    }

    /// `Size`.
    pub fn size(&self) -> Option<Size> {
        self.setting("Size")?.parse().ok()
    }

    /// `Sampler`, if it is one of ours.
    pub fn sampler(&self) -> Option<Sampler> {
        let name = self.setting("Sampler")?;
        SAMPLERS.iter().find(|(_, theirs)| *theirs == name).map(|(ours, _)| *ours)
    }
}

/// Writes `recipe` as such a text.
pub fn write(recipe: &ResolvedRecipe) -> String {
    let mut text = recipe.prompt.clone();
    for Lora { name, weight, .. } in &recipe.loras {
        text += &format!(" <lora:{name}:{weight}>");
    }
    if !recipe.negative.is_empty() {
        text += &format!("\nNegative prompt: {}", recipe.negative);
    }
    let settings: Vec<_> = settings(recipe)
        .into_iter()
        .map(|(key, value)| format!("{key}: {}", quote(&value)))
        .collect();
    text + "\n" + &settings.join(", ")
}

fn settings(recipe: &ResolvedRecipe) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("Steps", recipe.steps.to_string()),
        ("Sampler", their_sampler(recipe.sampler).to_owned()),
    ];
    if let Some(schedule) = their_schedule(recipe.schedule) {
        all.push(("Schedule type", schedule.to_owned()));
    }
    all.extend([
        ("CFG scale", recipe.guidance.to_string()),
        ("Seed", recipe.seed.to_string()),
        ("Size", format!("{}x{}", recipe.width, recipe.height)),
        ("Model hash", recipe.model.sha256.chars().take(10).collect()),
        ("Model", recipe.model.name.clone()),
    ]);
    if let Some(enlarged) = &recipe.enlarged {
        all.extend([
            ("Postprocess upscale by", enlarged.by.to_string()),
            ("Postprocess upscaler", enlarged.model.name.clone()),
        ]);
    }
    if let Some(init) = &recipe.init {
        all.push(("Denoising strength", init.strength.to_string()));
    }
    all.push(match recipe.noise_source {
        // "CPU" is what A1111 calls torch's CPU generator.
        NoiseSource::Torch => ("RNG", "CPU".to_owned()),
        NoiseSource::Likeness => ("Noise source", "likeness".to_owned()),
    });
    all.push(("Version", concat!("Likeness ", env!("CARGO_PKG_VERSION")).to_owned()));
    all
}

/// Reads such a text. Any text can be read: one without settings is a prompt and nothing else.
pub fn read(text: &str) -> Parameters {
    let mut lines: Vec<&str> = text.trim().lines().collect();
    let settings = match lines.last() {
        Some(last) if SETTING.find_iter(last).count() >= 3 => {
            read_settings(lines.pop().unwrap_or(""))
        }
        _ => Vec::new(),
    };
    let (mut prompt, mut negative): (Vec<&str>, Option<Vec<&str>>) = (Vec::new(), None);
    for line in lines {
        match (line.trim().strip_prefix("Negative prompt:"), &mut negative) {
            (Some(first), _) => negative = Some(vec![first.trim()]),
            (None, Some(negative)) => negative.push(line.trim()),
            (None, None) => prompt.push(line.trim()),
        }
    }
    let prompt = prompt.join("\n");
    Parameters {
        loras: LORA.captures_iter(&prompt).map(|found| read_lora(&found)).collect(),
        prompt: without_loras(&prompt),
        negative: negative.unwrap_or_default().join("\n"),
        settings,
    }
}

/// A1111's own pattern, so that a line is settings here exactly when it is settings there.
static SETTING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)"#).expect("a fixed pattern")
});

static LORA: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\s*<lora:([^:<>]+)(?::([^:<>]*))?[^<>]*>").expect("a fixed pattern")
});

/// The prompt without its marks, and without the commas that only stood between them: of two that meet
/// where one was, of one before the first word and of one behind the last.
fn without_loras(prompt: &str) -> String {
    let (mut left, mut rest) = (String::new(), prompt);
    while let Some(found) = LORA.find(rest) {
        left.push_str(&rest[..found.start()]);
        let after = &rest[found.end()..];
        let before = left.trim_end();
        rest = match after.trim_start().strip_prefix(',') {
            Some(behind) if before.is_empty() || before.ends_with(',') => behind,
            _ => after,
        };
        if let (true, Some(kept)) = (rest.trim().is_empty(), before.strip_suffix(',')) {
            left.truncate(kept.len());
        }
    }
    left.push_str(rest);
    left.trim().to_owned()
}

fn read_settings(line: &str) -> Vec<(String, String)> {
    SETTING.captures_iter(line).map(|found| (found[1].to_owned(), unquote(&found[2]))).collect()
}

fn read_lora(found: &regex_lite::Captures<'_>) -> (String, f32) {
    let weight = found.get(2).and_then(|weight| weight.as_str().trim().parse().ok()).unwrap_or(1.0);
    (found[1].to_owned(), weight)
}

/// A value that holds a separator is written as a JSON string.
fn quote(value: &str) -> String {
    if value.contains([',', ':', '\n']) {
        serde_json::Value::from(value).to_string()
    } else {
        value.to_owned()
    }
}

fn unquote(value: &str) -> String {
    let value = value.trim();
    match value.starts_with('"') {
        true => serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()),
        false => value.to_owned(),
    }
}

/// Our samplers and what A1111 and its forks call them.
const SAMPLERS: &[(Sampler, &str)] = &[
    (Sampler::Euler, "Euler"),
    (Sampler::EulerAncestral, "Euler a"),
    (Sampler::Dpmpp2m, "DPM++ 2M"),
    (Sampler::Dpmpp2mSde, "DPM++ 2M SDE"),
    (Sampler::Ddim, "DDIM"),
    (Sampler::UniPc, "UniPC"),
    (Sampler::Lcm, "LCM"),
    (Sampler::Tcd, "TCD"),
    (Sampler::FlowEuler, "Flow Euler"),
    (Sampler::FlowHeun, "Flow Heun"),
];

fn their_sampler(sampler: Sampler) -> &'static str {
    let row = SAMPLERS.iter().find(|(ours, _)| *ours == sampler);
    row.map_or(sampler.name(), |(_, theirs)| theirs)
}

fn their_schedule(schedule: Schedule) -> Option<&'static str> {
    match schedule {
        Schedule::Default => None,
        Schedule::Karras => Some("Karras"),
        Schedule::Exponential => Some("Exponential"),
        Schedule::SgmUniform => Some("SGM Uniform"),
        Schedule::Simple => Some("Simple"),
        Schedule::Beta => Some("Beta"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_web_ui_writes() {
        let read = read(
            "a fox,\non a beach <lora:paper cut:0.8>\nNegative prompt: blurry,\nlow quality\n\
             Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 512x768, \
             Model hash: 45dee52b, Lora hashes: \"paper: ab12, other: cd\"",
        );
        assert_eq!(read.prompt, "a fox,\non a beach");
        assert_eq!(read.negative, "blurry,\nlow quality");
        assert_eq!(read.loras, [("paper cut".to_owned(), 0.8)]);
        assert_eq!(
            (read.steps(), read.seed(), read.guidance()),
            (Some(20), Some(965400086), Some(7.0))
        );
        assert_eq!(read.size(), Some(Size { width: 512, height: 768 }));
        assert_eq!(read.sampler(), Some(Sampler::EulerAncestral));
        assert_eq!(read.setting("Lora hashes"), Some("paper: ab12, other: cd"));
    }

    #[test]
    fn a_mark_that_is_taken_out_leaves_no_gap() {
        for (prompt, left) in [
            ("a fox, <lora:paper:1>, snow", "a fox, snow"),
            ("a fox, <lora:a:1>, <lora:b:1>, snow", "a fox, snow"),
            ("a fox, <lora:a:1> <lora:b:1>, snow", "a fox, snow"),
            ("<lora:a:1>, a fox", "a fox"),
            ("a fox, <lora:a:1>", "a fox"),
            ("a fox, <lora:a:1>, <lora:b>", "a fox"),
            ("a fox <lora:a:1>, snow", "a fox, snow"),
            ("a fox, <lora:a:1> snow", "a fox, snow"),
            ("a fox,\n<lora:a:1>", "a fox"),
            ("a fox,, snow", "a fox,, snow"),
            ("<lora:a:1>", ""),
        ] {
            assert_eq!(read(prompt).prompt, left, "{prompt:?}");
        }
    }

    #[test]
    fn a_last_line_with_fewer_than_three_settings_is_prompt() {
        let read = read("a sign that says\nopen: today, closed: tomorrow");
        assert_eq!(read.prompt, "a sign that says\nopen: today, closed: tomorrow");
        assert!(read.settings.is_empty());
    }

    #[test]
    fn any_text_can_be_read() {
        for text in
            ["", "\n", "Negative prompt:", "Steps: , : , a: \"", "<lora:>", "<lora:a:b:c>", "\u{0}"]
        {
            read(text);
        }
    }
}
