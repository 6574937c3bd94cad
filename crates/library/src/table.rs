//! The tables, one file each: what makes it, its rows as plain data, and what can be done to it.
//!
//! In reading order: a picture and what belongs to it, then what a person adds to pictures, then the
//! queue, then the rest.

/// Declares an enum whose names are the same in the database, in JSON and in messages.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every one there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in the database and in JSON.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The one called `name`.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }

        impl rusqlite::ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                Ok(rusqlite::types::ToSqlOutput::from(self.name()))
            }
        }

        impl rusqlite::types::FromSql for $name {
            fn column_result(
                value: rusqlite::types::ValueRef<'_>,
            ) -> rusqlite::types::FromSqlResult<Self> {
                let name = value.as_str()?;
                let unknown = || format!("{name} is no {}", stringify!($name));
                Self::from_name(name)
                    .ok_or_else(|| rusqlite::types::FromSqlError::Other(unknown().into()))
            }
        }
    };
}
use named;

pub mod pictures;
pub mod page;
pub mod facets;
pub(crate) mod words;
pub(crate) mod recipes;
pub(crate) mod renders;
pub mod parents;
pub mod assets;

pub mod marks;
pub mod tags;
pub mod boards;
pub(crate) mod trash;

pub mod jobs;
pub mod session;

pub mod prompts;
pub(crate) mod settings;
pub mod models;
pub mod connections;
