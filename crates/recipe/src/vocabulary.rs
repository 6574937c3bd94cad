//! Words that a model knows, where it knows few: which words of a prompt are none of them, and whether
//! a prompt asks for a background.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::prompt::{Marks, NoteKind, PromptNote, marks};

/// The longest list of names that one unknown word is answered with.
const OFFERED: usize = 5;

/// The words of a model, as its manifest lists them. All are lower case, words of a name one blank apart.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vocabulary {
    /// Words, and names of several words, which are known as a whole: `ice cream` says nothing of `ice`.
    pub known: BTreeSet<String>,
    /// Words that are known of a picture that is shown, and draw nothing by themselves.
    #[serde(default)]
    pub shown: BTreeSet<String>,
    /// Words that ask for a background, such as `on a beach`.
    pub grounds: BTreeSet<String>,
    /// Words that ask for none, such as `sticker`; they win over the others.
    pub cut_out: BTreeSet<String>,
}

impl Vocabulary {
    /// The stretches of `prompt` that are none of these words, in its order: a note for each word.
    /// `shown` says whether a picture is shown beside it.
    pub fn unknown(&self, prompt: &str, shown: bool) -> Vec<PromptNote> {
        self.unknown_but_for(prompt, shown, &marks(prompt))
    }

    /// The same where marks have been looked for. Words that are weighed count as words.
    pub(crate) fn unknown_but_for(
        &self,
        prompt: &str,
        shown: bool,
        found: &Marks,
    ) -> Vec<PromptNote> {
        let knows = |name: &str| self.known.contains(name) || (shown && self.shown.contains(name));
        let words = words(prompt, found);
        let names: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        let most = longest(&self.known).max(longest(&self.shown));
        let (mut notes, mut at) = (Vec::new(), 0);
        while let Some(word) = words.get(at) {
            let length = (1..=most.min(words.len() - at)).rev().find(|&length| {
                let joined = |one: &Word| one.joined;
                words[at + 1..at + length].iter().all(joined)
                    && knows(&names[at..at + length].join(" "))
            });
            if length.is_none() {
                let mut note = PromptNote::of(NoteKind::UnknownWord, prompt, word.start, word.end);
                note.known = self.with(&word.text);
                notes.push(note);
            }
            at += length.unwrap_or(1);
        }
        notes
    }

    /// Names of several words with this one in them.
    fn with(&self, word: &str) -> Vec<String> {
        let holds = |name: &&String| name.contains(' ') && name.split(' ').any(|one| one == word);
        self.known.iter().filter(holds).take(OFFERED).cloned().collect()
    }

    /// Whether `prompt` asks for a background: `Some(false)` where it asks for none, nothing where it
    /// does not say.
    pub fn asks_for_ground(&self, prompt: &str) -> Option<bool> {
        let words = words(prompt, &marks(prompt));
        let asks = |phrases: &BTreeSet<String>| {
            let most = longest(phrases);
            (0..words.len()).any(|at| {
                (1..=most.min(words.len() - at)).any(|length| {
                    let stretch = &words[at..at + length];
                    let name: Vec<_> = stretch.iter().map(|word| word.text.as_str()).collect();
                    stretch[1..].iter().all(|word| word.joined) && phrases.contains(&name.join(" "))
                })
            })
        };
        match (asks(&self.cut_out), asks(&self.grounds)) {
            (true, _) => Some(false),
            (false, true) => Some(true),
            (false, false) => None,
        }
    }
}

/// Words of the longest name.
fn longest(phrases: &BTreeSet<String>) -> usize {
    phrases.iter().map(|phrase| phrase.split(' ').count()).max().unwrap_or(0)
}

/// A word of a prompt, by its bytes.
struct Word {
    start: usize,
    end: usize,
    /// In lower case.
    text: String,
    /// Whether it may belong to a name with the word before: nothing but blanks and hyphens is between.
    joined: bool,
}

/// The words of a prompt: what lies between blanks and punctuation. Marks that are not read are none,
/// and of a weight its words are.
fn words(prompt: &str, found: &Marks) -> Vec<Word> {
    let mut hidden: BTreeMap<usize, usize> = BTreeMap::new();
    for (note, &(start, end)) in found.notes.iter().zip(&found.spans) {
        match note.kind {
            // Brackets are punctuation; only the number would be taken for a word.
            NoteKind::Weight => hide_numbers(prompt, start, end, &mut hidden),
            _ => drop(hidden.insert(start, end)),
        }
    }
    let mut words: Vec<Word> = Vec::new();
    let (mut at, mut joined) = (0, false);
    let mut open = false;
    while let Some(c) = prompt[at..].chars().next() {
        if let Some(&end) = hidden.get(&at) {
            (at, open, joined) = (end, false, false);
            continue;
        }
        let next = at + c.len_utf8();
        // An apostrophe belongs to a word that goes on behind it.
        let within = matches!(c, '\'' | '’')
            && open
            && prompt[next..].chars().next().is_some_and(char::is_alphanumeric);
        if separates(c) && !within {
            joined = if open { true } else { joined } && (c.is_whitespace() || c == '-');
            open = false;
        } else {
            match words.last_mut().filter(|_| open) {
                Some(word) => {
                    word.end = next;
                    word.text.extend(c.to_lowercase());
                }
                None => {
                    let text = c.to_lowercase().collect();
                    words.push(Word { start: at, end: next, text, joined });
                }
            }
            open = true;
        }
        at = next;
    }
    words
}

/// Hides `:1.3` of every weight from `start` to `end`.
fn hide_numbers(prompt: &str, start: usize, end: usize, hidden: &mut BTreeMap<usize, usize>) {
    for (at, _) in prompt[start..end].match_indices(':') {
        let from = start + at;
        let number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | ' ');
        let rest = &prompt[from + 1..end];
        let length = rest.find(|c| !number(c)).unwrap_or(rest.len());
        if length > 0 && rest[length..].starts_with(')') {
            hidden.insert(from, from + 1 + length);
        }
    }
}

/// Whether a character stands between words. What is none of these may be one: a picture, a sign of any
/// script.
fn separates(c: char) -> bool {
    c.is_whitespace()
        || c.is_ascii_punctuation()
        || c.is_control()
        || matches!(c, '\u{2010}'..='\u{206f}' | '\u{3000}'..='\u{303f}' | '\u{feff}' | '\u{fe0e}' | '\u{fe0f}')
        || matches!(
            c,
            '，' | '！'
                | '？'
                | '；'
                | '：'
                | '（'
                | '）'
                | '［'
                | '］'
                | '｛'
                | '｝'
                | '．'
                | '～'
                | '·'
                | '¡'
                | '¿'
                | '«'
                | '»'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        let set = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect();
        Vocabulary {
            known: set(&[
                "a",
                "an",
                "on",
                "the",
                "fox",
                "fire",
                "fire engine",
                "ice cream",
                "soft ice cream",
                "ice skate",
                "t shirt",
                "3d style",
                "on a beach",
                "beach",
                "red",
                "sticker",
                "make",
                "snow",
            ]),
            shown: set(&["robot", "side"]),
            grounds: set(&["on a beach", "red background", "snow"]),
            cut_out: set(&["sticker", "transparent background"]),
        }
    }

    fn unknown(prompt: &str) -> Vec<String> {
        let notes = vocabulary().unknown(prompt, false).into_iter();
        notes.map(|n| format!("{}..{} {}", n.start, n.end, n.text)).collect()
    }

    #[test]
    fn words_that_are_not_known_are_named_one_by_one() {
        let cases: &[(&str, &[&str])] = &[
            ("a red Fox on a beach, 3D style", &[]),
            ("A FOX\non  the\tbeach!", &[]),
            ("a portrait of a woman", &["2..10 portrait", "11..13 of", "16..21 woman"]),
            ("a fire engine", &[]),
            ("a fire", &[]),
            // A name is known as a whole, and not in parts.
            ("ice", &["0..3 ice"]),
            ("ice cream and soft ice cream", &["10..13 and"]),
            ("ice, cream", &["0..3 ice", "5..10 cream"]),
            ("a t-shirt", &[]),
            ("the fox's red", &["4..9 fox's"]),
            ("一只狐狸，红色", &["0..4 一只狐狸", "5..7 红色"]),
            ("a 🦊 fox robot", &["2..4 🦊", "9..14 robot"]),
            // Marks are told of as what they are, and weighed words are words.
            ("a (red:1.3) fox, (robot:1.1)", &["18..23 robot"]),
            ("a {red|blue} __x__ <lora:y:1> fox", &[]),
            ("", &[]),
        ];
        for (prompt, expected) in cases {
            assert_eq!(unknown(prompt), *expected, "{prompt}");
        }
    }

    #[test]
    fn a_part_of_a_name_is_told_what_it_may_be_part_of() {
        let notes = vocabulary().unknown("ice on a robot", false);
        assert_eq!(notes[0].known, ["ice cream", "ice skate", "soft ice cream"]);
        assert!(notes[1].known.is_empty());
    }

    #[test]
    fn what_is_shown_may_be_called_by_more_names() {
        assert_eq!(unknown("the robot"), ["4..9 robot"]);
        assert_eq!(vocabulary().unknown("the robot", true), []);
    }

    #[test]
    fn a_prompt_says_whether_it_wants_a_background() {
        for (prompt, asks) in [
            ("a fox on a beach", Some(true)),
            ("a fox, red background", Some(true)),
            ("Snow", Some(true)),
            ("a fox", None),
            ("a snowman", None),
            ("a fox on a, beach", None),
            ("a fox on a beach, sticker", Some(false)),
            ("a fox, transparent background", Some(false)),
        ] {
            assert_eq!(vocabulary().asks_for_ground(prompt), asks, "{prompt}");
        }
    }
}
