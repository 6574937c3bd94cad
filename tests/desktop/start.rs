//! How the window begins when something is in its way.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use likeness_tests::program::Desk;
use likeness_tests::window::{Screen, Undriven, Window, binary, screenshots, wrapped};
use serde_json::json;

const SOON: Duration = Duration::from_secs(30);
const RESUME: &str = "[data-action='queue.notice.resume']";

/// Each way in which a library does not open: the window opens, says what, and offers what helps.
#[test]
fn a_library_that_does_not_open_is_said() {
    if super::skip() {
        return;
    }
    type Break = fn(&Desk);
    let cases: &[(&str, Break)] = &[
        ("damaged", |desk| damage(desk, &[b'x'; 8192])),
        ("newer", |desk| {
            let path = desk.path("library/library.sqlite");
            let mut database = std::fs::read(&path).expect("it is there");
            // The schema's version is the header's `user_version`, big-endian, at byte 60.
            database[60..64].copy_from_slice(&9999u32.to_be_bytes());
            damage(desk, &database);
        }),
        ("other", |desk| {
            let library = desk.path("library");
            std::fs::remove_dir_all(&library).expect("it is there");
            std::fs::write(library, b"a file in its place").expect("the desk can be written to");
        }),
    ];
    for (kind, break_it) in cases {
        let desk = Desk::new();
        desk.succeed(&["queue", "add", "a fox"]);
        break_it(&desk);
        let screen = Screen::new(&desk);
        let window = screen.open(binary(), &[]);
        let startup = window.invoke("shell_startup", &json!({})).expect("it answers");
        assert_eq!(startup["ready"], false, "{startup}");
        if *kind != "other" {
            assert_eq!(startup["problem"]["kind"], *kind, "{startup}");
        }
        let message = startup["problem"]["message"].as_str().expect("it says what").to_owned();
        shows(&window, &message);
        window.screenshot(&screenshots().join(format!("problem-{kind}.png")));
        assert!(window.call("pictures", json!({})).is_err(), "nothing works before it is mended");

        // Another folder helps in each case.
        let other = json!({"folder": desk.path("another")});
        let startup = window.invoke("shell_open_library", &other).expect("it answers");
        assert_eq!((&startup["ready"], &startup["problem"]), (&json!(true), &json!(null)));
        assert!(desk.path("another/library.sqlite").is_file());
        window.close();
    }
}

/// The library that a person chose lay on a disk that is out at the next start.
#[test]
fn a_library_that_is_gone_is_said_and_none_is_made_in_its_place() {
    if super::skip() {
        return;
    }
    let desk = Desk::new();
    // Its folder is not named from outside, as it is for most people.
    let screen = Screen::with(&desk, &[("LIKENESS_LIBRARY", "")]);
    let chosen = desk.path("disk/library");
    let window = screen.open(binary(), &[]);
    let startup =
        window.invoke("shell_open_library", &json!({"folder": chosen})).expect("it answers");
    assert_eq!(startup["ready"], true, "{startup}");
    window.close();
    std::fs::rename(&chosen, desk.path("taken-out")).expect("it is there");

    let window = screen.open(binary(), &[]);
    let startup = window.invoke("shell_startup", &json!({})).expect("it answers");
    assert_eq!(startup["problem"]["kind"], "gone", "{startup}");
    shows(&window, startup["problem"]["message"].as_str().expect("it says what"));
    window.screenshot(&screenshots().join("problem-gone.png"));
    assert!(!chosen.exists(), "nothing is made in its place");
    std::fs::rename(desk.path("taken-out"), &chosen).expect("it is there");
    let startup =
        window.invoke("shell_open_library", &json!({"folder": null})).expect("it answers");
    assert_eq!(startup["ready"], true, "it opens once it is back: {startup}");
    window.close();
}

/// The disk is mounted read-only, for the window alone.
#[test]
fn a_library_that_cannot_be_written_to_is_said() {
    if super::skip() {
        return;
    }
    let desk = Desk::new();
    desk.succeed(&["queue", "add", "a fox"]);
    let library = desk.path("library");
    let library = library.display();
    let script =
        format!("mount --bind {library} {library} && mount -o remount,bind,ro {library} && exec");
    let alone = ["--mount", "--map-root-user", "sh", "-c"];
    let able = Command::new("unshare").args(alone).arg(format!("{script} true")).status();
    if !able.is_ok_and(|status| status.success()) {
        println!("skipped: nothing can be mounted here");
        return;
    }
    let wrapper = format!("unshare --mount --map-root-user sh -c '{script} \"$0\" \"$@\"'");
    let screen = Screen::new(&desk);
    let window = screen.open(&wrapped(&desk, &wrapper), &[]);
    let startup = window.invoke("shell_startup", &json!({})).expect("it answers");
    assert_eq!(startup["problem"]["kind"], "read_only", "{startup}");
    shows(&window, startup["problem"]["message"].as_str().expect("it says what"));
    window.screenshot(&screenshots().join("problem-read_only.png"));
    window.close();
}

#[test]
fn a_damaged_database_is_built_again_from_the_pictures() {
    if super::skip() {
        return;
    }
    let desk = Desk::new();
    let screen = Screen::new(&desk);
    let window = screen.open(binary(), &[]);
    let id = window.make_picture("a fox");
    window.close();
    let found = vec![b'x'; 64 * 1024];
    damage(&desk, &found);

    let window = screen.open(binary(), &[]);
    let startup = window.invoke("shell_rebuild", &json!({})).expect("it answers");
    assert_eq!(startup["ready"], true, "{startup}");
    assert_eq!(window.pictures(), [id], "the picture is found again");
    window.close();
    let kept = std::fs::read_dir(desk.path("library")).expect("it can be read").any(|entry| {
        std::fs::read(entry.expect("it can be read").path()).is_ok_and(|bytes| bytes == found)
    });
    assert!(kept, "the damaged database is kept aside");
}

/// The window's own process is killed in the middle of its queue.
#[test]
fn a_window_that_died_comes_back_with_its_queue_paused() {
    if super::skip() {
        return;
    }
    let desk = Desk::new();
    // Slow enough to be in the middle of it when the first picture is seen.
    desk.succeed(&["queue", "add", "a fox", "--count", "20", "--steps", "20"]);
    let dying = Undriven::open(&desk, binary());
    let start = Instant::now();
    while count(&desk) == 0 {
        assert!(start.elapsed() < SOON * 4, "no picture was made");
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(dying);

    let screen = Screen::new(&desk);
    let window = screen.open(binary(), &[]);
    let resume = window.wait_for(RESUME, SOON);
    let queue = window.call("queue", json!({})).expect("there is a queue");
    assert_eq!(queue["paused"], true, "{queue}");
    window.screenshot(&screenshots().join("after-a-crash.png"));
    let finished = window.pictures();
    assert!(finished.len() >= count(&desk).min(20), "a picture that was finished is lost");
    window.click(&resume);
    window.wait("the rest to be made", SOON * 8, || (window.pictures().len() == 20).then_some(()));
    window.close();
}

/// Picture files in the library.
fn count(desk: &Desk) -> usize {
    desk.files().iter().filter(|file| file.extension().is_some_and(|e| e == "png")).count()
}

/// Without a session bus the first window cannot be found; the library is still opened only once.
#[test]
fn a_second_window_on_one_library_says_so() {
    if super::skip() {
        return;
    }
    let desk = Desk::new();
    let (first, second) = (Screen::new(&desk), Screen::new(&desk));
    let window = first.open(binary(), &[]);
    window.wait_for("[aria-label=Prompt]", SOON);
    let late = second.open(binary(), &[]);
    let startup = late.invoke("shell_startup", &json!({})).expect("it answers");
    assert_eq!(startup["problem"]["kind"], "in_use", "{startup}");
    shows(&late, startup["problem"]["message"].as_str().expect("it says what"));
    late.screenshot(&screenshots().join("problem-in_use.png"));

    window.close();
    let startup = late.invoke("shell_open_library", &json!({"folder": null})).expect("it answers");
    assert_eq!(startup["ready"], true, "it opens once the first has closed: {startup}");
    late.close();
}

/// With a session bus, as on every desktop, a second start ends at once.
#[test]
fn a_second_start_leaves_one_window() {
    if super::skip() {
        return;
    }
    let desk = Desk::new();
    let Some(bus) = Bus::start() else {
        println!("skipped: there is no dbus-daemon here");
        return;
    };
    let screen = Screen::with(&desk, &[("DBUS_SESSION_BUS_ADDRESS", bus.address.as_str())]);
    let window = screen.open(binary(), &[]);
    window.wait_for("[aria-label=Prompt]", SOON);
    let status = Command::new("timeout")
        .args(["--signal=KILL", "30"])
        .arg(binary())
        .env("DISPLAY", screen.display())
        .env("DBUS_SESSION_BUS_ADDRESS", &bus.address)
        .env("HOME", desk.path("home"))
        .env("LIKENESS_LIBRARY", desk.path("library"))
        .stdin(Stdio::null())
        .status()
        .expect("it starts");
    assert_eq!(status.code(), Some(0), "the second start ends by itself");
    assert!(Path::new(&format!("/proc/{}", window.process)).exists(), "the first goes on");
    window.close();
}

/// Writes over the database. Its log goes too: SQLite would mend much from it.
fn damage(desk: &Desk, bytes: &[u8]) {
    for file in ["library.sqlite-wal", "library.sqlite-shm"] {
        let _ = std::fs::remove_file(desk.path("library").join(file));
    }
    std::fs::write(desk.path("library/library.sqlite"), bytes).expect("it can be damaged");
}

fn shows(window: &Window, message: &str) {
    window.wait(&format!("the words {message:?}"), SOON, || {
        let page = window.script("return document.body.innerText", &[]).ok()?;
        page.as_str()?.contains(message).then_some(())
    });
}

/// A session bus of our own.
struct Bus {
    daemon: Child,
    address: String,
}

impl Bus {
    fn start() -> Option<Self> {
        use std::io::BufRead;
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut address = String::new();
        let output = daemon.stdout.take()?;
        std::io::BufReader::new(output).read_line(&mut address).ok()?;
        Some(Self { daemon, address: address.trim().to_owned() })
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
