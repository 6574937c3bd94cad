//! Fooocus: `parameters` as JSON beside `fooocus_scheme`, or as A1111's text with scheme `a1111`.

use serde_json::Value;

use super::{Draft, Field, ForeignSettings, Program, a1111, object};

pub(super) fn read(parameters: Option<&str>, scheme: Option<&str>) -> Option<ForeignSettings> {
    let text = parameters?;
    let Some(fields) = object(text) else {
        scheme?;
        let read = a1111::read(parameters)?;
        return Some(ForeignSettings { program: Program::Fooocus, ..read });
    };
    // A picture that was saved again may have lost the mark; these two have no other program.
    let signed = fields.contains_key("base_model") && fields.contains_key("performance");
    if scheme.is_none() && !signed {
        return None;
    }
    let mut draft = Draft::new(Program::Fooocus);
    for (name, value) in &fields {
        match name.as_str() {
            "prompt" => draft.set_json(Field::Prompt, name, value),
            "negative_prompt" => draft.set_json(Field::Negative, name, value),
            "base_model" => draft.set_json(Field::Model, name, value),
            "seed" => draft.set_json(Field::Seed, name, value),
            "steps" => draft.set_json(Field::Steps, name, value),
            "guidance_scale" => draft.set_json(Field::Guidance, name, value),
            "sampler" => draft.set_json(Field::Sampler, name, value),
            "scheduler" => draft.set_json(Field::Schedule, name, value),
            "resolution" => resolution(&mut draft, name, value),
            // What the prompt became, hashes of what is named, and who wrote it.
            "full_prompt"
            | "full_negative_prompt"
            | "base_model_hash"
            | "version"
            | "metadata_scheme"
            | "created_by" => {}
            _ => draft.leave_json(name, value),
        }
    }
    if draft.settings.value(Field::Seed).is_some() {
        draft.set(Field::NoiseSource, "seed", "torch");
    }
    Some(draft.done())
}

/// `"(1024, 768)"`, or a list of two.
fn resolution(draft: &mut Draft, name: &str, value: &Value) {
    let text = match value {
        Value::String(text) => text.trim_matches(['(', ')', '[', ']']).to_owned(),
        Value::Array(sides) => {
            sides.iter().take(3).map(Value::to_string).collect::<Vec<_>>().join(",")
        }
        other => return draft.leave_json(name, other),
    };
    let (width, height) = text.split_once([',', 'x']).unwrap_or((&text, ""));
    draft.set(Field::Width, name, width);
    draft.set(Field::Height, name, height);
}
