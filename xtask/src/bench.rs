//! `cargo xtask bench`: Likeness beside PyTorch, OpenVINO and stable-diffusion.cpp, in one run.
//!
//! Every side of a line is a process that warms up, runs and says what that took; the sides take turns,
//! so that what else the machine does falls on all of them. `bench/README.md` says how to read it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::{build_dir, call, cargo, root, run, tools};

mod lines;
mod machine;
mod measured;
mod table;

use lines::{Kind, LINES, Line, Peer};
use measured::Measured;
use table::Row;

const USE: &str = "\
use: cargo xtask bench [--peers] [--only NAME]... [--rounds N] [--runs N] [--threads N] [--sdcpp PATH]

  --peers         also PyTorch and OpenVINO, which are installed among the build products;
                  a whole run writes bench/RESULTS.md
  --only NAME     one line of the table, more if given again
  --rounds N      how often each side is started (otherwise as the line says)
  --runs N        how often each start runs (otherwise as the line says)
  --threads N     of all sides (otherwise as many as the machine runs at once)
  --sdcpp PATH    the program of stable-diffusion.cpp; its lines say 'not run' without it

Lines:";

/// What `likeness generate` draws for the lines about the first picture.
const PROMPT: &str = "a red fox on a snowy beach, paper cut";

/// What was asked for.
struct Asked {
    peers: bool,
    only: Vec<String>,
    rounds: Option<u32>,
    runs: Option<u32>,
    threads: u32,
    sdcpp: Option<PathBuf>,
}

/// Measures every line, or those named, prints the table, and keeps a whole run in `bench/RESULTS.md`.
pub fn bench(arguments: &[&str]) -> Result<()> {
    if matches!(arguments, ["--help" | "-h"]) {
        println!("{}", help());
        return Ok(());
    }
    let asked = Asked::read(arguments)?;
    tools::rust()?;
    tools::c_linker()?;
    run::build_release(&["likeness"])?;
    let bench = Bench { python: asked.peers.then(python).transpose()?, asked };
    let mut rows = Vec::new();
    for line in LINES.iter().filter(|line| bench.asked.wants(line)) {
        eprintln!("\n━━ {} ━━", line.text);
        let row = bench.row(line)?;
        eprintln!("{}", row.text());
        rows.push(row);
    }
    let report = bench.report(&rows);
    println!("{report}");
    if bench.asked.peers && bench.asked.only.is_empty() {
        let path = root().join("bench/RESULTS.md");
        std::fs::write(&path, report)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

fn help() -> String {
    let named = LINES.iter().filter(|line| line.name != "op");
    let lines: Vec<_> = named.map(|line| format!("  {:<14}  {}", line.name, line.text)).collect();
    format!("{USE}\n{}\n  op              single operations", lines.join("\n"))
}

/// PyTorch and OpenVINO, in the versions of `bench/requirements.txt`.
fn python() -> Result<PathBuf> {
    let requirements = root().join("bench/requirements.txt");
    let requirements = requirements.to_str().context("the checkout's path is not Unicode")?;
    tools::python_environment(&build_dir().join("bench-venv"), &["--requirement", requirements])
}

impl Asked {
    fn read(arguments: &[&str]) -> Result<Self> {
        let mut asked = Self {
            peers: false,
            only: Vec::new(),
            rounds: None,
            runs: None,
            threads: machine::threads(),
            sdcpp: None,
        };
        let names: BTreeSet<_> = LINES.iter().map(|line| line.name).collect();
        let mut words = arguments.iter();
        while let Some(&word) = words.next() {
            if word == "--peers" {
                asked.peers = true;
                continue;
            }
            let known = ["--only", "--rounds", "--runs", "--threads", "--sdcpp"].contains(&word);
            let (true, Some(&value)) = (known, words.next()) else { bail!(help()) };
            let count = || value.parse().ok().filter(|count| (1..=1000).contains(count));
            match word {
                "--only" => {
                    ensure!(names.contains(value), "there is no line '{value}'\n\n{}", help());
                    asked.only.push(value.to_owned());
                }
                "--sdcpp" => asked.sdcpp = Some(std::path::absolute(value)?),
                _ => {
                    let count = count().with_context(help)?;
                    match word {
                        "--rounds" => asked.rounds = Some(count),
                        "--runs" => asked.runs = Some(count),
                        _ => asked.threads = count,
                    }
                }
            }
        }
        Ok(asked)
    }

    fn wants(&self, line: &Line) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == line.name)
    }
}

/// All that is needed to start the sides.
struct Bench {
    asked: Asked,
    /// Nothing where peers are not asked for.
    python: Option<PathBuf>,
}

impl Bench {
    /// Runs the sides of a line in turn.
    fn row(&self, line: &'static Line) -> Result<Row> {
        if matches!(line.kind, Kind::FirstPicture | Kind::LargeLibrary) {
            return self.first_picture(line);
        }
        let mut ours = Vec::new();
        let mut theirs: Vec<Vec<Measured>> = line.peers.iter().map(|_| Vec::new()).collect();
        for _ in 0..self.asked.rounds.unwrap_or(line.rounds) {
            match line.kind {
                Kind::Memory => ours.extend(self.whole_memory(line)),
                _ => ours.extend(measure("Likeness", &mut self.ours(line, line.work))),
            }
            for ((peer, precision), all) in line.peers.iter().zip(&mut theirs) {
                if let Some(mut command) = self.theirs(*peer, precision, line) {
                    all.extend(measure(peer.text(), &mut command));
                }
            }
        }
        let peers = line.peers.iter().zip(theirs);
        let peers = peers
            .filter_map(|((peer, _), all)| Some((*peer, Measured::over_rounds(all)?)))
            .collect();
        Ok(Row { line, ours: Measured::over_rounds(ours), peers, otherwise: None })
    }

    fn ours(&self, line: &Line, work: &str) -> Command {
        let mut command = likeness();
        command.args(["bench", if work.contains(':') { "--op" } else { "--net" }, work]);
        command.args(["--precision", line.precision, "--json", "--runs", &self.runs(line)]);
        command.args(["--threads", &self.asked.threads.to_string()]);
        if line.avx2 {
            command.env("LIKENESS_CPU", "avx2");
        }
        command
    }

    /// Nothing where it is not there to be run.
    fn theirs(&self, peer: Peer, precision: &str, line: &Line) -> Option<Command> {
        let mut command = Command::new(self.python.as_ref()?);
        command.current_dir(root()).arg("-B");
        match peer {
            Peer::Torch => command.args(["bench/peer.py", "torch"]),
            Peer::OpenVino => command.args(["bench/peer.py", "openvino"]),
            Peer::StableDiffusionCpp => {
                command.arg("bench/sdcpp.py").arg(self.asked.sdcpp.as_ref()?)
            }
        };
        command.args([line.work, "--precision", precision, "--runs", &self.runs(line)]);
        command.args(["--threads", &self.asked.threads.to_string(), "--models"]);
        command.arg(build_dir().join("bench-models"));
        if line.avx2 {
            command.env("ONEDNN_MAX_CPU_ISA", "AVX2").env("ATEN_CPU_CAPABILITY", "avx2");
        }
        Some(command)
    }

    fn runs(&self, line: &Line) -> String {
        self.asked.runs.unwrap_or(line.runs).to_string()
    }

    /// UNet and autoencoder together, as if both were held at once: no less than a pipeline needs.
    fn whole_memory(&self, line: &Line) -> Option<Measured> {
        let unet = measure("Likeness, UNet", &mut self.ours(line, "sd15-unet"))?;
        let vae = measure("Likeness, VAE", &mut self.ours(line, "sd15-vae"))?;
        let peak_memory = Some(unet.peak_memory? + vae.peak_memory?);
        Some(Measured { peak_memory, ..Measured::of_seconds(unet.seconds + vae.seconds) })
    }

    /// Whole processes of `likeness generate`, with a small library and one of 50,000 pictures in turn.
    fn first_picture(&self, line: &'static Line) -> Result<Row> {
        let mut libraries = vec![build_dir().join("bench-library-small")];
        if line.kind == Kind::LargeLibrary {
            libraries.push(large_library()?);
        }
        let mut all: Vec<Vec<Measured>> = libraries.iter().map(|_| Vec::new()).collect();
        for _ in 0..self.asked.rounds.unwrap_or(line.rounds) {
            for (library, all) in libraries.iter().zip(&mut all) {
                all.push(self.one_picture(library, line.kind == Kind::FirstPicture)?);
            }
        }
        let mut all = all.into_iter().map(Measured::over_rounds);
        let (small, large) = (all.next().flatten(), all.next().flatten());
        let is_large = line.kind == Kind::LargeLibrary;
        let (ours, otherwise) = if is_large { (large, small) } else { (small, None) };
        Ok(Row { line, ours, peers: Vec::new(), otherwise })
    }

    /// Nothing is left of a library that is to be new.
    fn one_picture(&self, library: &Path, new: bool) -> Result<Measured> {
        if new && library.exists() {
            std::fs::remove_dir_all(library)
                .with_context(|| format!("{} cannot be emptied", library.display()))?;
        }
        let mut generate = likeness();
        // Without Python nothing makes the system forget the files, and the start is a warm one.
        if let Some(python) = &self.python {
            let mut forget = Command::new(python);
            forget.current_dir(root()).args(["-B", "bench/cold.py", "models/starter"]);
            call(forget.arg(generate.get_program()).arg(library))?;
        }
        generate.args(["generate", "--quiet", "--seed", "7", PROMPT]);
        generate.env("LIKENESS_LIBRARY", library).stdout(Stdio::null());
        let started = Instant::now();
        call(&mut generate)?;
        let seconds = started.elapsed().as_secs_f64();
        eprintln!("{:<22} {seconds:.3} s", "Likeness");
        Ok(Measured::of_seconds(seconds))
    }

    /// The machine, the versions and both tables.
    fn report(&self, rows: &[Row]) -> String {
        let sides = rows
            .iter()
            .flat_map(|row| row.peers.iter().map(|(_, theirs)| theirs).chain(row.ours.as_ref()));
        let versions: BTreeSet<_> =
            sides.filter_map(|measured| measured.version.as_deref()).collect();
        let versions = versions.into_iter().collect::<Vec<_>>().join("; ");
        let ours = rows.iter().filter(|row| !row.line.avx2).find_map(|row| row.ours.as_ref());
        let set = ours.and_then(|ours| ours.instruction_set.as_deref()).unwrap_or("not told");
        let (aimed, single): (Vec<_>, Vec<_>) =
            rows.iter().partition(|row| row.line.target.is_some());
        let mut report = format!(
            "# Likeness beside its peers\n\n\
             `cargo xtask bench --peers`, {}. [README.md](README.md) says how to read it.\n\n\
             - machine: {}\n\
             - threads: {}\n\
             - Likeness computes with: {set}\n\
             - peers: {}\n",
            machine::today(),
            machine::describe(),
            self.asked.threads,
            if versions.is_empty() { "none" } else { &versions },
        );
        for (title, rows) in [("To reach", aimed), ("Single operations", single)] {
            if !rows.is_empty() {
                report += &format!("\n## {title}\n\n{}", table::results(&rows));
            }
        }
        report + "\n## Every side\n\n" + &table::details(rows)
    }
}

/// The program as it is shipped, with no setting of this shell's own.
fn likeness() -> Command {
    let mut command = run::release("likeness");
    command.current_dir(root()).env("LIKENESS_MODELS", root().join("models"));
    command.env_remove("LIKENESS_CPU");
    command
}

/// A library with 50,000 pictures, made once.
fn large_library() -> Result<PathBuf> {
    let folder = build_dir().join("bench-library");
    if !folder.join("library.sqlite").exists() {
        let mut make = cargo();
        make.args(["run", "--release", "--locked", "--package", "likeness-library"]);
        make.args(["--example", "fifty_thousand", "--"]).arg(&folder).stdout(Stdio::null());
        eprintln!("Making a library of 50,000 pictures…");
        call(&mut make)?;
    }
    Ok(folder)
}

/// What a side printed; nothing if it failed, which is said and does not end the others.
fn measure(side: &str, command: &mut Command) -> Option<Measured> {
    let output = match command.stderr(Stdio::piped()).output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("{side:<22} does not start: {error}");
            return None;
        }
    };
    let printed = String::from_utf8_lossy(&output.stdout);
    let Some(measured) = Measured::read(&printed).filter(|_| output.status.success()) else {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.trim().lines().next_back().unwrap_or("it said nothing");
        eprintln!("{side:<22} failed: {last}");
        return None;
    };
    let busy = measured.processor_seconds.map(|busy| format!(", processors {busy:.4} s"));
    eprintln!("{side:<22} {:.4} s{}", measured.seconds, busy.unwrap_or_default());
    Some(measured)
}
