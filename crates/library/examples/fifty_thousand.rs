//! A library of 50,000 synthetic pictures, and how long a person waits for it.
//!
//! ```text
//! cargo run --release -p likeness-library --example fifty_thousand [-- FOLDER [--thumbnails]]
//! ```
//!
//! With a folder the library stays there, for the window's benchmark; with `--thumbnails` each picture
//! gets thumbnails, which are links to a few files. Each line of the table is many runs: the middle and
//! the slowest by the clock, and on Linux the mean of what the processor did, which another program's
//! work does not touch. The limits are the interface's: a page in 30 ms, a search in 50 ms.

use std::error::Error;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Instant;

use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use likeness_library::{
    Filter, Library, NewJob, NewPicture, Order, PictureId, Place, THUMBNAIL_SIZES, store_file,
    testing, thumbnail_path,
};
use likeness_picture::Format;

const PICTURES: u64 = 50_000;
/// What a grid asks for at once.
const PAGE: u32 = 100;
/// The 21st of November 2024, noon: two years before the last picture.
const FIRST: i64 = 1_732_190_400_000;
/// Milliseconds between two pictures.
const BETWEEN: i64 = 2 * 365 * 24 * 3_600_000 / PICTURES as i64;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let temporary = tempfile::tempdir()?;
    let folder = arguments.first().map_or(temporary.path().to_owned(), PathBuf::from);
    fill(&folder)?;
    if arguments.iter().any(|argument| argument == "--thumbnails") {
        link_thumbnails(&folder)?;
    }
    measure(&folder)
}

fn fill(folder: &Path) -> Result<(), Box<dyn Error>> {
    let library = Library::open(folder, FIRST)?;
    if library.pictures()? >= PICTURES {
        return Ok(());
    }
    let start = Instant::now();
    testing::add_rows(&library, (0..PICTURES).map(|at| (id(at), picture(at), time(at))))?;
    let board = library.board_create("one in a hundred", FIRST)?;
    let ids = |step: usize| (0..PICTURES).step_by(step).map(id).collect::<Vec<_>>();
    library.board_add(board, &ids(100), FIRST)?;
    library.tag(&ids(50), &["client".to_owned()], &[])?;
    library.mark(&ids(20), 4)?;
    library.trash(&ids(1000), time(PICTURES))?;
    library.close()?;
    println!("made {PICTURES} rows in {:.1} s", start.elapsed().as_secs_f64());
    let bytes = std::fs::metadata(folder.join("library.sqlite"))?.len();
    println!("the database has {:.1} MB", bytes as f64 / 1e6);
    Ok(())
}

fn id(at: u64) -> PictureId {
    PictureId::of(&at.to_le_bytes())
}

fn time(at: u64) -> i64 {
    FIRST + at as i64 * BETWEEN
}

fn picture(at: u64) -> NewPicture<'static> {
    const SUBJECTS: &[&str] =
        &["fox", "cat", "mug", "lamp", "bicycle", "penguin", "house", "tree", "robot", "whale"];
    const PLACES: &[&str] =
        &["on a beach", "in the snow", "in a kitchen", "under the sea", "on the moon"];
    const STYLES: &[&str] = &["watercolour", "pencil", "photograph", "clay", "pixel art", "poster"];
    let pick =
        |list: &[&'static str], salt: u64| list[(at.wrapping_mul(salt) >> 7) as usize % list.len()];
    let (subject, place) = (pick(SUBJECTS, 2_654_435_761), pick(PLACES, 40_503));
    let style = pick(STYLES, 69_069);
    let prompt = format!(
        "a {style} of a {subject} {place}, soft light, take {at}, muted colours, wide angle, \
         highly detailed, calm mood, plain background, centred"
    );
    let side = [512, 768, 1024][at as usize % 3];
    NewPicture {
        bytes: b"",
        format: Format::Png,
        width: side,
        height: side,
        alpha: false,
        recipe: Some(format!("{{\"schema\":1,\"prompt\":\"{prompt}\",\"seed\":{at}}}")),
        prompt,
        negative: "blurry, low quality, watermark".to_owned(),
        seed: Some(at),
        model: Some(format!("model-{}", at % 4)),
        model_sha256: None,
        source: "likeness".to_owned(),
        subject: at.is_multiple_of(7).then(|| format!("Subject {}", at % 21)),
        parents: Vec::new(),
        seconds: Some(1.0),
        changed: None,
        job: None,
        enlarged: None,
        marked_as: None,
    }
}

/// A few files, and links to them.
fn link_thumbnails(folder: &Path) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    std::fs::create_dir_all(folder.join("aside"))?;
    for size in THUMBNAIL_SIZES {
        let models: Vec<PathBuf> = (0..8u8)
            .map(|colour| {
                let path = folder.join("aside").join(format!("{size}-{colour}"));
                let side = size as usize;
                let pixels: Vec<u8> = (0..side * side)
                    .flat_map(|at| {
                        [
                            colour * 31,
                            (at % side * 255 / side) as u8,
                            (at / side * 255 / side) as u8,
                        ]
                    })
                    .collect();
                let mut bytes = Cursor::new(Vec::new());
                WebPEncoder::new_lossless(&mut bytes).write_image(
                    &pixels,
                    size,
                    size,
                    ExtendedColorType::Rgb8,
                )?;
                std::fs::write(&path, bytes.into_inner())?;
                Ok(path)
            })
            .collect::<Result<_, Box<dyn Error>>>()?;
        for at in 0..PICTURES {
            let path = thumbnail_path(folder, size, id(at));
            std::fs::create_dir_all(path.parent().expect("it lies in a folder"))?;
            let _ = std::fs::hard_link(&models[at as usize % models.len()], path);
        }
    }
    println!("linked thumbnails in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn measure(folder: &Path) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let library = Library::open(folder, time(PICTURES))?;
    let opened = start.elapsed();
    println!("| what | middle ms | slowest ms | processor ms | found |");
    println!("|---|---:|---:|---:|---:|");
    println!("| open the library | {:.1} | | | |", opened.as_secs_f64() * 1e3);
    let all = Filter::default();
    let text = |text: &str| Filter { text: Some(text.to_owned()), ..Filter::default() };
    let board = library.boards()?.first().map(|board| board.id);
    for (name, filter) in [
        ("all, newest", all.clone()),
        ("all, oldest", Filter { order: Order::Oldest, ..all.clone() }),
        ("all, best", Filter { order: Order::Best, ..all.clone() }),
        ("search `f` (first key press)", text("f")),
        ("search `fox`", text("fox")),
        ("search `a` (every picture)", text("a")),
        ("search `watercolour fox beach`", text("watercolour fox beach")),
        ("search `\"soft light\" -fox`", text("\"soft light\" -fox")),
        ("search `take 4999` (rare)", text("take 4999")),
        ("search `nothing`", text("zzz")),
        ("search `fox`, best", Filter { order: Order::Best, ..text("fox") }),
        ("search `fox`, marked", Filter { min_rating: Some(1), ..text("fox") }),
        ("marked", Filter { min_rating: Some(1), ..all.clone() }),
        ("rating 4 and more", Filter { min_rating: Some(4), ..all.clone() }),
        ("model", Filter { model: Some("model-2".to_owned()), ..all.clone() }),
        ("size", Filter { width: Some(768), height: Some(768), ..all.clone() }),
        ("subject", Filter { subject: Some("Subject 7".to_owned()), ..all.clone() }),
        ("tag", Filter { tag: Some("client".to_owned()), ..all.clone() }),
        ("board", Filter { board, ..all.clone() }),
        ("a month", Filter { from: Some(time(20_000)), to: Some(time(22_000)), ..all.clone() }),
        ("no match: size", Filter { width: Some(9), ..all.clone() }),
        ("trash", Filter { trashed: true, ..all.clone() }),
    ] {
        report(&format!("{name}: first page"), 15, || {
            Ok(library.page(&filter, None, PAGE)?.total)
        })?;
        let mut after = library.page(&filter, None, PAGE)?.next;
        if after.is_some() {
            report(&format!("{name}: next page"), 15, || {
                let page = library.page(&filter, after, PAGE)?;
                after = page.next.or(after);
                Ok(page.items.len() as u64)
            })?;
        }
    }
    report("facets", 5, || Ok(library.facets(false)?.models.len() as u64))?;
    let job = || NewJob { request: "{}".to_owned(), interactive: true, parents: Vec::new() };
    report("queue a render (synced)", 25, || {
        Ok(library.queue_add(&[job()], Place::Last, FIRST)?.len() as u64)
    })?;
    let mut number = PICTURES;
    report("add a picture (file and rows synced)", 25, || {
        number += 1;
        let bytes = number.to_le_bytes().repeat(20_000);
        let new = NewPicture { bytes: &bytes, ..picture(number) };
        let stored = store_file(folder, new.bytes, new.format, time(PICTURES))?;
        Ok(u64::from(library.add_stored(&new, &stored, time(PICTURES))?.1))
    })?;
    report("mark one (synced)", 25, || Ok(library.mark(&[id(7)], 1)?.len() as u64))?;
    Ok(())
}

/// Runs `what` `times` times and prints a line.
fn report(
    name: &str,
    times: usize,
    mut what: impl FnMut() -> likeness_library::Result<u64>,
) -> Result<(), Box<dyn Error>> {
    let (mut took, mut found) = (Vec::new(), 0);
    let before = processor_ms();
    for _ in 0..times {
        let start = Instant::now();
        found = what()?;
        took.push(start.elapsed().as_secs_f64() * 1e3);
    }
    took.sort_by(f64::total_cmp);
    let slowest = took.last().copied().unwrap_or(0.0);
    let middle = took[took.len() / 2];
    let processor = match (before, processor_ms()) {
        (Some(before), Some(after)) => format!("{:.1}", (after - before) / times as f64),
        _ => String::new(),
    };
    println!("| {name} | {middle:.1} | {slowest:.1} | {processor} | {found} |");
    Ok(())
}

/// How long the processor has worked for this thread, where the system says so.
fn processor_ms() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split_whitespace().next()?.parse::<f64>().ok()? / 1e6)
}
