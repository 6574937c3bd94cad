//! `cargo xtask eval-starter`: makes every picture of the evaluation set, judges it, prints the table.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use likeness_eval::table::{self, Run};
use likeness_eval::{Judge, Painter, Plan, Set, score};

/// Measures the starter model: what it can do, against what it is to reach.
#[derive(Parser)]
#[command(
    version,
    after_help = "\
Examples:
  likeness-eval --limit 50          a quick look: 50 tasks of each kind
  likeness-eval --json              everything, for a machine
  likeness-eval --precision int8    what computing in bytes costs
  likeness-eval --steps 24 --guidance 2.5 --model EXPORT   a teacher's export"
)]
struct Arguments {
    /// One JSON object on standard output instead of the table
    #[arg(long)]
    json: bool,
    /// At most this many tasks of each kind
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// The starter's folder, with eval/ and judges/ in it [default: models/starter]
    #[arg(long, value_name = "FOLDER")]
    starter: Option<PathBuf>,
    /// Another model to measure, by the same set and judge
    #[arg(long, value_name = "PATH")]
    model: Option<PathBuf>,
    /// Steps a picture [default: the model's]
    #[arg(long, value_name = "N")]
    steps: Option<u32>,
    /// Guidance [default: the model's]
    #[arg(long, value_name = "F")]
    guidance: Option<f32>,
    /// Number format to compute in: f32, bf16 or int8 [default: the model's]
    #[arg(long, value_name = "NAME")]
    precision: Option<String>,
    /// Also write every picture into this folder
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let starter = arguments.starter.unwrap_or_else(own_starter);
    let set = Set::read(&starter.join("eval"), None)?;
    let tasks = set.count();
    let set = match arguments.limit {
        Some(limit) => Set::read(&starter.join("eval"), Some(limit))?,
        None => set,
    };
    let judge = Judge::read(&starter.join("judges"))?;
    let plan = Plan {
        steps: arguments.steps,
        guidance: arguments.guidance,
        precision: arguments.precision,
        keep: arguments.keep,
    };
    let shipped = arguments.model.is_none() && arguments.steps.is_none();
    let mut painter = Painter::open(&arguments.model.unwrap_or_else(|| starter.clone()), plan)?;

    let record = if shipped { record(&starter.join("training.json"))? } else { None };
    let mut usual = true;
    let mut told = Vec::new();
    for size in painter.sizes() {
        let set = if usual { &set } else { &set.prompts_alone() };
        let bar = ProgressBar::new(set.pictures() as u64).with_style(ProgressStyle::with_template(
            "{msg} {wide_bar} {pos}/{len} {per_sec} {eta}",
        )?);
        bar.set_message(format!("pictures of {size}"));
        let started = Instant::now();
        let painted = painter.paint(set, size, || bar.inc(1))?;
        let seconds = started.elapsed().as_secs_f64();
        bar.finish_and_clear();

        let mut outcome = score(set, &painted, &judge)?;
        // What was recorded when it was distilled is of the starter alone, in its own number of steps and
        // its usual size.
        if let Some(share) = record.filter(|_| usual) {
            outcome.insert(table::RECORDED, share);
        }
        let (model, sha256) = painter.model();
        let (steps, guidance, precision) = painter.settings();
        let run = Run {
            model: model.to_owned(),
            sha256: sha256.to_owned(),
            size: size.to_string(),
            steps,
            guidance,
            precision,
            done: set.count(),
            tasks: if usual { tasks } else { set.count() },
            seconds,
            judge: judge.own().map(|(what, share)| (what.to_owned(), share)).collect(),
        };
        match arguments.json {
            true => told.push(table::machine(&run, &outcome)),
            false => print!("{}", table::text(&run, &outcome)),
        }
        usual = false;
    }
    // One size is one object, as it was before there were several.
    for object in told {
        println!("{object}");
    }
    Ok(())
}

/// `models/starter` of this repository: cargo says where the package lies; without cargo, from here.
fn own_starter() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR");
    let root = package.map(|package| Path::new(&package).join("../.."));
    root.unwrap_or_default().join("models/starter")
}

/// What the export wrote down of its teacher; nothing if there is no record.
fn record(file: &Path) -> Result<Option<likeness_eval::Share>> {
    match std::fs::read(file) {
        Ok(text) => Ok(table::recorded(&serde_json::from_slice(&text)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
