//! A picture of one shape drawn in a size of another: it lies in the middle and is continued to all sides,
//! and what was drawn there is cut off. A network draws best in the sizes that it was trained on, and
//! nothing is distorted by it.

use likeness_recipe::{Pixels, Size};

/// Columns to the left of a picture of `size` in the middle of `canvas`, and rows above it.
fn offset(size: Size, canvas: Size) -> (usize, usize) {
    let half = |canvas: u32, side: u32| (canvas.saturating_sub(side) / 2) as usize;
    (half(canvas.width, size.width), half(canvas.height, size.height))
}

/// For each pixel of `canvas`, row by row, that of a picture of `size` in its middle which lies there or
/// nearest.
fn nearest(size: Size, canvas: Size) -> impl Iterator<Item = usize> {
    let (left, top) = offset(size, canvas);
    let (width, height) = (size.width as usize, size.height as usize);
    (0..canvas.height as usize).flat_map(move |y| {
        let row = y.saturating_sub(top).min(height - 1) * width;
        (0..canvas.width as usize).map(move |x| row + x.saturating_sub(left).min(width - 1))
    })
}

/// The picture in the middle of `canvas`. Beyond its sides it goes on as it ends there.
pub fn laid(pixels: &Pixels, canvas: Size) -> Pixels {
    let channels = usize::from(pixels.channels);
    let data = nearest(pixels.size(), canvas)
        .flat_map(|at| pixels.data[at * channels..(at + 1) * channels].iter().copied())
        .collect();
    Pixels { width: canvas.width, height: canvas.height, channels: pixels.channels, data }
}

/// Where a mask over a picture of `size` lets the whole `canvas` change. Beyond the picture it does where
/// it does at its sides, or there would be a seam of what was.
pub fn laid_mask(changes: &[bool], size: Size, canvas: Size) -> Vec<bool> {
    nearest(size, canvas).map(|at| changes[at]).collect()
}

/// The picture of `size` in the middle of what was drawn: what [`laid`] lays there.
pub fn cut(drawn: Pixels, size: Size) -> Pixels {
    if drawn.size() == size {
        return drawn;
    }
    let (left, top) = offset(size, drawn.size());
    let channels = usize::from(drawn.channels);
    let rows = drawn.data.chunks_exact(drawn.width as usize * channels);
    let columns = left * channels..(left + size.width as usize) * channels;
    let data = rows
        .skip(top)
        .take(size.height as usize)
        .flat_map(|row| &row[columns.clone()])
        .copied()
        .collect();
    Pixels { width: size.width, height: size.height, channels: drawn.channels, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    #[test]
    fn what_is_laid_is_cut_out_again() {
        for (width, height, channels) in [(8, 5, 3), (8, 5, 4), (3, 8, 4), (1, 8, 3), (8, 8, 4)] {
            let count = (width * height * u32::from(channels)) as usize;
            let data = (0..count).map(|i| (i * 37 % 251) as u8).collect();
            let pixels = Pixels::new(width, height, channels, data).expect("it is whole");
            let laid = laid(&pixels, size(8, 8));
            assert_eq!(laid.size(), size(8, 8));
            assert_eq!(cut(laid, pixels.size()), pixels, "{width}x{height}");
        }
    }

    #[test]
    fn a_picture_goes_on_as_it_ends() {
        let pixels = Pixels::new(2, 1, 3, vec![1, 1, 1, 9, 9, 9]).expect("it is whole");
        let laid = laid(&pixels, size(2, 4));
        assert_eq!(laid.data, [1, 1, 1, 9, 9, 9].repeat(4));
        assert_eq!(
            laid_mask(&[true, false], size(2, 1), size(4, 2)),
            [true, true, false, false, true, true, false, false]
        );
    }
}
