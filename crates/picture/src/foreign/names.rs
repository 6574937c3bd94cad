//! What other programs call samplers, schedules and models.

use likeness_recipe::{Sampler, Schedule};

/// Names in small letters without spaces, as [`plain`] makes them.
const SAMPLERS: &[(&str, Sampler)] = &[
    ("euler", Sampler::Euler),
    ("euler_a", Sampler::EulerAncestral),
    ("euler_ancestral", Sampler::EulerAncestral),
    ("dpm++_2m", Sampler::Dpmpp2m),
    ("dpmpp_2m", Sampler::Dpmpp2m),
    ("dpm++_2m_sde", Sampler::Dpmpp2mSde),
    ("dpmpp_2m_sde", Sampler::Dpmpp2mSde),
    ("dpmpp_2m_sde_gpu", Sampler::Dpmpp2mSde),
    ("ddim", Sampler::Ddim),
    ("unipc", Sampler::UniPc),
    ("uni_pc", Sampler::UniPc),
    ("lcm", Sampler::Lcm),
    ("tcd", Sampler::Tcd),
    ("flow_euler", Sampler::FlowEuler),
    ("flow_heun", Sampler::FlowHeun),
    ("heun", Sampler::FlowHeun),
];

const SCHEDULES: &[(&str, Schedule)] = &[
    ("normal", Schedule::Default),
    ("default", Schedule::Default),
    ("automatic", Schedule::Default),
    ("karras", Schedule::Karras),
    ("exponential", Schedule::Exponential),
    ("sgm_uniform", Schedule::SgmUniform),
    ("simple", Schedule::Simple),
    ("beta", Schedule::Beta),
];

/// Schedules that older programs write behind the sampler: `DPM++ 2M Karras`, `dpmpp_2m_k`.
const ENDINGS: &[(&str, Schedule)] = &[
    ("_karras", Schedule::Karras),
    ("_exponential", Schedule::Exponential),
    ("_k", Schedule::Karras),
];

/// A sampler by the name another program has for it.
pub(super) fn sampler(name: &str) -> Option<Sampler> {
    let name = plain(name);
    // The first versions of ComfyUI had them by the names of functions.
    find(SAMPLERS, name.strip_prefix("sample_").unwrap_or(&name))
}

/// A schedule by the name another program has for it.
pub(super) fn schedule(name: &str) -> Option<Schedule> {
    find(SCHEDULES, &plain(name))
}

/// A sampler's name without the schedule that stands behind it, and that schedule.
pub(super) fn split_schedule(name: &str) -> (String, Option<&'static str>) {
    let name = plain(name);
    let ending = ENDINGS.iter().find_map(|(ending, schedule)| {
        let sampler = name.strip_suffix(ending)?;
        find(SAMPLERS, sampler).map(|_| (sampler.to_owned(), schedule.name()))
    });
    ending.map_or((name, None), |(sampler, schedule)| (sampler, Some(schedule)))
}

/// A model's name without the folders and the ending of its file; none where nothing is left. What a
/// stranger's picture calls its model must go through this: a path would be opened.
pub fn model_name(path: &str) -> Option<String> {
    let name = path.rsplit(['/', '\\']).next()?.trim();
    let endings = [".safetensors", ".ckpt", ".gguf", ".sft", ".pt", ".bin"];
    let name = endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    (!name.is_empty() && name.chars().count() <= 300 && !name.contains(char::is_control))
        .then(|| name.to_owned())
}

fn find<T: Copy>(list: &[(&str, T)], name: &str) -> Option<T> {
    list.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours)
}

fn plain(name: &str) -> String {
    let name = name.trim().to_lowercase();
    // None of theirs is longer, and a hostile one may be.
    name.chars().take(80).map(|c| if matches!(c, ' ' | '-') { '_' } else { c }).collect()
}
