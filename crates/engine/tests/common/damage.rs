//! Copies of the tiny model that something is done to, and what is said of them.

use std::fs;
use std::path::{Path, PathBuf};

use likeness_engine::{Engine, Memory, Model, Processor, describe};
use likeness_recipe::{Precision, RenderError};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tempfile::TempDir;

use super::tiny;

/// The denoiser's weights in the diffusers layout.
pub const WEIGHTS: &str = "transformer/diffusion_pytorch_model.safetensors";

/// A copy of the tiny model.
pub fn copy(layout: &str) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    copy_folder(&tiny(layout), to.path());
    to
}

/// Lists in the manifest what lies there now: for damage that lengths and hashes would otherwise be the
/// first to see, and for weights of one's own.
pub fn vouch(model: &Path) {
    let mut files = Vec::new();
    let mut open = vec![model.to_owned()];
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(model).unwrap().to_str().unwrap().replace('\\', "/");
            let bytes = fs::metadata(&path).unwrap().len();
            // What is far too long is refused before its hash is asked for.
            let sha256 = match bytes < 1 << 30 {
                true => likeness_engine::weights::hash::sha256(&fs::read(&path).unwrap()),
                false => String::new(),
            };
            if name != "starter.json" {
                files.push(serde_json::json!({"path": name, "bytes": bytes, "sha256": sha256}));
            }
        }
    }
    edit_manifest(model, |manifest| manifest["files"] = files.into());
}

pub fn edit_manifest(model: &Path, edit: impl FnOnce(&mut serde_json::Value)) {
    edit_json(&model.join("starter.json"), edit);
}

pub fn edit_json(file: &Path, edit: impl FnOnce(&mut serde_json::Value)) {
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    edit(&mut json);
    fs::write(file, json.to_string()).unwrap();
}

pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A file of so many bytes that takes no room on disk.
pub fn sparse(path: &Path, bytes: u64) {
    fs::File::create(path).unwrap().set_len(bytes).unwrap();
}

/// What is said of a model when it is opened and loaded.
pub fn complaint(path: &Path) -> String {
    let loaded = Model::open(path)
        .map_err(RenderError::from)
        .and_then(|model| Engine::new(model, Processor::Cpu, Memory::Free)?.load(Precision::F32));
    match loaded {
        Err(error @ RenderError::Model { .. }) => error.to_string(),
        other => panic!("{}: {other:?}", path.display()),
    }
}

pub fn assert_says(path: &Path, parts: &[&str]) {
    assert_in(&complaint(path), parts);
}

pub fn assert_in(said: &str, parts: &[&str]) {
    let said = said.replace('\\', "/");
    for part in parts {
        assert!(said.contains(part), "{part:?} is not in {said:?}");
    }
}

/// The same of a model that is only looked at: no list may say that it runs.
pub fn assert_described(path: &Path, parts: &[&str]) {
    match describe(path).model {
        Err(error) => assert_in(&error.to_string(), parts),
        Ok(_) => panic!("{} is said to run, and should be refused: {parts:?}", path.display()),
    }
}

pub fn change(path: PathBuf, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Writes a safetensors file anew with a change to its list of tensors.
pub fn rewrite(path: PathBuf, change: impl FnOnce(&mut Vec<(String, Dtype, Vec<usize>, Vec<u8>)>)) {
    let bytes = fs::read(&path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Vec<_> = file
        .iter()
        .map(|(name, view)| {
            (name.to_owned(), view.dtype(), view.shape().to_vec(), view.data().to_vec())
        })
        .collect();
    change(&mut tensors);
    fs::write(path, serialize(&tensors)).unwrap();
}

pub fn serialize(tensors: &[(String, Dtype, Vec<usize>, Vec<u8>)]) -> Vec<u8> {
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        (name, TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}
