//! What the tokenizers library believes of a byte-pair model and a stranger's file need not keep: it cuts
//! each merge out of a buffer as long as the longest token, and a prefix off its second part unseen.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Refuses merges that cannot be of the vocabulary, without keeping either.
pub(super) fn check(text: &[u8]) -> Result<(), serde_json::Error> {
    let File { model } = serde_json::from_slice(text)?;
    let merges = model.merges.map_or(0, |Longest(bytes)| bytes);
    if merges > model.vocab.0 {
        return Err(Error::custom("a merge is longer than every token"));
    }
    if merges > 0 && model.continuing_subword_prefix.is_some_and(|prefix| !prefix.is_empty()) {
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
    merges: Option<Longest>,
    continuing_subword_prefix: Option<String>,
}

/// Bytes of the longest token.
struct Vocabulary(usize);

/// Bytes of the longest token that a merge makes.
struct Longest(usize);

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Vocabulary;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("tokens")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vocabulary, A::Error> {
                let mut longest = 0;
                while let Some((Bytes(length), IgnoredAny)) = map.next_entry()? {
                    longest = longest.max(length);
                }
                Ok(Vocabulary(longest))
            }

            /// Of a model that has no merges.
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vocabulary, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Vocabulary(0))
            }
        }
        deserializer.deserialize_any(Keys)
    }
}

impl<'de> Deserialize<'de> for Longest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Merges;
        impl<'de> Visitor<'de> for Merges {
            type Value = Longest;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("merges")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Longest, A::Error> {
                let mut longest = 0;
                while let Some(Merged(length)) = seq.next_element()? {
                    longest = longest.max(length);
                }
                Ok(Longest(longest))
            }
        }
        deserializer.deserialize_seq(Merges)
    }
}

/// Bytes of a string.
struct Bytes(usize);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a token")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Bytes, E> {
                Ok(Bytes(text.len()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Bytes of the token that two make: `"a b"`, or `["a", "b"]` in newer files.
struct Merged(usize);

impl<'de> Deserialize<'de> for Merged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pair;
        impl<'de> Visitor<'de> for Pair {
            type Value = Merged;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("two tokens")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Merged, E> {
                Ok(Merged(text.len().saturating_sub(1)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Merged, A::Error> {
                let mut bytes = 0;
                while let Some(Bytes(length)) = seq.next_element()? {
                    bytes += length;
                }
                Ok(Merged(bytes))
            }
        }
        deserializer.deserialize_any(Pair)
    }
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
        assert!(model(whole, r#"["a b"]"#, r###""##""###).unwrap_err().contains("prefix"));
        assert!(model("7", "[]", "null").unwrap_err().contains("tokens"));
        assert!(model(whole, "[7]", "null").unwrap_err().contains("two tokens"));
    }
}
