//! SwarmUI: `parameters` as JSON with `sui_image_params`.

use super::{Draft, Field, ForeignSettings, Program, object};

pub(super) fn read(parameters: Option<&str>) -> Option<ForeignSettings> {
    let all = object(parameters?)?;
    let fields = all.get("sui_image_params")?.as_object()?;
    let mut draft = Draft::new(Program::SwarmUi);
    for (name, value) in fields {
        match name.as_str() {
            "prompt" => draft.set_json(Field::Prompt, name, value),
            "negativeprompt" => draft.set_json(Field::Negative, name, value),
            "model" => draft.set_json(Field::Model, name, value),
            "seed" => draft.set_json(Field::Seed, name, value),
            "steps" => draft.set_json(Field::Steps, name, value),
            "cfgscale" => draft.set_json(Field::Guidance, name, value),
            "width" => draft.set_json(Field::Width, name, value),
            "height" => draft.set_json(Field::Height, name, value),
            "sampler" => draft.set_json(Field::Sampler, name, value),
            "scheduler" => draft.set_json(Field::Schedule, name, value),
            "initimagecreativity" => draft.set_json(Field::Strength, name, value),
            // Which version wrote it, and the size said once more.
            "swarm_version" | "aspectratio" => {}
            _ => draft.leave_json(name, value),
        }
    }
    // It runs ComfyUI, whose noise is torch's.
    if draft.settings.value(Field::Seed).is_some() {
        draft.set(Field::NoiseSource, "seed", "torch");
    }
    Some(draft.done())
}
