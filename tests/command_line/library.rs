//! The library and its queue, by the real program with the real starter.

use likeness_tests::program::Desk;

use super::refusals::{STORAGE, USAGE};

#[test]
fn what_is_queued_is_made_kept_and_found_again() {
    let desk = Desk::new();
    let add = ["queue", "add", "a red fox", "--count", "2", "--seed", "1"];
    let added = desk.succeed(&[&add[..], &["--steps", "2", "--json"]].concat()).json();
    assert_eq!(added.len(), 2, "a job for each picture");
    assert_eq!(added[1]["request"]["seed"], "2");

    let made = desk.succeed(&["queue", "run", "--json"]).json();
    assert_eq!(made.len(), 2);
    for one in &made {
        let path = std::path::PathBuf::from(one["path"].as_str().expect("a path"));
        assert!(path.starts_with(desk.path("library")) && super::refusals::is_png(&path));
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        assert_eq!(one["id"], name, "a picture is called by its hash");
    }
    let queue = desk.succeed(&["queue", "list", "--json"]).json().remove(0);
    assert_eq!((&queue["done"], &queue["waiting"]), (&2.into(), &0.into()));

    // The command line makes the same file with the same seed, whichever way it goes.
    let asked = ["generate", "a red fox", "--seed", "1", "--steps", "2"];
    desk.succeed(&[&asked[..], &["--out", "again.png"]].concat());
    let first = std::path::PathBuf::from(made[0]["path"].as_str().expect("a path"));
    assert_eq!(std::fs::read(first).expect("it is there"), desk.bytes("again.png"));

    desk.succeed(&["generate", "a green mug", "--seed", "3"]);
    let found = desk.succeed(&["library", "list", "mug", "--json"]).json();
    assert_eq!((found.len(), &found[0]["prompt"]), (1, &"a green mug".into()));
    assert_eq!(found[0]["subject"], "mug", "the starter knows the word");
    let report = desk.succeed(&["library", "check", "--all", "--json"]).json().remove(0);
    assert_eq!((&report["pictures"], &report["problems"]), (&3.into(), &serde_json::json!([])));
}

#[test]
fn a_queue_that_is_paused_says_how_it_goes_on() {
    let desk = Desk::new();
    desk.succeed(&["queue", "add", "a fox", "--steps", "1"]);
    desk.succeed(&["queue", "pause"]);
    let ran = desk.run(&["queue", "run"]);
    assert_eq!(ran.code, Some(USAGE));
    assert!(ran.errors.contains("likeness queue resume"), "{}", ran.errors);
    desk.succeed(&["queue", "resume"]);
    assert_eq!(desk.succeed(&["queue", "run"]).output.lines().count(), 1);
}

#[test]
fn a_lost_picture_is_missed() {
    let desk = Desk::new();
    let made = desk.succeed(&["generate", "a fox", "--json"]).json().remove(0);
    std::fs::remove_file(made["path"].as_str().expect("a path")).expect("it is there");
    let ran = desk.run(&["library", "check"]);
    assert_eq!(ran.code, Some(STORAGE), "{}", ran.errors);
    desk.succeed(&["library", "repair"]);
    desk.succeed(&["library", "check"]);
}
