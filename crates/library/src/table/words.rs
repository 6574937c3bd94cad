//! The words of a picture: its prompts, and the index over all that can be searched.
//!
//! Prompts stand apart from `pictures`, so that a filter which walks all pictures walks short rows.

use rusqlite::{Connection, params};

use crate::{LibraryError, Result};

/// The index keeps no text of its own: it can be made again from the other tables at any time.
pub(crate) const CREATE: &str = "
CREATE TABLE words (
    picture INTEGER PRIMARY KEY REFERENCES pictures ON DELETE CASCADE,
    prompt TEXT NOT NULL,
    negative TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE search USING fts5 (
    prompt, negative, tags, subject,
    content = '', contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
);
";

/// Most words of one search, and most characters.
const TERMS: usize = 16;
const CHARACTERS: usize = 1000;

/// Sets the prompts of a new picture.
pub(crate) fn add(
    connection: &Connection,
    picture: i64,
    prompt: &str,
    negative: &str,
) -> Result<()> {
    connection
        .prepare_cached("INSERT INTO words (picture, prompt, negative) VALUES (?1, ?2, ?3)")?
        .execute(params![picture, prompt, negative])?;
    Ok(())
}

/// Brings the index up to date for one picture, after any of its words changed.
pub(crate) fn index(connection: &Connection, picture: i64) -> Result<()> {
    unindex(connection, picture)?;
    let mut statement = connection.prepare_cached(
        "SELECT prompt, negative, coalesce(subject, ''),
             coalesce((SELECT group_concat(name, ' , ') FROM picture_tags
                       JOIN tags ON tags.number = picture_tags.tag
                       WHERE picture_tags.picture = pictures.number), '')
         FROM pictures JOIN words ON words.picture = pictures.number WHERE pictures.number = ?1",
    )?;
    let text = |row: &rusqlite::Row<'_>, at| row.get(at).map(|text: String| apart(&text));
    let [prompt, negative, subject, tags] = statement.query_row([picture], |row| {
        Ok([text(row, 0)?, text(row, 1)?, text(row, 2)?, text(row, 3)?])
    })?;
    connection
        .prepare_cached(
            "INSERT INTO search (rowid, prompt, negative, tags, subject) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![picture, prompt, negative, tags, subject])?;
    Ok(())
}

/// Takes a picture out of the index.
pub(crate) fn unindex(connection: &Connection, picture: i64) -> Result<()> {
    connection.prepare_cached("DELETE FROM search WHERE rowid = ?1")?.execute([picture])?;
    Ok(())
}

/// What a person typed, as two expressions of FTS5.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// What must be found; none where nothing was asked for.
    pub wanted: Option<String>,
    /// What must not be found, where nothing else was asked for: FTS5 cannot say only that.
    pub unwanted: Option<String>,
}

/// Reads what a person typed: words that are begun so, `"words in a row"`, `-without`, and
/// `negative:word` for the negative prompt, which is not looked into otherwise.
pub(crate) fn read_query(text: &str) -> Result<Query> {
    let terms = terms(text);
    if text.chars().count() > CHARACTERS || terms.len() > TERMS {
        let accepted = format!("at most {TERMS} words and {CHARACTERS} characters");
        return Err(LibraryError::field("text", "the search is too long", accepted));
    }
    let join = |without: bool, with: &str| {
        let expressions: Vec<_> =
            terms.iter().filter(|term| term.without == without).map(Term::expression).collect();
        (!expressions.is_empty()).then(|| expressions.join(with))
    };
    Ok(match (join(false, " AND "), join(true, " OR ")) {
        (Some(wanted), Some(unwanted)) => {
            Query { wanted: Some(format!("({wanted}) NOT ({unwanted})")), unwanted: None }
        }
        (wanted, unwanted) => Query { wanted, unwanted },
    })
}

struct Term {
    text: String,
    without: bool,
    in_negative: bool,
    begins: bool,
}

impl Term {
    fn expression(&self) -> String {
        let columns = if self.in_negative { "negative" } else { "{prompt tags subject}" };
        // Quoted, nothing in it is an operator; quotes were taken out when terms were told apart.
        let star = if self.begins { "*" } else { "" };
        format!("{columns} : \"{}\"{star}", apart(&self.text).trim())
    }
}

fn terms(text: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let without = rest.starts_with('-');
        rest = rest.strip_prefix('-').unwrap_or(rest);
        let in_negative = rest.strip_prefix("negative:");
        rest = in_negative.unwrap_or(rest);
        let quoted = rest.strip_prefix('"');
        let (term, after) = match quoted {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        rest = after.trim_start();
        let term: String =
            term.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
        if !term.trim().is_empty() {
            terms.push(Term {
                text: term,
                without,
                in_negative: in_negative.is_some(),
                begins: quoted.is_none(),
            });
        }
    }
    terms
}

/// Writes Chinese, Japanese and Korean one sign apart. The tokenizer takes a row of them for one
/// word, in which nothing could be found but its beginning.
fn apart(text: &str) -> String {
    let mut spread = String::with_capacity(text.len());
    for c in text.chars() {
        match is_cjk(c) {
            true => spread.extend([' ', c, ' ']),
            // FTS5 ends at it.
            false if c == '\0' => spread.push(' '),
            false => spread.push(c),
        }
    }
    spread
}

fn is_cjk(c: char) -> bool {
    matches!(c as u32,
        0x2E80..=0x2FDF | 0x3040..=0x30FF | 0x3100..=0x312F | 0x31A0..=0x31BF | 0x31F0..=0x31FF
        | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_typed_becomes_an_expression() {
        // `@` stands for the columns that are looked into.
        let expression =
            |text: &str| (!text.is_empty()).then(|| text.replace('@', "{prompt tags subject} : "));
        for (text, wanted, unwanted) in [
            ("", "", ""),
            ("  !! ", "", ""),
            ("fox", r#"@"fox"*"#, ""),
            ("-fox", "", r#"@"fox"*"#),
            ("-fox -cat", "", r#"@"fox"* OR @"cat"*"#),
            (r#""red fox" -negative:dog"#, r#"(@"red fox") NOT (negative : "dog"*)"#, ""),
            ("红狐", r#"@"红  狐"*"#, ""),
            ("a OR b)", r#"@"a"* AND @"OR"* AND @"b"*"#, ""),
            (r#"fox "not ended"#, r#"@"fox"* AND @"not ended""#, ""),
        ] {
            let expected = Query { wanted: expression(wanted), unwanted: expression(unwanted) };
            assert_eq!(read_query(text).unwrap(), expected, "{text}");
        }
        assert!(read_query(&"a ".repeat(17)).is_err());
    }

    proptest! {
        /// Whatever is typed, SQLite understands what is made of it.
        #[test]
        fn no_text_is_a_syntax_error(text in "(\\PC|[-\"*:(){}^ \0]){0,40}") {
            let connection = Connection::open_in_memory().unwrap();
            connection.execute_batch("CREATE VIRTUAL TABLE search USING fts5(prompt, negative, tags, subject)").unwrap();
            if let Ok(Query { wanted, unwanted }) = read_query(&text) {
                for expression in wanted.iter().chain(&unwanted) {
                    let found: rusqlite::Result<i64> = connection.query_row(
                        "SELECT count(*) FROM search WHERE search MATCH ?1", [expression], |row| row.get(0));
                    prop_assert!(found.is_ok(), "{expression}: {found:?}");
                }
            }
        }
    }
}
