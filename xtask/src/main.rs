//! The project's own commands, behind the alias `cargo xtask`.
//!
//! Each command is one file; what looks for tools on the machine, and installs
//! what is missing, is [`tools`] alone. This crate is compiled first on every
//! fresh clone, so it depends on the standard library and `anyhow` only.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

mod bench;
mod bindings;
mod bundle;
mod eval;
mod fuzz;
mod golden;
mod interface;
mod levels;
mod licences;
mod run;
mod test;
mod tools;

const HELP: &str = "\
The project's own commands.

  cargo xtask run [--headless \"PROMPT\"]     build Likeness and open its window, or make a picture
  cargo xtask test [--long]                 format, lints and every test; --long: on every instruction set
  cargo xtask eval-starter [--json]         measure the starter model, print its table
  cargo xtask bench [--peers]               speed beside PyTorch and OpenVINO, as ratios
  cargo xtask fuzz [TARGET] [--seconds N]   throw damaged files at the readers, any shape at the kernels
  cargo xtask bundle                        a package to install: both programs and our two models
  cargo xtask bindings                      write ui/src/bindings from the studio's commands
  cargo xtask golden [NAME]                 make the reference numbers again, with PyTorch

Each command looks for what it needs first and says what to do about anything
it cannot set up by itself.
";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[OsString]) -> Result<()> {
    let words = arguments
        .iter()
        .map(|a| a.to_str().context("an argument is not valid Unicode"))
        .collect::<Result<Vec<_>>>()?;
    match words.split_first() {
        None | Some((&("help" | "--help" | "-h"), _)) => {
            print!("{HELP}");
            Ok(())
        }
        Some((&"run", rest)) => run::run(rest),
        Some((&"test", rest)) => test::test(rest),
        Some((&"bench", rest)) => bench::bench(rest),
        Some((&"bundle", rest)) => bundle::bundle(rest),
        Some((&"bindings", rest)) => bindings::bindings(rest),
        Some((&"eval-starter", rest)) => eval::eval_starter(rest),
        Some((&"fuzz", rest)) => fuzz::fuzz(rest),
        Some((&"golden", rest)) => golden::golden(rest),
        Some((other, _)) => bail!("there is no command '{other}'\n\n{HELP}"),
    }
}

/// The root of the checkout: the folder above this crate's own.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace")
        .to_path_buf()
}

/// Where build products go, whatever `CARGO_TARGET_DIR` says: this program is one of them.
fn build_dir() -> PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|exe| Some(exe.parent()?.parent()?.to_path_buf()))
        .unwrap_or_else(|| root().join("target"))
}

/// The cargo that started this program, in the root of the checkout.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a command to its end with its output shown; an error if it fails.
fn call(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    if status.success() {
        return Ok(());
    }
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|w| w.to_string_lossy())
        .collect();
    bail!("`{}` failed ({status})", words.join(" "))
}
