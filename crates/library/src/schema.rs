//! The schema, as the list of changes that lead to it.

use rusqlite_migration::{M, Migrations};

use crate::table;

/// Every change ever made, oldest first. Lines are only added, at the end: what is here has run on
/// people's libraries. `tests/fixtures/libraries` keeps a library of past schemas.
const CHANGES: &[M<'_>] = &[
    M::up(table::models::CREATE),
    M::up(table::recipes::CREATE),
    M::up(table::pictures::CREATE),
    M::up(table::words::CREATE),
    M::up(table::renders::CREATE),
    M::up(table::parents::CREATE),
    M::up(table::tags::CREATE),
    M::up(table::boards::CREATE),
    M::up(table::assets::CREATE),
    M::up(table::jobs::CREATE),
    M::up(table::session::CREATE),
    M::up(table::settings::CREATE),
    M::up(table::prompts::CREATE),
    M::up(table::connections::CREATE),
    M::up(table::session::TELL_APART),
    M::up(table::trash::CREATE),
    M::up(table::marks::ONE_MARK),
    M::up(table::parents::ENLARGEMENTS),
    M::up(table::pictures::RUNS),
    M::up(table::renders::CHANGED),
];

/// The schema that this build writes: how many changes there are.
pub const SCHEMA: u32 = CHANGES.len() as u32;

/// The changes, to be run on a database.
pub(crate) fn migrations() -> Migrations<'static> {
    Migrations::from_slice(CHANGES)
}
