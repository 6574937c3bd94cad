//! Pictures of exactly the size that somebody asks for, by jobs of the queue and by hosts with no studio
//! open: drawn, made larger, averaged, cut or bordered.
//!
//! [`plan`] works out the way, before anything is done; [`fit`] goes its last part. What was drawn is
//! kept with the files that requests use: the picture that it became names it, and can be made again
//! of it.

pub mod fit;
pub mod plan;

use std::path::{Path, PathBuf};
use std::time::Instant;

use likeness_library::{self as library, NewPicture, Parent, PictureId};
use likeness_picture::{
    DigitalSource, Format, Limits, Said, decode, encode_saying, read_file, read_metadata,
};
use likeness_recipe::{
    Delivered, Enlarged, Enlarger, Fit, ModelRef, Pixels, RenderError, Rendered, ResolvedRecipe,
    Size, Unwatched, Watch,
};

use crate::api::{
    ChannelSize, Channels, DeliverChoice, DeliverCommand, DeliverFit, DeliverPlan, DeliverStep,
    DeliverStepKind, Jobs, Nothing, ParentChoice, PictureCard, Relation, RenderRequest,
};
use crate::easel::{Canvas, Sitter, paint};
use crate::enlarge::LargerAs;
use crate::queue::parents;
use crate::speed::Speeds;
use crate::studio::Shared;
use crate::{ErrorCode, Studio, StudioError, enlarge, keep};
use fit::Colour;
use plan::{Edge, Looks, Plan, Shape};

/// Sizes that places ask for: what each is called where it is typed, what it is called, its sides. A4 is
/// at 150 dots an inch.
pub const CHANNELS: &[(&str, &str, u32, u32)] = &[
    ("feed", "Feed", 1080, 1080),
    ("feed-portrait", "Feed portrait", 1080, 1350),
    ("story", "Story", 1080, 1920),
    ("landscape", "Landscape", 1920, 1080),
    ("banner", "Banner", 728, 90),
    ("box", "Box", 300, 250),
    ("4:5", "4:5", 1024, 1280),
    ("a4", "A4, 150 dpi", 1240, 1754),
];

/// By how much pictures can be made larger, as far as is known before what does it is opened.
const FACTORS: &[u32] = &[2, 4];

/// A size that can be delivered, with all that was said about it understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Exactly so large.
    pub size: Size,
    /// How another shape becomes this one.
    pub fit: Fit,
    /// What lies behind what can be seen through, and is a plain border's colour.
    pub background: Option<Colour>,
}

/// A picture file of exactly the size that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveredFile {
    /// The whole file. It says what the one that it was made from says of itself, and what became of it.
    pub bytes: Vec<u8>,
    /// The way that was gone.
    pub plan: Plan,
    /// Wall-clock seconds that all of it took.
    pub seconds: f64,
}

impl DeliveredFile {
    /// How many times as large it was made in all, where it was.
    pub fn by(&self) -> Option<u32> {
        let all = &self.plan.enlargements;
        (!all.is_empty()).then(|| all.iter().product())
    }

    /// What it is to the file that it was made from.
    pub(crate) fn relation(&self) -> library::Relation {
        match self.by() {
            Some(_) => library::Relation::Enlargement,
            None => library::Relation::Edit,
        }
    }
}

impl Target {
    /// The size that is called `at`: a channel's name, or `WxH`.
    pub fn named(at: &str) -> Result<Size, StudioError> {
        let named = CHANNELS.iter().find(|(id, ..)| at.eq_ignore_ascii_case(id));
        let size = named.map(|&(_, _, width, height)| Size { width, height });
        size.or_else(|| at.parse().ok()).ok_or_else(|| {
            let names: Vec<_> = CHANNELS.iter().map(|(id, ..)| *id).collect();
            let accepted = format!("WxH in pixels, or {}", names.join(", "));
            StudioError::field("deliver", format!("{at:?} is no size"), accepted)
        })
    }

    /// What `choice` asks for, if it can be.
    pub fn read(choice: &DeliverChoice) -> Result<Self, StudioError> {
        let limits = Limits::default();
        let size = Size { width: choice.width, height: choice.height };
        for (field, side) in [("width", size.width), ("height", size.height)] {
            if side == 0 || side > limits.side {
                let problem = format!("no picture has {side} pixels");
                let accepted = format!("1 to {}", limits.side);
                return Err(StudioError::field(format!("deliver.{field}"), problem, accepted));
            }
        }
        if u64::from(size.width) * u64::from(size.height) > limits.pixels {
            let accepted = format!("at most {} million in all", limits.pixels / 1_000_000);
            return Err(StudioError::field(
                "deliver.width",
                format!("{size} are too many pixels"),
                accepted,
            ));
        }
        let background = choice.background.as_deref().map(colour("deliver.background"));
        Ok(Self { size, fit: choice.fit.into(), background: background.transpose()? })
    }
}

/// Reads a colour that stands in `field`.
pub(crate) fn colour(field: &str) -> impl Fn(&str) -> Result<Colour, StudioError> {
    move |text| {
        let problem = || format!("{text:?} is no colour");
        fit::colour_of(text)
            .ok_or_else(|| StudioError::field(field, problem(), "#rrggbb, such as #ffffff"))
    }
}

impl Studio {
    /// Sizes that places ask for, by name.
    pub fn channels(&self, _: Nothing) -> Result<Channels, StudioError> {
        let channels = CHANNELS.iter().map(|&(id, name, width, height)| ChannelSize {
            id: id.to_owned(),
            name: name.to_owned(),
            width,
            height,
        });
        Ok(Channels { channels: channels.collect() })
    }

    /// Gives pictures exactly a size: puts a job for each into the queue.
    pub fn deliver(&self, asked: DeliverCommand) -> Result<Jobs, StudioError> {
        let shared = &self.shared;
        Target::read(&asked.deliver)?;
        enlarge::find(&shared.model_places)?;
        let requests = asked.ids.iter().map(|id| {
            let picture: PictureId = id.parse()?;
            let row = shared.read(|reader| reader.picture(picture))?;
            Ok(RenderRequest {
                deliver: Some(DeliverChoice { asset: Some(id.clone()), ..asked.deliver.clone() }),
                width: Some(row.width),
                height: Some(row.height),
                parents: vec![ParentChoice { id: id.clone(), relation: Relation::Enlargement }],
                ..RenderRequest::new(row.prompt)
            })
        });
        self.add_jobs(&requests.collect::<Result<Vec<_>, StudioError>>()?)
    }
}

/// The way of a picture of `drawn` pixels that nobody has seen yet, for people. `seconds` is what drawing
/// it takes.
pub(crate) fn announce(
    target: &Target,
    drawn: Size,
    seconds: Option<f64>,
    speeds: &Speeds,
) -> DeliverPlan {
    // Of what models draw most are of one thing before a ground that is no one colour.
    let looks = Looks { size: drawn, subject: None, edge: Edge::Busy };
    let plan = plan::plan(&looks, target.size, target.fit, FACTORS);
    let step = |kind, size: Size, by, seconds| DeliverStep {
        kind,
        width: size.width,
        height: size.height,
        by,
        seconds,
    };
    let mut steps = vec![step(DeliverStepKind::Draw, drawn, None, seconds)];
    let mut size = drawn;
    for &by in &plan.enlargements {
        let before = size;
        size = Size { width: size.width * by, height: size.height * by };
        steps.push(step(DeliverStepKind::Enlarge, size, Some(by), speeds.enlarging(before, by)));
    }
    let fitting = speeds.fitting(plan.size);
    if size != plan.resampled {
        steps.push(step(DeliverStepKind::Resample, plan.resampled, None, fitting));
    }
    let (fit, last) = match plan.shape {
        Shape::Same => (target.fit, None),
        Shape::Cut(_) => (Fit::Crop, Some(DeliverStepKind::Crop)),
        Shape::Plain(_) => (Fit::Plain, Some(DeliverStepKind::Extend)),
        Shape::Blurred(_) => (Fit::Blurred, Some(DeliverStepKind::Extend)),
    };
    // Averaging is nearly all of it: cutting is counted with that.
    steps.extend(last.map(|kind| step(kind, plan.size, None, fitting.map(|_| 0.0))));
    let settled = target.fit != Fit::Auto || plan.shape == Shape::Same;
    let seconds = steps.iter().map(|step| step.seconds).sum();
    DeliverPlan { steps, fit: fit.into(), settled, seconds }
}

/// Brings `pixels` to the size. Answers what came of it, the way, and how long enlarging took at each
/// step of it.
fn bring(
    enlarger: &mut dyn Enlarger,
    pixels: Pixels,
    target: &Target,
    watch: &mut dyn Watch,
) -> Result<(Pixels, Plan, Times), RenderError> {
    let plan = plan::plan(&fit::looks(&pixels), target.size, target.fit, enlarger.factors());
    let (mut pixels, mut times) = (pixels, Times::default());
    for &by in &plan.enlargements {
        let larger = enlarger.enlarge(&pixels, by, watch)?;
        times.enlarging.push((pixels.size(), by, larger.seconds));
        pixels = larger.pixels;
        if watch.cancelled() {
            return Err(RenderError::Cancelled);
        }
    }
    let started = Instant::now();
    let done = fit::fit(pixels, &plan, target.background);
    times.fitting = started.elapsed().as_secs_f64();
    Ok((done, plan, times))
}

/// What the steps took.
#[derive(Default)]
struct Times {
    /// Of which size, by how much, how long.
    enlarging: Vec<(Size, u32, f64)>,
    fitting: f64,
}

impl Times {
    fn total(&self) -> f64 {
        self.enlarging.iter().map(|(.., seconds)| seconds).sum::<f64>() + self.fitting
    }
}

/// Makes a picture of exactly the size of a picture file, as such a file. `path` names it in messages.
pub fn deliver(
    enlarger: &mut dyn Enlarger,
    (path, file): (&Path, &[u8]),
    target: &Target,
    file_as: LargerAs,
    watch: &mut dyn Watch,
) -> Result<DeliveredFile, StudioError> {
    Ok(delivered(enlarger, (path, file), target, file_as, watch)?.0)
}

fn delivered(
    enlarger: &mut dyn Enlarger,
    (path, file): (&Path, &[u8]),
    target: &Target,
    LargerAs { format, recipe: says_recipe, ai_mark }: LargerAs,
    watch: &mut dyn Watch,
) -> Result<(DeliveredFile, Times), StudioError> {
    let refused = |error| StudioError::input(path, error);
    let decoded = decode(file, &Limits::default()).map_err(refused)?;
    let metadata = read_metadata(file).map_err(refused)?;
    let (pixels, plan, times) = bring(enlarger, decoded.pixels, target, watch)?;
    // A recipe that cannot be understood goes on as it stands.
    let recipe = metadata.recipe().and_then(Result::ok);
    let recipe =
        recipe.map(|recipe| after(recipe, &plan, target, enlarger.model(), &decoded.sha256));
    let before = metadata.made_by();
    let said = Said {
        recipe: recipe.as_ref().filter(|_| says_recipe),
        before: Some(&metadata).filter(|_| says_recipe),
        // What is only cut or bordered is of whom it was.
        source: match plan.enlargements.is_empty() {
            true => before,
            false => Some(DigitalSource::of_enlarged(before)),
        }
        .filter(|_| ai_mark),
    };
    let bytes =
        encode_saying(&pixels, format, &said).map_err(|error| StudioError::unwritable(&error))?;
    Ok((DeliveredFile { bytes, plan, seconds: times.total() }, times))
}

/// What a picture says that was made so of a file which says `recipe`.
fn after(
    mut recipe: ResolvedRecipe,
    plan: &Plan,
    target: &Target,
    model: &ModelRef,
    sha256: &str,
) -> ResolvedRecipe {
    if !plan.enlargements.is_empty() {
        let by = plan.enlargements.iter().product();
        recipe.enlarged = Some(Enlarged { by, model: model.clone(), sha256: sha256.to_owned() });
    }
    recipe.delivered = Some(Delivered {
        width: target.size.width,
        height: target.size.height,
        fit: target.fit,
        background: target.background.map(|[r, g, b]| format!("#{r:02x}{g:02x}{b:02x}")),
        sha256: sha256.to_owned(),
    });
    recipe.schema = likeness_recipe::SCHEMA;
    recipe
}

/// Brings a picture that was just drawn to its size, for hosts with no studio open. `before` is what the
/// picture that it goes on from says of how it came about. Answers the file that it was made of too, for
/// whoever wants to keep it.
pub fn finish(
    enlarger: &mut dyn Enlarger,
    drawn: Rendered,
    before: Option<DigitalSource>,
    target: &Target,
    watch: &mut dyn Watch,
) -> Result<(Rendered, Vec<u8>), StudioError> {
    let file = keep::file(&drawn, before)?;
    let Rendered { recipe, pixels, mut seconds, work, dump, changed } = drawn;
    let (pixels, plan, times) = bring(enlarger, pixels, target, watch)?;
    let sha256 = PictureId::of(&file).hex();
    let recipe = after(recipe, &plan, target, enlarger.model(), &sha256);
    seconds.total += times.total();
    Ok((Rendered { recipe, pixels, seconds, work, dump, changed }, file))
}

/// A picture's pixels at a size, for an export, and what its recipe says then.
pub(crate) fn for_export(
    shared: &Shared,
    (pixels, sha256): (Pixels, &str),
    recipe: Option<ResolvedRecipe>,
    target: &Target,
) -> Result<(Pixels, Option<ResolvedRecipe>), StudioError> {
    let mut enlarger = enlarge::open(&shared.model_places, &shared.engine)?;
    let (pixels, plan, _) = bring(&mut *enlarger, pixels, target, &mut Unwatched)?;
    let recipe = recipe.map(|recipe| after(recipe, &plan, target, enlarger.model(), sha256));
    Ok((pixels, recipe))
}

/// What a size is called, where a place asks for it.
pub(crate) fn channel_of(size: Size) -> Option<&'static str> {
    let same = |&&(_, _, width, height): &&(_, _, u32, u32)| Size { width, height } == size;
    CHANNELS.iter().find(same).map(|(id, ..)| *id)
}

/// Does a job that asks for a size, and keeps what comes of it. The picture, the seconds that it took, and
/// how much of a source it changed.
pub(crate) fn job(
    shared: &Shared,
    canvas: &mut Option<Canvas>,
    request: &RenderRequest,
    choice: &DeliverChoice,
    sitter: &mut Sitter<'_>,
) -> Result<(PictureCard, f64, Option<f64>), StudioError> {
    let target = Target::read(choice)?;
    let Source { id, path, file, drawing, subject, changed } = match &choice.asset {
        Some(asset) => Source::there(shared, asset)?,
        None => Source::drawn(shared, canvas, request, sitter)?,
    };
    let mut enlarger = enlarge::open(&shared.model_places, &shared.engine)?;
    let (done, times) =
        delivered(&mut *enlarger, (&path, &file), &target, Format::Png.into(), sitter)?;
    shared.easel.learn(|speeds| {
        for (from, by, seconds) in &times.enlarging {
            speeds.learn_enlarging(*from, *by, *seconds);
        }
        speeds.learn_fitting(target.size, times.fitting);
    });
    let mut picture = NewPicture::read(&done.bytes).map_err(StudioError::internal)?;
    picture.parents = parents(request)?;
    picture.parents.retain(|parent| parent.id != id);
    picture.parents.push(Parent { id, relation: done.relation() });
    (picture.enlarged, picture.marked_as) = (done.by().or(picture.enlarged), Some(id));
    let seconds = drawing + done.seconds;
    (picture.subject, picture.seconds, picture.job) = (subject, Some(seconds), Some(sitter.job));
    picture.changed = changed;
    Ok((keep::kept(shared, &picture)?, seconds, changed))
}

/// What a picture is made of.
struct Source {
    id: PictureId,
    path: PathBuf,
    file: Vec<u8>,
    /// Seconds that drawing it took.
    drawing: f64,
    subject: Option<String>,
    /// The share of an edit's source that drawing it changed.
    changed: Option<f64>,
}

impl Source {
    /// A picture that is there.
    fn there(shared: &Shared, asset: &str) -> Result<Self, StudioError> {
        let id: PictureId = asset.parse()?;
        let (path, subject) = shared.read(|reader| {
            let subject = reader.picture(id).ok().and_then(|row| row.subject);
            Ok((reader.asset_path(id)?, subject))
        })?;
        let file = read_file(&path, Limits::default().bytes)
            .map_err(|error| StudioError::input(&path, error))?;
        Ok(Self { id, path, file, drawing: 0.0, subject, changed: None })
    }

    /// One that is drawn now, and kept for whoever asks what the result was made of.
    fn drawn(
        shared: &Shared,
        canvas: &mut Option<Canvas>,
        request: &RenderRequest,
        sitter: &mut Sitter<'_>,
    ) -> Result<Self, StudioError> {
        let (prepared, rendered) = paint(shared, canvas, request, sitter)?;
        let file = keep::file(&rendered, shared.goes_on_from(request))?;
        let subject = keep::subject(&rendered.recipe.prompt, &prepared.model.description.words);
        let name = request.prompt.split_whitespace().take(6).collect::<Vec<_>>().join(" ");
        let id = PictureId::of(&file);
        let path = shared.write(|library| {
            library.add_asset(&file, &name, shared.now())?;
            library.asset_path(id)
        })?;
        let (drawing, changed) = (rendered.seconds.total, rendered.changed);
        Ok(Self { id, path, file, drawing, subject, changed })
    }
}

impl RenderRequest {
    /// The size that it is to have at the end, if one is asked for and can be had here.
    pub(crate) fn target(&self, places: &[PathBuf]) -> Result<Option<Target>, StudioError> {
        let Some(choice) = &self.deliver else { return Ok(None) };
        if choice.asset.is_some() {
            let problem = "pictures that are there are brought to a size by a command of their own";
            return Err(StudioError::field("deliver.asset", problem, "the command `deliver`"));
        }
        let target = Target::read(choice)?;
        enlarge::find(places).map_err(|error| StudioError {
            code: ErrorCode::Model,
            field: Some("deliver".to_owned()),
            ..error
        })?;
        Ok(Some(target))
    }
}

impl From<DeliverFit> for Fit {
    fn from(fit: DeliverFit) -> Self {
        match fit {
            DeliverFit::Auto => Self::Auto,
            DeliverFit::Crop => Self::Crop,
            DeliverFit::Plain => Self::Plain,
            DeliverFit::Blurred => Self::Blurred,
        }
    }
}

impl From<Fit> for DeliverFit {
    fn from(fit: Fit) -> Self {
        match fit {
            Fit::Auto => Self::Auto,
            Fit::Crop => Self::Crop,
            Fit::Plain => Self::Plain,
            Fit::Blurred => Self::Blurred,
        }
    }
}

impl From<&Delivered> for DeliverChoice {
    fn from(delivered: &Delivered) -> Self {
        Self {
            width: delivered.width,
            height: delivered.height,
            fit: delivered.fit.into(),
            background: delivered.background.clone(),
            asset: None,
        }
    }
}
