//! What is there after the program ended, well or not.

use crate::fake::{Desk, fox};
use likeness_studio::api::{JobState, RenderRequest};
use likeness_studio::{ErrorCode, LibraryError, Opened, Opening, StudioError};
use serde_json::json;

#[test]
fn a_clean_end_leaves_the_queue_as_it_was() {
    let mut desk = Desk::new();
    desk.stage.shut();
    let jobs = desk.render(&RenderRequest { count: 2, ..fox() });
    desk.stage.wait_for_render();
    desk.close();
    desk.stage.open();
    desk.reopen();
    let queue = desk.wait(|queue| queue.done == 2);
    assert!(queue.notice.is_none() && !queue.paused, "{queue:?}");
    let mut made: Vec<_> = queue.jobs.iter().map(|job| job.id).collect();
    made.sort_unstable();
    assert_eq!(made, jobs);
    assert_eq!(desk.call("system", json!({}))["unclean_end"], false);
}

/// The studio is never dropped, as with a process that is killed: its library stays locked by this very
/// process, so what is opened again is a copy of the folder as it lay there at that moment.
#[test]
fn a_crash_loses_no_job_and_comes_back_paused() {
    let desk = Desk::new();
    let first = desk.picture(&fox());
    desk.stage.shut();
    let jobs = desk.render(&RenderRequest { count: 3, seed: Some("20".into()), ..fox() });
    desk.stage.wait_for_render();

    let mut after = Desk::new();
    after.close();
    std::fs::remove_dir_all(after.path("library")).unwrap();
    copy(&desk.path("library"), &after.path("library"));
    after.reopen();
    let queue = after.queue();
    assert!(queue.paused);
    let notice = queue.notice.unwrap();
    assert_eq!((notice.interrupted, notice.waiting), (1, 3));
    let waiting = queue.jobs.iter().filter(|job| job.state == JobState::Waiting);
    assert_eq!(waiting.map(|job| job.id).collect::<Vec<_>>(), jobs, "in their order");
    assert_eq!(after.call("system", json!({}))["unclean_end"], true);
    assert_eq!(after.call("picture", json!({ "id": first }))["card"]["id"], first);

    after.call("queue_pause", json!({ "paused": true }));
    assert!(after.queue().notice.is_some(), "pausing what is paused deals with nothing");
    after.call("queue_pause", json!({ "paused": false }));
    assert!(after.queue().notice.is_none(), "who goes on has dealt with it");
    let queue = after.wait(|queue| queue.done == 4);
    assert_eq!(queue.failed, 0);
    let report = after.call("library_check", json!({}));
    assert_eq!(report["problems"], json!([]));
    desk.stage.open();
}

#[test]
fn a_second_one_on_the_same_library_is_told_so() {
    let desk = Desk::new();
    let error = desk.open().err().expect("two studios on one library");
    assert!(matches!(error, LibraryError::InUse { .. }), "{error}");
    assert_eq!(StudioError::from(error).code, ErrorCode::InUse);
}

#[test]
fn what_does_not_open_says_why_and_opens_when_that_is_gone() {
    let mut desk = Desk::new();
    let kept = desk.picture(&fox());
    let opened = Opened::default();
    opened.open(desk.opening());
    let startup = opened.startup();
    assert_eq!((startup.ready, startup.folder), (false, desk.path("library")));
    assert_eq!(startup.problem.unwrap().kind, "in_use");
    assert_eq!(opened.studio().err().unwrap().code, ErrorCode::InUse);

    desk.close();
    std::fs::write(desk.path("library/library.sqlite"), [b'x'; 8192]).unwrap();
    // SQLite would mend it from its log.
    let _ = std::fs::remove_file(desk.path("library/library.sqlite-wal"));
    opened.open(desk.opening());
    let problem = opened.startup().problem.unwrap();
    assert_eq!(problem.kind, "damaged", "{}", problem.message);
    assert_eq!(opened.studio().err().unwrap().code, ErrorCode::Storage);

    opened.rebuild(1_795_000_000_000, |folder| {
        assert_eq!(folder, desk.path("library"));
        desk.opening()
    });
    assert!(opened.startup().ready, "{:?}", opened.startup());
    let everything = json!({ "filter": {}, "after": null, "limit": 100 });
    let page = opened.studio().unwrap().call("pictures", everything, None).unwrap();
    assert_eq!(page["items"][0]["id"], kept, "made again from the files alone");

    // A disk that was taken out leaves its mount point: no new library hides that.
    opened.close();
    let (folder, away) = (desk.path("library"), desk.path("away"));
    std::fs::rename(&folder, &away).unwrap();
    std::fs::create_dir(&folder).unwrap();
    opened.open(Opening { make: false, ..desk.opening() });
    assert_eq!(opened.startup().problem.unwrap().kind, "gone");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "nothing was made");
    std::fs::remove_dir(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    opened.open(Opening { make: false, ..desk.opening() });
    assert!(opened.startup().ready, "{:?}", opened.startup());

    opened.close();
    assert_eq!(opened.studio().err().unwrap().code, ErrorCode::Cancelled);
    desk.reopen();
}

/// Who asks while a library still opens waits until it is open.
#[test]
fn the_first_question_waits_for_the_library() {
    let mut desk = Desk::new();
    desk.close();
    let opened = Opened::default();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| opened.startup());
        opened.open(desk.opening());
        assert!(asked.join().unwrap().ready);
    });
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        match path.is_dir() {
            true => copy(&path, &to.join(name)),
            false => drop(std::fs::copy(&path, to.join(name)).unwrap()),
        }
    }
}
