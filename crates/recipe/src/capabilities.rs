//! What a model can do: the other half of resolving.

use crate::{ModelRef, Precision, Role, Sampler, Schedule, Size};

/// What an open model accepts, and what it takes where nothing is said.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelCapabilities {
    /// The weights.
    pub model: ModelRef,
    /// The family that runs them, such as `flux2`.
    pub family: String,
    /// What is filled in.
    pub defaults: Defaults,
    /// Sizes it can draw.
    pub size: SizeLimits,
    /// Steps it can take.
    pub steps: Span<u32>,
    /// Guidance it can follow; a model without guidance has 1 to 1.
    pub guidance: Span<f32>,
    /// Samplers it can be run with.
    pub samplers: Vec<Sampler>,
    /// Schedules it can be run with.
    pub schedules: Vec<Schedule>,
    /// Whether it knows what a negative prompt is.
    pub negative: bool,
    /// Whether words of a prompt can be weighed, as in `(fox:1.2)`; to others that is text like any.
    pub weights: bool,
    /// How many reference pictures it can look at.
    pub max_references: u32,
    /// What these may be for.
    pub roles: Vec<Role>,
    /// Whether it can start from a picture.
    pub init: bool,
    /// Whether it can keep a part of that picture.
    pub mask: bool,
    /// Whether additions to its weights can be applied.
    pub loras: bool,
    /// Number formats it can compute in.
    pub precisions: Vec<Precision>,
    /// Approximations it offers, by name.
    pub approximations: Vec<String>,
}

/// What is filled in where a recipe says nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Defaults {
    /// Width and height.
    pub size: Size,
    /// Steps.
    pub steps: u32,
    /// Guidance.
    pub guidance: f32,
    /// Sampler.
    pub sampler: Sampler,
    /// Schedule.
    pub schedule: Schedule,
    /// What `auto` means on this machine with these weights.
    pub precision: Precision,
    /// How far to go from a starting picture.
    pub strength: f32,
}

/// Sizes that a model can draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeLimits {
    /// Smallest side in pixels.
    pub min_side: u32,
    /// Largest side in pixels.
    pub max_side: u32,
    /// Sides are multiples of this many pixels.
    pub multiple: u32,
    /// Most pixels in all.
    pub max_pixels: u64,
}

/// From `min` to `max`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span<T> {
    /// The least.
    pub min: T,
    /// The most.
    pub max: T,
}

impl<T: PartialOrd> Span<T> {
    /// Whether `value` lies within. Not-a-number does not.
    pub fn contains(&self, value: T) -> bool {
        value >= self.min && value <= self.max
    }
}

impl<T: std::fmt::Display + PartialEq> std::fmt::Display for Span<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.min == self.max {
            write!(f, "{} only", self.min)
        } else {
            write!(f, "{} to {}", self.min, self.max)
        }
    }
}

impl SizeLimits {
    /// The accepted sides next below and next above `side`; one and the same at the ends.
    fn neighbours(&self, side: u32) -> (u32, u32) {
        let multiple = self.multiple.max(1);
        let least = self.min_side.div_ceil(multiple) * multiple;
        let most = (self.max_side / multiple * multiple).max(least);
        let below = (side / multiple * multiple).clamp(least, most);
        let above = side.div_ceil(multiple).saturating_mul(multiple).clamp(least, most);
        (below, above)
    }

    /// Whether `size` can be drawn.
    pub fn accepts(&self, size: Size) -> bool {
        let side = |side: u32| self.neighbours(side) == (side, side);
        side(size.width) && side(size.height) && self.pixels(size) <= self.max_pixels
    }

    /// The accepted sizes around `size`, smallest first, without repeats.
    pub fn nearest(&self, size: Size) -> Vec<Size> {
        let (wide, high) = (self.neighbours(size.width), self.neighbours(size.height));
        let mut sizes: Vec<Size> =
            [(wide.0, high.0), (wide.1, high.0), (wide.0, high.1), (wide.1, high.1)]
                .into_iter()
                .map(|(width, height)| Size { width, height })
                .filter(|&size| self.accepts(size))
                .collect();
        sizes.dedup();
        sizes.sort_by_key(|&size| (self.pixels(size), size.width));
        sizes.dedup();
        sizes
    }

    /// The accepted size that is shaped like `shape` and about as large as `area`.
    pub fn like(&self, shape: Size, area: Size) -> Size {
        let ratio = f64::from(shape.width.max(1)) / f64::from(shape.height.max(1));
        let width = (self.pixels(area) as f64 * ratio).sqrt();
        let side = |side: f64| {
            let (below, above) = self.neighbours(side.round() as u32);
            if side - f64::from(below) < f64::from(above) - side { below } else { above }
        };
        let mut size = Size { width: side(width), height: side(width / ratio) };
        while !self.accepts(size) && size.width.max(size.height) > self.min_side {
            let longer = if size.width >= size.height { &mut size.width } else { &mut size.height };
            *longer -= self.multiple.clamp(1, *longer);
        }
        size
    }

    fn pixels(&self, size: Size) -> u64 {
        u64::from(size.width) * u64::from(size.height)
    }
}
