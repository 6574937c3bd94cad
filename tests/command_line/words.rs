//! Help, models, bench, version, and what goes to which stream.

use likeness_tests::program::{Desk, Ran};
use likeness_tests::repository::root;
use likeness_tests::starter::Copy;
use serde_json::Value;

#[test]
fn help_teaches_by_example() {
    let desk = Desk::new();
    let help = desk.succeed(&["--help"]).output;
    for command in ["generate", "edit", "upscale", "recipe", "models", "bench"] {
        assert!(help.contains(command), "help does not name {command}");
    }
    let help = desk.succeed(&["generate", "--help"]).output;
    assert!(help.contains("likeness generate \""), "an example to copy: {help}");
    for option in [
        "--negative",
        "--model",
        "--seed",
        "--steps",
        "--guidance",
        "--size",
        "--count",
        "--ref",
        "--init",
        "--strength",
        "--mask",
        "--sampler",
        "--schedule",
        "--noise-source",
        "--precision",
        "--lora",
        "--out",
        "--json",
        "--quiet",
        "--initial-noise",
        "--dump",
    ] {
        assert!(help.contains(option), "help does not name {option}");
    }
}

#[test]
fn the_version_names_the_build_and_the_instruction_set() {
    let version = Desk::new().succeed(&["--version"]).output;
    assert!(version.starts_with(concat!("likeness ", env!("CARGO_PKG_VERSION"))), "{version}");
    let sets = ["avx", "neon", "amx", "sse", "portable", "x86", "aarch64"];
    assert!(sets.iter().any(|set| version.to_lowercase().contains(set)), "{version}");
}

#[test]
fn models_lists_the_starter_and_why_another_cannot_run() {
    let (desk, copy) = (Desk::new(), Copy::new());
    copy.remove("text_encoder/model.safetensors");
    let mut command = desk.command(&["models"]);
    command.env(
        "LIKENESS_MODELS",
        std::env::join_paths([copy.path(), &root().join("models")]).expect("paths"),
    );
    let listed = Ran::of(command).output;
    assert!(listed.contains("likeness-starter"), "{listed}");
    let reason = listed.lines().find(|line| line.contains("cannot run")).expect("one cannot run");
    assert!(reason.contains("text_encoder/model.safetensors: "), "which file: {reason}");
}

#[test]
fn bench_prints_its_table() {
    let desk = Desk::new();
    let table = desk.succeed(&["bench", "--net", "starter", "--json"]).output;
    let table: Value = serde_json::from_str(&table).expect("one JSON value");
    let table = table.to_string();
    for part in ["load", "encode", "step", "decode", "total", "memory"] {
        assert!(table.contains(part), "{part} is missing in: {table}");
    }
}

#[test]
fn bench_measures_what_needs_no_model() {
    let desk = Desk::new();
    let ran = desk.succeed(&["bench", "--op", "matmul:8x64x32", "--runs", "2", "--json"]);
    let [measured] = &ran.json()[..] else { panic!("one object: {}", ran.output) };
    for name in ["seconds", "spread", "gflops", "peak_gflops", "share_of_peak", "peak_memory"] {
        assert!(measured[name].as_f64().is_some_and(|number| number >= 0.0), "{name}: {measured}");
    }
    assert_eq!(measured["precision"], "bf16");

    let line = ["bench", "--net", "taesd", "--size", "64", "--roofline", "--runs", "1"];
    let table = desk.succeed(&[&line[..], &["--threads", "1"]].concat()).output;
    for part in ["taesd at 64x64", "1 thread;", "convolution", "limit", "peak memory"] {
        assert!(table.contains(part), "{part} is missing in: {table}");
    }
    let table = desk.succeed(&["bench", "--op", "softmax:64x64", "--threads", "1,2"]).output;
    for part in ["softmax:64x64", "1 thread", "2 threads", "with more threads"] {
        assert!(table.contains(part), "{part} is missing in: {table}");
    }
    let listed = desk.succeed(&["bench", "--op", "list"]).output;
    assert!(listed.contains("attention:8x4096x40"), "{listed}");
}

#[test]
fn bench_refuses_slips_in_one_line() {
    let desk = Desk::new();
    for (arguments, words) in [
        (&["--op", "plough:1"][..], &["op:", "plough", "matmul"][..]),
        (&["--op", "matmul:0x1x1"], &["op:", "rows"]),
        (&["--op", "matmul:1048576x1048576x1048576"], &["op:", "MB of memory"]),
        (&["--op", "attention:1x1"], &["op:", "HEADSxTOKENSxSIZE"]),
        (
            &["--op", "softmax:8x8", "--threads", "1,2", "--precision", "int8"],
            &["precision:", "f32"],
        ),
        (&["--net", "sd3"], &["net:", "sd3", "klein-stack", "likeness-starter"]),
        (&["--net", "sd15-unet", "--size", "100"], &["size:", "multiples of 64"]),
        (&["--net", "sd15-vae", "--size", "0"], &["size"]),
        (
            &["--net", "sd15-vae", "--size", "8192"],
            &["net:", "sd15-vae of 8192x8192", "MB of memory"],
        ),
        (&["--net", "starter", "--precision", "q8_0"], &["precision:", "q8_0"]),
    ] {
        let ran = desk.run(&[&["bench"], arguments].concat());
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.errors);
        assert_eq!(ran.errors.trim_end().lines().count(), 1, "{}", ran.errors);
        assert!(words.iter().all(|w| ran.errors.contains(w)), "{words:?}: {}", ran.errors);
    }
}

#[test]
fn quiet_is_quiet_and_json_alone_is_on_standard_output() {
    let desk = Desk::new();
    let ran = desk.succeed(&["generate", "a fox", "--seed", "1", "--quiet", "--out", "a.png"]);
    assert_eq!((ran.output.as_str(), ran.errors.as_str()), ("", ""));
    let ran = desk.succeed(&["generate", "a fox", "--seed", "1", "--json", "--out", "b.png"]);
    assert_eq!(ran.json().len(), 1);
    assert!(!ran.errors.contains('\u{1b}'), "no bar where nobody looks: {}", ran.errors);
}

#[test]
fn an_unknown_command_or_option_is_a_usage_error() {
    let desk = Desk::new();
    for arguments in [&["paint"][..], &["generate", "a fox", "--colour", "red"], &[]] {
        assert_eq!(desk.run(arguments).code, Some(2), "{arguments:?}");
    }
    assert_eq!(desk.files().len(), 0);
}
