//! A width and a height in pixels, as people write them: `512x768`.

use std::fmt;
use std::str::FromStr;

use crate::RecipeError;

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl FromStr for Size {
    type Err = RecipeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let sides = text.trim().split_once(['x', 'X', '×']);
        let parsed = sides.and_then(|(width, height)| {
            Some(Self { width: width.trim().parse().ok()?, height: height.trim().parse().ok()? })
        });
        parsed.ok_or_else(|| {
            RecipeError::new(
                "size",
                format!("{text:?} is not a size"),
                "WxH in pixels, such as 128x128",
            )
        })
    }
}
