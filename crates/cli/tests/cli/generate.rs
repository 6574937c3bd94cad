//! `generate` and `edit` on a fake engine: what is written where, and what is refused how.

use crate::fake::{Desk, Fake};
use likeness_cli::request::{LoraFile, Request};
use likeness_cli::{Failure, show};
use likeness_picture::{Format, encode};
use likeness_recipe::{Pixels, RenderError, Role, Seed};
use likeness_studio::api::Filter;
use likeness_studio::care;

fn fox() -> Request {
    Request {
        prompt: "A red Fox, ein süßer!".into(),
        seed: Some(Seed::Fixed(7)),
        ..Request::default()
    }
}

/// A picture of this size at `name`.
fn put_picture(desk: &Desk, name: &str, width: u32, height: u32) -> std::path::PathBuf {
    let data = vec![200; (width * height * 3) as usize];
    let pixels = Pixels::new(width, height, 3, data).unwrap();
    let (written, _) =
        desk.generate(Request { out: Some(desk.path("source.png")), ..fox() }, &Fake::default());
    let bytes = encode(&pixels, Format::Png, &written[0].recipe).unwrap();
    std::fs::remove_file(desk.path("source.png")).unwrap();
    let path = desk.path(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// `request` fails with this exit code, in one line that holds `words`, and leaves nothing.
#[track_caller]
fn refused(request: Request, code: u8, words: &[&str]) {
    let desk = Desk::new();
    refused_on(&desk, request, code, words);
    assert!(desk.files().is_empty(), "left behind: {:?}", desk.files());
}

#[track_caller]
fn refused_on(desk: &Desk, request: Request, code: u8, words: &[&str]) {
    let (written, end) = desk.generate(request, &Fake::default());
    let failure = end.expect_err("it is accepted");
    let line = failure.to_string();
    assert_eq!(failure.exit_code(), code, "{line}");
    assert!(!line.contains('\n'), "more than one line: {line}");
    assert!(words.iter().all(|word| line.contains(word)), "{words:?} are not in {line:?}");
    assert!(written.is_empty());
}

#[test]
fn pictures_go_to_the_library_with_what_is_known_of_them() {
    let desk = Desk::new();
    let (written, end) = desk.generate(Request { count: Some(2), ..fox() }, &Fake::default());
    end.unwrap();
    let paths: Vec<_> = written.iter().map(|one| one.path.clone()).collect();
    let day = desk.host.library.join("pictures/2026/11/20");
    assert!(paths.iter().all(|path| path.starts_with(&day)), "{paths:?}");
    assert_eq!(desk.files().len(), 2);
    let filter = Filter { text: Some("fox".into()), ..every() };
    let (page, listed) = care::list(&desk.host.library, filter, None, 10).unwrap();
    assert_eq!(listed, [paths[1].clone(), paths[0].clone()], "the newest first");
    assert_eq!(
        (page.items[0].seed.as_deref(), page.items[0].source.as_str()),
        (Some("8"), "likeness")
    );
    assert_eq!(written.iter().map(|one| one.seed).collect::<Vec<_>>(), [7, 8]);
    assert_eq!((written[0].recipe.count, written[1].recipe.seed), (1, 8), "each carries its own");
    assert!(written[0].seconds.total > 0.0);
}

fn every() -> Filter {
    serde_json::from_str("{}").unwrap()
}

#[test]
fn pictures_that_were_looked_at_are_kept_with_the_result() {
    let desk = Desk::new();
    let mug = put_picture(&desk, "mug.png", 64, 64);
    let request = Request { references: vec![(Role::Subject, mug)], ..fox() };
    let (written, end) = desk.generate(request, &Fake::default());
    end.unwrap();
    let hash = &written[0].recipe.references[0].sha256;
    let kept = desk.files().into_iter().any(|name| name.contains("assets/") && name.contains(hash));
    assert!(kept, "{:?}", desk.files());
}

#[test]
fn a_library_that_is_in_use_is_said_to_be_and_out_works() {
    let desk = Desk::new();
    let _other = likeness_studio::Shelf::open(&desk.host.library, true, 0).unwrap();
    refused_on(&desk, fox(), 5, &["library", "open", "--out"]);
    let request = Request { out: Some(desk.path("a.png")), ..fox() };
    desk.generate(request, &Fake::default()).1.unwrap();
    assert!(desk.path("a.png").is_file());
}

#[test]
fn a_name_that_is_taken_is_left_alone() {
    let desk = Desk::new();
    for _ in 0..2 {
        desk.generate(Request { out: Some(desk.path("drafts/")), ..fox() }, &Fake::default())
            .1
            .unwrap();
    }
    assert_eq!(
        desk.files(),
        ["drafts/a-red-fox-ein-süßer-7-2.png", "drafts/a-red-fox-ein-süßer-7.png"]
    );
}

#[test]
fn a_prompt_of_no_letters_still_names_a_file() {
    let desk = Desk::new();
    for prompt in ["!!!", &"狐".repeat(200)] {
        let request = Request { prompt: prompt.into(), out: Some(desk.path("d")), ..fox() };
        desk.generate(request, &Fake::default()).1.unwrap();
    }
    let files = desk.files();
    assert!(files.contains(&"d/7.png".to_owned()), "{files:?}");
    assert!(files.iter().all(|name| name.len() < 120), "{files:?}");
}

#[test]
fn out_names_the_format_and_numbers_several() {
    let desk = Desk::new();
    for name in ["a.png", "a.jpg", "a.webp"] {
        desk.generate(Request { out: Some(desk.path(name)), ..fox() }, &Fake::default()).1.unwrap();
        let recipe = show::recipe(&desk.path(name), true).unwrap();
        assert!(recipe.contains(r#""seed":7"#), "{name}: {recipe}");
    }
    let several = Request { out: Some(desk.path("b.webp")), count: Some(2), ..fox() };
    desk.generate(several, &Fake::default()).1.unwrap();
    assert_eq!(desk.files(), ["a.jpg", "a.png", "a.webp", "b-1.webp", "b-2.webp"]);
}

#[test]
fn a_picture_can_be_given_away_without_its_recipe() {
    let desk = Desk::new();
    for name in ["a.png", "a.jpg", "a.webp", "folder/"] {
        let out = Some(desk.path(name));
        desk.generate(Request { out, no_recipe: true, ..fox() }, &Fake::default()).1.unwrap();
    }
    let files = desk.files();
    assert_eq!(files, ["a.jpg", "a.png", "a.webp", "folder/picture.png"], "nor does the name");
    for name in files {
        let bytes = std::fs::read(desk.path(&name)).unwrap();
        let prompt = fox().prompt;
        let says = bytes.windows(prompt.len()).any(|part| part == prompt.as_bytes());
        assert!(!says && show::recipe(&desk.path(&name), true).is_err(), "{name}");
    }
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    let desk = Desk::new();
    for name in ["a.png", "b.png"] {
        desk.generate(Request { out: Some(desk.path(name)), ..fox() }, &Fake::default()).1.unwrap();
    }
    assert_eq!(
        std::fs::read(desk.path("a.png")).unwrap(),
        std::fs::read(desk.path("b.png")).unwrap()
    );
}

#[test]
fn an_open_seed_is_drawn() {
    for seed in [None, Some(Seed::Random)] {
        let (written, _) = Desk::new().generate(Request { seed, ..fox() }, &Fake::default());
        assert_eq!(written[0].seed, 77);
    }
}

#[test]
fn an_edit_takes_the_shape_of_its_picture() {
    let desk = Desk::new();
    let image = put_picture(&desk, "wide.png", 300, 200);
    let request = Request { references: vec![(Role::Edit, image)], ..fox() };
    let (written, end) = desk.generate(request.clone(), &Fake::default());
    end.unwrap();
    let recipe = &written[0].recipe;
    assert_eq!((recipe.width, recipe.height), (160, 112));
    assert_eq!(recipe.references[0].name.as_deref(), Some("wide.png"));
    assert_eq!(recipe.references[0].sha256.len(), 64);
    let sized = Request { size: Some("64x64".parse().unwrap()), ..request };
    assert_eq!(
        desk.generate(sized, &Fake::default()).0[0].recipe.width,
        64,
        "unless told otherwise"
    );
}

#[test]
fn a_cancelled_render_leaves_no_file() {
    let desk = Desk::new();
    let engine = Fake { interrupt: Some(desk.host.cancelled.clone()), ..Fake::default() };
    let (_, end) = desk.generate(Request { out: Some(desk.path("a.png")), ..fox() }, &engine);
    assert_eq!(end, Err(Failure::Cancelled));
    assert_eq!(end.unwrap_err().exit_code(), 130);
    assert!(desk.files().is_empty());
}

#[test]
fn a_picture_that_is_finished_is_kept_when_the_next_is_cancelled() {
    let desk = Desk::new();
    let engine = Fake { interrupt: Some(desk.host.cancelled.clone()), ..Fake::default() };
    let one_step =
        Request { steps: Some(1), count: Some(3), out: Some(desk.path("a.png")), ..fox() };
    let (written, end) = desk.generate(one_step, &engine);
    assert_eq!((written.len(), end), (1, Err(Failure::Cancelled)));
    assert_eq!(desk.files(), ["a-1.png"]);
}

#[test]
fn requests_that_cannot_be_met() {
    refused(Request { prompt: " ".into(), ..fox() }, 2, &["prompt", "empty"]);
    refused(Request { prompt: "x".repeat(4001), ..fox() }, 2, &["prompt", "4000"]);
    refused(
        Request { size: Some("130x128".parse().unwrap()), ..fox() },
        2,
        &["size", "128x128, 144x128"],
    );
    refused(Request { steps: Some(0), ..fox() }, 2, &["steps", "1 to 100"]);
    refused(Request { sampler: Some("eulr".into()), ..fox() }, 2, &["sampler", "flow_euler"]);
    refused(Request { mask: Some("m.png".into()), ..fox() }, 2, &["mask"]);
    let loras = vec![LoraFile::parse("paper.safetensors:0.8")];
    refused(Request { loras, ..fox() }, 2, &["loras", "flux2"]);
    refused(
        Request { initial_noise: Some("n".into()), count: Some(2), ..fox() },
        2,
        &["initial_noise"],
    );
    refused(Request { out: Some("fox.gif".into()), ..fox() }, 2, &["out", ".png"]);
}

/// Its pictures never change, and what somebody puts among them would be taken for one.
#[test]
fn nothing_is_written_into_the_library_by_a_path() {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.host.library.join("pictures")).unwrap();
    for out in ["pictures/a.png", "pictures", "new/folder/"] {
        let out = Some(desk.host.library.join(out));
        refused_on(&desk, Request { out, ..fox() }, 2, &["out:", "lies in the library"]);
    }
    assert!(!desk.host.library.join("new").exists());
}

#[test]
fn inputs_that_cannot_be_used() {
    refused(
        Request { references: vec![(Role::Subject, "no.png".into())], ..fox() },
        3,
        &["ref: no.png"],
    );
    refused(Request { init: Some("no.png".into()), ..fox() }, 3, &["init: no.png"]);
    refused(
        Request { initial_noise: Some("no".into()), ..fox() },
        3,
        &["initial_noise: no", "noise"],
    );
    let desk = Desk::new();
    let text = desk.path("a.png");
    std::fs::write(&text, "not a picture").unwrap();
    let request = Request { references: vec![(Role::Subject, text)], ..fox() };
    refused_on(
        &desk,
        request,
        3,
        &["ref", "a.png", "not a picture", "PNG, JPEG, WebP, GIF, TIFF, BMP"],
    );
}

#[test]
fn models_that_cannot_be_had() {
    refused(Request { model: Some("klein".into()), ..fox() }, 4, &["klein", "likeness-starter"]);
    refused(Request { model: Some("no/such".into()), ..fox() }, 4, &["no/such", ".safetensors"]);
    let mut desk = Desk::new();
    desk.host.model_places.clear();
    refused_on(&desk, fox(), 4, &["starter", "LIKENESS_MODELS"]);
    for name in ["starter", "likeness-starter"] {
        Desk::new()
            .generate(Request { model: Some(name.into()), ..fox() }, &Fake::default())
            .1
            .unwrap();
    }
}

#[test]
fn places_that_cannot_be_written() {
    refused(Request { out: Some("no/such/folder/a.png".into()), ..fox() }, 5, &["out"]);
    let desk = Desk::new();
    std::fs::write(desk.path("file"), "").unwrap();
    refused_on(&desk, Request { out: Some(desk.path("file/inside")), ..fox() }, 5, &["out"]);
}

#[test]
fn what_the_engine_says_is_sorted() {
    let request = RenderError::Request {
        field: "prompt".into(),
        problem: "long".into(),
        accepted: "short".into(),
    };
    let model = RenderError::Model { file: "a".into(), problem: "cut".into() };
    let (field, accepted) = ("size", "a smaller size");
    let (needed, available) = (9_000_000_000, 1_000_000);
    for (error, code) in [
        (request, 2),
        (RenderError::Memory { field, accepted, needed, available }, 2),
        (model, 4),
        (RenderError::Internal("oh".into()), 1),
        (RenderError::Cancelled, 130),
    ] {
        let desk = Desk::new();
        let (_, end) = desk.generate(fox(), &Fake { error: Some(error), ..Fake::default() });
        assert_eq!(end.unwrap_err().exit_code(), code);
        assert!(desk.files().is_empty());
    }
}

#[test]
fn numbers_come_in_and_go_out() {
    use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
    let desk = Desk::new();
    let (noise, dump) = (desk.path("noise.safetensors"), desk.path("dump.safetensors"));
    let bytes: Vec<u8> = [1.0_f32, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F32, vec![1, 2], &bytes).unwrap();
    std::fs::write(&noise, serialize([("noise", view)], None).unwrap()).unwrap();
    let read = likeness_cli::tensors::read_noise(&noise).unwrap();
    assert_eq!((read.shape, read.data), (vec![1, 2], vec![1.0, -2.0]));

    let request = Request { initial_noise: Some(noise), dump: Some(dump.clone()), ..fox() };
    desk.generate(request, &Fake::default()).1.unwrap();
    let file = std::fs::read(dump).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    assert_eq!(
        tensors.tensor("latents").unwrap().data(),
        [7.0_f32, 0.5].map(f32::to_le_bytes).concat()
    );
    assert_eq!(tensors.tensor("pixels").unwrap().shape(), [1, 2]);
}

#[test]
fn an_edit_that_changed_nothing_is_told_with_what_could_be_tried() {
    let desk = Desk::new();
    let mug = put_picture(&desk, "mug.png", 128, 128);
    let edit = |prompt: &str, guard| Request {
        prompt: prompt.into(),
        references: vec![(Role::Edit, mug.clone())],
        guard,
        out: Some(desk.path("new.png")),
        overwrite: true,
        ..fox()
    };
    let (written, notes) = desk.noted(edit("nothing", None), &Fake::default());
    assert_eq!(written[0].changed, Some(0.0));
    assert_eq!(notes.len(), 1, "{notes:?}");
    for word in ["nothing changed", "--no-guard", "--mask"] {
        assert!(notes[0].contains(word), "{word} is not in {}", notes[0]);
    }
    let (_, notes) = desk.noted(edit("nothing", Some(false)), &Fake::default());
    assert!(!notes[0].contains("--no-guard"), "it was said already: {}", notes[0]);
    let (written, notes) = desk.noted(edit("something", None), &Fake::default());
    assert_eq!((written[0].changed, notes), (Some(0.25), vec![]));
}
