//! A request held against the library and its model: what must be true before it is queued, and what
//! is read before it is rendered.

use likeness_library::{AnyId, Asset, LibraryError};
use likeness_picture::{DigitalSource, Limits, read_file, read_metadata, read_picture};
use likeness_recipe::{
    self as recipe, Engine, Inputs, NoteKind, Pixels, ResolvedRecipe, Size, resolve,
};

use crate::api::{
    DeliverPlan, Estimate, PromptNote, PromptNoteKind, RenderRequest, RequestOnly, RoleName,
    TokenCount,
};
use crate::deliver::{self, Target};
use crate::models::{self, Chosen};
use crate::speed::Speeds;
use crate::studio::Shared;
use crate::{ErrorCode, Studio, StudioError};

/// A request that can be met.
pub(crate) struct Prepared {
    pub model: Chosen,
    pub resolved: ResolvedRecipe,
    /// Sizes of its references.
    pub references: Vec<Size>,
    /// The size that it is to have at the end.
    pub target: Option<Target>,
}

impl Prepared {
    /// How long one of its pictures takes, and the way to its size where it has one.
    pub fn seconds(&self, speeds: &Speeds) -> (Option<f64>, Option<DeliverPlan>) {
        let drawing = speeds.estimate(&self.resolved);
        let Some(target) = &self.target else { return (drawing, None) };
        let drawn = Size { width: self.resolved.width, height: self.resolved.height };
        let plan = deliver::announce(target, drawn, drawing, speeds);
        (plan.seconds, Some(plan))
    }
}

impl Studio {
    /// What a request would cost, and whether it can be met.
    pub fn estimate(&self, asked: RequestOnly) -> Result<Estimate, StudioError> {
        let shared = &self.shared;
        let mut estimate = Estimate {
            seconds: None,
            memory_needed: None,
            fits: false,
            problem: None,
            plan: None,
            notes: Vec::new(),
            tokens: None,
        };
        let refused = |estimate, problem| Estimate { problem: Some(problem), ..estimate };
        let model = match shared.choose(&asked.request) {
            Ok(model) => model,
            Err(problem) => return Ok(refused(estimate, problem)),
        };
        // What is said of the words is said whatever else is wrong with the request.
        let (able, prompt) = (&model.description.capabilities, &asked.request.prompt);
        let notes = able.notes(prompt, !asked.request.references.is_empty());
        estimate.notes = notes.into_iter().map(PromptNote::from).collect();
        let size = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let tokens = able.tokens(prompt);
        estimate.tokens =
            tokens.map(|(used, most)| TokenCount { used: size(used), most: size(most) });
        let prepared = match shared.prepare_for(&asked.request, model) {
            Ok(prepared) => prepared,
            Err(problem) => return Ok(refused(estimate, problem)),
        };
        let Prepared { model, resolved, references, .. } = &prepared;
        let needed = match shared.engine.need(&model.path, resolved, references) {
            Ok(needed) => needed,
            Err(problem) => return Ok(refused(estimate, problem.into())),
        };
        // The weights of the model that is loaded are paid for already.
        let loaded = shared.easel.loaded().is_some_and(|path| path == model.path);
        let paid = if loaded { model.description.memory } else { 0 };
        let (one, plan) = prepared.seconds(&shared.easel.speeds());
        Ok(Estimate {
            seconds: one.map(|seconds| seconds * f64::from(resolved.count)),
            memory_needed: Some(needed),
            fits: needed.saturating_sub(paid) <= shared.engine.memory().free,
            plan,
            ..estimate
        })
    }
}

impl Shared {
    /// Resolves a request, or says which field cannot be met.
    pub fn prepare(&self, request: &RenderRequest) -> Result<Prepared, StudioError> {
        let model = self.choose(request)?;
        self.prepare_for(request, model)
    }

    /// The model that a request means.
    fn choose(&self, request: &RenderRequest) -> Result<Chosen, StudioError> {
        models::choose(request.model.as_deref(), &self.model_places, &self.engine)
    }

    /// The same as [`Shared::prepare`] with the model that it means.
    fn prepare_for(&self, request: &RenderRequest, model: Chosen) -> Result<Prepared, StudioError> {
        if request.enlarge.is_some() {
            let problem = "pictures are made larger by a command of their own";
            return Err(StudioError::field("enlarge", problem, "the command `enlarge`"));
        }
        let target = request.target(&self.model_places)?;
        let able = &model.description.capabilities;
        let mut request = request.clone();
        let assets = self.assets(&request)?;
        if let Some(shape) = request.shape() {
            let source = assets.iter().find(|(hash, _)| hash == shape);
            if let Some((_, asset)) = source {
                let size = Size { width: asset.width, height: asset.height };
                request.take_shape(size, able);
            }
        } else if let (Some(target), None, None) = (&target, request.width, request.height) {
            // The less is cut off or laid around it, the better.
            let size = able.drawn_like(target.size);
            (request.width, request.height) = (Some(size.width), Some(size.height));
        }
        for (i, parent) in request.parents.iter().enumerate() {
            let at = |error| in_field(format!("parents[{i}].id"), error);
            let _: AnyId = parent.id.parse().map_err(at)?;
        }
        let resolved = resolve(&request.recipe()?, able, || self.random())?;
        let references = assets.iter().take(request.references.len());
        let references = references
            .map(|(_, asset)| Size { width: asset.width, height: asset.height })
            .collect();
        Ok(Prepared { model, resolved, references, target })
    }

    /// Every picture that a request names, in the order in which it names them.
    fn assets(&self, request: &RenderRequest) -> Result<Vec<(String, Asset)>, StudioError> {
        let named = request.assets();
        let found = named.into_iter().map(|(field, hash)| {
            let find = || self.read(|reader| reader.asset(hash.parse()?));
            find().map(|asset| (hash.to_owned(), asset)).map_err(|error| StudioError {
                field: Some(field),
                code: match error.code {
                    ErrorCode::NotFound | ErrorCode::Usage => ErrorCode::Usage,
                    other => other,
                },
                ..error
            })
        });
        found.collect()
    }

    /// What the picture that a request goes on from says of how it came about: the one to edit, or to
    /// start from. One that cannot be read says nothing; the render has read it before.
    pub fn goes_on_from(&self, request: &RenderRequest) -> Option<DigitalSource> {
        let edited = request.references.iter().find(|one| one.role == RoleName::Edit);
        let edited = edited.map(|one| one.asset.as_str());
        let before = request.init.as_ref().map(|init| init.asset.as_str()).or(edited)?;
        let path = self.read(|reader| reader.asset_path(before.parse()?)).ok()?;
        let bytes = read_file(&path, Limits::default().bytes).ok()?;
        read_metadata(&bytes).ok()?.made_by()
    }

    /// Reads the pictures that a request names.
    pub fn inputs(&self, request: &RenderRequest) -> Result<Inputs, StudioError> {
        let read = |hash: &str| -> Result<Pixels, StudioError> {
            let path = self.read(|reader| reader.asset_path(hash.parse()?))?;
            let decoded = read_picture(&path, &Limits::default())
                .map_err(|error| StudioError::input(&path, error))?;
            Ok(decoded.pixels)
        };
        Ok(Inputs {
            references: request
                .references
                .iter()
                .map(|reference| read(&reference.asset))
                .collect::<Result<_, _>>()?,
            init: request.init.as_ref().map(|init| read(&init.asset)).transpose()?,
            mask: request.mask.as_ref().map(|mask| read(&mask.asset)).transpose()?,
            initial_noise: None,
            dump: false,
        })
    }
}

fn in_field(field: String, error: LibraryError) -> StudioError {
    StudioError { field: Some(field), ..error.into() }
}

impl From<recipe::PromptNote> for PromptNote {
    fn from(note: recipe::PromptNote) -> Self {
        Self {
            kind: match note.kind {
                NoteKind::UnknownWord => PromptNoteKind::UnknownWord,
                NoteKind::Weight => PromptNoteKind::Weight,
                NoteKind::Variant => PromptNoteKind::Variant,
                NoteKind::Wildcard => PromptNoteKind::Wildcard,
                NoteKind::Lora => PromptNoteKind::Lora,
            },
            start: note.start,
            end: note.end,
            text: note.text,
        }
    }
}
