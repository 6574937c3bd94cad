//! How long a model takes, part by part, as a person waits for it.

use std::time::Instant;

use likeness_picture::{Existing, Format, encode, write_whole};
use likeness_recipe::{
    Engine, Inputs, ModelRef, Peak, Recipe, Rendered, Renderer, Seed, Unwatched, Work, resolve,
};
use likeness_studio::models::{self, Chosen};
use serde::Serialize;

use super::table::{line, megabytes, milliseconds, rates, roofline, threads};
use super::{BenchOptions, Machine, Sum, median, spread};
use crate::environment::Host;
use crate::request::typed_model;
use crate::{Failure, memory, processor};

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
    /// Threads that it computes with.
    pub threads: usize,
    /// Medians.
    pub seconds: Parts,
    /// How far the longest render is from the shortest, as a part of the median.
    pub spread: f64,
    /// Seconds that all processors together spent on a run, opening and rendering; none where the system
    /// does not tell.
    pub processor_seconds: Option<f64>,
    /// Most bytes of memory that this process held; none where the system does not tell.
    pub peak_memory: Option<u64>,
    /// What it stands beside.
    #[serde(flatten)]
    pub machine: Machine,
    /// What a render consists of.
    #[serde(skip)]
    pub work: Vec<Work>,
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

/// Measures the model called `net`, at its own defaults where nothing else is asked for.
pub fn bench(
    net: &str,
    asked: &BenchOptions,
    host: &Host,
    engine: &dyn Engine,
) -> Result<Measured, Failure> {
    let (model, runs) = (choose(net, host, engine)?, asked.runs);
    let able = &model.description.capabilities;
    let recipe = |run: u32| {
        let colour = COLOURS[run as usize % COLOURS.len()];
        let mut recipe = Recipe::new(format!("a {colour} fox on a snowy beach, paper cut"));
        recipe.seed = Some(Seed::Fixed(u64::from(run)));
        (recipe.width, recipe.height) =
            (asked.size.map(|size| size.width), asked.size.map(|size| size.height));
        recipe.precision = asked.precision.map(|one| one.to_string());
        resolve(&recipe, able, || 0)
    };
    let first = recipe(0)?;
    let open = || engine.open(&model.path, first.precision);

    let mut renderer = open()?;
    let first = render(&mut *renderer, &first, host)?;
    let first_picture = host.cancelled.hold(|| store_first(&first, host))?;

    let (mut parts, mut work): ([Vec<f64>; 5], _) = Default::default();
    let before = processor::seconds();
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
        Sum::add(&mut work, &rendered.work);
        parts.iter_mut().zip(all).for_each(|(part, measured)| part.push(measured));
    }
    let busy = before.and_then(|before| Some(processor::seconds()? - before));
    let spread = spread(&parts[4]);
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
        threads: engine.threads(),
        seconds: Parts { load, encode, step, decode, total, first_picture },
        spread,
        processor_seconds: busy.map(|busy| busy / f64::from(runs)),
        peak_memory: memory::peak(),
        machine: Machine::default(),
        work: work.mean(),
    })
}

impl Measured {
    /// Puts it beside what the machine can do.
    pub fn beside(&mut self, peak: &Peak, roofline: bool) {
        self.machine = Machine::beside(&self.work, self.seconds.total, peak, roofline);
    }

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
            "{} at {}, {} steps, {}, {}, {}; medians of {} runs\n",
            self.model.name,
            self.size,
            self.steps,
            self.precision,
            self.instruction_set,
            threads(self.threads),
            self.runs
        );
        for (part, seconds) in rows {
            table += &line(part, &milliseconds(seconds));
        }
        table += &rates(&self.machine);
        table += &line("peak memory", &megabytes(self.peak_memory));
        table += &roofline(&self.machine.roofline);
        table.trim_end().to_owned()
    }
}

/// The model called `net`. A name that nothing has is a slip; a model that does not open is not.
fn choose(net: &str, host: &Host, engine: &dyn Engine) -> Result<Chosen, Failure> {
    let typed = typed_model(net);
    models::choose(Some(&typed), &host.model_places, engine).map_err(|error| {
        let listed = models::list(&host.model_places, engine);
        let is_it = |one: &models::Found| {
            one.name == net || one.path.file_stem().is_some_and(|stem| stem == net)
        };
        if typed.contains(['/', '\\']) || listed.iter().any(is_it) {
            return error.into();
        }
        let models = listed.iter().filter(|one| one.description.is_ok());
        let mut names: Vec<_> = models.map(|one| one.name.clone()).collect();
        names
            .extend(engine.exercisable().into_iter().filter(|one| one.network).map(|one| one.name));
        let accepted = names.join(", ");
        Failure::Usage(format!("net: there is no {net:?} (accepted: {accepted}, or a path)"))
    })
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
