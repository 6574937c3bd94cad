//! A1111 and all who write as it does: `parameters` as lines of text.

use likeness_recipe::{NoiseSource, a1111};

use super::{Draft, Field, ForeignSettings, Program, Reason, names};

/// Most bytes of such a text; the longest prompts have a few thousand.
const TEXT: usize = 256 << 10;

pub(super) fn read(parameters: Option<&str>) -> Option<ForeignSettings> {
    let text = parameters.filter(|text| text.len() <= TEXT)?;
    // Any text is a prompt to A1111 itself; without settings it is more likely something else.
    let read = a1111::read(text);
    if text.trim_start().starts_with('{') || read.settings.is_empty() {
        return None;
    }
    let mut draft = Draft::new(Program::A1111);
    draft.set(Field::Prompt, "prompt", &read.prompt);
    draft.set(Field::Negative, "Negative prompt", &read.negative);
    for (name, weight) in &read.loras {
        draft.leave("LoRA", &format!("{name}:{weight}"), Reason::NoSuchSetting);
    }
    // Forge steers FLUX by this one, and writes a CFG scale of 1 before it.
    let distilled = read.setting("Distilled CFG Scale").is_some();
    let second_pass = read.settings.iter().any(|(name, _)| name.starts_with("Hires "));
    let mut noise = NoiseIs::Unsaid;
    for (name, value) in &read.settings {
        match name.as_str() {
            "Steps" => draft.set(Field::Steps, name, value),
            "Seed" => draft.set(Field::Seed, name, value),
            "CFG scale" if distilled && value.trim().parse() == Ok(1.0_f32) => {}
            "CFG scale" if distilled => draft.leave(name, value, Reason::NoSuchSetting),
            "CFG scale" => draft.set(Field::Guidance, name, value),
            "Distilled CFG Scale" => draft.set(Field::Guidance, name, value),
            "Model" => draft.set(Field::Model, name, value),
            // Of the second pass of a picture that was made from words alone.
            "Denoising strength" if second_pass => {
                draft.leave(name, value, Reason::NoSuchSetting);
            }
            "Denoising strength" => draft.set(Field::Strength, name, value),
            "Schedule type" => draft.set(Field::Schedule, name, value),
            "Size" => {
                let (width, height) = value.split_once('x').unwrap_or((value, ""));
                draft.set(Field::Width, name, width);
                draft.set(Field::Height, name, height);
            }
            "Sampler" => {
                let (sampler, schedule) = names::split_schedule(value);
                match names::sampler(&sampler) {
                    Some(_) => draft.set(Field::Sampler, name, &sampler),
                    None => draft.leave(name, value, Reason::UnknownValue),
                }
                draft.set(Field::Schedule, name, schedule.unwrap_or(""));
            }
            "RNG" if value == "CPU" => noise = NoiseIs::Torch,
            "RNG" => {
                draft.leave(name, value, Reason::UnknownValue);
                noise = NoiseIs::Others;
            }
            "Noise source" if value == NoiseSource::Likeness.name() => noise = NoiseIs::Ours,
            // These say again, or less well, what other fields say.
            "Version" | "Model hash" => {}
            _ => draft.leave(name, value, Reason::NoSuchSetting),
        }
    }
    match noise {
        NoiseIs::Torch => draft.set(Field::NoiseSource, "RNG", NoiseSource::Torch.name()),
        NoiseIs::Ours => {
            draft.set(Field::NoiseSource, "Noise source", NoiseSource::Likeness.name())
        }
        // Noise is drawn on the graphics card unless the file says otherwise, which we cannot do:
        // the seed will not give the same picture, and that is said.
        NoiseIs::Unsaid if read.setting("Seed").is_some() => {
            draft.leave("RNG", "GPU", Reason::UnknownValue);
        }
        NoiseIs::Unsaid | NoiseIs::Others => {}
    }
    Some(draft.done())
}

enum NoiseIs {
    Torch,
    Ours,
    Others,
    Unsaid,
}
