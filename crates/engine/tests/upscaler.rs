//! The network that makes pictures larger against PyTorch's numbers, and what becomes of a picture in it.
//!
//! `tests/golden/upscaler.py` made the numbers; PyTorch is not needed to run these.

mod common;

use common::{Golden, assert_close, root, tiny};
use likeness_engine::weights::Compute;
use likeness_engine::{Processor, Upscaler};
use likeness_recipe::{Enlarger, Pixels, Progress, RenderError, Unwatched, Watch};

const EXACT: f32 = 1e-4;
const PICTURES: [&str; 3] = ["sticker", "small", "opaque"];

fn golden() -> Golden {
    Golden::read(&root("tests/golden/upscaler.safetensors"))
}

fn upscaler(compute: Compute) -> Upscaler {
    Upscaler::open(&tiny("upscaler"), compute, Processor::Cpu).unwrap()
}

#[test]
fn it_agrees_with_pytorch() {
    let golden = golden();
    for (compute, tolerance) in [(Compute::F32, EXACT), (Compute::Bf16, 0.03)] {
        let upscaler = upscaler(compute);
        for name in PICTURES {
            for by in [2, 4] {
                let found = upscaler.numbers(&golden.picture(name), by).unwrap();
                let (_, wanted) = golden.get(&format!("{name}.{by}"));
                assert_close(&format!("{name} by {by}, {compute:?}"), &found, wanted, tolerance);
            }
        }
    }
}

#[test]
fn a_larger_picture_does_not_depend_on_the_number_of_threads() {
    let name = "a_larger_picture_does_not_depend_on_the_number_of_threads";
    common::same_with_any_number_of_threads(name, || {
        let picture = golden().picture("sticker");
        let each = [Compute::F32, Compute::Bf16].map(|compute| {
            let larger = enlarged(&mut upscaler(compute), &picture, 4);
            likeness_engine::weights::hash::sha256(&larger.data)
        });
        each.join(" ")
    });
}

#[test]
fn tiles_give_what_the_whole_picture_gives() {
    let picture = golden().picture("sticker");
    // Larger than a tile with all that it sees.
    let (across, down) = (3, 2);
    let line = |y: u32| {
        picture.data[(y * picture.width * 4) as usize..][..(picture.width * 4) as usize]
            .repeat(across)
    };
    let data = (0..picture.height * down).flat_map(|y| line(y % picture.height)).collect();
    let picture =
        Pixels::new(picture.width * across as u32, picture.height * down, 4, data).unwrap();
    for compute in [Compute::F32, Compute::Bf16] {
        let mut upscaler = upscaler(compute);
        let (whole, larger) =
            (upscaler.numbers(&picture, 4).unwrap(), enlarged(&mut upscaler, &picture, 4));
        for side in [16, 21, 40] {
            upscaler.set_tile(side);
            let tiled = upscaler.numbers(&picture, 4).unwrap();
            assert_close(&format!("tiles of {side}, {compute:?}"), &tiled, &whole, 1e-6);
            assert!(
                enlarged(&mut upscaler, &picture, 4) == larger,
                "tiles of {side}: other pixels"
            );
        }
    }
}

fn enlarged(upscaler: &mut Upscaler, picture: &Pixels, by: u32) -> Pixels {
    upscaler.enlarge(picture, by, &mut Unwatched).unwrap().pixels
}

#[test]
fn a_picture_keeps_its_channels_and_what_is_opaque_stays_so() {
    let mut upscaler = upscaler(Compute::F32);
    let opaque = golden().picture("opaque");
    let rgb = opaque.data.chunks_exact(4).flat_map(|pixel| pixel[..3].to_vec()).collect();
    let rgb = Pixels::new(opaque.width, opaque.height, 3, rgb).unwrap();
    let (four, three) = (enlarged(&mut upscaler, &opaque, 2), enlarged(&mut upscaler, &rgb, 2));
    assert_eq!((four.width, four.height, four.channels), (opaque.width * 2, opaque.height * 2, 4));
    assert!(four.data.chunks_exact(4).all(|pixel| pixel[3] == 255));
    let without: Vec<u8> =
        four.data.chunks_exact(4).flat_map(|pixel| pixel[..3].to_vec()).collect();
    assert_eq!(three.data, without, "alpha is the only difference");
}

#[test]
fn what_cannot_be_enlarged_is_refused_by_name() {
    let mut upscaler = upscaler(Compute::F32);
    let plain = |width: u32, height: u32| Pixels {
        width,
        height,
        channels: 3,
        data: vec![9; (width * height * 3) as usize],
    };
    let mut refused = |picture: Pixels, by: u32| {
        let error = upscaler.enlarge(&picture, by, &mut Unwatched).unwrap_err();
        assert!(matches!(error, RenderError::Request { .. }), "{error}");
        error.to_string()
    };
    assert!(refused(plain(4, 4), 3).contains("accepted: 2, 4"));
    assert!(refused(plain(0, 4), 2).contains("0x4 pixels"));
    assert!(refused(Pixels { data: vec![0; 5], ..plain(2, 2) }, 2).contains("in 5 bytes"));
    assert!(refused(Pixels { channels: 1, ..plain(2, 2) }, 2).contains("1 channels"));
    assert!(refused(plain(4097, 1), 4).contains("at most 4096 a side"));
    assert!(refused(plain(2001, 2000), 4).contains("4 million in all"));
}

#[test]
fn it_tells_how_far_it_is_and_stops_when_told_to() {
    struct Seen {
        steps: Vec<(u32, u32)>,
        after: usize,
    }
    impl Watch for Seen {
        fn progress(&mut self, progress: Progress) {
            if let Progress::Step { done, total, .. } = progress {
                self.steps.push((done, total));
            }
        }
        fn cancelled(&self) -> bool {
            self.steps.len() >= self.after
        }
    }
    let mut upscaler = upscaler(Compute::F32);
    upscaler.set_tile(16);
    let picture = golden().picture("sticker");
    let mut seen = Seen { steps: Vec::new(), after: 9 };
    upscaler.enlarge(&picture, 2, &mut seen).unwrap();
    assert_eq!(seen.steps, [(1, 4), (2, 4), (3, 4), (4, 4)]);
    let mut seen = Seen { steps: Vec::new(), after: 2 };
    assert_eq!(upscaler.enlarge(&picture, 2, &mut seen), Err(RenderError::Cancelled));
    assert_eq!(seen.steps.len(), 2);
}

#[test]
fn damaged_folders_are_refused_with_what_is_wrong() {
    let says = |change: &dyn Fn(&std::path::Path), wanted: &str| {
        let folder = tempfile::tempdir().unwrap();
        for file in ["upscaler.json", "model.safetensors"] {
            std::fs::copy(tiny("upscaler").join(file), folder.path().join(file)).unwrap();
        }
        change(folder.path());
        let Err(error) = Upscaler::open(folder.path(), Compute::F32, Processor::Cpu) else {
            panic!("{wanted}: it was opened");
        };
        assert!(error.to_string().contains(wanted), "{wanted}: {error}");
    };
    let manifest = |change: fn(&str) -> String| {
        move |folder: &std::path::Path| {
            let file = folder.join("upscaler.json");
            let text = std::fs::read_to_string(&file).unwrap();
            let changed = change(&text);
            assert_ne!(changed, text);
            std::fs::write(&file, changed).unwrap();
        }
    };
    says(&|folder| std::fs::remove_file(folder.join("upscaler.json")).unwrap(), "upscaler.json");
    says(
        &|folder| std::fs::remove_file(folder.join("model.safetensors")).unwrap(),
        "model.safetensors",
    );
    says(&|folder| std::fs::write(folder.join("model.safetensors"), b"short").unwrap(), "5 bytes");
    says(
        &|folder| {
            let file = folder.join("model.safetensors");
            let mut bytes = std::fs::read(&file).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            std::fs::write(&file, bytes).unwrap();
        },
        "sha256",
    );
    says(&manifest(|text| text.replace("\"schema\": 1", "\"schema\": 2")), "schema");
    says(&manifest(|text| text.replace("\"upscaler\"", "\"starter\"")), "kind");
    says(&manifest(|text| text.replace("\"channels\": 10", "\"channels\": 11")), "conv_in");
    says(&manifest(|text| text.replace("\"blocks\": 2", "\"blocks\": 3")), "blocks.2");
    says(&manifest(|text| text.replace("\"blocks\": 2", "\"blocks\": 9000")), "at most 64");
    says(&manifest(|text| text.replace("model.safetensors", "../model.safetensors")), "beside");
    says(&manifest(|text| text[..40].to_owned()), "upscaler.json");
}
