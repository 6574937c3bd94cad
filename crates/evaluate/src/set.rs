//! The evaluation set on disk: `tasks.json`, and sheets of pictures in cells of one size.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use likeness_picture::{Limits, read_picture};
use likeness_recipe::Pixels;
use serde::Deserialize;

/// Pixels of a side of every picture that is judged.
pub const SIDE: usize = 128;

/// Pixels of a side of what is looked at doubled.
const CLOSE: usize = SIDE / 2;

/// Premultiplied RGBA in 0..1, channel by channel, `4 · SIDE · SIDE` numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture(pub Vec<f32>);

/// All tasks, with their pictures.
#[derive(Debug)]
pub struct Set {
    /// Text to picture.
    pub prompts: Vec<Prompt>,
    /// A subject from one reference.
    pub references: Vec<Reference>,
    /// Instruction edits.
    pub edits: Vec<Edit>,
    /// The pictures of `references`, straight alpha, as a person would give them.
    pub reference_pictures: Vec<Pixels>,
    /// The pictures of `edits`.
    pub edit_pictures: Vec<Pixels>,
    /// For each edit, whether each pixel may change.
    pub masks: Vec<Vec<bool>>,
}

/// A prompt, and what a right answer shows. Labels are absent for what the prompt leaves open, and
/// for what the finish that it asks for hides.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// What is asked for.
    pub prompt: String,
    /// Where the noise starts.
    pub seed: u64,
    /// One or two taught names.
    pub subjects: Vec<String>,
    /// How many figures.
    pub count: usize,
    /// Which of the four drawing styles.
    pub style: Option<String>,
    /// What is behind it.
    pub background: Option<String>,
    /// How the whole picture is made.
    pub finish: Option<String>,
    /// The colour of the subject.
    pub tint: Option<String>,
    /// Attributes that the subject is paired with: of a held-out prompt only those that training
    /// never showed with this subject.
    pub pairs: Vec<Pair>,
    /// Whether it is scored apart, as a pair that training never showed.
    pub held_out: bool,
}

/// An attribute of a single subject.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The judge's head that tells it.
    pub head: String,
    /// Its label there.
    pub word: String,
}

/// A subject that training never saw, to be shown in a new scene.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The new scene.
    pub prompt: String,
    /// Where the noise starts.
    pub seed: u64,
    /// The subject's name in the judge's gallery.
    pub subject: String,
}

/// A picture to change.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The instruction.
    pub prompt: String,
    /// Where the noise starts.
    pub seed: u64,
    /// `recolour`, `background`, `add` or `remove`.
    pub kind: String,
    /// What can be seen when it was done.
    pub wanted: Wanted,
}

/// What an edit should bring about; absent is what cannot be told.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Left and top of the quarter of the picture that is looked at, for a figure beside another.
    pub close: Option<[usize; 2]>,
    /// The subjects that are there afterwards.
    #[serde(default)]
    pub subjects: Vec<String>,
    /// The one that is there no more.
    pub gone: Option<String>,
    /// The new background.
    pub background: Option<String>,
    /// The new colour.
    pub tint: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tasks {
    schema: u32,
    side: usize,
    columns: usize,
    prompts: Vec<Prompt>,
    references: Vec<Reference>,
    edits: Vec<Edit>,
}

impl Set {
    /// Reads the folder; of each kind of task at most `limit`, spread over all of them.
    pub fn read(folder: &Path, limit: Option<usize>) -> Result<Self> {
        let file = folder.join("tasks.json");
        let text =
            std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let tasks: Tasks = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not understood", file.display()))?;
        ensure!(tasks.schema == 2, "{} has schema {}", file.display(), tasks.schema);
        ensure!(tasks.side == SIDE, "{} has pictures of {} pixels", file.display(), tasks.side);

        let corners = tasks.edits.iter().filter_map(|edit| edit.wanted.close);
        let outside = corners.flatten().find(|&corner| corner > SIDE - CLOSE);
        ensure!(outside.is_none(), "{} looks outside of its pictures", file.display());

        let cells = |name: &str, count: usize| cells(&folder.join(name), count, tasks.columns);
        let references = cells("references.webp", tasks.references.len())?;
        let edits = cells("edits.webp", tasks.edits.len())?;
        let masks: Vec<_> = cells("masks.png", tasks.edits.len())?.iter().map(as_mask).collect();
        Ok(Self {
            prompts: spread(tasks.prompts, limit),
            references: spread(tasks.references, limit),
            edits: spread(tasks.edits, limit),
            reference_pictures: spread(references, limit),
            edit_pictures: spread(edits, limit),
            masks: spread(masks, limit),
        })
    }

    /// The prompts alone: what is painted in sizes beside the usual one, which references and edits have.
    pub fn prompts_alone(&self) -> Self {
        Self {
            prompts: self.prompts.clone(),
            references: Vec::new(),
            edits: Vec::new(),
            reference_pictures: Vec::new(),
            edit_pictures: Vec::new(),
            masks: Vec::new(),
        }
    }

    /// How many tasks there are.
    pub fn count(&self) -> usize {
        self.prompts.len() + self.references.len() + self.edits.len()
    }

    /// How many pictures there are to make: edits with the guard and without.
    pub fn pictures(&self) -> usize {
        self.count() + self.edits.len()
    }
}

impl Picture {
    /// From straight alpha; without alpha it is opaque. `None` if it has another size.
    pub fn of(pixels: &Pixels) -> Option<Self> {
        let (width, height) = (pixels.width as usize, pixels.height as usize);
        if (width, height) != (SIDE, SIDE) {
            return None;
        }
        let channels = usize::from(pixels.channels);
        let plane = SIDE * SIDE;
        let mut out = vec![0.0; 4 * plane];
        for (i, pixel) in pixels.data.chunks_exact(channels).enumerate() {
            let alpha = pixel.get(3).map_or(1.0, |&a| f32::from(a) / 255.0);
            for c in 0..3 {
                out[c * plane + i] = f32::from(pixel[c]) / 255.0 * alpha;
            }
            out[3 * plane + i] = alpha;
        }
        Some(Self(out))
    }

    /// The quarter of it that begins there, every pixel four times.
    pub fn closer(&self, [left, top]: [usize; 2]) -> Self {
        let at = |i: usize| {
            let (channel, y, x) = (i / (SIDE * SIDE), i / SIDE % SIDE, i % SIDE);
            self.0[(channel * SIDE + top + y / 2) * SIDE + left + x / 2]
        };
        Self((0..self.0.len()).map(at).collect())
    }
}

/// Evenly over all of it, so that every kind of task stays represented.
fn spread<T>(all: Vec<T>, limit: Option<usize>) -> Vec<T> {
    let count = all.len();
    let limit = limit.unwrap_or(count).min(count);
    let mut chosen: Vec<bool> = vec![false; count];
    (0..limit).for_each(|i| chosen[i * count / limit] = true);
    all.into_iter().zip(chosen).filter_map(|(one, keep)| keep.then_some(one)).collect()
}

fn cells(file: &Path, count: usize, columns: usize) -> Result<Vec<Pixels>> {
    let sheet = read_picture(file, &Limits::default())
        .with_context(|| format!("cannot read {}", file.display()))?
        .pixels;
    let channels = usize::from(sheet.channels);
    let stride = sheet.width as usize * channels;
    let fits = sheet.width as usize >= columns * SIDE
        && sheet.height as usize >= count.div_ceil(columns) * SIDE;
    ensure!(fits, "{} has fewer than {count} cells", file.display());
    let cell = |i: usize| {
        let (top, left) = (i / columns * SIDE, i % columns * SIDE);
        let rows = (top..top + SIDE).map(|y| y * stride + left * channels);
        let data = rows.flat_map(|at| &sheet.data[at..at + SIDE * channels]).copied().collect();
        Pixels { width: SIDE as u32, height: SIDE as u32, channels: sheet.channels, data }
    };
    Ok((0..count).map(cell).collect())
}

fn as_mask(pixels: &Pixels) -> Vec<bool> {
    pixels.data.chunks_exact(usize::from(pixels.channels)).map(|pixel| pixel[0] >= 128).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_takes_from_all_over() {
        assert_eq!(spread((0..10).collect(), Some(3)), [0, 3, 6]);
        assert_eq!(spread((0..3).collect(), Some(10)), [0, 1, 2]);
        assert_eq!(spread((0..3).collect(), None), [0, 1, 2]);
    }

    #[test]
    fn a_quarter_is_doubled() {
        let picture = Picture((0..4 * SIDE * SIDE).map(|i| i as f32).collect());
        let close = picture.closer([64, 55]);
        let at = |p: &Picture, c: usize, y: usize, x: usize| p.0[(c * SIDE + y) * SIDE + x];
        assert_eq!(at(&close, 0, 0, 0), at(&picture, 0, 55, 64));
        assert_eq!(at(&close, 1, 2, 5), at(&picture, 1, 56, 66));
        assert_eq!(at(&close, 3, 127, 127), at(&picture, 3, 118, 127));
    }

    #[test]
    fn what_is_transparent_has_no_colour() {
        let data = [255, 128, 0, 0].repeat(SIDE * SIDE);
        let pixels = Pixels::new(SIDE as u32, SIDE as u32, 4, data).expect("sizes agree");
        assert!(Picture::of(&pixels).expect("the size fits").0.iter().all(|&v| v == 0.0));
    }
}
