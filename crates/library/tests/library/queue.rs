use likeness_library::{
    Filter, JobId, JobState, Library, LibraryError, NewJob, NewPicture, Notice, PictureId,
    Place as At, Reader, Recovered, Result, Which,
};
use likeness_picture::Format;
use proptest::prelude::*;

use crate::making::{NOON, Place, file, recipe};

fn jobs(count: usize, interactive: bool) -> Vec<NewJob> {
    let job = |at| NewJob { request: format!("{{\"n\":{at}}}"), interactive, parents: Vec::new() };
    (0..count).map(job).collect()
}

fn waiting(library: &Library) -> Vec<JobId> {
    let queue = library.queue(0).unwrap();
    queue.into_iter().filter(|job| job.state == JobState::Waiting).map(|job| job.id).collect()
}

#[test]
fn a_person_who_waits_goes_first() {
    let place = Place::new();
    let library = place.open();
    let batch = library.queue_add(&jobs(3, false), At::Last, NOON).unwrap();
    let now = library.queue_add(&jobs(2, true), At::Last, NOON).unwrap();
    let next = library.queue_add(&jobs(2, true), At::Next, NOON).unwrap();
    assert_eq!(waiting(&library), [&next[..], &now[..], &batch[..]].concat());
    let taken = library.queue_take(NOON + 1).unwrap().unwrap();
    assert_eq!((taken.id, taken.state, taken.group), (next[0], JobState::Running, next[0]));
    library.queue_next(batch[2]).unwrap();
    assert_eq!(waiting(&library)[0], batch[2]);
    library.queue_move(batch[0], Some(now[1])).unwrap();
    assert_eq!(waiting(&library), [batch[2], next[1], now[0], batch[0], now[1], batch[1]]);
    library.queue_move(batch[2], None).unwrap();
    assert_eq!(waiting(&library).last(), Some(&batch[2]));
    let running = library.queue_move(taken.id, None);
    assert!(matches!(running, Err(LibraryError::Field { field: "id", .. })), "{running:?}");
}

#[test]
fn a_job_is_done_together_with_its_picture() {
    let place = Place::new();
    let library = place.open();
    let id = library.queue_add(&jobs(1, true), At::Last, NOON).unwrap()[0];
    library.queue_take(NOON).unwrap();
    let bytes = file(&recipe("a fox", 1), Format::Png);
    let mut picture = NewPicture::read(&bytes).unwrap();
    picture.job = Some(id);
    let (made, _) = library.add_picture(&picture, NOON + 5).unwrap();
    let job = library.job(id).unwrap();
    assert_eq!((job.state, job.picture), (JobState::Done, Some(made)));
    assert_eq!((job.started_at, job.finished_at), (Some(NOON), Some(NOON + 5)));
    assert_eq!(library.queue_take(NOON).unwrap(), None);
}

#[test]
fn what_is_read_at_once_is_of_one_moment() {
    let place = Place::new();
    let library = place.open();
    library.queue_add(&jobs(2, false), At::Last, NOON).unwrap();
    let reader = library.reader().unwrap();
    let waits = |reader: &Reader| -> Result<usize> {
        let rows = reader.queue(0)?;
        Ok(rows.iter().filter(|job| job.state == JobState::Waiting).count())
    };
    let (before, after) = reader
        .at_once(|reader| {
            let before = reader.queue_state()?.waiting;
            library.queue_take(NOON)?;
            Ok((before, waits(reader)?))
        })
        .unwrap();
    assert_eq!((before, after), (2, 2), "a job that begins meanwhile is still one that waits");
    assert_eq!(waits(&reader).unwrap(), 1);
    assert!(reader.at_once(|reader| reader.job(99)).is_err());
    assert_eq!(reader.at_once(waits).unwrap(), 1, "a question that failed is over");
}

#[test]
fn failed_and_cancelled_jobs_can_be_tried_again() {
    let place = Place::new();
    let library = place.open();
    let ids = library.queue_add(&jobs(4, false), At::Last, NOON).unwrap();
    for id in &ids[..2] {
        assert_eq!(library.queue_take(NOON).unwrap().unwrap().id, *id);
    }
    library.queue_failed(ids[0], "{\"code\":\"memory\"}", NOON).unwrap();
    let cancelled = library.queue_cancel(Which::All, NOON).unwrap();
    assert_eq!((cancelled.waiting, cancelled.running), (ids[2..].to_vec(), vec![ids[1]]));
    library.queue_stopped(ids[1], NOON).unwrap();
    let state = library.queue_state().unwrap();
    assert_eq!((state.waiting, state.running, state.failed, state.cancelled), (0, None, 1, 3));
    assert_eq!(library.queue_retry(Which::All).unwrap(), [ids[0]], "all that failed");
    assert_eq!(library.queue_retry(Which::These(&ids[1..2])).unwrap(), [ids[1]]);
    assert_eq!(library.job(ids[0]).unwrap().error, None);
    assert_eq!(library.queue_clear().unwrap(), 2);
    assert_eq!(waiting(&library), [ids[0], ids[1]]);
    assert!(matches!(library.job(ids[3]), Err(LibraryError::NotFound { what: "job", .. })));
    assert!(library.queue_add(&jobs(1, false), At::Last, NOON).unwrap()[0] > ids[3], "never twice");
}

#[test]
fn a_clean_end_leaves_the_queue_as_it_is() {
    let place = Place::new();
    let library = place.open();
    assert_eq!(library.recover().unwrap(), Recovered::default());
    library.queue_add(&jobs(2, false), At::Last, NOON).unwrap();
    let running = library.queue_take(NOON).unwrap().unwrap();
    library.queue_put_back(running.id).unwrap();
    library.close().unwrap();
    let library = place.open();
    let recovered = library.recover().unwrap();
    assert_eq!(recovered, Recovered { interrupted: 0, waiting: 2, unclean: false });
    assert!(!library.queue_state().unwrap().paused);
}

/// What is left when the process is killed: the lock goes, the database stays as it is.
fn crash(library: Library, place: &Place) -> Place {
    let copy = Place::new();
    for name in crate::making::files(place.path()) {
        let to = copy.path().join(&name);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(place.path().join(&name), to).unwrap();
    }
    drop(library);
    copy
}

#[test]
fn after_a_crash_the_queue_is_paused_until_it_is_let_go() {
    let place = Place::new();
    let library = place.open();
    library.recover().unwrap();
    library.queue_add(&jobs(3, false), At::Last, NOON).unwrap();
    let running = library.queue_take(NOON).unwrap().unwrap();
    let place = crash(library, &place);

    // Whoever looks first, such as a check, must not use up the notice.
    drop(place.open());
    let library = place.open();
    let recovered = library.recover().unwrap();
    assert_eq!(recovered, Recovered { interrupted: 1, waiting: 3, unclean: true });
    let state = library.queue_state().unwrap();
    assert!(state.paused);
    assert_eq!(state.notice, Some(Notice { interrupted: 1, waiting: 3 }));
    assert_eq!(library.queue_take(NOON).unwrap(), None, "nothing is begun");
    library.close().unwrap();

    let library = place.open();
    library.recover().unwrap();
    assert!(library.queue_state().unwrap().notice.is_some(), "until it is dismissed");
    library.queue_dismiss().unwrap();
    library.queue_pause(false).unwrap();
    assert_eq!(library.queue_state().unwrap().notice, None);
    assert_eq!(library.queue_take(NOON).unwrap().unwrap().id, running.id, "where it was");
}

#[test]
fn a_crash_with_an_empty_queue_pauses_nothing() {
    let place = Place::new();
    let library = place.open();
    library.recover().unwrap();
    let place = crash(library, &place);
    let library = place.open();
    assert_eq!(library.recover().unwrap(), Recovered { unclean: true, ..Default::default() });
    assert!(!library.queue_state().unwrap().paused);
}

#[test]
fn a_finished_picture_without_a_row_is_taken_in_after_a_crash() {
    let place = Place::new();
    let library = place.open();
    let bytes = file(&recipe("a fox", 1), Format::Png);
    let stored = likeness_library::store_file(place.path(), &bytes, Format::Png, NOON + 1).unwrap();
    std::fs::write(place.path().join("aside/half"), &bytes[..40]).unwrap();
    let asset = file(&recipe("a mug", 2), Format::Png);
    let id = PictureId::of(&asset);
    let folder = place.path().join("assets").join(&id.hex()[..2]);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{id}.png")), asset).unwrap();
    // What is no picture of ours is left for a check to report.
    std::fs::write(place.path().join("pictures/2026/11/21/notes.txt"), b"text").unwrap();
    let place = crash(library, &place);
    let library = place.open();
    assert_eq!(library.adopted(), 1);
    assert_eq!(library.picture(stored.id).unwrap().prompt, "a fox");
    assert_eq!(library.asset(id).unwrap().width, 8);
    let report = library.check(likeness_library::care::Depth::Full).unwrap();
    assert_eq!(report.problems.len(), 1, "{report:?}");
}

/// Whether the picture that a killed session left on the day after `NOON` is still found by the second
/// opening, if the first comes two days later and fails.
#[cfg(unix)]
#[test]
fn an_opening_that_fails_is_no_clean_end() {
    let place = Place::new();
    let library = place.open();
    let bytes = file(&recipe("a fox", 1), Format::Png);
    let day = crate::making::DAY;
    likeness_library::store_file(place.path(), &bytes, Format::Png, NOON + day).unwrap();
    let place = crash(library, &place);
    // A folder that cannot be read.
    let link = place.path().join("pictures/2027");
    std::os::unix::fs::symlink(&link, &link).unwrap();
    assert!(Library::open(place.path(), NOON + 3 * day).is_err());
    std::fs::remove_file(&link).unwrap();
    let library = Library::open(place.path(), NOON + 3 * day).unwrap();
    assert_eq!(library.adopted(), 1);
    drop(library);
    assert_eq!(place.open().adopted(), 0, "and that was that");
}

#[derive(Debug, Clone)]
enum Step {
    Add(usize, bool, bool),
    Take,
    Next(usize),
    Move(usize, Option<usize>),
    Cancel(usize),
    Retry,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1usize..3, any::<bool>(), any::<bool>()).prop_map(|(n, i, next)| Step::Add(n, i, next)),
        Just(Step::Take),
        (0usize..9).prop_map(Step::Next),
        (0usize..9, prop::option::of(0usize..9)).prop_map(|(a, b)| Step::Move(a, b)),
        (0usize..9).prop_map(Step::Cancel),
        Just(Step::Retry),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..Default::default() })]

    /// Whatever is done to the queue, what is shown next is what is taken next, each job once.
    #[test]
    fn the_queue_is_taken_as_it_is_shown(steps in prop::collection::vec(step(), 0..20)) {
        let place = Place::new();
        let library = place.open();
        for step in steps {
            let shown = waiting(&library);
            match step {
                Step::Add(count, interactive, next) => {
                    let at = if next { At::Next } else { At::Last };
                    let ids = library.queue_add(&jobs(count, interactive), at, NOON).unwrap();
                    let now = waiting(&library);
                    let from = now.iter().position(|id| *id == ids[0]).unwrap();
                    prop_assert_eq!(&now[from..from + count], &ids[..], "they stay together");
                }
                Step::Take => {
                    let taken = library.queue_take(NOON).unwrap();
                    prop_assert_eq!(taken.as_ref().map(|job| job.id), shown.first().copied());
                    if let Some(job) = taken {
                        library.queue_failed(job.id, "{}", NOON).unwrap();
                    }
                }
                Step::Next(at) if at < shown.len() => {
                    library.queue_next(shown[at]).unwrap();
                    prop_assert_eq!(waiting(&library)[0], shown[at]);
                }
                Step::Move(at, before) if at < shown.len() && before.is_none_or(|b| b < shown.len()) => {
                    let before = before.map(|before| shown[before]);
                    library.queue_move(shown[at], before).unwrap();
                    let mut wanted = shown.clone();
                    if before != Some(shown[at]) {
                        wanted.remove(at);
                        let to = before.map_or(wanted.len(), |b| wanted.iter().position(|id| *id == b).unwrap());
                        wanted.insert(to, shown[at]);
                    }
                    prop_assert_eq!(waiting(&library), wanted);
                }
                Step::Cancel(at) if at < shown.len() => {
                    library.queue_cancel(Which::These(&[shown[at]]), NOON).unwrap();
                    prop_assert!(!waiting(&library).contains(&shown[at]));
                }
                Step::Retry => {
                    let again = library.queue_retry(Which::All).unwrap();
                    prop_assert_eq!(waiting(&library).len(), shown.len() + again.len());
                }
                _ => {}
            }
        }
    }
}

#[test]
fn what_was_asked_for_at_once_is_found_again_by_its_run() {
    let place = Place::new();
    let library = place.open();
    let first = library.queue_add(&jobs(2, true), At::Last, NOON).unwrap();
    let second = library.queue_add(&jobs(1, true), At::Last, NOON).unwrap();
    let run = |id| library.job(id).unwrap().run;
    assert_eq!(run(first[0]), run(first[1]));
    assert_ne!(run(first[0]), run(second[0]), "two of one millisecond are two");
    let made = |id, seed| {
        let bytes = file(&recipe("a fox", seed), Format::Png);
        let picture = NewPicture { job: Some(id), ..NewPicture::read(&bytes).unwrap() };
        library.add_picture(&picture, NOON).unwrap().0
    };
    let pictures = [made(first[0], 1), made(first[1], 2), made(second[0], 3)];
    let of = |run: &str| {
        let filter = Filter { run: Some(run.to_owned()), ..Filter::default() };
        let page = library.page(&filter, None, 9).unwrap();
        page.items.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(of(&run(first[0])), [pictures[1], pictures[0]]);
    assert_eq!(of(&run(second[0])), [pictures[2]]);
    assert_eq!(library.picture(pictures[0]).unwrap().run, Some(run(first[0])));
    // One that is made again stays among those that it was made with first.
    let again = library.queue_add(&jobs(1, true), At::Last, NOON).unwrap();
    assert_eq!(made(again[0], 1), pictures[0]);
    assert_eq!(library.picture(pictures[0]).unwrap().run, Some(run(first[0])));
    library.queue_clear().unwrap();
    assert_eq!(library.picture(pictures[0]).unwrap().run.as_deref(), Some(&*format!("{NOON:x}-1")));
}
