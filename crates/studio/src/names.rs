//! Names of files from a template such as `[date]-[prompt]-[seed]`.
//!
//! Every system must take the name, Windows too, so what it refuses is left out, and names that it
//! keeps for itself get a line before them.

use crate::StudioError;

/// Most bytes of a name without its ending; systems take 255 in all, and a number may follow.
const NAME_BYTES: usize = 160;

/// Most bytes that one value may fill, so that a long prompt leaves room for the rest.
const VALUE_BYTES: usize = 80;

/// Every token. A picture that has no value for one leaves it out.
pub const TOKENS: &[&str] = &[
    "seed", "date", "time", "prompt", "model", "subject", "row", "variant", "channel", "width",
    "height",
];

/// Device names that Windows refuses, whatever the ending.
const RESERVED: &[&str] = &["con", "prn", "aux", "nul"];

/// The name for a picture whose values `value` gives, without an ending.
pub fn name(template: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, StudioError> {
    let mut name = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('[') {
        name += &safe(&rest[..open]);
        let Some(length) = rest[open..].find(']') else {
            return Err(refused(format!("{:?} is not closed", &rest[open..])));
        };
        let token = &rest[open + 1..open + length];
        if !TOKENS.contains(&token) {
            return Err(refused(format!("[{token}] is unknown")));
        }
        let value = value(token).unwrap_or_default();
        name += &cut(&words(&value), VALUE_BYTES);
        rest = &rest[open + length + 1..];
    }
    name += &safe(rest);
    let name = tidy(&cut(&name, NAME_BYTES));
    if name.is_empty() {
        return Ok("picture".to_owned());
    }
    Ok(if reserved(&name) { format!("_{name}") } else { name })
}

fn refused(problem: String) -> StudioError {
    let tokens: Vec<_> = TOKENS.iter().map(|token| format!("[{token}]")).collect();
    StudioError::field("template", problem, tokens.join(" "))
}

/// Without what Windows, or any other system, refuses in a name.
fn safe(text: &str) -> String {
    text.chars()
        .filter(|c| {
            !c.is_control() && !matches!(c, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*')
        })
        .collect()
}

/// A value's letters and digits, with a line for all between them.
fn words(value: &str) -> String {
    let mut words = String::new();
    for c in value.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            words.push(c);
        } else if !words.is_empty() && !words.ends_with('-') {
            words.push('-');
        }
    }
    words.trim_end_matches('-').to_owned()
}

fn cut(text: &str, bytes: usize) -> String {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// Lines and spaces that a value left out would leave behind. A dot or a space at the end is one that
/// Windows drops, and one at the beginning hides the file elsewhere.
fn tidy(name: &str) -> String {
    let mut tidy = String::new();
    for c in name.chars() {
        let joint = |c: char| matches!(c, '-' | '_' | ' ' | '.');
        if joint(c) && tidy.chars().last().is_none_or(|last| last == c) {
            continue;
        }
        tidy.push(c);
    }
    tidy.trim_matches(|c| matches!(c, '-' | '_' | ' ' | '.')).to_owned()
}

fn reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let port =
        |prefix: &str| stem.strip_prefix(prefix).is_some_and(|rest| rest.len() == 1 && rest != "0");
    RESERVED.contains(&stem.as_str()) || port("com") || port("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, values: &[(&str, &str)], expected: &str) {
        let value = |token: &str| {
            values.iter().find(|(name, _)| *name == token).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(name(template, value).unwrap(), expected, "{template}");
    }

    #[test]
    fn values_take_the_place_of_their_tokens() {
        let values = [("prompt", "A red Fox, ein süßer!"), ("seed", "7"), ("width", "128")];
        check("[prompt]-[seed]", &values, "a-red-fox-ein-süßer-7");
        check("[seed] [width]x[height]", &values, "7 128x");
        check("[subject]-[seed]", &values, "7");
        check("[subject]", &values, "picture");
        check("shot", &values, "shot");
    }

    #[test]
    fn every_system_takes_the_name() {
        check("a/b\\c:d*?\"<>|\n[seed]", &[("seed", "1")], "abcd1");
        check("[prompt]", &[("prompt", "CON")], "_con");
        check("com1", &[], "_com1");
        check("..hidden. ", &[], "hidden");
        let long = "狐".repeat(300);
        let name = name("[prompt]-[prompt]-[prompt]", |_| Some(long.clone())).unwrap();
        assert!(name.len() <= NAME_BYTES, "{}", name.len());
    }

    #[test]
    fn a_slip_in_a_template_is_named() {
        for (template, word) in [("[sead]", "sead"), ("[seed", "not closed")] {
            let error = name(template, |_| None).unwrap_err();
            assert!(error.message.contains(word) && error.message.contains("[prompt]"), "{error}");
            assert_eq!(error.field.as_deref(), Some("template"));
        }
    }
}
