//! How much a manifest may say. What it calls its model goes into every picture, its words into every
//! list of models, and its files are opened and hashed one by one.

use std::collections::{BTreeMap, HashSet};

use super::File;

/// Bytes of a name, a version, a licence, a kind of words or a word.
const TEXT: usize = 200;
/// Bytes of a path.
const PATH: usize = 1000;
/// Files of one model; its shards are the most of them.
const FILES: usize = 1000;
/// Words of all kinds together.
const WORDS: usize = 10_000;

/// A text of one line that is not too long.
pub(crate) fn check_text(field: &str, text: &str) -> Result<(), String> {
    if text.len() > TEXT {
        return Err(format!("{field}: {} bytes, and at most {TEXT} are read", text.len()));
    }
    match text.chars().any(char::is_control) {
        true => Err(format!("{field}: it has control characters")),
        false => Ok(()),
    }
}

/// Files that are not too many, each once.
pub(crate) fn check_files(files: &[File]) -> Result<(), String> {
    if files.len() > FILES {
        return Err(format!("files: {} of them, and at most {FILES} are read", files.len()));
    }
    let mut seen = HashSet::new();
    for File { path, sha256, .. } in files {
        if path.len() > PATH {
            return Err(format!("files: a path of {} bytes", path.len()));
        }
        check_text("files.sha256", sha256)?;
        if !seen.insert(path) {
            return Err(format!("files: {path} is listed twice"));
        }
    }
    Ok(())
}

/// Words that are not too many, and none too long.
pub(crate) fn check_words(kinds: &BTreeMap<String, Vec<String>>) -> Result<(), String> {
    let count: usize = kinds.values().map(|words| 1 + words.len()).sum();
    if count > WORDS {
        return Err(format!("vocabulary: {count} words, and at most {WORDS} are read"));
    }
    let mut all = kinds.iter().flat_map(|(kind, words)| std::iter::once(kind).chain(words));
    all.try_for_each(|word| check_text("vocabulary", word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_refused_and_what_is_enough_is_not() {
        assert!(check_text("name", &"n".repeat(TEXT)).is_ok());
        let said = check_text("name", &"n".repeat(TEXT + 1)).unwrap_err();
        assert_eq!(said, "name: 201 bytes, and at most 200 are read");
        assert!(check_text("name", "a\u{1b}[2J").unwrap_err().contains("control"));

        let file = |path: String| File { path, bytes: 1, sha256: "00".into() };
        let many = |count: usize| (0..count).map(|i| file(i.to_string())).collect::<Vec<_>>();
        assert!(check_files(&many(FILES)).is_ok());
        assert!(check_files(&many(FILES + 1)).unwrap_err().contains("1001 of them"));
        let twice = [file("a".into()), file("b".into()), file("a".into())];
        assert_eq!(check_files(&twice).unwrap_err(), "files: a is listed twice");
        assert!(check_files(&[file("p".repeat(PATH + 1))]).is_err());

        let words = |count: usize| BTreeMap::from([("kind".into(), vec!["fox".into(); count])]);
        assert!(check_words(&words(WORDS - 1)).is_ok());
        assert!(check_words(&words(WORDS)).unwrap_err().starts_with("vocabulary: 10001"));
        let long = BTreeMap::from([("kind".into(), vec!["f".repeat(TEXT + 1)])]);
        assert!(check_words(&long).is_err());
    }
}
