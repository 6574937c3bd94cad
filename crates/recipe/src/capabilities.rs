//! What a model can do: the other half of resolving.

use std::fmt;
use std::sync::Arc;

use crate::prompt::{NoteKind, PromptNote, marks};
use crate::{ModelRef, Precision, Role, Sampler, Schedule, Size, Vocabulary};

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
    /// Those of them that were measured, the usual one first: nothing else is offered or drawn. None where
    /// nobody has measured any: then whatever is within the limits.
    pub sizes: Vec<Size>,
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
    /// Whether words of a prompt can be weighed, as in `(fox:1.2)`; others are given the words alone.
    pub weights: bool,
    /// The words that it knows, where it knows few.
    pub vocabulary: Option<Arc<Vocabulary>>,
    /// How long a prompt may be, as it counts.
    pub tokens: Option<TokenCounter>,
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
    /// The same where a mask says which part of it may change: what was there has to go.
    pub masked_strength: f32,
}

/// How many tokens a prompt is to a model, and how many it reads.
#[derive(Clone)]
pub struct TokenCounter {
    /// What it reads at most.
    pub most: usize,
    /// What a prompt is; nothing where it cannot be told.
    pub count: Arc<Count>,
}

/// From a prompt to the number of its tokens.
pub type Count = dyn Fn(&str) -> Option<usize> + Send + Sync;

impl fmt::Debug for TokenCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCounter").field("most", &self.most).finish_non_exhaustive()
    }
}

impl PartialEq for TokenCounter {
    fn eq(&self, other: &Self) -> bool {
        // Which words are one token is part of the weights' hash, beside which this stands.
        self.most == other.most
    }
}

impl ModelCapabilities {
    /// What is to be said of a prompt before it is drawn, in its order: words that the model does not
    /// know, and marks that it makes nothing of. One with marks other than weights is refused by
    /// [`resolve`](crate::resolve). `shown` says whether references are shown beside it.
    pub fn notes(&self, prompt: &str, shown: bool) -> Vec<PromptNote> {
        let found = marks(prompt);
        let mut notes = match &self.vocabulary {
            Some(vocabulary) => vocabulary.unknown_but_for(prompt, shown, &found),
            None => Vec::new(),
        };
        notes.extend(
            found.notes.into_iter().filter(|note| note.kind != NoteKind::Weight || !self.weights),
        );
        notes.sort_by_key(|note| (note.start, note.end));
        notes
    }

    /// How many tokens of how many a prompt is. Marks of weights that are not read do not count.
    pub fn tokens(&self, prompt: &str) -> Option<(usize, usize)> {
        let counter = self.tokens.as_ref()?;
        let unweighed = if self.weights { None } else { marks(prompt).unweighed };
        Some(((counter.count)(unweighed.as_deref().unwrap_or(prompt))?, counter.most))
    }

    /// The size of a picture that is made from `source` where none is asked for: its shape, as large as
    /// the model's pictures are.
    pub fn size_like(&self, source: Size) -> Size {
        let inside = self.sizes.iter().map(|&canvas| source.within(canvas));
        let largest = inside.reduce(|a, b| if b.pixels() > a.pixels() { b } else { a });
        largest.unwrap_or_else(|| self.size.like(source, self.defaults.size))
    }

    /// The size in which a picture is drawn that is to become one of this shape: of those that were measured
    /// the nearest to it, and the usual one where several are.
    pub fn drawn_like(&self, shape: Size) -> Size {
        let ratio = |size: Size| f64::from(size.width.max(1)) / f64::from(size.height.max(1));
        let off = |size: &&Size| (ratio(**size) / ratio(shape)).max(ratio(shape) / ratio(**size));
        let nearest = self.sizes.iter().min_by(|a, b| off(a).total_cmp(&off(b)));
        nearest.copied().unwrap_or_else(|| self.size.like(shape, self.defaults.size))
    }

    /// The measured size in which a picture of `size` is drawn that has another shape: the least that it
    /// fills from side to side, or from top to bottom.
    pub fn canvas_of(&self, size: Size) -> Option<Size> {
        let holds = |canvas: &&Size| {
            let (wide, high) = (size.width, size.height);
            let inside = wide > 0 && high > 0 && wide <= canvas.width && high <= canvas.height;
            inside && (wide == canvas.width || high == canvas.height)
        };
        self.sizes.iter().filter(holds).min_by_key(|canvas| canvas.pixels()).copied()
    }
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

impl<T: fmt::Display + PartialEq> fmt::Display for Span<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
        side(size.width) && side(size.height) && size.pixels() <= self.max_pixels
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
        sizes.sort_by_key(|&size| (size.pixels(), size.width));
        sizes.dedup();
        sizes
    }

    /// The accepted size that is shaped like `shape` and about as large as `area`.
    pub fn like(&self, shape: Size, area: Size) -> Size {
        let ratio = f64::from(shape.width.max(1)) / f64::from(shape.height.max(1));
        let width = (area.pixels() as f64 * ratio).sqrt();
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
}
