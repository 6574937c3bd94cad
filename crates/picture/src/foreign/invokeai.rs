//! InvokeAI: `invokeai_metadata`, a flat object; older versions wrote `sd-metadata`, and the first ones
//! `Dream`, the line that had been typed.

use serde_json::Value;

use super::{Draft, Field, ForeignSettings, Program, Reason, names, object};

pub(super) fn read<'a>(text: &dyn Fn(&str) -> Option<&'a str>) -> Option<ForeignSettings> {
    let mut draft = Draft::new(Program::InvokeAi);
    if let Some(fields) = text("invokeai_metadata").and_then(object) {
        for (name, value) in &fields {
            read_field(&mut draft, name, value);
        }
        // Noise comes from the processor unless it says otherwise.
        let unsaid = fields.get("rand_device").is_none_or(Value::is_null);
        if unsaid && draft.settings.value(Field::Seed).is_some() {
            draft.set(Field::NoiseSource, "seed", "torch");
        }
    } else if let Some(old) = text("sd-metadata").and_then(object) {
        if let Some(model) = old.get("model_weights") {
            draft.set_json(Field::Model, "model_weights", model);
        }
        for (name, value) in old.get("image")?.as_object()? {
            read_old(&mut draft, name, value);
        }
        // These drew their noise on the graphics card, which we cannot do: the seed will not give the
        // same picture, and that is said.
        if draft.settings.value(Field::Seed).is_some() {
            draft.leave("rand_device", "cuda", Reason::UnknownValue);
        }
    } else {
        read_line(&mut draft, text("Dream")?)?;
    }
    Some(draft.done())
}

/// `"a fox [blurry]" -s 50 -S 42 -W 512 -H 768 -C 7.5 -A k_euler_a`.
fn read_line(draft: &mut Draft, line: &str) -> Option<()> {
    let (prompt, options) = line.trim().strip_prefix('"')?.rsplit_once('"')?;
    let (prompt, negative) = bracketed(prompt);
    draft.set(Field::Prompt, "prompt", &prompt);
    draft.set(Field::Negative, "prompt", &negative);
    let mut words = options.split_whitespace().peekable();
    while let Some(name) = words.next() {
        let mut values = Vec::new();
        // What begins with a dash is the next option, unless it is a number.
        while let Some(value) = words.next_if(|word| !is_option(word)) {
            values.push(value);
        }
        let value = values.join(" ");
        match name {
            "-s" => draft.set(Field::Steps, name, &value),
            "-S" => draft.set(Field::Seed, name, &value),
            "-W" => draft.set(Field::Width, name, &value),
            "-H" => draft.set(Field::Height, name, &value),
            "-C" => draft.set(Field::Guidance, name, &value),
            "-A" => sampler(draft, name, &Value::from(value)),
            "-f" => draft.set(Field::Strength, name, &value),
            _ => draft.leave(
                name,
                if values.is_empty() { "on" } else { &value },
                Reason::NoSuchSetting,
            ),
        }
    }
    if draft.settings.value(Field::Seed).is_some() {
        draft.leave("rand_device", "cuda", Reason::UnknownValue);
    }
    Some(())
}

fn is_option(word: &str) -> bool {
    word.starts_with('-') && word.parse::<f64>().is_err()
}

fn read_field(draft: &mut Draft, name: &str, value: &Value) {
    match name {
        "positive_prompt" => draft.set_json(Field::Prompt, name, value),
        "negative_prompt" => draft.set_json(Field::Negative, name, value),
        "seed" => draft.set_json(Field::Seed, name, value),
        "rand_device" => match value.as_str() {
            Some("cpu") => draft.set(Field::NoiseSource, name, "torch"),
            _ => draft.set_json(Field::NoiseSource, name, value),
        },
        "steps" => draft.set_json(Field::Steps, name, value),
        "cfg_scale" | "guidance" => draft.set_json(Field::Guidance, name, value),
        "width" => draft.set_json(Field::Width, name, value),
        "height" => draft.set_json(Field::Height, name, value),
        "scheduler" => sampler(draft, name, value),
        "strength" => draft.set_json(Field::Strength, name, value),
        // A name, or a record whose field for it was called otherwise once.
        "model" => {
            let named = value.get("name").or_else(|| value.get("model_name"));
            draft.set_json(Field::Model, name, named.unwrap_or(value));
        }
        // How it was made, and by which version: neither is a setting.
        "generation_mode" | "app_version" => {}
        _ => draft.leave_json(name, value),
    }
}

fn read_old(draft: &mut Draft, name: &str, value: &Value) {
    match name {
        // A text, or a list of one: `[{"prompt": "…", "weight": 1.0}]`.
        "prompt" => {
            let first = value.get(0).and_then(|first| first.get("prompt")).unwrap_or(value);
            let (prompt, negative) = bracketed(first.as_str().unwrap_or(""));
            draft.set(Field::Prompt, name, &prompt);
            draft.set(Field::Negative, name, &negative);
        }
        "seed" => draft.set_json(Field::Seed, name, value),
        "steps" => draft.set_json(Field::Steps, name, value),
        "cfg_scale" => draft.set_json(Field::Guidance, name, value),
        "width" => draft.set_json(Field::Width, name, value),
        "height" => draft.set_json(Field::Height, name, value),
        "sampler" => sampler(draft, name, value),
        "type" => {}
        _ => draft.leave_json(name, value),
    }
}

/// `k_euler_a` and `dpmpp_2m_k`: a mark of the library before, a mark of the schedule behind.
fn sampler(draft: &mut Draft, name: &str, value: &Value) {
    let Some(text) = value.as_str() else { return draft.leave_json(name, value) };
    let (sampler, schedule) = names::split_schedule(text.strip_prefix("k_").unwrap_or(text));
    match names::sampler(&sampler) {
        Some(_) => draft.set(Field::Sampler, name, &sampler),
        None => draft.leave(name, text, Reason::UnknownValue),
    }
    draft.set(Field::Schedule, name, schedule.unwrap_or(""));
}

/// Old prompts hold what is not wanted in square brackets.
fn bracketed(prompt: &str) -> (String, String) {
    let (mut wanted, mut unwanted, mut depth) = (String::new(), Vec::new(), 0u32);
    for c in prompt.chars() {
        match c {
            '[' => {
                depth += 1;
                unwanted.push(String::new());
            }
            ']' => depth = depth.saturating_sub(1),
            c if depth > 0 => unwanted.last_mut().expect("a bracket was opened").push(c),
            c => wanted.push(c),
        }
    }
    (wanted.split_whitespace().collect::<Vec<_>>().join(" "), unwanted.join(", "))
}
