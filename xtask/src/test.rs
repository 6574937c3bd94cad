//! `cargo xtask test`: everything that must hold before a change is done.

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::{call, cargo, interface, levels, root, tools};

/// Cargo features that the tests turn on. A list and never "all": CUDA and
/// Metal build only where their toolkits are.
const FEATURES: &[&str] = &[];
/// What `--long` adds: the slow tests.
const LONG_FEATURES: &[&str] = &["likeness-tests/long"];

/// The script of `ui/package.json` that runs the interface in a browser, on a studio in memory.
const CHROMIUM_TESTS: &str = "test:chromium";

/// Formatting, lints, the interface's checks, then every test, and what computes once
/// more with plain instructions (`--long`: with each set that there is). All run even
/// where an earlier one fails, so that one call shows all there is to mend. The tests
/// come last: the output ends with their own closing lines.
pub fn test(arguments: &[&str]) -> Result<()> {
    let long = match arguments {
        [] => false,
        ["--long"] => true,
        _ => bail!("use: cargo xtask test [--long]"),
    };
    let mut features = FEATURES.to_vec();
    if long {
        features.extend(LONG_FEATURES);
    }

    let mut report = Report { start: Instant::now(), failed: Vec::new() };
    report.section("Tools", || {
        tools::rust()?;
        tools::c_linker()?;
        tools::rustup_component("rustfmt", "fmt")?;
        tools::rustup_component("clippy", "clippy")?;
        tools::window_libraries()?;
        tools::window_tests()?;
        tools::node()
    });
    if !report.failed.is_empty() {
        bail!("the tools above are needed first");
    }
    report.section("Format: cargo fmt", || call(cargo().args(["fmt", "--all", "--check"])));
    // The window's program carries the interface, and compiles only when it is there.
    report.section("Interface: build", interface::build);
    report.section("Interface: types", || interface::npm(&["run", "check"]));
    report.section("Interface: vitest", || interface::npm(&["test"]));
    if interface::has_script(CHROMIUM_TESTS)? {
        report.section("Interface: Chromium", || {
            let Some(chromium) = tools::chromium() else {
                println!("Skipped: there is no Chromium here (CHROMIUM_PATH says where one is).");
                return Ok(());
            };
            let mut tests = interface::command();
            tests.current_dir(root().join("ui")).args(["run", CHROMIUM_TESTS]);
            tests.env("CHROMIUM_PATH", chromium);
            if long {
                tests.env("LIKENESS_LONG", "1");
            }
            call(&mut tests)
        });
    }
    report.section("Lints: cargo clippy", || {
        let mut clippy = cargo();
        clippy.args(["clippy", "--workspace", "--all-targets", "--locked"]);
        call(with_features(&mut clippy, &features).args(["--", "--deny", "warnings"]))
    });
    report.section("Tests: cargo test", || {
        let mut test = cargo();
        test.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
        call(with_features(&mut test, &features))
    });
    if long {
        report.section("Kernels: AddressSanitizer", levels::sanitized);
        report.section("Kernels: ARM", levels::on_arm);
        match levels::of_this_machine() {
            Ok(sets) => {
                for set in &sets {
                    let title = format!("Kernels and engine: LIKENESS_CPU={set}");
                    report.section(&title, || levels::held_to(set));
                }
            }
            Err(error) => report.section("Kernels: instruction sets", || Err(error)),
        }
    } else {
        let title = format!("Kernels and engine: LIKENESS_CPU={}", levels::LEAST);
        report.section(&title, || levels::held_to(levels::LEAST));
    }
    if report.failed.is_empty() {
        return Ok(());
    }
    bail!("failed: {}", report.failed.join("; "))
}

fn with_features<'a>(command: &'a mut Command, features: &[&str]) -> &'a mut Command {
    if !features.is_empty() {
        command.arg("--features").arg(features.join(","));
    }
    command
}

struct Report {
    start: Instant,
    failed: Vec<String>,
}

impl Report {
    /// One part under its heading. Times stand in the headings, since nothing
    /// may be printed after the tests.
    fn section(&mut self, title: &str, work: impl FnOnce() -> Result<()>) {
        let seconds = self.start.elapsed().as_secs();
        println!("\n━━ {title} ━━ ({}:{:02} since the start)", seconds / 60, seconds % 60);
        if let Err(error) = work() {
            println!("{error:#}");
            self.failed.push(title.to_owned());
        }
    }
}
