//! What hosts see of the engine: descriptions of models, what they need, and how caches are used.

mod common;

use common::{recipe, root, tiny};
use likeness_engine::weights::Checkpoint;
use likeness_engine::{Candle, Model};
use likeness_recipe::{
    Engine, Inputs, Pixels, Reference, RenderError, Renderer, Role, Size, Unwatched,
};

#[test]
fn the_starter_is_described() {
    let starter = Candle.describe(&root("models/starter")).unwrap();
    assert_eq!(starter.capabilities.model.name, "likeness-starter");
    assert_eq!(starter.licence.as_deref(), Some("Apache-2.0"));
    assert!(starter.words.iter().any(|word| word.kind == "subjects" && word.text == "fox"));
    assert!(starter.memory > starter.bytes / 4, "weights are most of it: {}", starter.memory);
    let nowhere = Candle.describe(&root("models/none")).unwrap_err();
    assert!(matches!(nowhere, RenderError::Model { .. }), "{nowhere}");
}

/// The tables of a text encoder stay in floats, and while a matrix is packed its numbers lie beside it:
/// beside these two a model takes what its numbers take.
#[test]
fn a_model_is_weighed_as_it_is_computed_with() {
    let path = root("models/starter");
    let model = Model::open(&path).unwrap();
    let need = |precision: &str| {
        let recipe = recipe(&model, "a fox", 1, |recipe| recipe.precision = Some(precision.into()));
        Candle.need(&path, &recipe, &[]).unwrap()
    };
    let read = |file: &str| Checkpoint::open(&path.join(file)).unwrap();
    let count = |shape: Vec<usize>| shape.iter().product::<usize>() as u64;
    let encoder = read("text_encoder/model.safetensors");
    let tables = ["embed_tokens.weight", "embed_positions.weight"];
    let tables: u64 = tables.iter().map(|name| count(encoder.shape(name).unwrap())).sum();
    let all: u64 =
        ["transformer/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"]
            .iter()
            .map(|file| std::fs::metadata(path.join(file)).unwrap().len() / 2)
            .sum();
    // Vectors and the lists of names are the difference.
    let about = |bytes: u64| bytes * 98 / 100..bytes * 101 / 100;
    let (bf16, int8) = (need("bf16"), need("int8"));
    assert_eq!(need("f32"), bf16, "the starter's numbers are halves, which stay so");
    assert!(bf16 > 2 * all + 2 * tables, "{bf16}, of {all} numbers, {tables} in tables");
    // What is in no block is not in bytes.
    assert!(
        about(all - tables).end > bf16 - int8 && bf16 - int8 > (all - tables) * 2 / 3,
        "{int8}"
    );
}

#[test]
fn larger_pictures_and_references_need_more() {
    let path = root("models/starter");
    let model = Model::open(&path).unwrap();
    let need = |side: u32, references: &[Size]| {
        let recipe = recipe(&model, "a fox", 1, |recipe| {
            // Of before, when sizes were drawn that nobody had measured.
            recipe.schema = Some(3);
            (recipe.width, recipe.height) = (Some(side), Some(side));
        });
        Candle.need(&path, &recipe, references).unwrap()
    };
    let square = Size { width: 128, height: 128 };
    assert!(need(96, &[]) < need(160, &[]));
    assert!(need(128, &[]) < need(128, &[square]));
    assert!(need(128, &[square]) < need(128, &[square, square]));
}

#[test]
fn what_is_kept_is_counted_and_bounded() {
    let path = tiny("diffusers");
    let model = Model::open(&path).unwrap();
    let mut recipe = recipe(&model, "a red fox", 1, |_| ());
    recipe.references =
        vec![Reference { role: Role::Subject, sha256: "0".repeat(64), name: None, guard: None }];
    let pixels = Pixels::new(16, 16, 4, vec![200; 16 * 16 * 4]).unwrap();
    let inputs = Inputs { references: vec![pixels], ..Inputs::default() };
    let mut renderer = Candle.open(&path, recipe.precision).unwrap();
    let render = |renderer: &mut Box<dyn Renderer + Send>| {
        renderer.render(&recipe, &inputs, &mut Unwatched).unwrap().remove(0).pixels
    };

    let first = render(&mut renderer);
    let again = render(&mut renderer);
    assert_eq!(first, again);
    for cache in renderer.caches() {
        assert!(cache.hits > 0 && cache.misses > 0 && cache.bytes > 0, "{cache:?}");
        assert!(cache.bytes <= cache.limit, "{cache:?}");
    }
    assert_eq!(renderer.caches().iter().map(|cache| cache.limit).sum::<u64>(), 256 << 20);

    renderer.set_cache_limit(0);
    assert!(renderer.caches().iter().all(|cache| cache.bytes == 0 && cache.limit == 0));
    assert_eq!(render(&mut renderer), first, "nothing is kept, and the picture is the same");
}
