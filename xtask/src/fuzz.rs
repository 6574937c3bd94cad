//! `cargo xtask fuzz`: damaged and hostile files against the readers, and any shape against the
//! kernels, by libFuzzer.
//!
//! The targets are in `fuzz/`, outside the workspace; what they call is
//! `likeness_tests::hostile`, which an ordinary test runs over the committed
//! corpus. Finds of a run are kept among the build products, not in the corpus.

use std::ffi::OsString;

use anyhow::{Context, Result, bail};

use crate::{build_dir, call, cargo, root, tools};

/// One name for each file in `fuzz/fuzz_targets`.
const TARGETS: &[&str] = &[
    "safetensors_header",
    "gguf_header",
    "model_texts",
    "tokenizer",
    "picture_metadata",
    "picture_formats",
    "foreign_settings",
    "kernel_shapes",
];
const DEFAULT_SECONDS: u32 = 30;
/// Larger inputs find nothing more in a header and cost speed.
const MAX_BYTES: u32 = 16 * 1024;
/// A reader that needs more for a file of 16 KiB believed a length it read.
const MEMORY_MB: u32 = 1024;

/// Fuzzes one target, or each in turn.
pub fn fuzz(arguments: &[&str]) -> Result<()> {
    let (targets, seconds) = parse(arguments)?;
    if cfg!(windows) {
        bail!("cargo-fuzz does not run on Windows; `cargo xtask test` replays the corpus there");
    }
    tools::rust()?;
    tools::c_linker()?;
    let path = tools::cargo_fuzz(&build_dir())?;

    for target in targets {
        println!("\n━━ {target} ━━ ({seconds} s)");
        let finds = build_dir().join("fuzz-finds").join(target);
        std::fs::create_dir_all(&finds)
            .with_context(|| format!("cannot create {}", finds.display()))?;
        call(
            cargo()
                .env("PATH", &path)
                .current_dir(root().join("fuzz"))
                // The readers are safe Rust. What they can get wrong, libFuzzer sees without a
                // sanitizer: panics, endless loops, memory; and the stable compiler is enough.
                .args(["fuzz", "run", "--sanitizer", "none", "--target-dir"])
                .arg(build_dir().join("fuzz"))
                .arg(target)
                // libFuzzer writes what it finds into the first folder and only reads the second.
                .args([OsString::from(finds), root().join("fuzz/corpus").join(target).into()])
                .arg("--")
                .arg(format!("-max_total_time={seconds}"))
                .arg(format!("-max_len={MAX_BYTES}"))
                .arg(format!("-rss_limit_mb={MEMORY_MB}"))
                .args(["-timeout=10", "-print_final_stats=1"]),
        )
        .with_context(|| {
            format!(
                "{target} found something, see fuzz/artifacts/{target}; mend it, then copy the \
                 file to fuzz/corpus/{target} so that `cargo xtask test` replays it"
            )
        })?;
    }
    Ok(())
}

fn parse(arguments: &[&str]) -> Result<(Vec<&'static str>, u32)> {
    let mut targets = Vec::new();
    let mut seconds = DEFAULT_SECONDS;
    let mut words = arguments.iter();
    while let Some(&word) = words.next() {
        if word == "--seconds" {
            seconds = words
                .next()
                .and_then(|n| n.parse().ok())
                .context("--seconds takes a number, 1 or more")?;
        } else if let Some(target) = TARGETS.iter().find(|t| **t == word) {
            targets.push(*target);
        } else {
            bail!("there is no target '{word}'; there are: {}", TARGETS.join(", "));
        }
    }
    if targets.is_empty() {
        targets.extend(TARGETS);
    }
    Ok((targets, seconds.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_files_there_are() {
        let folder = root().join("fuzz/fuzz_targets");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the targets are in the checkout")
            .map(|entry| entry.expect("the folder can be read").path())
            .map(|path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned())
            .collect();
        files.sort();
        let mut targets = TARGETS.to_vec();
        targets.sort_unstable();
        assert_eq!(files, targets);
    }

    #[test]
    fn arguments_come_in_any_order() {
        let all = (TARGETS.to_vec(), DEFAULT_SECONDS);
        assert_eq!(parse(&[]).expect("all of them"), all);
        let one = (vec!["gguf_header"], 5);
        assert_eq!(parse(&["--seconds", "5", "gguf_header"]).expect("one of them"), one);
        assert_eq!(parse(&["gguf_header", "--seconds", "5"]).expect("one of them"), one);
        assert!(parse(&["--seconds"]).is_err());
        assert!(parse(&["png_header"]).is_err());
    }
}
