//! The network, the text encoder and whole pictures against diffusers' numbers.
//!
//! `tests/golden/flux2.py` made the numbers; PyTorch is not needed to run these.

mod common;

use std::path::Path;

use candle_core::{Device, Tensor};
use common::{Golden, assert_close, engine, recipe, root, tiny};
use likeness_engine::image::{Grid, transpose};
use likeness_engine::networks::flux2::{Call, Config, Flux2, Position, Rotations};
use likeness_engine::networks::text::{Padding, TextEncoder, Tokenizer};
use likeness_engine::networks::{Source, read_config};
use likeness_engine::weights::{Checkpoint, Compute};
use likeness_engine::{Manifest, Model};
use likeness_recipe::{Inputs, Noise, Reference, Renderer, ResolvedRecipe, Role, Unwatched};

const NETWORK: f32 = 1e-4;
const PICTURE: f32 = 1e-3;

/// The parts of a model, outside any pipeline.
struct Parts {
    manifest: Manifest,
    network: Flux2,
    text: TextEncoder,
    tokenizer: Tokenizer,
}

fn parts(path: &Path) -> Parts {
    let model = Model::open(path).unwrap();
    let device = &Device::Cpu;
    let checkpoint = Checkpoint::open(model.denoiser()).unwrap();
    let beside = model.denoiser().with_file_name("config.json");
    let config = match beside.is_file() {
        true => read_config(&beside).unwrap(),
        false => Config::infer(&checkpoint).unwrap(),
    };
    let source = Source { checkpoint: &checkpoint, compute: Compute::F32, device };
    let network = Flux2::new(config, &source).unwrap();
    let folder = model.folder();
    let checkpoint = Checkpoint::open(&folder.join("text_encoder/model.safetensors")).unwrap();
    let source = Source { checkpoint: &checkpoint, compute: Compute::F32, device };
    let text =
        TextEncoder::new(read_config(&folder.join("text_encoder/config.json")).unwrap(), &source)
            .unwrap();
    let manifest = model.manifest().clone();
    let padding = Padding {
        limit: manifest.text.max_tokens,
        multiple: manifest.text.pad_multiple,
        token: manifest.text.pad_token_id,
    };
    let file = folder.join("tokenizer/tokenizer.json");
    let tokenizer = Tokenizer::open(&file, padding, text.config().vocab_size).unwrap();
    Parts { manifest, network, text, tokenizer }
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Tokens with what the network is told of their places beside them, as the pipeline hands them over.
fn placed(tokens: Tensor, grids: &[Grid], count: usize) -> Tensor {
    if count == 0 {
        return tokens;
    }
    let places: Vec<f32> = grids.iter().flat_map(|grid| grid.place_features(count)).collect();
    let places = tensor(tokens.dim(0).unwrap(), places);
    Tensor::cat(&[&tokens, &places], 1).unwrap()
}

fn tensor(rows: usize, numbers: Vec<f32>) -> Tensor {
    let columns = numbers.len() / rows;
    Tensor::from_vec(numbers, (rows, columns), &Device::Cpu).unwrap()
}

fn positions(grid: Grid, time: f32) -> impl Iterator<Item = Position> {
    (0..grid.rows)
        .flat_map(move |y| (0..grid.columns).map(move |x| [time, y as f32, x as f32, 0.0]))
}

/// The noise that the golden script drew with torch, as tokens.
fn noise(grid: Grid, seed: u64) -> Vec<f32> {
    let count = grid.tokens() * grid.channels();
    let drawn =
        likeness_engine::sampling::noise::normal(likeness_recipe::NoiseSource::Torch, seed, count);
    transpose(&drawn, grid.channels(), grid.tokens())
}

fn check_network(path: &Path, golden: &Golden) {
    let Parts { manifest, network, text, tokenizer } = parts(path);
    let encode = |prompt: &str| text.forward(&tokenizer.ids(prompt).unwrap()).unwrap();
    for (name, prompt) in [
        ("text", golden.about("prompt")),
        ("text_empty", ""),
        ("text_negative", golden.about("negative")),
    ] {
        if golden.has(name) {
            assert_close(name, &numbers(&encode(prompt)), &golden.get(name).1, NETWORK);
        }
    }
    let text = encode(golden.about("prompt"));
    let sides: Vec<usize> = serde_json::from_str(golden.about("grid")).unwrap();
    let grid = Grid { rows: sides[0], columns: sides[1], patch: manifest.image.patch_size };
    let count = manifest.image.place_features;
    let latents = tensor(grid.tokens(), noise(grid, golden.about("seed").parse().unwrap()));
    let latents = placed(latents, &[grid], count);
    let own: Vec<Position> = (0..text.dim(0).unwrap())
        .map(|l| [0.0, 0.0, 0.0, l as f32])
        .chain(positions(grid, 0.0))
        .collect();
    let config = network.config();
    let rotations = Rotations::new(config, &own, &Device::Cpu).unwrap();

    let (mut tokens, mut places, mut grids) = (Vec::new(), Vec::new(), Vec::new());
    for (i, name) in ["reference_0", "reference_1"].iter().enumerate() {
        let picture = golden.picture(name);
        let grid = Grid::over(picture.size(), grid.patch);
        tokens.extend(grid.tokens_of(&picture));
        places.extend(positions(grid, 10.0 + 10.0 * i as f32));
        grids.push(grid);
    }
    let reference_rotations = Rotations::new(config, &places, &Device::Cpu).unwrap();
    let references = placed(tensor(places.len(), tokens), &grids, count);
    let card = || network.card(&references, &reference_rotations, None).unwrap();

    let kept = card();
    let call = |sigma, card| {
        let call = Call {
            latents: &latents,
            text: &text,
            sigma,
            guidance: None,
            rotations: &rotations,
            card,
        };
        numbers(&network.forward(&call).unwrap())
    };
    assert_close("without references", &call(0.75, None), &golden.get("plain").1, NETWORK);
    assert_close("with references", &call(0.75, Some(&kept)), &golden.get("referenced").1, NETWORK);
    if golden.has("cached") {
        assert_close("at a later step", &call(0.25, Some(&kept)), &golden.get("cached").1, NETWORK);
        // diffusers keeps [heads, tokens, head], a card [tokens, heads · head].
        let (heads, d) = (config.num_attention_heads, config.attention_head_dim);
        let by_heads = |x: &Tensor| {
            numbers(
                &x.reshape(((), heads, d)).unwrap().transpose(0, 1).unwrap().contiguous().unwrap(),
            )
        };
        let keys: Vec<f32> = kept
            .layers()
            .map(Result::unwrap)
            .flat_map(|(k, v)| [by_heads(&k), by_heads(&v)].concat())
            .collect();
        assert_close("the card itself", &keys, &golden.get("cached_keys").1, NETWORK);
    }
    // Exact, not approximate: a kept card and one computed for this step alone.
    let now = card();
    assert_close("card kept or not", &call(0.25, Some(&kept)), &call(0.25, Some(&now)), 1e-5);
    let layers = config.num_layers + config.num_single_layers;
    let bytes = 4 * 2 * layers * places.len() * config.width();
    assert_eq!(
        (kept.bytes(), now.bytes()),
        (bytes, bytes),
        "also among what other runs left behind"
    );
}

fn check_pictures(path: &Path, golden: &Golden) {
    let mut engine = engine(path);
    let model = engine.model().clone();
    let seed = golden.about("seed").parse().unwrap();
    let sides: Vec<usize> = serde_json::from_str(golden.about("grid")).unwrap();
    let patch = model.manifest().image.patch_size;
    let base = |change: &dyn Fn(&mut likeness_recipe::Recipe)| {
        recipe(&model, golden.about("prompt"), seed, |recipe| {
            recipe.noise_source = Some("torch".into());
            recipe.precision = Some("f32".into());
            recipe.guidance = Some(1.0);
            recipe.height = Some((sides[0] * patch) as u32);
            recipe.width = Some((sides[1] * patch) as u32);
            change(recipe);
        })
    };
    let mut check = |name: &str, recipe: ResolvedRecipe, inputs: Inputs| {
        let inputs = Inputs { dump: true, ..inputs };
        let rendered = engine.render(&recipe, &inputs, &mut Unwatched).unwrap();
        let (shape, latents) = &rendered[0].dump.as_ref().unwrap().latents;
        let tokens = transpose(latents, shape[1], shape[2] * shape[3]);
        assert_close(name, &transpose(&tokens, 1, tokens.len()), &golden.get(name).1, PICTURE);
    };
    let references = || vec![golden.picture("reference_0"), golden.picture("reference_1")];
    let named = |recipe: &mut likeness_recipe::Recipe| {
        let reference =
            Reference { role: Role::Subject, sha256: "0".repeat(64), name: None, guard: None };
        recipe.references = vec![reference; 2];
    };
    check("picture", base(&|_| {}), Inputs::default());
    check(
        "picture_referenced",
        base(&named),
        Inputs { references: references(), ..Inputs::default() },
    );
    if golden.has("picture_guided") {
        let guided = base(&|recipe| {
            named(recipe);
            recipe.guidance = Some(2.5);
            recipe.negative = Some(golden.about("negative").into());
        });
        check("picture_guided", guided, Inputs { references: references(), ..Inputs::default() });
        let heun = base(&|recipe| {
            recipe.steps = Some(3);
            recipe.sampler = Some("flow_heun".into());
        });
        check("picture_heun", heun, Inputs::default());
        let (shape, data) = golden.get("noise").clone();
        let given = Inputs { initial_noise: Some(Noise { shape, data }), ..Inputs::default() };
        let mut other_seed = base(&|_| {});
        other_seed.seed = 99;
        check("picture", other_seed, given);
    }
}

#[test]
fn a_diffusers_folder_agrees_with_diffusers() {
    let golden = Golden::read(&root("tests/golden/tiny/diffusers.safetensors"));
    check_network(&tiny("diffusers"), &golden);
    check_pictures(&tiny("diffusers"), &golden);
}

#[test]
fn the_original_single_file_is_the_same_model() {
    let golden = Golden::read(&root("tests/golden/tiny/diffusers.safetensors"));
    check_network(&tiny("single"), &golden);
    check_pictures(&tiny("single/model.safetensors"), &golden);
}

#[test]
fn gguf_blocks_agree_with_what_they_stand_for() {
    let golden = Golden::read(&root("tests/golden/tiny/gguf.safetensors"));
    check_network(&tiny("gguf"), &golden);
    check_pictures(&tiny("gguf/model-Q8_0.gguf"), &golden);
}

#[test]
fn the_starter_agrees_with_diffusers() {
    let golden = Golden::read(&root("tests/golden/starter.safetensors"));
    check_network(&root("models/starter"), &golden);
    check_pictures(&root("models/starter"), &golden);
}
