//! Reference numbers and models that the tests share.
#![allow(dead_code, reason = "each test binary uses a part")]

pub mod damage;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use likeness_engine::networks::{Source, read_config};
use likeness_engine::weights::{Checkpoint, Compute};
use likeness_engine::{Candle, Engine, Memory, Model, Processor};
use likeness_recipe::{Engine as _, Pixels, Recipe, ResolvedRecipe, Seed, resolve};
use safetensors::{Dtype, SafeTensors};

/// A path from the root of the repository.
pub fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The tiny random model in one of its layouts.
pub fn tiny(layout: &str) -> PathBuf {
    root("tests/golden/tiny").join(layout)
}

pub fn engine(path: &Path) -> Engine {
    Engine::new(Model::open(path).unwrap(), Processor::Cpu, Memory::Free).unwrap()
}

/// A prompt and a seed, everything else the model's own.
pub fn recipe(
    model: &Model,
    prompt: &str,
    seed: u64,
    change: impl FnOnce(&mut Recipe),
) -> ResolvedRecipe {
    let mut recipe = Recipe { seed: Some(Seed::Fixed(seed)), ..Recipe::new(prompt) };
    change(&mut recipe);
    resolve(&recipe, model.capabilities(), || unreachable!("the seed is given")).unwrap()
}

/// Held to so many threads by its parent.
const THREADS: &str = "LIKENESS_TEST_THREADS";

/// The line that a child prints its answer in.
const ANSWER: &str = "answer: ";

/// Fails if what `answer` gives is not the same with any number of threads. The number is fixed when the
/// first of them starts, so each is tried in a process of its own, which runs the test `name` and nothing
/// before it.
pub fn same_with_any_number_of_threads(name: &str, answer: impl FnOnce() -> String) {
    if let Ok(threads) = std::env::var(THREADS) {
        let threads = threads.parse().unwrap();
        assert!(Candle.set_threads(Some(threads)), "nothing was computed before");
        assert_eq!((Candle.threads(), likeness_kernels::pool::threads()), (threads, threads));
        println!("\n{ANSWER}{}", answer());
        return;
    }
    let with = |threads: usize| {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(THREADS, threads.to_string())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout).into_owned();
        let answer = said.lines().find_map(|line| line.strip_prefix(ANSWER)).map(str::to_owned);
        let errors = String::from_utf8_lossy(&child.stderr);
        answer.unwrap_or_else(|| panic!("with {threads} threads: {said}{errors}"))
    };
    let one = with(1);
    for threads in [2, 5] {
        assert_eq!(with(threads), one, "with {threads} threads");
    }
}

/// Numbers that a script in tests/golden wrote.
pub struct Golden {
    tensors: HashMap<String, (Vec<usize>, Vec<f32>)>,
    about: HashMap<String, String>,
}

impl Golden {
    pub fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|error| {
            panic!("{}: {error}; its generator lies beside it", path.display())
        });
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        let numbers = |dtype: Dtype, data: &[u8]| -> Vec<f32> {
            match dtype {
                Dtype::F32 => data
                    .chunks_exact(4)
                    .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
                    .collect(),
                Dtype::U8 => data.iter().map(|&b| f32::from(b)).collect(),
                other => panic!("{other:?} in a golden file"),
            }
        };
        let tensors = file
            .iter()
            .map(|(name, view)| {
                (name.to_owned(), (view.shape().to_vec(), numbers(view.dtype(), view.data())))
            })
            .collect();
        Self { tensors, about: metadata.metadata().clone().unwrap_or_default() }
    }

    pub fn get(&self, name: &str) -> &(Vec<usize>, Vec<f32>) {
        self.tensors.get(name).unwrap_or_else(|| panic!("no {name} in this golden file"))
    }

    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    pub fn about(&self, name: &str) -> &str {
        &self.about[name]
    }

    /// A picture stored as [height, width, 4] bytes.
    pub fn picture(&self, name: &str) -> Pixels {
        let (shape, data) = self.get(name);
        let data = data.iter().map(|&v| v as u8).collect();
        Pixels::new(shape[1] as u32, shape[0] as u32, 4, data).unwrap()
    }
}

/// Fails if any number is further off than `tolerance`, and says by how much.
pub fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}: as many numbers");
    let difference = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
    println!("{what}: largest difference {difference:e}");
    assert!(difference < tolerance, "{what}: off by {difference:e}, and {tolerance:e} is allowed");
}

/// The configuration and weights of a tiny random network.
pub fn network<Config: serde::de::DeserializeOwned>(name: &str) -> (Config, Checkpoint) {
    let folder = tiny(name);
    let weights = folder.join("diffusion_pytorch_model.safetensors");
    (read_config(&folder.join("config.json")).unwrap(), Checkpoint::open(&weights).unwrap())
}

/// The numbers that a network computes in, and how far it may be off: what rounds to bf16 or bytes is
/// held to no more than that it computes the same thing.
pub fn sources(checkpoint: &Checkpoint, exact: f32) -> [(Source<'_>, f32); 2] {
    [(Compute::F32, exact), (Compute::Bf16, 0.25)]
        .map(|(compute, off)| (Source { checkpoint, compute, device: &Device::Cpu }, off))
}

/// [1, channels, height, width] as [height · width, channels].
pub fn by_pixel((shape, numbers): &(Vec<usize>, Vec<f32>)) -> Tensor {
    let (channels, pixels) = (shape[1], shape[2] * shape[3]);
    let numbers = likeness_engine::image::transpose(numbers, channels, pixels);
    Tensor::from_vec(numbers, (pixels, channels), &Device::Cpu).unwrap()
}
