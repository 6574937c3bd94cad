//! Pictures made larger: what a folder of weights holds, and the way from a picture to a larger one.
//!
//! A picture goes through the network in tiles. Each sees as much around it as its pixels depend on, so
//! that the result is what the whole picture at once would give, in memory that does not grow with it.

use std::path::Path;
use std::time::Instant;

use candle_core::{Device, Tensor};
use likeness_recipe::{Enlarger, Larger, ModelRef, Pixels, Progress, RenderError, Watch};
use serde::Deserialize;

use crate::device::Processor;
use crate::image::{premultiply, straight, unpremultiply};
use crate::manifest::{File, bounds};
use crate::networks::upscaler::{Config, Network};
use crate::networks::{ConfigError, Source};
use crate::pipelines::flux2::request;
use crate::planner;
use crate::weights::{Checkpoint, Compute, SHORT_TEXT, hash, read_text};
use crate::{ModelError, bicubic};

/// The manifest of such a folder.
pub const FILE_NAME: &str = "upscaler.json";

/// Pixels along the side of what is computed at once, beside what is seen around it.
const TILE: usize = 256;
/// Where tiles may begin: a product over tiles of pixels then sums as it would over the whole picture.
const ALIGNED: usize = 4;
/// As large as picture files are read here.
const MOST_SIDE: u32 = 16_384;
const MOST_PIXELS: u64 = 64_000_000;

/// What lies in the folder.
#[derive(Debug, Deserialize)]
struct Manifest {
    schema: u32,
    kind: String,
    name: String,
    #[serde(flatten)]
    config: Config,
    files: Vec<File>,
}

impl Manifest {
    fn read(folder: &Path) -> Result<Self, ModelError> {
        let file = folder.join(FILE_NAME);
        let text = read_text(&file, SHORT_TEXT)?;
        let damaged = |problem: String| ModelError::Manifest { file: file.clone(), problem };
        let manifest: Self =
            serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        bounds::check_text("name", &manifest.name)
            .and_then(|()| bounds::check_files(&manifest.files))
            .and_then(|()| manifest.config.check().map_err(|ConfigError(problem)| problem))
            .map_err(damaged)?;
        let rules = [
            (manifest.schema == 1, "schema: only 1 is read"),
            (manifest.kind == "upscaler", "kind: only upscaler is read"),
            (manifest.files.len() == 1, "files: one file of weights is read"),
            (
                // It lies beside the manifest; anything else would let a manifest read other files.
                manifest
                    .files
                    .iter()
                    .all(|file| Path::new(&file.path).file_name() == Some(file.path.as_ref())),
                "files: they lie beside the manifest",
            ),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, problem)) => Err(damaged(problem.into())),
            None => Ok(manifest),
        }
    }
}

/// The network with its weights loaded: the [`Enlarger`] that hosts use.
pub struct Upscaler {
    network: Network,
    config: Config,
    model: ModelRef,
    device: Device,
    tile: usize,
}

impl Upscaler {
    /// Opens a folder, and holds its weights against their hash.
    pub fn open(
        folder: &Path,
        compute: Compute,
        processor: Processor,
    ) -> Result<Self, RenderError> {
        let device = processor.open()?;
        let Manifest { name, config, files, .. } = Manifest::read(folder)?;
        let file = folder.join(&files[0].path);
        let network = hash::verify(&file, files[0].bytes, &files[0].sha256)
            .and_then(|()| Checkpoint::open(&file))
            .and_then(|checkpoint| {
                let source = Source { checkpoint: &checkpoint, compute, device: &device };
                let network = Network::new(&config, &source)?;
                checkpoint.check_unchanged().map(|()| network)
            })
            .map_err(ModelError::from)?;
        let hashes = files.iter().map(|file| (file.path.as_str(), file.sha256.as_str()));
        let model = ModelRef { name, sha256: hash::of_all(hashes) };
        Ok(Self { network, config, model, device, tile: TILE })
    }

    /// The numbers that it computes in on this machine: its weights are halves, which lose next to
    /// nothing in bf16 products, where there are such.
    pub fn usual() -> Compute {
        match likeness_kernels::Isa::get() >= likeness_kernels::Isa::Avx512 {
            true => Compute::Bf16,
            false => Compute::F32,
        }
    }

    /// Computes `side` by `side` pixels at once, rounded up to a multiple of four. More memory is faster.
    pub fn set_tile(&mut self, side: usize) {
        self.tile = side.max(1).next_multiple_of(ALIGNED);
    }

    /// The larger picture before it is rounded: premultiplied numbers [by · height · by · width, 4].
    pub fn numbers(&self, pixels: &Pixels, by: u32) -> Result<Vec<f32>, RenderError> {
        self.check(pixels, by)?;
        let across = (pixels.width * by) as usize;
        let mut out = vec![0.0; across * (pixels.height * by) as usize * 4];
        for tile in self.tiles(pixels) {
            let made = self.made(pixels, tile, by)?;
            for (row, numbers) in
                tile.rows(by).zip(made.chunks_exact(tile.core.width * by as usize * 4))
            {
                let at = (row * across + tile.core.left * by as usize) * 4;
                out[at..at + numbers.len()].copy_from_slice(numbers);
            }
        }
        Ok(out)
    }

    fn check(&self, pixels: &Pixels, by: u32) -> Result<(), RenderError> {
        if !self.config.scales.contains(&by) {
            let known: Vec<_> = self.config.scales.iter().map(u32::to_string).collect();
            let problem = format!("{} makes nothing {by} times as large", self.model.name);
            return Err(request("by", problem, known.join(", ")));
        }
        let Pixels { width, height, channels, data } = pixels;
        let area = u64::from(*width) * u64::from(*height);
        if area == 0
            || !matches!(channels, 3 | 4)
            || data.len() as u64 != area.saturating_mul(u64::from(*channels))
        {
            let problem =
                format!("{width}x{height} pixels of {channels} channels in {} bytes", data.len());
            return Err(request("image", problem, "a picture of at least one pixel, RGB or RGBA"));
        }
        let (scale, most) = (u64::from(by), u64::from(MOST_SIDE));
        let side = u64::from(*width.max(height));
        if side * scale > most || area * scale * scale > MOST_PIXELS {
            let problem = format!("{width}x{height} pixels {by} times as large are too many");
            let accepted = format!(
                "at most {} a side and {} million in all",
                most / scale,
                MOST_PIXELS / (scale * scale) / 1_000_000
            );
            return Err(request("image", problem, accepted));
        }
        let (needed, available) = (self.need(pixels, by), planner::available());
        let (field, accepted) =
            ("by", "fewer times as large, a smaller picture, or close other programs");
        match needed > available {
            true => Err(RenderError::Memory { field, accepted, needed, available }),
            false => Ok(()),
        }
    }

    /// Bytes: the result, and a tile on its way.
    fn need(&self, pixels: &Pixels, by: u32) -> u64 {
        let side = (self.tile + 2 * self.halo()) as u64;
        let tile = (side * side).min(u64::from(pixels.width) * u64::from(pixels.height));
        let (grown, channels) = (u64::from(by * by), self.config.channels as u64);
        let result = u64::from(pixels.width) * u64::from(pixels.height) * grown * 4;
        // Four maps at the largest moment with one rounded copy, the picture, and what is made of it.
        result + tile * 4 * (5 * channels + 4 + 3 * 4 * grown)
    }

    /// Pixels that a tile sees on each side beyond its own.
    fn halo(&self) -> usize {
        self.config.reach().next_multiple_of(ALIGNED)
    }

    fn tiles(&self, pixels: &Pixels) -> Vec<Tile> {
        let (height, width) = (pixels.height as usize, pixels.width as usize);
        let part = |from: usize, all: usize, beyond: usize| {
            let (start, end) = (from.saturating_sub(beyond), (from + self.tile + beyond).min(all));
            (start, end - start)
        };
        let area = |top: usize, left: usize, beyond: usize| {
            let ((top, height), (left, width)) =
                (part(top, height, beyond), part(left, width, beyond));
            Area { top, left, height, width }
        };
        let starts = |all: usize| (0..all).step_by(self.tile);
        starts(height)
            .flat_map(|top| starts(width).map(move |left| (top, left)))
            .map(|(top, left)| Tile {
                core: area(top, left, 0),
                seen: area(top, left, self.halo()),
            })
            .collect()
    }

    /// What a tile's own pixels become: premultiplied numbers [by · height · by · width, 4].
    fn made(&self, pixels: &Pixels, tile: Tile, by: u32) -> Result<Vec<f32>, RenderError> {
        let Tile { core, seen } = tile;
        let channels = usize::from(pixels.channels);
        let rows = (seen.top..seen.top + seen.height).flat_map(|y| {
            let at = (y * pixels.width as usize + seen.left) * channels;
            straight(&pixels.data[at..at + seen.width * channels], pixels.channels)
        });
        let picture: Vec<f32> = rows.flat_map(premultiply).collect();
        let added = self
            .added(&picture, seen, by)
            .map_err(|error| RenderError::Internal(error.to_string()))?;
        if let Some(number) = added.iter().find(|number| !number.is_finite()) {
            return Err(RenderError::Internal(format!("the network computed {number}")));
        }
        let by = by as usize;
        let (top, left) = (core.top - seen.top, core.left - seen.left);
        let mut out = Vec::with_capacity(core.height * core.width * by * by * 4);
        let size = (seen.height, seen.width);
        bicubic::rows(&picture, size, by, top * by..(top + core.height) * by, |y, row| {
            let (line, i) = (y / by, y % by);
            for x in left * by..(left + core.width) * by {
                let (column, j) = (x / by, x % by);
                let added = &added[(line * seen.width + column) * 4 * by * by..];
                out.extend((0..4).map(|c| row[x * 4 + c] + added[(c * by + i) * by + j]));
            }
        });
        Ok(out)
    }

    fn added(&self, picture: &[f32], seen: Area, by: u32) -> candle_core::Result<Vec<f32>> {
        let x = Tensor::from_slice(picture, (seen.height * seen.width, 4), &self.device)?;
        self.network.forward(&x, seen.height, seen.width, by)?.flatten_all()?.to_vec1()
    }
}

impl Enlarger for Upscaler {
    fn model(&self) -> &ModelRef {
        &self.model
    }

    fn factors(&self) -> &[u32] {
        &self.config.scales
    }

    fn enlarge(
        &mut self,
        pixels: &Pixels,
        by: u32,
        watch: &mut dyn Watch,
    ) -> Result<Larger, RenderError> {
        let started = Instant::now();
        self.check(pixels, by)?;
        let (width, height, channels) = (pixels.width * by, pixels.height * by, pixels.channels);
        let across = width as usize * usize::from(channels);
        let mut data = vec![0; across * height as usize];
        // What nothing can be seen through stays so, to the last step of alpha.
        let opaque = channels == 3 || pixels.data.chunks_exact(4).all(|pixel| pixel[3] == 255);
        let tiles = self.tiles(pixels);
        for (done, tile) in (1..).zip(&tiles) {
            if watch.cancelled() {
                return Err(RenderError::Cancelled);
            }
            let made = self.made(pixels, *tile, by)?;
            let left = tile.core.left * by as usize * usize::from(channels);
            for (row, numbers) in
                tile.rows(by).zip(made.chunks_exact(tile.core.width * by as usize * 4))
            {
                let to = data[row * across + left..].chunks_exact_mut(usize::from(channels));
                for (to, &[r, g, b, a]) in to.zip(numbers.as_chunks::<4>().0) {
                    let alpha = if opaque { 1.0 } else { a };
                    to.copy_from_slice(&unpremultiply([r, g, b, alpha])[..to.len()]);
                }
            }
            let total = tiles.len() as u32;
            watch.progress(Progress::Step { picture: 0, done, total, preview: None });
        }
        let pixels = Pixels { width, height, channels, data };
        Ok(Larger { pixels, seconds: started.elapsed().as_secs_f64() })
    }
}

/// A part of a picture that is computed at once.
#[derive(Debug, Clone, Copy)]
struct Tile {
    /// What becomes of it.
    core: Area,
    /// What is looked at for that.
    seen: Area,
}

#[derive(Debug, Clone, Copy)]
struct Area {
    top: usize,
    left: usize,
    height: usize,
    width: usize,
}

impl Tile {
    /// Rows of the larger picture that it becomes.
    fn rows(&self, by: u32) -> std::ops::Range<usize> {
        self.core.top * by as usize..(self.core.top + self.core.height) * by as usize
    }
}
