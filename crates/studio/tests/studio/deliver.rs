//! Pictures of exactly the size that somebody asks for, on a fake.

use likeness_recipe::ResolvedRecipe;
use likeness_studio::ErrorCode;
use likeness_studio::api::{DeliverChoice, DeliverFit, Estimate, PictureDetail, RenderRequest};
use serde_json::json;

use crate::fake::{Desk, fox};

fn at(width: u32, height: u32, fit: DeliverFit) -> DeliverChoice {
    DeliverChoice { width, height, fit, background: None, asset: None }
}

fn detail(desk: &Desk, id: &str) -> PictureDetail {
    serde_json::from_value(desk.call("picture", json!({ "id": id }))).unwrap()
}

fn pixels(desk: &Desk, id: &str) -> likeness_recipe::Pixels {
    let path = desk.studio().file("picture", id).unwrap();
    likeness_picture::read_picture(&path, &Default::default()).unwrap().pixels
}

fn total(desk: &Desk) -> u64 {
    let page = desk.call("pictures", json!({ "filter": {}, "after": null, "limit": 50 }));
    page["total"].as_u64().unwrap()
}

#[test]
fn a_request_gives_one_picture_of_exactly_the_size() {
    let desk = Desk::new();
    for (number, (width, height, fit)) in [
        (216, 270, DeliverFit::Auto),
        (216, 270, DeliverFit::Crop),
        (728, 90, DeliverFit::Plain),
        (150, 125, DeliverFit::Blurred),
        (64, 64, DeliverFit::Auto),
        (37, 91, DeliverFit::Auto),
    ]
    .into_iter()
    .enumerate()
    {
        let seed = Some(number.to_string());
        let request = RenderRequest { deliver: Some(at(width, height, fit)), seed, ..fox() };
        let id = desk.picture(&request);
        let made = pixels(&desk, &id);
        assert_eq!((made.width, made.height), (width, height), "{fit:?}");
        assert_eq!(total(&desk), number as u64 + 1, "one job, one finished picture");
    }
}

#[test]
fn what_was_drawn_can_be_found_and_made_again() {
    let desk = Desk::new();
    let request = RenderRequest {
        deliver: Some(at(270, 270, DeliverFit::Auto)),
        width: Some(64),
        height: Some(64),
        ..fox()
    };
    let id = desk.picture(&request);
    let made = detail(&desk, &id);
    assert_eq!(
        (made.card.prompt.as_str(), made.card.subject.as_deref()),
        ("a red fox", Some("fox"))
    );
    assert_eq!((made.card.seed.as_deref(), made.card.source.as_str()), (Some("7"), "likeness"));
    assert_eq!((made.card.enlarged, made.card.run.is_some()), (Some(8), true));
    let recipe = ResolvedRecipe::from_json(made.resolved.as_deref().unwrap()).unwrap();
    assert_eq!((recipe.width, recipe.height), (64, 64), "what the model drew");
    let delivered = recipe.delivered.unwrap();
    assert_eq!((delivered.width, delivered.height), (270, 270));
    // The file that it was made of is there, whole, and is no picture of the grid.
    let drawn = pixels(&desk, &delivered.sha256);
    assert_eq!((drawn.width, drawn.height), (64, 64));
    let unused = desk.call("library_unused", json!({ "kept": [], "remove": false }));
    assert_eq!(unused["count"], 0);
    // The request that makes it again makes the same file.
    let again = made.recipe.unwrap();
    assert_eq!(again.deliver, request.deliver);
    assert_eq!(desk.picture(&again), id);
    assert_eq!(desk.call("library_check", json!({}))["problems"], json!([]));
}

#[test]
fn a_picture_that_is_there_is_brought_to_a_size() {
    let desk = Desk::new();
    let small = desk.picture(&fox());
    desk.call("mark", json!({ "ids": [small], "rating": 2 }));
    let deliver = json!({ "width": 270, "height": 480, "fit": "plain", "background": "#102030" });
    let jobs = desk.call("deliver", json!({ "ids": [small], "deliver": deliver }));
    let job = jobs["jobs"][0]["id"].as_i64().unwrap();
    let queue = desk.wait(|queue| queue.waiting == 0 && queue.running.is_none());
    desk.rest();
    let job = queue.jobs.into_iter().find(|one| one.id == job).unwrap();
    let made = job.picture.unwrap_or_else(|| panic!("{:?}", job.error));
    let shown = pixels(&desk, &made);
    assert_eq!((shown.width, shown.height, &shown.data[..3]), (270, 480, &[16, 32, 48][..]));
    let detail = detail(&desk, &made);
    assert_eq!((detail.card.rating, detail.parents[0].id.as_str()), (2, small.as_str()));
    let lineage = desk.call("lineage", json!({ "id": small }));
    assert_eq!(lineage["edges"][0]["relation"], "enlargement");
    // As small as it is, and smaller, nothing is made larger.
    let begun = desk.stage.begun.load(std::sync::atomic::Ordering::Relaxed);
    let deliver = json!({ "width": 60, "height": 60, "fit": "auto", "background": null });
    desk.call("deliver", json!({ "ids": [small], "deliver": deliver }));
    desk.wait(|queue| queue.waiting == 0 && queue.running.is_none() && queue.failed == 0);
    desk.rest();
    assert_eq!(desk.stage.begun.load(std::sync::atomic::Ordering::Relaxed), begun);
    assert_eq!(total(&desk), 3);
}

#[test]
fn an_estimate_tells_the_way_and_how_long_it_takes() {
    let desk = Desk::new();
    let request = RenderRequest {
        deliver: Some(at(200, 200, DeliverFit::Auto)),
        width: Some(64),
        height: Some(64),
        ..fox()
    };
    let estimate = || -> Estimate {
        let asked = json!({ "request": request });
        serde_json::from_value(desk.call("estimate", asked)).unwrap()
    };
    let plan = estimate().plan.unwrap();
    let steps: Vec<_> = plan
        .steps
        .iter()
        .map(|step| {
            let kind = serde_json::to_value(step.kind).unwrap();
            format!("{} {}x{}", kind.as_str().unwrap(), step.width, step.height)
        })
        .collect();
    assert_eq!(steps, ["draw 64x64", "enlarge 256x256", "resample 200x200"]);
    assert_eq!((plan.steps[1].by, plan.settled), (Some(4), true));
    assert_eq!(plan.seconds, None, "nothing was measured yet");
    desk.picture(&request);
    let after = estimate();
    let plan = after.plan.unwrap();
    assert!(plan.steps.iter().all(|step| step.seconds.is_some()), "{plan:?}");
    let seconds = plan.seconds.unwrap();
    assert!(seconds >= 0.75, "drawing takes 0.5 and enlarging 0.25: {seconds}");
    assert_eq!(after.seconds, Some(seconds));
    // Of another shape, what it becomes is known when it is seen.
    let cut = RenderRequest { deliver: Some(at(200, 180, DeliverFit::Auto)), ..request.clone() };
    let answer = desk.call("estimate", json!({ "request": cut }));
    assert_eq!(
        (&answer["plan"]["fit"], &answer["plan"]["settled"]),
        (&json!("crop"), &json!(false))
    );
    // Where no size is drawn by name, one of that shape is.
    let tall = RenderRequest {
        deliver: Some(at(1080, 1920, DeliverFit::Auto)),
        width: None,
        height: None,
        ..request
    };
    let answer = desk.call("estimate", json!({ "request": tall }));
    let drawn = &answer["plan"]["steps"][0];
    assert!(drawn["height"].as_u64() > drawn["width"].as_u64(), "{drawn}");
}

#[test]
fn sizes_have_names() {
    let desk = Desk::new();
    let channels = desk.call("channels", json!({}));
    let story = channels["channels"].as_array().unwrap();
    let story = story.iter().find(|one| one["id"] == "story").unwrap();
    assert_eq!(
        (&story["name"], &story["width"], &story["height"]),
        (&json!("Story"), &json!(1080), &json!(1920))
    );
}

#[test]
fn what_cannot_be_is_refused_at_once() {
    let desk = Desk::new();
    let small = desk.picture(&fox());
    for (choice, field, word) in [
        (
            json!({ "width": 0, "height": 9, "fit": "auto", "background": null }),
            "deliver.width",
            "1 to 16384",
        ),
        (
            json!({ "width": 9, "height": 20000, "fit": "auto", "background": null }),
            "deliver.height",
            "16384",
        ),
        (
            json!({ "width": 9000, "height": 9000, "fit": "auto", "background": null }),
            "deliver.width",
            "64 million",
        ),
        (
            json!({ "width": 9, "height": 9, "fit": "auto", "background": "white" }),
            "deliver.background",
            "#rrggbb",
        ),
        (
            json!({ "width": 9, "height": 9, "fit": "auto", "background": null, "asset": small }),
            "deliver.asset",
            "`deliver`",
        ),
    ] {
        let mut request = serde_json::to_value(fox()).unwrap();
        request["deliver"] = choice.clone();
        let asked = json!({ "request": request, "place": "last", "interactive": true });
        let error = desk.refused("render", asked);
        assert_eq!(
            (error.code, error.field.as_deref()),
            (ErrorCode::Usage, Some(field)),
            "{choice}"
        );
        assert!(error.message.contains(word), "{error}");
        let problem = &desk.call("estimate", json!({ "request": request }))["problem"];
        assert_eq!(problem["field"], field);
    }
    let choice = at(90, 90, DeliverFit::Auto);
    let error = desk.refused("deliver", json!({ "ids": ["ab".repeat(32)], "deliver": choice }));
    assert_eq!(error.code, ErrorCode::NotFound);
    std::fs::remove_file(desk.path("models/upscaler/upscaler.json")).unwrap();
    let error = desk.refused("deliver", json!({ "ids": [small], "deliver": choice }));
    assert!(error.message.contains("upscaler.json"), "{error}");
    assert_eq!(error.code, ErrorCode::Model);
}

/// A job that is cancelled between two enlargements leaves nothing behind.
#[test]
fn it_can_be_cancelled() {
    let desk = Desk::new();
    desk.stage.shut();
    let request = RenderRequest { deliver: Some(at(1080, 1080, DeliverFit::Auto)), ..fox() };
    let job = desk.render(&request)[0];
    desk.stage.wait_for_render();
    desk.call("queue_cancel", json!({ "ids": [job] }));
    desk.stage.open();
    desk.wait(|queue| queue.running.is_none() && queue.waiting == 0);
    desk.rest();
    assert_eq!(total(&desk), 0);
    assert_eq!(desk.call("library_check", json!({}))["problems"], json!([]));
}

#[test]
fn an_export_is_of_the_size_the_format_and_the_colour_that_are_asked_for() {
    let desk = Desk::new();
    let id = desk.picture(&fox());
    let out = desk.path("out");
    let export = |change: serde_json::Value| {
        let mut asked = json!({ "ids": [id], "folder": out, "template": null, "recipe": null });
        asked.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        asked
    };
    let file = |asked: serde_json::Value| {
        let written = desk.call("export", asked);
        std::path::PathBuf::from(written["paths"][0].as_str().unwrap())
    };
    // As it is, under a name that says nothing of the prompt.
    let plain = file(export(json!({})));
    let name = plain.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(name.starts_with("20") && name.ends_with("-7.png"), "{name}");
    let kept = std::fs::read(desk.studio().file("picture", &id).unwrap()).unwrap();
    assert_eq!(std::fs::read(&plain).unwrap(), kept, "byte for byte");
    let size = json!({ "width": 728, "height": 90, "fit": "plain", "background": "#ffffff" });
    let wanted = json!({
        "deliver": size, "format": "jpeg", "quality": 40, "template": "[channel]-[width]x[height]"
    });
    let banner = file(export(wanted.clone()));
    assert!(banner.ends_with("banner-728x90.jpg"), "{banner:?}");
    let read =
        |path: &std::path::Path| likeness_picture::read_picture(path, &Default::default()).unwrap();
    let made = read(&banner);
    assert_eq!((made.pixels.width, made.pixels.height), (728, 90));
    assert!(made.pixels.data[0] > 250, "the border is white");
    let bytes = std::fs::read(&banner).unwrap();
    assert!(bytes.windows(11).any(|part| part == b"ICC_PROFILE"), "it says sRGB");
    let metadata = likeness_picture::read_metadata(&bytes).unwrap();
    assert_eq!(metadata.recipe().unwrap().unwrap().delivered.unwrap().height, 90);
    let mut better = wanted.clone();
    better["quality"] = json!(95);
    let better = std::fs::read(file(export(better))).unwrap();
    assert!(better.len() > bytes.len(), "less is kept of the other");
    let mut bare = wanted;
    bare["recipe"] = json!(false);
    let bare = std::fs::read(file(export(bare))).unwrap();
    assert!(likeness_picture::read_metadata(&bare).unwrap().recipe().is_none());
    let png = std::fs::read(file(export(json!({ "srgb": true })))).unwrap();
    assert!(png.windows(4).any(|part| part == b"sRGB"));
    let small = file(export(json!({ "format": "webp", "background": "#102030" })));
    assert_eq!(read(&small).pixels, pixels(&desk, &id), "nothing of it can be seen through");
    for (change, field) in [
        (json!({ "quality": 0 }), "quality"),
        (json!({ "background": "red" }), "background"),
        (json!({ "deliver": { "width": 0, "height": 1, "fit": "auto" } }), "deliver.width"),
        (json!({ "template": "[sead]" }), "template"),
    ] {
        let error = desk.refused("export", export(change));
        assert_eq!(error.field.as_deref(), Some(field), "{error}");
    }
}
