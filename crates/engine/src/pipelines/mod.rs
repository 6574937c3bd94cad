//! One file for each family: encode → denoise → decode.
//!
//! Adding a family: its sign in `weights::keys`, its networks, a pipeline here, and its row in
//! [`crate::Model::open`].

pub mod flux2;
mod recent;
