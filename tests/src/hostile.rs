//! Readers given any bytes at all, and kernels given any shape. The fuzz targets
//! call these, one each, and `damaged.rs` replays the corpus and the [`seeds`]
//! through them.
//!
//! Each must end soon, stay within memory that grows with the input's length
//! only, and answer with a value or an error. A panic is a find, and so is an
//! answer that contradicts itself.

use likeness_engine::Manifest;
use likeness_engine::networks::{flux2, text, upscaler};
use likeness_engine::planner::{self, Lengths};
use likeness_engine::weights::{Header, Weights, gguf, safetensors};
use likeness_picture::foreign::{Field, read_settings};
use likeness_picture::{Format, Limits, PictureMetadata, decode, look_at, read_metadata};
use likeness_recipe::{Pixels, ResolvedRecipe};

pub mod seeds;
mod shapes;
pub use shapes::kernel_shapes;

/// A reader under test.
pub struct Target {
    /// The name of its fuzz target and of its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// Reads the bytes; panics on what must not be.
    pub read: fn(&[u8]),
}

/// Every reader that takes files from strangers, and the kernels.
pub const TARGETS: &[Target] = &[
    Target { name: "safetensors_header", read: safetensors_header },
    Target { name: "gguf_header", read: gguf_header },
    Target { name: "model_texts", read: model_texts },
    Target { name: "tokenizer", read: tokenizer },
    Target { name: "picture_metadata", read: picture_metadata },
    Target { name: "picture_formats", read: picture_formats },
    Target { name: "foreign_settings", read: foreign_settings },
    Target { name: "kernel_shapes", read: kernel_shapes },
];

/// The header of a safetensors file.
pub fn safetensors_header(bytes: &[u8]) {
    if let Ok(header) = safetensors::read_header(bytes, bytes.len() as u64) {
        tensors_lie_in_the_file(&header, bytes);
    }
    let _ = Weights::from_memory("fuzz.safetensors", bytes.to_vec());
}

/// The header of a GGUF file.
pub fn gguf_header(bytes: &[u8]) {
    if let Ok(header) = gguf::read_header(bytes, bytes.len() as u64) {
        tensors_lie_in_the_file(&header, bytes);
    }
    let _ = Weights::from_memory("fuzz.gguf", bytes.to_vec());
}

/// What a header promises is there: nobody checks again before reading.
fn tensors_lie_in_the_file(header: &Header, bytes: &[u8]) {
    for (name, tensor) in &header.tensors {
        assert!(
            tensor.bytes.start <= tensor.bytes.end && tensor.bytes.end <= bytes.len(),
            "{name} is said to lie at {:?} in {} bytes",
            tensor.bytes,
            bytes.len()
        );
    }
    let mut places: Vec<_> = header.tensors.values().map(|tensor| &tensor.bytes).collect();
    places.sort_by_key(|place| (place.start, place.end));
    assert!(places.windows(2).all(|two| two[0].end <= two[1].start), "tensors share bytes");
}

/// The texts beside a model's weights: its manifest, and the configurations of its networks.
pub fn model_texts(bytes: &[u8]) {
    if let Ok(Manifest { name, files, limits, defaults, .. }) = Manifest::parse(bytes) {
        assert!(name.len() <= 200 && files.len() <= 1000, "each picture carries its model's name");
        let mut paths: Vec<_> = files.iter().map(|file| &file.path).collect();
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), files.len(), "a file is hashed as often as it is listed");
        for side in [defaults.width, defaults.height] {
            assert!(
                (limits.min_side..=limits.max_side).contains(&side)
                    && side.is_multiple_of(limits.multiple),
                "a default that the limits refuse: {defaults:?} {limits:?}"
            );
        }
    }
    if let Ok(config) = serde_json::from_slice::<flux2::Config>(bytes)
        && config.check().is_ok()
    {
        let wide = |sizes: &[usize]| sizes.iter().map(|&size| size as u128).collect::<Vec<_>>();
        let (head, heads) = (config.attention_head_dim, config.num_attention_heads);
        let axes: u128 = wide(&config.axes_dims_rope).iter().sum();
        assert_eq!(axes, head as u128, "axes that are not a head");
        assert_eq!(wide(&[head, heads]).iter().product::<u128>(), config.width() as u128);
        let lengths = Lengths { text: 4096, picture: 1 << 28, references: 1 << 28 };
        assert!(planner::flux2(&config, lengths).total() > 1 << 28, "no bytes for many tokens");
    }
    if let Ok(config) = serde_json::from_slice::<upscaler::Config>(bytes)
        && config.check().is_ok()
    {
        assert!(config.scales.len() <= 7, "a head is built for each");
    }
    if let Ok(config) = serde_json::from_slice::<text::Config>(bytes) {
        let _ = config.check();
    }
}

/// A model's tokenizer, and a prompt through it.
pub fn tokenizer(bytes: &[u8]) {
    let padding = text::Padding { limit: 64, multiple: 8, token: 0 };
    if let Ok(tokenizer) = text::Tokenizer::parse(bytes, padding, 1000)
        && let Ok(ids) = tokenizer.ids("A red fox, née 狐 🦊")
    {
        let again =
            text::Tokenizer::parse(bytes, padding, 1000).map(|one| one.ids("A red fox, née 狐 🦊"));
        assert_eq!(again, Ok(Ok(ids.clone())), "the same words are other tokens the next time");
        assert!(!ids.is_empty() && ids.len() <= 64 && ids.len().is_multiple_of(8));
        assert!(ids.iter().all(|&id| id < 1000), "a token that the text encoder does not know");
    }
}

/// What a picture file says about itself, and its pixels where it claims few.
pub fn picture_metadata(bytes: &[u8]) {
    if let Ok(metadata) = read_metadata(bytes) {
        let _ = metadata.a1111();
        if let Some(Ok(recipe)) = metadata.recipe() {
            // What is read in full is written in full: a recipe survives a second file.
            let again = ResolvedRecipe::from_json(&recipe.to_json());
            assert_eq!(again.as_ref(), Ok(&recipe), "a recipe that was read does not read again");
        }
    }
    let few = Limits { bytes: 1 << 20, side: 512, pixels: 64 * 1024 };
    if let Ok(decoded) = decode(bytes, &few) {
        let Pixels { width, height, channels, data } = decoded.pixels;
        assert!(u64::from(width) * u64::from(height) <= few.pixels, "limits hold");
        assert_eq!(data.len(), width as usize * height as usize * usize::from(channels));
    }
}

/// A picture of any format, through all that looks at one before it is believed.
pub fn picture_formats(bytes: &[u8]) {
    let few = Limits { bytes: 1 << 20, side: 512, pixels: 64 * 1024 };
    let looks = look_at(bytes, &few);
    if let Ok(decoded) = decode(bytes, &few) {
        let Pixels { width, height, channels, data } = decoded.pixels;
        assert!(u64::from(width) * u64::from(height) <= few.pixels, "limits hold");
        assert_eq!(data.len(), width as usize * height as usize * usize::from(channels));
        let looks = looks.expect("what can be decoded can be looked at");
        assert_eq!((looks.width, looks.height, looks.format), (width, height, decoded.format));
    }
    let _ = Format::of_content(bytes);
}

/// The settings of another program: a line with the name of the text, then the text.
pub fn foreign_settings(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some((key, text)) = text.split_once('\n') else { return };
    let (parameters, texts) = match key {
        "parameters" => (Some(text.to_owned()), Vec::new()),
        key => (None, vec![(key.to_owned(), text.to_owned())]),
    };
    let metadata = PictureMetadata { parameters, texts, ..PictureMetadata::none(Format::Png) };
    let Some(settings) = read_settings(&metadata) else { return };
    let is_number = |field| settings.value(field).is_none_or(|value| value.parse::<u64>().is_ok());
    assert!(is_number(Field::Seed) && is_number(Field::Steps), "what is promised is a number");
    assert!(settings.unmatched.len() <= 200, "what cannot be matched is bounded");
}
