//! What comes in by a recipe and what goes out by `--out`: nothing is replaced that nobody gave up, and
//! what a model made says so.

use std::path::{Path, PathBuf};
use std::process::{Command as Program, Stdio};

use likeness_cli::recipe_file::RecipeFile;
use likeness_cli::request::Request;
use likeness_cli::{Failure, show};
use likeness_picture::{DigitalSource, read_metadata};
use likeness_recipe::{Role, Seed};

use crate::fake::{Desk, Fake};
use crate::queue::queue;

fn fox(out: PathBuf) -> Request {
    let (prompt, seed) = ("a red fox".to_owned(), Some(Seed::Fixed(7)));
    Request { prompt, seed, out: Some(out), ..Request::default() }
}

/// The recipe at `recipe`, rendered into a file.
fn again(recipe: PathBuf, out: PathBuf) -> Request {
    Request { recipe: Some(recipe), out: Some(out), ..Request::default() }
}

#[track_caller]
fn refused(desk: &Desk, request: Request, code: u8, words: &[&str]) {
    let (written, end) = desk.generate(request, &Fake::default());
    let failure = end.expect_err("it is accepted");
    let line = failure.to_string();
    assert_eq!(failure.exit_code(), code, "{line}");
    assert!(words.iter().all(|word| line.contains(word)), "{words:?} are not in {line:?}");
    assert!(written.is_empty());
}

fn source(path: &Path) -> Option<DigitalSource> {
    read_metadata(&std::fs::read(path).unwrap()).unwrap().digital_source
}

/// A picture that no model made.
fn photograph(desk: &Desk) -> PathBuf {
    let path = desk.path("photo.png");
    image::RgbImage::from_pixel(64, 64, image::Rgb([90, 120, 30])).save(&path).unwrap();
    path
}

#[test]
fn a_file_is_replaced_only_when_told() {
    let desk = Desk::new();
    let path = desk.path("a.png");
    std::fs::write(&path, "mine").unwrap();
    refused(&desk, fox(path.clone()), 2, &["out: ", "a.png", "already", "--overwrite"]);
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    std::fs::write(desk.path("b-2.png"), "mine").unwrap();
    let three = Request { count: Some(3), ..fox(desk.path("b.png")) };
    refused(&desk, three.clone(), 2, &["b-2.png", "--overwrite"]);
    assert!(!desk.path("b-1.png").exists(), "it is found before the first is made");
    for request in [fox(path.clone()), three] {
        desk.generate(Request { overwrite: true, ..request }, &Fake::default()).1.unwrap();
    }
    assert!(std::fs::read(&path).unwrap().starts_with(b"\x89PNG"));
    assert!(std::fs::read(desk.path("b-2.png")).unwrap().starts_with(b"\x89PNG"));
    let dump = desk.path("numbers.safetensors");
    std::fs::write(&dump, "mine").unwrap();
    let request = Request { dump: Some(dump), ..fox(desk.path("c.png")) };
    refused(&desk, request, 2, &["dump: ", "already"]);
}

#[cfg(unix)]
#[test]
fn what_may_only_be_read_or_is_no_file_stays_as_it_is() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let desk = Desk::new();
    let over = |path: PathBuf| Request { overwrite: true, ..fox(path) };
    let kept = desk.path("kept.png");
    std::fs::write(&kept, "mine").unwrap();
    std::fs::set_permissions(&kept, PermissionsExt::from_mode(0o444)).unwrap();
    refused(&desk, over(kept.clone()), 5, &["kept.png", "only be read"]);
    assert_eq!(std::fs::read(&kept).unwrap(), b"mine");
    let (link, real) = (desk.path("link.png"), desk.path("real.png"));
    symlink(&real, &link).unwrap();
    refused(&desk, over(link.clone()), 2, &["link.png", "leads nowhere"]);
    std::fs::write(&real, "mine").unwrap();
    refused(&desk, fox(link.clone()), 2, &["link.png", "already"]);
    desk.generate(over(link.clone()), &Fake::default()).1.unwrap();
    assert!(link.is_symlink(), "the link is left");
    assert!(std::fs::read(&real).unwrap().starts_with(b"\x89PNG"), "its file is the new one");
    let device = desk.path("device.png");
    symlink("/dev/null", &device).unwrap();
    refused(&desk, over(device), 2, &["device.png", "no file"]);
}

#[test]
fn standard_output_takes_one_picture() {
    let desk = Desk::new();
    let two = Request { count: Some(2), ..fox("-".into()) };
    refused(&desk, two, 2, &["out: ", "one picture", "--count 1"]);
    let Err(Failure::Usage(line)) = likeness_cli::output::is_standard(Some(Path::new("-")), true)
    else {
        panic!("an object has no room beside a picture")
    };
    assert!(line.contains("--json"), "{line}");
}

#[test]
fn what_a_model_made_or_changed_says_so_unless_told_not_to() {
    let desk = Desk::new();
    let photo = photograph(&desk);
    let write = |name: &str, request: Request| {
        let path = desk.path(name);
        let request = Request { out: Some(path.clone()), ..request };
        desk.generate(request, &Fake::default()).1.unwrap();
        (source(&path), path)
    };
    let (made, changed) = (Some(DigitalSource::Made), Some(DigitalSource::Changed));
    let plain = fox(PathBuf::new());
    let edit =
        |path: &Path| Request { references: vec![(Role::Edit, path.to_owned())], ..plain.clone() };
    let (said, own) = write("own.png", plain.clone());
    assert_eq!(said, made);
    assert_eq!(write("a.jpg", Request { no_recipe: true, ..plain.clone() }).0, made);
    assert_eq!(write("b.webp", Request { no_ai_mark: true, ..plain.clone() }).0, None);
    assert_eq!(write("c.png", edit(&own)).0, made, "of what a model made");
    let (said, edited) = write("d.png", edit(&photo));
    assert_eq!(said, changed);
    assert_eq!(write("e.png", edit(&edited)).0, changed, "it began with a photograph");
    let init = Request { init: Some(photo.clone()), ..plain.clone() };
    assert_eq!(write("f.webp", init).0, changed);
    let subject = Request { references: vec![(Role::Subject, photo)], ..plain.clone() };
    assert_eq!(write("g.png", subject).0, made, "it was only looked at");
    let kept = Request { out: None, ..plain };
    let (written, end) = desk.generate(kept, &Fake::default());
    end.unwrap();
    assert_eq!(source(&written[0].path), made, "in the library too");
}

#[test]
fn a_recipe_makes_the_same_picture_again() {
    let desk = Desk::new();
    let mug = photograph(&desk);
    let first = Request {
        references: vec![(Role::Edit, mug.clone()), (Role::Subject, mug.clone())],
        guard: Some(false),
        steps: Some(3),
        negative: Some("fog".into()),
        guidance: Some(2.5),
        size: Some("64x96".parse().unwrap()),
        out: None,
        ..fox(PathBuf::new())
    };
    // The library has what the recipe names, from now on.
    let (written, end) = desk.generate(first, &Fake::default());
    end.unwrap();
    let bytes = std::fs::read(&written[0].path).unwrap();
    let json = desk.path("recipe.json");
    std::fs::write(&json, show::recipe(&written[0].path, true).unwrap()).unwrap();
    std::fs::remove_file(&mug).unwrap();
    for (recipe, out) in [(written[0].path.clone(), "a.png"), (json, "b.png")] {
        desk.generate(again(recipe.clone(), desk.path(out)), &Fake::default()).1.unwrap();
        assert!(std::fs::read(desk.path(out)).unwrap() == bytes, "{out} is another picture");
        let other = Request {
            prompt: "a blue fox".into(),
            seed: Some(Seed::Fixed(9)),
            overwrite: true,
            ..again(recipe, desk.path(out))
        };
        let (written, end) = desk.generate(other, &Fake::default());
        end.unwrap();
        let recipe = &written[0].recipe;
        assert_eq!((recipe.prompt.as_str(), recipe.seed), ("a blue fox", 9), "what is said, first");
        assert_eq!((recipe.steps, recipe.negative.as_str(), recipe.height), (3, "fog", 96));
        assert_eq!(recipe.references[0].name.as_deref(), Some("photo.png"));
        assert_eq!(recipe.references[0].guard, Some(false));
    }
    let elsewhere = Desk::new();
    let gone = again(written[0].path.clone(), elsewhere.path("a.png"));
    refused(&elsewhere, gone, 3, &["photo.png", "not in the library", "likeness edit"]);
}

const A1111: &str = "a blue car, <lora:paper:0.8>, in snow\nNegative prompt: rain\n\
    Steps: 20, Sampler: Euler, CFG scale: 7, Seed: 42, Size: 96x64, Model: dream, RNG: CPU, Clip skip: 2";

/// A picture that another program made.
fn foreign(desk: &Desk, settings: &str) -> PathBuf {
    let path = desk.path("foreign.png");
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
    encoder.add_text_chunk("parameters".into(), settings.into()).unwrap();
    encoder.write_header().unwrap().write_image_data(&[0]).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn another_programs_recipe_is_shown_in_our_words() {
    let desk = Desk::new();
    let path = foreign(&desk, A1111);
    let lines = show::recipe(&path, false).unwrap();
    for line in [
        "made with AUTOMATIC1111",
        "prompt: a blue car, in snow",
        "model: dream",
        "seed: 42",
        "noise_source: torch",
        "not matched: LoRA: paper:0.8 (Likeness has no such setting)",
        "not matched: Clip skip: 2 (Likeness has no such setting)",
    ] {
        assert!(lines.lines().any(|there| there == line), "{line:?} is not in {lines}");
    }
    let object: serde_json::Value =
        serde_json::from_str(&show::recipe(&path, true).unwrap()).unwrap();
    assert_eq!(object["program"], "AUTOMATIC1111");
    assert_eq!((&object["steps"], &object["width"]), (&20.into(), &96.into()));
    assert_eq!(object["model"]["name"], "dream");
    let left = &object["unmatched"][1];
    let fields = ["name", "value", "reason"].map(|field| left[field].as_str().unwrap());
    assert_eq!(fields, ["Clip skip", "2", "no_such_setting"]);
}

#[test]
fn another_programs_recipe_is_rendered_by_a_model_that_is_named() {
    let desk = Desk::new();
    let path = foreign(&desk, A1111);
    let json = desk.path("theirs.json");
    std::fs::write(&json, show::recipe(&path, true).unwrap()).unwrap();
    for recipe in [path, json] {
        let request = again(recipe.clone(), desk.path("a.png"));
        refused(&desk, request.clone(), 4, &["recipe: ", "dream", "--model"]);
        let request = Request {
            model: Some("starter".into()),
            overwrite: true,
            size: Some("96x64".parse().unwrap()),
            ..request
        };
        let (written, end) = desk.generate(request, &Fake::default());
        end.unwrap();
        let made = &written[0].recipe;
        assert_eq!((made.prompt.as_str(), made.seed), ("a blue car, in snow", 42));
        assert_eq!(made.noise_source.name(), "torch", "as that program drew it");
        assert_eq!((made.steps, made.guidance, made.negative.as_str()), (4, 1.0, ""));
    }
    let able = crate::fake::capabilities();
    let file = RecipeFile::read(&foreign(&desk, A1111)).unwrap();
    let said = Request { model: Some("starter".into()), ..Request::default() };
    let (_, notes) = file.complete(&said, &able, &desk.host).unwrap();
    let note = notes.join("\n");
    for part in ["left to likeness-starter", "steps 20", "guidance 7", "negative rain"] {
        assert!(note.contains(part), "{part:?} is not in {note}");
    }
    // Of the model itself everything is taken, under the names that it has for things.
    let own = foreign(&desk, &A1111.replace("Model: dream", "Model: likeness-starter"));
    let request = again(own, desk.path("b.png"));
    let (written, end) = desk.generate(request, &Fake::default());
    end.unwrap();
    let made = &written[0].recipe;
    assert_eq!((made.steps, made.guidance, made.negative.as_str()), (20, 7.0, "rain"));
    assert_eq!((made.sampler.name(), made.width, made.height), ("flow_euler", 96, 64));
}

#[test]
fn recipes_that_cannot_be_read_or_made() {
    let desk = Desk::new();
    let made = desk.generate(fox(desk.path("fox.png")), &Fake::default()).0;
    let own = made[0].recipe.to_json();
    let file = |name: &str, text: &str| {
        std::fs::write(desk.path(name), text).unwrap();
        again(desk.path(name), desk.path("out.png"))
    };
    refused(&desk, again(desk.path("none"), desk.path("out.png")), 3, &["recipe: ", "none"]);
    refused(&desk, file("text", "a red fox"), 3, &["neither a picture nor JSON", "--json"]);
    refused(&desk, file("half", &own[..own.len() / 2]), 3, &["recipe: ", "accepted: JSON"]);
    let slip = own.replace("\"steps\"", "\"stepps\"");
    refused(&desk, file("slip", &slip), 3, &["stepps"]);
    let newer = own.replace(&format!("\"schema\":{}", likeness_recipe::SCHEMA), "\"schema\":99");
    refused(&desk, file("newer", &newer), 3, &["99", "newer"]);
    let other = own.replace(&"5a".repeat(32), &"0b".repeat(32));
    refused(&desk, file("other", &other), 2, &["other weights", "--model likeness-starter"]);
    let unknown = own.replace("likeness-starter", "../../secret");
    refused(&desk, file("unknown", &unknown), 4, &["secret", "--model"]);
    let lora =
        own.replace("\"loras\":[]", r#""loras":[{"name":"paper","sha256":"00","weight":1.0}]"#);
    refused(&desk, file("lora", &lora), 2, &["paper", "--lora"]);
    let plain = photograph(&desk);
    refused(&desk, again(plain, desk.path("out.png")), 3, &["no recipe", "ComfyUI"]);
    let few = r#"{"prompt": "a mug", "seed": 3}"#;
    let (written, end) = desk.generate(file("few", few), &Fake::default());
    end.unwrap();
    assert_eq!((written[0].recipe.prompt.as_str(), written[0].seed), ("a mug", 3));
}

fn program(desk: &Desk, arguments: &[&std::ffi::OsStr]) -> Program {
    let mut program = Program::new(env!("CARGO_BIN_EXE_likeness"));
    program.args(arguments).env("LIKENESS_LIBRARY", &desk.host.library);
    program.stdin(Stdio::null()).stderr(Stdio::piped());
    program
}

/// As `head` does: nobody reads, and nothing is said of it.
#[cfg(unix)]
#[test]
fn a_closed_pipe_ends_quietly() {
    let desk = Desk::new();
    let made = desk.generate(fox(desk.path("fox.png")), &Fake::default()).0;
    let fox = made[0].path.as_os_str();
    for arguments in [&["--help".as_ref()][..], &["recipe".as_ref(), fox], &["models".as_ref()]] {
        let (read, write) = std::io::pipe().unwrap();
        drop(read);
        let ended = program(&desk, arguments).stdout(write).output().unwrap();
        let errors = String::from_utf8_lossy(&ended.stderr);
        assert_eq!((ended.status.code(), &*errors), (Some(141), ""), "{arguments:?}");
    }
    let (read, write) = std::io::pipe().unwrap();
    drop(read);
    let missing = ["recipe".as_ref(), "none.png".as_ref()];
    let ended = program(&desk, &missing).stderr(write).output().unwrap();
    assert_eq!(ended.status.code(), Some(3), "nor is it a panic where nobody reads errors");
}

/// Names that are no Unicode are names all the same.
#[cfg(target_os = "linux")]
#[test]
fn a_name_of_any_bytes_works_everywhere() {
    use std::os::unix::ffi::OsStrExt;
    let desk = Desk::new();
    let odd = |name: &[u8]| desk.path("").join(std::ffi::OsStr::from_bytes(name));
    let photo = odd(b"caf\xe9.png");
    std::fs::rename(photograph(&desk), &photo).unwrap();
    let request = Request {
        references: vec![(Role::Subject, photo.clone())],
        count: Some(2),
        ..fox(odd(b"out\xff.png"))
    };
    let (written, end) = desk.generate(request, &Fake::default());
    end.unwrap();
    assert!(odd(b"out\xff-1.png").is_file() && odd(b"out\xff-2.png").is_file());
    let object = serde_json::to_value(&written[0]).unwrap();
    let bytes = object["path_bytes"].as_str().unwrap();
    assert!(bytes.ends_with("6f7574ff2d312e706e67"), "{bytes}");
    assert!(object["path"].as_str().unwrap().ends_with("out\u{fffd}-1.png"));
    assert_eq!(show::recipe(&written[0].path, true).unwrap(), written[0].recipe.to_json());
    let mut add = ["add", "make it green", "--edit"].map(std::ffi::OsStr::new).to_vec();
    add.push(photo.as_os_str());
    let all = ["likeness", "queue"].map(std::ffi::OsStr::new).into_iter().chain(add);
    let asked = likeness_cli::arguments::parse(all.map(Into::into), &Fake::default());
    let Ok(likeness_cli::arguments::Command::Queue { command }) = asked.map(|it| it.command) else {
        panic!("not understood")
    };
    let engine: std::sync::Arc<dyn likeness_recipe::Engine> = std::sync::Arc::new(Fake::default());
    likeness_cli::queue::run(command, &desk.host, &engine).unwrap();
    queue(&desk, Fake::default(), &["run", "--json"]).unwrap();
    assert_eq!(likeness_studio::queue::peek(&desk.host.library).unwrap().done, 1);
}
