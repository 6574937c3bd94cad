//! Finding pictures: filters, the search, and pages by key.

use std::fmt;
use std::str::FromStr;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::boards::BoardId;
use super::pictures::{self, BESIDE, COLUMNS, PictureRow};
use super::words::{self, Query};
use crate::{LibraryError, Reader, Result, Time};

/// Most pictures of one page.
pub const MAX_PAGE: u32 = 500;

/// Which pictures are wanted. The default is all that are not in the trash, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words of the prompt, the tags or the subject; see `words.rs` for what may be typed.
    pub text: Option<String>,
    /// The name of a model.
    pub model: Option<String>,
    /// Marked with at least this, of five.
    pub min_rating: Option<u8>,
    /// On this board.
    pub board: Option<BoardId>,
    /// With this tag.
    pub tag: Option<String>,
    /// Of this subject.
    pub subject: Option<String>,
    /// Asked for at once: the `run` of one of them.
    pub run: Option<String>,
    /// Exactly so wide.
    pub width: Option<u32>,
    /// Exactly so high.
    pub height: Option<u32>,
    /// Added at this time or later.
    pub from: Option<Time>,
    /// Added before this time.
    pub to: Option<Time>,
    /// Those in the trash, in place of those that are not.
    pub trashed: bool,
    /// What comes first.
    pub order: Order,
}

/// What comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Added last.
    #[default]
    Newest,
    /// Added first.
    Oldest,
    /// By mark, then newest.
    Best,
}

/// Where a page ended, as text that a host may hand on and need not understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Mark and number of the last picture; the first only in [`Order::Best`].
    last: (u8, i64),
    best: bool,
    /// Counted once, for the first page.
    total: u64,
}

/// Some pictures, and where to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// In the order of the filter.
    pub items: Vec<PictureRow>,
    /// For the next page; none after the last.
    pub next: Option<Cursor>,
    /// How many there were in all when the first page was read.
    pub total: u64,
}

impl Reader {
    /// The next `limit` (1 to [`MAX_PAGE`]) pictures of `filter` after `after`.
    pub fn page(&self, filter: &Filter, after: Option<Cursor>, limit: u32) -> Result<Page> {
        if !(1..=MAX_PAGE).contains(&limit) {
            let problem = format!("a page cannot have {limit} pictures");
            return Err(LibraryError::field("limit", problem, format!("1 to {MAX_PAGE}")));
        }
        if after.is_some_and(|cursor| cursor.best != (filter.order == Order::Best)) {
            return Err(bad_cursor("it is of another order"));
        }
        let query = read_filter(filter)?;
        self.sorted(|connection| {
            let total = match after {
                Some(cursor) => cursor.total,
                None => query.count(connection)?,
            };
            let (mut found, mut next) = (self.found(connection, &query, after, limit)?, None);
            if found.len() > limit as usize {
                found.truncate(limit as usize);
                let (number, last) = found.last().expect("a limit is at least 1");
                let best = filter.order == Order::Best;
                next = Some(Cursor { last: (last.rating, *number), best, total });
            }
            Ok(Page { items: found.into_iter().map(|(_, row)| row).collect(), next, total })
        })
    }

    /// One more than `limit`, so that the caller sees whether there are more.
    fn found(
        &self,
        connection: &Connection,
        query: &Conditions,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<(i64, PictureRow)>> {
        let mut query = query.clone();
        let (key, order) = match query.order {
            Order::Newest => ("p.number < ?", "p.number DESC"),
            Order::Oldest => ("p.number > ?", "p.number"),
            Order::Best => ("(p.rating, p.number) < (?, ?)", "p.rating DESC, p.number DESC"),
        };
        // The index gives what it finds in the order of the same number.
        let inside = |text: &str| match query.searches && query.order != Order::Best {
            true => text.replace("p.number", "search.rowid"),
            false => text.to_owned(),
        };
        let (inner_key, inner_order) = (inside(key), inside(order));
        if let Some(Cursor { last: (rating, number), best, .. }) = after {
            let mark = best.then(|| Value::from(i64::from(rating)));
            query.also(&inner_key, mark.into_iter().chain([Value::from(number)]));
        }
        let (from, conditions) = (query.from(), query.conditions.join(" AND "));
        // The page first, by its numbers; then all that is known of the few on it.
        let sql = format!(
            "{COLUMNS} FROM (SELECT p.number AS found FROM {from} WHERE {conditions}
                             ORDER BY {inner_order} LIMIT {})
             CROSS JOIN pictures AS p ON p.number = found {BESIDE} ORDER BY {order}",
            limit + 1
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(&query.values), |row| {
            Ok((pictures::read_number(row)?, pictures::read_row(&self.folder, row)?))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// A filter as SQL.
#[derive(Debug, Clone)]
pub(crate) struct Conditions {
    conditions: Vec<String>,
    values: Vec<Value>,
    order: Order,
    searches: bool,
}

impl Conditions {
    /// A search goes through what the index finds, and looks each up; not the other way about.
    fn from(&self) -> &'static str {
        match self.searches {
            true => "search CROSS JOIN pictures AS p ON p.number = search.rowid",
            false => "pictures AS p",
        }
    }

    fn also(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.conditions.push(condition.to_owned());
        self.values.extend(values);
    }

    fn count(&self, connection: &Connection) -> Result<u64> {
        let (from, conditions) = (self.from(), self.conditions.join(" AND "));
        let sql = format!("SELECT count(*) FROM {from} WHERE {conditions}");
        let mut statement = connection.prepare_cached(&sql)?;
        Ok(statement.query_row(params_from_iter(&self.values), |row| row.get(0))?)
    }
}

pub(crate) fn read_filter(filter: &Filter) -> Result<Conditions> {
    let Filter {
        text,
        model,
        min_rating,
        board,
        tag,
        subject,
        run,
        width,
        height,
        from,
        to,
        trashed,
        order,
    } = filter.clone();
    let Query { wanted, unwanted } = words::read_query(text.as_deref().unwrap_or(""))?;
    let (conditions, values) = (Vec::new(), Vec::new());
    let mut query = Conditions { conditions, values, order, searches: wanted.is_some() };
    query.also(if trashed { "p.trashed_at IS NOT NULL" } else { "p.trashed_at IS NULL" }, []);
    // A plus keeps SQLite from finding all that match by an index and then sorting them: walking in
    // the order that is asked for, it can stop at the end of the page.
    let conditions = [
        (wanted.map(Value::from), "search MATCH ?"),
        (
            unwanted.map(Value::from),
            "p.number NOT IN (SELECT rowid FROM search WHERE search MATCH ?)",
        ),
        (model.map(Value::from), "+p.model IN (SELECT number FROM models WHERE name = ?)"),
        (min_rating.map(|rating| Value::from(i64::from(rating))), "+p.rating >= ?"),
        (
            board.map(Value::from),
            "p.number IN (SELECT picture FROM board_pictures WHERE board = ?)",
        ),
        (
            tag.map(Value::from),
            "p.number IN (SELECT picture FROM picture_tags JOIN tags ON number = tag WHERE name = ?)",
        ),
        (subject.map(Value::from), "p.subject = ?"),
        (run.map(Value::from), "p.run = ?"),
        (width.map(|side| Value::from(i64::from(side))), "p.width = ?"),
        (height.map(|side| Value::from(i64::from(side))), "p.height = ?"),
        (from.map(Value::from), "p.created_at >= ?"),
        (to.map(Value::from), "p.created_at < ?"),
    ];
    for (value, condition) in conditions {
        if let Some(value) = value {
            query.also(condition, [value]);
        }
    }
    Ok(query)
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { last: (rating, number), best, total } = self;
        write!(f, "{}.{rating}.{number}.{total}", u8::from(*best))
    }
}

impl FromStr for Cursor {
    type Err = LibraryError;

    fn from_str(text: &str) -> Result<Self> {
        let read = || {
            let mut parts = text.split('.');
            let mut part = || parts.next()?.parse::<i64>().ok();
            let (best, rating) = (part()?, part()?);
            let (number, total) = (part()?, part()?);
            let last = (u8::try_from(rating).ok()?, number);
            let cursor = Self { last, best: best != 0, total: u64::try_from(total).ok()? };
            parts.next().is_none().then_some(cursor)
        };
        read().ok_or_else(|| bad_cursor("it is no place in a list"))
    }
}

fn bad_cursor(problem: &str) -> LibraryError {
    LibraryError::field("after", problem, "what the page before answered, with the same filter")
}
