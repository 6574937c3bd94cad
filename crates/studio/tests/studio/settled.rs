//! What is said of a prompt before it is queued, of an edit after it is made, and what a picture that is made
//! again keeps of the rules of then.

use likeness_studio::api::{Again, ReferenceChoice, RenderEvent, RenderRequest, RoleName};
use serde_json::{Value, json};

use crate::fake::{Desk, Heard, ear, fox, hear};

/// A desk with a model whose words, sizes and tokens are known, and a request for it.
fn listed(prompt: &str) -> (Desk, RenderRequest) {
    let desk = Desk::new();
    std::fs::write(desk.path("models").join("listed.gguf"), "x").unwrap();
    let request = RenderRequest {
        model: Some("listed".into()),
        seed: Some("7".into()),
        ..RenderRequest::new(prompt)
    };
    (desk, request)
}

fn estimate(desk: &Desk, request: &RenderRequest) -> Value {
    desk.call("estimate", json!({ "request": request }))
}

#[test]
fn an_estimate_names_what_the_model_makes_nothing_of() {
    let (desk, request) = listed("a 🦊 (red:1.2) woman");
    let told = estimate(&desk, &request);
    assert_eq!(
        told["notes"],
        json!([
            { "kind": "unknown_word", "start": 2, "end": 4, "text": "🦊" },
            { "kind": "weight", "start": 5, "end": 14, "text": "(red:1.2)" },
            { "kind": "unknown_word", "start": 15, "end": 20, "text": "woman" },
        ])
    );
    assert_eq!(
        (&told["problem"], &told["tokens"]),
        (&json!(null), &json!({ "used": 4, "most": 6 }))
    );
    // What is refused is told where it stands too.
    let refused = RenderRequest { prompt: "a {red|blue} fox".into(), ..request.clone() };
    let told = estimate(&desk, &refused);
    assert_eq!(told["notes"][0]["kind"], "variant");
    assert_eq!(
        (&told["problem"]["field"], &told["problem"]["code"]),
        (&json!("prompt"), &json!("usage"))
    );
    // Of a model that lists nothing, nothing is told.
    let told = estimate(&desk, &RenderRequest { model: None, ..request });
    assert_eq!((told["notes"].as_array().map(Vec::len), &told["tokens"]), (Some(1), &json!(null)));
}

#[test]
fn too_many_tokens_never_get_into_the_queue() {
    let (desk, request) = listed("a red red red red red fox");
    let told = estimate(&desk, &request);
    assert_eq!(told["tokens"], json!({ "used": 7, "most": 6 }));
    assert_eq!(told["problem"]["field"], "prompt");
    let asked = json!({ "request": request, "place": "last", "interactive": true });
    let error = desk.refused("render", asked);
    assert_eq!(error.field.as_deref(), Some("prompt"));
    assert!(error.message.contains("7 tokens") && error.message.contains("at most 6"), "{error}");
    assert!(desk.queue().jobs.is_empty());
}

#[test]
fn only_measured_sizes_are_offered_and_queued() {
    let (desk, request) = listed("a red fox");
    let models = desk.call("models", json!({}));
    let all = models["models"].as_array().unwrap();
    let sizes = |name: &str| {
        let path = desk.path("models").join(name).display().to_string();
        all.iter().find(|one| one["path"] == path.as_str()).unwrap()["able"]["sizes"].clone()
    };
    assert_eq!(sizes("listed.gguf"), json!([{ "width": 64, "height": 64 }]));
    assert_eq!(sizes("starter"), json!([]), "whatever is within the limits");
    let wide = RenderRequest { width: Some(96), height: Some(64), ..request };
    let asked = json!({ "request": wide, "place": "last", "interactive": true });
    let error = desk.refused("render", asked);
    assert_eq!(error.field.as_deref(), Some("size"));
    assert!(error.message.contains("accepted: 64x64"), "{error}");
}

#[test]
fn an_edit_that_changed_nothing_says_so_now_and_later() {
    let desk = Desk::new();
    let source = desk.picture(&fox());
    let (ear, heard) = ear();
    desk.studio().call("queue_watch", json!({}), Some(ear)).unwrap();
    let edited =
        ReferenceChoice { asset: source.clone(), role: RoleName::Edit, name: None, guard: None };
    let id = desk
        .picture(&RenderRequest { references: vec![edited], ..RenderRequest::new("add a hat") });
    let all = hear(&heard, |event| matches!(event, RenderEvent::Done { .. }));
    let Some(Heard::Event(RenderEvent::Done { changed, .. })) = all.last() else {
        panic!("it was done")
    };
    assert_eq!(*changed, Some(0.0));
    let detail = |id: &str| desk.call("picture", json!({ "id": id }));
    assert_eq!(detail(&id)["changed"], 0.0, "it is noted");
    assert_eq!(detail(&source)["changed"], json!(null), "it is no edit");
}

/// A picture of before is made again as it was; a new one of the same settings is not.
#[test]
fn what_is_made_again_keeps_the_rules_of_then() {
    let (desk, request) = listed("a red fox");
    let again = |seed: &str| Again {
        prompt: "a red fox".into(),
        seed: seed.into(),
        schema: 3,
        alpha: Some("drawn".into()),
        canvas: None,
    };
    let old =
        RenderRequest { width: Some(96), height: Some(64), again: Some(again("7")), ..request };
    assert_eq!(estimate(&desk, &old)["problem"], json!(null));
    let id = desk.picture(&old);
    let detail = desk.call("picture", json!({ "id": id }));
    let resolved: Value = serde_json::from_str(detail["resolved"].as_str().unwrap()).unwrap();
    assert_eq!((&resolved["schema"], &resolved["width"]), (&json!(3), &json!(96)));
    assert_eq!(detail["recipe"]["again"], json!(again("7")), "and can be made once more");
    for other in [
        RenderRequest { seed: Some("8".into()), ..old.clone() },
        RenderRequest { seed: None, ..old.clone() },
        RenderRequest { prompt: "a fox".into(), ..old.clone() },
    ] {
        assert_eq!(estimate(&desk, &other)["problem"]["field"], "size", "that is a new picture");
    }
    // Each of several goes on from the first.
    let several = RenderRequest { count: 2, ..old };
    desk.render(&several);
    let queue = desk.wait(|queue| queue.waiting == 0 && queue.running.is_none());
    assert_eq!(queue.failed, 0, "{:?}", queue.jobs);
}
