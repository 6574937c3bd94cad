//! Whether a file is the one that its manifest means.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::file::{CHUNK, unreadable};
use super::{Bytes, WeightError};

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// One hash for several files: that of the lines `sha256sum` would print for them, by path, so that
/// anyone can check it with that tool alone.
pub fn of_all<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut lines: Vec<String> = files
        .into_iter()
        .map(|(path, hash)| format!("{}  {path}\n", hash.to_lowercase()))
        .collect();
    lines.sort_by(|a, b| a.split_once("  ").map(|x| x.1).cmp(&b.split_once("  ").map(|x| x.1)));
    sha256(lines.concat().as_bytes())
}

/// Reads a file and compares size and hash; the size is compared first, since it costs nothing.
pub fn verify(path: &Path, bytes: u64, hash: &str) -> Result<(), WeightError> {
    let damaged = |problem| WeightError::Damaged { file: path.to_owned(), problem };
    verify_size(path, bytes)?;
    let file = Bytes::open(path)?;
    let (mut sum, mut at) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK.min(usize::try_from(file.length()).unwrap_or(CHUNK))];
    while at < file.length() {
        let count = chunk.len().min(usize::try_from(file.length() - at).unwrap_or(chunk.len()));
        file.read(at, &mut chunk[..count]).map_err(|error| unreadable(path, error))?;
        sum.update(&chunk[..count]);
        at += count as u64;
    }
    file.check_unchanged(path)?;
    let found = hex(&sum.finalize());
    if found.eq_ignore_ascii_case(hash) {
        return Ok(());
    }
    Err(damaged(format!("its sha256 is {found}, and the manifest says {hash}: restore this file")))
}

/// Compares the size alone.
pub fn verify_size(path: &Path, bytes: u64) -> Result<(), WeightError> {
    let meta = std::fs::metadata(path)
        .map_err(|source| WeightError::Open { file: path.to_owned(), source })?;
    if meta.len() == bytes {
        return Ok(());
    }
    let problem =
        format!("it has {} bytes, and the manifest says {bytes}: restore this file", meta.len());
    Err(WeightError::Damaged { file: path.to_owned(), problem })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
