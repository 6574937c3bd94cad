//! Commands that ask and organise.

use crate::fake::{Desk, fox};
use likeness_studio::ErrorCode;
use likeness_studio::api::{Event, RenderRequest};
use likeness_studio::commands::COMMANDS;
use serde_json::{Value, json};

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|card| card["id"].as_str().unwrap()).collect()
}

fn page(desk: &Desk, filter: Value) -> Value {
    desk.call("pictures", json!({ "filter": filter, "after": null, "limit": 100 }))
}

#[test]
fn every_command_of_the_list_can_be_called() {
    let desk = Desk::new();
    for command in COMMANDS {
        let channel = command.channel.then(|| crate::fake::ear().0);
        // What an empty request means is each command's own; that it is unknown is nobody's.
        if let Err(error) = desk.studio().call(command.name, json!({}), channel) {
            assert_eq!(error.code, ErrorCode::Usage, "{}: {error}", command.name);
            assert!(!error.message.contains("there is no command"), "{error}");
            assert!(!error.message.contains('\n'), "{error}");
        }
    }
    let error = desk.refused("paint", json!({}));
    assert!(error.message.contains("settings_set"), "{error}");
    let error = desk.refused("mark", json!({ "ids": ["a"], "rating": "many" }));
    assert_eq!(error.field.as_deref(), Some("rating"));
    let error = desk.refused("boards", json!({ "extra": 1 }));
    assert!(error.message.contains("extra"), "{error}");
}

#[test]
fn the_machine_and_its_models() {
    let desk = Desk::new();
    std::fs::write(desk.path("models/old.ckpt"), "x").unwrap();
    let models = desk.call("models", json!({}));
    let all = models["models"].as_array().unwrap();
    assert_eq!((all[0]["name"].as_str(), all[0]["runs"].as_bool()), (Some("old"), Some(false)));
    assert!(all[0]["reason"].as_str().unwrap().contains("pickle"));
    let starter = &all[1];
    assert_eq!(starter["name"], "likeness-starter");
    assert_eq!((&starter["loaded"], &starter["fits"]), (&json!(false), &json!(true)));
    assert_eq!(starter["able"]["defaults"]["steps"], 4);
    assert_eq!(starter["able"]["roles"], json!(["subject", "style", "edit"]));
    assert_eq!(starter["words"][0], json!({ "kind": "subjects", "text": "fox" }));

    desk.picture(&fox());
    assert_eq!(desk.call("models", json!({}))["models"][1]["loaded"], true);
    let system = desk.call("system", json!({}));
    assert_eq!((&system["version"], &system["device"]), (&json!("1.2.3"), &json!("paper")));
    assert_eq!((&system["pictures"], &system["threads"]), (&json!(1), &json!(2)));
    assert_eq!(system["caches"][0]["name"], "prompts");
    assert_eq!(system["caches"][0]["limit"], 256 << 20, "the setting reaches the engine");
    assert_eq!(desk.call("connections", json!({})), json!({ "entries": [] }));
}

#[test]
fn where_no_model_is_named_the_starter_is_meant_else_the_first_that_runs() {
    let desk = Desk::new();
    for name in ["aged.ckpt", "first.gguf", "second.gguf"] {
        std::fs::write(desk.path("models").join(name), "x").unwrap();
    }
    let usual = || desk.call("models", json!({}))["usual"].clone();
    let at = |name: &str| json!(desk.path("models").join(name).display().to_string());
    assert_eq!(usual(), at("starter"), "also where others come before it");
    std::fs::remove_dir_all(desk.path("models/starter")).unwrap();
    assert_eq!(usual(), at("first.gguf"));
    desk.picture(&fox());
    assert_eq!(desk.call("models", json!({}))["models"][1]["loaded"], true);
    for name in ["first.gguf", "second.gguf"] {
        std::fs::remove_file(desk.path("models").join(name)).unwrap();
    }
    assert_eq!(usual(), Value::Null);
    let asked = json!({ "request": fox(), "place": "last", "interactive": true });
    let error = desk.refused("render", asked);
    assert_eq!(error.code, ErrorCode::Model);
    assert!(error.message.contains("starter"), "{error}");
}

/// One that is still being copied, say: nothing at the top of its folder changes when that has ended.
#[test]
fn a_model_that_was_mended_can_run_without_another_start() {
    let desk = Desk::new();
    let folder = desk.path("models/mended");
    std::fs::create_dir_all(folder.join("transformer")).unwrap();
    std::fs::write(folder.join("model_index.json"), "{}").unwrap();
    std::fs::write(folder.join("transformer/weights.part"), "x").unwrap();
    let mended = || {
        let models = desk.call("models", json!({}));
        let all = models["models"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["path"] == json!(folder.display().to_string())).unwrap()
    };
    assert_eq!(mended()["runs"], false);
    assert_eq!(mended()["reason"], "transformer/weights.part: it is not whole");
    std::fs::remove_file(folder.join("transformer/weights.part")).unwrap();
    assert_eq!(mended()["runs"], true);
}

#[test]
fn settings_are_checked_and_kept() {
    let mut desk = Desk::new();
    let mut settings = desk.call("settings", json!({}));
    assert_eq!(settings["theme"], "dark");
    settings["theme"] = json!("dark");
    settings["keys"] = json!({ "star": "." });
    desk.call("settings_set", settings.clone());
    assert!(desk.events().contains(&Event::Settings));
    desk.reopen();
    assert_eq!(desk.call("settings", json!({})), settings);
    settings["trash_days"] = json!(0);
    let error = desk.refused("settings_set", settings);
    assert_eq!(error.field.as_deref(), Some("trash_days"));
    assert!(error.message.contains("1 to 3650"), "{error}");
}

#[test]
fn marks_can_be_undone() {
    let desk = Desk::new();
    let id = desk.picture(&fox());
    desk.events();
    let before = desk.call("mark", json!({ "ids": [id], "rating": 4 }));
    assert_eq!(before["before"][0], json!({ "id": id, "rating": 0 }));
    assert_eq!(desk.events(), [Event::Pictures { ids: vec![id.clone()] }]);
    assert_eq!(ids(&page(&desk, json!({ "min_rating": 4 }))), [&id]);
    desk.call("set_marks", json!({ "marks": before["before"] }));
    assert!(ids(&page(&desk, json!({ "min_rating": 1 }))).is_empty());
    // Where only those are meant that have none, what has one keeps it.
    desk.call("mark", json!({ "ids": [id], "rating": 4 }));
    let before = desk.call("mark", json!({ "ids": [id], "rating": 1, "unmarked": true }));
    assert_eq!(before["before"], json!([]));
    assert_eq!(ids(&page(&desk, json!({ "min_rating": 4 }))), [&id]);
}

#[test]
fn tags_boards_and_search() {
    let desk = Desk::new();
    let fox_id = desk.picture(&fox());
    let mug = desk.picture(&RenderRequest { prompt: "a green mug".into(), ..fox() });
    desk.call("tag", json!({ "ids": [fox_id], "add": ["winter"], "remove": [] }));
    assert_eq!(ids(&page(&desk, json!({ "text": "wint" }))), [&fox_id]);
    assert_eq!(ids(&page(&desk, json!({ "tag": "winter" }))), [&fox_id]);
    let board = desk.call("board_create", json!({ "name": "Shop" }))["id"].clone();
    let added = desk.call("board_add", json!({ "id": board, "ids": [fox_id, mug] }));
    assert_eq!(added["ids"].as_array().unwrap().len(), 2);
    let again = desk.call("board_add", json!({ "id": board, "ids": [mug] }));
    assert_eq!(again["ids"], json!([]), "it was there");
    desk.call("board_rename", json!({ "id": board, "name": "Store" }));
    let boards = desk.call("boards", json!({}));
    assert_eq!(boards["boards"][0], json!({ "id": board, "name": "Store", "count": 2 }));
    desk.call("board_remove", json!({ "id": board, "ids": [mug] }));
    assert_eq!(ids(&page(&desk, json!({ "board": board }))), [&fox_id]);
    let detail = desk.call("picture", json!({ "id": fox_id }));
    assert_eq!((&detail["tags"], &detail["boards"]), (&json!(["winter"]), &json!([board])));
    let facets = desk.call("facets", json!({ "trashed": false }));
    assert_eq!(facets["tags"], json!([{ "name": "winter", "count": 1 }]));
    assert_eq!(facets["sizes"], json!([{ "width": 64, "height": 64, "count": 2 }]));
    desk.call("board_delete", json!({ "id": board }));
    assert_eq!(desk.call("boards", json!({})), json!({ "boards": [] }));
}

#[test]
fn the_trash_gives_back_and_forgets() {
    let desk = Desk::new();
    let (a, b) =
        (desk.picture(&fox()), desk.picture(&RenderRequest { seed: Some("8".into()), ..fox() }));
    assert_eq!(desk.call("trash", json!({ "ids": [a, b] }))["ids"], json!([a, b]));
    assert_eq!(desk.call("trash", json!({ "ids": [a] }))["ids"], json!([]));
    assert_eq!(page(&desk, json!({}))["total"], 0);
    assert_eq!(desk.call("restore", json!({ "ids": [a] }))["ids"], json!([a]));
    assert_eq!(ids(&page(&desk, json!({ "trashed": true }))), [&b]);
    assert_eq!(desk.call("empty_trash", json!({})), json!({ "purged": 1 }));
    assert_eq!(desk.refused("picture", json!({ "id": b })).code, ErrorCode::NotFound);
    desk.call("trash", json!({ "ids": [a] }));
    assert_eq!(desk.call("purge", json!({ "ids": [a] })), json!({ "purged": 1 }));
    assert_eq!(desk.studio().file("picture", &a).unwrap_err().code, ErrorCode::NotFound);
}

#[test]
fn a_detail_has_all_that_makes_the_picture_again() {
    let desk = Desk::new();
    let id = desk.picture(&fox());
    let detail = desk.call("picture", json!({ "id": id }));
    assert!(detail["resolved"].as_str().unwrap().contains("\"seed\":7"));
    let mut request = detail["recipe"].clone();
    assert_eq!((&request["steps"], &request["seed"]), (&json!(4), &json!("7")));
    assert_eq!(detail["file"]["format"], "png");
    assert_eq!(detail["settings"]["program"], "Likeness");
    let fields = detail["settings"]["fields"].as_array().unwrap();
    assert!(fields.iter().all(|field| field["problem"].is_null()), "{fields:?}");
    assert!(fields.iter().any(|field| field["field"] == "size" && field["value"] == "64x64"));

    // The same request gives the same file, so it is the same picture; another seed is a child.
    assert_eq!(desk.picture(&serde_json::from_value(request.clone()).unwrap()), id);
    request["seed"] = json!("8");
    request["parents"] = json!([{ "id": id, "relation": "variation" }]);
    let child = desk.picture(&serde_json::from_value(request).unwrap());
    let lineage = desk.call("lineage", json!({ "id": id }));
    assert_eq!(
        lineage["edges"],
        json!([{ "parent": id, "child": child, "relation": "variation" }])
    );
    assert_eq!(desk.call("picture", json!({ "id": child }))["parents"][0]["id"], id);
    assert_eq!(desk.call("picture", json!({ "id": id }))["children"][0]["id"], child);
}

#[test]
fn references_are_pictures_of_the_library() {
    let desk = Desk::new();
    let mug = desk.picture(&fox());
    let asset = desk.call("asset", json!({ "id": mug }));
    assert_eq!((&asset["sha256"], &asset["width"]), (&json!(mug), &json!(64)));
    let reference = |asset: &str, role: &str| {
        let mut request = serde_json::to_value(fox()).unwrap();
        request["references"] = json!([{ "asset": asset, "role": role, "name": "mug" }]);
        request["seed"] = json!("9");
        request
    };
    let id = desk.picture(&serde_json::from_value(reference(&mug, "subject")).unwrap());
    let detail = desk.call("picture", json!({ "id": id }));
    assert_eq!(detail["parents"][0]["id"], mug);
    assert_eq!(detail["recipe"]["parents"][0]["relation"], "reference");
    let request = reference(&"0".repeat(64), "subject");
    let refused = json!({ "request": request, "place": "last", "interactive": true });
    let error = desk.refused("render", refused);
    assert_eq!(error.field.as_deref(), Some("references[0].asset"));
    assert_eq!(error.code, ErrorCode::Usage);
}

#[test]
fn slips_in_a_request_are_answered_at_once() {
    let desk = Desk::new();
    let slips = [
        (RenderRequest { prompt: " ".into(), ..fox() }, "prompt", ErrorCode::Usage),
        (RenderRequest { seed: Some("seven".into()), ..fox() }, "seed", ErrorCode::Usage),
        (RenderRequest { count: 0, ..fox() }, "count", ErrorCode::Usage),
        (RenderRequest { sampler: Some("eulr".into()), ..fox() }, "sampler", ErrorCode::Usage),
        (RenderRequest { model: Some("klein".into()), ..fox() }, "model", ErrorCode::Model),
    ];
    for (request, field, code) in slips {
        let asked = json!({ "request": request, "place": "last", "interactive": true });
        let error = desk.refused("render", asked);
        assert_eq!((error.field.as_deref(), error.code), (Some(field), code), "{error}");
    }
    assert!(desk.queue().jobs.is_empty());
}

#[test]
fn prompts_of_before_are_offered_again() {
    let desk = Desk::new();
    for prompt in ["a red fox", "a green mug", "a red fox"] {
        desk.render(&RenderRequest::new(prompt));
    }
    let all = desk.call("prompts", json!({ "prefix": "", "before": null, "limit": 10 }));
    let texts: Vec<_> = all["prompts"].as_array().unwrap().iter().map(|one| &one["text"]).collect();
    assert_eq!(texts, ["a red fox", "a green mug"]);
    assert_eq!(all["prompts"][0]["count"], 2);
    let red = desk.call("prompts", json!({ "prefix": "a r", "before": null, "limit": 10 }));
    assert_eq!(red["prompts"].as_array().unwrap().len(), 1);
}
