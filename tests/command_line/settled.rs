//! What the program says of a picture beside the picture, and what it settles: sizes that were measured, alpha,
//! words that the starter does not know, an edit that changed nothing.

use likeness_tests::program::Desk;
use serde_json::{Value, json};

use super::refusals::USAGE;

/// Runs `arguments --json` and gives the one object it prints, and what it said beside.
fn told(desk: &Desk, arguments: &[&str]) -> (Value, String) {
    let ran = desk.succeed(&[arguments, &["--json"]].concat());
    let mut printed = ran.json();
    assert_eq!(printed.len(), 1, "one object: {}", ran.output);
    (printed.remove(0), ran.errors)
}

fn opened(desk: &Desk, name: &str) -> image::DynamicImage {
    image::load_from_memory(&desk.bytes(name)).expect("a picture")
}

/// The share of pixels that can be seen through.
fn seen_through(picture: &image::DynamicImage) -> f64 {
    let rgba = picture.to_rgba8();
    rgba.pixels().filter(|pixel| pixel[3] < 255).count() as f64 / rgba.pixels().len() as f64
}

#[test]
fn words_that_the_starter_does_not_know_are_named() {
    let desk = Desk::new();
    let named = |prompt: &str| {
        let (object, errors) =
            told(&desk, &["generate", prompt, "--seed", "1", "--out", "a.png", "--overwrite"]);
        let notes = object["notes"].as_array().expect("a list").clone();
        let texts = notes.iter().map(|note| note["text"].as_str().expect("a text").to_owned());
        let texts: Vec<_> = texts.collect();
        for text in &texts {
            assert!(errors.contains(&format!("{text:?}")), "{text} is not in {errors}");
        }
        assert_eq!(texts.is_empty(), errors.is_empty(), "{errors}");
        texts
    };
    for (prompt, unknown) in [
        ("a portrait of a woman", &["portrait", "woman"][..]),
        ("a robot in a kitchen", &["robot", "kitchen"]),
        ("一只狐狸在雪地里", &["一只狐狸在雪地里"]),
        ("ice on a table", &["ice"]),
        // All that training used.
        ("a red fox on a snowy beach, paper cut", &[]),
        ("sticker of two tiny blue fire engines to the left of a T-shirt, glossy 3D", &[]),
        ("an illustration of a puppy and a cup of coffee by the sea at sunset, pixelated", &[]),
        ("three mice on the right, purple gradient background", &[]),
    ] {
        assert_eq!(named(prompt), unknown, "{prompt}");
    }
    let quiet = ["generate", "a woman", "--seed", "1", "--quiet", "--out", "a.png", "--overwrite"];
    assert_eq!(desk.succeed(&quiet).errors, "");

    let (job, errors) = told(&desk, &["queue", "add", "a fox with a hat"]);
    assert_eq!(job["notes"][0]["text"], "hat");
    assert!(errors.contains("\"hat\" only as in \"top hat\""), "{errors}");

    let (edit, _) = told(&desk, &["edit", "a.png", "remove the dog", "--out", "b.png"]);
    assert_eq!(edit["notes"], json!([]));
    let (model, _) = told(&desk, &["models"]);
    assert_eq!(model["sizes"], json!(["128x128"]));
    let has = |list: &Value, word: &str| list.as_array().expect("a list").contains(&word.into());
    assert!(has(&model["vocabulary"]["subjects"], "fire engine"), "what is offered");
    assert!(has(&model["known"], "kitten") && has(&model["known"], "of"), "what is read");
}

#[test]
fn marks_and_too_many_tokens_are_refused_before_anything_is_drawn() {
    let desk = Desk::new();
    let long = "狐".repeat(15);
    for (prompt, words) in [
        ("a {red|blue} fox", &["{red|blue}", "character 3", "one of them"][..]),
        ("a __colour__ fox", &["__colour__", "in place of"]),
        ("a fox <lora:paper:0.8>", &["<lora:paper:0.8>", "without it"]),
        (&long, &["tokens", "at most 32"]),
    ] {
        for start in [&["generate"][..], &["queue", "add"]] {
            let ran = desk.run(&[start, &[prompt]].concat());
            assert_eq!(ran.code, Some(USAGE), "{prompt}: {}", ran.errors);
            assert_eq!(ran.complaints().len(), 1, "{}", ran.errors);
            assert!(ran.errors.contains("prompt: "), "{}", ran.errors);
            for word in words {
                assert!(ran.errors.contains(word), "{word:?} is not in {}", ran.errors);
            }
        }
    }
    let draw =
        |prompt: &str, name: &str| told(&desk, &["generate", prompt, "--seed", "1", "--out", name]);
    let (weighed, errors) = draw("a (red:1.3) fox", "weighed.png");
    assert_eq!(weighed["recipe"]["prompt"], "a (red:1.3) fox");
    assert_eq!(weighed["recipe"]["read"], "a red fox", "the recipe says what was read");
    assert!(errors.contains("\"(red:1.3)\" it reads \"red\""), "{errors}");
    draw("a red fox", "plain.png");
    let pixels = |name: &str| opened(&desk, name).to_rgba8();
    assert_eq!(pixels("weighed.png"), pixels("plain.png"), "marks are not drawn");
}

#[test]
fn a_picture_with_a_background_is_opaque_and_a_cut_out_is_soft() {
    let desk = Desk::new();
    let draw = |prompt: &str| {
        let asked = ["generate", prompt, "--seed", "4", "--out", "a.png", "--overwrite"];
        let (object, _) = told(&desk, &asked);
        let alpha = object["recipe"]["alpha"].as_str().unwrap_or("drawn").to_owned();
        (seen_through(&opened(&desk, "a.png")), alpha)
    };
    for prompt in ["a red fox on a snowy beach, paper cut", "a penguin, blue background", "a mug"] {
        assert_eq!(draw(prompt), (0.0, "opaque".to_owned()), "{prompt}");
    }
    desk.succeed(&["upscale", "a.png", "--by", "2", "--out", "large.png"]);
    assert_eq!(seen_through(&opened(&desk, "large.png")), 0.0, "enlarging keeps it");

    let (share, alpha) = draw("a penguin, sticker");
    assert!(share > 0.3 && alpha == "drawn", "{share:.2} can be seen through");
    let rgba = opened(&desk, "a.png").to_rgba8();
    let soft = rgba.pixels().filter(|pixel| (16..240).contains(&pixel[3])).count();
    assert!(soft > 50, "{soft} pixels of its edge are soft");

    // What an edit says nothing of is as its source is; one that asks for a background gets it.
    let edit = |words: &str, name: &str| {
        desk.succeed(&["edit", "a.png", words, "--seed", "2", "--out", name]);
        seen_through(&opened(&desk, name))
    };
    assert!(edit("make the penguin red", "red.png") > 0.3);
    assert_eq!(edit("put it on a beach", "beach.png"), 0.0);
}

#[test]
fn a_source_of_another_shape_keeps_it() {
    let desk = Desk::new();
    told(&desk, &["generate", "a red mug on a table", "--seed", "1", "--out", "mug.png"]);
    // Three to two, and larger than anything that is drawn.
    let wide = opened(&desk, "mug.png").crop_imm(0, 20, 128, 85);
    let wide = wide.resize_exact(384, 255, image::imageops::FilterType::CatmullRom);
    wide.save(desk.path("scene.webp")).expect("the desk can be written to");
    let edit = ["edit", "scene.webp", "make the mug green", "--seed", "3", "--out", "green.png"];
    let (object, _) = told(&desk, &edit);
    let (recipe, green) = (&object["recipe"], opened(&desk, "green.png"));
    assert_eq!((green.width(), green.height()), (128, 85));
    assert_eq!((&recipe["width"], &recipe["height"]), (&json!(128), &json!(85)));
    assert_eq!(recipe["canvas"], json!({ "width": 128, "height": 128 }));
    assert!(object["changed"].as_f64().is_some_and(|share| share > 0.02), "{}", object["changed"]);

    let start = ["generate", "a sailboat at sunset", "--init", "scene.webp", "--strength", "0.5"];
    told(&desk, &[&start[..], &["--out", "begun.png"]].concat());
    let begun = opened(&desk, "begun.png");
    assert_eq!((begun.width(), begun.height()), (128, 85));

    let asked = ["generate", "a fox", "--size", "160x96", "--out", "no.png"];
    let ran = desk.run(&asked);
    assert_eq!(ran.code, Some(USAGE));
    assert!(
        ran.errors.contains("size: ") && ran.errors.contains("accepted: 128x128"),
        "{}",
        ran.errors
    );
}

#[test]
fn an_edit_that_changed_nothing_says_so_and_is_no_failure() {
    let desk = Desk::new();
    desk.succeed(&["generate", "a red fox on a beach", "--seed", "7", "--out", "fox.png"]);
    image::GrayImage::new(128, 128).save(desk.path("mask.png")).expect("it can be written to");
    // Where a mask lets nothing change, nothing can.
    let masked = ["generate", "a blue fox", "--init", "fox.png", "--mask", "mask.png"];
    let (object, errors) =
        told(&desk, &[&masked[..], &["--seed", "1", "--out", "a.png", "--overwrite"]].concat());
    assert_eq!(object["changed"], 0.0);
    assert!(errors.contains("nothing changed") && errors.contains("a larger --mask"), "{errors}");
    let pixels = |name: &str| opened(&desk, name).to_rgba8();
    assert_eq!(pixels("a.png"), pixels("fox.png"));

    // The starter does not know hats: the guard takes back what little it drew.
    let edit = ["edit", "fox.png", "add a hat", "--seed", "1", "--out", "b.png"];
    let (object, errors) = told(&desk, &edit);
    let same = pixels("b.png") == pixels("fox.png");
    assert_eq!(object["changed"] == 0.0, same, "{}", object["changed"]);
    assert_eq!(errors.contains("nothing changed"), same, "{errors}");
    assert!(!same || errors.contains("--no-guard"), "{errors}");

    let edit = ["edit", "fox.png", "make the fox green", "--seed", "1", "--out", "c.png"];
    let (object, errors) = told(&desk, &edit);
    assert!(object["changed"].as_f64().is_some_and(|share| share > 0.02 && share < 1.0));
    assert!(!errors.contains("nothing changed"), "{errors}");
    let (object, _) = told(&desk, &["generate", "a fox", "--seed", "1", "--out", "d.png"]);
    assert_eq!(object["changed"], json!(null), "it is no edit");
}

/// Where nothing is said of the strength, a mask lets what it frees become another colour.
#[test]
fn a_mask_can_change_a_colour() {
    let desk = Desk::new();
    desk.succeed(&["generate", "a red car on a beach", "--seed", "3", "--out", "car.png"]);
    let white = image::GrayImage::from_pixel(128, 128, image::Luma([255]));
    white.save(desk.path("mask.png")).expect("the desk can be written to");
    let asked = ["generate", "a blue car on a beach", "--init", "car.png", "--mask", "mask.png"];
    let (object, _) = told(&desk, &[&asked[..], &["--seed", "5", "--out", "blue.png"]].concat());
    assert_eq!(object["recipe"]["init"]["strength"], 1.0);
    let redness = |name: &str| {
        let middle = opened(&desk, name).crop_imm(44, 64, 40, 30).to_rgb8();
        let sum: i64 = middle.pixels().map(|pixel| i64::from(pixel[0]) - i64::from(pixel[2])).sum();
        sum / 1200
    };
    assert!(redness("car.png") > 40, "{}", redness("car.png"));
    assert!(redness("blue.png") < -40, "{}", redness("blue.png"));
}

/// A recipe of before is made again by the rules of then; with another seed it is a new picture.
#[test]
fn a_recipe_of_before_is_made_again_as_it_was() {
    let desk = Desk::new();
    let (now, _) = told(&desk, &["generate", "a red fox", "--seed", "9", "--out", "now.png"]);
    let mut before = now["recipe"].clone();
    let fields = before.as_object_mut().expect("an object");
    fields.remove("alpha");
    fields.extend([
        ("schema".to_owned(), json!(3)),
        ("prompt".to_owned(), json!("a (red:1.3) fox on a beach")),
        ("width".to_owned(), json!(160)),
        ("height".to_owned(), json!(96)),
    ]);
    desk.put("before.json", before.to_string().as_bytes());
    let again = ["generate", "--recipe", "before.json"];
    let (made, _) = told(&desk, &[&again[..], &["--out", "again.png"]].concat());
    assert_eq!(made["recipe"], before, "it is the same recipe");
    let picture = opened(&desk, "again.png");
    assert_eq!((picture.width(), picture.height()), (160, 96));
    assert!(seen_through(&picture) > 0.05, "{:.3}", seen_through(&picture));
    let ran = desk.run(&[&again[..], &["--seed", "10", "--out", "no.png"]].concat());
    assert_eq!(ran.code, Some(USAGE), "{}", ran.errors);
    assert!(ran.errors.contains("accepted: 128x128"), "{}", ran.errors);
}
