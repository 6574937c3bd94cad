//! Formats that are only read, what is refused by its name, and what pictures say to machines.

use std::io::Cursor;
use std::path::PathBuf;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageFormat, RgbImage, RgbaImage};
use likeness_picture::foreign::{Field, read_settings};
use likeness_picture::{
    DigitalSource, Format, Limits, PictureError, PictureMetadata, Said, decode, encode,
    encode_saying, look_at, read_metadata,
};
use likeness_recipe::{Pixels, ResolvedRecipe};
use proptest::prelude::*;

const RECIPE: &str = r#"{"schema":3,"model":{"name":"m","sha256":"00"},"prompt":"a fox","negative":"","width":6,"height":4,"seed":7,"noise_source":"likeness","count":1,"steps":4,"guidance":1.0,"sampler":"flow_euler","schedule":"default","precision":"f32","references":[],"init":null,"mask":null,"loras":[],"approximations":[]}"#;

fn recipe() -> ResolvedRecipe {
    ResolvedRecipe::from_json(RECIPE).unwrap()
}

/// Six by four, all different, clear in one corner.
fn rgba() -> RgbaImage {
    RgbaImage::from_fn(6, 4, |x, y| {
        let alpha = if (x, y) == (0, 0) { 0 } else { 255 };
        image::Rgba([(x * 40) as u8, (y * 60) as u8, 90, alpha])
    })
}

fn rgb() -> RgbImage {
    DynamicImage::from(rgba()).into_rgb8()
}

fn written(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Two frames, of which the second is black.
fn gif() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    let black = RgbaImage::from_pixel(6, 4, image::Rgba([0, 0, 0, 255]));
    encoder.encode_frames([Frame::new(rgba()), Frame::new(black)]).unwrap();
    drop(encoder);
    bytes
}

/// A field of a TIFF: its tag, its kind (3 has two bytes, 4 has four) and its value.
type Tag = (u16, u16, u32);

/// A TIFF of one strip, with these fields besides, in the order of their tags.
fn tiff(size: (u32, u32), fields: &[Tag], strip: &[u8]) -> Vec<u8> {
    let mut fields = fields.to_vec();
    let start = 8 + 2 + (fields.len() as u32 + 5) * 12 + 4;
    fields.extend([
        (256, 4, size.0),
        (257, 4, size.1),
        (273, 4, start),
        (278, 4, size.1),
        (279, 4, strip.len() as u32),
    ]);
    fields.sort();
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((fields.len() as u16).to_le_bytes());
    for (tag, kind, value) in fields {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes.extend(strip);
    bytes
}

const GREY: &[Tag] = &[(258, 3, 8), (259, 3, 1), (262, 3, 1), (277, 3, 1)];

#[test]
fn a_gif_is_its_first_frame() {
    let decoded = decode(&gif(), &Limits::default()).unwrap();
    assert_eq!(decoded.format, Format::Gif);
    assert_eq!((decoded.pixels.width, decoded.pixels.height, decoded.pixels.channels), (6, 4, 4));
    assert_eq!(decoded.pixels.data[3], 0, "clear where it is clear");
    let at = (2 * 6 + 5) * 4;
    let found = &decoded.pixels.data[at..at + 3];
    assert!(found.iter().zip([200, 120, 90]).all(|(a, b)| a.abs_diff(b) < 12), "{found:?}");
    let looks = look_at(&gif(), &Limits::default()).unwrap();
    assert_eq!((looks.width, looks.height, looks.alpha), (6, 4, true));
}

#[test]
fn bitmaps_and_tiffs_keep_every_pixel() {
    for (picture, format) in [
        (DynamicImage::from(rgb()), ImageFormat::Bmp),
        (DynamicImage::from(rgb()), ImageFormat::Tiff),
        (DynamicImage::from(rgba()), ImageFormat::Tiff),
    ] {
        let decoded = decode(&written(picture.clone(), format), &Limits::default()).unwrap();
        assert_eq!(decoded.pixels.data, picture.as_bytes(), "{format:?}");
        assert_eq!(usize::from(decoded.pixels.channels), picture.color().channel_count() as usize);
    }
}

#[test]
fn sixteen_bits_become_eight_and_longer_numbers_are_refused() {
    let deep = DynamicImage::from(rgb()).into_rgb16();
    let decoded = decode(&written(deep, ImageFormat::Tiff), &Limits::default()).unwrap();
    assert_eq!(decoded.pixels.data, rgb().as_raw().as_slice());
    let light = DynamicImage::from(rgb()).into_rgb32f();
    let refused = decode(&written(light, ImageFormat::Tiff), &Limits::default()).unwrap_err();
    let said = refused.to_string();
    assert!(matches!(refused, PictureError::Unsupported { format: "TIFF", .. }), "{said}");
    assert!(said.contains("32-bit") && said.contains("accepted: 8 or 16 bits"), "{said}");
}

#[test]
fn a_tiff_lies_as_it_says_and_colours_of_print_become_light() {
    let sideways = [GREY, &[(274, 3, 6)]].concat();
    let decoded = decode(&tiff((3, 2), &sideways, &[1, 2, 3, 4, 5, 6]), &Limits::default());
    let pixels = decoded.unwrap().pixels;
    assert_eq!((pixels.width, pixels.height), (2, 3));
    assert_eq!(pixels.data.chunks(3).map(|p| p[0]).collect::<Vec<_>>(), [4, 1, 5, 2, 6, 3]);
    let print = [(258, 3, 8), (259, 3, 1), (262, 3, 5), (277, 3, 4)];
    let inks = [[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255]].concat();
    let pixels = decode(&tiff((3, 1), &print, &inks), &Limits::default()).unwrap().pixels;
    assert_eq!(pixels.data, [255, 255, 255, 0, 255, 255, 0, 0, 0], "no ink, cyan, black");
    let palette = [(258, 3, 8), (259, 3, 1), (262, 3, 3), (277, 3, 1)];
    let refused = decode(&tiff((3, 2), &palette, &[0; 6]), &Limits::default()).unwrap_err();
    assert!(refused.to_string().contains("accepted: "), "{refused}");
}

/// None of these has as many bytes as it says that it has pixels.
#[test]
fn a_bomb_of_any_format_is_refused_from_its_header() {
    let mut wide_gif = gif();
    wide_gif[6..10].copy_from_slice(&[0xff; 4]);
    let mut wide_bmp = written(rgb(), ImageFormat::Bmp);
    wide_bmp[18..26].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f]);
    for bytes in [wide_gif, wide_bmp, tiff((60_000, 60_000), GREY, &[0; 8])] {
        let refused = decode(&bytes, &Limits::default()).unwrap_err();
        assert!(!matches!(refused, PictureError::NotAPicture), "{refused}");
        let told = look_at(&bytes, &Limits::default()).unwrap_err();
        assert_eq!(told.to_string(), refused.to_string());
    }
    let many = tiff((16_000, 16_000), GREY, &[0; 8]);
    let refused = decode(&many, &Limits::default()).unwrap_err();
    assert!(refused.to_string().contains("at most 64 million pixels"), "{refused}");
    // A small screen with a frame of gigabytes on it: after the head, its table of colours and what stands
    // before the frame.
    let mut frame = gif();
    let at = frame.windows(10).position(|ten| ten[0] == 0x2c && ten[5..9] == [6, 0, 4, 0]).unwrap();
    frame[at + 5..at + 9].copy_from_slice(&[0xff; 4]);
    assert!(decode(&frame, &Limits::default()).is_err());
}

#[test]
fn what_is_known_and_not_read_is_refused_by_its_name() {
    for (bytes, words) in [
        (&b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf"[..], ["an AVIF", "PNG or JPEG"]),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", ["a HEIC", "JPEG"]),
        (b"<?xml version='1.0'?><svg/>", ["an SVG", "exported as PNG"]),
    ] {
        for refused in [
            decode(bytes, &Limits::default()).unwrap_err(),
            read_metadata(bytes).unwrap_err(),
            look_at(bytes, &Limits::default()).unwrap_err(),
        ] {
            let said = refused.to_string();
            assert!(words.iter().all(|word| said.contains(word)), "{said}");
        }
    }
}

proptest! {
    /// Whatever byte is wrong: an answer, and no panic.
    #[test]
    fn damage_is_survived(at in any::<prop::sample::Index>(), value: u8, which in 0..4usize, cut: bool) {
        let deep = DynamicImage::from(rgb()).into_rgb16();
        let mut bytes = match which {
            0 => gif(),
            1 => written(rgb(), ImageFormat::Bmp),
            2 => written(deep, ImageFormat::Tiff),
            _ => tiff((3, 2), GREY, &[1, 2, 3, 4, 5, 6]),
        };
        let at = at.index(bytes.len());
        bytes[at] = value;
        if cut {
            bytes.truncate(at);
        }
        let few = Limits { bytes: 1 << 20, side: 512, pixels: 64 * 1024 };
        let _ = (decode(&bytes, &few), look_at(&bytes, &few), read_metadata(&bytes));
    }
}

fn pixels() -> Pixels {
    Pixels::new(6, 4, 4, rgba().into_raw()).unwrap()
}

const WRITTEN: [Format; 3] = [Format::Png, Format::Jpeg, Format::WebP];

#[test]
fn a_picture_says_to_machines_that_a_model_made_it() {
    for format in WRITTEN {
        let bytes = encode(&pixels(), format, &recipe()).unwrap();
        let metadata = read_metadata(&bytes).unwrap();
        assert_eq!(metadata.digital_source, Some(DigitalSource::Made), "{format:?}");
        assert_eq!(decode(&bytes, &Limits::default()).unwrap().pixels.width, 6);
        let word: &[u8] = b"digitalsourcetype/trainedAlgorithmicMedia<";
        assert!(bytes.windows(word.len()).any(|there| there == word), "{format:?}");
        let place: &[u8] = match format {
            Format::Png => b"iTXtXML:com.adobe.xmp\0\0\0\0\0<?xpacket",
            Format::Jpeg => b"http://ns.adobe.com/xap/1.0/\0<?xpacket",
            _ => b"XMP ",
        };
        assert!(bytes.windows(place.len()).any(|there| there == place), "{format:?}");
        if format == Format::WebP {
            assert_eq!(bytes[20] & 0b100, 0b100, "the head of a WebP says that there is XMP");
        }
    }
}

#[test]
fn the_mark_stays_without_the_recipe_and_goes_only_when_told() {
    for format in WRITTEN {
        let say = |source, before: Option<&PictureMetadata>| {
            let said = Said { recipe: None, before, source };
            read_metadata(&encode_saying(&pixels(), format, &said).unwrap()).unwrap()
        };
        for source in [DigitalSource::Made, DigitalSource::Changed] {
            let metadata = say(Some(source), None);
            assert_eq!(metadata.digital_source, Some(source), "{format:?}");
            assert_eq!((metadata.recipe_json.as_ref(), metadata.parameters.as_ref()), (None, None));
            assert_eq!(say(metadata.made_by(), Some(&metadata)).digital_source, Some(source));
            assert_eq!(say(None, Some(&metadata)).digital_source, None, "{format:?}");
        }
        assert_eq!(say(None, None), PictureMetadata::none(format));
    }
}

#[test]
fn what_a_model_changed_is_told_from_what_it_made() {
    let plain = recipe();
    let edit = RECIPE.replace(
        r#""references":[]"#,
        r#""references":[{"role":"edit","sha256":"11"},{"role":"subject","sha256":"22"}]"#,
    );
    let edit = ResolvedRecipe::from_json(&edit).unwrap();
    let subject = ResolvedRecipe::from_json(
        &RECIPE.replace(r#""references":[]"#, r#""references":[{"role":"subject","sha256":"22"}]"#),
    );
    let (made, changed) = (DigitalSource::Made, DigitalSource::Changed);
    assert_eq!(DigitalSource::of_render(&plain, None), made);
    assert_eq!(DigitalSource::of_render(&subject.unwrap(), Some(changed)), made, "only looked at");
    assert_eq!(DigitalSource::of_render(&edit, None), changed, "of a photograph");
    assert_eq!(DigitalSource::of_render(&edit, Some(made)), made, "of what a model made");
    assert_eq!(DigitalSource::of_render(&edit, Some(changed)), changed);
    let shown = |metadata: PictureMetadata| metadata.made_by();
    let none = || PictureMetadata::none(Format::Png);
    let ours = |recipe: &ResolvedRecipe| Some(recipe.to_json());
    assert_eq!(shown(none()), None, "a photograph");
    assert_eq!(shown(PictureMetadata { recipe_json: ours(&plain), ..none() }), Some(made));
    assert_eq!(shown(PictureMetadata { recipe_json: ours(&edit), ..none() }), Some(changed));
    let a1111 = "a fox\nSteps: 4, Seed: 9, CFG scale: 1";
    let theirs = |text: String| PictureMetadata { parameters: Some(text), ..none() };
    assert_eq!(shown(theirs(a1111.to_owned())), Some(made));
    assert_eq!(shown(theirs(format!("{a1111}, Denoising strength: 0.4"))), Some(changed));
}

/// A list of all texts of a field of EXIF once took 24 bytes for each byte of zero in it.
#[test]
fn megabytes_of_nothing_in_a_webp_cost_nothing() {
    let entry = [&0x010e_u16.to_le_bytes()[..], &[2, 0], &[0xff, 0xff, 0x3f, 0], &[26, 0, 0, 0]];
    let head = [b"II*\0\x08\0\0\0\x01\0", &entry.concat()[..], &[0; 4]].concat();
    let with = |bytes: usize, name: &[u8]| {
        let exif = [&head[..], &vec![0; bytes]].concat();
        let part = [name, &(exif.len() as u32).to_le_bytes(), &exif].concat();
        let features = b"VP8X\x0a\0\0\0\x08\0\0\0\x03\0\0\x03\0\0";
        let inside = [b"WEBP", &features[..], &part].concat();
        [&b"RIFF"[..], &(inside.len() as u32).to_le_bytes(), &inside].concat()
    };
    for (megabytes, name) in [(4, b"EXIF"), (60, b"EXIF"), (60, b"XMP ")] {
        let metadata = read_metadata(&with(megabytes << 20, name)).unwrap();
        assert_eq!(metadata, PictureMetadata::none(Format::WebP));
    }
}

/// The folder of strangers' files, where there is one: they may not be in the repository.
fn strangers(folder: &str) -> Option<PathBuf> {
    let assets = std::env::var_os("LIKENESS_TEST_ASSETS").map(PathBuf::from);
    let there = assets.map(|assets| assets.join(folder)).filter(|folder| folder.is_dir());
    if there.is_none() {
        println!("not run: LIKENESS_TEST_ASSETS names no folder with {folder}");
    }
    there
}

#[test]
fn strangers_pictures_of_every_kind_are_read() {
    let Some(folder) = strangers("formats") else { return };
    let mut read = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let decoded = decode(&bytes, &Limits::default());
        match name.as_str() {
            "LICENSE-MIT" => assert!(matches!(decoded, Err(PictureError::NotAPicture))),
            _ => {
                let decoded = decoded.unwrap_or_else(|error| panic!("{name}: {error}"));
                read_metadata(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
                let looks = look_at(&bytes, &Limits::default()).unwrap();
                let Pixels { width, height, .. } = decoded.pixels;
                assert_eq!((looks.width, looks.height), (width, height), "{name}");
                read += 1;
            }
        }
    }
    assert!(read >= 14, "only {read} were there");
}

#[test]
fn strangers_settings_of_every_program_are_read() {
    let Some(folder) = strangers("foreign-pictures") else { return };
    let read = |path: &str| {
        let bytes = std::fs::read(folder.join(path)).unwrap();
        read_settings(&read_metadata(&bytes).unwrap())
    };
    for (path, program, seed, sampler) in [
        ("AUTOMATIC1111/automatic1111_cropped.jpg", "a1111", None, None),
        ("AUTOMATIC1111/automatic1111_cropped.png", "a1111", None, None),
        ("ComfyUI/img2img_cropped.png", "comfyui", Some("280823642470253"), Some("dpmpp_2m")),
        ("ComfyUI/night_evening_day_morning_cropped.png", "comfyui", Some("335608130539327"), None),
        ("ComfyUI/noisy_latents_3_subjects_cropped.png", "comfyui", None, None),
        ("ComfyUI/unclip_2pass_cropped.png", "comfyui", Some("1106257833005336"), None),
        ("Fooocus/fooocus1_cropped.png", "fooocus", None, None),
        ("InvokeAI/invokeai_dream1.png", "invokeai", Some("2980747362"), None),
        ("InvokeAI/invokeai_imeta1.png", "invokeai", Some("3293022630"), Some("euler")),
        ("InvokeAI/invokeai_sdmeta1.png", "invokeai", None, None),
        ("NovelAI/novelai1_cropped.png", "novelai", Some("2253955223"), Some("euler_a")),
    ] {
        let found = read(path).unwrap_or_else(|| panic!("{path}: nothing"));
        assert_eq!(found.program.name(), program, "{path}");
        assert!(found.value(Field::Prompt).is_some_and(|prompt| !prompt.is_empty()), "{path}");
        assert!(
            found.value(Field::Seed).is_some() && found.value(Field::Steps).is_some(),
            "{path}"
        );
        assert!(seed.is_none_or(|seed| found.value(Field::Seed) == Some(seed)), "{path}");
        assert!(sampler.is_none_or(|it| found.value(Field::Sampler) == Some(it)), "{path}");
    }
    let combined = read("ComfyUI/night_evening_day_morning_cropped.png").unwrap();
    let prompt = combined.value(Field::Prompt).unwrap();
    let places = ["(night:1.3)", "(evening:1.2)", "(daytime:1.2)", "morning sky", "(masterpiece)"];
    assert!(places.iter().all(|place| prompt.contains(place)), "{prompt}");
    for path in ["empty_image.jpg", "empty_image.png", "text_after_idat.png"] {
        let bytes = std::fs::read(folder.join("bad_images").join(path)).unwrap();
        let _ = read_metadata(&bytes).map(|metadata| read_settings(&metadata));
    }
}
