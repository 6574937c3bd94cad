//! Files as other programs write them, whole: where in a JPEG or a WebP their settings stand, and what of
//! their graphs and lines is more than one value.

use image::codecs::{jpeg::JpegEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder};
use likeness_picture::foreign::{Field, ForeignSettings, read_settings};
use likeness_picture::{Format, PictureMetadata, read_metadata};

/// A block of EXIF with texts in its first directory, as Pillow writes it: (field, text).
fn exif(texts: &[(u16, &str)]) -> Vec<u8> {
    let (mut entries, mut values) = (Vec::new(), Vec::new());
    let start = 8 + 2 + texts.len() * 12 + 4;
    for (field, text) in texts {
        let at = ((start + values.len()) as u32).to_be_bytes();
        let length = (text.len() as u32 + 1).to_be_bytes();
        entries.extend([&field.to_be_bytes()[..], &[0, 2], &length, &at].concat());
        values.extend([text.as_bytes(), b"\0"].concat());
    }
    let count = (texts.len() as u16).to_be_bytes();
    [&b"MM\0*\0\0\0\x08"[..], &count, &entries, &[0; 4], &values].concat()
}

/// What is read of a JPEG and of a WebP with this EXIF.
fn in_files(texts: &[(u16, &str)]) -> [Option<ForeignSettings>; 2] {
    let (mut jpeg, mut webp) = (Vec::new(), Vec::new());
    write(JpegEncoder::new(&mut jpeg), exif(texts));
    write(WebPEncoder::new_lossless(&mut webp), exif(texts));
    [jpeg, webp].map(|bytes| read_settings(&read_metadata(&bytes).unwrap()))
}

fn write(mut encoder: impl ImageEncoder, exif: Vec<u8>) {
    encoder.set_exif_metadata(exif).unwrap();
    encoder.write_image(&[90; 48], 4, 4, ExtendedColorType::Rgb8).unwrap();
}

const COMMENT: u16 = 0x9286;
const MAKER_NOTE: u16 = 0x927c;
const SOFTWARE: u16 = 0x0131;
const MAKE: u16 = 0x010f;
const MODEL: u16 = 0x0110;

#[test]
fn fooocus_writes_its_comment_where_nobody_else_does() {
    let json = r#"{"base_model": "juggernaut", "prompt": "a fox", "resolution": "(64, 32)", "sampler": "euler", "seed": "7", "steps": 30}"#;
    let fields = [(SOFTWARE, "Fooocus v2.5.5"), (MAKER_NOTE, "fooocus"), (COMMENT, json)];
    for read in in_files(&fields) {
        let read = read.unwrap();
        assert_eq!(read.program.name(), "fooocus");
        let values = [Field::Prompt, Field::Seed, Field::Width, Field::Height];
        assert_eq!(values.map(|field| read.value(field).unwrap()), ["a fox", "7", "64", "32"]);
    }
    let lines = "a fox\nSteps: 30, Sampler: Euler, Seed: 7, Size: 64x32, CFG scale: 4";
    for read in in_files(&[(MAKER_NOTE, "a1111"), (COMMENT, lines)]) {
        let read = read.unwrap();
        assert_eq!((read.program.name(), read.value(Field::Steps)), ("fooocus", Some("30")));
    }
}

const GRAPH: &str = r#"{
    "3": {"class_type": "KSampler", "inputs": {"seed": 5, "steps": 4, "positive": ["6", 0], "latent_image": ["5", 0]}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 32}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox"}},
    "9": {"class_type": "SaveAnimatedWEBP", "inputs": {"images": ["3", 0]}}}"#;

#[test]
fn comfyui_writes_its_graphs_as_a_cameras_make_and_model() {
    let prompt = format!("prompt:{GRAPH}");
    let fields = [(MAKE, "workflow:{\"nodes\": []}"), (MODEL, prompt.as_str())];
    for read in in_files(&fields) {
        let read = read.unwrap();
        assert_eq!((read.program.name(), read.value(Field::Prompt)), ("comfyui", Some("a fox")));
        assert_eq!(read.value(Field::Seed), Some("5"));
    }
    let camera = in_files(&[(MAKE, "Canon"), (MODEL, "Canon: EOS 5D")]);
    assert_eq!(camera, [None, None], "a camera is no program");
}

fn texts(texts: &[(&str, &str)]) -> ForeignSettings {
    let texts: Vec<_> = texts.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    read_settings(&PictureMetadata { texts, ..PictureMetadata::none(Format::Png) }).unwrap()
}

/// The prompt of a sampler whose positive side is node 6, and what could not be matched.
#[track_caller]
fn prompt(nodes: &str, expected: &str, unmatched: &[&str]) {
    let graph = format!(
        r#"{{"3": {{"class_type": "KSampler", "inputs": {{"seed": 5, "positive": ["6", 0], "negative": ["7", 0],
            "latent_image": ["5", 0]}}}},
            "5": {{"class_type": "EmptyLatentImage", "inputs": {{"width": 64, "height": 32}}}},
            "7": {{"class_type": "CLIPTextEncode", "inputs": {{"text": "not this"}}}}, {nodes}}}"#
    );
    let read = texts(&[("prompt", &graph)]);
    assert_eq!(read.value(Field::Prompt), Some(expected));
    assert_eq!(read.value(Field::Negative), Some("not this"));
    let left: Vec<_> = read.unmatched.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(left, unmatched);
}

#[test]
fn texts_that_comfyui_puts_together() {
    prompt(
        r#""6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["20", 0], "clip": ["4", 1]}},
           "20": {"class_type": "StringConcatenate", "inputs": {"string_a": ["21", 0], "string_b": "in snow",
               "delimiter": ", "}},
           "21": {"class_type": "StringConcatenate", "inputs": {"string_a": "a", "string_b": ["22", 0],
               "delimiter": " "}},
           "22": {"class_type": "PrimitiveString", "inputs": {"value": "red fox"}}"#,
        "a red fox, in snow",
        &[],
    );
    // Both hold at once, which no prompt says: that is told.
    prompt(
        r#""6": {"class_type": "ConditioningCombine", "inputs": {"conditioning_1": ["20", 0], "conditioning_2": ["21", 0]}},
           "20": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox\n"}},
           "21": {"class_type": "ConditioningConcat", "inputs": {"conditioning_to": ["22", 0], "conditioning_from": ["20", 0]}},
           "22": {"class_type": "CLIPTextEncode", "inputs": {"text": "snow"}}"#,
        "a red fox, snow, a red fox",
        &["ConditioningConcat", "ConditioningCombine"],
    );
    let sdxl = |g: &str, l: &str, expected: &str| {
        let node = format!(
            r#""6": {{"class_type": "CLIPTextEncodeSDXL", "inputs": {{"text_g": "{g}", "text_l": "{l}", "width": 1024}}}}"#
        );
        prompt(&node, expected, &[]);
    };
    sdxl("a fox", "a fox", "a fox");
    sdxl("a fox", "paper cut", "a fox, paper cut");
    sdxl("", "paper cut", "paper cut");
    // A circle of texts ends.
    prompt(
        r#""6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["20", 0]}},
           "20": {"class_type": "StringConcatenate", "inputs": {"string_a": "a fox", "string_b": ["20", 0]}}"#,
        "a fox",
        &[],
    );
}

#[test]
fn the_line_of_the_first_invokeai() {
    use Field::*;
    let line = r#""a fox, "red" [blurry]" -s 50 -S 42 -W 512 -H 768 -C 7.5 -A k_euler_a -G 0.9 -U 4 0.95 -t"#;
    let read = texts(&[("Dream", line)]);
    assert_eq!(read.program.name(), "invokeai");
    let values = [Prompt, Negative, Seed, Steps, Guidance, Width, Height, Sampler];
    let values = values.map(|field| read.value(field).unwrap_or("none"));
    let prompt = r#"a fox, "red""#;
    assert_eq!(values, [prompt, "blurry", "42", "50", "7.5", "512", "768", "euler_a"]);
    let left: Vec<_> = read.unmatched.iter().map(|u| format!("{} {}", u.name, u.value)).collect();
    assert_eq!(left, ["-G 0.9", "-U 4 0.95", "-t on", "rand_device cuda"]);
}

#[test]
fn novelai() {
    let comment = r#"{"steps": 28, "sampler": "k_euler_ancestral", "seed": 9, "strength": 0.4, "noise": 0.2, "scale": 10.0, "uc": "blurry"}"#;
    let own = [
        ("Software", "NovelAI"),
        ("Description", "a fox"),
        ("Source", "Stable Diffusion 1D44365E"),
        ("Comment", comment),
    ];
    let read = texts(&own);
    assert_eq!((read.program.name(), read.program.label()), ("novelai", "NovelAI"));
    let values = [Field::Prompt, Field::Negative, Field::Seed, Field::Steps, Field::Guidance];
    assert_eq!(
        values.map(|field| read.value(field).unwrap()),
        ["a fox", "blurry", "9", "28", "10"]
    );
    assert_eq!((read.value(Field::Sampler), read.value(Field::Strength)), (Some("euler_a"), None));
    let goes_on = comment.replace("{", r#"{"request_type": "Img2ImgRequest", "#);
    let again = [own[0], own[1], ("Comment", goes_on.as_str())];
    assert_eq!(texts(&again).value(Field::Strength), Some("0.4"));
    let other = [("Software", "Paint"), ("Comment", comment)];
    let other = other.map(|(key, text)| (key.to_owned(), text.to_owned())).to_vec();
    let metadata = PictureMetadata { texts: other, ..PictureMetadata::none(Format::Png) };
    assert_eq!(read_settings(&metadata), None, "a comment of anybody else");
}
