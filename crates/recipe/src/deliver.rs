//! That a picture was brought to exactly a size that somebody asked for, after its recipe had made it.

use serde::{Deserialize, Serialize};

use crate::names::named;

named! {
    /// How a picture of another shape becomes one of the size that is asked for.
    Fit {
        /// What is too much is cut off where that does little harm; elsewhere it gets a border.
        Auto = "auto",
        /// What is too much is cut off.
        Crop = "crop",
        /// A border of one colour is added.
        Plain = "plain",
        /// A border of the picture itself, blurred, is added.
        Blurred = "blurred",
    }
}

/// What was asked for, and of which file it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivered {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// How it came to that shape.
    pub fit: Fit,
    /// The colour of a border and of what lies behind what could be seen through, as `#rrggbb`, where one
    /// was asked for.
    pub background: Option<String>,
    /// Hash of the file that it was made from, in hexadecimal.
    pub sha256: String,
}
