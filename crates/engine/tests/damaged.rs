//! Models that are missing, damaged or something else: each refusal names the file, and the tensor
//! where it is about one.

mod common;

use std::fs;

use common::damage::{
    WEIGHTS, assert_described, assert_says, change, copy, edit_json, edit_manifest, rewrite,
    serialize, sparse, vouch,
};
use common::tiny;
use likeness_engine::weights::{Checkpoint, WeightError, Weights};
use likeness_engine::{Engine, Memory, Model, Processor, describe};
use likeness_recipe::{Inputs, Precision, RenderError, Renderer, Unwatched};
use safetensors::{Dtype, SafeTensors};

#[test]
fn a_changed_byte_is_found_by_its_hash() {
    let model = copy("diffusers");
    change(model.path().join(WEIGHTS), |bytes| *bytes.last_mut().unwrap() ^= 1);
    assert_says(model.path(), &[WEIGHTS, "sha256", "restore"]);
}

#[test]
fn a_shortened_file_is_found_by_its_size_and_without_a_manifest_by_its_tensor() {
    let model = copy("diffusers");
    change(model.path().join(WEIGHTS), |bytes| bytes.truncate(100_000));
    assert_says(
        model.path(),
        &[WEIGHTS, "truncated: it ends beyond the file's 100000 bytes", "tensor "],
    );
    let model = copy("gguf");
    change(model.path().join("model-Q8_0.gguf"), |bytes| bytes.truncate(100_000));
    vouch(model.path());
    assert_says(model.path(), &["model-Q8_0.gguf", "tensor ", "truncated"]);
    let model = copy("diffusers");
    change(model.path().join("text_encoder/model.safetensors"), |bytes| bytes.truncate(30_000));
    assert_says(
        model.path(),
        &["text_encoder/model.safetensors", "30000 bytes, and the manifest says"],
    );
}

#[test]
fn a_missing_tensor_is_named() {
    let model = copy("diffusers");
    let (encoder, last) = ("text_encoder/model.safetensors", "norm.weight");
    rewrite(model.path().join(encoder), |tensors| tensors.retain(|tensor| tensor.0 != last));
    vouch(model.path());
    assert_described(model.path(), &[encoder, last, "missing"]);
    let model = copy("diffusers");
    let name = "transformer_blocks.1.ff.linear_out.weight";
    rewrite(model.path().join(WEIGHTS), |tensors| tensors.retain(|tensor| tensor.0 != name));
    vouch(model.path());
    assert_described(model.path(), &[WEIGHTS, name, "missing"]);
}

#[test]
fn a_wrong_shape_is_named_with_both_shapes() {
    let model = copy("diffusers");
    rewrite(model.path().join(WEIGHTS), |tensors| {
        let proj = tensors.iter_mut().find(|tensor| tensor.0 == "proj_out.weight").unwrap();
        proj.2 = vec![32, 64];
    });
    vouch(model.path());
    assert_described(model.path(), &[WEIGHTS, "proj_out.weight", "[32, 64]", "[64, 32]"]);
}

#[test]
fn a_number_format_that_is_not_read_is_named() {
    let model = copy("diffusers");
    rewrite(model.path().join(WEIGHTS), |tensors| {
        let norm = tensors.iter_mut().find(|tensor| tensor.0.ends_with("norm_q.weight")).unwrap();
        norm.1 = Dtype::I16;
    });
    vouch(model.path());
    assert_described(model.path(), &[WEIGHTS, "norm_q.weight", "I16"]);
}

#[test]
fn shards_are_one_model_and_a_missing_shard_is_named() {
    let model = copy("diffusers");
    let whole = model.path().join(WEIGHTS);
    let bytes = fs::read(&whole).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut map = serde_json::Map::new();
    let mut shards = [Vec::new(), Vec::new()];
    for (i, (name, view)) in file.iter().enumerate() {
        map.insert(name.into(), format!("shard-{}.safetensors", i % 2).into());
        shards[i % 2].push((
            name.to_owned(),
            view.dtype(),
            view.shape().to_vec(),
            view.data().to_vec(),
        ));
    }
    let folder = whole.parent().unwrap().to_owned();
    for (i, shard) in shards.iter().enumerate() {
        fs::write(folder.join(format!("shard-{i}.safetensors")), serialize(shard)).unwrap();
    }
    let index = folder.join("diffusion_pytorch_model.safetensors.index.json");
    let write_index = |map: &serde_json::Map<String, serde_json::Value>| {
        fs::write(&index, serde_json::json!({"metadata": {}, "weight_map": map}).to_string())
            .unwrap();
        vouch(model.path());
    };
    fs::remove_file(&whole).unwrap();
    write_index(&map);
    let opened = Model::open(model.path()).unwrap();
    assert_eq!(opened.denoiser(), index);
    Engine::new(opened, Processor::Cpu, Memory::Free).unwrap().load(Precision::F32).unwrap();

    map.insert("another.weight".into(), "shard-0.safetensors".into());
    write_index(&map);
    assert_says(model.path(), &["index.json", "another.weight"]);
    map.insert("another.weight".into(), "../shard-0.safetensors".into());
    write_index(&map);
    assert_says(model.path(), &["index.json", "not the name of a file beside it"]);
    map.remove("another.weight");
    write_index(&map);
    edit_manifest(model.path(), |manifest| {
        let files = manifest["files"].as_array_mut().unwrap();
        files.retain(|file| file["path"] != "transformer/shard-1.safetensors");
    });
    assert_described(model.path(), &["starter.json", "shard-1.safetensors would be read"]);
    fs::remove_file(folder.join("shard-1.safetensors")).unwrap();
    assert_says(model.path(), &["shard-1.safetensors", "os error"]);
}

/// What is recorded in a picture is the hash of what made it.
#[test]
fn weights_that_are_not_listed_are_not_taken_for_those_that_are() {
    let model = copy("single");
    let mine = model.path().join("mine.safetensors");
    fs::copy(model.path().join("model.safetensors"), &mine).unwrap();
    rewrite(mine.clone(), |tensors| tensors[0].3.reverse());
    assert_described(&mine, &["starter.json", "files: mine.safetensors would be read"]);
    let shipped = Model::open(&model.path().join("model.safetensors")).unwrap();
    let sha256 = |model: &Model| model.capabilities().model.sha256.clone();
    assert_eq!(sha256(&shipped), sha256(&Model::open(&tiny("single")).unwrap()));

    vouch(model.path());
    let listed = Model::open(&mine).unwrap();
    assert_ne!(sha256(&listed), sha256(&shipped), "listed, they are another model");
    let again = Model::open(&model.path().join("model.safetensors")).unwrap();
    assert_eq!(sha256(&again), sha256(&shipped), "and what is not read is no part of a model");

    let model = copy("single");
    let config = tiny("diffusers").join("transformer/config.json");
    fs::copy(config, model.path().join("config.json")).unwrap();
    assert_described(model.path(), &["starter.json", "files: config.json would be read"]);
}

#[test]
fn missing_weights_are_named_where_they_should_be() {
    let model = copy("diffusers");
    fs::remove_file(model.path().join(WEIGHTS)).unwrap();
    vouch(model.path());
    assert_says(model.path(), &[WEIGHTS, "missing"]);
}

#[test]
fn pickles_are_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let zip = [b"PK\x03\x04".as_slice(), &[0; 60]].concat();
    let pickle = [[0x80, 0x02].as_slice(), &[b'}'; 60]].concat();
    for (name, bytes) in [
        ("model.ckpt", &zip),
        ("old.pt", &pickle),
        ("renamed.safetensors", &zip),
        ("any.bin", &vec![7; 64]),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        assert_says(&file, &[name, "pickle", "run code", "convert it to .safetensors"]);
        assert!(matches!(Weights::open(&file), Err(WeightError::Pickle { .. })));
    }
}

#[test]
fn other_families_and_strays_are_described() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, tensor: &str| {
        let path = folder.path().join(name);
        fs::write(&path, serialize(&[(tensor.to_owned(), Dtype::F32, vec![1], vec![0; 4])]))
            .unwrap();
        path
    };
    let sdxl = "conditioner.embedders.1.model.transformer.resblocks.9.mlp.c_proj.bias";
    assert_says(&file("juggernaut.safetensors", sdxl), &["juggernaut", "sdxl", "not there yet"]);
    assert_says(
        &file("a.safetensors", "model.diffusion_model.single_stream_modulation.lin.weight"),
        &["flux2", "starter.json"],
    );
    assert_says(&file("b.safetensors", "something"), &["no family that is known"]);
    assert_says(folder.path(), &["neither starter.json nor model_index.json"]);
    assert_says(&folder.path().join("nothing"), &["os error"]);
    let described = describe(&tiny("single"));
    assert!(described.name == "tiny" && described.model.is_ok());

    fs::write(
        folder.path().join("model_index.json"),
        r#"{"_class_name":"StableDiffusionXLPipeline"}"#,
    )
    .unwrap();
    assert_says(folder.path(), &["StableDiffusionXLPipeline"]);
}

#[test]
fn a_manifest_is_believed_in_nothing() {
    let cases = [
        ("schema", serde_json::json!(2), "schema"),
        ("family", serde_json::json!("sdxl"), "sdxl is not there yet"),
        ("prediction_type", serde_json::json!("magic"), "magic"),
        ("image", serde_json::json!({"channels": 3, "patch_size": 4, "alpha": "none"}), "image"),
        (
            "image",
            serde_json::json!({"channels": 4, "patch_size": 2, "alpha": "premultiplied"}),
            "other channels",
        ),
        (
            "text",
            serde_json::json!({"max_tokens": 99, "pad_multiple": 4, "pad_token_id": 0}),
            "max_tokens",
        ),
        (
            "text",
            serde_json::json!({"max_tokens": 16, "pad_multiple": 4, "pad_token_id": 9999}),
            "pad_token_id",
        ),
        (
            "files",
            serde_json::json!([{"path": "../../etc/passwd", "bytes": 1, "sha256": ""}]),
            "does not lie in the folder",
        ),
    ];
    for (field, value, said) in cases {
        let model = copy("diffusers");
        edit_manifest(model.path(), |manifest| manifest[field] = value);
        assert_described(model.path(), &["starter.json", said]);
    }
}

#[test]
fn a_configuration_is_believed_in_nothing() {
    const NETWORK: &str = "transformer/config.json";
    const ENCODER: &str = "text_encoder/config.json";
    for (file, field, value, said) in [
        (NETWORK, "in_channels", serde_json::json!(9_000_000_000_000_000_000u64), "in_channels"),
        (NETWORK, "num_attention_heads", serde_json::json!(u64::MAX), "num_attention_heads"),
        // Together they are as many as a head has, counted in 64 bits.
        (
            NETWORK,
            "axes_dims_rope",
            serde_json::json!([1u64 << 63, 1u64 << 63, 8, 8]),
            "axes_dims_rope",
        ),
        (ENCODER, "num_heads", serde_json::json!(0), "num_heads"),
        (ENCODER, "model_type", serde_json::json!("qwen3"), "qwen3"),
        (ENCODER, "max_positions", serde_json::json!(-1), "-1"),
    ] {
        let model = copy("diffusers");
        edit_json(&model.path().join(file), |config| config[field] = value);
        vouch(model.path());
        assert_described(model.path(), &[file, said]);
    }
    // As few tokens as the text encoder knows, but one with a number beyond.
    let model = copy("diffusers");
    let tokenizer = "tokenizer/tokenizer.json";
    edit_json(&model.path().join(tokenizer), |file| file["model"]["vocab"]["!"] = 5000.into());
    vouch(model.path());
    assert_described(model.path(), &[tokenizer, "a token 5000"]);
    for (file, text) in [
        (NETWORK, "{"),
        (NETWORK, "[]"),
        (ENCODER, ""),
        ("tokenizer/tokenizer.json", "{}"),
        ("text_encoder/model.safetensors", "not a header"),
    ] {
        let model = copy("diffusers");
        fs::write(model.path().join(file), text).unwrap();
        vouch(model.path());
        assert_described(model.path(), &[file]);
        if file != NETWORK {
            fs::remove_file(model.path().join(file)).unwrap();
            vouch(model.path());
            assert_described(model.path(), &[file]);
        }
    }
}

/// A network that is told how much guidance is wanted, as FLUX.2 dev is: the tiny one with an embedder for
/// the scale.
#[test]
fn what_is_never_asked_is_not_offered() {
    let model = copy("diffusers");
    edit_json(&model.path().join("transformer/config.json"), |config| {
        config["guidance_embeds"] = true.into();
    });
    rewrite(model.path().join(WEIGHTS), |tensors| {
        let embedder: Vec<_> = tensors
            .iter()
            .filter(|tensor| tensor.0.contains(".timestep_embedder."))
            .map(|(name, dtype, shape, data)| {
                let name = name.replace(".timestep_embedder.", ".guidance_embedder.");
                (name, *dtype, shape.clone(), data.clone())
            })
            .collect();
        assert_eq!(embedder.len(), 2);
        tensors.extend(embedder);
    });
    vouch(model.path());
    let plain = Model::open(&tiny("diffusers")).unwrap();
    let told = Model::open(model.path()).unwrap();
    assert!(plain.capabilities().negative && !told.capabilities().negative);
    let mut engine = Engine::new(told.clone(), Processor::Cpu, Memory::Free).unwrap();
    let mut recipe = common::recipe(&told, "a red fox", 1, |recipe| recipe.guidance = Some(4.0));
    assert!(engine.render(&recipe, &Inputs::default(), &mut Unwatched).is_ok());
    recipe.negative = "a dog".into();
    match engine.render(&recipe, &Inputs::default(), &mut Unwatched) {
        Err(RenderError::Request { field, .. }) => assert_eq!(field, "negative"),
        other => panic!("a negative prompt was dropped: {other:?}"),
    }
}

#[test]
fn bf16_and_f32_are_read_as_they_are_meant() {
    let numbers = [1.5f32, -2.0, 0.15625];
    let bf16: Vec<u8> =
        numbers.iter().flat_map(|v| ((v.to_bits() >> 16) as u16).to_le_bytes()).collect();
    let f32s: Vec<u8> = numbers.iter().flat_map(|v| v.to_le_bytes()).collect();
    let file = serialize(&[
        ("a".into(), Dtype::BF16, vec![3], bf16),
        ("b".into(), Dtype::F32, vec![3], f32s),
    ]);
    let checkpoint = Checkpoint::new(Weights::from_memory("here", file).unwrap());
    for name in ["a", "b"] {
        let vector = checkpoint.vector(name, 3, &candle_core::Device::Cpu).unwrap();
        assert_eq!(vector.to_vec1::<f32>().unwrap(), numbers, "{name}");
    }
    let missing = checkpoint.vector("c", 3, &candle_core::Device::Cpu).unwrap_err().to_string();
    assert_eq!(missing, "here: tensor c: it is missing");
}

#[test]
fn texts_beside_weights_have_a_limit() {
    for (file, most) in
        [("starter.json", 1), ("transformer/config.json", 1), ("tokenizer/tokenizer.json", 64)]
    {
        let model = copy("diffusers");
        sparse(&model.path().join(file), 1 << 40);
        if file != "starter.json" {
            vouch(model.path());
        }
        assert_says(model.path(), &[file, &format!("a text of more than {most} MB")]);
    }
}
