//! `cargo xtask bindings`: the TypeScript of the studio's commands, written anew.
//!
//! A test of the studio fails where what is committed is stale.

use anyhow::{Result, bail};

use crate::{call, cargo};

/// Writes `ui/src/bindings`.
pub fn bindings(arguments: &[&str]) -> Result<()> {
    if !arguments.is_empty() {
        bail!("use: cargo xtask bindings");
    }
    call(
        cargo()
            .args(["run", "--quiet", "--locked", "--package", "likeness-studio-core"])
            .args(["--example", "bindings"]),
    )
}
