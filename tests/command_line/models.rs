//! Bad weights: which file, what is wrong with it, exit code 4, nothing written.

use likeness_tests::program::Desk;
use likeness_tests::starter::{Copy, TRANSFORMER};

use super::refusals::{MODEL, refuses};

/// A tensor that every form of the network has.
const TENSOR: &str = "x_embedder.weight";

#[track_caller]
fn refuses_model(model: &std::path::Path, words: &[&str]) {
    let desk = Desk::new();
    let model = model.to_str().expect("a path in Unicode");
    refuses(&desk, &["generate", "a fox", "--model", model, "--out", "new.png"], MODEL, words);
}

#[test]
fn a_whole_copy_makes_the_same_picture() {
    let (desk, copy) = (Desk::new(), Copy::new());
    let model = copy.path().to_str().expect("a path in Unicode");
    let asked = ["generate", "a fox", "--seed", "1", "--out"];
    desk.succeed(&[&asked[..], &["shipped.png"]].concat());
    desk.succeed(&[&asked[..], &["copy.png", "--model", model]].concat());
    assert_eq!(desk.bytes("shipped.png"), desk.bytes("copy.png"));
}

#[test]
fn truncated_weights() {
    let copy = Copy::new();
    let bytes = copy.bytes(TRANSFORMER);
    copy.replace(TRANSFORMER, &bytes[..bytes.len() / 2]);
    refuses_model(copy.path(), &["diffusion_pytorch_model.safetensors"]);
    // The same where the manifest was made from the truncated file.
    copy.vouch(TRANSFORMER);
    refuses_model(copy.path(), &["diffusion_pytorch_model.safetensors"]);
    copy.replace(TRANSFORMER, &bytes[..5]);
    copy.vouch(TRANSFORMER);
    refuses_model(copy.path(), &["diffusion_pytorch_model.safetensors"]);
}

#[test]
fn a_hash_that_differs() {
    let copy = Copy::new();
    let mut bytes = copy.bytes(TRANSFORMER);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    copy.replace(TRANSFORMER, &bytes);
    refuses_model(copy.path(), &["diffusion_pytorch_model.safetensors", "sha256"]);
}

#[test]
fn a_missing_tensor_is_named() {
    let copy = Copy::new();
    copy.edit_header(TRANSFORMER, |header| {
        // Renamed, not removed: bytes that no tensor claims are another fault.
        let tensor = header.remove(TENSOR).expect("the network has it");
        header.insert("somebody_else.weight".to_owned(), tensor);
    });
    refuses_model(copy.path(), &[TENSOR]);
}

#[test]
fn a_tensor_of_the_wrong_shape_is_named() {
    let copy = Copy::new();
    copy.edit_header(TRANSFORMER, |header| {
        let shape = header[TENSOR]["shape"].as_array().expect("a shape").clone();
        let turned: Vec<_> = shape.into_iter().rev().collect();
        header[TENSOR]["shape"] = turned.into();
    });
    refuses_model(copy.path(), &[TENSOR, "1040", "256"]);
}

#[test]
fn missing_files_are_named() {
    for name in [
        TRANSFORMER,
        "text_encoder/model.safetensors",
        "tokenizer/tokenizer.json",
        "transformer/config.json",
    ] {
        let copy = Copy::new();
        copy.remove(name);
        refuses_model(copy.path(), &[name.rsplit('/').next().expect("a name")]);
    }
    refuses_model(std::path::Path::new("no-such-model"), &["no-such-model"]);
}

#[test]
fn a_damaged_manifest_or_configuration() {
    for (name, text) in [
        ("starter.json", "{ not json"),
        ("starter.json", "{}"),
        ("transformer/config.json", "[]"),
        ("transformer/config.json", "{\"in_channels\": -1}"),
        ("text_encoder/config.json", ""),
        ("tokenizer/tokenizer.json", "{}"),
    ] {
        let copy = Copy::new();
        copy.replace(name, text.as_bytes());
        refuses_model(copy.path(), &[name.rsplit('/').next().expect("a name")]);
    }
}

/// A pickle runs whatever its author wrote into it; it is told by its content,
/// whatever it is called.
#[test]
fn a_pickle_is_refused_with_the_way_out() {
    // `protocol 2, global os.system …` as torch's old format begins, and the zip of the new one.
    let old = b"\x80\x02cposix\nsystem\nq\x00X\x04\x00\x00\x00trueq\x01\x85q\x02Rq\x03.";
    let zip = b"PK\x03\x04\x00\x00\x08\x08\x00\x00\x00\x00\x00\x00archive/data.pkl";
    let desk = Desk::new();
    for (name, bytes) in [
        ("model.ckpt", &old[..]),
        ("model.pt", zip),
        ("model.bin", old),
        ("model.safetensors", old),
    ] {
        let path = desk.put(name, bytes);
        refuses_model(&path, &[name, "pickle", "code", "safetensors"]);
    }
}
