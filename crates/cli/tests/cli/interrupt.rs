//! Ctrl+C while a command is at work that does not look for it.

use crate::commands::parsed;

#[test]
fn only_what_looks_for_ctrl_c_listens_for_it() {
    let listens =
        |words: &str| parsed(&words.split(' ').collect::<Vec<_>>()).unwrap().stops_between_steps();
    for words in ["generate fox", "edit a.png green", "upscale a.png", "queue run", "bench"] {
        assert!(listens(words), "{words}");
    }
    for words in [
        "library check --all",
        "library repair",
        "library rebuild",
        "library backup to",
        "library restore from",
        "library export to",
        "queue list",
        "recipe a.png",
        "models",
    ] {
        assert!(!listens(words), "{words}");
    }
}

/// The program itself, at work for as long as nobody writes into the pipe that it reads.
#[cfg(unix)]
#[test]
fn what_does_not_look_for_it_ends_at_once() {
    use std::fs::File;
    use std::os::unix::fs::OpenOptionsExt;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    let desk = crate::fake::Desk::new();
    let pipe = desk.path("pipe.png");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut program = Command::new(env!("CARGO_BIN_EXE_likeness"));
    program.arg("recipe").arg(&pipe).env("LIKENESS_LIBRARY", &desk.host.library);
    let mut program = program.stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let late = || start.elapsed() > Duration::from_secs(20);
    let pause = || std::thread::sleep(Duration::from_millis(10));
    // Opens only once the program has opened its end.
    let open = || File::options().write(true).custom_flags(nix::libc::O_NONBLOCK).open(&pipe);
    let _pipe = loop {
        match open() {
            Ok(pipe) => break pipe,
            Err(error) => assert!(!late(), "the program reads nothing: {error}"),
        }
        pause();
    };
    // Listened for with Ctrl+C; a shell that runs tests in the background has its children ignore that.
    let pid = program.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let ended = loop {
        if let Some(ended) = program.try_wait().unwrap() {
            break ended;
        }
        if late() {
            program.kill().unwrap();
            panic!("it goes on as if nothing had been pressed");
        }
        pause();
    };
    assert_eq!(ended.signal(), Some(nix::libc::SIGTERM), "{ended}");
}
