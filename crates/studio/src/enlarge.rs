//! Pictures made larger: by jobs of the queue, and by hosts with no studio open.

use std::path::{Path, PathBuf};

use likeness_library::{NewPicture, PictureId};
use likeness_picture::{
    DigitalSource, Format, Limits, Said, decode, encode_saying, read_file, read_metadata,
};
use likeness_recipe::{Engine, Enlarged, Enlarger, ModelRef, Size, Watch};

use crate::api::{
    EnlargeChoice, EnlargeCommand, Jobs, ParentChoice, PictureCard, Relation, RenderRequest,
};
use crate::easel::Sitter;
use crate::queue::parents;
use crate::studio::Shared;
use crate::{ErrorCode, Studio, StudioError, keep};

/// The folder of the network that does it, among models, and the file that shows that this is one.
const FOLDER: &str = "upscaler";
const MARK: &str = "upscaler.json";

/// A file of a picture that was made larger.
#[derive(Debug, Clone, PartialEq)]
pub struct LargerFile {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// Its pixels.
    pub size: Size,
    /// How many times as wide and high as before.
    pub by: u32,
    /// The weights that it was done with.
    pub model: ModelRef,
    /// Wall-clock seconds that enlarging took.
    pub seconds: f64,
}

/// What the file of a larger picture is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LargerAs {
    /// Its format.
    pub format: Format,
    /// Whether it says what the smaller one says of itself, and that it is larger.
    pub recipe: bool,
    /// Whether it says to machines that a model had a hand in it.
    pub ai_mark: bool,
}

impl From<Format> for LargerAs {
    /// One that says all.
    fn from(format: Format) -> Self {
        Self { format, recipe: true, ai_mark: true }
    }
}

/// What makes pictures larger: from the first of these places that has it.
pub fn open(
    places: &[PathBuf],
    engine: &dyn Engine,
) -> Result<Box<dyn Enlarger + Send>, StudioError> {
    Ok(engine.open_enlarger(&find(places)?)?)
}

/// The folder of what makes pictures larger: the first of these places that has it.
pub(crate) fn find(places: &[PathBuf]) -> Result<PathBuf, StudioError> {
    let mut folders = places.iter().flat_map(|place| [place.clone(), place.join(FOLDER)]);
    folders.find(|folder| folder.join(MARK).is_file()).ok_or_else(|| {
        let accepted = format!("a folder {FOLDER} with {MARK} where models are");
        let problem = "what makes pictures larger is not there";
        StudioError { code: ErrorCode::Model, ..StudioError::field("model", problem, accepted) }
    })
}

/// Makes the picture of a file `by` times as wide and high, as such a file. `path` names it in messages.
pub fn enlarge(
    enlarger: &mut dyn Enlarger,
    (path, file): (&Path, &[u8]),
    by: u32,
    LargerAs { format, recipe: says_recipe, ai_mark }: LargerAs,
    watch: &mut dyn Watch,
) -> Result<LargerFile, StudioError> {
    let refused = |error| StudioError::input(path, error);
    let decoded = decode(file, &Limits::default()).map_err(refused)?;
    let metadata = read_metadata(file).map_err(refused)?;
    let model = enlarger.model().clone();
    // A recipe that cannot be understood goes on as it stands.
    let recipe = metadata.recipe().and_then(Result::ok).map(|mut recipe| {
        let enlarged = Enlarged { by, model: model.clone(), sha256: decoded.sha256.clone() };
        recipe.enlarged = Some(enlarged);
        recipe.schema = likeness_recipe::SCHEMA;
        recipe
    });
    let larger = enlarger.enlarge(&decoded.pixels, by, watch)?;
    let said = Said {
        recipe: recipe.as_ref().filter(|_| says_recipe),
        before: Some(&metadata).filter(|_| says_recipe),
        source: ai_mark.then(|| DigitalSource::of_enlarged(metadata.made_by())),
    };
    let bytes = encode_saying(&larger.pixels, format, &said)
        .map_err(|error| StudioError::unwritable(&error))?;
    Ok(LargerFile { bytes, size: larger.pixels.size(), by, model, seconds: larger.seconds })
}

impl Studio {
    /// Makes pictures larger: puts a job for each into the queue.
    pub fn enlarge(&self, asked: EnlargeCommand) -> Result<Jobs, StudioError> {
        let shared = &self.shared;
        let enlarger = open(&shared.model_places, &shared.engine)?;
        if !enlarger.factors().contains(&asked.by) {
            let known: Vec<_> = enlarger.factors().iter().map(u32::to_string).collect();
            let problem = format!("nothing becomes {} times as large here", asked.by);
            return Err(StudioError::field("by", problem, known.join(", ")));
        }
        let requests = asked.ids.iter().map(|id| request(shared, id, asked.by));
        self.add_jobs(&requests.collect::<Result<Vec<_>, _>>()?)
    }
}

/// What a job is asked: what its picture shows and how large it will be, as with any other.
fn request(shared: &Shared, id: &str, by: u32) -> Result<RenderRequest, StudioError> {
    let picture: PictureId = id.parse()?;
    let row = shared.read(|reader| reader.picture(picture))?;
    let limits = Limits::default();
    let (width, height) = (u64::from(row.width * by), u64::from(row.height * by));
    if width.max(height) > u64::from(limits.side) || width * height > limits.pixels {
        let problem = format!("{width}x{height} pixels are too many");
        let accepted =
            format!("{} a side, {} million in all", limits.side, limits.pixels / 1_000_000);
        return Err(StudioError::field("by", problem, accepted));
    }
    Ok(RenderRequest {
        enlarge: Some(EnlargeChoice { asset: id.to_owned(), by }),
        width: Some(row.width * by),
        height: Some(row.height * by),
        parents: vec![ParentChoice { id: id.to_owned(), relation: Relation::Enlargement }],
        ..RenderRequest::new(row.prompt)
    })
}

/// Does such a job, and keeps what comes of it. The picture, and the seconds that it took.
pub(crate) fn job(
    shared: &Shared,
    request: &RenderRequest,
    choice: &EnlargeChoice,
    sitter: &mut Sitter<'_>,
) -> Result<(PictureCard, f64), StudioError> {
    let (path, subject) = shared.read(|reader| {
        let subject = reader.picture(choice.asset.parse()?).ok().and_then(|row| row.subject);
        Ok((reader.asset_path(choice.asset.parse()?)?, subject))
    })?;
    let file = read_file(&path, Limits::default().bytes)
        .map_err(|error| StudioError::input(&path, error))?;
    let mut enlarger = open(&shared.model_places, &shared.engine)?;
    let larger = enlarge(&mut *enlarger, (&path, &file), choice.by, Format::Png.into(), sitter)?;
    let Size { width, height } = larger.size;
    let from = Size { width: width / choice.by.max(1), height: height / choice.by.max(1) };
    shared.easel.learn(|speeds| speeds.learn_enlarging(from, choice.by, larger.seconds));
    let mut picture = NewPicture::read(&larger.bytes).map_err(StudioError::internal)?;
    picture.parents = parents(request)?;
    let source = choice.asset.parse()?;
    for parent in picture.parents.iter_mut().filter(|parent| parent.id == source) {
        // One that has waited since before there was a name for it says that it is an edit.
        parent.relation = likeness_library::Relation::Enlargement;
    }
    (picture.subject, picture.seconds) = (subject, Some(larger.seconds));
    (picture.enlarged, picture.marked_as) = (Some(choice.by), Some(source));
    picture.job = Some(sitter.job);
    Ok((keep::kept(shared, &picture)?, larger.seconds))
}
