//! What is being written stays with its library.

use likeness_studio::api::{
    Draft, InitChoice, MaskChoice, ParentChoice, ReferenceChoice, Relation, RenderRequest, RoleName,
};
use serde_json::json;

use crate::fake::{Desk, fox};

fn draft(desk: &Desk) -> Draft {
    serde_json::from_value(desk.call("draft", json!({}))).unwrap()
}

#[test]
fn it_is_there_the_next_morning() {
    let mut desk = Desk::new();
    assert_eq!(draft(&desk), Draft::default());
    let written = Draft { request: Some(fox()), locked: true };
    desk.call("draft_set", serde_json::to_value(&written).unwrap());
    desk.reopen();
    assert_eq!(draft(&desk), written);
    desk.call("draft_set", json!({ "request": null, "locked": false }));
    assert_eq!(draft(&desk), Draft::default());
}

#[test]
fn pictures_that_are_not_there_any_more_are_left_out() {
    let desk = Desk::new();
    let there = desk.picture(&fox());
    let nobody = "ab".repeat(32);
    let reference = |asset: &str| ReferenceChoice {
        asset: asset.to_owned(),
        role: RoleName::Subject,
        name: None,
        guard: None,
    };
    let parent = |id: &str| ParentChoice { id: id.to_owned(), relation: Relation::Reference };
    let init = |asset: &str| Some(InitChoice { asset: asset.to_owned(), strength: None });
    let mask = Some(MaskChoice { asset: there.clone() });
    let written = |init, mask, references: &[&str]| RenderRequest {
        references: references.iter().map(|asset| reference(asset)).collect(),
        parents: references.iter().map(|id| parent(id)).collect(),
        init,
        mask,
        ..fox()
    };
    for (set, left) in [
        (
            written(init(&there), mask.clone(), &[&nobody, &there, "no hash"]),
            written(init(&there), mask.clone(), &[&there]),
        ),
        // Nothing is masked where nothing is begun from.
        (written(init(&nobody), mask, &[]), written(None, None, &[])),
    ] {
        desk.call("draft_set", json!({ "request": set, "locked": false }));
        assert_eq!(draft(&desk).request, Some(left));
    }
}

#[test]
fn it_has_bounds() {
    let desk = Desk::new();
    let long = RenderRequest::new("a fox ".repeat(60_000));
    let error = desk.refused("draft_set", json!({ "request": long, "locked": false }));
    assert_eq!(error.field.as_deref(), Some("request"));
    assert!(error.message.contains("262144"), "{error}");
}
