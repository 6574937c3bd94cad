//! Files of the formats that are only read, whole and damaged, and of those that are refused by name.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbaImage};

use super::{Seed, named};

/// A field of a TIFF: its tag, its kind, how many values it has, and one of them or where they lie.
type Field = (u16, u16, u32, u32);

pub(super) fn formats() -> Vec<Seed> {
    let picture = DynamicImage::from(RgbaImage::from_fn(5, 3, |x, y| {
        image::Rgba([(x * 50) as u8, (y * 80) as u8, 9, if x == 0 { 0 } else { 255 }])
    }));
    let file = |picture: &DynamicImage, format| {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).expect("a small picture can be written");
        bytes.into_inner()
    };
    let gif = file(&picture, ImageFormat::Gif);
    let bmp = file(&picture.to_rgb8().into(), ImageFormat::Bmp);
    let with = |bytes: &[u8], at: usize, new: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    };
    let frame = gif.windows(9).position(|nine| nine[0] == 0x2c && nine[5..] == [5, 0, 3, 0]);
    let frame = frame.expect("a GIF has a frame") + 1;
    let mut seeds = named(vec![
        ("gif-screen-huge", with(&gif, 6, &[0xff; 4])),
        ("gif-screen-of-nothing", with(&gif, 6, &[0; 4])),
        ("gif-frame-huge", with(&gif, frame + 4, &[0xff; 4])),
        ("gif-frame-beside-the-screen", with(&gif, frame, &[200, 0, 200, 0])),
        ("gif-frame-beyond-the-screen", with(&gif, frame, &[3, 0, 2, 0])),
        ("gif-half", gif[..gif.len() / 2].to_vec()),
        ("gif-no-frame", [&gif[..13], b";"].concat()),
        ("gif", gif),
        ("bmp-huge", with(&bmp, 18, &[0xff, 0xff, 0xff, 0x7f])),
        ("bmp-upside-down", with(&bmp, 22, &(-3_i32).to_le_bytes())),
        ("bmp-least-height", with(&bmp, 22, &i32::MIN.to_le_bytes())),
        ("bmp-runs", with(&with(&bmp, 28, &[8, 0]), 30, &[1])),
        ("bmp-pixels-beyond", with(&bmp, 10, &[0xff; 4])),
        ("bmp-colours-many", with(&with(&bmp, 28, &[8, 0]), 46, &[0xff; 4])),
        ("bmp-half", bmp[..bmp.len() / 2].to_vec()),
        ("bmp", bmp),
        ("tiff-16", file(&picture.to_rgb16().into(), ImageFormat::Tiff)),
        ("tiff", file(&picture, ImageFormat::Tiff)),
        ("avif", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf".to_vec()),
        ("heic-brands-beyond", b"\xff\xff\xff\xffftypheic".to_vec()),
        ("svg", b"<?xml version='1.0'?><!-- --><svg/>".to_vec()),
    ]);
    seeds.extend(tiffs());
    seeds
}

fn tiffs() -> Vec<Seed> {
    const GREY: [Field; 4] = [(258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (277, 3, 1, 1)];
    let more = |fields: &[Field]| [&GREY, fields].concat();
    let like = |bits: u32, packed: u32, kind: u32, samples: u32| {
        vec![(258, 3, 1, bits), (259, 3, 1, packed), (262, 3, 1, kind), (277, 3, 1, samples)]
    };
    let strip: Vec<u8> = (0..60).collect();
    let of = |size, fields: &[Field]| tiff(size, fields, &strip);
    named(vec![
        ("tiff-grey", of((5, 3), &GREY)),
        ("tiff-sideways", of((5, 3), &more(&[(274, 3, 1, 6)]))),
        ("tiff-huge", of((60_000, 60_000), &GREY)),
        ("tiff-of-nothing", of((0, 0), &GREY)),
        ("tiff-print", of((5, 3), &like(8, 1, 5, 4))),
        ("tiff-palette", of((5, 3), &like(8, 1, 3, 1))),
        ("tiff-one-bit", of((5, 3), &like(1, 1, 1, 1))),
        ("tiff-planes", of((5, 3), &[like(8, 1, 2, 3), vec![(284, 3, 1, 2)]].concat())),
        ("tiff-samples-many", of((5, 3), &like(8, 1, 2, 60_000))),
        ("tiff-lzw-of-nothing", of((5, 3), &like(8, 5, 1, 1))),
        ("tiff-deflate-of-nothing", of((5, 3), &like(8, 8, 1, 1))),
        ("tiff-fax", of((5, 3), &like(1, 4, 0, 1))),
        ("tiff-jpeg-of-nothing", of((5, 3), &like(8, 7, 6, 3))),
        ("tiff-runs", of((5, 3), &like(8, 32_773, 1, 1))),
        ("tiff-profile-of-gigabytes", of((5, 3), &more(&[(34_675, 7, u32::MAX, 8)]))),
        ("tiff-strips-many", of((5, 3), &more(&[(273, 4, u32::MAX, 8)]))),
        ("tiff-tiles-of-nothing", of((5, 3), &more(&[(322, 4, 1, 0), (323, 4, 1, 0)]))),
        ("tiff-tiles-huge", of((5, 3), &more(&[(322, 4, 1, u32::MAX), (323, 4, 1, 16)]))),
        ("tiff-raw", of((5, 3), &more(&[(254, 4, 1, 1)]))),
        ("tiff-fields-beyond", b"MM\0*\0\0\0\x08\xff\xff".to_vec()),
        ("tiff-directory-beyond", b"II*\0\xff\xff\xff\xff".to_vec()),
        ("tiff-big", b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()),
    ])
}

/// A TIFF of one strip with these fields besides.
fn tiff(size: (u32, u32), fields: &[Field], strip: &[u8]) -> Vec<u8> {
    let mut fields = fields.to_vec();
    let start = 8 + 2 + (fields.len() as u32 + 5) * 12 + 4;
    let own = [
        (256, 4, 1, size.0),
        (257, 4, 1, size.1),
        (273, 4, 1, start),
        (278, 4, 1, size.1),
        (279, 4, 1, strip.len() as u32),
    ];
    // What is given stands in place of what would be there.
    let missing = own.iter().filter(|(tag, ..)| fields.iter().all(|field| field.0 != *tag));
    fields = fields.iter().chain(missing).copied().collect();
    fields.sort();
    let entry = |(tag, kind, count, value): &Field| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()]
            .concat()
    };
    let count = (fields.len() as u16).to_le_bytes();
    let entries: Vec<u8> = fields.iter().flat_map(entry).collect();
    [&b"II*\0\x08\0\0\0"[..], &count, &entries, &[0; 4], strip].concat()
}
