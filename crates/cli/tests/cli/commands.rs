//! Arguments, `models`, `bench` and the texts that are printed, on a fake engine.

use crate::fake::{Desk, Fake};
use likeness_cli::arguments::{Answer, Command, parse};
use likeness_cli::{models, show};
use likeness_recipe::{Role, Seed};

pub fn parsed(arguments: &[&str]) -> Result<Command, Answer> {
    let all = std::iter::once("likeness").chain(arguments.iter().copied()).map(Into::into);
    parse(all, &Fake::default()).map(|arguments| arguments.command)
}

#[track_caller]
fn refused(arguments: &[&str], words: &[&str]) {
    let Err(Answer::Failure(failure)) = parsed(arguments) else {
        panic!("{arguments:?} is accepted")
    };
    let line = failure.to_string();
    assert_eq!(failure.exit_code(), 2, "{line}");
    assert!(!line.contains('\n'), "more than one line: {line}");
    assert!(words.iter().all(|word| line.contains(word)), "{words:?} are not in {line:?}");
}

#[test]
fn every_option_arrives() {
    let line = "generate fox --negative n --model m --seed -1 --steps 3 --guidance 2.5 --size 96x64 \
                --count 2 --ref a.png --ref b.png --init i.png --strength 0.5 --mask k.png --sampler euler \
                --schedule karras --noise-source torch --precision bf16 --lora C:\\x.safetensors:0.5 \
                --lora y --out o.png --no-recipe --json --quiet --initial-noise n.st --dump d.st \
                --recipe r.png --overwrite --no-ai-mark";
    let Ok(Command::Generate { prompt, recipe, options, now }) =
        parsed(&line.split_whitespace().collect::<Vec<_>>())
    else {
        panic!("not understood")
    };
    assert_eq!(recipe, Some("r.png".into()));
    let (request, json, quiet) = options.into_request(prompt.unwrap(), None, false, Some(now));
    assert!(json && quiet && request.overwrite && request.no_ai_mark);
    assert_eq!((request.prompt.as_str(), request.negative.as_deref()), ("fox", Some("n")));
    assert_eq!(
        (request.seed, request.steps, request.guidance),
        (Some(Seed::Random), Some(3), Some(2.5))
    );
    assert_eq!(request.size.map(|size| size.to_string()).as_deref(), Some("96x64"));
    assert_eq!(
        request.references,
        [(Role::Subject, "a.png".into()), (Role::Subject, "b.png".into())]
    );
    assert_eq!((request.count, request.strength), (Some(2), Some(0.5)));
    assert_eq!(request.loras[0].path.to_string_lossy(), "C:\\x.safetensors");
    assert_eq!((request.loras[0].weight, request.loras[1].weight), (0.5, 1.0));
    assert!(request.initial_noise.is_some() && request.dump.is_some() && request.no_recipe);
}

#[test]
fn an_edit_puts_its_picture_first() {
    let edit = |more: &[&str]| {
        let line = [&["edit", "a.png", "make it green", "--ref", "b.png"], more].concat();
        let Ok(Command::Edit { image, instruction, no_guard, options, now }) = parsed(&line) else {
            panic!("not understood")
        };
        options.into_request(instruction, Some(image), no_guard, Some(now)).0
    };
    let request = edit(&[]);
    assert_eq!(request.prompt, "make it green");
    assert_eq!(request.references, [(Role::Edit, "a.png".into()), (Role::Subject, "b.png".into())]);
    assert_eq!((request.guard, edit(&["--no-guard"]).guard), (None, Some(false)));
}

#[test]
fn every_command_explains_itself() {
    for command in ["generate", "edit", "upscale", "queue", "library", "recipe", "models", "bench"]
    {
        let Err(Answer::Text(text)) = parsed(&[command, "--help"]) else {
            panic!("{command} has no help")
        };
        assert!(text.contains(&format!("Usage: likeness {command}")), "{text}");
    }
}

#[test]
fn a_picture_becomes_four_times_as_large_where_nothing_is_said() {
    let Ok(Command::Upscale { options }) = parsed(&["upscale", "a.png", "--out", "b.png"]) else {
        panic!("not understood")
    };
    assert_eq!((options.image, options.by), ("a.png".into(), 4));
    assert_eq!(options.out, Some("b.png".into()));
    refused(&["upscale", "a.png", "--by", "two"], &["--by", "two"]);
}

#[test]
fn slips_are_answered_in_one_line() {
    refused(&[], &["generate, edit, upscale, deliver, queue, library, recipe, models, bench"]);
    refused(&["queue"], &["add, list, run, pause, resume, cancel, retry, clear"]);
    refused(&["library"], &["list, check, repair, rebuild, backup, restore, export"]);
    refused(&["queue", "cancel"], &["<JOBS>"]);
    refused(&["generate"], &["<PROMPT>"]);
    refused(&["generate", "a", "red", "fox"], &["red"]);
    refused(&["generate", "fox", "--steps", "four"], &["--steps", "four"]);
    refused(&["generate", "fox", "--steps", "-1"], &["--steps"]);
    refused(&["generate", "fox", "--size", "130"], &["--size", "WxH"]);
    refused(&["generate", "fox", "--seed", "-2"], &["--seed", "-1 for a random one"]);
    refused(&["generate", "fox", "--strength", "0.5"], &["--init"]);
    refused(&["generate", "fox", "--no-recipe"], &["--out"]);
    refused(&["generate", "fox", "--no-ai-mark"], &["--out"]);
    refused(&["upscale", "a.png", "--no-recipe"], &["--out"]);
    refused(&["upscale", "a.png", "--overwrite"], &["--out"]);
    refused(&["generate", "fox", "--initial-noise", "n", "--out", "o.png"], &["--no-recipe"]);
    refused(&["queue", "add", "fox", "--out", "o.png"], &["--out"]);
    refused(&["generate", "fox", "--sise", "9"], &["--sise", "--size"]);
    refused(&["paint"], &["paint"]);
    refused(&["bench", "--runs", "0"], &["--runs"]);
    refused(&["bench", "--threads", "0"], &["--threads"]);
    refused(&["bench", "--threads", "1,two"], &["--threads", "two"]);
    refused(&["bench", "--size", "12x"], &["--size", "WxH"]);
    refused(&["bench", "--size", "99999999999"], &["--size"]);
    refused(&["bench", "--precision", "fp4"], &["--precision", "fp4", "q4_k"]);
    refused(&["bench", "--net", "sd15-unet", "--op", "matmul"], &["--net", "--op"]);
}

#[test]
fn help_teaches_by_example_and_version_names_the_build() {
    for (arguments, words) in [
        (&["--help"][..], &["Examples:", "LIKENESS_LIBRARY", "LIKENESS_MODELS", "130"][..]),
        (&["generate", "--help"], &["Examples:", "--noise-source", "flow_heun", "--ref mug.png"]),
        (&["bench", "--help"], &["Examples:", "--op all --threads 1,2", "LIKENESS_CPU", "q4_k"]),
        (&["edit", "--help"], &["Examples:", "<INSTRUCTION>"]),
        (&["--version"], &["likeness", env!("CARGO_PKG_VERSION"), "computing with pencil"]),
    ] {
        let Err(Answer::Text(text)) = parsed(arguments) else { panic!("{arguments:?}") };
        assert!(words.iter().all(|word| text.contains(word)), "{words:?} are not in {text}");
    }
}

#[test]
fn models_are_listed_with_the_reason_why_they_cannot_run() {
    let desk = Desk::new();
    let folder = desk.host.library.join("models");
    std::fs::write(folder.join("old.ckpt"), "").unwrap();
    std::fs::write(folder.join("notes.txt"), "").unwrap();
    std::fs::create_dir(folder.join("training")).unwrap();
    let twice = [folder.clone(), folder.join("starter")];
    let listed = models::list(&twice, &Fake::default());
    let seen: Vec<_> = listed.iter().map(|one| (one.name.as_str(), one.runs)).collect();
    assert_eq!(seen, [("old", false), ("likeness-starter", true)]);
    assert!(listed[0].reason.as_deref().is_some_and(|reason| reason.contains("can run code")));
    assert_eq!(listed[1].family.as_deref(), Some("flux2"));
}

#[test]
fn a_picture_without_a_recipe_says_so() {
    let desk = Desk::new();
    let path = desk.path("plain.png");
    image::RgbImage::new(2, 2).save(&path).unwrap();
    let failure = show::recipe(&path, false).unwrap_err();
    assert_eq!(failure.exit_code(), 3);
    assert!(failure.to_string().contains("no recipe"), "{failure}");
    assert_eq!(show::recipe(&desk.path("missing.png"), false).unwrap_err().exit_code(), 3);
}
