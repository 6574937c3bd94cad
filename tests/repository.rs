//! What may be committed: no file too large to clone, no trace of one machine.

use std::path::Path;

use likeness_tests::repository::{files, root};

const MB: u64 = 1_000_000;
/// Only the shipped weights may be larger.
const LARGEST_FILE: u64 = 8 * MB;
/// Weights, card, evaluation set: the whole of `models/starter`.
const STARTER: u64 = 60 * MB;
/// Old files, tiny checkpoints, golden numbers and fuzz corpora together.
const FIXTURES: u64 = 6 * MB;

#[test]
fn no_file_is_too_large() {
    let Some(files) = files() else { return skip() };
    for file in &files {
        let size = size(file);
        let weights =
            file.starts_with("models/starter") && has_extension(file, &["safetensors", "gguf"]);
        assert!(
            weights || size <= LARGEST_FILE,
            "{} has {size} bytes; only shipped weights may be over {LARGEST_FILE}",
            file.display()
        );
    }
    let sum = |folders: &[&str]| -> u64 {
        files
            .iter()
            .filter(|f| folders.iter().any(|folder| f.starts_with(folder)))
            .map(|f| size(f))
            .sum()
    };
    let starter = sum(&["models/starter"]);
    assert!(starter <= STARTER, "models/starter has {starter} bytes");
    let fixtures = sum(&["tests/fixtures", "tests/golden", "fuzz/corpus"]);
    assert!(fixtures <= FIXTURES, "the fixtures have {fixtures} bytes");
}

#[test]
fn no_file_names_the_machine_it_was_written_on() {
    let Some(files) = files() else { return skip() };
    // In pieces, so that this file does not find itself.
    let homes = ["root", "home", "Users", "work"].map(|folder| format!("/{folder}/"));
    for file in &files {
        let Ok(text) = std::fs::read_to_string(root().join(file)) else { continue };
        for (number, line) in text.lines().enumerate() {
            for home in &homes {
                let found = line
                    .match_indices(home.as_str())
                    .any(|(at, _)| is_machine_path(line, at, home));
                assert!(
                    !found,
                    "{}:{} names a path of one machine: {line}",
                    file.display(),
                    number + 1
                );
            }
        }
    }
}

/// `at` is where a folder such as `/home/` stands in the line. It begins an
/// absolute path if no path or address leads up to it and a name follows.
fn is_machine_path(line: &str, at: usize, folder: &str) -> bool {
    let before = line[..at].chars().next_back();
    let leads_up = before.is_some_and(|c| c.is_alphanumeric() || "._-~}/$:)".contains(c));
    let after = line[at + folder.len()..].chars().next();
    !leads_up && after.is_some_and(|c| c.is_alphanumeric() || c == '.')
}

#[test]
fn a_machine_path_is_told_from_an_address() {
    let home = "/home/";
    for (before, after, found) in [
        ("open(\"", "ada/x\")", true),
        ("in ", ".cache", true),
        ("", "ada", true),
        ("https://example.org", "page", false),
        (".", "page", false),
        ("`", "`", false),
    ] {
        let line = format!("{before}{home}{after}");
        assert_eq!(is_machine_path(&line, before.len(), home), found, "{line}");
    }
}

#[test]
fn lock_files_are_as_their_tools_write_them() {
    let Some(files) = files() else { return skip() };
    let registry = "registry+https://github.com/rust-lang/crates.io-index";
    for file in &files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let text = || std::fs::read_to_string(root().join(file)).expect("lock files are text");
        if name == "Cargo.lock" {
            for line in text().lines().filter(|line| line.starts_with("source = ")) {
                assert_eq!(line, format!("source = \"{registry}\""), "in {}", file.display());
            }
        } else if name == "package-lock.json" {
            assert!(!text().contains("\"resolved\": \"http"), "{} has addresses", file.display());
        }
    }
    assert!(files.iter().any(|f| f == Path::new("Cargo.lock")), "Cargo.lock is committed");
}

fn size(file: &Path) -> u64 {
    std::fs::metadata(root().join(file)).expect("a listed file exists").len()
}

fn has_extension(file: &Path, extensions: &[&str]) -> bool {
    file.extension().is_some_and(|e| extensions.iter().any(|x| e == *x))
}

fn skip() {
    println!("skipped: this is no git checkout, so there is no list of files");
}
