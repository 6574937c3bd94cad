//! `cargo xtask run`: from a fresh clone to a picture.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::{build_dir, call, cargo, tools};

/// Drawn where nobody said what to draw.
const PROMPT: &str = "a red fox on a snowy beach, paper cut";

/// Builds Likeness in release and renders one prompt to a file.
///
/// There is no window yet, so `run` and `run --headless` do the same with
/// another prompt.
pub fn run(arguments: &[&str]) -> Result<()> {
    let prompt = match arguments {
        [] | ["--headless"] => PROMPT,
        ["--headless", prompt] => prompt,
        _ => bail!("use: cargo xtask run [--headless \"PROMPT\"]"),
    };
    tools::rust()?;
    tools::c_linker()?;

    eprintln!("Building Likeness (the first time takes some minutes)…");
    call(cargo().args(["build", "--release", "--locked", "--package", "likeness"]))?;

    let picture = free_name(prompt)?;
    let likeness =
        build_dir().join("release").join(format!("likeness{}", std::env::consts::EXE_SUFFIX));
    eprintln!("Rendering “{prompt}”…");
    call(
        std::process::Command::new(likeness)
            .args(["generate", "--quiet", "--out"])
            .arg(&picture)
            .args(["--", prompt]),
    )?;
    println!("The picture is at {}", picture.display());
    println!("More: target/release/likeness generate --help");
    Ok(())
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
