//! Decoding in tiles that overlap and are blended: an approximation, since what a tile does not see it
//! cannot take into account, in a fraction of the memory. Number for number what diffusers does.

use candle_core::{Result, Tensor};

use super::Autoencoder;

/// How latents are cut into tiles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tiles {
    /// Latents of a tile's side.
    pub side: usize,
    /// The part of a tile that the next one covers too.
    pub overlap: f64,
}

impl Tiles {
    /// Those of diffusers for a network: as large as what it was trained on, a quarter overlapping.
    pub fn of(autoencoder: &Autoencoder) -> Self {
        let config = autoencoder.config();
        Self { side: (config.sample_size / config.scale()).max(1), overlap: 0.25 }
    }

    /// Latents [height · width, latent_channels] → a picture [pixels, out_channels]
    pub fn decode(
        &self,
        autoencoder: &Autoencoder,
        latents: &Tensor,
        height: usize,
        width: usize,
    ) -> Result<Tensor> {
        let scale = autoencoder.config().scale();
        let step = (self.side as f64 * (1.0 - self.overlap)) as usize;
        let blend = ((self.side * scale) as f64 * self.overlap) as usize;
        if step == 0 || blend >= self.side * scale {
            candle_core::bail!("tiles of {} that overlap by {}", self.side, self.overlap);
        }
        let limit = self.side * scale - blend;
        let latents = latents.reshape((height, width, ()))?;
        let mut above: Vec<Tile> = Vec::new();
        let mut lines = Vec::new();
        for top in (0..height).step_by(step) {
            let mut row: Vec<Tile> = Vec::new();
            for left in (0..width).step_by(step) {
                let (h, w) = (self.side.min(height - top), self.side.min(width - left));
                let part = latents.narrow(0, top, h)?.narrow(1, left, w)?.contiguous()?;
                let decoded = autoencoder.decode(&part.reshape((h * w, ()))?, h, w)?;
                let mut tile = Tile::of(&decoded, h * scale, w * scale)?;
                if let Some(above) = above.get(row.len()) {
                    tile.blend(above, blend, Side::Top);
                }
                if let Some(before) = row.last() {
                    tile.blend(before, blend, Side::Left);
                }
                row.push(tile);
            }
            let kept = row.iter().map(|tile| tile.cut(limit)).collect::<Result<Vec<_>>>()?;
            lines.push(Tensor::cat(&kept, 1)?);
            above = row;
        }
        let picture = Tensor::cat(&lines, 0)?.to_device(latents.device())?;
        picture.flatten(0, 1)
    }
}

/// A decoded tile [height, width, channels].
struct Tile {
    height: usize,
    width: usize,
    channels: usize,
    numbers: Vec<f32>,
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Top,
    Left,
}

impl Tile {
    fn of(decoded: &Tensor, height: usize, width: usize) -> Result<Self> {
        let channels = decoded.dim(1)?;
        Ok(Self { height, width, channels, numbers: decoded.flatten_all()?.to_vec1()? })
    }

    /// Goes over from the end of `other` within `extent` pixels.
    fn blend(&mut self, other: &Self, extent: usize, side: Side) {
        let (c, width, across) = (self.channels, self.width, other.width);
        let extent = match side {
            Side::Top => extent.min(self.height).min(other.height),
            Side::Left => extent.min(self.width).min(other.width),
        };
        let (rows, columns) = match side {
            Side::Top => (extent, width.min(across)),
            Side::Left => (self.height.min(other.height), extent),
        };
        for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
            let (share, y_there, x_there) = match side {
                Side::Top => (y as f32 / extent as f32, other.height - extent + y, x),
                Side::Left => (x as f32 / extent as f32, y, other.width - extent + x),
            };
            for i in 0..c {
                let there = other.numbers[(y_there * across + x_there) * c + i];
                let here = &mut self.numbers[(y * width + x) * c + i];
                *here = there * (1.0 - share) + *here * share;
            }
        }
    }

    fn cut(&self, limit: usize) -> Result<Tensor> {
        let shape = (self.height, self.width, self.channels);
        let whole = Tensor::from_slice(&self.numbers, shape, &candle_core::Device::Cpu)?;
        let whole = whole.narrow(0, 0, limit.min(self.height))?;
        whole.narrow(1, 0, limit.min(self.width))
    }
}
