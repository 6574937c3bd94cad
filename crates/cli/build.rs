//! Notes which build this is, for `likeness --version`.

use std::process::Command;

fn main() {
    let commit =
        git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "no commit".to_owned());
    let variable = |name| std::env::var(name).unwrap_or_default();
    println!(
        "cargo:rustc-env=LIKENESS_BUILD={commit}, {} {}",
        variable("TARGET"),
        variable("PROFILE")
    );
    println!("cargo:rerun-if-changed=build.rs");
    // Changes with every commit and checkout, unlike HEAD, which only names the branch.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo:rerun-if-changed={log}");
    }
}

/// What git answers, if there is a git and this is a checkout.
fn git(arguments: &[&str]) -> Option<String> {
    let answer =
        Command::new("git").args(arguments).output().ok().filter(|a| a.status.success())?;
    Some(String::from_utf8(answer.stdout).ok()?.trim().to_owned())
}
