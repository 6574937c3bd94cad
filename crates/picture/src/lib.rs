//! Picture files: what goes into the engine from disk, and what comes out of it to disk.
//!
//! [`decode`] reads a person's file within [`Limits`] that are checked against its header before a
//! pixel is unpacked. [`encode`] writes a picture with its recipe inside, as JSON and as the
//! `parameters` text that other tools read; [`read_metadata`] gives both back. [`write_whole`] puts
//! bytes on disk so that nobody ever finds half a file. [`encode_saying`] writes a picture that says less,
//! or that carries on what another one says which it is made of.
//!
//! PNG, JPEG and WebP are written, GIF, TIFF and BMP are only read, and what else is a picture is refused
//! by its name ([`Format`]). Where the recipe stands in a file, and that a model made it, for machines to
//! read ([`DigitalSource`]):
//!
//! | | recipe as JSON | A1111 `parameters` | XMP |
//! |---|---|---|---|
//! | PNG | text chunk `likeness` | text chunk `parameters` | text chunk `XML:com.adobe.xmp` |
//! | JPEG | EXIF ImageDescription (0x010E) | EXIF UserComment (0x9286) | APP1 |
//! | WebP | the same | the same | part `XMP ` |
//!
//! [`foreign::read_settings`] understands what other programs write into theirs.
//!
//! No file content makes this crate panic: what is damaged or too large is a [`PictureError`].

mod decode;
mod colour;
mod encode;
mod finish;
mod metadata;
pub mod foreign;
mod exif;
mod xmp;
mod parts;
mod format;
mod unread;
mod store;
mod error;

pub use decode::{Decoded, Limits, Looks, decode, look_at, read_picture};
pub use encode::{Said, check_recipe_fits, encode, encode_saying};
pub use error::PictureError;
pub use finish::{at_quality, saying_srgb};
pub use format::Format;
pub use metadata::{PictureMetadata, read_metadata};
pub use store::{Existing, lies_within, read_file, write_whole};
pub use xmp::DigitalSource;
