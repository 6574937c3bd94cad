//! The queue's whole life.

use crate::fake::{Desk, Heard, ear, fox, hear};
use likeness_recipe::RenderError;
use likeness_studio::ErrorCode;
use likeness_studio::api::{Event, JobState, RenderEvent, RenderRequest};
use serde_json::json;

fn states(desk: &Desk) -> Vec<(i64, JobState)> {
    desk.queue().jobs.iter().map(|job| (job.id, job.state)).collect()
}

#[test]
fn a_request_becomes_a_job_for_each_picture_and_each_a_picture() {
    let desk = Desk::new();
    let request = RenderRequest { count: 3, ..fox() };
    let jobs = desk.render(&request);
    assert_eq!(jobs.len(), 3);
    let queue = desk.wait(|queue| queue.done == 3);
    let seeds: Vec<_> = queue.jobs.iter().rev().map(|job| job.request.seed.clone()).collect();
    assert_eq!(seeds, ["7", "8", "9"].map(|seed| Some(seed.to_owned())));
    assert!(
        queue.jobs.iter().all(|job| job.request.count == 1 && job.group == queue.jobs[0].group)
    );
    let page = desk.call("pictures", json!({ "filter": {}, "after": null, "limit": 10 }));
    assert_eq!(page["total"], 3);
    assert_eq!(page["items"][0]["prompt"], "a red fox");
    assert_eq!(page["items"][0]["subject"], "fox", "the model knows the word");
    assert_eq!(page["items"][0]["source"], "likeness");
    assert_eq!(desk.stage.opened.load(std::sync::atomic::Ordering::Relaxed), 1, "it stays warm");
}

#[test]
fn whoever_watches_is_told_all_of_it() {
    let desk = Desk::new();
    let (channel, heard) = ear();
    desk.studio().call("queue_watch", json!({}), Some(channel)).unwrap();
    let job = desk.render(&fox())[0];
    let all = hear(&heard, |event| matches!(event, RenderEvent::Done { .. }));
    let mut kinds = Vec::new();
    for one in &all {
        match one {
            Heard::Event(event) => {
                let kind = serde_json::to_value(event).unwrap();
                assert_eq!(kind["job"], job);
                kinds.push(kind["kind"].as_str().unwrap().to_owned());
            }
            Heard::Preview(of, png) => {
                assert_eq!(*of, job);
                assert!(png.starts_with(b"\x89PNG"));
                kinds.push("preview".to_owned());
            }
        }
    }
    assert_eq!(kinds[..2], ["loading", "encoding"]);
    assert_eq!(kinds.iter().filter(|kind| *kind == "step").count(), 4);
    assert_eq!(kinds.iter().filter(|kind| *kind == "preview").count(), 4);
    assert_eq!(kinds[kinds.len() - 2..], ["decoding", "done"]);
    desk.rest();
    let events = desk.events();
    assert!(events.contains(&Event::Queue) && events.contains(&Event::Models), "{events:?}");
    assert!(events.iter().any(|event| matches!(event, Event::Pictures { ids } if ids.len() == 1)));
}

#[test]
fn what_somebody_waits_for_goes_before_batches_and_next_before_last() {
    let desk = Desk::new();
    desk.stage.shut();
    let seed = |seed: &str| RenderRequest { seed: Some(seed.into()), ..fox() };
    let first = desk.render_as(&seed("1"), "last", false)[0];
    desk.stage.wait_for_render();
    let batch = desk.render_as(&seed("2"), "last", false)[0];
    let batch_next = desk.render_as(&seed("3"), "next", false)[0];
    let waited_for = desk.render_as(&seed("4"), "last", true)[0];
    let waited_for_next = desk.render_as(&seed("5"), "next", true)[0];
    let order: Vec<_> = desk.queue().jobs.iter().map(|job| job.id).collect();
    assert_eq!(order, [first, waited_for_next, waited_for, batch_next, batch]);

    desk.call("queue_move", json!({ "id": batch, "before": batch_next }));
    desk.call("queue_next", json!({ "id": waited_for }));
    let order: Vec<_> = desk.queue().jobs.iter().map(|job| job.id).collect();
    assert_eq!(order, [first, waited_for, waited_for_next, batch, batch_next]);
    desk.stage.open();
    let queue = desk.wait(|queue| queue.done == 5);
    let ended: Vec<_> = queue.jobs.iter().rev().map(|job| job.id).collect();
    assert_eq!(ended, order, "they were made in that order");
}

#[test]
fn a_new_idea_goes_before_a_batch() {
    let desk = Desk::new();
    desk.stage.shut();
    // As the composer asks for thirty: somebody would like to wait for them.
    let batch = desk.render(&RenderRequest { count: 30, ..fox() });
    desk.stage.wait_for_render();
    let idea = desk.render(&RenderRequest { seed: Some("99".into()), ..fox() })[0];
    let queue = desk.queue();
    assert_eq!((queue.running, queue.jobs[1].id), (Some(batch[0]), idea), "it is the very next");
    assert!(queue.jobs[1].interactive && queue.jobs[2..].iter().all(|job| !job.interactive));
    // Four are looked at side by side, and waited for.
    let four = desk.render(&RenderRequest { count: 4, seed: Some("200".into()), ..fox() });
    let order: Vec<_> = desk.queue().jobs.iter().map(|job| job.id).collect();
    assert_eq!(order[2..6], four);
    assert_eq!(order[6..], batch[1..]);
    desk.stage.open();
    let queue = desk.wait(|queue| queue.done == 35);
    let ended: Vec<_> = queue.jobs.iter().rev().map(|job| job.id).collect();
    assert_eq!(ended[..2], [batch[0], idea]);
    // What was asked for at once is one run, also among the pictures.
    let runs: Vec<_> = queue.jobs.iter().map(|job| job.run.clone()).collect();
    let run = queue.jobs.iter().find(|job| job.id == batch[0]).unwrap().run.clone();
    assert_eq!(runs.iter().filter(|one| **one == run).count(), 30);
    let filter = json!({ "run": run });
    let page = desk.call("pictures", json!({ "filter": filter, "after": null, "limit": 50 }));
    assert_eq!(page["total"], 30);
    assert_eq!(page["items"][0]["run"], run);
}

#[test]
fn a_paused_queue_finishes_what_runs_and_begins_nothing() {
    let desk = Desk::new();
    desk.stage.shut();
    let jobs = desk.render(&RenderRequest { count: 2, ..fox() });
    desk.stage.wait_for_render();
    desk.call("queue_pause", json!({ "paused": true }));
    desk.stage.open();
    desk.wait(|queue| queue.done == 1 && queue.running.is_none());
    assert_eq!(states(&desk), [(jobs[1], JobState::Waiting), (jobs[0], JobState::Done)]);
    assert!(desk.queue().paused);
    desk.call("queue_pause", json!({ "paused": false }));
    desk.wait(|queue| queue.done == 2);
}

#[test]
fn cancelling_one_or_all_is_over_within_a_step() {
    let desk = Desk::new();
    desk.stage.shut();
    let jobs = desk.render(&RenderRequest { count: 4, ..fox() });
    desk.stage.wait_for_render();
    desk.call("queue_cancel", json!({ "ids": [jobs[1]] }));
    assert_eq!(desk.queue().waiting, 2);
    let (channel, heard) = ear();
    desk.studio().call("queue_watch", json!({}), Some(channel)).unwrap();
    // The gate stays shut: only the switch lets the step that runs go on, and it is its last.
    desk.call("queue_cancel", json!({ "ids": [jobs[0]] }));
    let all = hear(&heard, |event| matches!(event, RenderEvent::Cancelled { .. }));
    assert_eq!(all.len(), 1, "nothing else happened: {all:?}");
    desk.stage.wait_for_render();
    let cancelled = desk.call("queue_cancel", json!({ "ids": null }));
    assert_eq!(cancelled["ids"], json!([jobs[2], jobs[3]]), "to be taken back as they stood");
    let last =
        |event: &RenderEvent| matches!(event, RenderEvent::Cancelled { job } if *job == jobs[2]);
    let all = hear(&heard, last);
    let waited = RenderEvent::Cancelled { job: jobs[3] };
    assert!(
        all.iter().any(|one| matches!(one, Heard::Event(event) if *event == waited)),
        "of one that waited it is told too: {all:?}"
    );
    let queue = desk.wait(|queue| queue.running.is_none() && queue.waiting == 0);
    assert!(queue.jobs.iter().all(|job| job.state == JobState::Cancelled), "{queue:?}");
    let page = desk.call("pictures", json!({ "filter": {}, "after": null, "limit": 10 }));
    assert_eq!(page["total"], 0);
}

#[test]
fn a_failure_says_why_and_can_be_tried_again() {
    let desk = Desk::new();
    let accepted = "short".to_owned();
    let (field, problem) = ("prompt".to_owned(), "long".to_owned());
    desk.stage.fail_next(RenderError::Request { field, problem, accepted });
    desk.render(&fox());
    let queue = desk.wait(|queue| queue.failed == 1);
    let error = queue.jobs[0].error.clone().unwrap();
    assert_eq!((error.code, error.field.as_deref()), (ErrorCode::Usage, Some("prompt")));
    assert!(!queue.paused, "the next one may be fine");
    desk.call("queue_retry", json!({ "ids": null }));
    let queue = desk.wait(|queue| queue.done == 1);
    assert_eq!(queue.failed, 0);
    desk.call("queue_clear", json!({}));
    assert!(desk.queue().jobs.is_empty());
    assert!(desk.refused("queue_move", json!({ "id": 99, "before": null })).message.contains("99"));
}

#[test]
fn an_engine_that_panics_is_opened_anew() {
    let desk = Desk::new();
    desk.stage.panic_next();
    desk.render(&RenderRequest { count: 2, ..fox() });
    let queue = desk.wait(|queue| queue.failed == 1 && queue.done == 1);
    let failed = queue.jobs.iter().find(|job| job.state == JobState::Failed).unwrap();
    assert_eq!(failed.error.as_ref().unwrap().code, ErrorCode::Internal);
    assert_eq!(desk.stage.opened.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[test]
fn a_library_that_cannot_be_written_pauses_the_queue() {
    let desk = Desk::new();
    desk.stage.shut();
    desk.render(&RenderRequest { count: 3, ..fox() });
    desk.stage.wait_for_render();
    // A file where the day's folders should be made.
    let pictures = desk.path("library/pictures");
    let _ = std::fs::remove_dir_all(&pictures);
    std::fs::write(&pictures, "in the way").unwrap();
    desk.stage.open();
    let queue = desk.wait(|queue| queue.failed == 1 && queue.paused && queue.running.is_none());
    assert_eq!(queue.waiting, 2, "the others are not lost to the same reason");
    let failed = queue.jobs.iter().find(|job| job.state == JobState::Failed).unwrap();
    assert_eq!(failed.error.as_ref().unwrap().code, ErrorCode::Storage);
    let told =
        |event: &Event| matches!(event, Event::Notice { message } if message.contains("paused"));
    // The notice follows what it tells of.
    let mut events = desk.events();
    while !events.iter().any(told) {
        std::thread::sleep(std::time::Duration::from_millis(2));
        events = desk.events();
    }
    std::fs::remove_file(&pictures).unwrap();
    desk.call("queue_retry", json!({ "ids": null }));
    desk.call("queue_pause", json!({ "paused": false }));
    desk.wait(|queue| queue.done == 3);
}

/// As with a disk that is taken out: not even that a job failed can be written. Two jobs, the first of
/// which is owed its end; the library is back.
#[cfg(unix)]
fn after_the_disk_was_out() -> (Desk, Vec<i64>) {
    let desk = Desk::new();
    desk.stage.shut();
    let jobs = desk.render(&RenderRequest { count: 2, ..fox() });
    desk.stage.wait_for_render();
    let (library, away) = (desk.path("library"), desk.path("away"));
    std::fs::rename(&library, &away).unwrap();
    desk.stage.open();
    desk.rest();
    let queue = desk.queue();
    assert!(queue.paused);
    assert_eq!(queue.running, Some(jobs[0]), "its row says so still");
    std::fs::rename(&away, &library).unwrap();
    (desk, jobs)
}

#[cfg(unix)]
#[test]
fn a_job_whose_end_could_not_be_written_ends_before_the_next_begins() {
    let (desk, jobs) = after_the_disk_was_out();
    desk.call("queue_pause", json!({ "paused": false }));
    desk.wait(|queue| queue.done == 1 && queue.running.is_none());
    assert_eq!(states(&desk), [(jobs[1], JobState::Done), (jobs[0], JobState::Failed)]);
    let failed = desk.queue().jobs[1].error.clone().unwrap();
    assert_eq!(failed.code, ErrorCode::Storage, "for the reason that it had then");
    desk.call("queue_retry", json!({ "ids": null }));
    desk.wait(|queue| queue.done == 2);
}

#[cfg(unix)]
#[test]
fn a_job_whose_end_could_not_be_written_can_be_cancelled() {
    let (desk, jobs) = after_the_disk_was_out();
    desk.call("queue_cancel", json!({ "ids": [jobs[0]] }));
    let queue = desk.wait(|queue| queue.running.is_none());
    assert!(queue.paused, "nothing else was asked for");
    assert_eq!(states(&desk), [(jobs[1], JobState::Waiting), (jobs[0], JobState::Cancelled)]);
}

#[test]
fn the_rest_is_estimated_from_what_was_measured() {
    let desk = Desk::new();
    assert_eq!(desk.call("estimate", json!({ "request": fox() }))["seconds"], json!(null));
    desk.picture(&fox());
    let estimate = desk.call("estimate", json!({ "request": RenderRequest { count: 4, ..fox() } }));
    assert!((estimate["seconds"].as_f64().unwrap() - 2.0).abs() < 1e-9, "{estimate}");
    assert_eq!(estimate["memory_needed"], 2000 + 64 * 64);
    assert_eq!((&estimate["fits"], &estimate["problem"]), (&json!(true), &json!(null)));
    desk.stage.shut();
    desk.render(&RenderRequest { count: 2, ..fox() });
    let left = desk.queue().seconds_left.unwrap();
    assert!((left - 1.0).abs() < 1e-9, "{left}");
    desk.stage.open();
    let refused = RenderRequest { width: Some(30), ..fox() };
    let estimate = desk.call("estimate", json!({ "request": refused }));
    assert_eq!(estimate["problem"]["field"], "size");
}
