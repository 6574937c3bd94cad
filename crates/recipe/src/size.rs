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

impl Size {
    /// Pixels in all.
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The largest size of this shape that lies within `frame`: no side is less than one pixel.
    pub fn within(self, frame: Size) -> Size {
        let ratio = |frame: u32, side: u32| f64::from(frame) / f64::from(side.max(1));
        let scale = ratio(frame.width, self.width).min(ratio(frame.height, self.height));
        let side = |side: u32, most: u32| {
            ((f64::from(side.max(1)) * scale).round() as u32).clamp(1, most.max(1))
        };
        Size { width: side(self.width, frame.width), height: side(self.height, frame.height) }
    }
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
