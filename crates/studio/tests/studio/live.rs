//! Live drafts.

use crate::fake::{Desk, Heard, ear, fox, hear};
use likeness_studio::api::{PictureCard, RenderEvent, RenderRequest};
use serde_json::json;

#[test]
fn a_draft_is_shown_and_not_stored() {
    let desk = Desk::new();
    let (channel, heard) = ear();
    let request = RenderRequest { seed: None, ..fox() };
    desk.studio().call("live", json!({ "request": request }), Some(channel)).unwrap();
    let all = hear(&heard, |event| matches!(event, RenderEvent::Drafted { .. }));
    let previews = all.iter().filter(|heard| matches!(heard, Heard::Preview(0, _))).count();
    assert_eq!(previews, 5, "each step, and the picture itself");
    assert!(matches!(all[all.len() - 2], Heard::Preview(0, _)), "the picture comes last");
    let page = desk.call("pictures", json!({ "filter": {}, "after": null, "limit": 10 }));
    assert_eq!(page["total"], 0);
    assert!(desk.queue().jobs.is_empty());
}

#[test]
fn a_new_draft_takes_the_place_of_the_one_before() {
    let desk = Desk::new();
    desk.stage.shut();
    let draft = |prompt: &str| {
        let (channel, heard) = ear();
        let request = RenderRequest::new(prompt);
        desk.studio().call("live", json!({ "request": request }), Some(channel)).unwrap();
        heard
    };
    let first = draft("a f");
    desk.stage.wait_for_render();
    let second = draft("a fo");
    hear(&first, |event| matches!(event, RenderEvent::Cancelled { job: 0 }));
    let third = draft("a fox");
    desk.stage.open();
    hear(&third, |event| matches!(event, RenderEvent::Drafted { .. }));
    hear(&second, |event| matches!(event, RenderEvent::Cancelled { job: 0 }));
}

#[test]
fn a_draft_goes_before_the_queue_and_also_while_that_is_paused() {
    let desk = Desk::new();
    desk.call("queue_pause", json!({ "paused": true }));
    let job = desk.render(&fox())[0];
    let (channel, heard) = ear();
    desk.studio().call("live", json!({ "request": fox() }), Some(channel)).unwrap();
    hear(&heard, |event| matches!(event, RenderEvent::Drafted { .. }));
    assert_eq!(desk.queue().jobs[0].id, job);
    assert_eq!(desk.queue().waiting, 1);
}

#[test]
fn stopping_and_slips() {
    let desk = Desk::new();
    desk.stage.shut();
    let (channel, heard) = ear();
    desk.studio().call("live", json!({ "request": fox() }), Some(channel)).unwrap();
    desk.stage.wait_for_render();
    let (channel, _unheard) = ear();
    let slip = RenderRequest { steps: Some(0), ..fox() };
    let error = desk.studio().call("live", json!({ "request": slip }), Some(channel)).unwrap_err();
    assert_eq!(error.field.as_deref(), Some("steps"));
    desk.call("live_stop", json!({}));
    hear(&heard, |event| matches!(event, RenderEvent::Cancelled { job: 0 }));
    assert_eq!(desk.refused("live", json!({ "request": fox() })).field.as_deref(), Some("channel"));
}

/// What was drawn last for `request`: its seed and its number.
fn drawn(desk: &Desk, request: &RenderRequest) -> (String, String, Vec<Heard>) {
    let (channel, heard) = ear();
    desk.studio().call("live", json!({ "request": request }), Some(channel)).unwrap();
    let all = hear(&heard, |event| matches!(event, RenderEvent::Drafted { .. }));
    match all.last() {
        Some(Heard::Event(RenderEvent::Drafted { seed, draft, .. })) => {
            (seed.clone(), draft.clone(), all)
        }
        other => panic!("{other:?}"),
    }
}

fn keep(desk: &Desk) -> PictureCard {
    serde_json::from_value(desk.call("live_keep", json!({}))).unwrap()
}

#[test]
fn what_was_shown_is_what_is_kept() {
    let desk = Desk::new();
    let error = desk.refused("live_keep", json!({}));
    assert!(error.message.contains("no draft has been finished"), "{error}");
    let request = RenderRequest { seed: None, ..fox() };
    let (seed, first, all) = drawn(&desk, &request);
    let shown = all.iter().rev().find_map(|heard| match heard {
        Heard::Preview(0, png) => Some(png.clone()),
        _ => None,
    });
    desk.events();
    let kept = keep(&desk);
    assert_eq!((kept.seed.as_deref(), kept.subject.as_deref()), (Some(&*seed), Some("fox")));
    let pixels = |png: &[u8]| {
        let limits = likeness_picture::Limits::default();
        likeness_picture::decode(png, &limits).unwrap().pixels
    };
    let file = std::fs::read(desk.studio().file("picture", &kept.id).unwrap()).unwrap();
    assert_eq!(pixels(&file), pixels(&shown.unwrap()), "the pixels that were seen");
    assert!(!desk.events().is_empty(), "it is told");
    let begun = desk.stage.begun.load(std::sync::atomic::Ordering::Relaxed);
    // The same seed makes the same file, byte for byte: it is the same picture.
    let made = desk.picture(&RenderRequest { seed: Some(seed), ..request.clone() });
    assert_eq!(made, kept.id);
    assert_eq!(desk.stage.begun.load(std::sync::atomic::Ordering::Relaxed), begun + 1);
    assert_eq!(keep(&desk).id, kept.id, "it can be kept again, and is the same");
    let prompts = desk.call("prompts", json!({ "prefix": "", "before": null, "limit": 9 }));
    assert_eq!(prompts["prompts"][0]["text"], "a red fox");
    // A draft that fails, or is not finished, leaves the one that was shown.
    let (_, second, _) = drawn(&desk, &RenderRequest::new("a mug"));
    assert_ne!(first, second);
    desk.stage.fail_next(likeness_recipe::RenderError::Internal("a crack".into()));
    let (channel, heard) = ear();
    desk.studio().call("live", json!({ "request": request }), Some(channel)).unwrap();
    hear(&heard, |event| matches!(event, RenderEvent::Failed { .. }));
    assert_eq!(keep(&desk).prompt, "a mug");
}
