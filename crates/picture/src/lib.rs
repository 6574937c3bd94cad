//! Picture files: what goes into the engine from disk, and what comes out of it to disk.
//!
//! [`decode`] reads a person's file within [`Limits`] that are checked against its header before a
//! pixel is unpacked. [`encode`] writes a picture with its recipe inside, as JSON and as the
//! `parameters` text that other tools read; [`read_metadata`] gives both back. [`write_whole`] puts
//! bytes on disk so that nobody ever finds half a file. What is made of another picture's file carries its
//! texts on ([`encode_after`]).
//!
//! Where the recipe stands in a file:
//!
//! | | recipe as JSON | A1111 `parameters` |
//! |---|---|---|
//! | PNG | text chunk `likeness` | text chunk `parameters` |
//! | JPEG, WebP | EXIF ImageDescription (0x010E) | EXIF UserComment (0x9286) |
//!
//! [`foreign::read_settings`] understands what other programs write into theirs.
//!
//! No file content makes this crate panic: what is damaged or too large is a [`PictureError`].

mod decode;
mod colour;
mod encode;
mod metadata;
pub mod foreign;
mod exif;
mod format;
mod store;
mod error;

pub use decode::{Decoded, Limits, Looks, decode, look_at, read_picture};
pub use encode::{check_recipe_fits, encode, encode_after, encode_plain};
pub use error::PictureError;
pub use format::Format;
pub use metadata::{PictureMetadata, read_metadata};
pub use store::{Existing, check_replaceable, lies_within, read_file, write_whole};
