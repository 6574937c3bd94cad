//! Small files to begin from: whole ones, and each known kind of damage.
//!
//! `cargo run -p likeness-tests --example corpus` writes them to `fuzz/corpus`;
//! what fuzzing found lies beside them.

/// A file: its name in the corpus, and what is in it.
pub type Seed = (String, Vec<u8>);

mod formats;
mod models;
mod pictures;
mod settings;
pub use pictures::crc32;

/// The seeds of one target, by its name.
pub fn seeds(target: &str) -> Vec<Seed> {
    match target {
        "safetensors_header" => safetensors(),
        "gguf_header" => gguf(),
        "model_texts" => models::texts(),
        "tokenizer" => models::tokenizers(),
        "picture_metadata" => pictures::pictures(),
        "picture_formats" => formats::formats(),
        "foreign_settings" => settings::settings(),
        "kernel_shapes" => super::shapes::seeds(),
        _ => Vec::new(),
    }
}

fn safetensors() -> Vec<Seed> {
    let file = |header: &str, tensors: usize| {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + tensors, 0x3c);
        bytes
    };
    let one = |dtype: &str, shape: &str, from: &str, to: &str| {
        format!(r#"{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{from},{to}]}}}}"#)
    };
    let whole = concat!(
        r#"{"__metadata__":{"format":"pt"},"#,
        r#""a.weight":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]},"#,
        r#""b.weight":{"dtype":"BF16","shape":[],"data_offsets":[12,14]}}"#
    );
    let mut lying = file("{}", 0);
    lying[..8].copy_from_slice(&(1u64 << 60).to_le_bytes());
    let mut short = file(whole, 14);
    short.truncate(30);
    named(vec![
        ("whole", file(whole, 14)),
        ("empty", Vec::new()),
        ("no-tensors", file("{}", 0)),
        ("header-longer-than-the-file", lying),
        ("header-cut", short),
        ("tensors-cut", file(whole, 5)),
        ("not-json", file("{\"w\":", 0)),
        ("not-an-object", file("[1,2]", 0)),
        ("nested", file(&"[".repeat(400), 0)),
        ("shape-overflows", file(&one("F32", "[4294967296,4294967296]", "0", "0"), 0)),
        ("negative-side", file(&one("F32", "[-1]", "0", "4"), 4)),
        ("offsets-backwards", file(&one("F32", "[1]", "4", "0"), 8)),
        (
            "offsets-overflow",
            file(&one("U8", "[1]", "18446744073709551614", "18446744073709551615"), 1),
        ),
        ("unknown-type", file(&one("F6", "[1]", "0", "4"), 4)),
        ("many-sides", file(&one("U8", &format!("[{}1]", "1,".repeat(99)), "0", "1"), 1)),
        (
            "twice",
            file(
                r#"{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#,
                1,
            ),
        ),
        (
            "sharing",
            file(
                r#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
                4,
            ),
        ),
        ("left-over", file(&one("U8", "[1]", "0", "1"), 3)),
        ("between", file(&one("U8", "[1]", "2", "3"), 3)),
        ("metadata-twice", file(r#"{"__metadata__":{},"__metadata__":{}}"#, 0)),
        ("metadata-not-text", file(r#"{"__metadata__":{"n":1}}"#, 0)),
        ("pickle", b"\x80\x02}q\x00X\x01\x00\x00\x00wq\x01K\x01s.".to_vec()),
        ("zip", b"PK\x03\x04\x00\x00\x08\x08\x00\x00\x00\x00\x00\x00archive/data.pkl".to_vec()),
    ])
}

/// Kinds of metadata in a GGUF file.
const KIND_U32: u32 = 4;
const KIND_TEXT: u32 = 8;
const KIND_ARRAY: u32 = 9;

fn gguf() -> Vec<Seed> {
    let text = |text: &[u8]| [&(text.len() as u64).to_le_bytes()[..], text].concat();
    let begin = |version: u32, tensors: u64, metadata: u64| {
        [&b"GGUF"[..], &version.to_le_bytes(), &tensors.to_le_bytes(), &metadata.to_le_bytes()]
            .concat()
    };
    let entry = |key: &str, kind: u32, value: &[u8]| {
        [&text(key.as_bytes())[..], &kind.to_le_bytes(), value].concat()
    };
    let tensor = |name: &str, shape: &[u64], kind: u32, offset: u64| {
        let shape: Vec<u8> = shape.iter().flat_map(|side| side.to_le_bytes()).collect();
        let sides = (shape.len() as u32 / 8).to_le_bytes();
        [&text(name.as_bytes())[..], &sides, &shape, &kind.to_le_bytes(), &offset.to_le_bytes()]
            .concat()
    };
    let architecture = entry("general.architecture", KIND_TEXT, &text(b"flux"));
    let with_data = |mut header: Vec<u8>, data: usize| {
        header.resize(header.len().next_multiple_of(32) + data, 1);
        header
    };
    let whole = with_data(
        [
            begin(3, 2, 1),
            architecture.clone(),
            tensor("img_in.weight", &[32, 2], 8, 0),
            tensor("scale", &[4], 0, 96),
        ]
        .concat(),
        112,
    );
    let mut deep = Vec::new();
    for _ in 0..40 {
        deep.extend([&KIND_ARRAY.to_le_bytes()[..], &1u64.to_le_bytes()].concat());
    }
    let numbers = [&KIND_U32.to_le_bytes()[..], &3u64.to_le_bytes(), &[7; 12]].concat();
    let endless = [&0u32.to_le_bytes()[..], &u64::MAX.to_le_bytes()].concat();
    let alignment =
        |n: u32| [begin(3, 0, 1), entry("general.alignment", KIND_U32, &n.to_le_bytes())].concat();
    named(vec![
        ("whole", whole.clone()),
        ("empty", Vec::new()),
        ("magic-only", b"GGUF".to_vec()),
        ("version-1", begin(1, 0, 0)),
        ("version-2", with_data([begin(2, 1, 0), tensor("w", &[4], 0, 0)].concat(), 16)),
        ("cut-in-the-header", whole[..60].to_vec()),
        ("cut-in-the-tensors", whole[..whole.len() - 20].to_vec()),
        ("endless-tensors", begin(3, u64::MAX, 0)),
        ("endless-metadata", begin(3, 0, u64::MAX)),
        ("endless-array", [begin(3, 0, 1), entry("a", KIND_ARRAY, &endless)].concat()),
        ("array", [begin(3, 0, 1), entry("a", KIND_ARRAY, &numbers)].concat()),
        ("arrays-in-arrays", [begin(3, 0, 1), entry("a", KIND_ARRAY, &deep)].concat()),
        ("text-longer-than-the-file", [begin(3, 0, 1), u64::MAX.to_le_bytes().to_vec()].concat()),
        ("text-not-unicode", [begin(3, 0, 1), entry("a", KIND_TEXT, &text(b"\xff\xfe"))].concat()),
        ("alignment-0", alignment(0)),
        ("alignment-3", alignment(3)),
        ("alignment-huge", alignment(1 << 31)),
        ("unknown-kind", [begin(3, 0, 1), entry("a", 99, &[0; 8])].concat()),
        ("unknown-format", with_data([begin(3, 1, 0), tensor("w", &[4], 999, 0)].concat(), 16)),
        ("nine-sides", with_data([begin(3, 1, 0), tensor("w", &[1; 9], 0, 0)].concat(), 16)),
        (
            "shape-overflows",
            with_data([begin(3, 1, 0), tensor("w", &[u64::MAX, u64::MAX], 0, 0)].concat(), 16),
        ),
        (
            "offset-overflows",
            with_data([begin(3, 1, 0), tensor("w", &[4], 0, u64::MAX - 8)].concat(), 16),
        ),
        (
            "sharing",
            with_data(
                [begin(3, 2, 0), tensor("a", &[4], 0, 0), tensor("b", &[4], 0, 8)].concat(),
                24,
            ),
        ),
        ("metadata-twice", [begin(3, 0, 2), architecture.clone(), architecture.clone()].concat()),
        ("half-a-block", with_data([begin(3, 1, 0), tensor("w", &[33], 8, 0)].concat(), 64)),
        (
            "twice",
            with_data(
                [begin(3, 2, 0), tensor("w", &[4], 0, 0), tensor("w", &[4], 0, 0)].concat(),
                16,
            ),
        ),
    ])
}

fn named(files: Vec<(&str, Vec<u8>)>) -> Vec<Seed> {
    files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}
