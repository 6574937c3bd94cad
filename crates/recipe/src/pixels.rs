//! Pixels and noise as plain numbers.

use crate::Size;

/// A picture in memory: rows from the top, 8 bits a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// 3 for RGB, 4 for RGBA with straight (not premultiplied) alpha.
    pub channels: u8,
    /// `width · height · channels` bytes, channels innermost.
    pub data: Vec<u8>,
}

impl Pixels {
    /// A picture of these bytes, if there are as many as the sizes say and channels are 3 or 4.
    pub fn new(width: u32, height: u32, channels: u8, data: Vec<u8>) -> Option<Self> {
        let expected =
            (width as usize).checked_mul(height as usize)?.checked_mul(channels as usize)?;
        let sound = matches!(channels, 3 | 4) && width > 0 && height > 0 && data.len() == expected;
        sound.then_some(Self { width, height, channels, data })
    }

    /// Width and height.
    pub fn size(&self) -> Size {
        Size { width: self.width, height: self.height }
    }
}

/// Numbers with a shape, outermost dimension first.
#[derive(Debug, Clone, PartialEq)]
pub struct Noise {
    /// Such as `[1, channels, rows, columns]`.
    pub shape: Vec<usize>,
    /// As many numbers as the shape says.
    pub data: Vec<f32>,
}
