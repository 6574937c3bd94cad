//! What is there after the program ended, well or not.

use crate::fake::{Desk, fox};
use likeness_studio::api::{JobState, RenderRequest};
use likeness_studio::{ErrorCode, LibraryError, Opened, Opening, Studio, StudioError};
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

/// A studio that is to be opened where `desk`'s was killed. That one is never dropped: its library stays
/// locked by this very process, so this is a copy of the folder as it lies there at this moment.
fn after_a_crash(desk: &Desk) -> Desk {
    let mut after = Desk::new();
    after.close();
    std::fs::remove_dir_all(after.path("library")).unwrap();
    copy(&desk.path("library"), &after.path("library"));
    after
}

#[test]
fn a_crash_loses_no_job_and_comes_back_paused() {
    let desk = Desk::new();
    let first = desk.picture(&fox());
    desk.stage.shut();
    let jobs = desk.render(&RenderRequest { count: 3, seed: Some("20".into()), ..fox() });
    desk.stage.wait_for_render();

    let mut after = after_a_crash(&desk);
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
fn what_cannot_be_deleted_keeps_no_studio_shut() {
    let mut desk = Desk::new();
    let id = desk.picture(&fox());
    let path = desk.studio().file("picture", &id).unwrap();
    desk.call("trash", json!({ "ids": [id] }));
    // A folder in its place stands for a file that another program holds.
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir_all(path.join("held")).unwrap();
    assert_eq!(desk.refused("empty_trash", json!({})).code, ErrorCode::Storage);
    desk.reopen();
    assert_eq!(desk.call("system", json!({}))["pictures"], 0);
}

#[test]
fn settings_of_another_version_cost_no_picture() {
    let mut desk = Desk::new();
    let id = desk.picture(&fox());
    desk.call("trash", json!({ "ids": [id] }));
    let mut settings = desk.call("settings", json!({}));
    settings["trash_days"] = json!(3650);
    settings["theme"] = json!("dark");
    settings["keys"] = json!({ "star": "." });
    let changes: [fn(&mut serde_json::Value); 3] = [
        |settings| settings["of_tomorrow"] = json!(true),
        |settings| settings["language"] = json!("tlh"),
        // Its own default would delete the picture.
        |settings| drop(settings.as_object_mut().unwrap().remove("trash_days")),
    ];
    for change in changes {
        let mut stored = settings.clone();
        change(&mut stored);
        desk.close();
        let library = likeness_library::Library::open(&desk.path("library"), 0).unwrap();
        library.set_setting("settings", &stored.to_string()).unwrap();
        drop(library);
        let in_sixty_days = 1_795_000_000_000 + 60 * 24 * 60 * 60 * 1000;
        let clock = Box::new(move || in_sixty_days);
        let studio = Studio::open(Opening { clock, ..desk.opening() }).unwrap();
        let call = |name: &str, asked| studio.call(name, asked, None).unwrap();
        let found = call("settings", json!({}));
        assert_eq!((&found["theme"], &found["keys"]), (&settings["theme"], &settings["keys"]));
        assert_eq!(call("picture", json!({ "id": id }))["card"]["id"], id);
    }
}

/// What is deleted for good was old enough a day before, too.
#[test]
fn one_wrong_reading_of_the_clock_empties_no_trash() {
    let mut desk = Desk::new();
    let id = desk.picture(&fox());
    desk.call("trash", json!({ "ids": [id] }));
    desk.close();
    let is_there_on = |day: i64| {
        let clock = Box::new(move || 1_795_000_000_000 + day * 24 * 60 * 60 * 1000);
        let studio = Studio::open(Opening { clock, ..desk.opening() }).unwrap();
        studio.call("picture", json!({ "id": id }), None).is_ok()
    };
    assert!(is_there_on(15_000), "the clock is wrong by forty years");
    assert!(is_there_on(2), "and right again");
    assert!(is_there_on(33), "old enough by one reading");
    assert!(!is_there_on(34), "and by the one before");
}

#[test]
fn a_command_that_goes_on_is_waited_for_at_the_end() {
    let mut desk = Desk::new();
    desk.close();
    let opened = Opened::default();
    opened.open(desk.opening());
    let studio = opened.studio().unwrap();
    let command = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        studio.call("system", json!({}), None).unwrap()
    });
    opened.close();
    desk.reopen();
    assert_eq!(desk.call("system", json!({}))["unclean_end"], false);
    command.join().unwrap();
}

/// Whoever cannot open the library cannot make room in it. The test runs itself once more, with a small
/// file system for its temporary files.
#[cfg(target_os = "linux")]
#[test]
fn a_crash_on_a_full_disk_does_not_keep_the_studio_shut() {
    const ON_SMALL_DISK: &str = "LIKENESS_TEST_ON_SMALL_DISK";
    if std::env::var_os(ON_SMALL_DISK).is_some() {
        return on_small_disk();
    }
    let at = tempfile::tempdir().unwrap();
    let name = "recovery::a_crash_on_a_full_disk_does_not_keep_the_studio_shut";
    let script =
        "mount -t tmpfs -o size=16m none \"$TMPDIR\" || exit 77; exec \"$0\" --exact \"$1\"";
    let mut again = std::process::Command::new("unshare");
    again.args(["--mount", "--map-root-user", "--user", "sh", "-c", script]);
    again.arg(std::env::current_exe().unwrap()).arg(name);
    let Ok(output) = again.env("TMPDIR", at.path()).env(ON_SMALL_DISK, "1").output() else {
        return println!("skipped: there is no unshare here");
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) || errors.contains("unshare") {
        return println!("skipped: nothing can be mounted here: {}", errors.trim());
    }
    assert!(output.status.success() && said.contains("1 passed"), "{said}{errors}");
}

#[cfg(target_os = "linux")]
fn on_small_disk() {
    use std::io::Write;
    let mut desk = Desk::new();
    // A new log beside the database: an old one has room within it.
    desk.reopen();
    desk.stage.shut();
    desk.render(&RenderRequest { count: 2, ..fox() });
    desk.stage.wait_for_render();
    let mut after = after_a_crash(&desk);
    let filler = after.path("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write(&[0; 4096]).is_ok_and(|written| written > 0) {}
    drop(file);

    after.reopen();
    assert!(after.queue().paused);
    assert_eq!(after.call("system", json!({}))["unclean_end"], true);
    // Whoever goes on without making room is told so again.
    after.call("queue_pause", json!({ "paused": false }));
    after.wait(|queue| queue.paused);
    std::fs::remove_file(&filler).unwrap();
    after.call("queue_pause", json!({ "paused": false }));
    let queue = after.wait(|queue| queue.done == 2);
    assert!(!queue.paused && queue.failed == 0, "{queue:?}");
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
