//! `bench`: how long a model takes on this machine, part by part.

use std::time::Instant;

use likeness_picture::{Existing, Format, encode, write_whole};
use likeness_recipe::{
    Engine, Inputs, ModelRef, Recipe, Rendered, Renderer, Seed, Unwatched, resolve,
};
use likeness_studio::models;
use serde::Serialize;

use crate::environment::Host;
use crate::{Failure, memory};

/// Renders that are measured where nobody says how many.
pub const RUNS: u32 = 5;

/// As many words in each prompt, and no prompt twice in a row: what an engine remembers of the last
/// one must not count.
const COLOURS: [&str; 4] = ["red", "blue", "green", "yellow"];

/// What was measured: medians over the runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// As it was asked for.
    pub net: String,
    /// The weights.
    pub model: ModelRef,
    /// Of the picture.
    pub size: String,
    /// Of each render.
    pub steps: u32,
    /// The number format computed in.
    pub precision: String,
    /// Renders after the warm-up.
    pub runs: u32,
    /// What the engine computes with.
    pub instruction_set: String,
    /// Threads that this machine runs at once.
    pub threads: usize,
    /// Medians.
    pub seconds: Parts,
    /// Most bytes of memory that this process held; none where the system does not tell.
    pub peak_memory: Option<u64>,
}

/// Seconds of each part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Parts {
    /// Opening the model, its file in the system's cache.
    pub load: f64,
    /// Reading the prompt.
    pub encode: f64,
    /// One step.
    pub step: f64,
    /// Numbers to pixels.
    pub decode: f64,
    /// A render by an open model.
    pub total: f64,
    /// From the start of the program to the first picture on disk, measured once.
    pub first_picture: f64,
}

/// Measures the model called `net`, at its own defaults.
pub fn bench(net: &str, runs: u32, host: &Host, engine: &dyn Engine) -> Result<Measured, Failure> {
    let model = models::choose(Some(net), &host.model_places, engine)?;
    let able = &model.description.capabilities;
    let recipe = |run: u32| {
        let colour = COLOURS[run as usize % COLOURS.len()];
        let mut recipe = Recipe::new(format!("a {colour} fox on a snowy beach, paper cut"));
        recipe.seed = Some(Seed::Fixed(u64::from(run)));
        resolve(&recipe, able, || 0)
    };
    let open = || engine.open(&model.path, able.defaults.precision);

    let mut renderer = open()?;
    let first = render(&mut *renderer, &recipe(0)?, host)?;
    let first_picture = store_first(&first, host)?;

    let mut parts: [Vec<f64>; 5] = Default::default();
    for run in 1..=runs {
        let opening = Instant::now();
        drop(open()?);
        let load = opening.elapsed().as_secs_f64();
        let recipe = recipe(run)?;
        let rendering = Instant::now();
        let rendered = render(&mut *renderer, &recipe, host)?;
        let (total, seconds) = (rendering.elapsed().as_secs_f64(), rendered.seconds);
        let step = seconds.denoise / f64::from(recipe.steps);
        let all = [load, seconds.encode, step, seconds.decode, total];
        parts.iter_mut().zip(all).for_each(|(part, measured)| part.push(measured));
    }
    let [load, encode, step, decode, total] = parts.map(median);
    let recipe = first.recipe;
    Ok(Measured {
        net: net.to_owned(),
        model: recipe.model,
        size: format!("{}x{}", recipe.width, recipe.height),
        steps: recipe.steps,
        precision: recipe.precision.to_string(),
        runs,
        instruction_set: engine.instruction_set(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        seconds: Parts { load, encode, step, decode, total, first_picture },
        peak_memory: memory::peak(),
    })
}

impl Measured {
    /// The table for people.
    pub fn table(&self) -> String {
        let seconds = &self.seconds;
        let rows = [
            ("load", seconds.load),
            ("encode", seconds.encode),
            ("step", seconds.step),
            ("decode", seconds.decode),
            ("total", seconds.total),
            ("first picture", seconds.first_picture),
        ];
        let mut table = format!(
            "{} at {}, {} steps, {}, {}, {} threads; medians of {} runs\n",
            self.model.name,
            self.size,
            self.steps,
            self.precision,
            self.instruction_set,
            self.threads,
            self.runs
        );
        for (part, seconds) in rows {
            table += &format!("{part:<14} {:>9.1} ms\n", seconds * 1e3);
        }
        let memory = self
            .peak_memory
            .map_or("not told".to_owned(), |bytes| format!("{} MB", bytes / 1_000_000));
        table + &format!("{:<14} {memory:>12}", "peak memory")
    }
}

fn render(
    renderer: &mut dyn Renderer,
    recipe: &likeness_recipe::ResolvedRecipe,
    host: &Host,
) -> Result<Rendered, Failure> {
    if host.cancelled.is_set() {
        return Err(Failure::Cancelled);
    }
    let mut rendered = renderer.render(recipe, &Inputs::default(), &mut Unwatched)?;
    rendered.pop().ok_or_else(|| Failure::Internal("the engine gave no picture".to_owned()))
}

/// The first picture counts once it is on disk.
fn store_first(rendered: &Rendered, host: &Host) -> Result<f64, Failure> {
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::Storage(format!("the temporary folder: {error}")))?;
    let bytes = encode(&rendered.pixels, Format::Png, &rendered.recipe)
        .map_err(|error| Failure::of_output(&error))?;
    write_whole(&folder.path().join("first.png"), &bytes, Existing::Replace)
        .map_err(|error| Failure::of_output(&error))?;
    Ok(host.started.elapsed().as_secs_f64())
}

/// The middle one, or the mean of the two in the middle.
fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    let middle = all.len() / 2;
    match all.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => all[middle],
        _ => (all[middle - 1] + all[middle]) / 2.0,
    }
}
