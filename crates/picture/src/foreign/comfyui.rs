//! ComfyUI: `prompt`, the graph of nodes as it was run, or `workflow`, the graph as it was drawn.
//!
//! There are no settings in it, only nodes that use one another. What made the picture is found by
//! walking back from where it was saved to a node that samples, and from that one's inputs to the
//! nodes that hold the values.

mod words;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::{Draft, Field, ForeignSettings, Program, Reason, object};

/// Most nodes of a graph. Large ones that people share have a few hundred.
const NODES: usize = 2_000;
/// Most lines that are followed for one answer: a graph may be a circle, or all lines.
const LINES: usize = 4_000;
/// Most outputs that are walked back from, and most samplers in a row.
const STARTS: usize = 16;

const MODEL: &[&str] = &["ckpt_name", "unet_name", "model_name", "gguf_name", "base_ckpt_name"];
/// What makes only a part of a picture of what a sampler does.
const PARTIAL: &[&str] =
    &["add_noise", "start_at_step", "end_at_step", "return_with_leftover_noise"];
/// What is read of a sampler, and the field that counts seeds up.
const SAMPLER: &[&str] = &[
    "seed",
    "noise_seed",
    "noise",
    "steps",
    "sigmas",
    "cfg",
    "sampler_name",
    "sampler",
    "scheduler",
    "denoise",
    "control",
];

pub(super) fn read<'a>(text: &dyn Fn(&str) -> Option<&'a str>) -> Option<ForeignSettings> {
    let graph = match text("prompt").and_then(object) {
        Some(prompt) => Graph::of_prompt(&prompt),
        None => Graph::of_workflow(&object(text("workflow")?)?),
    };
    let sampler = graph.sampler()?;
    let mut draft = Draft::new(Program::ComfyUi);
    read_sampler(&graph, sampler, &mut draft);
    leave_rest(&graph, sampler, &mut draft);
    for other in graph.nodes.values().filter(|node| node.inputs.contains_key("lora_name")) {
        let name = other.inputs["lora_name"].to_string();
        let weight = other.inputs.get("strength_model").map(Value::to_string).unwrap_or_default();
        draft.leave("LoRA", &format!("{name} {weight}"), Reason::NoSuchSetting);
    }
    // A second sampler goes on with what the first has made, and we have nothing that does.
    let is_second = |id: &str, node: &Node| id != sampler && samples(node);
    for (id, node) in &graph.nodes {
        // Pictures after the first come from later noise than the seed's.
        if let Some(several) =
            node.inputs.get("batch_size").filter(|size| size.as_f64() > Some(1.0))
        {
            draft.leave_json("batch_size", several);
        }
        if is_understood(&node.class) && !is_second(id, node) {
            continue;
        }
        draft.leave(&node.class, &format!("node {id}"), Reason::NoSuchSetting);
    }
    Some(draft.done())
}

fn read_sampler(graph: &Graph, id: &str, draft: &mut Draft) {
    let mut set = |field, name: &str, found: Option<&Value>| {
        if let Some(value) = found {
            draft.set_json(field, name, value);
        }
    };
    // A sampler in parts has its conditions and its model behind a guider.
    let guider = graph.link(id, "guider");
    let holder = guider.unwrap_or(id);
    let positive = graph.link(holder, "positive").or_else(|| graph.link(holder, "conditioning"));
    let negative = graph.link(holder, "negative");
    let text = |start: Option<&str>, side| start.and_then(|start| graph.words(start, Some(side)));
    set(Field::Prompt, "positive", text(positive, "positive").as_ref());
    set(Field::Negative, "negative", text(negative, "negative").as_ref());
    let model = graph.link(holder, "model").or_else(|| graph.link(id, "model"));
    set(Field::Model, "model", model.and_then(|start| graph.find(start, MODEL, None)));
    // FLUX is steered by a number in its conditions, and its `cfg` stays 1.
    let steered = positive.and_then(|start| graph.find(start, &["guidance"], Some("positive")));
    set(Field::Guidance, "guidance", steered.or_else(|| graph.value(holder, &["cfg"])));
    set(Field::Seed, "seed", graph.value(id, &["seed", "noise_seed", "noise"]));
    set(Field::Steps, "steps", graph.value(id, &["steps", "sigmas"]));
    set(Field::Sampler, "sampler_name", graph.value(id, &["sampler_name", "sampler"]));
    set(Field::Schedule, "scheduler", graph.value(id, &["scheduler", "sigmas"]));
    if let Some(start) = graph.link(id, "latent_image") {
        set(Field::Width, "width", graph.find(start, &["width"], None));
        set(Field::Height, "height", graph.find(start, &["height"], None));
    }
    let denoise = graph.value(id, &["denoise", "sigmas"]);
    // 1 starts from plain noise: there is no starting picture then.
    set(
        Field::Strength,
        "denoise",
        denoise.filter(|value| value.as_f64().is_some_and(|v| v < 1.0)),
    );
    if draft.settings.value(Field::Seed).is_some() {
        // It draws noise on the processor, whatever it computes on.
        draft.set(Field::NoiseSource, "seed", "torch");
    }
}

/// Keeps what a sampler says beyond what is read of it, such as that it ends amid its steps for a second
/// model to go on from there. Where it says what every sampler does, nothing is lost.
fn leave_rest(graph: &Graph, id: &str, draft: &mut Draft) {
    let steps = graph.value(id, &["steps", "sigmas"]).and_then(Value::as_f64);
    for (name, own) in &graph.nodes[id].inputs {
        let partial = PARTIAL.contains(&name.as_str());
        let value = match linked(own) {
            None => own,
            Some(_) if partial => graph.value(id, &[name.as_str()]).unwrap_or(own),
            // The node that it comes from is read, or is one that is not understood.
            Some(_) => continue,
        };
        let is_usual = match name.as_str() {
            "add_noise" => value == "enable" || *value == true,
            "return_with_leftover_noise" => value == "disable" || *value == false,
            "start_at_step" => value.as_f64() == Some(0.0),
            "end_at_step" => value.as_f64().zip(steps).is_some_and(|(end, steps)| end >= steps),
            name => SAMPLER.contains(&name),
        };
        if !is_usual {
            draft.leave_json(name, value);
        }
    }
}

/// Whether all that matters of a node of this kind has been read, or it is no setting at all.
fn is_understood(class: &str) -> bool {
    const PARTS: &[&str] = &[
        "KSampler",
        "SamplerCustom",
        "CLIPTextEncode",
        "StringConcatenate",
        "CheckpointLoader",
        "UNETLoader",
        "UnetLoader",
        "CLIPLoader",
        "VAELoader",
        "VAEDecode",
        "VAEEncode",
        "EmptyLatent",
        "EmptySD3Latent",
        "EmptyFlux2Latent",
        "SaveImage",
        "PreviewImage",
        "LoraLoader",
        "RandomNoise",
        "BasicGuider",
        "CFGGuider",
        "BasicScheduler",
        "Flux2Scheduler",
        "FluxGuidance",
        "Primitive",
        "LoadImage",
        "ConditioningZeroOut",
        "Note",
    ];
    // What these begin with is read, what they are for is not.
    const OTHERS: &[&str] = &["VAEEncodeForInpaint", "LoadImageMask"];
    !OTHERS.contains(&class) && PARTS.iter().any(|part| class.contains(part))
}

struct Node {
    class: String,
    inputs: Map<String, Value>,
}

/// Whether a node makes something out of noise.
fn samples(node: &Node) -> bool {
    node.inputs.contains_key("latent_image")
        && ["seed", "noise_seed", "noise"].iter().any(|key| node.inputs.contains_key(*key))
}

struct Graph {
    nodes: BTreeMap<String, Node>,
}

impl Graph {
    fn of_prompt(prompt: &Map<String, Value>) -> Self {
        let node = |(id, node): (&String, &Value)| {
            let class = node.get("class_type")?.as_str()?.to_owned();
            let inputs = node.get("inputs")?.as_object()?.clone();
            Some((id.clone(), Node { class, inputs }))
        };
        Self { nodes: prompt.iter().take(NODES).filter_map(node).collect() }
    }

    /// A drawn graph has its values in a row without names; the usual nodes' are known.
    fn of_workflow(workflow: &Map<String, Value>) -> Self {
        let list =
            |key: &str| workflow.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        // A line is [its number, from node, from output, to node, to input, kind].
        let lines: BTreeMap<i64, Value> = list("links")
            .iter()
            .take(NODES * 4)
            .filter_map(|line| {
                let from = line.get(1)?.as_i64()?.to_string();
                Some((line.get(0)?.as_i64()?, Value::from(vec![Value::from(from), Value::from(0)])))
            })
            .collect();
        let node = |node: &Value| {
            let class = node.get("type")?.as_str()?.to_owned();
            let mut inputs = Map::new();
            let values = node.get("widgets_values").and_then(Value::as_array);
            for (name, value) in widgets(&class).iter().zip(values.into_iter().flatten()) {
                inputs.insert((*name).to_owned(), value.clone());
            }
            for input in node.get("inputs").and_then(Value::as_array).into_iter().flatten() {
                let line = input.get("link").and_then(Value::as_i64).and_then(|n| lines.get(&n));
                if let (Some(name), Some(line)) = (input.get("name").and_then(Value::as_str), line)
                {
                    inputs.insert(name.to_owned(), line.clone());
                }
            }
            Some((node.get("id")?.as_i64()?.to_string(), Node { class, inputs }))
        };
        Self { nodes: list("nodes").iter().take(NODES).filter_map(node).collect() }
    }

    /// The node that made the picture: found from where it was saved, then back along the picture's
    /// own way to the first, since a second one only refines what the first made.
    fn sampler(&self) -> Option<&str> {
        let behind =
            |start| self.back(start, None).into_iter().find(|id| samples(&self.nodes[*id]));
        let saved = |node: &Node| node.class.contains("Save") || node.class.contains("Preview");
        let outputs = self.nodes.iter().filter(|(_, node)| saved(node));
        let last = outputs.take(STARTS).find_map(|(id, _)| behind(id.as_str())).or_else(|| {
            // Saved by a node of some extension: then any that samples.
            let mut all = self.nodes.iter();
            all.find(|(_, node)| samples(node)).map(|(id, _)| id.as_str())
        });
        let mut first = last?;
        let mut passed = BTreeSet::from([first]);
        while passed.len() < STARTS
            && let Some(before) = self.link(first, "latent_image").and_then(behind)
            && passed.insert(before)
        {
            first = before;
        }
        Some(first)
    }

    /// The node that an input is taken from.
    fn link(&self, id: &str, input: &str) -> Option<&str> {
        linked(self.nodes.get(id)?.inputs.get(input)?)
            .and_then(|from| self.nodes.get_key_value(from))
            .map(|(id, _)| id.as_str())
    }

    /// The value of one of a node's inputs, or what the node behind it calls by one of these names.
    fn value(&self, id: &str, names: &[&str]) -> Option<&Value> {
        const HOLDS: &[&str] = &[
            "seed",
            "noise_seed",
            "steps",
            "sampler_name",
            "scheduler",
            "denoise",
            "value",
            "int",
            "float",
            "number",
        ];
        let node = self.nodes.get(id)?;
        let own = |name: &&str| node.inputs.get(*name).filter(|value| is_plain(value));
        names.iter().find_map(own).or_else(|| {
            // Behind `sigmas` there are steps, a schedule and a strength: only the one that is asked for.
            let wanted = |name: &&&str| {
                HOLDS.contains(name) && (names.contains(name) || !names.contains(&"sigmas"))
            };
            let holds: Vec<&str> = HOLDS.iter().filter(wanted).copied().collect();
            names.iter().find_map(|name| self.find(self.link(id, name)?, &holds, None))
        })
    }

    /// The first plain value of one of these names, on the way back from a node. A node that joins
    /// both sides of the prompt is left on the side that it was entered by.
    fn find(&self, start: &str, names: &[&str], side: Option<&str>) -> Option<&Value> {
        self.back(start, side).into_iter().find_map(|id| {
            let inputs = &self.nodes[id].inputs;
            names.iter().find_map(|name| inputs.get(*name).filter(|value| is_plain(value)))
        })
    }

    /// The nodes behind one, itself first, the nearest before the farther.
    fn back(&self, start: &str, side: Option<&str>) -> Vec<&str> {
        let (mut order, mut seen, mut lines) = (Vec::new(), BTreeSet::new(), 0);
        let mut open = VecDeque::from([start]);
        while let Some(id) = open.pop_front() {
            let Some((id, node)) = self.nodes.get_key_value(id) else { continue };
            if !seen.insert(id.as_str()) {
                continue;
            }
            order.push(id.as_str());
            // Its output is nothing, whatever stands before it.
            if side.is_some() && node.class == "ConditioningZeroOut" {
                continue;
            }
            let sides = side.filter(|side| node.inputs.contains_key(*side));
            for (name, value) in node.inputs.iter().take(LINES - lines) {
                lines += 1;
                if sides.is_none_or(|side| side == name) {
                    open.extend(linked(value));
                }
            }
        }
        order
    }
}

/// The node that a value points to: `["4", 0]`.
fn linked(value: &Value) -> Option<&str> {
    let pair = value.as_array().filter(|pair| pair.len() == 2)?;
    pair[1].as_i64()?;
    pair[0].as_str()
}

fn is_plain(value: &Value) -> bool {
    value.is_string() || value.is_number()
}

/// What stands in a row in the drawn node of a kind. The field that counts seeds up has no use here.
fn widgets(class: &str) -> &'static [&'static str] {
    match class {
        "KSampler" => &["seed", "control", "steps", "cfg", "sampler_name", "scheduler", "denoise"],
        "KSamplerAdvanced" => &[
            "add_noise",
            "noise_seed",
            "control",
            "steps",
            "cfg",
            "sampler_name",
            "scheduler",
            "start_at_step",
            "end_at_step",
            "return_with_leftover_noise",
        ],
        "CLIPTextEncode" => &["text"],
        "CheckpointLoaderSimple" => &["ckpt_name"],
        "UNETLoader" => &["unet_name"],
        "LoraLoader" => &["lora_name", "strength_model", "strength_clip"],
        "EmptyLatentImage" | "EmptySD3LatentImage" | "EmptyFlux2LatentImage" => {
            &["width", "height", "batch_size"]
        }
        "RandomNoise" => &["noise_seed"],
        "KSamplerSelect" => &["sampler_name"],
        "BasicScheduler" => &["scheduler", "steps", "denoise"],
        "FluxGuidance" => &["guidance"],
        "CFGGuider" => &["cfg"],
        "PrimitiveNode" | "PrimitiveInt" | "PrimitiveString" => &["value"],
        _ => &[],
    }
}
