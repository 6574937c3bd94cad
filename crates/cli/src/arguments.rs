//! The command line, and its help.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::styling::Styles;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use likeness_recipe::{Engine, Role, Seed, Size};

use crate::Failure;
use crate::bench::{self, BenchOptions};
use crate::deliver::{self, DeliverOptions, DeliverTo};
use crate::library::{self, LibraryCommand};
use crate::queue::{self, QueueCommand};
use crate::request::{LoraFile, Request};
use crate::upscale::{self, UpscaleOptions};

const EXAMPLES: &str = "\
Examples:
  likeness generate \"a red fox on a snowy beach, paper cut\"
  likeness generate \"the mug on a forest floor\" --ref mug.png --out scene.webp
  likeness edit scene.webp \"make the mug green\" --out green.png
  likeness upscale green.png --out large.png
  likeness deliver green.png --at story --out story.png
  likeness recipe green.png
  likeness queue add \"a blue car, sticker\" --count 20
  likeness library list car
  likeness models

Environment:
  LIKENESS_LIBRARY  the library folder, where pictures go without --out and models/ is looked in
  LIKENESS_MODELS   further folders of models, or models themselves
  LIKENESS_CPU      the most instructions to use: portable, avx2, avx512 and others

Exit codes: 1 internal, 2 usage, 3 input, 4 model, 5 storage, 130 interrupted, 141 nobody reads the
output any more.";

const GENERATE_EXAMPLES: &str = "\
Examples:
  likeness generate \"a red fox on a snowy beach, paper cut\" --out fox.png
  likeness generate \"a blue fire engine, sticker\" --seed 7 --count 4 --out drafts/
  likeness generate \"the mug in a forest\" --ref mug.png --count 3
  likeness generate \"a sailboat at sunset\" --deliver feed-portrait --out post.png
  likeness generate \"a sailboat at sunset\" --init sketch.png --strength 0.7
  likeness generate --recipe fox.png --seed -1 --out another.png
  likeness recipe --json comfyui.png | likeness generate --recipe - --model starter --size 128x128
  likeness generate \"a cactus\" --seed 965400086 --noise-source torch --json";

const EDIT_EXAMPLES: &str = "\
Examples:
  likeness edit fox.png \"put it in a city at night\" --out night.png
  likeness edit mug.webp \"make the mug green\" --seed 3 --json
  likeness edit mug.webp \"turn it into pixel art\" --no-guard";

/// An image studio on your own machine: pictures from words and from other pictures, offline.
#[derive(Debug, Parser)]
#[command(name = "likeness", after_help = EXAMPLES, arg_required_else_help = true)]
#[command(disable_help_subcommand = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make pictures of what the prompt says
    #[command(after_help = GENERATE_EXAMPLES)]
    Generate {
        /// What the picture should show
        #[arg(required_unless_present = "recipe")]
        prompt: Option<String>,
        /// Render a recipe again: a picture that carries one, also another program's, or JSON as `likeness
        /// recipe` prints it; - is standard input. What else is said comes before it
        #[arg(long, value_name = "FILE|-")]
        recipe: Option<PathBuf>,
        /// How.
        #[command(flatten)]
        options: Box<Options>,
        /// What besides, and where it goes.
        #[command(flatten)]
        now: NowOptions,
    },
    /// Change a picture as the instruction says
    #[command(after_help = EDIT_EXAMPLES)]
    Edit {
        /// The picture to change: PNG, JPEG, WebP, GIF, TIFF or BMP
        image: PathBuf,
        /// What to change, such as "make the mug green"
        instruction: String,
        /// Take the picture as it is drawn; otherwise all that the edit leaves alone is kept, pixel for pixel
        #[arg(long)]
        no_guard: bool,
        /// How.
        #[command(flatten)]
        options: Box<Options>,
        /// What besides, and where it goes.
        #[command(flatten)]
        now: NowOptions,
    },
    /// Make a picture two or four times as large
    #[command(after_help = upscale::EXAMPLES)]
    Upscale {
        /// Which, and where it goes.
        #[command(flatten)]
        options: UpscaleOptions,
    },
    /// Bring a picture to exactly a size: made larger, cut or bordered
    #[command(after_help = deliver::EXAMPLES)]
    Deliver {
        /// Which, what size, and where it goes.
        #[command(flatten)]
        options: DeliverOptions,
    },
    /// Pictures for later: add, run, pause, cancel, retry
    #[command(after_help = queue::EXAMPLES)]
    Queue {
        /// What to do with it.
        #[command(subcommand)]
        command: QueueCommand,
    },
    /// The library: list, check, repair, back up, export
    #[command(after_help = library::EXAMPLES)]
    Library {
        /// What to do with it.
        #[command(subcommand)]
        command: LibraryCommand,
    },
    /// Print the recipe that a picture carries, ours or another program's
    Recipe {
        /// A picture file, or - for standard input
        image: PathBuf,
        /// On one line, and another program's settings as JSON too, with what could not be matched
        #[arg(long)]
        json: bool,
    },
    /// List the models: what can run here, and why a thing cannot
    Models {
        /// One JSON object per model
        #[arg(long)]
        json: bool,
    },
    /// Measure this machine: a model, networks of random weights, single operations
    #[command(after_help = bench::EXAMPLES)]
    Bench {
        /// What and how.
        #[command(flatten)]
        options: BenchOptions,
    },
}

impl Command {
    /// Whether it looks for Ctrl+C while it works, and ends in order. The others are ended by the system,
    /// at once: what they write is whole or absent, and a library outlives worse.
    pub fn stops_between_steps(&self) -> bool {
        match self {
            Self::Generate { .. }
            | Self::Edit { .. }
            | Self::Upscale { .. }
            | Self::Deliver { .. }
            | Self::Bench { .. } => true,
            Self::Queue { command } => matches!(command, QueueCommand::Run { .. }),
            Self::Library { .. } | Self::Recipe { .. } | Self::Models { .. } => false,
        }
    }

    /// Whether it may be ended anywhere but where it writes, when somebody does not want it any more.
    pub fn has_nothing_to_lose(&self) -> bool {
        matches!(self, Self::Upscale { .. } | Self::Bench { .. })
    }
}

/// How a picture is made and where it goes.
#[derive(Debug, Args)]
pub struct Options {
    /// What the picture should not show; needs a guidance other than 1
    #[arg(long, value_name = "TEXT")]
    negative: Option<String>,
    /// The model: a name that `likeness models` lists, or a path
    #[arg(long, value_name = "NAME|PATH")]
    model: Option<String>,
    /// Where the noise starts; the same seed gives the same picture, -1 draws one
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = seed)]
    seed: Option<Seed>,
    /// Steps from noise to picture
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    steps: Option<u32>,
    /// How strongly the prompt is followed; 1 is the model's plain answer
    #[arg(long, value_name = "F", allow_hyphen_values = true)]
    guidance: Option<f32>,
    /// Width and height in pixels: one of the model's sizes, which `likeness models --json` lists. A
    /// picture made from another has its shape where nothing is said
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<Size>,
    /// How many pictures, each with the next seed
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    count: Option<u32>,
    /// A picture of what should be in it; may be given several times
    #[arg(long = "ref", value_name = "FILE")]
    references: Vec<PathBuf>,
    /// A picture to start from in place of noise
    #[arg(long, value_name = "FILE")]
    init: Option<PathBuf>,
    /// How far to go from --init: above 0 (hardly) to 1 (entirely). Where nothing is said it is farther
    /// with a --mask, so that what that frees can become another colour
    #[arg(long, value_name = "F", requires = "init", allow_hyphen_values = true)]
    strength: Option<f32>,
    /// Where --init may change: white changes, black stays
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,
    /// euler, euler_a, dpmpp_2m, dpmpp_2m_sde, ddim, unipc, lcm, tcd, flow_euler or flow_heun,
    /// where the model's family has it
    #[arg(long, value_name = "NAME")]
    sampler: Option<String>,
    /// default, karras, exponential, sgm_uniform, simple or beta, where the family has it
    #[arg(long, value_name = "NAME")]
    schedule: Option<String>,
    /// likeness, or torch for a seed from ComfyUI or diffusers
    #[arg(long, value_name = "NAME")]
    noise_source: Option<String>,
    /// auto, f32, bf16 or int8; all but f32 are approximations
    #[arg(long, value_name = "NAME")]
    precision: Option<String>,
    /// What size at the end.
    #[command(flatten)]
    deliver: DeliverTo,
    /// One JSON object per picture on standard output
    #[arg(long)]
    json: bool,
    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,
}

/// What a picture that is made now may be given besides, and where it goes; the queue knows none of it.
#[derive(Debug, Args)]
pub struct NowOptions {
    /// An addition to the weights and how much of it, where the model's family takes them (none that
    /// runs does yet); may be given several times
    #[arg(long = "lora", value_name = "FILE:WEIGHT")]
    loras: Vec<String>,
    /// Where to: a .png, .jpg or .webp file, a folder, or - for standard output [default: the library]
    #[arg(long, value_name = "FILE|DIR|-")]
    out: Option<PathBuf>,
    /// Replace files that have the names of --out and --dump
    #[arg(long)]
    overwrite: bool,
    /// Do not say to machines, in XMP, that a model made the picture; with --out
    #[arg(long, requires = "out")]
    no_ai_mark: bool,
    /// Write pixels alone into the file, to give it away: no prompt, no seed, no names of files; with --out
    #[arg(long, requires = "out")]
    no_recipe: bool,
    /// First noise in place of the seed's: tensor `noise`, NCHW, unit variance; with --no-recipe, since
    /// no recipe tells of it
    #[arg(long, value_name = "FILE.safetensors", requires = "no_recipe", help_heading = "Checks")]
    initial_noise: Option<PathBuf>,
    /// Write `latents` and `pixels` as NCHW tensors
    #[arg(long, value_name = "FILE.safetensors", help_heading = "Checks")]
    dump: Option<PathBuf>,
}

impl Options {
    /// What is asked, and how it is told: (request, json, quiet).
    pub fn into_request(
        self,
        prompt: String,
        edit: Option<PathBuf>,
        no_guard: bool,
        now: Option<NowOptions>,
    ) -> (Request, bool, bool) {
        let edit = edit.map(|image| (Role::Edit, image));
        let subjects = self.references.into_iter().map(|file| (Role::Subject, file));
        let request = Request {
            prompt,
            negative: self.negative,
            model: self.model,
            seed: self.seed,
            steps: self.steps,
            guidance: self.guidance,
            size: self.size,
            count: self.count,
            references: edit.into_iter().chain(subjects).collect(),
            guard: no_guard.then_some(false),
            init: self.init,
            strength: self.strength,
            mask: self.mask,
            sampler: self.sampler,
            schedule: self.schedule,
            noise_source: self.noise_source,
            precision: self.precision,
            deliver: self.deliver.choice(),
            ..Request::default()
        };
        let request = match now {
            None => request,
            Some(now) => Request {
                loras: now.loras.iter().map(|text| LoraFile::parse(text)).collect(),
                out: now.out,
                overwrite: now.overwrite,
                no_recipe: now.no_recipe,
                no_ai_mark: now.no_ai_mark,
                initial_noise: now.initial_noise,
                dump: now.dump,
                ..request
            },
        };
        (request, self.json, self.quiet)
    }
}

/// An end before the beginning.
#[derive(Debug)]
pub enum Answer {
    /// Help or version was asked for.
    Text(String),
    /// The arguments make no sense.
    Failure(Failure),
}

/// Reads the arguments, the program's name first.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    engine: &dyn Engine,
) -> Result<Arguments, Answer> {
    // clap keeps texts for as long as the program runs.
    let version: &'static str = version(engine).leak();
    let command = Arguments::command().version(version).styles(Styles::plain());
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    command
        .try_get_matches_from(&arguments)
        .and_then(|matches| Arguments::from_arg_matches(&matches))
        .map_err(|error| match error.kind() {
            clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion => {
                Answer::Text(error.to_string())
            }
            clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                Answer::Failure(Failure::Usage(none_given(&arguments)))
            }
            _ => Answer::Failure(Failure::Usage(one_line(&error.to_string()))),
        })
}

/// What could have been said where nothing was.
fn none_given(arguments: &[OsString]) -> String {
    let all = Arguments::command();
    let said = arguments.get(1).and_then(|word| word.to_str());
    let at = said.and_then(|word| all.find_subcommand(word)).unwrap_or(&all);
    let names: Vec<_> = at.get_subcommands().map(clap::Command::get_name).collect();
    format!("command: none is given (accepted: {}); see likeness --help", names.join(", "))
}

fn version(engine: &dyn Engine) -> String {
    format!(
        "{} ({}), computing with {}",
        env!("CARGO_PKG_VERSION"),
        env!("LIKENESS_BUILD"),
        engine.instruction_set()
    )
}

/// clap says it over several lines, with the usage behind; the rest of Likeness says it in one.
fn one_line(text: &str) -> String {
    let before_usage = text.split("\nUsage:").next().unwrap_or(text);
    let before_usage = before_usage.split("\nFor more information").next().unwrap_or(text);
    let words: Vec<_> = before_usage.split_whitespace().collect();
    let line = words.join(" ");
    format!("{}; see likeness --help", line.strip_prefix("error: ").unwrap_or(&line))
}

fn seed(text: &str) -> Result<Seed, String> {
    text.parse().map_err(|error: likeness_recipe::RecipeError| error.to_string())
}

fn size(text: &str) -> Result<Size, String> {
    text.parse().map_err(|error: likeness_recipe::RecipeError| error.to_string())
}
