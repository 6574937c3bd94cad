//! `cargo xtask run`: from a fresh clone to the window, or to a picture where there is no screen.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{build_dir, call, cargo, interface, root, tools};

/// Drawn where nobody said what to draw.
const PROMPT: &str = "a red fox on a snowy beach, paper cut";

/// Builds Likeness in release and opens the window. Without a display, or asked to, it renders one
/// prompt to a file instead, and needs nothing that a window needs.
pub fn run(arguments: &[&str]) -> Result<()> {
    let prompt = match arguments {
        [] if has_display() => return window(),
        [] => {
            eprintln!("There is no display, so a picture is made without the window.");
            PROMPT
        }
        ["--headless"] => PROMPT,
        ["--headless", prompt] => prompt,
        _ => bail!("use: cargo xtask run [--headless \"PROMPT\"]"),
    };
    headless(prompt)
}

fn window() -> Result<()> {
    tools::rust()?;
    tools::c_linker()?;
    tools::window_libraries()?;
    interface::build()?;
    build_release(&["likeness", "likeness-studio"])?;
    eprintln!("Opening the window…");
    call(&mut release("likeness-studio"))
}

fn headless(prompt: &str) -> Result<()> {
    tools::rust()?;
    tools::c_linker()?;
    build_release(&["likeness"])?;
    let picture = free_name(prompt)?;
    eprintln!("Rendering “{prompt}”…");
    call(
        release("likeness")
            .args(["generate", "--quiet", "--out"])
            .arg(&picture)
            .args(["--", prompt]),
    )?;
    println!("The picture is at {}", picture.display());
    println!("More: {} generate --help", program("likeness").display());
    Ok(())
}

/// Builds programs as they are shipped.
pub fn build_release(packages: &[&str]) -> Result<()> {
    eprintln!("Building Likeness (the first time takes some minutes)…");
    let mut build = cargo();
    build.args(["build", "--release", "--locked"]);
    packages.iter().for_each(|package| {
        build.args(["--package", package]);
    });
    call(&mut build)
}

/// A program that was built so, about to start. It finds this checkout's models wherever it was built.
pub fn release(name: &str) -> Command {
    let mut command = Command::new(program(name));
    let models = root().join("models");
    let named = std::env::var_os("LIKENESS_MODELS").filter(|named| !named.is_empty());
    command.env("LIKENESS_MODELS", named.unwrap_or_else(|| models.into()));
    command
}

fn program(name: &str) -> PathBuf {
    build_dir().join("release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_os = "macos")) || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// A file beside the build's other products, named after the prompt, that does not exist yet.
fn free_name(prompt: &str) -> Result<PathBuf> {
    let folder = build_dir().join("pictures");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let words: Vec<String> = prompt
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .take(8)
        .map(|w| w.chars().take(16).collect::<String>().to_lowercase())
        .collect();
    let stem = if words.is_empty() { "picture".to_owned() } else { words.join("-") };
    (1..)
        .map(|n| folder.join(format!("{stem}-{n}.png")))
        .find(|path| !path.exists())
        .context("no free file name")
}
