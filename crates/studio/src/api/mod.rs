//! What is asked and what is answered, as plain data: the words that every host speaks.
//!
//! Field names are the same here, in JSON and in TypeScript. Numbers that may pass 2^53, which are
//! seeds alone, are decimal text. Times are milliseconds since 1970, UTC.

mod care;
mod deliver;
mod event;
mod files;
mod models;
mod organise;
mod pictures;
mod queue;
mod render;
mod roofline;
mod settings;
mod system;

pub use care::*;
pub use deliver::*;
pub use event::*;
pub use files::*;
pub use models::*;
pub use organise::*;
pub use pictures::*;
pub use queue::*;
pub use render::*;
pub use roofline::*;
pub use settings::*;
pub use system::*;

/// Declares plain data that crosses the bridge: serde both ways, a TypeScript type, equality for tests.
macro_rules! data {
    ($($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $kind:ty,)*
    })+) => { $(
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, ts_rs::TS)]
        $(#[$meta])*
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $kind,)*
        }
    )+ };
}

/// Declares a closed list of names, spelled alike in Rust, JSON and TypeScript but for the case.
macro_rules! names {
    ($($(#[$meta:meta])* pub enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident,)+ })+) => { $(
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, ts_rs::TS)]
        $(#[$meta])*
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_meta])* $variant,)+ }
    )+ };
}

pub(crate) use {data, names};

data! {
    /// Nothing is asked, or nothing more needs to be answered.
    #[derive(Default, Copy, Eq)]
    #[ts(type = "Record<string, never>")]
    pub struct Nothing {}
    /// One thing, by its own id.
    pub struct OneId {
        /// A picture's or an asset's.
        pub id: String,
    }
    /// Several pictures.
    pub struct Ids {
        /// Of pictures.
        pub ids: Vec<String>,
    }
}
