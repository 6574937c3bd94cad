//! The picture to be made, between the recipe and the network: its grid of tokens, its noise and noise
//! levels, the picture that it starts from or edits, and the way back to pixels.

use candle_core::{Device, Tensor};
use likeness_recipe::{Alpha, Dump, Inputs, Noise, Pixels, RenderError, ResolvedRecipe};

use super::{internal, is_edited, request};
use crate::image::{self, Grid};
use crate::manifest::Manifest;
use crate::sampling::schedule::{Shift, flow_sigmas, from_strength};
use crate::sampling::{noise, samplers};
use crate::{canvas, guard};

/// The picture to be made: its grid, its noise levels, and what it starts from.
pub(super) struct Scene<'a> {
    pub recipe: &'a ResolvedRecipe,
    given_noise: Option<&'a Noise>,
    device: Device,
    grid: Grid,
    /// What the network is told of where each token is, [tokens, place_features].
    pub places: Option<Tensor>,
    pub sigmas: Vec<f32>,
    pub start: Option<Start>,
    /// The picture to edit, as it lies under what is drawn, if what the edit leaves alone is kept.
    edited: Option<Pixels>,
    /// The picture that is changed, in the size of the result.
    source: Option<Pixels>,
    /// Whether the result is one that nothing can be seen through.
    opaque: bool,
}

/// A picture to start from.
pub(super) struct Start {
    pixels: Pixels,
    /// [tokens, channels]
    pub tokens: Tensor,
    mask: Option<Mask>,
}

/// Where it may change: for each pixel, and as 1 and 0 for each number of a token.
struct Mask {
    changes: Vec<bool>,
    tokens: Tensor,
}

impl<'a> Scene<'a> {
    pub fn new(
        recipe: &'a ResolvedRecipe,
        inputs: &'a Inputs,
        manifest: &Manifest,
        device: &Device,
    ) -> Result<Self, RenderError> {
        let grid = Grid::over(recipe.drawn_size(), manifest.image.patch_size);
        let mut sigmas = flow_sigmas(recipe.steps as usize, grid.tokens(), Shift::None);
        let start = match (&recipe.init, &inputs.init) {
            (Some(init), Some(pixels)) => {
                sigmas = from_strength(&sigmas, init.strength).to_vec();
                Some(Start::new(pixels, inputs.mask.as_ref(), grid, recipe, device)?)
            }
            _ => None,
        };
        let guarded = recipe.references.first().is_some_and(|one| one.guard == Some(true));
        let edited = inputs.references.first().filter(|_| is_edited(recipe, 0));
        // What a mask lets change is changed in the picture that it masks, whatever is looked at beside.
        let masked = inputs.init.as_ref().filter(|_| recipe.mask.is_some());
        let source = masked.or(edited).map(|pixels| image::fit(pixels, recipe.size()));
        let made_from = source.as_ref().or(inputs.init.as_ref());
        let opaque = match recipe.alpha {
            Alpha::Drawn => false,
            Alpha::Opaque => true,
            Alpha::Source => made_from.is_some_and(image::is_opaque),
        };
        let shape = [1, grid.channels(), grid.rows, grid.columns];
        if let Some(noise) = &inputs.initial_noise {
            check_noise(noise, &shape, recipe.count)?;
        }
        Ok(Self {
            recipe,
            given_noise: inputs.initial_noise.as_ref(),
            device: device.clone(),
            grid,
            places: places_tensor(&[grid], manifest.image.place_features, device)
                .map_err(internal)?,
            sigmas,
            start,
            edited: edited.filter(|_| guarded).map(|pixels| laid(pixels, recipe)),
            source,
            opaque,
        })
    }

    /// The noise of picture `index`, [tokens, channels]
    pub fn noise(&self, index: u32) -> Result<Tensor, RenderError> {
        let (tokens, channels) = (self.grid.tokens(), self.grid.channels());
        let seed = self.recipe.seed.wrapping_add(u64::from(index));
        let numbers = match self.given_noise {
            Some(noise) => image::transpose(&noise.data, channels, tokens),
            None => {
                let drawn = noise::normal(self.recipe.noise_source, seed, tokens * channels);
                image::transpose(&drawn, channels, tokens)
            }
        };
        Tensor::from_vec(numbers, (tokens, channels), &self.device).map_err(internal)
    }

    /// Puts the starting picture, as noisy as the rest, wherever the mask lets nothing change.
    pub fn keep(&self, x: Tensor, noise: &Tensor, sigma: f32) -> candle_core::Result<Tensor> {
        let Some(Start { tokens, mask: Some(mask), .. }) = &self.start else { return Ok(x) };
        let kept = samplers::add_noise(tokens, noise, sigma)?;
        &kept + ((x - &kept)? * &mask.tokens)?
    }

    /// Tokens to pixels.
    pub fn decode(
        &self,
        tokens: &Tensor,
        dump: bool,
    ) -> Result<(Pixels, Option<Dump>), RenderError> {
        let numbers =
            tokens.flatten_all().and_then(|tokens| tokens.to_vec1::<f32>()).map_err(internal)?;
        if let Some(number) = numbers.iter().find(|number| !number.is_finite()) {
            return Err(RenderError::Internal(format!("the network computed {number}")));
        }
        let planes = self.grid.planes_of(&numbers);
        let mut pixels = match self.opaque {
            true => self.grid.opaque_pixels_of(&planes),
            false => self.grid.pixels_of(&planes),
        };
        let mut keeps_faint_alpha = false;
        if let Some(edited) = &self.edited {
            let drawn = (self.opaque && !image::is_opaque(edited)).then(|| pixels.clone());
            guard::keep_unchanged(&mut pixels, edited);
            keeps_faint_alpha = drawn.is_none() && image::has_faint_alpha(edited);
            // What was kept of a cut-out lies on the background that it is given.
            if let Some(drawn) = drawn {
                image::lay_over(&mut pixels, &drawn);
            }
        }
        if let Some(Start { pixels: original, mask: Some(mask), .. }) = &self.start {
            image::restore(&mut pixels, original, &mask.changes);
            keeps_faint_alpha |= image::has_faint_alpha(original);
        }
        let Grid { rows, columns, patch } = self.grid;
        let dump = dump.then(|| Dump {
            latents: (
                vec![1, self.grid.channels(), rows, columns],
                image::transpose(&numbers, self.grid.tokens(), self.grid.channels()),
            ),
            pixels: (vec![1, 4, rows * patch, columns * patch], planes),
        });
        let pixels = canvas::cut(pixels, self.recipe.size());
        let pixels = if keeps_faint_alpha { pixels } else { image::drop_faint_alpha(pixels) };
        Ok((pixels, dump))
    }

    /// Of an edit, the share of the result's pixels that are not the source's.
    pub fn changed(&self, result: &Pixels) -> Option<f64> {
        self.source.as_ref().map(|source| image::share_apart(result, source))
    }
}

/// A picture as it lies under what is drawn: in the size of the result, in the middle of the canvas.
fn laid(pixels: &Pixels, recipe: &ResolvedRecipe) -> Pixels {
    let fitted = image::fit(pixels, recipe.size());
    if recipe.canvas.is_some() { canvas::laid(&fitted, recipe.drawn_size()) } else { fitted }
}

impl Start {
    fn new(
        pixels: &Pixels,
        mask: Option<&Pixels>,
        grid: Grid,
        recipe: &ResolvedRecipe,
        device: &Device,
    ) -> Result<Self, RenderError> {
        let tensor = |numbers| {
            Tensor::from_vec(numbers, (grid.tokens(), grid.channels()), device).map_err(internal)
        };
        let mask = match mask {
            Some(mask) if mask.size() != pixels.size() => {
                let problem =
                    format!("it is {}, and the picture it masks is {}", mask.size(), pixels.size());
                return Err(request("mask", problem, format!("a mask of {}", pixels.size())));
            }
            Some(mask) => {
                let size = recipe.size();
                let changes = image::fit_mask(mask, size);
                let changes = canvas::laid_mask(&changes, size, recipe.drawn_size());
                let tokens = tensor(grid.spread(|pixel| if changes[pixel] { 1.0 } else { 0.0 }))?;
                Some(Mask { changes, tokens })
            }
            None => None,
        };
        let pixels = laid(pixels, recipe);
        let tokens = tensor(grid.tokens_of(&pixels))?;
        Ok(Self { pixels, tokens, mask })
    }
}

/// What the network is told of where the tokens of some grids are, one grid after the other; nothing
/// where rotation alone tells it.
pub(super) fn places_tensor(
    grids: &[Grid],
    count: usize,
    device: &Device,
) -> candle_core::Result<Option<Tensor>> {
    if count == 0 {
        return Ok(None);
    }
    let numbers: Vec<f32> = grids.iter().flat_map(|grid| grid.place_features(count)).collect();
    Tensor::from_vec(
        numbers,
        (grids.iter().map(|grid| grid.tokens()).sum::<usize>(), count),
        device,
    )
    .map(Some)
}

fn check_noise(noise: &Noise, shape: &[usize], count: u32) -> Result<(), RenderError> {
    let problem = if noise.shape != shape || noise.data.len() != shape.iter().product::<usize>() {
        format!("its shape is {:?}", noise.shape)
    } else if noise.data.iter().any(|number| !number.is_finite()) {
        "it holds something that is not a number".to_owned()
    } else if count != 1 {
        format!("there is one for {count} pictures")
    } else {
        return Ok(());
    };
    Err(request(
        "initial_noise",
        problem,
        format!("finite numbers of shape {shape:?}, for a count of 1"),
    ))
}
