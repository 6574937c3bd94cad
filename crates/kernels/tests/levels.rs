//! What `LIKENESS_CPU` does, in processes of their own: it is read once.

use std::process::Command;

use likeness_kernels::cpu::{Isa, Unmet, available, unmet};

const SAYS: &str = "LIKENESS_TEST_SAYS";

/// Prints a line for each set of this machine, least first: `cargo xtask test` reads them to know what
/// it can hold the tests to.
#[test]
fn sets_of_this_machine() {
    for isa in available() {
        println!("instruction set: {}", isa.name());
    }
    assert_eq!(available()[0], Isa::Portable, "every machine has that");
    assert!(available().is_sorted());
}

#[test]
fn the_variable_holds_down_and_is_answered() {
    let says = |wanted: Option<&str>| {
        let mut again = Command::new(std::env::current_exe().expect("a test is a program"));
        again.args(["--exact", "what_is_used", "--nocapture"]).env(SAYS, "1");
        match wanted {
            Some(name) => again.env("LIKENESS_CPU", name),
            None => again.env_remove("LIKENESS_CPU"),
        };
        let answer = again.output().expect("it starts again");
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        assert!(answer.status.success(), "{text}");
        let line = text.lines().find_map(|line| line.strip_prefix("used: ")).map(str::to_owned);
        line.unwrap_or_else(|| panic!("no answer: {text}"))
    };
    let best = available().last().expect("there is one").name();
    for none in [None, Some("")] {
        assert_eq!(says(none), format!("{best}, "), "nothing is asked for");
    }
    for isa in available() {
        assert_eq!(says(Some(isa.name())), format!("{}, ", isa.name()));
    }
    let lacking = [Isa::Neon, Isa::Avx2, Isa::AvxVnni, Isa::Avx512, Isa::Amx]
        .into_iter()
        .filter(|isa| !isa.runs());
    for isa in lacking {
        let used = available().iter().rev().find(|used| **used < isa).expect("portable").name();
        let wanted = isa.name();
        assert_eq!(
            says(Some(wanted)),
            format!("{used}, LIKENESS_CPU: this processor has no {wanted}, so {used} is used")
        );
    }
    for unknown in ["sse9", "AVX2", " avx2", "0"] {
        let answer = says(Some(unknown));
        let wanted = format!("{best}, LIKENESS_CPU: there is no instruction set '{unknown}' (");
        assert!(answer.starts_with(&wanted), "{answer}");
    }
}

#[test]
fn what_is_used() {
    if std::env::var_os(SAYS).is_some() {
        let why = unmet().as_ref().map(Unmet::to_string).unwrap_or_default();
        println!("\nused: {}, {why}", Isa::get().name());
    }
}
