//! `cargo xtask bundle`: a package to install, with both programs and the models that ship.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{build_dir, call, cargo, interface, licences, root, tools};

/// What of `models` an installed program needs; the rest made and measured it.
const MODELS: &[(&str, &[&str])] = &[
    (
        "starter",
        &[
            "README.md",
            "model_index.json",
            "starter.json",
            "text_encoder",
            "tokenizer",
            "transformer",
        ],
    ),
    ("upscaler", &["README.md", "upscaler.json", "model.safetensors"]),
];

/// Builds the package for this system and prints where it is. `--debug` packs the programs of the
/// tests, which are larger, slower and already built.
pub fn bundle(arguments: &[&str]) -> Result<()> {
    let debug = match arguments {
        [] => false,
        ["--debug"] => true,
        _ => bail!("use: cargo xtask bundle [--debug]"),
    };
    tools::rust()?;
    tools::c_linker()?;
    tools::window_libraries()?;
    interface::build()?;
    let mut build = cargo();
    build.args(["build", "--locked"]);
    if debug {
        // Selected as the tests select them, or much would be compiled again.
        build.args(["--workspace", "--bin", "likeness", "--bin", "likeness-studio"]);
    } else {
        build.args(["--release", "--package", "likeness", "--package", "likeness-studio"]);
    }
    call(&mut build)?;

    let profile = build_dir().join(if debug { "debug" } else { "release" });
    write(&third_parties(), &licences::third_parties()?)?;
    let settings = build_dir().join("bundle.json");
    write(&settings, &settings_of(&profile)?)?;
    let kinds = if cfg!(target_os = "linux") {
        "deb"
    } else if cfg!(target_os = "macos") {
        "app,dmg"
    } else {
        "nsis"
    };
    let mut tauri = Command::new(interface::program("tauri"));
    tauri.current_dir(root().join("src-tauri")).args(["bundle", "--bundles", kinds, "--config"]);
    tauri.arg(&settings);
    // Where the programs were built, whatever folder that is.
    tauri.env("CARGO_TARGET_DIR", build_dir());
    if debug {
        tauri.arg("--debug");
    }
    let folder = profile.join("bundle");
    // An earlier version's package is not what was asked for.
    if folder.exists() {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("{} cannot be emptied", folder.display()))?;
    }
    call(&mut tauri)?;
    for package in packages(&folder)? {
        println!("The package is at {}", package.display());
    }
    Ok(())
}

/// Where the licences of what is in our programs are written, to be packed.
fn third_parties() -> PathBuf {
    build_dir().join("THIRD-PARTY.txt")
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

/// The files of the models that ship under `target`, and where they are now.
fn models(target: &str) -> impl Iterator<Item = (String, PathBuf)> {
    MODELS.iter().flat_map(move |(model, names)| {
        let file = move |name| {
            (format!("{target}/{model}/{name}"), root().join("models").join(model).join(name))
        };
        names.iter().map(file)
    })
}

/// What the bundler is told beyond `tauri.conf.json`: where this build's files lie and where they go.
fn settings_of(profile: &Path) -> Result<String> {
    let program = profile.join(format!("likeness{}", std::env::consts::EXE_SUFFIX));
    if cfg!(target_os = "linux") {
        let mut files: Vec<(String, PathBuf)> = models("/usr/share/likeness/models").collect();
        files.push(("/usr/bin/likeness".to_owned(), program));
        files.push(("/usr/share/doc/likeness/copyright".to_owned(), root().join("LICENSE")));
        files.push(("/usr/share/doc/likeness/THIRD-PARTY.txt".to_owned(), third_parties()));
        let files: Vec<String> =
            files.iter().map(|(target, source)| pair(target, &text(source))).collect();
        return Ok(format!(
            "{{\"bundle\":{{\"linux\":{{\"deb\":{{\"files\":{{{}}}}}}}}}}}",
            files.join(",")
        ));
    }
    // Elsewhere resources lie beside the program or in the application's folder of them; both are
    // among the places where models are looked for.
    let resources: Vec<String> = models("models")
        .chain([
            (format!("likeness{}", std::env::consts::EXE_SUFFIX), program),
            ("LICENSE".to_owned(), root().join("LICENSE")),
            ("THIRD-PARTY.txt".to_owned(), third_parties()),
        ])
        .map(|(target, source)| pair(&text(&source), &target))
        .collect();
    Ok(format!("{{\"bundle\":{{\"resources\":{{{}}}}}}}", resources.join(",")))
}

fn pair(key: &str, value: &str) -> String {
    format!("{}:{}", json(key), json(value))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A JSON string.
fn json(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// What the bundler left: files, and folders that are one application.
fn packages(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let list = |folder: &Path| -> Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(folder)
            .with_context(|| format!("{} cannot be read", folder.display()))?;
        entries.map(|entry| Ok(entry?.path())).collect()
    };
    for kind in list(folder)? {
        let made = list(&kind)?;
        found.extend(made.into_iter().filter(|path| {
            path.extension().is_some_and(|e| ["deb", "dmg", "app", "exe"].iter().any(|x| e == *x))
        }));
    }
    if found.is_empty() {
        bail!("the bundler left no package in {}", folder.display());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_strings_of_json() {
        assert_eq!(json(r#"C:\a "b""#), r#""C:\\a \"b\"""#);
        assert_eq!(json("a\n"), r#""a\u000a""#);
    }

    #[test]
    fn what_is_packed_of_the_models_is_there() {
        for (_, path) in models("") {
            assert!(path.exists(), "{}", path.display());
        }
    }
}
