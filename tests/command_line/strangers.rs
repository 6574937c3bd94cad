//! Model folders that somebody made to do harm, or that change while they are read, and what is asked to
//! stop: nothing else is lost with them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use likeness_tests::program::{Desk, Ran};
use likeness_tests::repository::root;
use likeness_tests::starter::{Copy, TRANSFORMER, read_json, sha256, shipped};
use serde_json::{Value, json};

use super::refusals::{MODEL, USAGE};

const TOKENIZER: &str = "tokenizer/tokenizer.json";

/// A copy of the starter with a change to its tokenizer.
fn with_tokenizer(edit: impl FnOnce(&mut Value)) -> Copy {
    let copy = Copy::new();
    let mut tokenizer = read_json(&copy.path().join(TOKENIZER));
    edit(&mut tokenizer);
    copy.replace(TOKENIZER, tokenizer.to_string().as_bytes());
    copy.vouch(TOKENIZER);
    copy
}

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo makes {}", path.display());
}

/// A folder of models, each by a name of its own.
fn place(desk: &Desk, models: &[(&str, &Path)]) {
    let place = desk.path("models");
    std::fs::create_dir(&place).expect("the desk can be written to");
    for (name, model) in models {
        std::os::unix::fs::symlink(model, place.join(name)).expect("a link can be made");
    }
}

/// The program with the models of the desk, in no more memory than a model of this size takes.
fn with_models(desk: &Desk, arguments: &[&str]) -> Command {
    let limited = ["sh", "-c", "ulimit -v 8000000; exec \"$0\" \"$@\""];
    let mut command = desk.command_under(&limited, arguments);
    command.env("LIKENESS_MODELS", desk.path("models"));
    command
}

/// Each of them once took every model with it.
#[test]
fn a_bad_model_folder_costs_the_others_nothing() {
    let replace =
        json!({"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaaaaaaaaa"});
    let precompiled = with_tokenizer(|tokenizer| {
        tokenizer["normalizer"] = json!({"type": "Precompiled", "precompiled_charsmap": "AAAA"});
    });
    let fixed = with_tokenizer(|tokenizer| {
        tokenizer["pre_tokenizer"] = json!({"type": "FixedLength", "length": 0});
    });
    let bomb = with_tokenizer(|tokenizer| {
        tokenizer["normalizer"] = json!({"type": "Sequence", "normalizers": vec![replace; 12]});
    });
    let chance = with_tokenizer(|tokenizer| tokenizer["model"]["dropout"] = json!(0.3));
    let words = with_tokenizer(|tokenizer| {
        let words = (0..1_000_000).map(|i| (format!("w{i}"), json!(i % 300)));
        tokenizer["model"]["vocab"] = Value::Object(words.collect());
    });
    let piped = Copy::new();
    piped.remove(TOKENIZER);
    pipe(&piped.path().join(TOKENIZER));
    piped.edit_manifest(|manifest| {
        for file in manifest["files"].as_array_mut().expect("the manifest lists files") {
            if file["path"] == TOKENIZER {
                file["bytes"] = json!(0);
            }
        }
    });
    let named = Copy::new();
    named.edit_manifest(|manifest| manifest["name"] = json!("n".repeat(900_000)));
    let bad = [
        ("precompiled", &precompiled, "Precompiled is not read"),
        ("fixed", &fixed, "FixedLength is not read"),
        ("bomb", &bomb, "normalizer.Sequence.normalizers.Replace."),
        ("chance", &chance, "by chance"),
        ("words", &words, "more than 300000 words"),
        ("piped", &piped, "a pipe, a socket or a device"),
        ("named", &named, "name: 900000 bytes"),
    ];
    let desk = Desk::new();
    let mut models: Vec<_> = bad.iter().map(|(name, copy, _)| (*name, copy.path())).collect();
    let starter = shipped();
    models.push(("zebra", &starter));
    place(&desk, &models);

    let started = Instant::now();
    let ran = Ran::of(with_models(&desk, &["models"]));
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    assert!(started.elapsed() < Duration::from_secs(10), "it took {:?}", started.elapsed());
    assert_eq!(ran.errors, "", "nothing panics");
    for (name, _, said) in bad {
        let line = ran.output.lines().find(|line| line.starts_with(name)).expect(name);
        assert!(line.contains("cannot run: ") && line.contains(said), "{name}: {line}");
        assert!(line.len() < 2000, "a line of {} bytes", line.len());
    }
    assert!(ran.output.contains("runs (flux2)"), "{}", ran.output);
    // Nobody names a model: the one that runs is taken.
    let made =
        Ran::of(with_models(&desk, &["generate", "a fox", "--steps", "1", "--out", "a.png"]));
    assert_eq!(made.code, Some(0), "{}", made.errors);
}

/// The upscaler in a place of its own, with other weights.
fn upscaler(desk: &Desk, change: impl FnOnce(&mut Vec<u8>)) {
    let (from, to) = (root().join("models/upscaler"), desk.path("models/upscaler"));
    std::fs::create_dir_all(&to).expect("the desk can be written to");
    let mut weights = std::fs::read(from.join("model.safetensors")).expect("it ships");
    change(&mut weights);
    let mut manifest = read_json(&from.join("upscaler.json"));
    manifest["files"][0]["sha256"] = json!(sha256(&weights));
    manifest["files"][0]["bytes"] = json!(weights.len());
    std::fs::write(to.join("model.safetensors"), weights).expect("the desk can be written to");
    std::fs::write(to.join("upscaler.json"), manifest.to_string()).expect("so it can");
}

#[test]
fn weights_that_are_no_numbers_make_no_picture() {
    let desk = Desk::new();
    desk.succeed(&["generate", "a fox", "--steps", "1", "--out", "fox.png"]);
    let nan = |weights: &mut Vec<u8>| {
        let last = weights.len() - 2;
        weights[last..].copy_from_slice(&[0xff, 0x7f]);
    };
    upscaler(&desk, nan);
    let ran = Ran::of(with_models(&desk, &["upscale", "fox.png", "--out", "large.png"]));
    assert_eq!(ran.code, Some(MODEL), "{}", ran.errors);
    assert!(ran.errors.contains("model.safetensors: tensor "), "{}", ran.errors);
    assert!(ran.errors.contains("it holds NaN") && !desk.path("large.png").exists());

    let copy = Copy::new();
    let mut weights = copy.bytes(TRANSFORMER);
    nan(&mut weights);
    copy.replace(TRANSFORMER, &weights);
    copy.vouch(TRANSFORMER);
    let model = copy.path().to_str().expect("a path in Unicode");
    let ran = desk.run(&["generate", "a fox", "--model", model, "--out", "new.png"]);
    assert_eq!(ran.code, Some(MODEL), "{}", ran.errors);
    assert!(ran.errors.contains("it holds NaN") && !desk.path("new.png").exists());
}

#[test]
fn an_upscaler_of_a_million_scales_is_refused_at_once() {
    let desk = Desk::new();
    desk.succeed(&["generate", "a fox", "--steps", "1", "--out", "fox.png"]);
    upscaler(&desk, |_| {});
    let file = desk.path("models/upscaler/upscaler.json");
    let mut manifest = read_json(&file);
    manifest["scales"] = json!(vec![2; 300_000]);
    std::fs::write(&file, manifest.to_string()).expect("the desk can be written to");
    let started = Instant::now();
    let ran = Ran::of(with_models(&desk, &["upscale", "fox.png", "--out", "large.png"]));
    assert_eq!(ran.code, Some(MODEL), "{}", ran.errors);
    assert!(ran.errors.contains("scales: 2 is listed twice"), "{}", ran.errors);
    assert!(started.elapsed() < Duration::from_secs(5), "it took {:?}", started.elapsed());
}

/// A model that another program shortens and writes again, all the time. The first such moment ended the
/// whole queue with a bus error.
#[test]
fn the_queue_goes_on_when_a_model_changes_while_it_is_read() {
    let copy = Copy::new();
    let whole = copy.bytes(TRANSFORMER);
    copy.replace(TRANSFORMER, &whole);
    let weights = copy.path().join(TRANSFORMER);
    let desk = Desk::new();
    let model = copy.path().to_str().expect("a path in Unicode");
    let asked = ["queue", "add", "a fox", "--steps", "1", "--seed"];
    for seed in ["1", "2", "3", "4", "5", "6"] {
        // A model is opened again for each, since the other is loaded by then.
        desk.succeed(&[&asked[..], &[seed, "--model", model]].concat());
        desk.succeed(&[&asked[..], &[seed]].concat());
    }
    let stop = AtomicBool::new(false);
    let ran = std::thread::scope(|scope| {
        scope.spawn(|| {
            let put = |length: usize| {
                let file = std::fs::File::options().write(true).open(&weights).expect("ours");
                file.set_len(length as u64).expect("it can be cut");
                std::io::Write::write_all(&mut &file, &whole[..length]).expect("it can be written");
            };
            while !stop.load(Ordering::Relaxed) {
                put(whole.len() / 3);
                std::thread::sleep(Duration::from_millis(2));
                put(whole.len());
                std::thread::sleep(Duration::from_millis(40));
            }
        });
        let ran = desk.run(&["queue", "run"]);
        stop.store(true, Ordering::Relaxed);
        ran
    });
    assert!(ran.code.is_some(), "a signal ended it: {}", ran.errors);
    let queue = desk.succeed(&["queue", "list", "--json"]).json().remove(0);
    assert!(queue["done"].as_u64().is_some_and(|done| done >= 6), "the sound model: {queue}");
    assert_eq!(queue["waiting"], 0, "it went on to the end: {queue}");
    for line in ran.complaints() {
        assert!(
            line.contains("diffusion_pytorch_model.safetensors") || line.contains(" of "),
            "{line}"
        );
    }
}

/// It took the device away from everybody.
#[test]
fn nothing_but_a_file_is_replaced_by_what_is_written() {
    let desk = Desk::new();
    pipe(&desk.path("pipe"));
    pipe(&desk.path("pipe.png"));
    let generate = ["generate", "a fox", "--steps", "1"];
    for (what, arguments) in [
        ("dump", &["--out", "a.png", "--dump", "pipe"][..]),
        ("dump", &["--out", "a.png", "--dump", "/dev/null"]),
        ("out", &["--out", "pipe.png"]),
    ] {
        let ran = desk.run(&[&generate[..], arguments].concat());
        assert_eq!(ran.code, Some(USAGE), "{arguments:?}: {}", ran.errors);
        assert!(ran.errors.contains(what) && ran.errors.contains("is no file"), "{}", ran.errors);
        assert!(!desk.path("a.png").exists(), "it is seen before anything is computed");
    }
    let is_file = |name: &str| std::fs::metadata(desk.path(name)).expect("it is there").is_file();
    assert!(!is_file("pipe") && !is_file("pipe.png"), "they are what they were");
    assert!(!std::fs::metadata("/dev/null").expect("it is there").is_file());
}

/// How long the program goes on after it is asked to stop, so many times; its exit code.
fn interrupted(mut command: Command, after: Duration, times: usize) -> (Option<i32>, Duration) {
    let mut child =
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    std::thread::sleep(after);
    let started = Instant::now();
    for _ in 0..times {
        let asked = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(asked.is_ok_and(|status| status.success()), "it was already over");
        std::thread::sleep(Duration::from_millis(50));
    }
    let ended = child.wait().expect("it ends");
    (ended.code(), started.elapsed())
}

/// Whatever it is at: opening, measuring what the machine could do, a network, a large picture.
#[test]
fn an_interrupt_ends_what_has_nothing_to_lose_within_a_second() {
    let desk = Desk::new();
    let large = image::RgbImage::from_fn(1400, 1400, |x, y| {
        image::Rgb([(x * 7) as u8, (y * 3) as u8, (x * y) as u8])
    });
    large.save(desk.path("large.png")).expect("the desk can be written to");
    let before = desk.files();
    let commands: [&[&str]; 4] = [
        &["upscale", "large.png", "--by", "4", "--out", "larger.png"],
        &["bench", "--runs", "1000"],
        &["bench", "--net", "sd15-unet", "--size", "512"],
        &["bench", "--op", "matmul:4096x1280x1280", "--threads", "1,2", "--runs", "1000"],
    ];
    for arguments in commands {
        for after in [300, 1500] {
            let after = Duration::from_millis(after);
            let (code, took) = interrupted(desk.command(arguments), after, 1);
            assert_eq!(code, Some(130), "{arguments:?} after {after:?}");
            assert!(took < Duration::from_secs(1), "{arguments:?} after {after:?}: {took:?}");
        }
    }
    assert_eq!(desk.files(), before, "it left something behind");
}

#[test]
fn a_second_interrupt_ends_it_at_once() {
    let desk = Desk::new();
    // A network whose single step takes much longer.
    let arguments = ["bench", "--net", "sd15-unet", "--size", "512"];
    let (code, took) = interrupted(desk.command(&arguments), Duration::from_millis(1500), 2);
    assert_eq!(code, Some(130));
    assert!(took < Duration::from_millis(400), "it took {took:?}");
}
