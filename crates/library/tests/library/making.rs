//! Small pictures and libraries to test with.

use std::path::Path;

use likeness_library::{Library, NewPicture, Parent, PictureId, Time};
use likeness_picture::{Format, encode};
use likeness_recipe::{
    Alpha, ModelRef, NoiseSource, Pixels, Precision, ResolvedRecipe, SCHEMA, Sampler, Schedule,
};

/// Noon of the 21st of November 2026.
pub const NOON: Time = 1_795_262_400_000;
pub const DAY: Time = 24 * 60 * 60 * 1000;

/// A library in a folder of its own, deleted when it is dropped.
pub struct Place {
    pub folder: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn open(&self) -> Library {
        Library::open(self.path(), NOON).unwrap()
    }
}

pub fn recipe(prompt: &str, seed: u64) -> ResolvedRecipe {
    ResolvedRecipe {
        schema: SCHEMA,
        model: ModelRef { name: "likeness-starter".to_owned(), sha256: "ab".repeat(32) },
        prompt: prompt.to_owned(),
        negative: String::new(),
        width: 8,
        height: 4,
        seed,
        noise_source: NoiseSource::Likeness,
        count: 1,
        steps: 4,
        guidance: 2.0,
        sampler: Sampler::FlowEuler,
        schedule: Schedule::Default,
        precision: Precision::F32,
        references: Vec::new(),
        init: None,
        mask: None,
        loras: Vec::new(),
        approximations: Vec::new(),
        read: None,
        read_negative: None,
        canvas: None,
        alpha: Alpha::Drawn,
        enlarged: None,
        delivered: None,
    }
}

/// A picture file with that recipe inside; every seed gives another one.
pub fn file(recipe: &ResolvedRecipe, format: Format) -> Vec<u8> {
    let colour = recipe.seed.to_le_bytes();
    let data = (0..8 * 4 * 3).map(|at| colour[at % 3].wrapping_add(at as u8)).collect();
    encode(&Pixels { width: 8, height: 4, channels: 3, data }, format, recipe).unwrap()
}

/// Adds a picture as the studio does.
pub fn add(library: &Library, prompt: &str, seed: u64) -> PictureId {
    add_from(library, prompt, seed, &[])
}

pub fn add_from(library: &Library, prompt: &str, seed: u64, parents: &[Parent]) -> PictureId {
    let bytes = file(&recipe(prompt, seed), Format::Png);
    let mut picture = NewPicture::read(&bytes).unwrap();
    picture.parents = parents.to_vec();
    let (id, new) = library.add_picture(&picture, NOON + seed as Time).unwrap();
    assert!(new, "{prompt} {seed}");
    id
}

/// Every file below a folder, relative to it and in order.
pub fn files(folder: &Path) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let path = path.strip_prefix(folder).unwrap();
                found.push(path.to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}
