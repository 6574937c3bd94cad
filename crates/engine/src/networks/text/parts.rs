//! The parts of a tokenizer that are read, each a row of a list: those of the starter, and of the
//! byte-pair tokenizers of CLIP and Qwen. All else is refused, since nobody has seen what it does with
//! strangers' numbers.
//!
//! To read another part, add its row, with what each of its fields may be, and a seed to
//! `tests/src/hostile/seeds/models.rs`. What can make more of a text than it was needs a bound.

use std::cell::Cell;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Parts in parts, as [`Value`] counts them.
const DEEPEST: u32 = 12;
/// Values of one part, all that lies in it counted.
const MOST_VALUES: usize = 2000;
/// Bytes of texts in one part.
const MOST_TEXT: usize = 64 << 10;

/// One kind of part.
struct Row {
    /// Its `type`.
    kind: &'static str,
    /// What it may have beside, and what that may be.
    fields: &'static [(&'static str, Field)],
}

/// What a field may be.
enum Field {
    Flag,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// What is looked for: one of these expressions, or one of these texts.
    Pattern(&'static [&'static str], &'static [&'static str]),
    /// Parts of the same list.
    Parts,
    /// A word that is put around a text, and its number; this is never asked for.
    Unused,
}

use Field::{Flag, OneOf, Parts, Pattern, Unused};

const NORMALIZERS: &[Row] = &[
    Row { kind: "NFC", fields: &[] },
    Row { kind: "NFD", fields: &[] },
    Row { kind: "NFKC", fields: &[] },
    Row { kind: "NFKD", fields: &[] },
    Row { kind: "Lowercase", fields: &[] },
    // White space becomes one character or none, so that however many there are, none makes a text long.
    Row {
        kind: "Replace",
        fields: &[
            ("pattern", Pattern(&[r"\s+", " {2,}"], &[" "])),
            ("content", OneOf(&["", " ", "\u{2581}"])),
        ],
    },
    Row { kind: "Sequence", fields: &[("normalizers", Parts)] },
];

/// Expressions by which texts are cut into words. An expression of one's own could take for ever.
const WORDS: &[&str] = &[
    // GPT-2, and CLIP's.
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
    // Qwen 2 and 3.
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
];

const BYTE_LEVEL: Row = Row {
    kind: "ByteLevel",
    fields: &[("add_prefix_space", Flag), ("trim_offsets", Flag), ("use_regex", Flag)],
};

const PRE_TOKENIZERS: &[Row] = &[
    BYTE_LEVEL,
    Row {
        kind: "Split",
        fields: &[
            ("pattern", Pattern(WORDS, &[])),
            ("behavior", OneOf(&["Removed", "Isolated"])),
            ("invert", Flag),
        ],
    },
    Row { kind: "Sequence", fields: &[("pretokenizers", Parts)] },
];

/// These put words around a text, which prompts are read without.
const POST_PROCESSORS: &[Row] = &[
    BYTE_LEVEL,
    Row {
        kind: "RobertaProcessing",
        fields: &[
            ("sep", Unused),
            ("cls", Unused),
            ("trim_offsets", Flag),
            ("add_prefix_space", Flag),
        ],
    },
    Row {
        kind: "TemplateProcessing",
        fields: &[("single", Unused), ("pair", Unused), ("special_tokens", Unused)],
    },
    Row { kind: "Sequence", fields: &[("processors", Parts)] },
];

const DECODERS: &[Row] = &[BYTE_LEVEL];

pub(super) fn check_normalizer(part: &Part) -> Result<(), String> {
    check("normalizer", &part.0, NORMALIZERS)
}

pub(super) fn check_pre_tokenizer(part: &Part) -> Result<(), String> {
    check("pre_tokenizer", &part.0, PRE_TOKENIZERS)
}

pub(super) fn check_post_processor(part: &Part) -> Result<(), String> {
    check("post_processor", &part.0, POST_PROCESSORS)
}

pub(super) fn check_decoder(part: &Part) -> Result<(), String> {
    check("decoder", &part.0, DECODERS)
}

/// Holds a part to the rows that its place may have; that there is none is always right.
fn check(place: &str, part: &Value, rows: &[Row]) -> Result<(), String> {
    let fields = match part {
        Value::Null => return Ok(()),
        Value::Map(fields) => fields,
        _ => return Err(format!("{place}: this is no part of a tokenizer")),
    };
    let kind = fields.iter().find(|(key, _)| key == "type").map(|(_, kind)| kind);
    let Some(Value::Text(kind)) = kind else { return Err(format!("{place}: it has no type")) };
    let Some(row) = rows.iter().find(|row| row.kind == kind) else {
        let known: Vec<_> = rows.iter().map(|row| row.kind).collect();
        let kind: String = kind.chars().take(40).collect();
        return Err(format!("{place}: {kind} is not read (accepted: {})", known.join(", ")));
    };
    for (key, value) in fields.iter().filter(|(key, _)| key != "type") {
        let place = format!("{place}.{}", row.kind);
        let Some((name, field)) = row.fields.iter().find(|(name, _)| name == key) else {
            let key: String = key.chars().take(40).collect();
            return Err(format!("{place}.{key}: it is not read"));
        };
        field.check(&format!("{place}.{name}"), value, rows)?;
    }
    let missing = row.fields.iter().find(|(name, field)| {
        !matches!(field, Flag | Unused) && !fields.iter().any(|(key, _)| key == name)
    });
    match missing {
        Some((name, _)) => Err(format!("{place}.{}.{name}: it is missing", row.kind)),
        None => Ok(()),
    }
}

impl Field {
    fn check(&self, place: &str, value: &Value, rows: &[Row]) -> Result<(), String> {
        let held = match (self, value) {
            (Flag, value) => matches!(value, Value::Flag),
            (OneOf(known), Value::Text(text)) => known.contains(&text.as_str()),
            (Pattern(expressions, texts), Value::Map(pattern)) => match &pattern[..] {
                [(kind, Value::Text(text))] => match kind.as_str() {
                    "Regex" => expressions.contains(&text.as_str()),
                    "String" => texts.contains(&text.as_str()),
                    _ => false,
                },
                _ => false,
            },
            (Parts, Value::List(parts)) => {
                return parts.iter().try_for_each(|part| match part {
                    Value::Null => Err(format!("{place}: one of them is nothing")),
                    part => check(place, part, rows),
                });
            }
            (Unused, _) => true,
            _ => false,
        };
        match held {
            true => Ok(()),
            false => Err(format!("{place}: none that is read (accepted: {})", self.accepted())),
        }
    }

    fn accepted(&self) -> String {
        match self {
            Flag => "true or false".into(),
            OneOf(known) => {
                known.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", ")
            }
            Pattern(..) => "those of published tokenizers".into(),
            Parts => "a list".into(),
            Unused => "any".into(),
        }
    }
}

/// A part as it is in the file, not yet held to any row.
#[derive(Default)]
pub(super) struct Part(Value);

#[derive(Default)]
enum Value {
    #[default]
    Null,
    Flag,
    Number,
    Text(String),
    List(Vec<Value>),
    /// Each key once.
    Map(Vec<(String, Value)>),
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let left = (Cell::new(MOST_VALUES), Cell::new(MOST_TEXT));
        Room { values: &left.0, text: &left.1, depth: DEEPEST }.deserialize(from).map(Self)
    }
}

/// How much there may still be.
#[derive(Clone, Copy)]
struct Room<'a> {
    values: &'a Cell<usize>,
    text: &'a Cell<usize>,
    depth: u32,
}

impl Room<'_> {
    fn text<E: Error>(&self, text: &str) -> Result<String, E> {
        match self.text.get().checked_sub(text.len()) {
            Some(left) => self.text.set(left),
            None => {
                return Err(E::custom(format!("a part with more than {MOST_TEXT} bytes of text")));
            }
        }
        Ok(text.to_owned())
    }

    fn inside<E: Error>(&self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..*self }),
            None => Err(E::custom("a part that is nested too deep")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Room<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        match self.values.get().checked_sub(1) {
            Some(left) => self.values.set(left),
            None => return Err(Error::custom(format!("a part of more than {MOST_VALUES} values"))),
        }
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Room<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a part of a tokenizer")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Flag)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Number)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Number)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.text(text).map(Value::Text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let (inside, mut values) = (self.inside()?, Vec::new());
        while let Some(value) = list.next_element_seed(inside)? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let (inside, mut fields) = (self.inside()?, Vec::<(String, Value)>::new());
        while let Some(key) = map.next_key::<String>()? {
            if fields.iter().any(|(known, _)| *known == key) {
                return Err(Error::custom("a field is there twice"));
            }
            fields.push((self.text(&key)?, map.next_value_seed(inside)?));
        }
        Ok(Value::Map(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(json: &str) -> Part {
        serde_json::from_str(json).unwrap()
    }

    /// The parts of the published tokenizers that are to come, as their files have them.
    #[test]
    fn the_parts_of_our_families_are_read() {
        let normalizers = [
            "null",
            r#"{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Lowercase"}]}"#,
            r#"{"type":"Sequence","normalizers":[{"type":"NFC"},
                {"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "},{"type":"Lowercase"}]}"#,
        ];
        normalizers.iter().for_each(|one| check_normalizer(&part(one)).unwrap());
        let level =
            r#"{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}"#;
        let clip = r#"{"type":"Split","pattern":{"Regex":"'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"},"behavior":"Removed","invert":true}"#;
        let qwen = r#"{"type":"Split","pattern":{"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},"behavior":"Isolated","invert":false}"#;
        check_pre_tokenizer(&part(level)).unwrap();
        for split in [clip, qwen] {
            let both = format!(r#"{{"type":"Sequence","pretokenizers":[{split},{level}]}}"#);
            check_pre_tokenizer(&part(&both)).unwrap();
        }
        let processors = [
            level,
            r#"{"type":"RobertaProcessing","sep":["<|endoftext|>",49407],"cls":["<|startoftext|>",49406],
                "trim_offsets":false,"add_prefix_space":false}"#,
            r#"{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}}],"pair":[],
                "special_tokens":{"</s>":{"id":"</s>","ids":[1],"tokens":["</s>"]}}}"#,
        ];
        processors.iter().for_each(|one| check_post_processor(&part(one)).unwrap());
        check_decoder(&part(level)).unwrap();
    }

    #[test]
    fn every_other_part_is_refused_by_its_name() {
        let refused = |check: fn(&Part) -> Result<(), String>, json: &str, said: &str| {
            let problem = check(&part(json)).expect_err(json);
            assert!(problem.contains(said), "{json}: {problem}");
        };
        let replace = |pattern: &str, content: &str| {
            format!(r#"{{"type":"Replace","pattern":{pattern},"content":"{content}"}}"#)
        };
        refused(
            check_normalizer,
            r#"{"type":"Precompiled","precompiled_charsmap":"AAAA"}"#,
            "normalizer: Precompiled is not read (accepted: NFC, ",
        );
        refused(check_normalizer, &replace(r#"{"String":"a"}"#, " "), "Replace.pattern: none");
        refused(check_normalizer, &replace(r#"{"Regex":"(a+)+$"}"#, " "), "Replace.pattern: none");
        refused(check_normalizer, &replace(r#"{"String":" "}"#, "aaaa"), "Replace.content: none");
        refused(check_normalizer, r#"{"type":"Replace","content":" "}"#, "pattern: it is missing");
        refused(
            check_normalizer,
            r#"{"type":"NFC","more":1}"#,
            "normalizer.NFC.more: it is not read",
        );
        refused(check_normalizer, r#"{"normalizers":[]}"#, "it has no type");
        refused(check_normalizer, r#"{"type":"Sequence","normalizers":[null]}"#, "is nothing");
        refused(check_normalizer, "[]", "no part of a tokenizer");
        refused(
            check_normalizer,
            r#"{"type":"Sequence","normalizers":[{"type":"Sequence","normalizers":[{"type":"Strip"}]}]}"#,
            "Strip is not read",
        );
        refused(
            check_pre_tokenizer,
            r#"{"type":"FixedLength","length":0}"#,
            "FixedLength is not read",
        );
        refused(
            check_pre_tokenizer,
            r#"{"type":"Split","pattern":{"Regex":"(a|a)*b"},"behavior":"Isolated","invert":false}"#,
            "Split.pattern: none that is read",
        );
        refused(check_pre_tokenizer, r#"{"type":"ByteLevel","use_regex":7}"#, "true or false");
        refused(check_post_processor, r#"{"type":"BertProcessing"}"#, "BertProcessing is not read");
        refused(check_decoder, r#"{"type":"CTC"}"#, "CTC is not read (accepted: ByteLevel)");
    }

    #[test]
    fn a_part_is_small() {
        let read =
            |json: &str| serde_json::from_str::<Part>(json).map(drop).map_err(|e| e.to_string());
        let list = |count: usize| format!("[{}]", vec!["0"; count].join(","));
        read(&list(MOST_VALUES - 1)).unwrap();
        assert!(read(&list(MOST_VALUES)).unwrap_err().contains("more than 2000 values"));
        let text = |count: usize| format!("\"{}\"", "a".repeat(count));
        read(&text(MOST_TEXT)).unwrap();
        assert!(read(&text(MOST_TEXT + 1)).unwrap_err().contains("65536 bytes"));
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        read(&deep(DEEPEST as usize)).unwrap();
        assert!(read(&deep(DEEPEST as usize + 1)).unwrap_err().contains("too deep"));
    }
}
