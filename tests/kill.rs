//! `kill -9` in the middle of work: the program ends without a word, at any moment of a render, and
//! nothing that was finished is lost.
//!
//! A queue of forty renders is worked off by the real program and killed at moments spread over the
//! whole of it: five in the ordinary tests, twenty with `--long`. Where each fell is printed.

#![cfg(unix)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use likeness_tests::program::Desk;
use serde_json::Value;

const JOBS: usize = 40;
const MOMENTS: usize = if cfg!(feature = "long") { 20 } else { 5 };
/// Small and quick, so that the test is about the moments between renders as much as those within.
const RENDER: [&str; 4] = ["--steps", "2", "--seed", "1"];
/// How long the whole queue may take on a busy machine.
const WHOLE: Duration = Duration::from_secs(600);

/// The last of them: one later, and the queue might be done before the program is.
const LAST: usize = JOBS - 3;

#[test]
fn a_kill_at_any_moment_loses_nothing_that_was_finished() {
    for moment in 0..MOMENTS {
        // Spread over the queue, and over the length of a render, whose phases all get their turn.
        let renders = 2 + moment * (LAST - 2) / (MOMENTS - 1);
        let phase = (moment * 7 % MOMENTS) as f64 / MOMENTS as f64;
        let desk = queue();
        let killed = kill(&desk, renders, phase);
        println!("kill {:>2} of {MOMENTS}: {killed}", moment + 1);
        check(&desk, &killed);
        if moment == MOMENTS - 1 {
            finish(&desk);
        }
    }
}

/// A desk whose library has forty renders waiting.
fn queue() -> Desk {
    let desk = Desk::new();
    let count = JOBS.to_string();
    let add = ["queue", "add", "a red fox", "--count", &count];
    desk.succeed(&[&add[..], &RENDER[..]].concat());
    desk
}

/// `likeness queue run`, and the pictures that it has said are done.
struct Run {
    child: std::process::Child,
    lines: mpsc::Receiver<String>,
    done: Vec<Value>,
}

impl Run {
    fn start(desk: &Desk) -> Self {
        let mut child = desk
            .command(&["queue", "run", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let output = child.stdout.take().expect("it is piped");
        let (tell, lines) = mpsc::channel();
        // What was said before the kill is still in the pipe after it, and is read to its end.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, done: Vec::new() }
    }

    fn next_picture(&mut self) {
        let line = self.lines.recv_timeout(WHOLE).expect("the queue is worked off");
        self.done.push(serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e} in: {line}")));
    }

    fn kill(&mut self) {
        // On Unix this is SIGKILL, to the program's own process: no shell stands between.
        self.child.kill().expect("it can be killed");
        let status = self.child.wait().expect("it has ended");
        assert_eq!(status.code(), None, "it had ended by itself");
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(5)) {
            if let Ok(picture) = serde_json::from_str(&line) {
                self.done.push(picture);
            }
        }
    }
}

/// Where a kill fell.
struct Killed {
    /// Since the program started.
    at: Duration,
    /// Since it said that a picture was done.
    into: Duration,
    /// How long the quickest render before that took.
    pace: Duration,
    /// The pictures that it had said were done.
    done: Vec<Value>,
}

impl std::fmt::Display for Killed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { at, into, pace, done } = self;
        let done = done.len();
        write!(f, "after {at:.2?}, {done} of {JOBS} done, {into:.0?} into one of about {pace:.0?}")
    }
}

/// Lets so many renders finish, waits for a part of what the last one took, and kills.
fn kill(desk: &Desk, renders: usize, phase: f64) -> Killed {
    let start = Instant::now();
    let mut run = Run::start(desk);
    let (mut pace, mut last) = (Duration::MAX, start);
    while run.done.len() < renders {
        run.next_picture();
        // The shortest: of one that was held up a part may be longer than all that is left.
        pace = pace.min(last.elapsed());
        last = Instant::now();
    }
    std::thread::sleep(pace.mul_f64(phase));
    let (at, into) = (start.elapsed(), last.elapsed());
    run.kill();
    Killed { at, into, pace, done: run.done }
}

/// What must hold when the library is opened again.
fn check(desk: &Desk, killed: &Killed) {
    let queue = desk.succeed(&["queue", "list", "--json"]).json();
    let queue = queue.first().expect("the queue is one object");
    let jobs = queue["jobs"].as_array().expect("it lists its jobs");
    let of = |state: &str| jobs.iter().filter(|job| job["state"] == state).collect::<Vec<_>>();
    let (done, waiting) = (of("done"), of("waiting"));
    assert_eq!(done.len() + waiting.len(), JOBS, "each render is done or waits again");
    assert_eq!(queue["paused"], true, "the queue comes back paused");
    assert_eq!(queue["notice"]["waiting"], waiting.len(), "and says why: {}", queue["notice"]);

    let kept: BTreeSet<&str> = done.iter().filter_map(|job| job["picture"].as_str()).collect();
    assert_eq!(kept.len(), done.len(), "each finished render has a picture of its own");
    for picture in &killed.done {
        let id = picture["id"].as_str().expect("a picture has an id");
        assert!(kept.contains(id), "{id} was said to be done and is lost");
    }
    let report = desk.succeed(&["library", "check", "--json"]).json();
    assert_eq!(report[0]["problems"], serde_json::json!([]), "the library is clean");

    let files: Vec<PathBuf> = pictures(&desk.path("library/pictures"));
    for file in &files {
        assert!(image::open(file).is_ok(), "{} is half a file", file.display());
    }
    let names: BTreeSet<_> = files.iter().filter_map(|file| file.file_stem()?.to_str()).collect();
    assert!(kept.is_subset(&names), "each row has its file");
    // A file that was whole before the kill but had no row yet is a picture too: it is adopted.
    assert!(names.len() <= done.len() + 1, "{names:?}");
}

/// The rest of the queue, made after all.
fn finish(desk: &Desk) {
    desk.succeed(&["queue", "resume"]);
    desk.succeed(&["queue", "run", "--json"]);
    let queue = desk.succeed(&["queue", "list", "--json"]).json();
    let jobs = queue[0]["jobs"].as_array().expect("it lists its jobs");
    assert!(jobs.iter().all(|job| job["state"] == "done"), "{jobs:?}");
    // A render that was interrupted has the same seed the second time, and so the same file.
    assert_eq!(pictures(&desk.path("library/pictures")).len(), JOBS);
}

/// Every file below a folder, whatever it is called.
fn pictures(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("the library can be read").path();
        if path.is_dir() {
            files.extend(pictures(&path));
        } else {
            files.push(path);
        }
    }
    files
}
