//! `bench`: how fast this machine is, and how near to what it could be.
//!
//! A [`model`] is measured part by part, as a person waits for it. [`random`] is for everything that
//! needs no model: networks of the real shape with random weights, and single operations. Each figure
//! stands beside the machine's own peak ([`Machine`]), measured in the same process, and `--roofline`
//! shows where the time went. Since a process computes with one number of threads, [`threads`] compares
//! several in processes of their own.

use std::collections::BTreeMap;

use clap::Args;
use likeness_recipe::{
    Engine, Exercisable, Numbers, Peak, RooflineRow, Size, Subject, WeightFormat, Work, Workload,
    roofline,
};
use serde::Serialize;

use crate::Failure;
use crate::environment::Host;
use crate::report::{print, print_json};

pub mod model;
pub mod random;
pub mod table;
pub mod threads;

/// Runs that are measured where nobody says how many.
pub const RUNS: u32 = 5;

/// What is measured where nobody says what.
const STARTER: &str = "starter";

/// The last words of its help.
pub const EXAMPLES: &str = "\
Examples:
  likeness bench
  likeness bench --roofline
  likeness bench --net sd15-unet --size 512 --precision bf16 --json
  likeness bench --net klein-stack --precision q8_0 --roofline
  likeness bench --op matmul:4096x1280x1280 --precision int8
  likeness bench --op all --threads 1,2
  likeness bench --op list

LIKENESS_CPU (portable, avx2, avx512, amx and others) holds the instructions down.";

/// What is to be measured, and how.
#[derive(Debug, Clone, Args)]
pub struct BenchOptions {
    /// A model by name or path, or a network of random weights: sd15-unet, sd15-vae, sdxl-unet,
    /// klein-stack and others, see --net list [default: starter]
    #[arg(long, value_name = "NAME", conflicts_with = "op")]
    pub net: Option<String>,
    /// An operation and its sizes, such as attention:8x4096x40; several with commas; a name alone is
    /// all its usual sizes; `all`; `list` shows what there is
    #[arg(long, value_name = "OP", value_delimiter = ',')]
    pub op: Vec<String>,
    /// The picture's, in pixels: 512 or 512x768
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub size: Option<Size>,
    /// f32, bf16, int8, and of random weights also q8_0 and q4_k
    #[arg(long, value_name = "NAME", value_parser = weights)]
    pub precision: Option<WeightFormat>,
    /// Threads to compute with; several with commas are compared, each in a process of its own
    #[arg(long, value_name = "N", value_delimiter = ',',
          value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Vec<u32>,
    /// Runs after the warm-up; the medians are shown
    #[arg(long, default_value_t = RUNS, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: u32,
    /// Where the time went, by kinds of operations, and what the machine could do
    #[arg(long)]
    pub roofline: bool,
    /// One JSON object for each thing that is measured, in place of the table
    #[arg(long)]
    pub json: bool,
}

/// Measures what is asked for, and prints it.
pub fn run(asked: &BenchOptions, host: &Host, engine: &dyn Engine) -> Result<(), Failure> {
    let list = engine.exercisable();
    if asked.net.as_deref() == Some("list") || asked.op == ["list"] {
        let listed = list.iter().filter(|one| one.network == asked.op.is_empty());
        return print(&table::list(listed));
    }
    let subjects = subjects(asked, &list);
    let several = subjects.as_ref().is_some_and(|subjects| subjects.len() > 1);
    if asked.roofline && (asked.threads.len() > 1 || several && !asked.json) {
        let accepted = "one operation and one --threads; of several operations with --json";
        return Err(Failure::Usage(format!("roofline: it is of one thing (accepted: {accepted})")));
    }
    if asked.threads.len() > 1 {
        return threads::compare(asked, &subjects, host);
    }
    if let [threads] = asked.threads[..]
        && !engine.set_threads(Some(threads as usize))
    {
        return Err(Failure::Internal("the threads were made before they were counted".into()));
    }
    let Some(subjects) = subjects else {
        let net = asked.net.as_deref().unwrap_or(STARTER);
        let mut measured = model::bench(net, asked, host, engine)?;
        measured.beside(&engine.peak()?, asked.roofline);
        return if asked.json { print_json(&measured) } else { print(&measured.table()) };
    };
    let measured =
        subjects.iter().map(|workload| random::measure(workload, asked.runs, host, engine));
    let mut measured = measured.collect::<Result<Vec<_>, _>>()?;
    let peak = engine.peak()?;
    measured.iter_mut().for_each(|one| one.beside(&peak, asked.roofline));
    match &measured[..] {
        all if asked.json => all.iter().try_for_each(print_json),
        [one] => print(&one.table()),
        all => print(&table::all(all)),
    }
}

/// What is to be exercised; none where it is a model.
fn subjects(asked: &BenchOptions, list: &[Exercisable]) -> Option<Vec<Workload>> {
    let (size, weights) = (asked.size, asked.precision);
    if asked.op.is_empty() {
        let name = asked.net.as_ref()?;
        list.iter().find(|one| one.network && one.name == *name)?;
        return Some(vec![Workload { subject: Subject::Network(name.clone()), size, weights }]);
    }
    let operation = |text: &str, weights| {
        let subject = Subject::Operation(text.to_owned());
        Workload { subject, size, weights }
    };
    let operations = || list.iter().filter(|one| !one.network);
    // What was not named by itself is measured in its own way where it has not the one that is wanted.
    let cases = |one: &Exercisable| -> Vec<Workload> {
        let weights = weights.filter(|wanted| one.weights.contains(wanted));
        one.cases.iter().map(|case| operation(case, weights)).collect()
    };
    let each = |text: &String| match operations().find(|one| one.name == *text) {
        Some(one) => cases(one),
        None if text == "all" => operations().flat_map(cases).collect(),
        None => vec![operation(text, weights)],
    };
    Some(asked.op.iter().flat_map(each).collect())
}

/// What a measurement stands beside.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Machine {
    /// Billions of operations in a run.
    pub gflop: f64,
    /// Billions of operations a second.
    pub gflops: f64,
    /// What the machine reaches in the numbers that most of them multiply.
    pub peak_gflops: f64,
    /// What of that was reached, from 0 to 1.
    pub share_of_peak: f64,
    /// Billions of bytes a second that the machine's memory gives and takes.
    pub memory_gigabytes: f64,
    /// Where the time went, the longest first; empty unless it is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roofline: Vec<RooflineRow>,
}

impl Machine {
    /// Some work that took so long beside what the machine can do.
    pub fn beside(work: &[Work], seconds: f64, peak: &Peak, wanted: bool) -> Self {
        let flop: f64 = work.iter().map(|one| one.flop).sum();
        let in_numbers = |numbers: Numbers| -> f64 {
            work.iter().filter(|one| one.numbers == numbers).map(|one| one.flop).sum()
        };
        let most =
            Numbers::ALL.iter().copied().max_by(|a, b| in_numbers(*a).total_cmp(&in_numbers(*b)));
        let peak_flops = peak.of(most.unwrap_or(Numbers::F32));
        let rate = if seconds > 0.0 { flop / seconds } else { 0.0 };
        Self {
            gflop: flop / 1e9,
            gflops: rate / 1e9,
            peak_gflops: peak_flops / 1e9,
            share_of_peak: if peak_flops > 0.0 { rate / peak_flops } else { 0.0 },
            memory_gigabytes: peak.bandwidth / 1e9,
            roofline: if wanted { roofline(work, Some(peak)) } else { Vec::new() },
        }
    }
}

/// Work of several runs, as the mean of one.
#[derive(Debug, Default)]
struct Sum {
    kinds: BTreeMap<(usize, usize), Work>,
    runs: u32,
}

impl Sum {
    fn add(&mut self, work: &[Work]) {
        self.runs += 1;
        for one in work {
            let sum = self.kinds.entry((one.kind as usize, one.numbers as usize));
            let sum = sum.or_insert(Work { calls: 0, seconds: 0.0, flop: 0.0, bytes: 0.0, ..*one });
            sum.calls += one.calls;
            sum.seconds += one.seconds;
            sum.flop += one.flop;
            sum.bytes += one.bytes;
        }
    }

    fn mean(&self) -> Vec<Work> {
        let runs = self.runs.max(1);
        let one = |sum: &Work| Work {
            calls: sum.calls / runs,
            seconds: sum.seconds / f64::from(runs),
            flop: sum.flop / f64::from(runs),
            bytes: sum.bytes / f64::from(runs),
            ..*sum
        };
        self.kinds.values().map(one).collect()
    }
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

/// How far the longest is from the shortest, as a part of the median.
fn spread(all: &[f64]) -> f64 {
    let (least, most) = all
        .iter()
        .fold((f64::INFINITY, 0f64), |(least, most), &one| (least.min(one), most.max(one)));
    let median = median(all.to_vec());
    if median > 0.0 { (most - least) / median } else { 0.0 }
}

fn size(text: &str) -> Result<Size, String> {
    let text = if text.parse::<u32>().is_ok() { format!("{text}x{text}") } else { text.to_owned() };
    text.parse().map_err(|error: likeness_recipe::RecipeError| error.to_string())
}

fn weights(text: &str) -> Result<WeightFormat, String> {
    WeightFormat::from_name(text).ok_or_else(|| {
        let names: Vec<_> = WeightFormat::ALL.iter().map(|one| one.name()).collect();
        format!("precision: there is no {text:?} (accepted: {})", names.join(", "))
    })
}
