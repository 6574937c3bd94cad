//! The library: one folder with a database and the picture files, which finds again what was made,
//! keeps the queue, and mends itself.
//!
//! [`Library::open`] locks the folder and brings its schema up to date. A [`Library`] reads and
//! writes; a [`Reader`] only reads, over a connection of its own, so that an interface can page
//! while something is being written. What a [`Library`] can do stands with the table it does it to:
//! one file in `table/` has a table's migration, its rows as plain data, and the methods.
//!
//! ```text
//! <library>/library.sqlite                             WAL, synchronous FULL
//! <library>/library.lock                               locked for as long as the library is open
//! <library>/pictures/2026/11/21/<sha256>.png           what was made and imported
//! <library>/assets/<2 hex>/<sha256>.<ending>           references, starting pictures, masks
//! <library>/thumbnails/{128,320,768}/<2 hex>/<sha256>.webp
//! <library>/aside/                                     files that are being written
//! <library>/backups/                                   databases as they were before a change
//! <library>/found/                                     what a repair could not make sense of
//! ```
//!
//! A file is whole on the disk before a row names it, so a crash leaves at most a file without a
//! row, which the next [`Library::open`] adopts. Pictures never change; all that a person may change
//! about one (rating, tags, boards, trash) is in rows. Time comes from the caller.
//!
//! Adding a table: a file in `table/` with its `CREATE`, one line at the end of the list in
//! `schema.rs`, and what `care` must know of it. A table that is there is changed by another line at
//! the end, never by editing an old one.

mod library;
mod schema;
mod folder;
mod files;
mod lock;
mod seal;
mod time;
mod id;
pub mod table;
mod describe;
mod thumbnails;
pub mod care;
#[doc(hidden)]
pub mod testing;
mod error;

pub use error::{LibraryError, Result};
pub use folder::thumbnail_path;
pub use id::{AnyId, PictureId};
pub use library::{Library, Reader, unless_full};
pub use schema::SCHEMA;
pub use table::assets::Asset;
pub use table::boards::{Board, BoardId};
pub use table::connections::{Connection, NewConnection};
pub use table::facets::Facets;
pub use table::jobs::{Cancelled, JobId, JobRow, JobState, NewJob, Place, QueueState, Which};
pub use table::marks::Marks;
pub use table::models::{ModelSeen, NewModelSeen};
pub use table::page::{Cursor, Filter, MAX_PAGE, Order, Page};
pub use table::parents::{Edge, Lineage, Parent, Relation};
pub use table::pictures::{NewPicture, PictureRow, StoredFile, store_file};
pub use table::prompts::PromptRow;
pub use table::session::{Notice, Recovered};
pub use thumbnails::{
    THUMBNAIL_SIZES, ThumbnailSource, make_thumbnail, make_thumbnails, thumbnail_size,
};
pub use time::Time;
