//! The interface: TypeScript and Svelte in `ui/`, which the window's program carries inside it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::{build_dir, call, root, tools};

/// What the built interface is made of, relative to the root.
const SOURCES: &[&str] = &[
    "ui/src",
    "ui/index.html",
    "ui/package-lock.json",
    "ui/svelte.config.js",
    "ui/tsconfig.json",
    "ui/vite.config.ts",
    "models/starter/pictures",
];

/// Builds the interface if something in it changed since the last time. The window's program does
/// not compile without it.
pub fn build() -> Result<()> {
    packages()?;
    let newest = SOURCES.iter().filter_map(|path| newest(&root().join(path))).max();
    if changed(&root().join("ui/dist/index.html")) > newest {
        return Ok(());
    }
    println!("Building the interface…");
    npm(&["run", "build"])
}

/// Installs the packages that the lock file names, if it changed since the last time.
pub fn packages() -> Result<()> {
    tools::node()?;
    let lock = std::fs::read(root().join("ui/package-lock.json"))
        .context("ui/package-lock.json cannot be read")?;
    // Outside `node_modules`, which `npm ci` empties first: it is written only after a success.
    let installed = build_dir().join("interface-packages.json");
    if root().join("ui/node_modules").is_dir()
        && std::fs::read(&installed).is_ok_and(|before| before == lock)
    {
        return Ok(());
    }
    println!("Installing the interface's packages…");
    npm(&["ci", "--no-audit", "--no-fund"])?;
    std::fs::write(&installed, lock)
        .with_context(|| format!("{} cannot be written", installed.display()))
}

/// Whether `package.json` has a script of this name.
pub fn has_script(name: &str) -> Result<bool> {
    let manifest = std::fs::read_to_string(root().join("ui/package.json"))
        .context("ui/package.json cannot be read")?;
    // This crate has no JSON reader. npm writes one key to a line.
    Ok(manifest.lines().any(|line| line.trim_start().starts_with(&format!("\"{name}\":"))))
}

/// Runs npm in `ui/`.
pub fn npm(arguments: &[&str]) -> Result<()> {
    call(command().args(arguments).current_dir(root().join("ui")))
}

/// npm; on Windows it is a script, which only starts under its whole name.
pub fn command() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

/// A program that a package brought.
pub fn program(name: &str) -> PathBuf {
    let name = if cfg!(windows) { format!("{name}.cmd") } else { name.to_owned() };
    root().join("ui/node_modules/.bin").join(name)
}

/// When something at this path or below was last written. A folder's own time tells of deletions.
fn newest(path: &Path) -> Option<SystemTime> {
    let below = std::fs::read_dir(path).into_iter().flatten();
    let below = below.filter_map(|entry| newest(&entry.ok()?.path()));
    below.chain(changed(path)).max()
}

fn changed(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}
