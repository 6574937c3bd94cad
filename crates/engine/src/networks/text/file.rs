//! A `tokenizer.json` as a stranger may have written it, read before the tokenizers library sees it.
//!
//! The library believes what it reads: it panics on parts that it cannot use, cuts each merge out of a
//! buffer as long as the longest token, and lets a file ask for chance. So everything is looked at here
//! first, with each count held to its limit as it is met, and only what is on the lists of [`super::parts`]
//! goes on. A model is listed by this alone; the library's own tables, which take seconds for a large
//! vocabulary, are built when the model is loaded.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::parts::{self, Part};

/// Most words of a vocabulary; the largest of a published text encoder has 256,300.
const MOST_WORDS: usize = 300_000;
/// Most merges; the most of a published tokenizer are 580,604.
const MOST_MERGES: usize = 700_000;
/// Most tokens beside the vocabulary, or marked in it; the most of a published tokenizer are 6,415.
const MOST_ADDED: usize = 10_000;
/// Bytes of the longest word; the longest published ones are some hundred spaces.
const LONGEST_WORD: usize = 1024;

/// Refuses a tokenizer that is not understood here, or that has a token which is not below `vocabulary`.
pub(super) fn check(text: &[u8], vocabulary: usize) -> Result<(), String> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let file = File::deserialize(&mut json).and_then(|file| json.end().map(|()| file));
    let file = file.map_err(|error| format!("not a tokenizer: {error}"))?;
    if file.version.as_deref().is_some_and(|version| version != "1.0") {
        return Err("version: only 1.0 is read".into());
    }
    parts::check_normalizer(&file.normalizer)?;
    parts::check_pre_tokenizer(&file.pre_tokenizer)?;
    parts::check_post_processor(&file.post_processor)?;
    parts::check_decoder(&file.decoder)?;
    file.model.check()?;
    check_tokens(&file, vocabulary)
}

/// Every token has the number that the library will give it, and the text encoder knows it.
fn check_tokens(File { model, added_tokens, .. }: &File, vocabulary: usize) -> Result<(), String> {
    let known = |token: u32| match (token as usize) < vocabulary {
        true => Ok(()),
        false => Err(format!(
            "it has a token {token}, and the text encoder knows those below {vocabulary}"
        )),
    };
    // Ids may have gaps, so it is the last that counts.
    model.vocab.0.values().max().map_or(Ok(()), |&most| known(most))?;
    let mut next = model.vocab.0.len() as u32;
    let mut added = HashMap::new();
    for AddedToken { id, content, .. } in &added_tokens.0 {
        if content.0.is_empty() {
            return Err("added_tokens: one is empty".into());
        }
        let listed = model.vocab.0.get(&content.0).or(added.get(&content.0)).copied();
        let given = listed.unwrap_or(next);
        next += u32::from(listed.is_none());
        if *id != given {
            let content = clipped(&content.0);
            return Err(format!(
                "added_tokens: {content} is said to be {id}, and would be {given}"
            ));
        }
        known(given)?;
        added.insert(content.0.clone(), given);
    }
    Ok(())
}

/// A word of the file as a message may have it.
fn clipped(word: &str) -> String {
    word.chars().take(40).collect()
}

#[derive(Deserialize)]
struct File<'a> {
    version: Option<Short>,
    #[serde(default)]
    added_tokens: List<AddedToken<'a>, MOST_ADDED>,
    #[serde(default)]
    normalizer: Part,
    #[serde(default)]
    pre_tokenizer: Part,
    #[serde(default)]
    post_processor: Part,
    #[serde(default)]
    decoder: Part,
    // Length and filling are the manifest's to say; so these two are only held to a size.
    #[serde(default, rename = "truncation")]
    _truncation: Part,
    #[serde(default, rename = "padding")]
    _padding: Part,
    #[serde(borrow)]
    model: Model<'a>,
}

#[derive(Deserialize)]
struct AddedToken<'a> {
    id: u32,
    #[serde(borrow)]
    content: Word<'a>,
    #[serde(rename = "single_word")]
    _single_word: bool,
    #[serde(rename = "lstrip")]
    _lstrip: bool,
    #[serde(rename = "rstrip")]
    _rstrip: bool,
    #[serde(rename = "normalized")]
    _normalized: bool,
    #[serde(rename = "special")]
    _special: bool,
}

#[derive(Deserialize)]
struct Model<'a> {
    r#type: Short,
    #[serde(borrow)]
    vocab: Words<'a>,
    #[serde(borrow)]
    merges: List<Merge<'a>, MOST_MERGES>,
    dropout: Option<f32>,
    unk_token: Option<Short>,
    continuing_subword_prefix: Option<Short>,
    #[serde(rename = "end_of_word_suffix")]
    _end_of_word_suffix: Option<Short>,
    #[serde(rename = "fuse_unk")]
    _fuse_unk: Option<bool>,
    #[serde(rename = "byte_fallback")]
    _byte_fallback: Option<bool>,
    #[serde(rename = "ignore_merges")]
    _ignore_merges: Option<bool>,
}

impl Model<'_> {
    fn check(&self) -> Result<(), String> {
        let kind = &*self.r#type;
        if kind != "BPE" {
            return Err(format!("model: {} is not read (accepted: BPE)", clipped(kind)));
        }
        if self.dropout.is_some_and(|dropout| dropout != 0.0) {
            return Err(
                "model.dropout: words would be split by chance, and the same seed make another \
                 picture each time (accepted: null)"
                    .into(),
            );
        }
        let words = &self.vocab.0;
        if self.unk_token.as_deref().is_some_and(|unknown| !words.contains_key(unknown)) {
            return Err("model.unk_token: the vocabulary does not have it".into());
        }
        let prefix = self.continuing_subword_prefix.as_deref().unwrap_or_default();
        if !prefix.is_empty() && !self.merges.0.is_empty() {
            return Err("model.continuing_subword_prefix: merges with one are not read".into());
        }
        let mut both = String::new();
        for Merge([left, right]) in &self.merges.0 {
            both.clear();
            both.extend([&*left.0, &*right.0]);
            let missing =
                [&*left.0, &*right.0, &both].into_iter().find(|word| !words.contains_key(*word));
            if let Some(missing) = missing {
                let missing = clipped(missing);
                return Err(format!(
                    "model.merges: the vocabulary does not have the word {missing}"
                ));
            }
        }
        Ok(())
    }
}

/// A text that is only compared, of no more than a few bytes.
struct Short(String);

impl std::ops::Deref for Short {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Short {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Word::deserialize(from).map(|word| Self(word.0.into_owned()))
    }
}

/// A word of the vocabulary, or a part of one.
struct Word<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Word<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a word")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                held(text).map(Cow::Borrowed)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                held(text).map(|text| Cow::Owned(text.to_owned()))
            }
        }
        from.deserialize_str(Text).map(Self)
    }
}

fn held<E: Error>(word: &str) -> Result<&str, E> {
    match word.len() > LONGEST_WORD {
        true => {
            let length = word.len();
            Err(E::custom(format!("a word of {length} bytes, and at most {LONGEST_WORD} are read")))
        }
        false => Ok(word),
    }
}

/// Words and their numbers.
struct Words<'a>(HashMap<Cow<'a, str>, u32>);

impl<'de: 'a, 'a> Deserialize<'de> for Words<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Words<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object of words")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut words = HashMap::new();
                while let Some((Word(word), id)) = map.next_entry()? {
                    if words.len() == MOST_WORDS {
                        return Err(Error::custom(format!(
                            "a vocabulary of more than {MOST_WORDS} words"
                        )));
                    }
                    if let Some(_twice) = words.insert(word, id) {
                        return Err(Error::custom("a word is in the vocabulary twice"));
                    }
                }
                Ok(Words(words))
            }
        }
        from.deserialize_map(Object)
    }
}

/// A list of at most `MOST`.
struct List<T, const MOST: usize>(Vec<T>);

impl<T, const MOST: usize> Default for List<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for List<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Self::default())
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for List<T, MOST> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Self, A::Error> {
        while let Some(element) = list.next_element()? {
            if self.0.len() == MOST {
                return Err(Error::custom(format!("a list of more than {MOST}")));
            }
            self.0.push(element);
        }
        Ok(self)
    }
}

/// `"a b"`, or `["a", "b"]` in newer files.
struct Merge<'a>([Word<'a>; 2]);

impl<'de: 'a, 'a> Deserialize<'de> for Merge<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TwoWords)
    }
}

struct TwoWords;

impl<'de> Visitor<'de> for TwoWords {
    type Value = Merge<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a merge of two words")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        let (left, right) = two(text)?;
        Ok(Merge([left, right].map(|word| Word(Cow::Borrowed(word)))))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let (left, right) = two(text)?;
        Ok(Merge([left, right].map(|word| Word(Cow::Owned(word.to_owned())))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let left = list.next_element()?;
        let right = list.next_element()?;
        match (left, right, list.next_element::<IgnoredAny>()?) {
            (Some(left), Some(right), None) => Ok(Merge([left, right])),
            _ => Err(Error::custom("a merge that is not of two words")),
        }
    }
}

fn two<E: Error>(text: &str) -> Result<(&str, &str), E> {
    match held::<E>(text)?.split_once(' ') {
        Some((left, right)) if !right.contains(' ') => Ok((left, right)),
        _ => Err(E::custom("a merge that is not of two words")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(model: &str, beside: &str) -> Result<(), String> {
        check(format!(r#"{{{beside}"model":{{{model}}}}}"#).as_bytes(), 300_000)
    }

    fn model(vocab: &str, merges: &str, beside: &str) -> Result<(), String> {
        of(&format!(r#""type":"BPE","vocab":{vocab},"merges":{merges}{beside}"#), "")
    }

    const WHOLE: &str = r#"{"a":0,"b":1,"ab":2}"#;

    #[test]
    fn merges_are_held_to_the_vocabulary() {
        let prefix = |prefix: &str| format!(r#","continuing_subword_prefix":{prefix}"#);
        for merges in [r#"[["a","b"]]"#, r#"["a b"]"#, "[]"] {
            model(WHOLE, merges, "").unwrap();
            model(WHOLE, merges, &prefix("null")).unwrap();
            model(WHOLE, merges, &prefix(r#""""#)).unwrap();
        }
        let cut = r#"{"a":0,"b":1}"#;
        for merges in [r#"[["a","b"]]"#, r#"["a b"]"#] {
            assert!(model(cut, merges, "").unwrap_err().contains("does not have the word ab"));
            assert!(model("[]", merges, "").unwrap_err().contains("an object of words"));
        }
        assert!(model(WHOLE, r#"["a b"]"#, &prefix(r###""##""###)).unwrap_err().contains("prefix"));
        for merge in ["7", r#""ab""#, r#""a b c""#, r#"["a"]"#, r#"["a","b","ab"]"#, r#"["a",7]"#] {
            assert!(model(WHOLE, &format!("[{merge}]"), "").is_err(), "{merge}");
        }
    }

    #[test]
    fn nothing_is_drawn_by_chance() {
        model(WHOLE, "[]", r#","dropout":null"#).unwrap();
        model(WHOLE, "[]", r#","dropout":0.0"#).unwrap();
        for dropout in ["0.1", "1", "-0.5", "1e-30"] {
            let said = model(WHOLE, "[]", &format!(r#","dropout":{dropout}"#)).unwrap_err();
            assert!(said.starts_with("model.dropout") && said.contains("by chance"), "{said}");
        }
        // The other model of the library that draws, when it is told to.
        let unigram = r#""type":"Unigram","alpha":0.5,"nbest_size":9,"vocab":{},"merges":[]"#;
        assert_eq!(of(unigram, "").unwrap_err(), "model: Unigram is not read (accepted: BPE)");
    }

    #[test]
    fn counts_and_lengths_are_held() {
        let words = |count: usize| {
            let all: Vec<String> = (0..count).map(|i| format!(r#""{i}":{}"#, i % 9)).collect();
            format!("{{{}}}", all.join(","))
        };
        model(&words(MOST_WORDS), "[]", "").unwrap();
        let said = model(&words(MOST_WORDS + 1), "[]", "").unwrap_err();
        assert!(said.contains("a vocabulary of more than 300000 words"), "{said}");
        let merges = |count: usize| format!("[{}]", vec![r#""a b""#; count].join(","));
        model(WHOLE, &merges(MOST_MERGES), "").unwrap();
        let said = model(WHOLE, &merges(MOST_MERGES + 1), "").unwrap_err();
        assert!(said.contains("a list of more than 700000"), "{said}");
        let word = |length: usize| format!(r#"{{"{}":0}}"#, "w".repeat(length));
        model(&word(LONGEST_WORD), "[]", "").unwrap();
        let said = model(&word(LONGEST_WORD + 1), "[]", "").unwrap_err();
        assert!(said.contains("a word of 1025 bytes"), "{said}");
        let said = model(r#"{"a":0,"a":1}"#, "[]", "").unwrap_err();
        assert!(said.contains("twice"), "{said}");
    }

    #[test]
    fn an_added_token_has_the_number_that_it_says() {
        let token = |id: u32, content: &str| {
            format!(
                r#"{{"id":{id},"content":"{content}","single_word":false,"lstrip":false,
                    "rstrip":false,"normalized":false,"special":true}}"#
            )
        };
        let with = |tokens: &[String]| {
            let tokens = tokens.join(",");
            let model = format!(r#""type":"BPE","vocab":{WHOLE},"merges":[]"#);
            of(&model, &format!(r#""added_tokens":[{tokens}],"#))
        };
        with(&[token(1, "b"), token(3, "new"), token(4, "newer"), token(3, "new")]).unwrap();
        assert!(with(&[token(0, "b")]).unwrap_err().contains("b is said to be 0, and would be 1"));
        assert!(with(&[token(9, "new")]).unwrap_err().contains("and would be 3"));
        assert!(with(&[token(3, "")]).unwrap_err().contains("one is empty"));
    }

    #[test]
    fn what_is_there_twice_is_not_read_as_either() {
        let model = format!(r#""type":"BPE","vocab":{WHOLE},"merges":[]"#);
        let twice = [
            r#""normalizer":null,"normalizer":null,"#,
            r#""normalizer":{"type":"Lowercase","type":"NFC"},"#,
            r#""model":{},"#,
        ];
        for beside in twice {
            assert!(of(&model, beside).is_err(), "{beside}");
        }
    }
}
