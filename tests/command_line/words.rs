//! Help, models, bench, version, and what goes to which stream.

use likeness_tests::program::Desk;
use serde_json::Value;

#[test]
fn help_teaches_by_example() {
    let desk = Desk::new();
    let help = desk.succeed(&["--help"]).output;
    for command in ["generate", "edit", "recipe", "models", "bench"] {
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
    let desk = Desk::new();
    let listed = desk.succeed(&["models"]).output;
    assert!(listed.contains("likeness-starter"), "{listed}");
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
