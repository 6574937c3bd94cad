//! `upscale`: a picture file made larger, with what it says of itself carried on.

use std::path::PathBuf;

use clap::Args;
use likeness_picture::{Limits, read_file};
use likeness_recipe::{Engine, ModelRef, Progress};
use likeness_studio::Shelf;
use likeness_studio::enlarge::{self, LargerAs};
use serde::Serialize;

use crate::environment::Host;
use crate::output;
use crate::place::{self, Place, Watcher};
use crate::report::Terminal;
use crate::request::file_name;
use crate::{Failure, told};

pub(crate) const EXAMPLES: &str = "\
Examples:
  likeness upscale fox.png --out fox-large.png
  likeness upscale sticker.webp --by 2 --out sticker-large.webp
  likeness upscale fox.png --out - | convert - fox.tiff";

/// Which picture, and where it goes.
#[derive(Debug, Args)]
pub struct UpscaleOptions {
    /// The picture: PNG, JPEG, WebP, GIF, TIFF or BMP
    pub image: PathBuf,
    /// How many times as wide and high: 2 or 4
    #[arg(long, value_name = "N", default_value_t = 4, allow_hyphen_values = true)]
    pub by: u32,
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

/// A larger picture that is on disk.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WrittenLarger {
    /// Where; `-` is standard output.
    #[serde(flatten, serialize_with = "told::path")]
    pub path: PathBuf,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// The weights.
    pub model: ModelRef,
    /// Wall-clock seconds that enlarging took.
    pub seconds: f64,
}

/// Does what is asked, and prints what came of it.
pub fn run(asked: &UpscaleOptions, host: &Host, engine: &dyn Engine) -> Result<(), Failure> {
    let aside = output::is_standard(asked.out.as_deref(), asked.json)?;
    let mut terminal = Terminal::new(asked.json, asked.quiet).aside(aside);
    let written = upscale(asked, host, engine, &mut |progress| terminal.show(progress))?;
    if asked.json {
        return terminal.object(&written);
    }
    if asked.quiet {
        return Ok(());
    }
    let WrittenLarger { path, width, height, seconds, .. } = written;
    terminal.line(&format!("{}  ({width}x{height}, {seconds:.2} s)", path.display()))
}

/// Makes the picture larger and writes it. `show` is told how it goes.
pub fn upscale(
    asked: &UpscaleOptions,
    host: &Host,
    engine: &dyn Engine,
    show: &mut dyn FnMut(Progress),
) -> Result<WrittenLarger, Failure> {
    let unusable = |error| Failure::of_input("image", &asked.image, &error);
    let source = read_file(&asked.image, Limits::default().bytes).map_err(unusable)?;
    let place = Place::choose(asked.out.as_deref(), asked.overwrite, host)?;
    show(Progress::Loading);
    let mut enlarger = enlarge::open(&host.model_places, engine)?;
    let mut watch = Watcher { show, cancelled: &host.cancelled };
    let larger_as =
        LargerAs { format: place.format(), recipe: !asked.no_recipe, ai_mark: !asked.no_ai_mark };
    let file = (asked.image.as_path(), &*source);
    let larger = enlarge::enlarge(&mut *enlarger, file, asked.by, larger_as, &mut watch)
        .map_err(place::of_picture)?;
    let name = || place::named_after(&asked.image, &format!("-x{}", asked.by));
    let keep = |shelf: &Shelf| {
        shelf.keep_larger(&larger, (&source, &file_name(&asked.image)), (host.clock)())
    };
    let path = place.store(&larger.bytes, name, keep, &host.cancelled)?;
    let (size, model, seconds) = (larger.size, larger.model, larger.seconds);
    Ok(WrittenLarger { path, width: size.width, height: size.height, model, seconds })
}
