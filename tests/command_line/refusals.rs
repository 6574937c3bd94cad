//! Bad requests and bad pictures: one line that names the field and what would
//! do, the right exit code, nothing written.

use std::path::Path;

use likeness_tests::hostile::seeds::crc32;
use likeness_tests::program::{Desk, Ran};
use likeness_tests::starter::{Copy, read_json, shipped};

/// Exit codes of the command line.
pub const USAGE: i32 = 2;
pub const INPUT: i32 = 3;
pub const MODEL: i32 = 4;
pub const STORAGE: i32 = 5;

/// Runs the program, which must refuse: exit with `code`, one line on standard
/// error that has every one of `words` (capitals do not matter), nothing on
/// standard output, and no file anywhere.
#[track_caller]
pub fn refuses(desk: &Desk, arguments: &[&str], code: i32, words: &[&str]) {
    let before = desk.files();
    let ran = desk.run(arguments);
    assert_eq!(ran.code, Some(code), "exit code of {arguments:?}: {}", ran.errors);
    assert_eq!(ran.complaints().len(), 1, "{arguments:?} must say one line: {}", ran.errors);
    for word in words {
        assert!(
            ran.errors.to_lowercase().contains(&word.to_lowercase()),
            "{arguments:?} must mention '{word}': {}",
            ran.errors
        );
    }
    assert_eq!(ran.output, "", "{arguments:?} must print nothing");
    assert_eq!(desk.files(), before, "{arguments:?} must write nothing");
}

#[test]
fn requests_that_cannot_be_met() {
    let desk = Desk::new();
    let long = "a red fox ".repeat(2000);
    let cases: &[(&[&str], &[&str])] = &[
        (&[""], &["prompt", "empty"]),
        (&["   "], &["prompt", "empty"]),
        (&[&long], &["prompt"]),
        (&["a fox", "--size", "100x128"], &["size", "100x128", "accepted: 128x128"]),
        (&["a fox", "--size", "0x0"], &["size"]),
        (&["a fox", "--size", "1000000x128"], &["size", "1000000", "accepted: 128x128"]),
        (&["a fox", "--size", "wide"], &["size", "wide"]),
        (&["a fox", "--steps", "0"], &["steps"]),
        (&["a fox", "--count", "0"], &["count"]),
        (&["a fox", "--sampler", "magic"], &["sampler", "magic", "flow_euler"]),
        (&["a fox", "--schedule", "magic"], &["schedule", "magic", "default"]),
        (&["a fox", "--guidance", "nan"], &["guidance"]),
        (&["a fox", "--guidance", "0"], &["guidance"]),
        (&["a fox", "--negative", "blue", "--guidance", "1"], &["negative", "guidance"]),
        (&["a fox", "--strength", "0.5"], &["init"]),
        (&["a fox", "--seed", "-2"], &["seed"]),
        (&["a fox", "--seed", "soon"], &["seed"]),
        (&["a fox", "--precision", "f7"], &["precision", "f7", "f32"]),
        (&["a fox", "--noise-source", "radio"], &["noise", "radio", "torch"]),
    ];
    for (request, words) in cases {
        let arguments = [&["generate", "--out", "new.png"], *request].concat();
        refuses(&desk, &arguments, USAGE, words);
    }
}

#[test]
fn an_instruction_set_that_there_is_not() {
    let desk = Desk::new();
    let run = |set: &str| {
        let mut command = desk.command(&["models"]);
        command.env("LIKENESS_CPU", set);
        Ran::of(command)
    };
    let unknown = run("sse9");
    assert_eq!(unknown.code, Some(USAGE), "{}", unknown.errors);
    assert_eq!(unknown.complaints().len(), 1, "{}", unknown.errors);
    for word in ["LIKENESS_CPU", "'sse9'", "portable", "avx2", "avxvnni", "avx512", "amx"] {
        assert!(unknown.errors.contains(word), "must mention {word}: {}", unknown.errors);
    }
    // One that only other machines have holds nothing up, and is not passed over in silence.
    let foreign = if cfg!(target_arch = "aarch64") { "amx" } else { "neon" };
    let lesser = run(foreign);
    assert_eq!(lesser.code, Some(0), "{}", lesser.errors);
    assert!(lesser.errors.contains(&format!("no {foreign}, so ")), "{}", lesser.errors);
    let plain = run("portable");
    assert_eq!((plain.code, &plain.errors[..]), (Some(0), ""), "nothing is to be said");
}

#[test]
fn a_prompt_a_little_over_the_limit_names_the_limit() {
    let desk = Desk::new();
    let manifest = read_json(&shipped().join("starter.json"));
    let limit = manifest["text"]["max_tokens"].as_u64().expect("the manifest has max_tokens");
    let prompt = "fox ".repeat(usize::try_from(limit).expect("fits") * 2);
    refuses(
        &desk,
        &["generate", &prompt, "--out", "new.png"],
        USAGE,
        &["prompt", &limit.to_string()],
    );
}

/// The starter's own limit stops well before memory does, so this is a copy
/// whose manifest allows as much as a manifest may.
#[test]
fn a_size_too_large_for_memory_says_what_it_needs() {
    let copy = Copy::new();
    copy.edit_manifest(|manifest| {
        manifest["limits"]["max_side"] = 16_384.into();
        manifest["sizes"] = serde_json::json!([]);
    });
    let model = copy.path().to_str().expect("a path in Unicode");
    let arguments =
        ["generate", "a fox", "--model", model, "--size", "16384x16384", "--out", "new.png"];
    refuses(&Desk::new(), &arguments, USAGE, &["memory", "needs", "MB", "free", "size"]);
}

/// Each of these is a real sampler, schedule or option of another family.
#[test]
fn what_the_family_does_not_have_is_refused_by_name() {
    let desk = Desk::new();
    let lora = desk.put("style.safetensors", &safetensors(&[]));
    let lora = format!("{}:0.8", lora.display());
    let cases: &[(&[&str], &[&str])] = &[
        (&["--sampler", "dpmpp_2m_sde"], &["sampler", "dpmpp_2m_sde", "flow_euler"]),
        (&["--sampler", "lcm"], &["sampler", "lcm", "flow_euler"]),
        (&["--schedule", "karras"], &["schedule", "karras"]),
        (&["--lora", &lora], &["lora"]),
    ];
    for (request, words) in cases {
        let arguments = [&["generate", "a fox", "--out", "new.png"], *request].concat();
        refuses(&desk, &arguments, USAGE, words);
    }
}

#[test]
fn references_that_are_no_pictures() {
    let desk = Desk::new();
    desk.put("notes.txt", b"these are notes");
    desk.put("empty.png", b"");
    desk.put("text.png", b"a text by the name of a picture");
    desk.put("half.png", &half_a_picture());
    std::fs::create_dir(desk.path("folder.png")).expect("the desk can be written to");
    for name in ["notes.txt", "empty.png", "text.png", "half.png", "missing.png", "folder.png"] {
        let arguments = ["generate", "a fox", "--ref", name, "--out", "new.png"];
        refuses(&desk, &arguments, INPUT, &["ref", name]);
        refuses(&desk, &["edit", name, "make it blue", "--out", "new.png"], INPUT, &[name]);
        refuses(&desk, &["recipe", name], INPUT, &[name]);
    }
}

/// 30,000 × 30,000 pixels in a small file: 3.6 GB once decoded. The limits are
/// held before a pixel is decoded, so the refusal takes no time and no memory.
#[test]
fn a_decompression_bomb_is_not_decoded() {
    let desk = Desk::new();
    desk.put("bomb.png", &png_with_header(30_000, 30_000));
    let start = std::time::Instant::now();
    let arguments = ["generate", "a fox", "--ref", "bomb.png", "--out", "new.png"];
    refuses(&desk, &arguments, INPUT, &["ref", "bomb.png", "30000"]);
    assert!(start.elapsed().as_secs() < 20, "refusing took {:?}", start.elapsed());
}

#[test]
fn more_references_than_the_model_looks_at() {
    let desk = Desk::new();
    desk.put("one.png", &whole_picture());
    let mut arguments = vec!["generate", "a fox", "--out", "new.png"];
    arguments.extend(["--ref", "one.png"].repeat(20));
    refuses(&desk, &arguments, USAGE, &["ref"]);
}

#[test]
fn a_picture_without_a_recipe() {
    let desk = Desk::new();
    desk.put("plain.png", &whole_picture());
    refuses(&desk, &["recipe", "plain.png"], INPUT, &["plain.png", "recipe"]);
}

#[test]
fn noise_of_the_wrong_shape_names_the_right_one() {
    let desk = Desk::new();
    desk.put("noise.safetensors", &safetensors(&[("noise", &[1, 4, 2, 2])]));
    desk.put("other.safetensors", &safetensors(&[("latents", &[1, 1024, 8, 8])]));
    desk.put("text.safetensors", b"no tensors at all");
    for (file, words) in [
        ("noise.safetensors", &["noise", "1024"][..]),
        ("other.safetensors", &["noise"]),
        ("text.safetensors", &["noise"]),
    ] {
        let before = desk.files();
        let out = ["--out", "new.png", "--no-recipe"];
        let ran = desk.run(&[&["generate", "a fox", "--initial-noise", file], &out[..]].concat());
        assert!(matches!(ran.code, Some(USAGE | INPUT)), "{file}: {:?} {}", ran.code, ran.errors);
        assert_eq!(ran.complaints().len(), 1, "{file}: {}", ran.errors);
        for word in words {
            assert!(ran.errors.contains(word), "{file} must mention '{word}': {}", ran.errors);
        }
        assert_eq!(desk.files(), before, "{file}: nothing may be written");
    }
}

#[test]
fn a_file_ending_that_is_no_picture_format() {
    let desk = Desk::new();
    let arguments = ["generate", "a fox", "--out", "new.docx"];
    refuses(&desk, &arguments, USAGE, &["out", "docx", "png"]);
}

/// A small real picture.
pub fn whole_picture() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let pixels =
        image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([200, x as u8 * 3, y as u8 * 3]));
    pixels.write_to(&mut bytes, image::ImageFormat::Png).expect("a picture can be written");
    bytes.into_inner()
}

fn half_a_picture() -> Vec<u8> {
    let whole = whole_picture();
    whole[..whole.len() / 2].to_vec()
}

/// A PNG whose header claims a size; the one row of data behind it is never reached.
fn png_with_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = whole_picture();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// A safetensors file of zeros.
pub fn safetensors(tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let zeros: Vec<Vec<u8>> =
        tensors.iter().map(|(_, shape)| vec![0; shape.iter().product::<usize>() * 4]).collect();
    let views = tensors.iter().zip(&zeros).map(|((name, shape), data)| {
        let view =
            safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.to_vec(), data);
        (*name, view.expect("the data fits the shape"))
    });
    safetensors::serialize(views, None).expect("tensors can be written")
}

/// Whether a path's file begins as a PNG does.
pub fn is_png(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\x89PNG\r\n\x1a\n"))
}
