//! What is in the files it writes, and what reads them back.

use likeness_tests::program::{Desk, Ran};
use serde_json::Value;

/// A prompt with what settings parsers and text chunks stumble over.
const PROMPT: &str = "a red fox, “at night”: 雪の狐, size: 3";

#[test]
fn every_format_carries_the_recipe_and_gives_it_back() {
    let desk = Desk::new();
    for (name, magic) in
        [("a.png", &b"\x89PNG"[..]), ("a.jpg", b"\xff\xd8\xff"), ("a.webp", b"RIFF")]
    {
        let made = desk.succeed(&["generate", PROMPT, "--seed", "9", "--out", name, "--json"]);
        assert!(desk.bytes(name).starts_with(magic), "{name} is what its ending says");
        let read = desk.succeed(&["recipe", name]).output;
        let read: Value = serde_json::from_str(&read).expect("a recipe is JSON");
        assert_eq!(
            read,
            made.json()[0]["recipe"],
            "{name}: the recipe printed is the recipe embedded"
        );
        assert_eq!(read["prompt"], PROMPT);
        assert_eq!(read["schema"], likeness_recipe::SCHEMA);
    }
}

/// A1111's line, where other programs look for it (interop: PNG text key `parameters`).
#[test]
fn a_png_has_the_settings_other_programs_read() {
    let desk = Desk::new();
    desk.succeed(&["generate", "a red fox", "--seed", "965400086", "--out", "a.png"]);
    let text = png_text(&desk.bytes("a.png"), "parameters").expect("the PNG has parameters");
    assert!(text.starts_with("a red fox\n"), "{text}");
    let settings = text.lines().last().expect("a last line");
    for part in [
        "Steps: 4",
        "Sampler: ",
        "CFG scale: 1,",
        "Seed: 965400086",
        "Size: 128x128",
        "Model hash: ",
    ] {
        assert!(settings.contains(part), "'{part}' is missing in: {settings}");
    }
}

/// The text of a `tEXt` chunk, or of an uncompressed `iTXt` chunk, by its key.
fn png_text(bytes: &[u8], key: &str) -> Option<String> {
    let mut rest = &bytes[8..];
    while rest.len() >= 12 {
        let length = u32::from_be_bytes(rest[..4].try_into().ok()?) as usize;
        let (kind, data) = (&rest[4..8], &rest[8..8 + length]);
        if let Some(value) = data.strip_prefix(key.as_bytes()).and_then(|d| d.strip_prefix(b"\0")) {
            let value = match kind {
                b"tEXt" => value.iter().map(|&b| char::from(b)).collect(),
                // Two bytes on compression, then language and translated key, each ended by zero.
                b"iTXt" => {
                    String::from_utf8(value[2..].splitn(3, |&b| b == 0).nth(2)?.to_vec()).ok()?
                }
                _ => String::new(),
            };
            return Some(value);
        }
        rest = &rest[12 + length..];
    }
    None
}

/// The recipe of a picture makes the picture again.
#[test]
fn a_picture_is_made_again_from_its_own_recipe() {
    let desk = Desk::new();
    let asked = ["generate", "a blue bottle", "--seed", "21", "--steps", "3", "--size", "128x128"];
    desk.succeed(&[&asked[..], &["--out", "a.png"]].concat());
    let read: Value =
        serde_json::from_str(&desk.succeed(&["recipe", "a.png"]).output).expect("JSON");
    let number = |field: &str| read[field].as_u64().expect("a number").to_string();
    let size = format!("{}x{}", number("width"), number("height"));
    let arguments = [
        "generate",
        read["prompt"].as_str().expect("text"),
        "--seed",
        &number("seed"),
        "--steps",
        &number("steps"),
        "--size",
        &size,
        "--sampler",
        read["sampler"].as_str().expect("text"),
        "--precision",
        read["precision"].as_str().expect("text"),
        "--out",
        "again.png",
    ];
    desk.succeed(&arguments);
    assert_eq!(desk.bytes("a.png"), desk.bytes("again.png"));
}

/// The picture alone, for the next program; what reads standard input takes it.
#[test]
fn standard_output_is_the_picture_and_nothing_else() {
    use std::io::Write;
    use std::process::Stdio;
    let desk = Desk::new();
    let asked = ["generate", "a red fox", "--seed", "9", "--steps", "1", "--out"];
    desk.succeed(&[&asked[..], &["a.png"]].concat());
    let mut piped = desk.command(&[&asked[..], &["-"]].concat());
    let ended = piped.output().expect("the program starts");
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{errors}");
    assert!(ended.stdout == desk.bytes("a.png"), "the same bytes as in a file");
    assert!(errors.contains("seed 9"), "what is told goes elsewhere: {errors}");
    for (arguments, expected) in [
        (&["recipe", "-", "--json"][..], desk.succeed(&["recipe", "a.png", "--json"]).output),
        (&["generate", "--recipe", "-", "--out", "b.png", "--quiet"], String::new()),
    ] {
        let mut reading = desk.command(arguments);
        reading.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = reading.spawn().expect("the program starts");
        let mut input = child.stdin.take().expect("it is piped");
        input.write_all(&ended.stdout).expect("it is read");
        drop(input);
        let ran = Ran::from(child.wait_with_output().expect("it ends"));
        assert_eq!((ran.code, ran.output), (Some(0), expected), "{}", ran.errors);
    }
    assert_eq!(desk.bytes("a.png"), desk.bytes("b.png"), "the recipe makes it again");
}
