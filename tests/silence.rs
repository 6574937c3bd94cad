//! Nothing leaves the machine: while both programs make a picture no connection is tried, and none is
//! missed.

#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use likeness_tests::program::{Desk, Ran};
use likeness_tests::window::{self, Screen, Undriven};

const REQUEST: [&str; 6] = ["generate", "a fox", "--seed", "1", "--out", "new.png"];
/// The calls that reach out, and `bind`, with which a program waits to be reached.
const TRACED: &str = "trace=socket,connect,bind,sendto,sendmsg,sendmmsg";
/// How long a picture may take under strace, on a busy machine.
const LIMIT: Duration = Duration::from_secs(180);
/// Set for the copy of this test that runs where there is no network.
const ALONE: &str = "LIKENESS_TEST_ALONE";

/// Under strace with all children: not one socket of the internet families.
#[test]
fn the_command_line_tries_no_connection() {
    if let Some(reason) = untraceable() {
        println!("skipped: {reason}");
        return;
    }
    let desk = Desk::new();
    let traced = ["strace", "-f", "-qq", "-e", TRACED, "-o", "trace.txt"];
    let ran = Ran::of(desk.command_under(&traced, &REQUEST));
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    let calls = internet(&desk.path("trace.txt"));
    assert!(calls.is_empty(), "{calls:#?}");
}

/// The same of the window and every process of its toolkit, while it works off a queue that it
/// found: it needs nobody to drive it.
#[test]
fn the_window_tries_no_connection() {
    if let Some(reason) = window::missing().or_else(untraceable) {
        println!("skipped: {reason}");
        return;
    }
    let desk = Desk::new();
    desk.succeed(&["queue", "add", "a fox"]);
    let (program, trace) = traced(&desk);
    let window = Undriven::open(&desk, &program);
    let start = Instant::now();
    while !desk.files().iter().any(|file| file.extension().is_some_and(|e| e == "webp")) {
        assert!(start.elapsed() < LIMIT, "no picture with its thumbnail after {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(window);
    let calls = internet(&trace);
    assert!(calls.is_empty(), "{calls:#?}");
    let text = std::fs::read_to_string(&trace).expect("strace writes text");
    assert!(text.contains("connect("), "the toolkit speaks to the screen, so something was traced");
}

/// The same while it is used. For its driver the toolkit waits at a port of the machine's own
/// address; that port, and nothing else, may be named.
#[test]
fn the_window_tries_no_connection_while_it_is_used() {
    if let Some(reason) = window::missing().or_else(untraceable) {
        println!("skipped: {reason}");
        return;
    }
    let desk = Desk::new();
    let (program, trace) = traced(&desk);
    let screen = Screen::new(&desk);
    let window = screen.open(&program, &[]);
    window.make_picture("a fox");
    window.close();
    let calls = internet(&trace);
    let address = |call: &str| Some(call.split_once("sin_port=")?.1.split_once('}')?.0.to_owned());
    let driver = calls.iter().find(|call| call.contains("bind(")).and_then(|call| address(call));
    let driver = driver.expect("the toolkit waits for its driver");
    assert!(driver.contains("\"127.0.0.1\""), "{driver}");
    for call in calls.iter().filter(|call| !call.contains("socket(")) {
        assert_eq!(address(call).as_ref(), Some(&driver), "{call}");
    }
}

/// The window under strace with all its children, and where the trace is written.
fn traced(desk: &Desk) -> (PathBuf, PathBuf) {
    let trace = desk.path("trace.txt");
    let strace = format!("strace -f -qq -e {TRACED} -o '{}'", trace.display());
    (window::wrapped(desk, &strace), trace)
}

/// Lines of a trace that name an internet address or make a socket for one.
fn internet(trace: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(trace).expect("strace writes text");
    text.lines().filter(|line| line.contains("AF_INET")).map(str::to_owned).collect()
}

fn untraceable() -> Option<String> {
    let tried = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("strace: {error}")),
    }
}

/// Without any network, not even the machine's own.
#[test]
fn the_command_line_makes_a_picture_without_any_network() {
    let alone = ["unshare", "--net", "--map-root-user"];
    if let Some(reason) = impossible(&alone, &["true"]) {
        println!("skipped: {reason}");
        return;
    }
    let desk = Desk::new();
    let ran = Ran::of(desk.command_under(&alone, &REQUEST));
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    assert!(image::open(desk.path("new.png")).is_ok(), "there is a picture");
}

/// The same for the window. Its driver needs the machine's own address, so that one is there, and
/// no route to anywhere else. This test starts itself again in such a place.
#[test]
fn the_window_makes_a_picture_without_a_route() {
    if std::env::var_os(ALONE).is_some() {
        let routes = std::fs::read_to_string("/proc/net/route").expect("Linux lists its routes");
        assert_eq!(routes.lines().count(), 1, "there is a heading and no route: {routes}");
        let desk = Desk::new();
        let screen = Screen::new(&desk);
        let window = screen.open(window::binary(), &[]);
        window.make_picture("a fox");
        return window.close();
    }
    let alone = ["unshare", "--net", "--map-root-user"];
    let missing =
        window::missing().or_else(|| impossible(&alone, &["ip", "link", "set", "lo", "up"]));
    if let Some(reason) = missing {
        println!("skipped: {reason}");
        return;
    }
    // Built out here, where cargo may look at its registry.
    let program = window::binary();
    let test = std::env::current_exe().expect("a test knows its own program");
    let output = Command::new(alone[0])
        .args(&alone[1..])
        .args(["sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""])
        .arg(test)
        .args(["--exact", "the_window_makes_a_picture_without_a_route", "--nocapture"])
        .env(ALONE, "1")
        .env("LIKENESS_STUDIO_BINARY", program)
        .output()
        .expect("unshare starts");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Why `wrapper` cannot run a command here, if so.
fn impossible(wrapper: &[&str], command: &[&str]) -> Option<String> {
    match Command::new(wrapper[0]).args(&wrapper[1..]).args(command).output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("{}: {error}", wrapper[0])),
    }
}
