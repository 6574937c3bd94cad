//! A library under faults that need a second process or a file system of their own: two at once,
//! `kill -9`, a full disk, a folder that cannot be written; and libraries of past schemas.
//!
//! A second process is this test program again: [`helper`] is an ignored test that does what the
//! environment tells it to.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use likeness_library::care::Depth;
use likeness_library::{
    Filter, JobState, Library, LibraryError, NewJob, NewPicture, PictureId, Place, SCHEMA,
};
use likeness_picture::{Format, encode};
use likeness_recipe::{Pixels, ResolvedRecipe};
use likeness_tests::repository::root;

/// Noon of the 21st of November 2026.
const NOON: i64 = 1_795_262_400_000;
const FOLDER: &str = "LIKENESS_TEST_FOLDER";
const TASK: &str = "LIKENESS_TEST_TASK";

/// A picture of about 50 KB; every seed gives another one.
fn picture(seed: u64) -> Vec<u8> {
    let recipe = r#"{"schema":1,"model":{"name":"m","sha256":"ab"},"prompt":"a fox","negative":"","width":128,"height":128,"seed":SEED,"noise_source":"likeness","count":1,"steps":4,"guidance":1.0,"sampler":"flow_euler","schedule":"default","precision":"f32","references":[],"init":null,"mask":null,"loras":[],"approximations":[]}"#;
    let recipe = ResolvedRecipe::from_json(&recipe.replace("SEED", &seed.to_string()));
    // Noise, so that it cannot be packed.
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    let data = (0..128 * 128 * 3).map(|_| byte()).collect();
    let pixels = Pixels { width: 128, height: 128, channels: 3, data };
    encode(&pixels, Format::Png, &recipe.expect("one of ours")).expect("it can be written")
}

fn add(library: &Library, seed: u64) -> Result<PictureId, LibraryError> {
    let bytes = picture(seed);
    let new = NewPicture::read(&bytes).expect("a picture");
    library.add_picture(&new, NOON).map(|(id, _)| id)
}

/// What a second process does. Not a test of its own.
#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn helper() {
    let (Ok(task), Some(folder)) = (std::env::var(TASK), std::env::var_os(FOLDER)) else { return };
    let folder = PathBuf::from(folder);
    match task.as_str() {
        "hold" => {
            let _library = Library::open(&folder, NOON).expect("it can be opened");
            say("open");
            let _ = std::io::stdin().read(&mut [0]);
        }
        "work" => work(&folder),
        "fill" => fill(&folder),
        "make" => {
            let library = Library::open(&folder, NOON).expect("it can be made");
            add(&library, 1).expect("there is room");
            library.close().expect("it can be closed");
        }
        "refused" => match Library::open(&folder, NOON).map(drop) {
            Err(error @ LibraryError::ReadOnly { .. }) => say(&format!("refused: {error}")),
            other => panic!("{other:?}"),
        },
        other => panic!("no such task: {other}"),
    }
}

/// Works off a queue for ever, and says so after each picture that is done.
fn work(folder: &Path) {
    let library = Library::open(folder, NOON).expect("it can be opened");
    library.recover().expect("it can be recovered");
    library.queue_pause(false).expect("it can go on");
    say("open");
    loop {
        let Some(job) = library.queue_take(NOON).expect("the queue can be read") else {
            let job = NewJob { request: "{}".to_owned(), interactive: true, parents: Vec::new() };
            library.queue_add(&vec![job; 5], Place::Last, NOON).expect("it can be added");
            continue;
        };
        let bytes = picture(job.id as u64);
        let mut new = NewPicture::read(&bytes).expect("a picture");
        new.job = Some(job.id);
        let (id, _) = library.add_picture(&new, NOON).expect("it can be added");
        say(&format!("done {id}"));
    }
}

/// Adds pictures until the disk is full.
fn fill(folder: &Path) {
    let library = Library::open(folder, NOON).expect("an empty library fits");
    let mut kept = Vec::new();
    let error = loop {
        match add(&library, kept.len() as u64) {
            Ok(id) => kept.push(id),
            Err(error) => break error,
        }
        assert!(kept.len() < 1000, "the disk is small");
    };
    assert!(matches!(error, LibraryError::DiskFull { .. }), "{error:?}");
    assert!(kept.len() > 3, "some fitted");
    for id in &kept {
        library.picture(*id).expect("what was there stays");
    }
    // Room is made where a person would make it.
    library.trash(&kept[..3], NOON).expect("a mark fits");
    assert_eq!(library.purge(&kept[..3]).expect("room can be made"), 3);
    add(&library, 5000).expect("now it fits");
    library.close().expect("it can be closed");
    let library = Library::open(folder, NOON).expect("it opens again");
    let report = library.check(Depth::Full).expect("it can be checked");
    // At most the file of the one picture that did not fit: whole, and without a row.
    assert!(report.problems.len() <= 1, "{report:?}");
    library.repair(&report, NOON).expect("it can be repaired");
    assert!(library.check(Depth::Full).expect("it can be checked").is_clean());
    say(&format!("full after {}: {error}", kept.len()));
}

/// One line, past the test harness's own output.
fn say(line: &str) {
    println!("\nhelper: {line}");
}

fn helper_command(task: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a test is a program"));
    command.args(["--exact", "helper", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(TASK, task).env(FOLDER, folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// The next thing that a helper says.
fn hear(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> Option<String> {
    lines.map_while(Result::ok).find_map(|line| line.strip_prefix("helper: ").map(str::to_owned))
}

struct Helper {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Helper {
    fn start(task: &str, folder: &Path) -> Self {
        let mut child = helper_command(task, folder).spawn().expect("the helper starts");
        let output = child.stdout.take().expect("it is piped");
        let mut helper = Self { child, lines: BufReader::new(output).lines() };
        assert_eq!(hear(&mut helper.lines).as_deref(), Some("open"));
        helper
    }

    /// Ends it without a word, and answers what it had said by then.
    fn kill(mut self) -> Vec<String> {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
        std::iter::from_fn(|| hear(&mut self.lines)).collect()
    }
}

#[test]
fn the_second_process_is_told_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let first = Helper::start("hold", folder.path());
    match Library::open(folder.path(), NOON).map(drop) {
        Err(error @ LibraryError::InUse { .. }) => {
            let process = format!("process {}", first.child.id());
            assert!(error.to_string().contains(&process), "{error} names {process}");
        }
        other => panic!("{other:?}"),
    }
    first.kill();
    // The lock went with it.
    let library = Library::open(folder.path(), NOON).unwrap();
    assert!(library.recover().unwrap().unclean);
}

#[test]
fn a_process_that_is_killed_loses_no_finished_picture() {
    let folder = tempfile::tempdir().unwrap();
    let mut done: BTreeSet<PictureId> = BTreeSet::new();
    for round in 0..6u64 {
        let helper = Helper::start("work", folder.path());
        // Spread over several pictures: whole rounds of file, sync, rename, row.
        std::thread::sleep(std::time::Duration::from_millis(40 + 37 * round));
        let said = helper.kill();
        done.extend(
            said.iter().filter_map(|line| line.strip_prefix("done ")?.parse::<PictureId>().ok()),
        );

        let library = Library::open(folder.path(), NOON).unwrap();
        let report = library.check(Depth::Full).unwrap();
        assert!(report.is_clean(), "round {round}: {:?}", report.problems);
        for id in &done {
            assert!(library.picture(*id).is_ok(), "round {round}: {id} was done");
        }
        let running = library.queue_state().unwrap().running;
        let recovered = library.recover().unwrap();
        assert!(recovered.unclean, "round {round}");
        assert_eq!(recovered.interrupted, u32::from(running.is_some()), "round {round}");
        assert!(library.queue(0).unwrap().iter().all(|job| job.state == JobState::Waiting));
        println!("round {round}: {} done, {} interrupted", done.len(), recovered.interrupted);
    }
    assert!(!done.is_empty(), "something was done before it was killed");
}

/// Runs a script with a small file system of its own at `$AT`, which goes with it. None where the
/// system does not let us have one.
#[cfg(target_os = "linux")]
fn on_small_disk(task: &str, script: &str) -> Option<String> {
    let at = tempfile::tempdir().unwrap();
    let helper = helper_command(task, &at.path().join("library"));
    let program = helper.get_program().to_owned();
    let arguments: Vec<_> = helper.get_args().map(|a| a.to_str().unwrap().to_owned()).collect();
    let run = format!("'{}' {}", program.to_str().unwrap(), arguments.join(" "));
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "--user", "sh", "-ec"]);
    command
        .arg(format!("mount -t tmpfs -o size=4m none \"$AT\" && echo helper: mounted\n{script}"));
    command.env("AT", at.path()).env("RUN", run).env(TASK, task).stdin(Stdio::null());
    let output = command.env(FOLDER, at.path().join("library")).output().ok()?;
    let (said, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !said.contains("helper: mounted") {
        println!("skipped: no file system of our own: {}", errors.trim());
        return None;
    }
    assert!(output.status.success(), "{said}\n{errors}");
    Some(said.into_owned())
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_loses_nothing_and_says_so() {
    if let Some(said) = on_small_disk("fill", "eval $RUN") {
        assert!(said.contains("the disk is full"), "{said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_can_only_be_read_says_so() {
    let script = "TASK=$LIKENESS_TEST_TASK; export LIKENESS_TEST_TASK=make; eval $RUN
        mount -o remount,ro \"$AT\"; export LIKENESS_TEST_TASK=$TASK; eval $RUN";
    if let Some(said) = on_small_disk("refused", script) {
        assert!(said.contains("it can only be read"), "{said}");
    }
}

#[test]
fn libraries_of_past_schemas_open() {
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(root().join("tests/fixtures/libraries")).unwrap() {
        let fixture = entry.unwrap().path();
        let name = fixture.file_name().unwrap().to_str().unwrap().to_owned();
        let schema: u32 = name.strip_prefix("schema-").unwrap().parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        copy(&fixture, folder.path());
        let library = Library::open(folder.path(), NOON).unwrap_or_else(|e| panic!("{name}: {e}"));

        let page = library.page(&Filter::default(), None, 10).unwrap();
        let prompts: Vec<_> = page.items.iter().map(|row| row.prompt.as_str()).collect();
        assert_eq!(prompts, ["一只猫", "a fox in the snow", "a red fox"], "{name}");
        let (fox, child) = (&page.items[2], &page.items[1]);
        assert_eq!(fox.rating, 5, "{name}");
        assert_eq!(library.tags_of(child.id).unwrap(), ["kept"], "{name}");
        assert_eq!(library.parents(child.id).unwrap()[0].id, fox.id, "{name}");
        assert_eq!(library.boards().unwrap()[0].count, 1, "{name}");
        let search = Filter { text: Some("fox".to_owned()), ..Filter::default() };
        assert_eq!(library.page(&search, None, 10).unwrap().total, 2, "{name}");
        let recovered = library.recover().unwrap();
        assert_eq!((recovered.interrupted, recovered.waiting), (1, 2), "{name}");
        assert!(library.check(Depth::Full).unwrap().is_clean(), "{name}");
        // What came later is there too.
        library.prompt_used("a fox", NOON).unwrap();
        assert_eq!(library.prompts("", None, 9).unwrap().len(), 1, "{name}");
        assert_eq!(library.connections().unwrap(), [], "{name}");
        let backup = folder.path().join(format!("backups/schema-{schema}-{NOON}.sqlite"));
        assert_eq!(backup.exists(), schema < SCHEMA, "{name}: it is kept as it was");
        seen.push(schema);
    }
    assert!(seen.contains(&SCHEMA), "make the fixture of schema {SCHEMA}: see `past_library`");
    assert!(seen.iter().any(|&schema| schema < SCHEMA), "one of them is old");
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            std::fs::create_dir_all(&to).unwrap();
            copy(&path, &to);
        } else {
            std::fs::copy(&path, to).unwrap();
        }
    }
}
