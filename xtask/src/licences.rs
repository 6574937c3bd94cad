//! The licences of what ships inside our programs, as the packages that it comes from tell them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{cargo, interface, root};

/// How files with a licence in them begin.
const NAMES: &[&str] = &["LICENSE", "LICENCE", "UNLICENSE", "COPYING", "COPYRIGHT", "NOTICE"];

/// A package: `name version`, the licence that it names, and its folder.
type Package = (String, String, PathBuf);

/// One text: who is in our programs, then each licence once with all that come under it.
pub fn third_parties() -> Result<String> {
    let mut out = String::from(
        "Likeness is licensed under the Apache License 2.0. Its programs contain the packages below, \
         each under the licence beside it; the texts follow.\n\n",
    );
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, licence, folder) in crates()?.into_iter().chain(modules()?) {
        writeln!(out, "{name}: {licence}")?;
        for text in texts_in(&folder)? {
            texts.entry(text).or_default().insert(name.clone());
        }
    }
    for (text, names) in texts {
        let names: Vec<_> = names.into_iter().collect();
        write!(out, "\n{}\n{}\n\n{text}\n", "=".repeat(78), names.join(", "))?;
    }
    Ok(out)
}

/// What is compiled into the two programs on this system; what only builds them is left out.
fn crates() -> Result<Vec<Package>> {
    let mut tree = cargo();
    tree.args(["tree", "--locked", "--package", "likeness", "--package", "likeness-studio"]);
    tree.args(["--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}|{l}"]);
    let sources = sources()?;
    let mut packages = BTreeMap::new();
    for line in answer(&mut tree)?.lines() {
        let line = line.trim_end_matches(" (*)");
        // `name v1.2.3|MIT`, and ours with `(folder)` behind the version.
        let Some((package, licence)) = line.split_once('|') else { continue };
        let Some((name, version)) = package.split_once(" v") else { continue };
        if version.contains('(') {
            continue;
        }
        let folder = sources.iter().map(|all| all.join(format!("{name}-{version}")));
        let folder = folder.into_iter().find(|folder| folder.is_dir()).unwrap_or_default();
        packages.insert(format!("{name} {version}"), (licence.to_owned(), folder));
    }
    let ours = |(name, (licence, folder))| (name, licence, folder);
    Ok(packages.into_iter().map(ours).collect())
}

/// Where cargo unpacks what it downloads.
fn sources() -> Result<Vec<PathBuf>> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let folder = home.context("there is no home folder")?.join("registry/src");
    Ok(entries(&folder)?.into_iter().filter(|path| path.is_dir()).collect())
}

/// What of the interface's packages is in the window.
fn modules() -> Result<Vec<Package>> {
    let mut list = interface::command();
    list.current_dir(root().join("ui")).args(["ls", "--omit=dev", "--all", "--parseable"]);
    let mut packages = Vec::new();
    // The interface itself is listed too, and is ours.
    let listed = answer(&mut list)?;
    for folder in listed.lines().filter(|path| path.contains("node_modules")).map(PathBuf::from) {
        let text = std::fs::read_to_string(folder.join("package.json"))
            .with_context(|| format!("{} has no package.json", folder.display()))?;
        // The first of each stands at the top of the file: names are looked for, not a whole JSON read.
        let field = |name: &str| {
            let (_, after) = text.split_once(&format!("\"{name}\":"))?;
            after.split('"').nth(1).map(str::to_owned)
        };
        let field = |name: &str| field(name).unwrap_or_default();
        packages.push((
            format!("{} {}", field("name"), field("version")),
            field("license"),
            folder,
        ));
    }
    Ok(packages)
}

/// The licences in a package.
fn texts_in(folder: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for path in entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        if path.is_file() && NAMES.iter().any(|start| name.starts_with(start)) {
            let text = std::fs::read(&path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            texts.push(String::from_utf8_lossy(&text).replace("\r\n", "\n").trim().to_owned());
        }
    }
    Ok(texts)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>());
    let mut entries = entries.with_context(|| format!("{} cannot be read", folder.display()))?;
    entries.sort();
    Ok(entries)
}

fn answer(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{name} does not start"))?;
    if !output.status.success() {
        bail!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
