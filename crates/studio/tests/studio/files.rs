//! Files that come in and go out, and thumbnails.

use crate::fake::{Desk, fox};
use base64::Engine as _;
use likeness_studio::ErrorCode;
use likeness_studio::api::RenderRequest;
use serde_json::{Value, json};

fn png(side: u32, colour: [u8; 3], text: Option<(&str, &str)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Rgb);
    if let Some((key, text)) = text {
        encoder.add_text_chunk(key.to_owned(), text.to_owned()).unwrap();
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&colour.repeat((side * side) as usize)).unwrap();
    writer.finish().unwrap();
    bytes
}

const A1111: &str = "a blue car\nNegative prompt: rain\n\
    Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 96x64, Model hash: 45dee52b, Clip skip: 2";

#[test]
fn a_foreign_picture_comes_in_with_its_settings() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("in")).unwrap();
    std::fs::write(desk.path("in/car.png"), png(40, [1, 2, 3], Some(("parameters", A1111))))
        .unwrap();
    std::fs::write(desk.path("in/broken.png"), b"\x89PNG\r\n\x1a\n and no more").unwrap();
    std::fs::write(desk.path("in/notes.txt"), "no picture").unwrap();
    let answer = desk.call("import", json!({ "paths": [desk.path("in")] }));
    assert_eq!(answer["imported"].as_array().unwrap().len(), 1);
    assert!(answer["refused"][0]["path"].as_str().unwrap().ends_with("broken.png"));
    let imported = &answer["imported"][0];
    assert_eq!(imported["picture"]["source"], "a1111");
    assert_eq!(imported["picture"]["prompt"], "a blue car");
    assert_eq!(imported["asset"]["width"], 40);
    let settings = &imported["settings"];
    let request = &settings["request"];
    assert_eq!((&request["prompt"], &request["negative"]), (&json!("a blue car"), &json!("rain")));
    assert_eq!((&request["steps"], &request["seed"]), (&json!(20), &json!("42")));
    assert_eq!((&request["width"], &request["height"]), (&json!(96), &json!(64)));
    let problem = |field: &str| {
        let fields = settings["fields"].as_array().unwrap();
        fields.iter().find(|one| one["field"] == field).unwrap()["problem"].clone()
    };
    assert_eq!((problem("steps"), problem("size"), problem("negative")), Default::default());
    assert!(problem("sampler").as_str().unwrap().contains("flow_euler"), "the family lacks it");
    assert!(settings["unmatched"].as_array().unwrap().iter().any(|one| one["name"] == "Clip skip"));
}

/// What it says of itself is not lost for want of a recipe of ours.
#[test]
fn a_foreign_picture_keeps_its_settings_in_another_format() {
    let desk = Desk::new();
    std::fs::write(desk.path("car.png"), png(40, [1, 2, 3], Some(("parameters", A1111)))).unwrap();
    let answer = desk.call("import", json!({ "paths": [desk.path("car.png")] }));
    let id = &answer["imported"][0]["picture"]["id"];
    for name in ["car.jpg", "car.webp"] {
        desk.call("save", json!({ "id": id, "path": desk.path(name), "format": null }));
        let bytes = std::fs::read(desk.path(name)).unwrap();
        let metadata = likeness_picture::read_metadata(&bytes).unwrap();
        assert_eq!(metadata.parameters.as_deref(), Some(A1111), "{name}");
        let asked = json!({ "id": id, "path": desk.path(name), "format": null, "recipe": false });
        desk.call("save", asked);
        let metadata = likeness_picture::read_metadata(&std::fs::read(desk.path(name)).unwrap());
        assert_eq!(metadata.unwrap().parameters, None, "{name}, to be given away");
    }
}

/// To other programs Euler's method is one, whatever the model.
#[test]
fn euler_is_the_one_that_the_model_has() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("in")).unwrap();
    let plain = A1111.replace("Euler a", "Euler");
    std::fs::write(desk.path("in/car.png"), png(40, [1, 2, 3], Some(("parameters", &plain))))
        .unwrap();
    let answer = desk.call("import", json!({ "paths": [desk.path("in")] }));
    let settings = &answer["imported"][0]["settings"];
    assert_eq!(settings["request"]["sampler"], "flow_euler");
    let fields = settings["fields"].as_array().unwrap();
    let sampler = fields.iter().find(|one| one["field"] == "sampler").unwrap();
    assert_eq!((&sampler["value"], &sampler["problem"]), (&json!("flow_euler"), &Value::Null));
}

#[test]
fn our_own_pictures_come_back_as_they_went() {
    let desk = Desk::new();
    let id = desk.picture(&fox());
    let saved = desk.path("fox.webp");
    desk.call("save", json!({ "id": id, "path": saved, "format": null }));
    let other = Desk::new();
    let answer = other.call("import", json!({ "paths": [saved] }));
    let imported = &answer["imported"][0];
    assert_eq!(imported["picture"]["source"], "likeness");
    assert_eq!(imported["picture"]["seed"], "7");
    assert_eq!(imported["settings"]["program"], "Likeness");
    assert_eq!(imported["settings"]["request"]["steps"], 4);
}

/// A picture whose own recipe says what `change` makes of one of ours.
fn ours(desk: &Desk, side: u32, change: impl FnOnce(&mut Value)) -> Value {
    let id = desk.picture(&fox());
    let detail = desk.call("picture", json!({ "id": id }));
    let mut recipe = serde_json::from_str(detail["resolved"].as_str().unwrap()).unwrap();
    change(&mut recipe);
    let bytes = png(side, [9, 9, 9], Some(("likeness", &recipe.to_string())));
    let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
    desk.call("import_bytes", json!({ "name": "a.png", "base64": base64 }))
}

/// Whoever made the picture chose the words in it: none of them is opened, whatever it names.
#[test]
fn a_path_in_a_strangers_picture_is_only_a_name() {
    let desk = Desk::new();
    std::fs::write(desk.path("secret.safetensors"), "x").unwrap();
    let there = desk.path("secret.safetensors").to_str().unwrap().to_owned();
    let beside = "Cargo.toml"; // Of this crate, where tests run.
    assert!(std::path::Path::new(beside).exists());
    let share = r"\\server\share\model.gguf";
    for (side, path, name) in
        [(21, there.as_str(), "secret"), (22, share, "model"), (23, beside, beside)]
    {
        let imported = ours(&desk, side, |recipe| recipe["model"]["name"] = json!(path));
        let settings = &imported["settings"];
        assert_eq!(settings["request"]["model"], name);
        let fields = settings["fields"].as_array().unwrap();
        let model = fields.iter().find(|field| field["field"] == "model").unwrap();
        assert_eq!(model["value"], name);
        assert!(model["problem"].as_str().unwrap().contains("none here is called"), "{model}");
        // What the window takes up from a picture that it looks at.
        let card = &imported["picture"];
        let detail = desk.call("picture", json!({ "id": card["id"] }));
        assert_eq!((&card["model"], &detail["recipe"]["model"]), (&json!(name), &json!(name)));
        desk.call("estimate", json!({ "request": detail["recipe"] }));
    }
    let models = desk.path("models");
    let opened = desk.stage.described.lock().unwrap();
    assert!(opened.iter().all(|path| path.starts_with(&models)), "{opened:?}");
}

#[test]
fn a_picture_by_other_weights_of_the_same_name_says_so_and_can_be_made() {
    let desk = Desk::new();
    let unmatched = |imported: &Value| imported["settings"]["unmatched"].clone();
    assert_eq!(unmatched(&ours(&desk, 21, |_| ())), json!([]), "the same weights");
    let imported = ours(&desk, 22, |recipe| recipe["model"]["sha256"] = json!("0b".repeat(32)));
    let told = &unmatched(&imported)[0];
    assert_eq!((&told["name"], &told["value"]), (&json!("model hash"), &json!("0b0b0b0b0b0b")));
    let reason = told["reason"].as_str().unwrap();
    assert!(reason.contains("5a5a5a5a5a5a") && reason.contains("will differ"), "{reason}");
    let fields = imported["settings"]["fields"].as_array().unwrap();
    assert!(fields.iter().all(|field| field["problem"].is_null()), "{fields:?}");
    let id = &imported["picture"]["id"];
    let detail = desk.call("picture", json!({ "id": id }));
    assert_eq!(&unmatched(&detail)[0], told, "also when it is looked at later");
    desk.picture(&serde_json::from_value(detail["recipe"].clone()).unwrap());
}

#[test]
fn pasted_pictures_and_those_for_requests_only() {
    let desk = Desk::new();
    let bytes = png(33, [200, 0, 0], None);
    let base64 = base64::engine::general_purpose::STANDARD.encode(&bytes);
    let asked = json!({ "name": "red.png", "base64": base64, "reference": true });
    let imported = desk.call("import_bytes", asked);
    assert_eq!((&imported["picture"], &imported["settings"]), (&json!(null), &json!(null)));
    assert_eq!(
        (&imported["asset"]["name"], &imported["asset"]["width"]),
        (&json!("red.png"), &json!(33))
    );
    let hash = imported["asset"]["sha256"].as_str().unwrap();
    assert_eq!(std::fs::read(desk.studio().file("picture", hash).unwrap()).unwrap(), bytes);
    assert!(desk.studio().file("thumb128", hash).unwrap().is_file());
    assert_eq!(desk.call("system", json!({}))["pictures"], 0);

    let imported = desk.call("import_bytes", json!({ "name": "red.png", "base64": base64 }));
    assert_eq!(imported["picture"]["source"], "file");
    for bad in ["!!", "aGVsbG8="] {
        let error = desk.refused("import_bytes", json!({ "name": "x", "base64": bad }));
        assert!(matches!(error.code, ErrorCode::Usage | ErrorCode::Input), "{error}");
    }
}

/// What is taken back with an import: neither what was there before it, nor by what clock.
#[test]
fn an_import_tells_which_pictures_were_not_to_be_seen_before() {
    let desk = Desk::new();
    let paths: Vec<_> = (0..3u8).map(|n| desk.path(&format!("{n}.png"))).collect();
    for (n, path) in (0..).zip(&paths) {
        std::fs::write(path, png(30, [n, 0, 0], None)).unwrap();
    }
    let import = |paths: &[std::path::PathBuf]| {
        let answer = desk.call("import", json!({ "paths": paths }));
        answer["imported"].as_array().unwrap().clone()
    };
    let of = |all: &[Value]| all.iter().map(|one| one["new"] == true).collect::<Vec<_>>();
    let first = import(&paths[..2]);
    assert_eq!(of(&first), [true, true]);
    desk.call("trash", json!({ "ids": [first[0]["picture"]["id"]] }));
    assert_eq!(of(&import(&paths)), [true, false, true], "one came out of the trash");
    assert_eq!(of(&import(&[paths[0].clone(), paths[0].clone()])), [false, false]);
}

/// A photograph that was only tried must not stay for ever where nobody sees it.
#[test]
fn references_that_nothing_needs_can_be_deleted() {
    let mut desk = Desk::new();
    let take = |name: &str, shade: u8| {
        let path = desk.path(name);
        std::fs::write(&path, png(40, [shade, 0, 0], None)).unwrap();
        let answer = desk.call("import", json!({ "paths": [path], "reference": true }));
        answer["imported"][0]["asset"]["sha256"].as_str().unwrap().to_owned()
    };
    let [used, queued, drafted, tried] =
        [("used.png", 1), ("queued.png", 2), ("drafted.png", 3), ("tried.png", 4)]
            .map(|(name, shade)| take(name, shade));
    let with = |asset: &str| {
        let mut request = serde_json::to_value(fox()).unwrap();
        request["references"] = json!([{ "asset": asset, "role": "subject", "name": null }]);
        serde_json::from_value::<RenderRequest>(request).unwrap()
    };
    let picture = desk.picture(&with(&used));
    desk.call("queue_pause", json!({ "paused": true }));
    desk.render(&with(&queued));
    let there = |desk: &Desk, hash: &str| {
        desk.studio().file("picture", hash).is_ok_and(|file| file.is_file())
    };
    let ask = |desk: &Desk, remove: bool| {
        desk.call("library_unused", json!({ "kept": [drafted], "remove": remove }))["count"].clone()
    };
    assert_eq!(ask(&desk, false), 0, "what came in just now may be on its way");
    desk.close();
    let clock = Box::new(|| 1_795_000_000_000 + 2 * 60 * 60 * 1000);
    let later =
        likeness_studio::Studio::open_idle(likeness_studio::Opening { clock, ..desk.opening() });
    let later = later.unwrap();
    let ask = |remove: bool| {
        let asked = json!({ "kept": [drafted], "remove": remove });
        later.call("library_unused", asked, None).unwrap()
    };
    assert_eq!(ask(false)["count"], 1);
    let gone = ask(true);
    assert!(gone["count"] == 1 && gone["bytes"].as_u64().unwrap() > 0, "{gone}");
    assert_eq!(ask(true)["count"], 0);
    drop(later);
    desk.reopen();
    assert!(!there(&desk, &tried));
    for (hash, by) in
        [(&used, "a picture"), (&queued, "a job"), (&drafted, "what is being written")]
    {
        assert!(there(&desk, hash), "it is needed by {by}");
    }
    assert_eq!(desk.call("library_check", json!({}))["problems"], json!([]));
    desk.call("trash", json!({ "ids": [picture] }));
    assert!(there(&desk, &used));
}

/// What is only looked at shows nowhere in the library: a folder that slipped in would stay unseen.
#[test]
fn a_folder_of_photographs_is_not_taken_for_references() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("album")).unwrap();
    for n in 0..33u8 {
        std::fs::write(desk.path(&format!("album/{n}.png")), png(30, [n, 0, 0], None)).unwrap();
    }
    let asked = json!({ "paths": [desk.path("album")], "reference": true });
    let error = desk.refused("import", asked);
    assert!(error.message.contains("33 pictures") && error.message.contains("32"), "{error}");
    assert!(!desk.path("library/assets").read_dir().is_ok_and(|mut files| files.next().is_some()));
    let answer = desk.call("import", json!({ "paths": [desk.path("album")] }));
    assert_eq!(answer["imported"].as_array().unwrap().len(), 33);
}

/// Edits an imported picture of this size, and answers what is told of the result.
fn edited(desk: &Desk, (width, height): (u32, u32), guard: Option<bool>) -> Value {
    let path = desk.path(&format!("{width}x{height}.png"));
    image::RgbImage::new(width, height).save(&path).unwrap();
    let imported = desk.call("import", json!({ "paths": [path] }));
    let asset = &imported["imported"][0]["asset"]["sha256"];
    let mut request = serde_json::to_value(fox()).unwrap();
    request["references"] =
        json!([{ "asset": asset, "role": "edit", "name": null, "guard": guard }]);
    let id = desk.picture(&serde_json::from_value(request).unwrap());
    desk.call("picture", json!({ "id": id }))
}

#[test]
fn an_edit_takes_the_shape_of_its_picture() {
    let card = &edited(&Desk::new(), (300, 200), None)["card"];
    let (width, height) = (card["width"].as_u64().unwrap(), card["height"].as_u64().unwrap());
    assert!(width > height, "{width}x{height}");
}

#[test]
fn an_edit_says_whether_it_was_guarded() {
    let desk = Desk::new();
    for (asked, made) in [(None, true), (Some(true), true), (Some(false), false)] {
        let again = &edited(&desk, (128, 128), asked)["recipe"];
        assert_eq!(again["references"][0]["guard"], made, "asked for {asked:?}");
    }
}

#[test]
fn pictures_are_saved_in_any_format_and_exported_under_names() {
    let desk = Desk::new();
    let a = desk.picture(&fox());
    let b = desk.picture(&RenderRequest { seed: Some("8".into()), ..fox() });
    for (name, format, begins) in [
        ("a.png", json!(null), &b"\x89PNG"[..]),
        ("a.jpg", json!(null), b"\xff\xd8\xff"),
        ("a.out", json!("webp"), b"RIFF"),
    ] {
        let path = desk.path(name);
        desk.call("save", json!({ "id": a, "path": path, "format": format }));
        assert!(std::fs::read(path).unwrap().starts_with(begins), "{name}");
    }
    let error =
        desk.refused("save", json!({ "id": a, "path": desk.path("a.gif"), "format": null }));
    assert_eq!(error.code, ErrorCode::Usage);
    let error =
        desk.refused("save", json!({ "id": a, "path": desk.path("no/a.png"), "format": null }));
    assert_eq!(error.code, ErrorCode::Storage);

    let mut inside = vec!["library/pictures/a.png", "models/../library/new/a.png"];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(desk.path("library"), desk.path("alias")).unwrap();
        inside.push("alias/a.png");
    }
    for inside in inside {
        let inside = desk.path(inside);
        let error = desk.refused("save", json!({ "id": a, "path": inside, "format": null }));
        assert_eq!(error.field.as_deref(), Some("path"), "what is there never changes");
    }

    let asked =
        json!({ "ids": [a, b, a], "folder": desk.path("out"), "template": "[prompt]-[width]" });
    let paths = desk.call("export", asked)["paths"].clone();
    let names: Vec<_> = paths
        .as_array()
        .unwrap()
        .iter()
        .map(|path| std::path::Path::new(path.as_str().unwrap()).file_name().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["a-red-fox-64.png", "a-red-fox-64-2.png", "a-red-fox-64-3.png"]);
    // To be given away: nothing in it says how it was made.
    let says = |path: &str| {
        let bytes = std::fs::read(path).unwrap();
        let prompt = fox().prompt;
        bytes.windows(prompt.len()).any(|part| part == prompt.as_bytes())
    };
    assert!(says(paths[0].as_str().unwrap()));
    let asked =
        json!({ "ids": [a], "folder": desk.path("out"), "template": "one", "recipe": false });
    let plain = desk.call("export", asked)["paths"][0].as_str().unwrap().to_owned();
    assert!(!says(&plain));
    let pixels = |path: &str| image::open(path).unwrap().to_rgba8();
    assert_eq!(pixels(&plain), pixels(paths[0].as_str().unwrap()));
    for name in ["plain.png", "plain.jpg", "plain.webp"] {
        let path = desk.path(name).display().to_string();
        desk.call("save", json!({ "id": a, "path": path, "format": null, "recipe": false }));
        assert!(!says(&path), "{name}");
    }
    let asked = json!({ "ids": [a], "folder": desk.path("out"), "template": "[sead]" });
    assert_eq!(desk.refused("export", asked).field.as_deref(), Some("template"));
}

#[test]
fn thumbnails_are_made_in_the_background_and_when_asked_for() {
    let desk = Desk::new();
    let id = desk.picture(&RenderRequest { width: Some(256), height: Some(128), ..fox() });
    let thumbnail = desk.studio().file("thumb128", &id).unwrap();
    assert_eq!(image::image_dimensions(&thumbnail).unwrap(), (128, 64));
    std::fs::remove_file(&thumbnail).unwrap();
    assert!(desk.studio().file("thumb/128", &id).unwrap().is_file(), "it is made again");
    let large = desk.studio().file("thumb768", &id).unwrap();
    assert_eq!(image::image_dimensions(large).unwrap(), (256, 128), "nothing is made larger");
    assert_eq!(desk.studio().file("thumb99", &id).unwrap_err().code, ErrorCode::Usage);
    assert_eq!(desk.studio().file("secrets", &id).unwrap_err().code, ErrorCode::Usage);
    assert!(desk.studio().file("picture", "../../etc/passwd").is_err());
}

#[test]
fn the_spread_of_near_copies_is_told() {
    let desk = Desk::new();
    let of = |colour| {
        let bytes = png(20, colour, None);
        let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
        let answer = desk.call("import_bytes", json!({ "name": "a.png", "base64": base64 }));
        answer["asset"]["sha256"].clone()
    };
    let (a, b, c) = (of([100; 3]), of([101; 3]), of([10, 10, 200]));
    assert_eq!(desk.call("spread", json!({ "ids": [a, b] }))["verdict"], "same");
    let varied = desk.call("spread", json!({ "ids": [a, b, c] }));
    assert_eq!(
        (&varied["verdict"], varied["pairs"].as_array().unwrap().len()),
        (&json!("varied"), 3)
    );
}

#[test]
fn the_library_is_checked_mended_and_copied() {
    let desk = Desk::new();
    let id = desk.picture(&fox());
    let path = desk.studio().file("picture", &id).unwrap();
    desk.call("library_backup", json!({ "path": desk.path("copy") }));
    assert!(desk.path("copy/library.sqlite").is_file());
    std::fs::remove_file(path).unwrap();
    let report = desk.call("library_check", json!({}));
    assert_eq!(report["problems"][0]["kind"], "picture_missing");
    let repaired = desk.call("library_repair", json!({}));
    assert_eq!(repaired["left"], json!([]));
    assert!(repaired["done"][0].as_str().unwrap().contains("forgotten"));
    assert_eq!(desk.call("system", json!({}))["pictures"], 0);
}

/// Formats that pages do not show, or show moving, are taken in as they are and shown as what they are here.
#[test]
fn formats_that_are_only_read_come_in_and_go_out() {
    use image::{ImageFormat, RgbImage};
    let desk = Desk::new();
    std::fs::create_dir(desk.path("in")).unwrap();
    let picture = RgbImage::from_fn(30, 20, |x, y| image::Rgb([x as u8 * 8, y as u8 * 12, 90]));
    for (name, format) in
        [("a.gif", ImageFormat::Gif), ("b.tif", ImageFormat::Tiff), ("c.BMP", ImageFormat::Bmp)]
    {
        picture.save_with_format(desk.path("in").join(name), format).unwrap();
    }
    std::fs::write(desk.path("in/d.svg"), "<svg/>").unwrap();
    let answer = desk.call("import", json!({ "paths": [desk.path("in")] }));
    let imported = answer["imported"].as_array().unwrap();
    assert_eq!((imported.len(), &answer["refused"]), (3, &json!([])), "{answer}");
    let answer = desk.call("import", json!({ "paths": [desk.path("in/d.svg")] }));
    let refused = answer["refused"][0]["reason"].as_str().unwrap();
    assert!(refused.contains("an SVG") && refused.contains("exported as PNG"), "{refused}");
    for (imported, (name, format)) in
        imported.iter().zip([("a.gif", "gif"), ("b.tiff", "tiff"), ("c.bmp", "bmp")])
    {
        let id = imported["picture"]["id"].as_str().unwrap();
        assert_eq!(desk.call("picture", json!({ "id": id }))["file"]["format"], format);
        let stored = std::fs::read(desk.studio().file("picture", id).unwrap()).unwrap();
        assert!(likeness_studio::as_shown(stored.clone()).starts_with(b"\x89PNG"), "{name}");
        assert!(desk.studio().file("thumb128", id).unwrap().is_file());
        desk.call("save", json!({ "id": id, "path": desk.path(name), "format": null }));
        assert!(std::fs::read(desk.path(name)).unwrap() == stored, "{name} as it is");
        let png = desk.path("out.png");
        desk.call("save", json!({ "id": id, "path": png, "format": null }));
        assert!(std::fs::read(&png).unwrap().starts_with(b"\x89PNG"));
        let export =
            json!({ "ids": [id], "folder": desk.path("out"), "template": format, "recipe": false });
        let paths = desk.call("export", export);
        assert!(paths["paths"][0].as_str().unwrap().ends_with(&format!("{format}.png")));
    }
}

#[test]
fn what_goes_out_says_to_machines_that_a_model_made_it() {
    use likeness_picture::DigitalSource;
    let desk = Desk::new();
    let id = desk.picture(&fox());
    let source = |path: &str| {
        let bytes = std::fs::read(path).unwrap();
        likeness_picture::read_metadata(&bytes).unwrap().digital_source
    };
    let made = Some(DigitalSource::Made);
    for (name, recipe, ai_mark, said) in [
        ("a.png", None, None, made),
        ("b.jpg", None, None, made),
        ("c.webp", Some(false), None, made),
        ("d.png", Some(false), Some(true), made),
        ("e.png", None, Some(false), None),
        ("f.webp", Some(false), Some(false), None),
    ] {
        let path = desk.path(name);
        let asked =
            json!({ "id": id, "path": path, "format": null, "recipe": recipe, "ai_mark": ai_mark });
        desk.call("save", asked);
        assert_eq!(source(path.to_str().unwrap()), said, "{name}");
        let asked = json!({ "ids": [id], "folder": desk.path("out"), "template": "one", "recipe": recipe, "ai_mark": ai_mark });
        let paths = desk.call("export", asked);
        assert_eq!(source(paths["paths"][0].as_str().unwrap()), said, "{name}, exported");
    }
    // One of before there was a mark has it when it goes out.
    let bytes = std::fs::read(desk.path("e.png")).unwrap();
    let other = Desk::new();
    let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
    let imported = other.call("import_bytes", json!({ "name": "e.png", "base64": base64 }));
    let path = other.path("again.png");
    other.call("save", json!({ "id": imported["picture"]["id"], "path": path, "format": null }));
    assert_eq!(source(path.to_str().unwrap()), made);
}
