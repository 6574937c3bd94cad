//! Pictures that are pasted: WebKit gives the page none, so the shell reads the system's clipboard.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use likeness_tests::program::Desk;
use likeness_tests::webdriver::key;
use likeness_tests::window::{Screen, Window, binary};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);
const PROMPT: &str = "[aria-label=Prompt]";

#[test]
fn a_picture_is_pasted_and_what_cannot_be_says_why() {
    if super::skip() {
        return;
    }
    if Command::new("xclip").arg("-version").stderr(Stdio::null()).status().is_err() {
        println!("skipped: xclip not found; `cargo xtask test` installs what is missing");
        return;
    }
    let desk = Desk::new();
    let screen = Screen::new(&desk);
    let window = screen.open(binary(), &[]);
    window.wait_for(PROMPT, SOON);
    let made = window.make_picture("a red fox");
    let file = PathBuf::from(detail(&window, &made)["file"]["path"].as_str().expect("a file"));

    let kept = desk.path("kept.png");
    std::fs::copy(&file, &kept).expect("it can be copied");

    // By the command: first what there is before anything was copied.
    assert_eq!(refused(&window), "clipboard.empty");
    hold(&desk, &screen, "UTF8_STRING", &text(&desk, "a fox"));
    assert_eq!(refused(&window), "clipboard.text");
    hold(&desk, &screen, "image/png", &text(&desk, "no picture"));
    let broken = paste(&window).expect_err("it is no picture");
    assert!(broken.contains("pasted"), "the studio says what is wrong: {broken}");

    // By the keys, as a person does: the prompt takes it as a reference.
    window.call("trash", json!({ "ids": [made] })).expect("it can go");
    window.call("purge", json!({ "ids": [made] })).expect("for good");
    assert!(!file.exists(), "only the clipboard has it now");
    hold(&desk, &screen, "image/png", &kept);
    window.click(&window.wait_for(PROMPT, SOON));
    window.press(&[key::CONTROL, 'v']);
    let asset = format!("document.body.innerHTML.includes('{made}')");
    window.wait("the reference to be shown", SOON, || {
        (window.script(&format!("return {asset}"), &[]) == Ok(json!(true))).then_some(())
    });
    // The file came as it was copied, byte for byte: its hash is its name.
    assert!(window.call("asset", json!({ "id": made })).is_ok());
    assert!(window.pictures().is_empty(), "a reference is no picture of the library");

    // Elsewhere it is a picture, which says how it was made.
    window.click(&window.wait_for("[data-screen=create] h1", SOON));
    window.press(&[key::CONTROL, 'v']);
    window.wait("the picture to come in", SOON, || {
        (window.pictures() == [made.as_str()]).then_some(())
    });
    assert_eq!(detail(&window, &made)["card"]["prompt"], "a red fox");
    window.close();
}

fn detail(window: &Window, id: &str) -> Value {
    window.call("picture", json!({ "id": id })).expect("the picture is there")
}

/// What the shell takes from the clipboard, or what it says.
fn paste(window: &Window) -> Result<Value, String> {
    window.invoke("shell_paste_image", &json!({ "name": "pasted", "reference": false }))
}

/// The field of the answer where there is nothing to take.
#[track_caller]
fn refused(window: &Window) -> String {
    let error = paste(window).expect_err("there is a picture");
    let at = error.find("clipboard.").unwrap_or_else(|| panic!("{error}"));
    error[at..].chars().take_while(|c| c.is_alphanumeric() || *c == '.').collect()
}

fn text(desk: &Desk, words: &str) -> PathBuf {
    let path = desk.path("words.txt");
    std::fs::write(&path, words).expect("the desk can be written to");
    path
}

/// Puts a file's bytes on the clipboard of the screen. What holds them out ends with the screen.
fn hold(desk: &Desk, screen: &Screen, kind: &str, file: &Path) {
    let status = Command::new("xclip")
        .args(["-selection", "clipboard", "-t", kind, "-i"])
        .arg(file)
        .env("DISPLAY", screen.display())
        .current_dir(desk.path("."))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("xclip starts");
    assert!(status.success());
}
