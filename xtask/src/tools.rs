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
    if !has_apt() {
        bail!("there is no C linker: install gcc or clang with your system's package manager");
    }
    apt_install(&["build-essential"])
}

/// What Tauri builds the window with. Other systems have it, or get it with their own words.
pub fn window_libraries() -> Result<()> {
    let known = || starts(Command::new("pkg-config").args(["--exists", "webkit2gtk-4.1"]));
    if !cfg!(target_os = "linux") || known() {
        return Ok(());
    }
    if !has_apt() {
        bail!(
            "the window needs WebKitGTK 4.1 and its headers: on Fedora `sudo dnf install \
             webkit2gtk4.1-devel`, on Arch `sudo pacman -S webkit2gtk-4.1`, on openSUSE `sudo \
             zypper install webkit2gtk3-devel`; then run this again"
        );
    }
    apt_install(&["libwebkit2gtk-4.1-dev", "pkg-config"])
}

/// What the tests drive the window with, and a second browser for the interface. Where they cannot
/// be installed, the tests that need them say that they are skipped.
pub fn window_tests() -> Result<()> {
    /// A program, the argument with which it only says what it is, and what Debian installs it with.
    const PROGRAMS: &[(&str, &str, &[&str])] = &[
        ("Xvfb", "-help", &["xvfb", "xauth", "libgl1-mesa-dri", "fonts-dejavu-core"]),
        ("WebKitWebDriver", "--version", &["webkit2gtk-driver"]),
        ("dbus-daemon", "--version", &["dbus"]),
        ("strace", "--version", &["strace"]),
        ("ip", "-V", &["iproute2"]),
        ("xclip", "-version", &["xclip"]),
    ];
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let absent = |name: &str, argument: &str| !starts_at_all(Command::new(name).arg(argument));
    let missing: Vec<_> =
        PROGRAMS.iter().filter(|(name, argument, _)| absent(name, argument)).collect();
    let names: Vec<_> = missing.iter().map(|(name, ..)| *name).collect();
    let packages: Vec<_> = missing.iter().flat_map(|(.., packages)| *packages).copied().collect();
    match (names.is_empty(), has_apt()) {
        (true, _) => {}
        (false, true) => install_or_skip(&packages, &names),
        (false, false) => {
            println!("Not here: {}. The tests that need them are skipped.", names.join(", "));
        }
    }
    // Apart from the others: Ubuntu has it in another shop, and most tests do without.
    if chromium().is_none() && has_apt() && apt_has("chromium") {
        install_or_skip(&["chromium"], &["Chromium"]);
    }
    Ok(())
}

fn install_or_skip(packages: &[&str], names: &[&str]) {
    if let Err(error) = apt_install(packages) {
        println!("{error:#}\nWithout {} the tests that need them are skipped.", names.join(", "));
    }
}

/// The browser that the interface is tested in: what `CHROMIUM_PATH` says, else what the system has.
pub fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM_PATH").filter(|named| !named.is_empty());
    if let Some(named) = named {
        return Some(named.into());
    }
    let known = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let path = std::env::var_os("PATH")?;
    let places = || std::env::split_paths(&path);
    let all = known.iter().flat_map(|name| places().map(move |place| place.join(name)));
    // A snap sees none of the folders that tests make, and what Ubuntu has elsewhere under the name is a
    // text that asks for one.
    let mut whole = all.filter(|program| {
        !program.starts_with("/snap") && starts(Command::new(program).arg("--version"))
    });
    whole.next()
}

/// Node, as new as the interface's tools ask for, and npm.
pub fn node() -> Result<()> {
    let help = "install Node 22 from https://nodejs.org (or your system's package, if it is as new), \
                then run this again";
    let Ok(answer) = Command::new("node").arg("--version").output() else {
        bail!("Node is missing, which builds the interface: {help}");
    };
    let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
    let found = version(answer.trim().trim_start_matches('v'));
    // The line of 20 had what is needed from 20.19, that of 22 from 22.12; 21 never did.
    if !(found.0 == 20 && found >= (20, 19) || found >= (22, 12)) {
        bail!("Node 20.19, 22.12 or newer is needed and this is '{}': {help}", answer.trim());
    }
    if !starts(crate::interface::command().arg("--version")) {
        bail!("npm is missing, which comes with Node: {help}");
    }
    Ok(())
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

/// Whether there is a nightly compiler beside the one in use.
pub fn nightly() -> bool {
    starts(Command::new("rustup").args(["run", "nightly", "cargo", "--version"]))
}

/// What links and what runs programs for 64-bit ARM; none where something is missing.
pub fn arm(target: &str) -> Option<[&'static str; 2]> {
    const LINKER: &str = "aarch64-linux-gnu-gcc";
    // Where Debian puts the libraries of the other architecture.
    const RUNNER: &str = "qemu-aarch64 -L /usr/aarch64-linux-gnu";
    let targets = Command::new("rustup").args(["target", "list", "--installed"]).output().ok()?;
    let known = String::from_utf8_lossy(&targets.stdout).lines().any(|line| line == target);
    let programs = [LINKER, "qemu-aarch64"];
    let there = known && programs.iter().all(|name| starts(Command::new(name).arg("--version")));
    there.then_some([LINKER, RUNNER])
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
            if !has_apt() {
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

/// Whether apt has more of a package than its name.
fn apt_has(package: &str) -> bool {
    let known = Command::new("apt-cache").args(["policy", package]).env("LC_ALL", "C").output();
    known.is_ok_and(|known| {
        let known = String::from_utf8_lossy(&known.stdout).into_owned();
        let candidate = known.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
        // Before the first `apt-get update` there may be nothing known at all.
        known.trim().is_empty() || candidate.is_some_and(|version| version != "(none)")
    })
}

/// Whether this is Debian, Ubuntu or one of their kind.
fn has_apt() -> bool {
    starts(Command::new("apt-get").arg("--version"))
}

/// Whether a program is there; some answer a question about themselves with an error.
fn starts_at_all(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
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
