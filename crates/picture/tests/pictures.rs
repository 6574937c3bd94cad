//! Pictures out and in again, in every format, whole and damaged.

use likeness_picture::{
    Format, Limits, PictureError, PictureMetadata, Said, check_recipe_fits, decode, encode,
    encode_saying, look_at, read_metadata,
};
use likeness_recipe::{
    Alpha, Enlarged, ModelRef, NoiseSource, Pixels, Precision, ResolvedRecipe, SCHEMA, Sampler,
    Schedule, a1111,
};
use proptest::prelude::*;

const FORMATS: [Format; 3] = [Format::Png, Format::Jpeg, Format::WebP];

fn recipe(prompt: &str) -> ResolvedRecipe {
    ResolvedRecipe {
        schema: SCHEMA,
        model: ModelRef { name: "likeness-starter".into(), sha256: "5a".repeat(32) },
        prompt: prompt.into(),
        negative: String::new(),
        width: 20,
        height: 12,
        seed: u64::MAX,
        noise_source: NoiseSource::Likeness,
        count: 1,
        steps: 4,
        guidance: 1.0,
        sampler: Sampler::FlowEuler,
        schedule: Schedule::Default,
        precision: Precision::F32,
        references: vec![],
        init: None,
        mask: None,
        loras: vec![],
        approximations: vec![],
        read: None,
        read_negative: None,
        canvas: None,
        alpha: Alpha::Drawn,
        enlarged: None,
        delivered: None,
    }
}

/// A smooth picture, so that JPEG keeps it nearly as it is; clear at the left when it has alpha.
fn picture(channels: u8) -> Pixels {
    let (width, height) = (20, 12);
    let pixel = |x: u32, y: u32| [(x * 12) as u8, (y * 20) as u8, 128, (x * 12) as u8];
    let data = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| pixel(x, y).into_iter().take(channels.into())))
        .collect();
    Pixels::new(width, height, channels, data).unwrap()
}

#[test]
fn lossless_formats_keep_every_pixel_and_alpha() {
    for format in [Format::Png, Format::WebP] {
        for channels in [3, 4] {
            let bytes = encode(&picture(channels), format, &recipe("fox")).unwrap();
            let read = decode(&bytes, &Limits::default()).unwrap();
            assert_eq!(read.pixels, picture(channels), "{format:?}");
            assert_eq!(read.format, format);
            assert_eq!(read.sha256.len(), 64);
        }
    }
}

#[test]
fn a_jpeg_lies_over_white() {
    let bytes = encode(&picture(4), Format::Jpeg, &recipe("fox")).unwrap();
    let read = decode(&bytes, &Limits::default()).unwrap().pixels;
    assert_eq!((read.width, read.height, read.channels), (20, 12, 3));
    assert!(read.data[..3].iter().all(|&c| c > 245), "clear is white: {:?}", &read.data[..3]);
}

#[test]
fn the_recipe_comes_back_from_every_format() {
    for prompt in
        ["a red fox", "ein süßer Fuchs", "一只红狐狸 🦊\nNegative prompt: no \"quotes\": a, b"]
    {
        for format in FORMATS {
            let recipe = recipe(prompt);
            let bytes = encode(&picture(4), format, &recipe).unwrap();
            let read = read_metadata(&bytes).unwrap();
            assert_eq!(read.format, format);
            assert_eq!(read.recipe().unwrap().unwrap(), recipe, "{format:?}");
            assert_eq!(
                read.parameters.as_deref(),
                Some(a1111::write(&recipe).as_str()),
                "{format:?}"
            );
            assert_eq!(read.a1111().unwrap().seed(), Some(u64::MAX));
            assert_eq!(
                encode(&picture(4), format, &recipe).unwrap(),
                bytes,
                "the same bytes again"
            );
        }
    }
}

#[test]
fn a_png_text_is_itxt_only_where_it_must_be() {
    let holds = |prompt, kind: &[u8]| {
        let recipe = recipe(prompt);
        let said = Said { recipe: Some(&recipe), ..Said::default() };
        let bytes = encode_saying(&picture(3), Format::Png, &said).unwrap();
        bytes.windows(4).any(|window| window == kind)
    };
    assert!(!holds("süß", b"iTXt"), "Latin-1 needs none");
    assert!(holds("狐", b"iTXt"));
    assert!(holds("狐", b"tEXt"), "the JSON stays ASCII");
}

#[test]
fn a_recipe_too_long_for_jpeg_is_told_beforehand() {
    let long = ResolvedRecipe { negative: "🦊".repeat(4000), ..recipe(&"🦊".repeat(4000)) };
    assert!(matches!(
        check_recipe_fits(Format::Jpeg, &long),
        Err(PictureError::RecipeTooLong { .. })
    ));
    for format in FORMATS {
        assert_eq!(
            check_recipe_fits(format, &long).is_ok(),
            encode(&picture(3), format, &long).is_ok()
        );
        check_recipe_fits(format, &recipe(&"é".repeat(4000))).unwrap();
    }
}

/// The header of a PNG that claims to be this large; nothing follows that could fill it.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    let mut writer = encoder.write_header().unwrap();
    writer.write_chunk(png::chunk::IDAT, &[0x78, 0x9c, 0x03, 0, 0, 0, 0, 1]).unwrap();
    drop(writer);
    bytes
}

#[test]
fn a_bomb_is_refused_from_its_header() {
    for (width, height, limit) in [
        (30_000, 30_000, "at most 16384 pixels a side"),
        (30_000, 1, "at most 16384 pixels a side"),
        (16_000, 16_000, "at most 64 million pixels"),
        (0x7fff_ffff, 0x7fff_ffff, "at most"),
    ] {
        let error = decode(&bomb(width, height), &Limits::default()).unwrap_err();
        assert!(error.to_string().contains(limit), "{error}");
        assert!(matches!(error, PictureError::TooLarge { .. }), "{error}");
    }
}

#[test]
fn what_is_no_picture_is_refused() {
    for bytes in [&b""[..], b"x", b"a text file", b"BM, and then a text", b"GIF", b"\x80\x04pickle"]
    {
        assert!(
            matches!(decode(bytes, &Limits::default()), Err(PictureError::NotAPicture)),
            "{bytes:?}"
        );
        assert!(matches!(read_metadata(bytes), Err(PictureError::NotAPicture)), "{bytes:?}");
    }
    let small = Limits { bytes: 10, ..Limits::default() };
    assert!(matches!(decode(&[0; 11], &small), Err(PictureError::TooLarge { .. })));
}

#[test]
fn what_a_part_of_a_file_says_of_its_length_is_checked() {
    let features = b"VP8X\x0a\0\0\0\x08\0\0\0\x03\0\0\x03\0\0";
    let [whole, part] = [u32::MAX, 0xffff_fff0].map(u32::to_le_bytes);
    let webp = [b"RIFF", &whole[..], b"WEBP", features, b"EXIF", &part].concat();
    let said = "a part of it says 4294967280 bytes, and 0 are left";
    for error in [
        decode(&webp, &Limits::default()).unwrap_err(),
        look_at(&webp, &Limits::default()).unwrap_err(),
    ] {
        assert!(error.to_string().contains(said), "{error}");
    }
}

/// A decoder may look on behind what the file says of its own length. What it finds there is none of the file.
#[test]
fn what_stands_behind_the_end_is_not_taken_for_a_note_of_the_camera() {
    let upright = picture(3);
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut bytes);
    image::ImageEncoder::set_exif_metadata(&mut encoder, vec![0; 8]).unwrap();
    encoder.encode(&upright.data, 20, 12, image::ExtendedColorType::Rgb8).unwrap();
    let part = bytes.windows(4).position(|four| four == b"EXIF").unwrap();
    bytes.truncate(part);
    bytes[4..8].copy_from_slice(&(part as u32 - 8).to_le_bytes());
    bytes.extend(b"EXIF\xf0\xff\xff\xff");
    let limits = Limits::default();
    assert_eq!(decode(&bytes, &limits).unwrap().pixels, upright);
    assert_eq!(look_at(&bytes, &limits).unwrap().width, 20);
}

#[test]
fn a_picture_with_a_book_in_it_is_a_picture_all_the_same() {
    let with = |megabytes: usize| {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
        encoder.add_text_chunk("parameters".into(), "a fox\nSteps: 20, Seed: 1".into()).unwrap();
        encoder.add_text_chunk("Comment".into(), "a".repeat(megabytes << 20)).unwrap();
        encoder.write_header().unwrap().write_image_data(&[0]).unwrap();
        assert_eq!(look_at(&bytes, &Limits::default()).unwrap().width, 1);
        assert_eq!(decode(&bytes, &Limits::default()).unwrap().pixels.width, 1);
        read_metadata(&bytes).unwrap()
    };
    assert!(with(5).parameters.is_some());
    let keys: Vec<_> = with(9).texts.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["parameters"], "what is too long is left out");
    assert_eq!(with(40).texts, []);
}

/// Twenty kilobytes of a stranger's, which a library would keep as megabytes, and search.
#[test]
fn a_recipe_of_ours_in_a_file_is_held_to_the_limits_of_a_typed_one() {
    let with = |recipe: &ResolvedRecipe| {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
        encoder.add_ztxt_chunk("likeness".into(), recipe.to_json()).unwrap();
        encoder.write_header().unwrap().write_image_data(&[0]).unwrap();
        read_metadata(&bytes).unwrap().recipe().unwrap()
    };
    let longest = recipe(&"é".repeat(4000));
    assert_eq!(with(&longest), Ok(longest.clone()));
    let refused = |recipe: ResolvedRecipe, words: [&str; 2]| {
        let error = with(&recipe).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    };
    refused(recipe(&"é".repeat(4001)), ["prompt: it has 4001", "at most 4000"]);
    refused(recipe(&"a".repeat(8_000_000)), ["recipe: it has 8000", "at most 262144"]);
    refused(recipe("a\u{1b}[2J"), ["prompt", "U+001B"]);
    let negative = "b".repeat(4001);
    refused(ResolvedRecipe { negative, ..longest.clone() }, ["negative", "at most 4000"]);
    let model = ModelRef { name: "m".repeat(301), sha256: "00".into() };
    refused(ResolvedRecipe { model, ..longest.clone() }, ["recipe", "300 characters"]);
    let approximations = vec![String::new(); 65];
    refused(ResolvedRecipe { approximations, ..longest }, ["approximations", "at most 64"]);
}

#[test]
fn a_camera_held_sideways_is_turned_upright() {
    let upright = picture(3);
    let exif = |orientation: u16| {
        let field = exif::Field {
            tag: exif::Tag::Orientation,
            ifd_num: exif::In::PRIMARY,
            value: exif::Value::Short(vec![orientation]),
        };
        let mut writer = exif::experimental::Writer::new();
        writer.push_field(&field);
        let mut bytes = std::io::Cursor::new(Vec::new());
        writer.write(&mut bytes, false).unwrap();
        bytes.into_inner()
    };
    for (orientation, size) in [(1, (20, 12)), (6, (12, 20)), (3, (20, 12))] {
        let mut bytes = Vec::new();
        let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut bytes);
        image::ImageEncoder::set_exif_metadata(&mut encoder, exif(orientation)).unwrap();
        encoder.encode(&upright.data, 20, 12, image::ExtendedColorType::Rgb8).unwrap();
        let read = decode(&bytes, &Limits::default()).unwrap().pixels;
        assert_eq!((read.width, read.height), size, "orientation {orientation}");
        let looks = look_at(&bytes, &Limits::default()).unwrap();
        assert_eq!((looks.width, looks.height), size, "orientation {orientation}");
    }
}

#[test]
fn a_cut_file_is_an_error_and_never_a_picture() {
    for format in FORMATS {
        let bytes = encode(&picture(4), format, &recipe("fox")).unwrap();
        for length in 0..bytes.len().saturating_sub(if format == Format::Jpeg { 0 } else { 40 }) {
            let cut = decode(&bytes[..length], &Limits::default());
            assert!(cut.is_err(), "{format:?} cut at {length} of {}", bytes.len());
            let _ = read_metadata(&bytes[..length]);
        }
    }
}

/// A photograph of a telephone: its numbers mean wider colours than ours.
#[test]
fn a_profile_of_colours_is_applied_in_every_format() {
    let wide = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let green = [90_u8, 180, 60].repeat(16 * 16);
    let expected = [41_u8, 183, 28];
    let kind = image::ExtendedColorType::Rgb8;
    let with_profile = |format: Format, wide: &[u8]| {
        let mut bytes = Vec::new();
        match format {
            Format::Png => {
                write(image::codecs::png::PngEncoder::new(&mut bytes), wide, &green, kind)
            }
            Format::Jpeg => {
                write(
                    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 100),
                    wide,
                    &green,
                    kind,
                );
            }
            _ => {
                write(
                    image::codecs::webp::WebPEncoder::new_lossless(&mut bytes),
                    wide,
                    &green,
                    kind,
                );
            }
        }
        bytes
    };
    fn write(
        mut encoder: impl image::ImageEncoder,
        wide: &[u8],
        data: &[u8],
        kind: image::ExtendedColorType,
    ) {
        encoder.set_icc_profile(wide.to_vec()).unwrap();
        encoder.write_image(data, 16, 16, kind).unwrap();
    }
    for format in FORMATS {
        let read = decode(&with_profile(format, &wide), &Limits::default()).unwrap().pixels;
        let found = &read.data[..3];
        let near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 3);
        assert!(near, "{format:?}: {found:?}");
        let damaged =
            decode(&with_profile(format, &wide[..200]), &Limits::default()).unwrap().pixels;
        assert!(
            damaged.data[0].abs_diff(90) <= 2,
            "{format:?}: what is no profile changes nothing"
        );
    }
}

#[test]
fn more_than_eight_bits_are_held_to_the_same_memory() {
    let mut bytes = Vec::new();
    let pixels = image::ImageBuffer::<image::Rgba<u16>, _>::new(100, 100);
    pixels.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    let limits = Limits { pixels: 10_000, ..Limits::default() };
    let refused = decode(&bytes, &limits).unwrap_err();
    assert!(matches!(refused, PictureError::TooLarge { .. }), "{refused}");
    decode(&bytes, &Limits { pixels: 20_000, ..limits }).unwrap();
}

proptest! {
    /// Whatever byte is wrong: an answer, and no panic.
    #[test]
    fn damage_is_survived(at in any::<prop::sample::Index>(), value: u8, which in 0..3usize) {
        let mut bytes = encode(&picture(4), FORMATS[which], &recipe("fox 狐")).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = value;
        let _ = decode(&bytes, &Limits::default());
        if let Ok(metadata) = read_metadata(&bytes) {
            let _ = (metadata.recipe(), metadata.a1111());
        }
    }

    #[test]
    fn noise_behind_a_true_beginning_is_survived(noise in prop::collection::vec(any::<u8>(), 0..200), which in 0..3usize, keep in 4..60usize) {
        let mut bytes = encode(&picture(4), FORMATS[which], &recipe("fox")).unwrap();
        bytes.truncate(keep);
        bytes.extend(noise);
        let _ = decode(&bytes, &Limits::default());
        let _ = read_metadata(&bytes);
    }
}

#[test]
fn what_a_file_said_goes_on_into_what_is_made_of_it() {
    let own = recipe("ein süßer Fuchs 🦊");
    let metadata = read_metadata(&encode(&picture(4), Format::Png, &own).unwrap()).unwrap();
    let other = PictureMetadata {
        parameters: Some("a mug\nSteps: 4, Seed: 9, CFG scale: 1".into()),
        texts: vec![("workflow".into(), "{\"狐\": 1}".into())],
        ..PictureMetadata::none(Format::Png)
    };
    let larger = Enlarged { by: 4, model: own.model.clone(), sha256: "ab".repeat(32) };
    let changed = ResolvedRecipe { enlarged: Some(larger), ..own.clone() };
    for format in FORMATS {
        let after = |metadata, recipe| {
            let said = Said { recipe, before: Some(metadata), source: None };
            read_metadata(&encode_saying(&picture(3), format, &said).unwrap()).unwrap()
        };
        assert_eq!(after(&metadata, None).recipe().unwrap().unwrap(), own, "as it stood");
        let read = after(&metadata, Some(&changed));
        assert_eq!(read.recipe().unwrap().unwrap(), changed, "{format:?}");
        let said = read.a1111().unwrap();
        assert_eq!(said.setting("Postprocess upscale by"), Some("4"));
        let read = after(&other, None);
        assert_eq!((read.recipe_json, read.parameters), (None, other.parameters.clone()));
        assert_eq!(read.texts.iter().any(|text| *text == other.texts[0]), format == Format::Png);
    }
    let nothing = PictureMetadata { parameters: None, texts: Vec::new(), ..other };
    for format in FORMATS {
        let said = Said { before: Some(&nothing), ..Said::default() };
        let bytes = encode_saying(&picture(3), format, &said).unwrap();
        assert_eq!(read_metadata(&bytes).unwrap().parameters, None, "{format:?}");
    }
}
