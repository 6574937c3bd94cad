//! The settings that other programs write into their pictures, in our words.
//!
//! Each program has a file here. What a file says is taken apart into [`Field`]s whose values are
//! spelled as a recipe spells them; what we have no word for is kept as it stands, with the reason,
//! so that nothing is dropped in silence. Whether a value can be used, the model decides later.
//!
//! Adding a program: a file with `read`, a variant of [`Program`], a line in [`read_settings`], and
//! examples of it, whole and damaged, in `tests/foreign.rs`.

mod a1111;
mod comfyui;
mod fooocus;
mod invokeai;
mod names;
mod novelai;
mod swarmui;

use likeness_recipe::{ModelChoice, Recipe};
use serde_json::Value;

use crate::PictureMetadata;

pub use names::model_name;

/// Most characters of one value. The longest that a person writes is a prompt.
const VALUE: usize = 20_000;
/// Most settings that have no match, and most characters that are shown of each.
const UNMATCHED: usize = 200;
const SHOWN: usize = 500;

/// A program whose settings are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Program {
    /// AUTOMATIC1111's web UI, its forks, and all who write as it does.
    A1111,
    /// ComfyUI.
    ComfyUi,
    /// InvokeAI.
    InvokeAi,
    /// SwarmUI.
    SwarmUi,
    /// Fooocus.
    Fooocus,
    /// NovelAI.
    NovelAi,
}

impl Program {
    /// A word for it, such as `comfyui`.
    pub fn name(self) -> &'static str {
        match self {
            Self::A1111 => "a1111",
            Self::ComfyUi => "comfyui",
            Self::InvokeAi => "invokeai",
            Self::SwarmUi => "swarmui",
            Self::Fooocus => "fooocus",
            Self::NovelAi => "novelai",
        }
    }

    /// The name that its own people write.
    pub fn label(self) -> &'static str {
        match self {
            Self::A1111 => "AUTOMATIC1111",
            Self::ComfyUi => "ComfyUI",
            Self::InvokeAi => "InvokeAI",
            Self::SwarmUi => "SwarmUI",
            Self::Fooocus => "Fooocus",
            Self::NovelAi => "NovelAI",
        }
    }
}

/// A setting that a recipe has too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// What the picture should show.
    Prompt,
    /// What it should not show.
    Negative,
    /// The name of the model, without folders and ending.
    Model,
    /// A whole number.
    Seed,
    /// A name of [`likeness_recipe::NoiseSource`].
    NoiseSource,
    /// A whole number.
    Steps,
    /// A number.
    Guidance,
    /// A whole number of pixels.
    Width,
    /// A whole number of pixels.
    Height,
    /// A name of [`likeness_recipe::Sampler`].
    Sampler,
    /// A name of [`likeness_recipe::Schedule`].
    Schedule,
    /// A number: how far it went from a starting picture.
    Strength,
}

impl Field {
    /// Every one there is, in the order in which a person reads them.
    pub const ALL: &'static [Self] = &[
        Self::Prompt,
        Self::Negative,
        Self::Model,
        Self::Seed,
        Self::NoiseSource,
        Self::Steps,
        Self::Guidance,
        Self::Width,
        Self::Height,
        Self::Sampler,
        Self::Schedule,
        Self::Strength,
    ];

    /// The name in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Negative => "negative",
            Self::Model => "model",
            Self::Seed => "seed",
            Self::NoiseSource => "noise_source",
            Self::Steps => "steps",
            Self::Guidance => "guidance",
            Self::Width => "width",
            Self::Height => "height",
            Self::Sampler => "sampler",
            Self::Schedule => "schedule",
            Self::Strength => "strength",
        }
    }
}

/// Why a setting has no match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// We have nothing of the kind.
    NoSuchSetting,
    /// We have the setting, but not this value of it.
    UnknownValue,
    /// It is of the picture that it was started from, which is not in the file.
    NoStartingPicture,
}

impl Reason {
    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoSuchSetting => "no_such_setting",
            Self::UnknownValue => "unknown_value",
            Self::NoStartingPicture => "no_starting_picture",
        }
    }

    /// The same for a person.
    pub fn said(self) -> &'static str {
        match self {
            Self::NoSuchSetting => "Likeness has no such setting",
            Self::UnknownValue => "Likeness does not know this value",
            Self::NoStartingPicture => "The picture that it was started from is not in the file",
        }
    }
}

/// A setting that has no match, as the file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    /// What the program calls it.
    pub name: String,
    /// Its value, cut where it is long.
    pub value: String,
    /// Why it has none.
    pub reason: Reason,
}

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignSettings {
    /// Who wrote it.
    pub program: Program,
    /// Each field at most once, in the order of [`Field::ALL`].
    pub values: Vec<(Field, String)>,
    /// The rest.
    pub unmatched: Vec<Unmatched>,
}

impl ForeignSettings {
    /// The value of a field.
    pub fn value(&self, field: Field) -> Option<&str> {
        self.values.iter().find(|(there, _)| *there == field).map(|(_, value)| value.as_str())
    }

    /// The same as a request, and what has no place in one.
    pub fn into_recipe(self) -> (Recipe, Vec<Unmatched>) {
        let Self { values, mut unmatched, .. } = self;
        let mut recipe = Recipe::new("");
        for (field, value) in values {
            let number = || value.parse::<u32>().ok();
            match field {
                Field::Prompt => recipe.prompt = value,
                Field::Negative => recipe.negative = Some(value),
                Field::Model => recipe.model = Some(ModelChoice { name: value, sha256: None }),
                Field::Seed => recipe.seed = value.parse().ok(),
                Field::NoiseSource => recipe.noise_source = Some(value),
                Field::Steps => recipe.steps = number(),
                Field::Guidance => recipe.guidance = value.parse().ok(),
                Field::Width => recipe.width = number(),
                Field::Height => recipe.height = number(),
                Field::Sampler => recipe.sampler = Some(value),
                Field::Schedule => recipe.schedule = Some(value),
                Field::Strength => {
                    let (name, reason) = (field.name().to_owned(), Reason::NoStartingPicture);
                    unmatched.push(Unmatched { name, value, reason });
                }
            }
        }
        (recipe, unmatched)
    }
}

/// The settings in a picture file, if some program has left any that can be understood. Where
/// several have, the one whose format says most wins. Never fails and never panics: what is damaged
/// is no settings.
pub fn read_settings(metadata: &PictureMetadata) -> Option<ForeignSettings> {
    let text = |key: &str| {
        metadata.texts.iter().find(|(there, _)| there == key).map(|(_, text)| text.as_str())
    };
    let parameters = metadata.parameters.as_deref();
    invokeai::read(&text)
        .or_else(|| swarmui::read(parameters))
        .or_else(|| fooocus::read(parameters, text("fooocus_scheme")))
        .or_else(|| comfyui::read(&text))
        .or_else(|| novelai::read(&text))
        .or_else(|| a1111::read(parameters))
        .filter(|settings| !settings.values.is_empty())
}

/// Settings that are being put together.
struct Draft {
    settings: ForeignSettings,
}

impl Draft {
    fn new(program: Program) -> Self {
        let (values, unmatched) = (Vec::new(), Vec::new());
        Self { settings: ForeignSettings { program, values, unmatched } }
    }

    /// Sets a field, unless it is set or the value is empty or no such value.
    fn set(&mut self, field: Field, name: &str, value: &str) {
        let value = value.trim();
        if value.is_empty() || self.settings.value(field).is_some() {
            return;
        }
        match fit(field, value) {
            Some(value) => self.settings.values.push((field, value)),
            None => self.leave(name, value, Reason::UnknownValue),
        }
    }

    /// Sets a field from JSON: a text or a number.
    fn set_json(&mut self, field: Field, name: &str, value: &Value) {
        match value {
            Value::String(text) => self.set(field, name, text),
            Value::Number(number) => self.set(field, name, &number.to_string()),
            Value::Null => {}
            other => self.leave(name, &other.to_string(), Reason::UnknownValue),
        }
    }

    /// Keeps what has no match.
    fn leave(&mut self, name: &str, value: &str, reason: Reason) {
        if self.settings.unmatched.len() < UNMATCHED && !value.trim().is_empty() {
            let cut = |text: &str| text.trim().chars().take(SHOWN).collect();
            self.settings.unmatched.push(Unmatched { name: cut(name), value: cut(value), reason });
        }
    }

    /// Keeps a value of JSON that has no match.
    fn leave_json(&mut self, name: &str, value: &Value) {
        match value {
            Value::Null => {}
            Value::String(text) => self.leave(name, text, Reason::NoSuchSetting),
            other => self.leave(name, &other.to_string(), Reason::NoSuchSetting),
        }
    }

    fn done(mut self) -> ForeignSettings {
        self.settings.values.sort_by_key(|(field, _)| *field);
        self.settings
    }
}

/// `value` as a recipe spells it, if it is one for `field`.
fn fit(field: Field, value: &str) -> Option<String> {
    match field {
        Field::Prompt | Field::Negative => {
            (value.chars().count() <= VALUE).then(|| value.to_owned())
        }
        Field::Model => model_name(value),
        Field::Seed => whole::<u64>(value),
        Field::Steps | Field::Width | Field::Height => {
            whole::<u32>(value).filter(|value| value != "0")
        }
        Field::Guidance | Field::Strength => {
            let number: f64 = value.parse().ok()?;
            number.is_finite().then(|| number.to_string())
        }
        Field::Sampler => names::sampler(value).map(|sampler| sampler.name().to_owned()),
        Field::Schedule => names::schedule(value).map(|schedule| schedule.name().to_owned()),
        Field::NoiseSource => {
            likeness_recipe::NoiseSource::from_name(value).map(|source| source.name().to_owned())
        }
    }
}

/// A whole number, also where a program wrote it as `20.0`.
fn whole<T: std::str::FromStr + ToString>(value: &str) -> Option<String> {
    let digits = value.split_once('.').map_or(value, |(digits, rest)| {
        if rest.bytes().all(|b| b == b'0') { digits } else { value }
    });
    digits.parse::<T>().ok().map(|number| number.to_string())
}

/// JSON of an object; serde_json refuses what is nested too deeply, and texts have a length already.
fn object(text: &str) -> Option<serde_json::Map<String, Value>> {
    // Python writes NaN where a workflow has no value; JSON has no such word.
    let read = |text: &str| serde_json::from_str::<serde_json::Map<String, Value>>(text).ok();
    read(text).or_else(|| text.contains("NaN").then(|| read(&without_nan(text))).flatten())
}

/// Replaces `NaN` outside of strings.
fn without_nan(text: &str) -> String {
    let (mut out, mut rest, mut quoted) = (String::with_capacity(text.len()), text, false);
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '\\' if quoted => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            '"' => {
                quoted = !quoted;
                1
            }
            'N' if !quoted && rest.starts_with("NaN") => {
                out.push_str("null");
                rest = &rest[3..];
                continue;
            }
            c => c.len_utf8(),
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}
