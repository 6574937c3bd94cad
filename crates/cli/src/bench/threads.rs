//! Whether more threads are ever slower than fewer. A process makes its threads once, so each count is
//! measured by this program in a process of its own, one after the other.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use likeness_recipe::{Subject, Workload};
use serde::Serialize;
use serde_json::Value;

use super::table::{milliseconds, threads};
use super::{BenchOptions, STARTER};
use crate::Failure;
use crate::environment::Host;
use crate::report::{print, print_json};

/// How much slower more threads may seem before they are said to be: two runs of the same differ by as
/// much.
const DOUBT: f64 = 1.03;
/// What seems slower is measured again, up to so often, and the best of each count kept: on a machine
/// with others on it a single round may have been theirs.
const ROUNDS: u32 = 3;

/// How often Ctrl+C is looked for while the other process measures.
const PATIENCE: Duration = Duration::from_millis(20);

/// One thing, measured with several counts of threads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// What it is.
    pub name: String,
    /// How its weights are stored.
    pub precision: String,
    /// Counts of threads, as they were asked for.
    pub threads: Vec<u32>,
    /// The median with each.
    pub seconds: Vec<f64>,
    /// Whether a larger count was slower than a smaller one.
    pub slower: bool,
}

impl Compared {
    /// From medians in the order of the counts.
    pub fn new(name: String, precision: String, threads: &[u32], seconds: Vec<f64>) -> Self {
        let all = || threads.iter().zip(&seconds);
        let slower =
            all().any(|(few, fast)| all().any(|(many, slow)| many > few && *slow > fast * DOUBT));
        Self { name, precision, threads: threads.to_vec(), seconds, slower }
    }

    /// The faster of two measurements, count by count.
    pub fn or_faster(self, other: &Self) -> Self {
        let pairs = self.seconds.iter().zip(&other.seconds);
        let seconds = pairs.map(|(one, two)| one.min(*two)).collect();
        Self::new(self.name, self.precision, &self.threads, seconds)
    }
}

/// Measures everything with every count, and prints the comparison. No subjects are a model.
pub fn compare(
    asked: &BenchOptions,
    subjects: &Option<Vec<Workload>>,
    host: &Host,
) -> Result<(), Failure> {
    let Some(program) = &host.program else {
        let problem = "the system does not say where this program is";
        return Err(Failure::Usage(format!("threads: {problem} (accepted: one number)")));
    };
    let mut arguments: Vec<(String, Vec<String>)> = Vec::new();
    match subjects {
        None => {
            let net = asked.net.as_deref().unwrap_or(STARTER);
            arguments.push((net.to_owned(), vec!["--net".into(), net.into()]));
        }
        Some(subjects) => arguments.extend(subjects.iter().map(|one| {
            let (kind, name) = match &one.subject {
                Subject::Network(name) => ("--net", name),
                Subject::Operation(text) => ("--op", text),
            };
            (name.clone(), vec![kind.to_owned(), name.clone()])
        })),
    }
    let mut all = Vec::new();
    for (i, (name, mut subject)) in arguments.into_iter().enumerate() {
        let weights = match subjects {
            Some(subjects) => subjects[i].weights,
            None => asked.precision,
        };
        subject.extend(weights.iter().flat_map(|one| ["--precision".into(), one.to_string()]));
        subject.extend(asked.size.iter().flat_map(|one| ["--size".into(), one.to_string()]));
        let mut compared: Option<Compared> = None;
        for _ in 0..ROUNDS {
            let now = once(&name, &subject, asked, program, host)?;
            let now = match compared {
                Some(before) => now.or_faster(&before),
                None => now,
            };
            let settled = !now.slower;
            compared = Some(now);
            if settled {
                break;
            }
        }
        all.extend(compared);
    }
    if asked.json { all.iter().try_for_each(print_json) } else { print(&table(&all)) }
}

/// One thing with every count, in the order in which they were asked for.
fn once(
    name: &str,
    subject: &[String],
    asked: &BenchOptions,
    program: &Path,
    host: &Host,
) -> Result<Compared, Failure> {
    let (mut seconds, mut precision) = (Vec::new(), String::new());
    for count in &asked.threads {
        if host.cancelled.is_set() {
            return Err(Failure::Cancelled);
        }
        let measured = other_process(program, subject, *count, asked.runs, host)?;
        // A model's seconds are those of its parts.
        let median = measured["seconds"].as_f64().or(measured["seconds"]["total"].as_f64());
        seconds.push(median.ok_or_else(|| not_understood(&measured.to_string()))?);
        precision = measured["precision"].as_str().unwrap_or_default().to_owned();
    }
    Ok(Compared::new(name.to_owned(), precision, &asked.threads, seconds))
}

/// The table for people, and what it says.
pub fn table(all: &[Compared]) -> String {
    let Some(first) = all.first() else { return String::new() };
    let mut table = format!("{:<32} {:<9}", "", "precision");
    for count in &first.threads {
        table += &format!(" {:>12}", threads(*count as usize));
    }
    table += "\n";
    for one in all {
        table += &format!("{:<32} {:<9}", one.name, one.precision);
        for seconds in &one.seconds {
            table += &format!(" {:>12}", milliseconds(*seconds));
        }
        table += if one.slower { "  slower\n" } else { "\n" };
    }
    let slower: Vec<_> = all.iter().filter(|one| one.slower).map(|one| one.name.as_str()).collect();
    table
        + &match slower.is_empty() {
            true => "Nothing is slower with more threads.".to_owned(),
            false => format!("Slower with more threads: {}.", slower.join(", ")),
        }
}

/// What this program measures in another process.
fn other_process(
    program: &Path,
    subject: &[String],
    threads: u32,
    runs: u32,
    host: &Host,
) -> Result<Value, Failure> {
    let failed = |error| Failure::Internal(format!("{}: {error}", program.display()));
    let mut child = Command::new(program)
        .args(["bench", "--json", "--threads", &threads.to_string(), "--runs", &runs.to_string()])
        .args(subject)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        // Both at once: it would wait for ever for somebody to read the other.
        let (out, err) = (scope.spawn(|| all_of(out)), scope.spawn(|| all_of(err)));
        let status = ended(&mut child, host).map_err(failed)?.ok_or(Failure::Cancelled)?;
        let (text, said) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
        if !status.success() {
            let line = said.trim().trim_start_matches("error: ").to_owned();
            return Err(Failure::of_exit_code(status.code(), line));
        }
        serde_json::from_str(&text).map_err(|_| not_understood(&text))
    })
}

/// How it ended; none where it was stopped because somebody does not want it any more.
fn ended(child: &mut Child, host: &Host) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if host.cancelled.is_set() {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(PATIENCE);
    }
}

fn all_of(said: Option<impl Read>) -> String {
    let mut text = Vec::new();
    // What cannot be read was not said; the exit code tells the rest.
    let _ = said.map(|mut said| said.read_to_end(&mut text));
    String::from_utf8_lossy(&text).into_owned()
}

fn not_understood(said: &str) -> Failure {
    Failure::Internal(format!("the other process said {said:?}"))
}
