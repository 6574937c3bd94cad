//! Pictures made larger through the queue, on a fake.

use likeness_recipe::{RenderError, ResolvedRecipe};
use likeness_studio::ErrorCode;
use likeness_studio::api::{JobState, PictureDetail, RenderRequest};
use serde_json::json;

use crate::fake::{Desk, fox};

fn enlarge(desk: &Desk, id: &str, by: u32) -> String {
    let jobs = desk.call("enlarge", json!({ "ids": [id], "by": by }));
    let job = jobs["jobs"][0]["id"].as_i64().unwrap();
    let queue = desk.wait(|queue| queue.waiting == 0 && queue.running.is_none());
    desk.rest();
    let job = queue.jobs.into_iter().find(|one| one.id == job).unwrap();
    job.picture.unwrap_or_else(|| panic!("{:?}", job.error))
}

fn detail(desk: &Desk, id: &str) -> PictureDetail {
    serde_json::from_value(desk.call("picture", json!({ "id": id }))).unwrap()
}

#[test]
fn a_larger_picture_is_kept_with_all_that_is_known_of_the_smaller() {
    let desk = Desk::new();
    let small = desk.picture(&fox());
    desk.call("mark", json!({ "ids": [small], "rating": 3 }));
    desk.call("tag", json!({ "ids": [small], "add": ["client"], "remove": [] }));
    let large = detail(&desk, &enlarge(&desk, &small, 4));
    assert_eq!((large.card.rating, &large.tags[..]), (3, &["client".to_owned()][..]));
    assert_eq!((large.card.width, large.card.height), (256, 256));
    assert_eq!((large.card.prompt.as_str(), large.card.seed.as_deref()), ("a red fox", Some("7")));
    assert_eq!(large.card.model.as_deref(), Some("likeness-starter"));
    assert_eq!(large.card.subject.as_deref(), Some("fox"));
    assert_eq!(large.card.source, "likeness");
    assert_eq!(large.seconds, Some(0.25));
    let parents: Vec<_> = large.parents.iter().map(|parent| &parent.id).collect();
    assert_eq!(parents, [&small]);
    assert_eq!(detail(&desk, &small).children[0].id, large.card.id);
    assert_eq!((large.card.enlarged, &large.card.run.is_some()), (Some(4), &true));
    let lineage = desk.call("lineage", json!({ "id": small }));
    assert_eq!(lineage["edges"][0]["relation"], "enlargement");
    let recipe = ResolvedRecipe::from_json(large.resolved.as_deref().unwrap()).unwrap();
    assert_eq!((recipe.width, recipe.height), (64, 64), "what the model drew");
    let enlarged = recipe.enlarged.unwrap();
    assert_eq!((enlarged.by, enlarged.model.name.as_str()), (4, "lens"));
    assert_eq!(enlarged.sha256, small);
    // It is a picture as any other, and so can be made larger again.
    let larger = detail(&desk, &enlarge(&desk, &large.card.id, 2));
    assert_eq!(larger.card.width, 512);
    assert_eq!(larger.parents[0].id, large.card.id);
}

#[test]
fn a_request_that_makes_the_picture_again_makes_the_smaller_one() {
    let desk = Desk::new();
    let large = enlarge(&desk, &desk.picture(&fox()), 2);
    let again = detail(&desk, &large).recipe.unwrap();
    assert_eq!((again.width, again.enlarge.as_ref()), (Some(64), None));
    desk.picture(&RenderRequest { seed: Some("8".into()), ..again });
}

#[test]
fn it_waits_in_the_queue_can_be_cancelled_and_tried_again() {
    let desk = Desk::new();
    let small = desk.picture(&fox());
    desk.stage.shut();
    desk.call("enlarge", json!({ "ids": [small], "by": 2 }));
    desk.stage.wait_for_render();
    let job = desk.queue().jobs.into_iter().find(|job| job.state == JobState::Running).unwrap();
    assert_eq!((job.request.prompt.as_str(), job.request.width), ("a red fox", Some(128)));
    assert_eq!(job.request.enlarge.as_ref().map(|choice| choice.by), Some(2));
    desk.call("queue_cancel", json!({ "ids": [job.id] }));
    desk.wait(|queue| queue.running.is_none());
    desk.stage.open();
    desk.call("queue_retry", json!({ "ids": [job.id] }));
    let queue = desk.wait(|queue| queue.waiting == 0 && queue.running.is_none());
    let job = queue.jobs.into_iter().find(|one| one.id == job.id).unwrap();
    assert_eq!(job.state, JobState::Done);
    desk.rest();
    desk.stage.fail_next(RenderError::Internal("a crack".into()));
    desk.call("enlarge", json!({ "ids": [small], "by": 2 }));
    let queue = desk.wait(|queue| queue.waiting == 0 && queue.running.is_none());
    assert_eq!(queue.failed, 1);
    desk.rest();
}

#[test]
fn what_cannot_be_is_refused_at_once() {
    let desk = Desk::new();
    let small = desk.picture(&fox());
    let error = desk.refused("enlarge", json!({ "ids": [small], "by": 3 }));
    assert_eq!((error.code, error.field.as_deref()), (ErrorCode::Usage, Some("by")));
    assert!(error.message.contains("accepted: 2, 4"), "{error}");
    let nobody = "00".repeat(32);
    let error = desk.refused("enlarge", json!({ "ids": [nobody], "by": 2 }));
    assert_eq!(error.code, ErrorCode::NotFound);
    let choice = json!({ "asset": small, "by": 2 });
    let mut request = serde_json::to_value(fox()).unwrap();
    request["enlarge"] = choice;
    let asked = json!({ "request": request, "place": "last", "interactive": true });
    let error = desk.refused("render", asked);
    assert_eq!(error.field.as_deref(), Some("enlarge"));
    std::fs::remove_file(desk.path("models/upscaler/upscaler.json")).unwrap();
    let error = desk.refused("enlarge", json!({ "ids": [small], "by": 2 }));
    assert_eq!(error.code, ErrorCode::Model);
    assert!(error.message.contains("upscaler.json"), "{error}");
}
