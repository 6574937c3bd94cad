//! Pictures of exactly the size that is asked for, drawn by the starter.

use likeness_tests::program::Desk;

#[test]
fn a_picture_comes_at_exactly_the_size() {
    let desk = Desk::new();
    let asked = ["generate", "a red fox on a snowy beach", "--seed", "7", "--size", "128x128"];
    let ways = ["--deliver", "feed-portrait", "--out", "post.png", "--json"];
    let printed = desk.succeed(&[&asked[..], &ways].concat()).json().remove(0);
    let delivered = &printed["recipe"]["delivered"];
    assert_eq!((&delivered["width"], &delivered["height"]), (&1080.into(), &1350.into()));
    assert_eq!(size(&desk, "post.png"), (1080, 1350));
    // The drawn one is what `deliver` makes the same of.
    desk.succeed(&[&asked[..], &["--out", "fox.png"]].concat());
    let ways = ["deliver", "fox.png", "--at", "1080x1350", "--out", "again.png", "--json"];
    let printed = desk.succeed(&ways).json().remove(0);
    assert_eq!(printed["enlarged"], serde_json::json!([4, 4]));
    assert_ne!(printed["fit"], "crop", "a fifth would be cut off");
    assert_eq!(pixels(&desk, "post.png"), pixels(&desk, "again.png"));
    // And by the id of a picture of the library.
    let kept = desk.succeed(&[&asked[..], &["--json"]].concat()).json().remove(0);
    let path = std::path::PathBuf::from(kept["path"].as_str().expect("a path"));
    let id = path.file_stem().and_then(|stem| stem.to_str()).expect("its id");
    desk.succeed(&["deliver", id, "--at", "banner", "--fit", "crop", "--out", "banner.webp"]);
    assert_eq!(size(&desk, "banner.webp"), (728, 90));
}

#[test]
fn what_is_no_size_is_refused_with_those_that_are() {
    let desk = Desk::new();
    for (arguments, word) in [
        (["deliver", "fox.png", "--at", "postcard"], "feed-portrait"),
        (["generate", "a fox", "--deliver", "0x9"], "1 to 16384"),
    ] {
        super::refusals::refuses(&desk, &arguments, 2, &[word]);
    }
}

fn pixels(desk: &Desk, name: &str) -> image::RgbaImage {
    image::load_from_memory(&desk.bytes(name)).expect("it is a picture").into_rgba8()
}

fn size(desk: &Desk, name: &str) -> (u32, u32) {
    pixels(desk, name).dimensions()
}
