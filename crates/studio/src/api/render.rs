//! What is asked to be rendered, and what is told while it is.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{DeliverChoice, DeliverPlan, PictureCard, PictureSize, Relation, data, names};
use crate::StudioError;

data! {
    /// A request for pictures. What is null is left to the model.
    pub struct RenderRequest {
        /// A model's name or path; null takes the starter, or without one the first that runs.
        pub model: Option<String>,
        /// What the picture should show.
        pub prompt: String,
        /// What it should not show.
        pub negative: Option<String>,
        /// Pictures to take something from.
        pub references: Vec<ReferenceChoice>,
        /// The picture to start from.
        pub init: Option<InitChoice>,
        /// Where that may change.
        pub mask: Option<MaskChoice>,
        /// Decimal digits; null draws one.
        pub seed: Option<String>,
        /// `likeness` or `torch`.
        pub noise_source: Option<String>,
        /// How many steps from noise to picture.
        pub steps: Option<u32>,
        /// How strongly the prompt is followed.
        pub guidance: Option<f32>,
        /// Pixels from left to right.
        pub width: Option<u32>,
        /// Pixels from top to bottom.
        pub height: Option<u32>,
        /// One of the model's.
        pub sampler: Option<String>,
        /// One of the model's.
        pub schedule: Option<String>,
        /// `auto`, `f32`, `bf16` or `int8`.
        pub precision: Option<String>,
        /// How many pictures, each with the next seed.
        pub count: u32,
        /// Pictures of the library that this one comes from.
        pub parents: Vec<ParentChoice>,
        /// Only this is done: a picture is made larger, and nothing is drawn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional = nullable)]
        pub enlarge: Option<EnlargeChoice>,
        /// What size the picture is to have at the end, whatever size is drawn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional = nullable)]
        pub deliver: Option<DeliverChoice>,
        /// What the recipe that this repeats settled beside all this. It counts with the prompt and the
        /// seed of that recipe alone: with others, a new picture is made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional = nullable)]
        pub again: Option<Again>,
    }
    /// What a recipe settles that nobody chooses.
    pub struct Again {
        /// The prompt that it is of.
        pub prompt: String,
        /// The seed that it is of, in decimal digits.
        pub seed: String,
        /// The schema that it was written in, whose rules it keeps to.
        pub schema: u32,
        /// What became of its alpha: `drawn`, `opaque` or `source`.
        pub alpha: Option<String>,
        /// The size in which it was drawn, where that is not the picture's own.
        pub canvas: Option<PictureSize>,
    }
    /// A picture that something is taken from.
    pub struct ReferenceChoice {
        /// Hash of its file: an asset's, or a picture's id.
        pub asset: String,
        /// What it is for.
        pub role: RoleName,
        /// What a person calls it.
        pub name: Option<String>,
        /// Of a picture to change: whether all that the change leaves alone is kept, pixel for pixel.
        /// Where nothing is said, it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional = nullable)]
        pub guard: Option<bool>,
    }
    /// A picture to start from.
    pub struct InitChoice {
        /// Hash of its file: an asset's, or a picture's id.
        pub asset: String,
        /// How far to go from it: above 0 (hardly) to 1 (entirely).
        pub strength: Option<f32>,
    }
    /// A picture that says where to change things: white changes, black stays.
    pub struct MaskChoice {
        /// Hash of its file.
        pub asset: String,
    }
    /// A picture that is made larger.
    pub struct EnlargeChoice {
        /// Hash of its file: an asset's, or a picture's id.
        pub asset: String,
        /// How many times as wide and high.
        pub by: u32,
    }
    /// Makes pictures larger.
    pub struct EnlargeCommand {
        /// Which.
        pub ids: Vec<String>,
        /// How many times as wide and high: 2 or 4.
        pub by: u32,
    }
    /// A picture that this one comes from.
    pub struct ParentChoice {
        /// Which.
        pub id: String,
        /// How.
        pub relation: Relation,
    }
    /// Puts a request into the queue.
    pub struct RenderCommand {
        /// What to make.
        pub request: RenderRequest,
        /// Where in the queue.
        pub place: Place,
        /// Whether somebody waits for it: such work goes before batches. More than four pictures are a
        /// batch whatever is said here.
        pub interactive: bool,
    }
    /// What is being written and was not sent off. It belongs to the library, whose pictures it names.
    #[derive(Default)]
    pub struct Draft {
        /// The request as it stands; null where nothing was written yet.
        pub request: Option<RenderRequest>,
        /// Whether the next picture gets the same seed.
        pub locked: bool,
    }
    /// A request alone.
    pub struct RequestOnly {
        /// What to make.
        pub request: RenderRequest,
    }
    /// What a request would cost.
    pub struct Estimate {
        /// How long, from what was measured here; null before anything was.
        pub seconds: Option<f64>,
        /// Bytes of memory that it needs.
        pub memory_needed: Option<u64>,
        /// Whether that many are free.
        pub fits: bool,
        /// Why it cannot be made as it is.
        pub problem: Option<StudioError>,
        /// How a picture of the size that is to be delivered comes about; null where none is asked for.
        pub plan: Option<DeliverPlan>,
        /// Stretches of the prompt that something is to be said of, in the order of the text.
        pub notes: Vec<PromptNote>,
        /// How much of the prompt's room is used; null where no model counts it.
        pub tokens: Option<TokenCount>,
    }
    /// A stretch of a prompt that its model makes nothing of, or not what its writer may think.
    #[derive(Eq)]
    pub struct PromptNote {
        /// What it is.
        pub kind: PromptNoteKind,
        /// Where it begins, in UTF-16 units of the prompt, as text is counted in a browser.
        pub start: u32,
        /// Where it ends, in the same: behind its last unit.
        pub end: u32,
        /// What stands there.
        pub text: String,
    }
    /// How many tokens a prompt is to a model.
    #[derive(Copy, Eq)]
    pub struct TokenCount {
        /// What it has.
        pub used: u32,
        /// What it may have.
        pub most: u32,
    }
}

names! {
    /// What a stretch of a prompt is.
    pub enum PromptNoteKind {
        /// A word that the model does not know: it draws something else, or mush.
        UnknownWord,
        /// `(x:1.3)` for a model that weighs no words.
        Weight,
        /// `{a|b}`: nothing chooses yet.
        Variant,
        /// `__name__`: nothing fills it in yet.
        Wildcard,
        /// `<lora:name:0.8>`: additions to the weights are no words.
        Lora,
    }
    /// Where in the queue.
    pub enum Place {
        /// After all else of its kind.
        Last,
        /// Before all else of its kind.
        Next,
    }
    /// What a reference is for.
    pub enum RoleName {
        /// The thing that should be in the picture.
        Subject,
        /// The manner in which it should be drawn.
        Style,
        /// The picture that the prompt changes.
        Edit,
    }
}

/// What is told of renders as they go on. The job of a live draft is 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RenderEvent {
    /// The model is being opened.
    Loading {
        /// Which job.
        job: i64,
    },
    /// The prompt and the references are being read.
    Encoding {
        /// Which job.
        job: i64,
    },
    /// A step is finished.
    Step {
        /// Which job.
        job: i64,
        /// Steps finished.
        done: u32,
        /// Steps in all.
        total: u32,
    },
    /// The picture is being finished.
    Decoding {
        /// Which job.
        job: i64,
    },
    /// The picture is in the library.
    Done {
        /// Which job.
        job: i64,
        /// The picture.
        picture: PictureCard,
        /// What it took.
        seconds: f64,
        /// Of an edit, the share of its pixels that are not the source's: 0 where it changed nothing.
        /// Null where it is no edit.
        changed: Option<f64>,
    },
    /// A live draft is finished: its last preview was the picture. It is stored nowhere until `live_keep`.
    Drafted {
        /// What it took.
        seconds: f64,
        /// Where its noise began, in decimal digits: the same seed makes the same picture.
        seed: String,
        /// Which draft it is; another one has another.
        draft: String,
    },
    /// There will be no picture.
    Failed {
        /// Which job.
        job: i64,
        /// Why not.
        error: StudioError,
    },
    /// Somebody stopped it.
    Cancelled {
        /// Which job.
        job: i64,
    },
}
