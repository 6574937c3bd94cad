//! What a prompt, a seed, a size and a reference do.

use std::process::{Command, Stdio};
use std::time::Duration;

use likeness_library::{Filter, Library};
use likeness_tests::program::{Desk, Ran};
use likeness_tests::starter::{Copy, sha256};
use serde_json::Value;

/// Runs `generate … --out OUT --json` and gives the one object it prints.
fn generate(desk: &Desk, request: &[&str], out: &str) -> Value {
    let arguments = [&["generate", "--json", "--out", out], request].concat();
    let mut printed = desk.succeed(&arguments).json();
    assert_eq!(printed.len(), 1, "one object for one picture");
    printed.remove(0)
}

fn pixels(bytes: &[u8]) -> image::RgbaImage {
    image::load_from_memory(bytes).expect("a picture").to_rgba8()
}

#[test]
fn the_same_seed_twice_gives_the_same_bytes_and_another_seed_another_picture() {
    let desk = Desk::new();
    for (seed, out) in [("7", "a.png"), ("7", "b.png"), ("8", "c.png")] {
        desk.succeed(&["generate", "a red fox on a beach", "--seed", seed, "--out", out]);
    }
    assert_eq!(desk.bytes("a.png"), desk.bytes("b.png"), "the same seed gives the same file");
    let (a, c) = (pixels(&desk.bytes("a.png")), pixels(&desk.bytes("c.png")));
    assert_ne!(a, c, "two seeds give two pictures");
}

/// Threads share the work differently, but each sum is taken in the same order. The number is a setting
/// of the library, which whatever works off its queue computes with.
#[test]
fn the_number_of_threads_changes_nothing() {
    let draw = |threads: u32| {
        let desk = Desk::new();
        // Noon of the 21st of November 2026.
        let library = Library::open(&desk.path("library"), 1_795_262_400_000).expect("a new one");
        let settings = serde_json::json!({
            "theme": "system", "language": "system", "threads": threads, "trash_days": 30,
            "cache_megabytes": 256, "live_pause_ms": 250, "keys": {}
        });
        library.set_setting("settings", &settings.to_string()).expect("it can be written");
        drop(library);
        desk.succeed(&["queue", "add", "a blue car", "--seed", "3"]);
        let made = made_with(desk.command(&["queue", "run", "--json"]), threads);
        pixels(&std::fs::read(made["path"].as_str().expect("a path")).expect("it is there"))
    };
    assert_eq!(draw(1), draw(3));
}

/// What a run prints of the one picture that it makes. Where the system shows the threads of a process, it
/// has been seen to compute with `threads` of them: one that asks, and helpers called `kernel`.
fn made_with(mut command: Command, threads: u32) -> Value {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let tasks = format!("/proc/{}/task", child.id());
    let mut helpers = 0;
    let watch = std::thread::spawn(move || child.wait_with_output().expect("it ends"));
    while !watch.is_finished() {
        let names = std::fs::read_dir(&tasks).into_iter().flatten().flatten();
        let names = names.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        helpers = helpers.max(names.filter(|name| name.starts_with("kernel ")).count());
        std::thread::sleep(Duration::from_millis(2));
    }
    let ran = Ran::from(watch.join().expect("it was waited for"));
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    if cfg!(target_os = "linux") {
        assert_eq!(helpers, threads as usize - 1, "the setting is followed");
    }
    ran.json().remove(0)
}

#[test]
fn without_a_seed_every_run_draws_one_and_says_which() {
    let desk = Desk::new();
    let first = generate(&desk, &["a fox"], "a.png");
    let second = generate(&desk, &["a fox", "--seed", "-1"], "b.png");
    assert_ne!(first["seed"], second["seed"]);
    let seed = first["seed"].as_u64().expect("a seed is a number").to_string();
    generate(&desk, &["a fox", "--seed", &seed], "again.png");
    assert_eq!(
        desk.bytes("a.png"),
        desk.bytes("again.png"),
        "the seed that was printed is the one"
    );
}

#[test]
fn each_picture_of_a_count_is_the_one_its_own_seed_gives() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("many")).expect("the desk can be written to");
    let arguments =
        ["generate", "a fox", "--seed", "11", "--count", "3", "--out", "many", "--json"];
    let printed = desk.succeed(&arguments).json();
    let seeds: Vec<_> = printed.iter().map(|p| p["seed"].as_u64()).collect();
    assert_eq!(seeds, [Some(11), Some(12), Some(13)]);
    let paths: Vec<_> = printed.iter().map(|p| p["path"].as_str().expect("a path")).collect();
    let second = std::fs::read(desk.path("").join(paths[1])).expect("the picture is where it says");
    generate(&desk, &["a fox", "--seed", "12"], "alone.png");
    assert_eq!(second, desk.bytes("alone.png"), "a picture does not depend on its neighbours");
}

#[test]
fn sizes_steps_and_guidance_are_as_asked() {
    let (desk, any) = (Desk::new(), any_size());
    let model = any.path().to_str().expect("a path in Unicode");
    let asked = ["a fox", "--size", "160x96", "--steps", "2", "--seed", "1", "--model", model];
    let printed = generate(&desk, &asked, "a.png");
    let picture = pixels(&desk.bytes("a.png"));
    assert_eq!(picture.dimensions(), (160, 96));
    assert_eq!(printed["recipe"]["width"], 160);
    assert_eq!(printed["recipe"]["height"], 96);
    assert_eq!(printed["recipe"]["steps"], 2);
}

/// The starter as if nobody had measured it: whatever is within its limits is drawn.
fn any_size() -> Copy {
    let copy = Copy::new();
    copy.edit_manifest(|manifest| manifest["sizes"] = serde_json::json!([]));
    copy
}

#[test]
fn the_json_line_has_what_scripts_need() {
    let desk = Desk::new();
    let printed = generate(&desk, &["a fox", "--seed", "5"], "a.png");
    assert!(printed["path"].as_str().expect("a path").ends_with("a.png"));
    assert_eq!(printed["seed"], 5);
    assert_eq!(printed["recipe"]["prompt"], "a fox");
    assert_eq!(printed["model"]["name"], "likeness-starter");
    assert_eq!(printed["model"]["sha256"].as_str().map(str::len), Some(64));
    for part in ["load", "encode", "denoise", "decode", "total"] {
        let seconds = printed["seconds"][part].as_f64();
        assert!(seconds.is_some_and(|s| s >= 0.0), "seconds.{part}: {seconds:?}");
    }
    let peak = printed["peak_memory"].as_u64().expect("peak_memory is a number of bytes");
    assert!((1_000_000..8_000_000_000).contains(&peak), "peak_memory: {peak}");
}

/// The subject of the reference is carried by keys and values that no prompt
/// changes; here only that it has an effect, and that the recipe says what it was.
#[test]
fn a_reference_changes_the_picture_and_is_in_the_recipe() {
    let desk = Desk::new();
    let reference = generate(&desk, &["a green mug", "--seed", "1"], "mug.png");
    assert_eq!(reference["recipe"]["references"].as_array().map(Vec::len), Some(0));
    generate(&desk, &["a scene on a beach", "--seed", "2"], "without.png");
    let printed =
        generate(&desk, &["a scene on a beach", "--seed", "2", "--ref", "mug.png"], "with.png");
    assert_ne!(pixels(&desk.bytes("with.png")), pixels(&desk.bytes("without.png")));
    let used = &printed["recipe"]["references"][0];
    assert_eq!(used["sha256"], sha256(&desk.bytes("mug.png")));
    assert_eq!(used["role"], "subject");
}

#[test]
fn an_edit_takes_the_picture_as_its_first_reference() {
    let desk = Desk::new();
    generate(&desk, &["a red mug", "--seed", "1"], "mug.png");
    let arguments =
        ["edit", "mug.png", "make the mug blue", "--seed", "4", "--out", "blue.png", "--json"];
    let printed = desk.succeed(&arguments).json().remove(0);
    assert_eq!(printed["recipe"]["references"][0]["role"], "edit");
    assert_eq!(printed["recipe"]["prompt"], "make the mug blue");
    assert_ne!(pixels(&desk.bytes("mug.png")), pixels(&desk.bytes("blue.png")));
}

/// Whatever the instruction leaves alone stays byte for byte, unless somebody wants the picture as drawn.
#[test]
fn an_edit_keeps_what_it_does_not_change() {
    let desk = Desk::new();
    generate(&desk, &["a red mug, transparent background", "--seed", "1"], "mug.png");
    let kept = |name: &str, more: &[&str]| {
        let edit = ["edit", "mug.png", "make the mug blue", "--seed", "4", "--out", name, "--json"];
        let printed = desk.succeed(&[&edit[..], more].concat()).json().remove(0);
        let (before, after) = (pixels(&desk.bytes("mug.png")), pixels(&desk.bytes(name)));
        let same = before.pixels().zip(after.pixels()).filter(|(before, after)| before == after);
        let share = same.count() as f64 / before.pixels().len() as f64;
        (share, printed["recipe"]["references"][0]["guard"].clone())
    };
    let (guarded, said) = kept("blue.png", &[]);
    assert_eq!(said, true, "the picture says that it was guarded");
    let (drawn, said) = kept("drawn.png", &["--no-guard"]);
    assert_eq!(said, false);
    assert!(guarded > 0.3 && guarded < 0.95, "{guarded:.2} of the pixels are the mug's own");
    assert!(drawn < guarded, "{drawn:.2} of them are without the guard");
}

/// The nearer to nothing the strength, the nearer to the first picture; under a
/// mask's black nothing changes at all.
#[test]
fn a_starting_picture_and_a_mask_hold_back_change() {
    let desk = Desk::new();
    generate(&desk, &["a green mug", "--seed", "1"], "mug.png");
    let start = ["a red fox", "--seed", "2", "--init", "mug.png", "--strength"];
    let weak = generate(&desk, &[&start[..], &["0.25"]].concat(), "weak.png");
    generate(&desk, &[&start[..], &["1"]].concat(), "strong.png");
    assert_eq!(weak["recipe"]["init"]["sha256"], sha256(&desk.bytes("mug.png")));
    assert_eq!(weak["recipe"]["init"]["strength"], 0.25);
    let [mug, weak, strong] =
        ["mug.png", "weak.png", "strong.png"].map(|name| pixels(&desk.bytes(name)));
    let (near, far) = (difference(&mug, &weak), difference(&mug, &strong));
    assert!(near < far, "strength 0.25 moves by {near}, strength 1 by {far}");

    let half =
        image::GrayImage::from_fn(128, 128, |x, _| image::Luma([if x < 64 { 0 } else { 255 }]));
    half.save(desk.path("mask.png")).expect("the desk can be written to");
    generate(&desk, &[&start[..], &["1", "--mask", "mask.png"]].concat(), "masked.png");
    let masked = pixels(&desk.bytes("masked.png"));
    let left =
        |picture: &image::RgbaImage| image::imageops::crop_imm(picture, 0, 0, 64, 128).to_image();
    let kept = difference(&left(&mug), &left(&masked));
    assert!(kept < 1.0, "what the mask keeps moved by {kept} of 255");
    assert_ne!(mug, masked, "what it frees has changed");
}

/// Mean absolute difference of what is seen: colour laid over white.
fn difference(a: &image::RgbaImage, b: &image::RgbaImage) -> f64 {
    let seen = |pixel: &image::Rgba<u8>, channel: usize| {
        let alpha = f64::from(pixel[3]) / 255.0;
        f64::from(pixel[channel]) * alpha + 255.0 * (1.0 - alpha)
    };
    let sum: f64 = a
        .pixels()
        .zip(b.pixels())
        .flat_map(|(p, q)| (0..3).map(move |channel| (seen(p, channel) - seen(q, channel)).abs()))
        .sum();
    sum / f64::from(a.width() * a.height() * 3)
}

/// Noise from a file takes the place of the seed's; the dump holds what the
/// sampler and the decoder gave.
#[test]
fn noise_goes_in_and_numbers_come_out() {
    let (desk, any) = (Desk::new(), any_size());
    let model = any.path().to_str().expect("a path in Unicode");
    let dumped = |out: &str, request: &[&str]| {
        let dump = format!("{out}.safetensors");
        let asked = ["a fox", "--model", model, "--dump", &dump];
        generate(&desk, &[&asked[..], request].concat(), out);
        desk.bytes(&dump)
    };
    let bytes = dumped("a.png", &["--seed", "1", "--size", "128x96"]);
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("the dump is safetensors");
    assert_eq!(tensors.tensor("pixels").expect("pixels are dumped").shape(), [1, 4, 96, 128]);
    let latents = tensors.tensor("latents").expect("latents are dumped");
    assert_eq!(latents.shape(), [1, 1024, 6, 8]);
    for (name, tensor) in tensors.tensors() {
        assert_eq!(tensor.dtype(), safetensors::Dtype::F32, "{name}");
        let numbers =
            tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("four")));
        assert!(numbers.into_iter().all(f32::is_finite), "{name} has numbers that are not finite");
    }

    desk.put("noise.safetensors", &super::refusals::safetensors(&[("noise", &[1, 1024, 6, 8])]));
    let given =
        ["--size", "128x96", "--no-recipe", "--initial-noise", "noise.safetensors", "--seed"];
    let one = dumped("b.png", &[&given[..], &["1"]].concat());
    let two = dumped("c.png", &[&given[..], &["2"]].concat());
    assert_eq!(one, two, "the seed has no say where the noise is given");
    assert_ne!(one, bytes, "the noise that is given is used");
}

#[test]
fn a_torch_seed_is_another_noise_and_is_in_the_recipe() {
    let desk = Desk::new();
    generate(&desk, &["a fox", "--seed", "1"], "ours.png");
    let printed =
        generate(&desk, &["a fox", "--seed", "1", "--noise-source", "torch"], "torch.png");
    assert_eq!(printed["recipe"]["noise_source"], "torch");
    assert_ne!(pixels(&desk.bytes("ours.png")), pixels(&desk.bytes("torch.png")));
}

/// Without `--out` the picture goes to the library that was named.
#[test]
fn without_out_the_picture_goes_to_the_library() {
    let desk = Desk::new();
    let printed = desk.succeed(&["generate", "a fox", "--seed", "1", "--json"]).json().remove(0);
    let path = std::path::PathBuf::from(printed["path"].as_str().expect("a path"));
    let path = desk.path("").join(path);
    assert!(path.starts_with(desk.path("library")), "{} is not in the library", path.display());
    assert!(super::refusals::is_png(&path));
}

#[test]
fn a_picture_becomes_larger_and_says_so() {
    let desk = Desk::new();
    generate(&desk, &["a red fox, transparent background", "--seed", "7"], "fox.png");
    let asked = ["upscale", "fox.png", "--by", "2", "--out", "large.png", "--json"];
    let printed = desk.succeed(&asked).json().remove(0);
    assert_eq!((&printed["width"], &printed["height"]), (&256.into(), &256.into()));
    let (small, large) = (pixels(&desk.bytes("fox.png")), pixels(&desk.bytes("large.png")));
    assert_eq!(large.dimensions(), (256, 256));
    let off = |channel: usize| {
        let each = large.enumerate_pixels().map(|(x, y, pixel)| {
            let under = small.get_pixel(x / 2, y / 2);
            f64::from(pixel[channel].abs_diff(under[channel]))
        });
        each.sum::<f64>() / f64::from(256 * 256)
    };
    assert!(off(3) < 8.0, "alpha is another: off by {}", off(3));
    let recipe = desk.succeed(&["recipe", "large.png", "--json"]).json().remove(0);
    assert_eq!((&recipe["seed"], &recipe["width"]), (&7.into(), &128.into()), "it is carried on");
    assert_eq!(recipe["enlarged"]["by"], 2);
    assert_eq!(recipe["enlarged"]["sha256"], sha256(&desk.bytes("fox.png")));
    assert_eq!(recipe["enlarged"]["model"]["name"], "likeness-upscaler");
    let again = desk.run(&["upscale", "fox.png", "--by", "3", "--out", "no.png"]);
    assert_eq!(again.code, Some(2));
    assert!(again.errors.contains("accepted: 2, 4"), "{}", again.errors);
}

#[test]
fn what_was_made_larger_is_of_the_same_subject() {
    let desk = Desk::new();
    let small = desk.succeed(&["generate", "a red fox", "--seed", "1", "--json"]).json().remove(0);
    desk.succeed(&["upscale", small["path"].as_str().expect("a path"), "--by", "2"]);
    let library = Library::open_there(&desk.path("library"), 0).expect("it opens");
    let foxes = Filter { subject: Some("fox".to_owned()), ..Filter::default() };
    assert_eq!(library.page(&foxes, None, 9).expect("it is read").total, 2);
}
