//! `cargo xtask golden`: the reference numbers, made again by their committed scripts.
//!
//! Tests only read the numbers, so nobody needs Python for them. Whoever
//! changes what is compared runs this and commits what changed.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{build_dir, call, root, tools};

/// The packages the numbers were made with.
const PACKAGES: &[&str] = &[
    "torch==2.15.0",
    "diffusers==0.42.1",
    "transformers==5.23.0",
    "tokenizers==0.23.3",
    "safetensors==0.8.0",
    "numpy==2.4.6",
];

/// Each script of `tests/golden` with its arguments, by the name it is called on the command line.
const SCRIPTS: &[(&str, &[&str])] = &[
    ("noise", &["tests/golden/noise.py"]),
    ("tiny", &["tests/golden/flux2.py"]),
    ("unet", &["tests/golden/unet.py"]),
    ("vae", &["tests/golden/vae.py"]),
    ("upscaler", &["tests/golden/upscaler.py"]),
    ("starter", &["tests/golden/flux2.py", "--starter", "models/starter"]),
];

/// Runs every script, or the one that is named, in a Python environment of its own.
pub fn golden(arguments: &[&str]) -> Result<()> {
    let chosen: Vec<_> = match arguments {
        [] => SCRIPTS.iter().collect(),
        [name] => SCRIPTS.iter().filter(|(known, _)| known == name).collect(),
        _ => Vec::new(),
    };
    if chosen.is_empty() {
        let names: Vec<_> = SCRIPTS.iter().map(|(name, _)| *name).collect();
        bail!("use: cargo xtask golden [{}]", names.join("|"));
    }
    let python = tools::python_environment(&build_dir().join("golden-python"), PACKAGES)?;
    for (name, script) in chosen {
        println!("\n━━ {name} ━━");
        call(Command::new(&python).current_dir(root()).arg("-B").args(*script))?;
    }
    Ok(())
}
