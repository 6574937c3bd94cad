//! What the commands need on the machine: found first, installed where that is
//! safe, and otherwise put into words that say what to do.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{call, cargo, root};

/// The compiler is as new as the workspace asks for.
pub fn rust() -> Result<()> {
    let manifest =
        std::fs::read_to_string(root().join("Cargo.toml")).context("cannot read Cargo.toml")?;
    let needed = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version")?.split('"').nth(1))
        .context("Cargo.toml names no rust-version")?;
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let answer = Command::new(rustc)
        .arg("--version")
        .current_dir(root())
        .output()
        .context("rustc does not start; install Rust from https://rustup.rs")?;
    let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
    let found = answer.split_whitespace().nth(1).unwrap_or_default();
    if version(found) < version(needed) {
        bail!(
            "Rust {needed} or newer is needed and this is '{}': run `rustup update stable`",
            answer.trim()
        );
    }
    Ok(())
}

/// Major and minor number of `1.88.0`.
fn version(text: &str) -> (u32, u32) {
    let mut numbers = text.split('.').map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// The C linker that rustc calls.
pub fn c_linker() -> Result<()> {
    // On Windows rustc finds Visual Studio's linker by itself and says so where it cannot.
    if cfg!(windows)
        || ["cc", "gcc", "clang"].iter().any(|name| starts(Command::new(name).arg("--version")))
    {
        return Ok(());
    }
    if cfg!(target_os = "macos") {
        bail!("there is no C linker: run `xcode-select --install`, then this again");
    }
    if !starts(Command::new("apt-get").arg("--version")) {
        bail!("there is no C linker: install gcc or clang with your system's package manager");
    }
    apt_install(&["build-essential"])
}

/// A part of the Rust toolchain that a minimal installation leaves out.
pub fn rustup_component(component: &str, subcommand: &str) -> Result<()> {
    if starts(cargo().args([subcommand, "--version"])) {
        return Ok(());
    }
    if !starts(Command::new("rustup").arg("--version")) {
        bail!(
            "`cargo {subcommand}` is missing: install the package with {component} from where your Rust came from"
        );
    }
    println!("Installing {component}…");
    call(Command::new("rustup").args(["component", "add", component]).current_dir(root()))
}

/// cargo-fuzz: the `PATH` under which `cargo fuzz` is found. Where it is
/// missing it is installed among the build products, not for the whole account.
pub fn cargo_fuzz(build_dir: &Path) -> Result<OsString> {
    let tools = build_dir.join("tools");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(
        std::iter::once(tools.join("bin")).chain(std::env::split_paths(&path)),
    )
    .context("PATH cannot be extended")?;
    if !starts(cargo().args(["fuzz", "--version"]).env("PATH", &path)) {
        println!("Installing cargo-fuzz…");
        call(cargo().args(["install", "cargo-fuzz", "--locked", "--root"]).arg(&tools))?;
    }
    Ok(path)
}

/// A Python environment in `folder` that has `packages` from PyPI; its interpreter.
pub fn python_environment(folder: &Path, packages: &[&str]) -> Result<PathBuf> {
    let python =
        if cfg!(windows) { folder.join("Scripts/python.exe") } else { folder.join("bin/python") };
    if !starts(Command::new(&python).args(["-m", "pip", "--version"])) {
        let system = ["python3", "python"]
            .into_iter()
            .find(|name| starts(Command::new(name).arg("--version")))
            .context("there is no Python: install Python 3.10 or newer with its venv module")?;
        if !starts(Command::new(system).args(["-c", "import ensurepip, venv"])) {
            if !starts(Command::new("apt-get").arg("--version")) {
                bail!("this Python has no venv module: install it");
            }
            apt_install(&["python3-venv"])?;
        }
        println!("Making a Python environment in {}…", folder.display());
        call(Command::new(system).args(["-m", "venv"]).arg(folder))?;
    }
    call(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(packages))?;
    Ok(python)
}

/// Debian and Ubuntu packages, with sudo only where we are not root already.
fn apt_install(packages: &[&str]) -> Result<()> {
    let by_hand = format!("run `sudo apt-get install {}`, then this again", packages.join(" "));
    let root =
        Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout.trim_ascii() == b"0");
    if !root && !starts(Command::new("sudo").arg("--version")) {
        bail!("{} missing and there is no sudo: {by_hand}", packages.join(" "));
    }
    let apt = |words: &[&str]| {
        let mut command = Command::new(if root { "env" } else { "sudo" });
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(words);
        call(&mut command)
    };
    println!("Installing {}…", packages.join(" "));
    apt(&["update", "--quiet"])
        .and_then(|()| {
            apt(&[&["install", "--yes", "--quiet", "--no-install-recommends"], packages].concat())
        })
        .with_context(|| by_hand)
}

/// Whether a program is there and runs; what it prints is not shown.
fn starts(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version("1.9.0") < version("1.88"));
        assert!(version("1.88.0") >= version("1.88"));
        assert!(version("2.0.0-nightly") > version("1.88"));
        assert!(version("") < version("1.88"), "no answer is no Rust");
    }
}
