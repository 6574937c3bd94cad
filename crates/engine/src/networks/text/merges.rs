//! What the tokenizers library believes of a byte-pair model and a stranger's file need not keep: it cuts
//! each merge out of a buffer as long as the longest token, and a prefix off its second part unseen.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::{Error, IgnoredAny};

/// Refuses merges that cannot be of the vocabulary.
pub(super) fn check(text: &[u8]) -> Result<(), serde_json::Error> {
    let File { model } = serde_json::from_slice(text)?;
    let longest = match &model.vocab {
        Vocabulary::Tokens(tokens) => tokens.keys().map(String::len).max().unwrap_or(0),
        Vocabulary::Others(_) => 0,
    };
    let merged = |merge: &Merge| match merge {
        Merge::Text(both) => both.len().saturating_sub(1),
        Merge::Pair(parts) => parts.iter().map(String::len).sum(),
    };
    let merges = model.merges.unwrap_or_default();
    if merges.iter().any(|merge| merged(merge) > longest) {
        return Err(Error::custom("a merge is longer than every token"));
    }
    if !merges.is_empty()
        && model.continuing_subword_prefix.is_some_and(|prefix| !prefix.is_empty())
    {
        return Err(Error::custom("merges of tokens with a prefix are not understood here"));
    }
    Ok(())
}

#[derive(Deserialize)]
struct File {
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    vocab: Vocabulary,
    merges: Option<Vec<Merge>>,
    continuing_subword_prefix: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vocabulary {
    Tokens(HashMap<String, IgnoredAny>),
    /// Of a model that has no merges.
    Others(IgnoredAny),
}

/// `"a b"`, or `["a", "b"]` in newer files.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Text(String),
    Pair(Vec<String>),
}

#[cfg(test)]
mod tests {
    use super::check;

    fn model(vocab: &str, merges: &str, prefix: &str) -> Result<(), String> {
        let text = format!(
            r#"{{"model":{{"type":"BPE","vocab":{vocab},"merges":{merges},
                "continuing_subword_prefix":{prefix}}}}}"#
        );
        check(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn merges_are_held_to_the_vocabulary() {
        let whole = r#"{"a":0,"b":1,"ab":2}"#;
        for merges in [r#"[["a","b"]]"#, r#"["a b"]"#, "[]"] {
            model(whole, merges, "null").unwrap();
            model(whole, merges, r#""""#).unwrap();
        }
        let cut = r#"{"a":0,"b":1}"#;
        assert!(model(cut, r#"[["a","b"]]"#, "null").unwrap_err().contains("longer"));
        assert!(model(cut, r#"["a b"]"#, "null").unwrap_err().contains("longer"));
        assert!(model("[]", r#"["a b"]"#, "null").unwrap_err().contains("longer"));
        assert!(model(whole, r#"["a b"]"#, r###""##""###).unwrap_err().contains("prefix"));
        assert!(model(whole, "[7]", "null").is_err());
    }
}
