//! `upscale` on a fake engine.

use std::path::PathBuf;

use image::RgbImage;
use likeness_cli::Failure;
use likeness_cli::arguments::Command;
use likeness_cli::environment::Cancelled;
use likeness_cli::request::Request;
use likeness_cli::upscale::{UpscaleOptions, WrittenLarger, upscale};
use likeness_picture::{
    DigitalSource, Format, Limits, PictureMetadata, read_metadata, read_picture,
};

use crate::commands::parsed;
use crate::fake::{Desk, Fake};

fn larger(
    desk: &Desk,
    image: PathBuf,
    by: u32,
    out: Option<PathBuf>,
) -> Result<WrittenLarger, Failure> {
    let asked = UpscaleOptions { image, by, out, ..told() };
    upscale(&asked, &desk.host, &Fake::default(), &mut |_| ())
}

/// What is asked where nothing is said.
fn told() -> UpscaleOptions {
    let Ok(Command::Upscale { options }) = parsed(&["upscale", "a.png"]) else {
        panic!("not understood")
    };
    options
}

/// A picture that was made here.
fn fox(desk: &Desk) -> PathBuf {
    let request = Request {
        prompt: "a red fox".into(),
        out: Some(desk.path("fox.png")),
        ..Request::default()
    };
    let (written, end) = desk.generate(request, &Fake::default());
    end.unwrap();
    written[0].path.clone()
}

#[test]
fn a_file_becomes_a_larger_file_of_any_format() {
    let desk = Desk::new();
    let fox = fox(&desk);
    for (name, format) in
        [("a.png", Format::Png), ("b.webp", Format::WebP), ("c.jpg", Format::Jpeg)]
    {
        let written = larger(&desk, fox.clone(), 2, Some(desk.path(name))).unwrap();
        assert_eq!((written.width, written.height, written.seconds), (256, 256, 0.25));
        assert_eq!(written.path, desk.path(name));
        let decoded = read_picture(&written.path, &Limits::default()).unwrap();
        assert_eq!((decoded.format, decoded.pixels.width), (format, 256));
        let metadata = read_metadata(&std::fs::read(&written.path).unwrap()).unwrap();
        let recipe = metadata.recipe().unwrap().unwrap();
        assert_eq!((recipe.prompt.as_str(), recipe.seed, recipe.width), ("a red fox", 77, 128));
        assert_eq!(recipe.enlarged.unwrap().by, 2);
    }
    let written = larger(&desk, fox, 4, Some(desk.path("folder"))).unwrap();
    assert_eq!(written.path, desk.path("folder/fox-x4.png"));
}

#[test]
fn without_a_place_it_goes_into_the_library_beside_what_it_was_made_from() {
    let desk = Desk::new();
    let path = desk.path("photo.png");
    RgbImage::new(5, 3).save(&path).unwrap();
    let written = larger(&desk, path.clone(), 4, None).unwrap();
    assert!(written.path.starts_with(&desk.host.library));
    let pixels = read_picture(&written.path, &Limits::default()).unwrap().pixels;
    assert_eq!((pixels.width, pixels.height), (20, 12));
    let source = read_picture(&path, &Limits::default()).unwrap().sha256;
    let kept = desk.files().into_iter().find(|file| file.contains(&source));
    assert!(kept.is_some(), "the smaller one is kept: {:?}", desk.files());
    let out = desk.path("out");
    let which = ["likeness", "library", "export", out.to_str().unwrap()];
    let Ok(Command::Library { command }) = parsed(&which[1..]) else { panic!("not understood") };
    likeness_cli::library::run(command, &desk.host).unwrap();
    let manifest = std::fs::read_to_string(out.join("manifest.json")).unwrap();
    assert!(manifest.contains(&source), "it is named as the parent: {manifest}");
}

/// It may take minutes, which would be for nothing.
#[test]
fn a_library_that_cannot_be_had_is_told_before_anything_is_computed() {
    let mut desk = Desk::new();
    let fox = fox(&desk);
    let watched = Fake { interrupt: Some(Cancelled::default()), error: None };
    let computed = || watched.interrupt.as_ref().unwrap().is_set();
    let refused = |desk: &Desk| {
        let (image, by) = (fox.clone(), 2);
        let asked = UpscaleOptions { image, by, out: None, ..told() };
        upscale(&asked, &desk.host, &watched, &mut |_| ()).unwrap_err()
    };
    let other = likeness_studio::Shelf::open(&desk.host.library, true, 0).unwrap();
    let failure = refused(&desk);
    assert_eq!(failure.exit_code(), 5);
    assert!(failure.to_string().contains("--out"), "{failure}");
    assert!(!computed());
    drop(other);
    desk.take_disk_out();
    assert_eq!(refused(&desk).exit_code(), 5);
    assert!(!computed());
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let desk = Desk::new();
    let fox = fox(&desk);
    let failed =
        |image: PathBuf, by, out: &str| larger(&desk, image, by, Some(desk.path(out))).unwrap_err();
    let failure = failed(fox.clone(), 3, "a.png");
    assert_eq!(failure, Failure::Usage("by: 3 is too many (accepted: 2, 4)".into()));
    assert_eq!(failed(desk.path("none.png"), 2, "a.png").exit_code(), 3);
    assert_eq!(failed(fox.clone(), 2, "a.bmp").exit_code(), 2);
    let interrupted = Fake { interrupt: Some(Cancelled::default()), error: None };
    let mut host = desk.host.clone();
    host.cancelled = interrupted.interrupt.clone().unwrap();
    let out = Some(desk.path("a.png"));
    let asked = UpscaleOptions { image: fox.clone(), by: 2, out, ..told() };
    let stopped = upscale(&asked, &host, &interrupted, &mut |_| ());
    assert_eq!(stopped, Err(Failure::Cancelled));
    assert!(!desk.path("a.png").exists(), "nothing is left behind");
    std::fs::remove_file(desk.host.library.join("models/upscaler/upscaler.json")).unwrap();
    assert_eq!(failed(fox, 2, "a.png").exit_code(), 4);
}

#[test]
fn it_can_be_given_away_and_says_to_machines_what_it_is() {
    let desk = Desk::new();
    let fox = fox(&desk);
    let photo = desk.path("photo.png");
    RgbImage::new(5, 3).save(&photo).unwrap();
    let write = |image: &PathBuf, name: &str, no_recipe, no_ai_mark| {
        let (image, out) = (image.clone(), Some(desk.path(name)));
        let asked = UpscaleOptions { image, by: 2, out, no_recipe, no_ai_mark, ..told() };
        upscale(&asked, &desk.host, &Fake::default(), &mut |_| ()).unwrap();
        read_metadata(&std::fs::read(desk.path(name)).unwrap()).unwrap()
    };
    for (name, format) in
        [("a.png", Format::Png), ("a.webp", Format::WebP), ("a.jpg", Format::Jpeg)]
    {
        let (made, changed) = (Some(DigitalSource::Made), Some(DigitalSource::Changed));
        let plain = write(&fox, name, true, false);
        assert_eq!(plain.digital_source, made, "{name}");
        let texts = plain.texts.iter().filter(|(key, _)| !key.starts_with("XML:"));
        assert_eq!((plain.recipe_json, plain.parameters, texts.count()), (None, None, 0));
        std::fs::remove_file(desk.path(name)).unwrap();
        assert_eq!(write(&fox, name, true, true), PictureMetadata::none(format));
        std::fs::remove_file(desk.path(name)).unwrap();
        assert!(write(&fox, name, false, true).recipe_json.is_some());
        std::fs::remove_file(desk.path(name)).unwrap();
        assert_eq!(write(&photo, name, false, false).digital_source, changed, "a photograph");
    }
    let asked = UpscaleOptions { image: fox, by: 2, out: Some(desk.path("a.png")), ..told() };
    let refused = upscale(&asked, &desk.host, &Fake::default(), &mut |_| ()).unwrap_err();
    assert!(refused.to_string().contains("--overwrite"), "{refused}");
    let asked = UpscaleOptions { overwrite: true, ..asked };
    upscale(&asked, &desk.host, &Fake::default(), &mut |_| ()).unwrap();
}
