//! Nothing leaves the machine: no connection is tried, and none is missed.

use likeness_tests::program::{Desk, Ran};

const REQUEST: [&str; 6] = ["generate", "a fox", "--seed", "1", "--out", "new.png"];

/// Under strace with all children: not one call that makes a socket of the
/// internet families, let alone connects it.
#[test]
fn no_connection_is_tried() {
    let desk = Desk::new();
    let traced = ["strace", "-f", "-qq", "-e", "trace=socket,connect", "-o", "trace.txt"];
    if !traceable() {
        println!("skipped: strace is not here or may not trace");
        return;
    }
    let ran = Ran::of(desk.command_under(&traced, &REQUEST));
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    let trace = String::from_utf8(desk.bytes("trace.txt")).expect("strace writes text");
    let calls: Vec<_> = trace.lines().filter(|line| line.contains("AF_INET")).collect();
    assert!(calls.is_empty(), "{calls:#?}");
}

fn traceable() -> bool {
    let tried =
        std::process::Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    tried.is_ok_and(|output| output.status.success())
}

/// Without any network, not even the machine's own.
#[cfg(target_os = "linux")]
#[test]
fn a_picture_is_made_without_any_network() {
    let desk = Desk::new();
    let alone = ["unshare", "--net", "--map-root-user"];
    let tried = std::process::Command::new(alone[0]).args(&alone[1..]).arg("true").output();
    if !tried.is_ok_and(|output| output.status.success()) {
        println!("skipped: a network namespace cannot be made here");
        return;
    }
    let ran = Ran::of(desk.command_under(&alone, &REQUEST));
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    assert!(super::refusals::is_png(&desk.path("new.png")));
}
