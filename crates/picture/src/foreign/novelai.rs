//! NovelAI: `Comment` as JSON beside `Software`, with the prompt in `Description`.

use super::{Draft, Field, ForeignSettings, Program, Reason, names, object};

pub(super) fn read<'a>(text: &dyn Fn(&str) -> Option<&'a str>) -> Option<ForeignSettings> {
    text("Software").filter(|program| *program == Program::NovelAi.label())?;
    let fields = object(text("Comment")?)?;
    let mut draft = Draft::new(Program::NovelAi);
    // An older version has it here alone.
    draft.set(Field::Prompt, "Description", text("Description").unwrap_or_default());
    let goes_on = fields.get("request_type").and_then(|kind| kind.as_str());
    let goes_on = goes_on.is_some_and(|kind| kind.contains("Img2Img"));
    for (name, value) in &fields {
        match name.as_str() {
            "prompt" => draft.set_json(Field::Prompt, name, value),
            "uc" => draft.set_json(Field::Negative, name, value),
            "seed" => draft.set_json(Field::Seed, name, value),
            "steps" => draft.set_json(Field::Steps, name, value),
            "scale" => draft.set_json(Field::Guidance, name, value),
            "width" => draft.set_json(Field::Width, name, value),
            "height" => draft.set_json(Field::Height, name, value),
            "noise_schedule" => draft.set_json(Field::Schedule, name, value),
            "sampler" => {
                let theirs = value.as_str().unwrap_or_default();
                let (sampler, schedule) =
                    names::split_schedule(theirs.strip_prefix("k_").unwrap_or(theirs));
                match names::sampler(&sampler) {
                    Some(_) => draft.set(Field::Sampler, name, &sampler),
                    None => draft.leave(name, theirs, Reason::UnknownValue),
                }
                draft.set(Field::Schedule, name, schedule.unwrap_or(""));
            }
            // Pictures that began from noise have it too, and it says nothing there.
            "strength" if goes_on => draft.set_json(Field::Strength, name, value),
            "request_type" | "signed_hash" | "version" => {}
            _ => draft.leave_json(name, value),
        }
    }
    // The model goes by a number of its own: `Stable Diffusion 1D44365E`.
    draft.leave("model", text("Source").unwrap_or_default(), Reason::UnknownValue);
    // What it draws noise with, it does not say: the seed will not give the same picture.
    if draft.settings.value(Field::Seed).is_some() {
        draft.leave("noise", "unknown", Reason::UnknownValue);
    }
    Some(draft.done())
}
