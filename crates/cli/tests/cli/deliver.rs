//! `deliver`, and `generate --deliver`, on a fake engine.

use std::path::PathBuf;

use likeness_cli::Failure;
use likeness_cli::arguments::{Answer, Command};
use likeness_cli::deliver::{DeliverOptions, WrittenDelivery, deliver};
use likeness_cli::request::Request;
use likeness_picture::{Format, Limits, read_metadata, read_picture};
use likeness_recipe::{Fit, Size};
use likeness_studio::api::{DeliverChoice, DeliverFit};

use crate::commands::parsed;
use crate::fake::{Desk, Fake};

fn asked(image: PathBuf, width: u32, height: u32, out: Option<PathBuf>) -> DeliverOptions {
    let at = Size { width, height };
    DeliverOptions {
        image,
        at,
        fit: Fit::Auto,
        background: None,
        out,
        json: false,
        overwrite: false,
        no_recipe: false,
        no_ai_mark: false,
        quiet: false,
    }
}

fn done(desk: &Desk, asked: &DeliverOptions) -> Result<WrittenDelivery, Failure> {
    deliver(asked, &desk.host, &Fake::default(), &mut |_| ())
}

/// A picture that was made here.
fn fox(desk: &Desk, out: Option<&str>) -> PathBuf {
    let out = out.map(|name| desk.path(name));
    let request = Request { prompt: "a red fox".into(), out, ..Request::default() };
    let (written, end) = desk.generate(request, &Fake::default());
    end.unwrap();
    written[0].path.clone()
}

#[test]
fn a_file_becomes_one_of_exactly_the_size() {
    let desk = Desk::new();
    let fox = fox(&desk, Some("fox.png"));
    for (name, format, width, height) in [
        ("a.png", Format::Png, 270, 338),
        ("b.webp", Format::WebP, 728, 90),
        ("c.jpg", Format::Jpeg, 150, 125),
    ] {
        let asked = asked(fox.clone(), width, height, Some(desk.path(name)));
        let written = done(&desk, &asked).unwrap();
        assert_eq!((written.width, written.height), (width, height));
        let decoded = read_picture(&written.path, &Limits::default()).unwrap();
        assert_eq!((decoded.format, decoded.pixels.size()), (format, Size { width, height }));
        let metadata = read_metadata(&std::fs::read(&written.path).unwrap()).unwrap();
        let recipe = metadata.recipe().unwrap().unwrap();
        assert_eq!((recipe.prompt.as_str(), recipe.width), ("a red fox", 128));
        assert_eq!(recipe.delivered.unwrap().width, width);
    }
    let folder = done(&desk, &asked(fox, 60, 60, Some(desk.path("folder")))).unwrap();
    assert_eq!(folder.path, desk.path("folder/fox-60x60.png"));
    assert!(folder.enlarged.is_empty());
}

#[test]
fn a_picture_of_the_library_is_named_by_its_id() {
    let desk = Desk::new();
    let file = fox(&desk, None);
    let id = PathBuf::from(file.file_stem().unwrap());
    let written = done(&desk, &asked(id, 200, 200, None)).unwrap();
    assert!(written.path.starts_with(&desk.host.library));
    assert_eq!(read_picture(&written.path, &Limits::default()).unwrap().pixels.width, 200);
    let nobody = done(&desk, &asked("ab".repeat(32).into(), 200, 200, None)).unwrap_err();
    assert!(matches!(nobody, Failure::Usage(_)), "{nobody}");
}

#[test]
fn what_is_drawn_comes_at_its_size() {
    let desk = Desk::new();
    let deliver = DeliverChoice {
        width: 270,
        height: 338,
        fit: DeliverFit::Auto,
        background: None,
        asset: None,
    };
    for out in [Some(desk.path("post.png")), None] {
        let request = Request {
            prompt: "a red fox".into(),
            deliver: Some(deliver.clone()),
            out,
            ..Request::default()
        };
        let (written, end) = desk.generate(request, &Fake::default());
        end.unwrap();
        let made = read_picture(&written[0].path, &Limits::default()).unwrap().pixels;
        assert_eq!((made.width, made.height), (270, 338));
        let recipe = &written[0].recipe;
        assert!(recipe.height >= recipe.width, "a size of about that shape is drawn");
        assert!(recipe.delivered.is_some() && recipe.enlarged.is_some());
    }
}

#[test]
fn sizes_have_names_and_slips_are_named() {
    let size = |at: &str| match parsed(&["deliver", "fox.png", "--at", at]) {
        Ok(Command::Deliver { options }) => Ok(options.at),
        Err(Answer::Failure(failure)) => Err(failure),
        other => panic!("{other:?}"),
    };
    assert_eq!(size("story").unwrap(), Size { width: 1080, height: 1920 });
    assert_eq!(size("1080x1350").unwrap(), Size { width: 1080, height: 1350 });
    let slip = size("storey").unwrap_err();
    assert!(slip.to_string().contains("feed-portrait"), "{slip}");
    let slip = parsed(&["deliver", "fox.png", "--at", "feed", "--fit", "squeeze"]);
    assert!(matches!(&slip, Err(Answer::Failure(slip)) if slip.to_string().contains("blurred")));
    let desk = Desk::new();
    let image = fox(&desk, Some("fox.png"));
    let wrong = DeliverOptions { background: Some("white".to_owned()), ..asked(image, 9, 9, None) };
    let slip = done(&desk, &wrong).unwrap_err();
    assert!(slip.to_string().contains("#rrggbb"), "{slip}");
}
