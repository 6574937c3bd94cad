//! The shipped model, and copies of it with one thing wrong.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::repository::root;

/// The network's weights, beside the manifest.
pub const TRANSFORMER: &str = "transformer/diffusion_pytorch_model.safetensors";

/// The shipped starter.
pub fn shipped() -> PathBuf {
    root().join("models/starter")
}

/// A copy of the starter that may be damaged. Files are links to the shipped
/// ones until they are replaced, so that a copy costs nothing.
pub struct Copy {
    folder: tempfile::TempDir,
}

impl Default for Copy {
    fn default() -> Self {
        Self::new()
    }
}

impl Copy {
    /// A whole one.
    pub fn new() -> Self {
        // Beside the build's products: links do not reach from one file system to another.
        let beside = std::env::current_exe().expect("a test is a program");
        let beside = beside.parent().expect("a program lies in a folder");
        let folder = tempfile::tempdir_in(beside).expect("a temporary folder can be made");
        let manifest = read_json(&shipped().join("starter.json"));
        let listed = manifest["files"].as_array().expect("the manifest lists files");
        let listed =
            listed.iter().map(|file| file["path"].as_str().expect("a listed file has a path"));
        let others = [
            "starter.json",
            "model_index.json",
            "transformer/config.json",
            "text_encoder/config.json",
            "tokenizer/tokenizer.json",
        ];
        for name in listed.chain(others) {
            let (from, to) = (shipped().join(name), folder.path().join(name));
            if to.exists() || !from.exists() {
                continue;
            }
            std::fs::create_dir_all(to.parent().expect("inside the copy"))
                .expect("a folder can be made");
            if std::fs::hard_link(&from, &to).is_err() {
                std::fs::copy(&from, &to).expect("a file can be copied");
            }
        }
        Self { folder }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Replaces one file, leaving the shipped one alone. The manifest still
    /// has the old length and hash: see [`Copy::vouch`].
    pub fn replace(&self, name: &str, bytes: &[u8]) {
        let path = self.folder.path().join(name);
        // A link must go first: writing through it would change the shipped file.
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, bytes).expect("the copy can be written to");
    }

    /// Deletes one file.
    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.path().join(name)).expect("the copy has the file");
    }

    /// One file's bytes.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).expect("the copy has the file")
    }

    /// Changes the manifest.
    pub fn edit_manifest(&self, edit: impl FnOnce(&mut Value)) {
        let mut manifest = read_json(&self.folder.path().join("starter.json"));
        edit(&mut manifest);
        self.replace("starter.json", manifest.to_string().as_bytes());
    }

    /// Enters the present length and hash of a file in the manifest, so that
    /// what is wrong inside it is found by whoever reads the file.
    pub fn vouch(&self, name: &str) {
        let bytes = self.bytes(name);
        self.edit_manifest(|manifest| {
            for file in manifest["files"].as_array_mut().expect("the manifest lists files") {
                if file["path"] == name {
                    file["bytes"] = json!(bytes.len());
                    file["sha256"] = json!(sha256(&bytes));
                }
            }
        });
    }

    /// Changes the header of a safetensors file and vouches for the result.
    /// The tensors' bytes stay where they are.
    pub fn edit_header(&self, name: &str, edit: impl FnOnce(&mut Map<String, Value>)) {
        let bytes = self.bytes(name);
        let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
        let (header, tensors) = bytes[8..].split_at(usize::try_from(length).expect("fits"));
        let mut header: Value = serde_json::from_slice(header).expect("a header is JSON");
        edit(header.as_object_mut().expect("a header is an object"));
        let header = header.to_string().into_bytes();
        let mut changed = u64::try_from(header.len()).expect("fits").to_le_bytes().to_vec();
        changed.extend(header);
        changed.extend(tensors);
        self.replace(name, &changed);
        self.vouch(name);
    }
}

/// A file's hash as the manifest writes it.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a file that must be JSON.
pub fn read_json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
