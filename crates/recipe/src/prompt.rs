//! What stands in a prompt beside plain words: marks that other programs take for orders.
//!
//! ```text
//! (fox:1.3)           a weight: the words, which count more or less
//! {red|blue} fox      a variant: one of several
//! __colour__ fox      a wildcard: filled in from a list
//! <lora:paper:0.8>    an addition to the weights
//! ```
//!
//! To a model that knows none of them they are letters like any, and it would draw mush of them. Nothing
//! here chooses variants, fills in wildcards or applies additions yet, so a request with one is refused,
//! with what would do. A weight is different: without it the same words are left. A model that weighs no
//! words is given these, which the resolved recipe says beside the prompt as it was written.

use crate::RecipeError;
use crate::names::named;

named! {
    /// What a stretch of a prompt is.
    NoteKind {
        /// A word that the model does not know.
        UnknownWord = "unknown_word",
        /// `(x:1.3)`.
        Weight = "weight",
        /// `{a|b}`.
        Variant = "variant",
        /// `__name__`.
        Wildcard = "wildcard",
        /// `<lora:name:0.8>`.
        Lora = "lora",
    }
}

/// A stretch of a prompt that something is to be said of.
///
/// `start` and `end` count UTF-16 units, as text is counted in a browser: they are what an underline in a
/// text field is drawn by, and a slice of the text in JavaScript.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PromptNote {
    /// What it is.
    pub kind: NoteKind,
    /// Where it begins.
    pub start: u32,
    /// Where it ends: behind its last unit.
    pub end: u32,
    /// What stands there.
    pub text: String,
    /// Of an unknown word: names that the model knows with this word in it, such as `ice cream` for
    /// `ice`. Of a weight: what is read in its place.
    pub known: Vec<String>,
}

impl PromptNote {
    /// A note on the bytes from `start` to `end` of `prompt`.
    pub(crate) fn of(kind: NoteKind, prompt: &str, start: usize, end: usize) -> Self {
        let units = |text: &str| text.chars().map(|c| c.len_utf16() as u32).sum::<u32>();
        let (before, text) = (&prompt[..start], &prompt[start..end]);
        let at = units(before);
        Self { kind, start: at, end: at + units(text), text: text.to_owned(), known: Vec::new() }
    }
}

/// What was found in a prompt, and what is left of it.
pub(crate) struct Marks {
    /// In the order in which they begin. What lies within another is not told of again.
    pub notes: Vec<PromptNote>,
    /// Bytes that each of them takes, in the same order.
    pub spans: Vec<(usize, usize)>,
    /// The prompt without the marks of weights, if there are any.
    pub unweighed: Option<String>,
}

/// Every mark of `prompt`.
pub(crate) fn marks(prompt: &str) -> Marks {
    let mut found = Marks { notes: Vec::new(), spans: Vec::new(), unweighed: None };
    let mut plain = String::with_capacity(prompt.len());
    let mut at = 0;
    let mut escaped = false;
    while let Some(c) = prompt[at..].chars().next() {
        let Some((kind, length)) = mark(&prompt[at..]).filter(|_| !escaped) else {
            plain.push(c);
            at += c.len_utf8();
            escaped = c == '\\' && !escaped;
            continue;
        };
        let text = &prompt[at..at + length];
        let mut note = PromptNote::of(kind, prompt, at, at + length);
        if kind == NoteKind::Weight {
            let read = unweighed(text);
            plain.push_str(&read);
            note.known.push(read);
        } else {
            plain.push_str(text);
        }
        found.notes.push(note);
        found.spans.push((at, at + length));
        at += length;
    }
    let weighed = found.notes.iter().any(|note| note.kind == NoteKind::Weight);
    found.unweighed = weighed.then_some(plain);
    found
}

/// The mark that `text` begins with, and how many bytes it takes.
fn mark(text: &str) -> Option<(NoteKind, usize)> {
    match text.as_bytes().first()? {
        b'<' => lora(text).map(|length| (NoteKind::Lora, length)),
        b'_' => wildcard(text).map(|length| (NoteKind::Wildcard, length)),
        b'{' => variant(text).map(|length| (NoteKind::Variant, length)),
        b'(' => weight(text).map(|(length, _)| (NoteKind::Weight, length)),
        _ => None,
    }
}

/// `<lora:name>` or `<lora:name:0.8>`, and its relatives that add to the weights.
fn lora(text: &str) -> Option<usize> {
    const KINDS: [&str; 4] = ["<lora:", "<lyco:", "<locon:", "<hypernet:"];
    KINDS.iter().find(|kind| {
        text.get(..kind.len()).is_some_and(|start| start.eq_ignore_ascii_case(kind))
    })?;
    let end = text.find(['>', '\n'])?;
    text[end..].starts_with('>').then_some(end + 1)
}

/// `__name__`, in which a name may have folders and stars.
fn wildcard(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("__")?;
    let length = rest.find("__")?;
    let named = |c: char| c.is_alphanumeric() || "_-./* ".contains(c);
    let name = &rest[..length];
    let sound = name.chars().all(named) && name.chars().any(char::is_alphanumeric);
    // Blanks belong inside a name: two of these side by side are not one.
    (sound && name.trim() == name).then_some(length + 4)
}

/// `{a|b}`, which may hold others.
fn variant(text: &str) -> Option<usize> {
    let end = closing(text, '{', '}')?;
    text[..end].contains('|').then_some(end + 1)
}

/// `(words:1.3)`, which may hold others: its bytes, and where the number's colon is.
fn weight(text: &str) -> Option<(usize, usize)> {
    let end = closing(text, '(', ')')?;
    let colon = text[..end].rfind(':')?;
    let number = text[colon + 1..end].trim();
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+');
    let is_number = number.chars().all(plain) && number.parse::<f32>().is_ok();
    (is_number && !text[1..colon].trim().is_empty()).then_some((end + 1, colon))
}

/// Where what `text` opens with is closed.
fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

/// The words of a weight, without what marks them and those within them as weighed.
fn unweighed(text: &str) -> String {
    let Some((_, colon)) = weight(text) else { return text.to_owned() };
    let inner = text[1..colon].trim();
    marks(inner).unweighed.unwrap_or_else(|| inner.to_owned())
}

/// What a network is given of `text`, where that is not the text itself: the same without marks of
/// weights, of a model that weighs none. Marks that would be drawn as words are refused.
pub(crate) fn read(field: &str, text: &str, weighs: bool) -> Result<Option<String>, RecipeError> {
    let found = marks(text);
    // Also those within a weight.
    let inner = found.unweighed.as_deref().map(marks);
    let all = found.notes.iter().chain(inner.iter().flat_map(|inner| &inner.notes));
    match all.into_iter().find(|note| note.kind != NoteKind::Weight) {
        Some(note) => Err(refused(field, text, note)),
        None if weighs => Ok(None),
        None => Ok(found.unweighed),
    }
}

fn refused(field: &str, text: &str, note: &PromptNote) -> RecipeError {
    let (what, accepted) = match note.kind {
        NoteKind::Variant => (
            "nothing here chooses between variants yet",
            "one of them alone, or a request for each".to_owned(),
        ),
        NoteKind::Wildcard => (
            "nothing here fills in wildcards yet",
            format!("the words that are meant in place of {}", note.text),
        ),
        _ => (
            "an addition to the weights is not drawn from words",
            format!(
                "the {field} without it; an addition is a file of its own, where a model takes any"
            ),
        ),
    };
    // Counted as a person counts, from 1; one that lies within a weight is found by its text.
    let at = text.find(&note.text).map_or(0, |at| text[..at].chars().count()) + 1;
    RecipeError::new(field, format!("{} at character {at}: {what}", note.text), accepted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The marks of a prompt as `kind start..end text`.
    fn told(prompt: &str) -> Vec<String> {
        let notes = marks(prompt).notes.into_iter();
        notes.map(|n| format!("{} {}..{} {}", n.kind, n.start, n.end, n.text)).collect()
    }

    #[test]
    fn each_mark_is_found_where_it_is() {
        let cases: &[(&str, &[&str])] = &[
            ("a (red:1.3) fox", &["weight 2..11 (red:1.3)"]),
            ("a {red|blue} fox", &["variant 2..12 {red|blue}"]),
            ("a {2$$red|{dark|pale} blue} fox", &["variant 2..27 {2$$red|{dark|pale} blue}"]),
            ("__colour__ fox", &["wildcard 0..10 __colour__"]),
            (
                "a __animals/wild-*__, <lora:paper cut:0.8>",
                &["wildcard 2..20 __animals/wild-*__", "lora 22..42 <lora:paper cut:0.8>"],
            ),
            ("a <LoRA:x> fox", &["lora 2..10 <LoRA:x>"]),
            ("((red fox:1.2) in snow:0.9)", &["weight 0..27 ((red fox:1.2) in snow:0.9)"]),
            // A fox takes two units, and three of UTF-8's characters here one each.
            ("🦊 é狐 (a:2)", &["weight 6..11 (a:2)"]),
            // Words like any.
            ("a fox (small), 5:30, {a}, snake_case, __, ____, a__b, <3, <b>, (:1.2)", &[]),
            (r"a fox \(red:1.3) \{a|b}", &[]),
            ("(ratio 16:9", &[]),
            ("", &[]),
        ];
        for (prompt, expected) in cases {
            assert_eq!(told(prompt), *expected, "{prompt}");
        }
    }

    #[test]
    fn without_their_marks_weighed_words_are_left() {
        let cases = [
            ("a (red:1.3) fox", Some("a red fox")),
            ("((red fox:1.2) in snow:0.9), (small) star", Some("red fox in snow, (small) star")),
            ("(a:1)(b:-.5)", Some("ab")),
            ("a red fox", None),
        ];
        for (prompt, left) in cases {
            assert_eq!(read("prompt", prompt, false).unwrap().as_deref(), left, "{prompt}");
            assert_eq!(read("prompt", prompt, true).unwrap(), None, "one that weighs reads all");
        }
    }

    #[test]
    fn what_nothing_understands_is_refused_where_it_stands() {
        for (prompt, words) in [
            ("a {red|blue} fox", ["{red|blue} at character 3", "one of them alone"]),
            ("🦊 __colour__", ["__colour__ at character 3", "in place of __colour__"]),
            ("a fox <lora:x:1>", ["<lora:x:1> at character 7", "without it"]),
            ("a ({red|blue} fox:1.2)", ["{red|blue} at character 4", "one of them alone"]),
        ] {
            let error = read("negative", prompt, true).unwrap_err();
            assert_eq!(error.field, "negative");
            for word in words {
                assert!(error.to_string().contains(word), "{word:?} is not in {error}");
            }
        }
    }
}
