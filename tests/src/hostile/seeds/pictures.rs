//! Picture files with texts in them, whole and damaged.

use likeness_picture::{Format, encode};
use likeness_recipe::{Pixels, ResolvedRecipe};

use super::{Seed, named};

/// A recipe as it stands in pictures, with what text chunks stumble over.
const RECIPE: &str = r#"{"schema":1,"model":{"name":"likeness-starter","sha256":"00"},"prompt":"a fox, 雪: \"red\"\nat night","negative":"","width":64,"height":64,"seed":18446744073709551615,"noise_source":"likeness","count":1,"steps":4,"guidance":1.0,"sampler":"flow_euler","schedule":"default","precision":"f32","references":[{"role":"subject","sha256":"11","name":"mug.png"}],"init":null,"mask":null,"loras":[],"approximations":[]}"#;

pub(super) fn pictures() -> Vec<Seed> {
    let recipe = ResolvedRecipe::from_json(RECIPE).expect("the recipe above is one of ours");
    let pixels = Pixels::new(4, 4, 4, vec![200; 64]).expect("four by four");
    let file = |format| encode(&pixels, format, &recipe).expect("a small picture can be written");
    let (png, jpeg, webp) = (file(Format::Png), file(Format::Jpeg), file(Format::WebP));
    let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    let mut seeds = named(vec![
        ("png-half", half(&png)),
        ("jpeg-half", half(&jpeg)),
        ("webp-half", half(&webp)),
        ("png", png),
        ("jpeg", jpeg),
        ("webp", webp),
        ("empty", Vec::new()),
    ]);
    seeds.extend(pngs());
    seeds.extend(exif_blocks());
    seeds
}

fn pngs() -> Vec<Seed> {
    let header = |width: u32, height: u32| {
        chunk(
            b"IHDR",
            &[&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat(),
        )
    };
    // Deflate's stored block for one pixel, so that no encoder is needed.
    let pixel = chunk(b"IDAT", b"\x78\x01\x01\x05\x00\xfa\xff\x00\xc8\x64\x32\xff\x05\xb4\x02\x5e");
    let with = |chunks: &[Vec<u8>]| {
        [SIGNATURE.to_vec(), header(1, 1), chunks.concat(), pixel.clone(), chunk(b"IEND", b"")]
            .concat()
    };
    let text =
        |key: &str, value: &str| with(&[chunk(b"tEXt", format!("{key}\0{value}").as_bytes())]);
    let mut lying = with(&[chunk(b"tEXt", b"parameters\0a fox")]);
    // The length of the text chunk, which follows the signature and the header's 25 bytes.
    lying[33..37].copy_from_slice(&u32::MAX.to_be_bytes());
    let mut bomb = Vec::new();
    let mut encoder = png::Encoder::new(&mut bomb, 1, 1);
    encoder.add_ztxt_chunk("parameters".into(), "a".repeat(9 << 20)).expect("text can be packed");
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&[0]))
        .expect("a pixel can be written");
    let a1111 = "a (red:1.2) fox\nNegative prompt: [blue]\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 512x512, Model hash: 45dee52b, Lora hashes: \"a: 1, b: 2\"";
    named(vec![
        ("png-a1111", text("parameters", a1111)),
        ("png-a1111-unended-quote", text("parameters", "x\nSteps: \"1, Seed: 2, Size: \"\\")),
        ("png-a1111-colons", text("parameters", &"a: ,".repeat(400))),
        ("png-comfyui", text("prompt", r#"{"3":{"class_type":"KSampler","inputs":{"seed":1}}}"#)),
        ("png-recipe-not-json", text("likeness", "{")),
        ("png-recipe-nested", text("likeness", &"[".repeat(2000))),
        ("png-recipe-unknown-field", text("likeness", &RECIPE.replacen("schema", "scheme", 1))),
        ("png-text-without-key", with(&[chunk(b"tEXt", b"no zero")])),
        ("png-text-longer-than-the-file", lying),
        ("png-itxt-cut", with(&[chunk(b"iTXt", b"parameters\0\x01")])),
        ("png-itxt-not-unicode", with(&[chunk(b"iTXt", b"parameters\0\0\0\0\0\xff\xfe")])),
        ("png-ztxt-not-packed", with(&[chunk(b"zTXt", b"parameters\0\0nothing")])),
        ("png-ztxt-bomb", bomb),
        ("png-no-pixels", [SIGNATURE.to_vec(), header(0, 0), chunk(b"IEND", b"")].concat()),
        (
            "png-too-many-pixels",
            [SIGNATURE.to_vec(), header(30_000, 30_000), pixel.clone()].concat(),
        ),
        ("png-signature-only", SIGNATURE.to_vec()),
    ])
}

/// EXIF in a JPEG, and in a WebP: a TIFF of directories that point at one another.
fn exif_blocks() -> Vec<Seed> {
    const DESCRIPTION: u16 = 0x010e;
    const EXIF: u16 = 0x8769;
    const COMMENT: u16 = 0x9286;
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()]
            .concat()
    };
    let directory = |count: u16, entries: &[Vec<u8>], next: u32| {
        [&count.to_le_bytes()[..], &entries.concat(), &next.to_le_bytes()].concat()
    };
    let tiff = |directories: &[Vec<u8>], rest: &[u8]| {
        [&b"II*\0\x08\0\0\0"[..], &directories.concat(), rest].concat()
    };
    let comment = |text: &[u8]| {
        let inside = directory(1, &[entry(COMMENT, 7, text.len() as u32, 44)], 0);
        tiff(&[directory(1, &[entry(EXIF, 4, 1, 26)], 0), inside], text)
    };
    let blocks = [
        ("comment-utf16", comment(b"UNICODE\0\0a\0 \0f\0o\0x")),
        ("comment-ascii", comment(b"ASCII\0\0\0a fox")),
        ("comment-odd", comment(b"UNICODE\0\0a\0")),
        ("comment-half-a-pair", comment(b"UNICODE\0\xd8\x3d")),
        ("comment-short", comment(b"UNI")),
        ("directory-in-itself", tiff(&[directory(1, &[entry(EXIF, 4, 1, 8)], 8)], b"")),
        (
            "value-beyond-the-end",
            tiff(&[directory(1, &[entry(DESCRIPTION, 2, u32::MAX, 26)], 0)], b"x"),
        ),
        (
            "count-of-doubles-overflows",
            tiff(&[directory(1, &[entry(DESCRIPTION, 12, u32::MAX, 26)], 0)], b"x"),
        ),
        ("more-entries-than-bytes", tiff(&[directory(u16::MAX, &[], 0)], b"")),
        ("directory-beyond-the-end", b"MM\0*\xff\xff\xff\xf0".to_vec()),
        ("nothing", Vec::new()),
    ];
    let jpeg = |block: &[u8]| {
        let length = (block.len() as u16 + 8).to_be_bytes();
        [&b"\xff\xd8\xff\xe1"[..], &length, b"Exif\0\0", block, b"\xff\xd9"].concat()
    };
    let webp = |block: &[u8]| {
        let size = (block.len() as u32).to_le_bytes();
        let features = b"VP8X\x0a\0\0\0\x08\0\0\0\x03\0\0\x03\0\0";
        let inside = [&b"WEBP"[..], features, b"EXIF", &size, block].concat();
        [&b"RIFF"[..], &(inside.len() as u32).to_le_bytes(), &inside].concat()
    };
    // The file says that it has four gigabytes, and a part of it that it has nearly as many.
    let mut huge = webp(b"");
    let size = huge.len() - 4;
    huge[size..].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    huge[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    // Beyond what the file says of its own length: a decoder may go by its first part's.
    let beyond = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\x08\0\0\0\x03\0\0\x03\0\0VP8 \0\0\0\0EXIF\xff\xff\xff\xf0";
    let mut seeds = vec![
        ("webp-part-of-gigabytes".to_owned(), huge),
        ("webp-part-beyond-its-end".to_owned(), beyond.to_vec()),
    ];
    for (name, block) in &blocks {
        seeds.push((format!("jpeg-{name}"), jpeg(block)));
        seeds.push((format!("webp-{name}"), webp(block)));
    }
    seeds.extend(named(vec![
        ("jpeg-segment-longer-than-the-file", b"\xff\xd8\xff\xe1\xff\xffExif\0\0".to_vec()),
        ("jpeg-segment-of-no-length", b"\xff\xd8\xff\xe1\0\0".to_vec()),
        ("webp-longer-than-the-file", b"RIFF\xff\xff\xff\xffWEBPVP8X\xff\xff\xff\xff".to_vec()),
    ]));
    seeds
}

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [&kind[..], data].concat();
    [&(data.len() as u32).to_be_bytes()[..], &body, &crc32(&body).to_be_bytes()].concat()
}

/// The checksum of a PNG chunk.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}
