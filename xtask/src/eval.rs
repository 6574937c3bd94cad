//! `cargo xtask eval-starter`: what the shipped weights can do, measured.

use anyhow::Result;

use crate::{call, cargo, tools};

/// Runs the evaluation in release; its arguments (`--json`, …) are passed on
/// as they are. Standard output is the table, or the JSON, and nothing else.
pub fn eval_starter(arguments: &[&str]) -> Result<()> {
    tools::rust()?;
    tools::c_linker()?;
    call(
        cargo()
            .args(["run", "--release", "--locked", "--package", "likeness-eval", "--"])
            .args(arguments),
    )
}
