//! What computes, on less than the best that this machine has: held down to each set of instructions,
//! on another architecture, and under AddressSanitizer.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{build_dir, call, cargo, root, tools};

/// Holds the kernels down; see `likeness_kernels::cpu`.
const VARIABLE: &str = "LIKENESS_CPU";
/// What every machine has. All shapes in these tests are small: it takes seconds.
pub const LEAST: &str = "portable";
/// The engine's tests whose numbers the kernels make.
const ENGINE: &[&str] = &["candle", "parity", "renders", "unet_parity", "vae_parity"];
/// What the kernels' tests are built for beside this machine, where it can be run.
const ARM: &str = "aarch64-unknown-linux-gnu";
/// Tests that start themselves again, which the system cannot do for what it does not run itself.
const PROCESSES: &[&str] =
    &["the_variable_holds_down_and_is_answered", "results_do_not_depend_on_the_number_of_threads"];

/// The sets of this machine, least first, as the kernels find them.
pub fn of_this_machine() -> Result<Vec<String>> {
    let mut ask = tests();
    ask.args(["--test", "levels", "--", "--exact", "sets_of_this_machine", "--nocapture"]);
    let answer = ask.stderr(Stdio::inherit()).output().context("cargo does not start")?;
    let names: Vec<String> = String::from_utf8_lossy(&answer.stdout)
        .lines()
        .filter_map(|line| Some(line.split_once("instruction set: ")?.1.to_owned()))
        .collect();
    if !answer.status.success() || names.is_empty() {
        bail!("the kernels do not say which instruction sets this machine has");
    }
    Ok(names)
}

/// The tests of what computes, held down to one set.
pub fn held_to(level: &str) -> Result<()> {
    let mut tests = tests();
    tests.env(VARIABLE, level);
    for name in kernels()?.iter().map(String::as_str).chain(ENGINE.iter().copied()) {
        tests.args(["--test", name]);
    }
    call(&mut tests)
}

/// All of the workspace is selected, so that the features are those of the tests before and nothing is
/// built again.
fn tests() -> Command {
    let mut command = cargo();
    command.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
    command
}

/// The names of the kernels' tests.
fn kernels() -> Result<Vec<String>> {
    let folder = root().join("crates/kernels/tests");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).context("the kernels' tests are in the checkout")? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("rs")) {
            names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

/// The kernels' tests under AddressSanitizer, which sees what is read or written beside a slice. It is
/// in the nightly compiler only.
pub fn sanitized() -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) || !tools::nightly() {
        println!(
            "Skipped: AddressSanitizer is run on Linux with x86-64 and a nightly compiler \
             (`rustup toolchain install nightly --profile minimal`)."
        );
        return Ok(());
    }
    let mut tests = Command::new("rustup");
    tests
        .args(["run", "nightly", "cargo", "test", "--package", "likeness-kernels", "--locked"])
        // The target is named so that the sanitizer is not built into what builds.
        .args(["--target", "x86_64-unknown-linux-gnu", "--target-dir"])
        .arg(build_dir().join("asan"))
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .current_dir(root());
    call(&mut tests)
}

/// The kernels' tests on ARM, by a program that runs its instructions.
pub fn on_arm() -> Result<()> {
    if cfg!(target_arch = "aarch64") {
        println!("This machine is one.");
        return Ok(());
    }
    let Some([linker, runner]) = tools::arm(ARM) else {
        println!(
            "Skipped: ARM's instructions are tried where there are `rustup target add {ARM}`, \
             a linker (Debian: gcc-aarch64-linux-gnu, libc6-dev-arm64-cross) and qemu-user."
        );
        return Ok(());
    };
    call(
        cargo()
            .args(["test", "--package", "likeness-kernels", "--locked", "--target", ARM])
            .arg("--target-dir")
            .arg(build_dir().join("arm"))
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", linker)
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", runner)
            .arg("--")
            .args(PROCESSES.iter().flat_map(|name| ["--skip", name])),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_run_at_each_level_is_there() {
        let kernels = kernels().expect("the kernels have tests");
        for name in ["levels", "products", "rows"] {
            assert!(kernels.iter().any(|known| known == name), "{name} among {kernels:?}");
        }
        let sources: String = kernels
            .iter()
            .map(|name| root().join(format!("crates/kernels/tests/{name}.rs")))
            .map(|path| std::fs::read_to_string(path).expect("it was found"))
            .collect();
        for name in PROCESSES {
            assert!(sources.contains(&format!("fn {name}()")), "{name}");
        }
        for name in ENGINE {
            let path = root().join(format!("crates/engine/tests/{name}.rs"));
            assert!(path.is_file(), "{}", path.display());
        }
    }
}
