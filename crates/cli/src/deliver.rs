//! `deliver`: a picture at exactly the size that somebody asks for; and what `generate` says of one.

use std::path::PathBuf;

use clap::Args;
use likeness_picture::{Limits, read_file};
use likeness_recipe::{Engine, Fit, Progress, Size};
use likeness_studio::api::DeliverChoice;
use likeness_studio::deliver::plan::{Plan, Shape};
use likeness_studio::deliver::{self, Target};
use likeness_studio::enlarge::{self, LargerAs};
use likeness_studio::{Shelf, care};
use serde::Serialize;

use crate::environment::Host;
use crate::output;
use crate::place::{self, Place, Watcher};
use crate::report::Terminal;
use crate::request::file_name;
use crate::{Failure, told};

pub(crate) const EXAMPLES: &str = "\
Examples:
  likeness deliver fox.png --at story --out fox-story.png
  likeness deliver fox.png --at 1080x1350 --fit blurred --out post.jpg
  likeness deliver sticker.webp --at a4 --background \"#ffffff\" --out sheet.png

Sizes by name: feed, feed-portrait, story, landscape, banner, box, 4:5, a4 (at 150 dots an inch).";

/// Which picture, what size, and where it goes.
#[derive(Debug, Args)]
pub struct DeliverOptions {
    /// The picture: PNG, JPEG, WebP, GIF, TIFF or BMP, or one of the library by its id
    #[arg(value_name = "FILE|ID")]
    pub image: PathBuf,
    /// Exactly so large: WxH, or a size by name
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub at: Size,
    /// How another shape becomes that one: auto, crop, plain or blurred; auto cuts off up to 15 % of a
    /// side if that is none of what the picture shows, and gives it a border otherwise
    #[arg(long, value_name = "HOW", default_value = "auto", value_parser = fit)]
    pub fit: Fit,
    /// A border's colour, and what lies behind what can be seen through
    #[arg(long, value_name = "#RRGGBB")]
    pub background: Option<String>,
    /// Where to: a .png, .jpg or .webp file, a folder, or - for standard output [default: the library]
    #[arg(long, value_name = "FILE|DIR|-")]
    pub out: Option<PathBuf>,
    /// Replace a file that has the name
    #[arg(long, requires = "out")]
    pub overwrite: bool,
    /// Write pixels alone into the file, to give it away: no prompt, no seed, no names of files; with --out
    #[arg(long, requires = "out")]
    pub no_recipe: bool,
    /// Do not say to machines, in XMP, that a model had a hand in it; with --out
    #[arg(long, requires = "out")]
    pub no_ai_mark: bool,
    /// One JSON object on standard output
    #[arg(long)]
    pub json: bool,
    /// Print nothing but errors
    #[arg(long)]
    pub quiet: bool,
}

/// What `generate` says of a size: [`DeliverOptions`] for a picture that is to be drawn.
#[derive(Debug, Default, Args)]
pub struct DeliverTo {
    /// Bring each picture to exactly this size: WxH, or feed, feed-portrait, story, landscape, banner,
    /// box, 4:5, a4; what is drawn is made larger, and cut or bordered as `likeness deliver` does
    #[arg(long, value_name = "SIZE", value_parser = size)]
    deliver: Option<Size>,
    /// How another shape becomes that one: auto, crop, plain or blurred
    #[arg(long, value_name = "HOW", requires = "deliver", value_parser = fit)]
    fit: Option<Fit>,
    /// A border's colour, and what lies behind what can be seen through
    #[arg(long, value_name = "#RRGGBB", requires = "deliver")]
    background: Option<String>,
}

impl DeliverTo {
    /// As requests have it.
    pub fn choice(self) -> Option<DeliverChoice> {
        let Self { deliver, fit, background } = self;
        deliver.map(|size| choice(size, fit.unwrap_or(Fit::Auto), background))
    }
}

fn choice(Size { width, height }: Size, fit: Fit, background: Option<String>) -> DeliverChoice {
    DeliverChoice { width, height, fit: fit.into(), background, asset: None }
}

fn size(text: &str) -> Result<Size, String> {
    Target::named(text).map_err(|error| error.message)
}

fn fit(text: &str) -> Result<Fit, String> {
    Fit::from_name(text).ok_or_else(|| {
        let names: Vec<_> = Fit::ALL.iter().map(|fit| fit.name()).collect();
        format!("{text:?} is unknown (accepted: {})", names.join(", "))
    })
}

/// A picture of its size that is on disk.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WrittenDelivery {
    /// Where; `-` is standard output.
    #[serde(flatten, serialize_with = "told::path")]
    pub path: PathBuf,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// How many times as large it was made, step by step.
    pub enlarged: Vec<u32>,
    /// What became of another shape: `same`, `crop`, `plain` or `blurred`.
    pub fit: &'static str,
    /// Wall-clock seconds that it took.
    pub seconds: f64,
}

/// Does what is asked, and prints what came of it.
pub fn run(asked: &DeliverOptions, host: &Host, engine: &dyn Engine) -> Result<(), Failure> {
    let aside = output::is_standard(asked.out.as_deref(), asked.json)?;
    let mut terminal = Terminal::new(asked.json, asked.quiet).aside(aside);
    let written = deliver(asked, host, engine, &mut |progress| terminal.show(progress))?;
    if asked.json {
        return terminal.object(&written);
    }
    if asked.quiet {
        return Ok(());
    }
    let WrittenDelivery { path, width, height, seconds, fit, .. } = written;
    terminal.line(&format!("{}  ({width}x{height}, {fit}, {seconds:.2} s)", path.display()))
}

/// Brings the picture to the size and writes it. `show` is told how it goes.
pub fn deliver(
    asked: &DeliverOptions,
    host: &Host,
    engine: &dyn Engine,
    show: &mut dyn FnMut(Progress),
) -> Result<WrittenDelivery, Failure> {
    let target = Target::read(&choice(asked.at, asked.fit, asked.background.clone()))?;
    let image = file_of(&asked.image, host)?;
    let source = read_file(&image, Limits::default().bytes)
        .map_err(|error| Failure::of_input("image", &image, &error))?;
    let place = Place::choose(asked.out.as_deref(), asked.overwrite, host)?;
    show(Progress::Loading);
    let mut enlarger = enlarge::open(&host.model_places, engine)?;
    let mut watch = Watcher { show, cancelled: &host.cancelled };
    let file = (image.as_path(), &*source);
    let file_as =
        LargerAs { format: place.format(), recipe: !asked.no_recipe, ai_mark: !asked.no_ai_mark };
    let done = deliver::deliver(&mut *enlarger, file, &target, file_as, &mut watch)
        .map_err(place::of_picture)?;
    let Size { width, height } = target.size;
    let name = || place::named_after(&asked.image, &format!("-{width}x{height}"));
    let keep =
        |shelf: &Shelf| shelf.keep_delivered(&done, (&source, &file_name(&image)), (host.clock)());
    let path = place.store(&done.bytes, name, keep, &host.cancelled)?;
    let Plan { enlargements: enlarged, shape, .. } = done.plan;
    Ok(WrittenDelivery { path, width, height, enlarged, fit: told(shape), seconds: done.seconds })
}

fn told(shape: Shape) -> &'static str {
    match shape {
        Shape::Same => "same",
        Shape::Cut(_) => "crop",
        Shape::Plain(_) => "plain",
        Shape::Blurred(_) => "blurred",
    }
}

/// The file that is meant: as it was typed, or that of a picture of the library. A file that is there is
/// meant as that, whatever it is called.
fn file_of(image: &std::path::Path, host: &Host) -> Result<PathBuf, Failure> {
    let id = image
        .to_str()
        .filter(|text| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    match id {
        Some(id) if !image.exists() => Ok(care::asset_file(&host.library, id)?),
        _ => Ok(image.to_owned()),
    }
}
