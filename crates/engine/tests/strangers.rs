//! Model folders that somebody made to do harm, or that change while they are read: each is refused by the
//! name of its file, in the time that reading takes, and nothing else is lost.

mod common;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ::safetensors::Dtype;
use common::damage::{
    WEIGHTS, assert_described, assert_in, assert_says, change, copy, edit_json, edit_manifest,
    rewrite, vouch,
};
use common::{root, tiny};
use likeness_engine::weights::{Compute, Weights, gguf, safetensors};
use likeness_engine::{Engine, Memory, Model, Processor, Upscaler, describe};
use likeness_recipe::{Precision, RenderError};
use serde_json::{Value, json};

const TOKENIZER: &str = "tokenizer/tokenizer.json";
/// A refusal that takes longer has read, built or waited for something first.
const SOON: Duration = Duration::from_secs(5);

/// What is put in the place of a file, and what is said of it.
type Replaced<'a> = (&'a dyn Fn(&Path), &'a str);
/// What is done to a text, and what is said of it.
type Edited<'a> = (&'a dyn Fn(&mut Value), &'a str);

/// The tiny model with a change to its tokenizer.
fn with_tokenizer(edit: impl FnOnce(&mut Value)) -> tempfile::TempDir {
    let model = copy("diffusers");
    edit_json(&model.path().join(TOKENIZER), edit);
    vouch(model.path());
    model
}

fn assert_soon(path: &Path, parts: &[&str]) {
    let started = Instant::now();
    assert_described(path, parts);
    assert!(started.elapsed() < SOON, "{parts:?} took {:?}", started.elapsed());
}

/// The parts that panicked, or took all memory, inside the library that reads tokenizers.
#[test]
fn parts_of_tokenizers_that_no_family_has_are_refused() {
    let bomb: Vec<Value> = (0..12)
        .map(|_| json!({"type": "Replace", "pattern": {"String": "a"}, "content": "a".repeat(16)}))
        .collect();
    let cases = [
        (
            "normalizer",
            json!({"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
            "Precompiled is not read",
        ),
        ("pre_tokenizer", json!({"type": "FixedLength", "length": 0}), "FixedLength is not read"),
        ("normalizer", json!({"type": "Sequence", "normalizers": bomb}), "Replace."),
        ("decoder", json!({"type": "WordPiece", "prefix": "#", "cleanup": true}), "WordPiece"),
    ];
    for (part, value, said) in cases {
        let model = with_tokenizer(|tokenizer| tokenizer[part] = value);
        assert_soon(model.path(), &[TOKENIZER, part, said]);
    }
}

/// One seed made three pictures.
#[test]
fn a_tokenizer_that_draws_by_chance_is_refused() {
    let model = with_tokenizer(|tokenizer| tokenizer["model"]["dropout"] = json!(0.5));
    assert_described(model.path(), &[TOKENIZER, "model.dropout", "by chance", "accepted: null"]);
    let model = with_tokenizer(|tokenizer| tokenizer["model"]["dropout"] = json!(0.0));
    assert!(describe(model.path()).model.is_ok(), "none is none");
}

/// Thirteen seconds at each listing.
#[test]
fn a_vocabulary_of_a_million_words_costs_nobody_anything() {
    let model = with_tokenizer(|tokenizer| {
        let words = (0..1_000_000).map(|i| (format!("w{i}"), json!(i % 300)));
        tokenizer["model"]["vocab"] = Value::Object(words.collect());
    });
    assert_soon(model.path(), &[TOKENIZER, "more than 300000 words"]);
}

/// What the library would say only when it is asked: the list must not say that such a model runs.
#[test]
fn what_is_listed_as_running_has_a_tokenizer_that_loads() {
    let model = with_tokenizer(|tokenizer| {
        tokenizer["model"]["merges"].as_array_mut().unwrap().push(json!(["f", "fo"]));
    });
    assert_described(model.path(), &[TOKENIZER, "model.merges", "does not have the word ffo"]);
    let model = with_tokenizer(|tokenizer| tokenizer["version"] = json!("2.0"));
    assert_described(model.path(), &[TOKENIZER, "version"]);
    let model = with_tokenizer(|tokenizer| tokenizer["added_tokens"][0]["id"] = json!(7));
    assert_described(model.path(), &[TOKENIZER, "added_tokens", "and would be 0"]);
}

/// A pipe that nobody writes into was waited for for ever.
#[cfg(unix)]
#[test]
fn only_files_are_opened() {
    let pipe = |path: &Path| {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.is_ok_and(|status| status.success()), "mkfifo makes {}", path.display());
    };
    let socket = |path: &Path| drop(std::os::unix::net::UnixListener::bind(path).unwrap());
    let device = |path: &Path| std::os::unix::fs::symlink("/dev/zero", path).unwrap();
    let folder = |path: &Path| fs::create_dir(path).unwrap();
    let kinds: [Replaced; 4] = [
        (&pipe, "a pipe, a socket or a device"),
        (&socket, "a pipe, a socket or a device"),
        (&device, "a pipe, a socket or a device"),
        (&folder, "a folder"),
    ];
    for (make, said) in kinds {
        for name in [TOKENIZER, "text_encoder/config.json", "text_encoder/model.safetensors"] {
            let model = copy("diffusers");
            // Its length is what the manifest says, as far as such a thing has one.
            fs::remove_file(model.path().join(name)).unwrap();
            make(&model.path().join(name));
            let length = fs::metadata(model.path().join(name)).unwrap().len();
            edit_manifest(model.path(), |manifest| {
                let files = manifest["files"].as_array_mut().unwrap();
                let file = files.iter_mut().find(|file| file["path"] == name).unwrap();
                file["bytes"] = length.into();
            });
            assert_soon(model.path(), &[name, said]);
        }
    }
}

#[test]
fn a_manifest_is_short_and_names_each_file_once() {
    let cases: [Edited; 5] = [
        (&|manifest| manifest["name"] = json!("n".repeat(500_000)), "name: 500000 bytes"),
        (&|manifest| manifest["name"] = json!("a\u{1b}]0;b"), "name: it has control characters"),
        (&|manifest| manifest["licence"] = json!("l".repeat(500_000)), "licence: 500000 bytes"),
        (
            &|manifest| manifest["vocabulary"] = json!({"subjects": vec!["f"; 100_000]}),
            "vocabulary: 100001 words",
        ),
        (
            &|manifest| {
                let files = manifest["files"].as_array_mut().unwrap();
                files.push(files[0].clone());
            },
            "is listed twice",
        ),
    ];
    for (edit, said) in cases {
        let model = copy("diffusers");
        edit_manifest(model.path(), edit);
        assert_soon(model.path(), &["starter.json", said]);
    }
}

/// What is wrong quotes the file, and the file may be long.
#[test]
fn no_message_is_as_long_as_a_file() {
    let model = copy("diffusers");
    edit_json(&model.path().join("text_encoder/config.json"), |config| {
        config["model_type"] = json!("m".repeat(500_000));
    });
    vouch(model.path());
    let error = RenderError::from(describe(model.path()).model.unwrap_err());
    assert!(error.to_string().len() < 5000, "{} bytes", error.to_string().len());
}

fn upscaler_with(edit: impl FnOnce(&Path)) -> Result<(), String> {
    let model = copy("upscaler");
    edit(model.path());
    Upscaler::open(model.path(), Compute::F32, Processor::Cpu).map(drop).map_err(
        |error| match error {
            error @ RenderError::Model { .. } => error.to_string(),
            other => panic!("{other:?}"),
        },
    )
}

/// A million heads were built, each a copy of the same weights.
#[test]
fn each_scale_of_an_upscaler_is_listed_once() {
    for (scales, said) in [
        (json!(vec![2; 100_000]), "scales: 2 is listed twice"),
        (json!([2, 4, 2]), "scales: 2 is listed twice"),
        (json!([4_000_000_000u32]), "scales: 4000000000 is not one of 2 to 8"),
        (json!([]), "scales: there is none"),
    ] {
        let found = upscaler_with(|model| {
            edit_json(&model.join("upscaler.json"), |file| file["scales"] = scales);
        });
        assert_in(&found.unwrap_err(), &["upscaler.json", said]);
    }
    let found = upscaler_with(|model| {
        edit_json(&model.join("upscaler.json"), |file| file["name"] = json!("n".repeat(1000)));
    });
    assert_in(&found.unwrap_err(), &["upscaler.json", "name: 1000 bytes"]);
}

/// Weights that are none, in every format: the picture would be of none, too.
#[test]
fn weights_that_are_no_numbers_are_refused_when_they_are_loaded() {
    for (bad, said) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
        let model = copy("diffusers");
        let mut name = String::new();
        rewrite(model.path().join(WEIGHTS), |tensors| {
            let (tensor, dtype, _, data) = tensors.last_mut().unwrap();
            name = tensor.clone();
            let last = data.len();
            match dtype {
                Dtype::F32 => data[last - 4..].copy_from_slice(&bad.to_le_bytes()),
                Dtype::BF16 => data[last - 2..].copy_from_slice(&bad.to_le_bytes()[2..]),
                Dtype::F16 => {
                    data[last - 2..].copy_from_slice(&half::f16::from_f32(bad).to_le_bytes());
                }
                other => panic!("{other:?} weights"),
            }
        });
        vouch(model.path());
        assert_says(model.path(), &[WEIGHTS, &name, &format!("it holds {said}"), "restore"]);
    }
    // In blocks, a scale.
    let model = copy("gguf");
    let file = model.path().join("model-Q8_0.gguf");
    let bytes = fs::read(&file).unwrap();
    let header = gguf::read_header(&bytes[..], bytes.len() as u64).unwrap();
    let (name, info) = header
        .tensors
        .iter()
        .find(|(_, info)| matches!(info.format, likeness_engine::weights::Format::Blocks(_)))
        .unwrap();
    let scale = info.bytes.start;
    change(file, |bytes| {
        bytes[scale..scale + 2].copy_from_slice(&half::f16::NAN.to_le_bytes());
    });
    vouch(model.path());
    assert_says(model.path(), &["model-Q8_0.gguf", name, "it holds NaN"]);
    for precision in [Precision::Bf16, Precision::Int8] {
        let mut engine =
            Engine::new(Model::open(model.path()).unwrap(), Processor::Cpu, Memory::Free).unwrap();
        assert!(engine.load(precision).is_err(), "{precision}: blocks that are kept are looked at");
    }
}

/// It wrote a picture.
#[test]
fn an_upscaler_of_no_numbers_is_refused() {
    let found = upscaler_with(|model| {
        let weights = fs::read_dir(model).unwrap().map(|entry| entry.unwrap().path());
        let weights = weights.filter(|path| path.extension().is_some_and(|e| e == "safetensors"));
        let weights = weights.last().unwrap();
        let bytes = fs::read(&weights).unwrap();
        let header = safetensors::read_header(&bytes[..], bytes.len() as u64).unwrap();
        let (_, info) = header.tensors.last_key_value().unwrap();
        let end = info.bytes.end;
        change(weights.clone(), |bytes| bytes[end - 2..].fill(0x7f));
        change(weights.clone(), |bytes| bytes[end - 1] = 0x7f);
        let sha256 = likeness_engine::weights::hash::sha256(&fs::read(&weights).unwrap());
        edit_json(&model.join("upscaler.json"), |file| file["files"][0]["sha256"] = sha256.into());
    });
    assert_in(&found.unwrap_err(), &[".safetensors", "tensor ", "it holds NaN"]);
}

/// What another program does to a model while it is loaded: the first such ended the process with a bus
/// error. However it falls, there is a picture of the right weights or an error that names the file.
#[test]
fn a_model_that_changes_while_it_is_loaded_is_an_error() {
    let model = copy("diffusers");
    let weights = model.path().join(WEIGHTS);
    let whole = fs::read(&weights).unwrap();
    let (stop, mut failed) = (AtomicBool::new(false), 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let put = |length: usize| {
                let file = fs::File::options().write(true).open(&weights).unwrap();
                file.set_len(length as u64).unwrap();
                std::io::Write::write_all(&mut &file, &whole[..length]).unwrap();
            };
            while !stop.load(Ordering::Relaxed) {
                put(whole.len() / 3);
                std::thread::sleep(Duration::from_micros(300));
                put(whole.len());
                std::thread::sleep(Duration::from_millis(3));
            }
        });
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(3) {
            let loaded = Model::open(model.path()).map_err(RenderError::from).and_then(|model| {
                Engine::new(model, Processor::Cpu, Memory::Free)?.load(Precision::F32)
            });
            match loaded {
                Ok(_) => {}
                Err(RenderError::Model { file, problem }) => {
                    failed += 1;
                    assert!(file.replace('\\', "/").ends_with(WEIGHTS), "{file}: {problem}");
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(failed > 0, "it was never in the way");
}

/// As the reference reader has it, which the same bytes are given to.
#[test]
fn tensors_lie_one_after_the_other_as_for_the_reference_reader() {
    let file = |entries: &str, data: usize| {
        let json = format!("{{{entries}}}");
        let mut file = (json.len() as u64).to_le_bytes().to_vec();
        file.extend(json.as_bytes());
        file.resize(file.len() + data, 0);
        file
    };
    let entry = |name: &str, from: usize, to: usize| {
        let length = to - from;
        format!(r#""{name}":{{"dtype":"U8","shape":[{length}],"data_offsets":[{from},{to}]}}"#)
    };
    let cases = [
        (vec![("a", 0, 2), ("b", 2, 4)], 4, true),
        (vec![("b", 2, 4), ("a", 0, 2)], 4, true),
        (vec![("a", 0, 2), ("b", 2, 2), ("c", 2, 4)], 4, true),
        (vec![("a", 0, 3), ("b", 2, 4)], 4, false),
        (vec![("a", 0, 4), ("b", 0, 4)], 4, false),
        (vec![("a", 0, 4), ("b", 1, 2)], 4, false),
        (vec![("a", 0, 1), ("b", 2, 4)], 4, false),
        (vec![("a", 1, 4)], 4, false),
        (vec![("a", 0, 2)], 4, false),
        (vec![("a", 0, 5)], 4, false),
    ];
    for (tensors, data, sound) in cases {
        let entries: Vec<_> =
            tensors.iter().map(|&(name, from, to)| entry(name, from, to)).collect();
        let bytes = file(&entries.join(","), data);
        let reference = ::safetensors::SafeTensors::deserialize(&bytes).is_ok();
        let ours = Weights::from_memory("here", bytes);
        assert_eq!(reference, sound, "the reference reader: {tensors:?}");
        assert_eq!(ours.is_ok(), sound, "{tensors:?}: {:?}", ours.err().map(|e| e.to_string()));
    }
    // The reference reader takes the last of two; nobody can mean that.
    let twice = file(&[entry("a", 0, 4), entry("a", 0, 4)].join(","), 4);
    let said = Weights::from_memory("here", twice).err().unwrap().to_string();
    assert_in(&said, &["tensor a: it is there twice"]);
}

/// The shipped models are read.
#[test]
fn what_we_ship_is_not_refused() {
    for folder in ["models/starter", "tests/golden/tiny/diffusers", "tests/golden/tiny/single"] {
        assert!(describe(&root(folder)).model.is_ok(), "{folder}");
    }
    let folders = [root("models/upscaler"), tiny("upscaler")];
    for folder in folders {
        assert!(Upscaler::open(&folder, Compute::F32, Processor::Cpu).is_ok(), "{folder:?}");
    }
}
