//! `queue` on a fake engine.

use std::sync::Arc;

use crate::fake::{Desk, Fake};
use likeness_cli::Failure;
use likeness_cli::arguments::{Command, parse};
use likeness_recipe::{Engine, RenderError};
use likeness_studio::api::{JobState, Queue};
use likeness_studio::queue::peek;

pub fn queue(desk: &Desk, engine: Fake, words: &[&str]) -> Result<(), Failure> {
    let all = ["likeness", "queue"].iter().chain(words).map(Into::into);
    let Ok(Command::Queue { command }) = parse(all, &Fake::default()).map(|asked| asked.command)
    else {
        panic!("{words:?} are not understood")
    };
    let engine: Arc<dyn Engine> = Arc::new(engine);
    likeness_cli::queue::run(command, &desk.host, &engine)
}

fn now(desk: &Desk) -> Queue {
    peek(&desk.host.library).unwrap()
}

#[test]
fn what_is_added_is_made_by_run() {
    let desk = Desk::new();
    let do_it = |words: &[&str]| queue(&desk, Fake::default(), words).unwrap();
    do_it(&["add", "a red fox", "--count", "3", "--seed", "1", "--size", "96x96", "--steps", "2"]);
    do_it(&["add", "a mug", "--next"]);
    let waiting = now(&desk);
    let seeds: Vec<_> = waiting.jobs.iter().map(|job| job.request.seed.as_deref()).collect();
    assert_eq!(seeds, [Some("77"), Some("1"), Some("2"), Some("3")]);
    assert!(waiting.jobs.iter().all(|job| job.state == JobState::Waiting && !job.interactive));
    do_it(&["cancel", &waiting.jobs[1].id.to_string()]);
    do_it(&["run", "--quiet"]);
    let after = now(&desk);
    assert_eq!((after.done, after.waiting, after.failed), (3, 0, 0));
    let pictures = desk.files().into_iter().filter(|name| name.contains("pictures/")).count();
    assert_eq!(pictures, 3);
    do_it(&["run", "--json"]);
    do_it(&["retry", &waiting.jobs[1].id.to_string()]);
    do_it(&["run", "--quiet"]);
    assert_eq!(now(&desk).done, 4);
    do_it(&["clear"]);
    do_it(&["list"]);
    assert!(now(&desk).jobs.is_empty());
}

#[test]
fn files_are_kept_for_the_day_of_the_render() {
    let desk = Desk::new();
    let mug = desk.path("mug.png");
    image::RgbImage::new(64, 64).save(&mug).unwrap();
    let mug = mug.to_str().unwrap();
    queue(&desk, Fake::default(), &["add", "make it green", "--edit", mug, "--ref", mug]).unwrap();
    std::fs::remove_file(mug).unwrap();
    queue(&desk, Fake::default(), &["run", "--quiet"]).unwrap();
    assert_eq!(now(&desk).done, 1);
    let failure = queue(&desk, Fake::default(), &["add", "x", "--ref", "gone.png"]).unwrap_err();
    assert_eq!(failure.exit_code(), 3);
    assert!(failure.to_string().contains("ref: gone.png"), "{failure}");
}

/// A file beside the person who types is none beside the window that works the queue off.
#[test]
fn a_model_that_was_typed_is_kept_with_its_place() {
    let desk = Desk::new();
    let here = "Cargo.toml"; // Of this crate, where tests run; the fake takes it for a model.
    queue(&desk, Fake::default(), &["add", "a fox", "--model", here]).unwrap();
    let model = now(&desk).jobs[0].request.model.clone().unwrap();
    assert_eq!(model, std::path::absolute(here).unwrap().to_str().unwrap());
    queue(&desk, Fake::default(), &["run", "--quiet"]).unwrap();
    assert_eq!(now(&desk).done, 1);
}

#[test]
fn a_failure_ends_the_run_with_its_code_after_the_others_were_made() {
    let desk = Desk::new();
    queue(&desk, Fake::default(), &["add", "a fox", "--count", "2"]).unwrap();
    let problem = RenderError::Model { file: "a".into(), problem: "cut".into() };
    let engine = Fake { error: Some(problem), ..Fake::default() };
    let failure = queue(&desk, engine, &["run", "--quiet"]).unwrap_err();
    assert_eq!(failure.exit_code(), 4, "{failure}");
    assert_eq!(now(&desk).failed, 2);
    queue(&desk, Fake::default(), &["retry", "--all"]).unwrap();
    queue(&desk, Fake::default(), &["run", "--quiet"]).unwrap();
    assert_eq!((now(&desk).failed, now(&desk).done), (0, 2));
}

#[test]
fn a_paused_queue_is_not_run_and_ctrl_c_loses_nothing() {
    let desk = Desk::new();
    queue(&desk, Fake::default(), &["add", "a fox", "--count", "2"]).unwrap();
    queue(&desk, Fake::default(), &["pause"]).unwrap();
    let failure = queue(&desk, Fake::default(), &["run"]).unwrap_err();
    assert_eq!(failure.exit_code(), 2);
    assert!(failure.to_string().contains("likeness queue resume"), "{failure}");
    queue(&desk, Fake::default(), &["resume"]).unwrap();

    desk.host.cancelled.set();
    let end = queue(&desk, Fake::default(), &["run", "--quiet"]);
    assert_eq!(end, Err(Failure::Cancelled));
    let left = now(&desk);
    assert_eq!(left.waiting + left.done, 2, "{left:?}");
    assert!(!left.paused && left.notice.is_none(), "that was a clean end");
}

#[test]
fn a_queue_that_is_in_use_can_still_be_looked_at() {
    let desk = Desk::new();
    queue(&desk, Fake::default(), &["add", "a fox"]).unwrap();
    let _other = likeness_studio::Shelf::open(&desk.host.library, true, 0).unwrap();
    queue(&desk, Fake::default(), &["list"]).unwrap();
    let failure = queue(&desk, Fake::default(), &["run"]).unwrap_err();
    assert_eq!(failure.exit_code(), 5);
    assert!(failure.to_string().contains("use the queue there"), "{failure}");
}
