//! Models as they are listed.

use super::data;

data! {
    /// Every model that was found, and where was looked.
    pub struct Models {
        /// In the order of the places.
        pub models: Vec<Model>,
        /// Folders that were looked in.
        pub places: Vec<String>,
        /// Path of the one that a request means which names none; null where there is none.
        pub usual: Option<String>,
    }
    /// A model, or a file that might be taken for one.
    pub struct Model {
        /// What a request calls it.
        pub name: String,
        /// Its folder or file.
        pub path: String,
        /// Whether it runs here.
        pub runs: bool,
        /// Why it does not.
        pub reason: Option<String>,
        /// The family that runs it.
        pub family: Option<String>,
        /// The licence of its weights.
        pub licence: Option<String>,
        /// Hash of its weights.
        pub sha256: Option<String>,
        /// Bytes on disk.
        pub bytes: u64,
        /// Bytes of memory for a picture of its usual size.
        pub memory_needed: Option<u64>,
        /// Whether that many are free, or it is in memory already.
        pub fits: bool,
        /// Whether it is in memory.
        pub loaded: bool,
        /// Words that it knows, where it knows few.
        pub words: Vec<KnownWord>,
        /// What it can do.
        pub able: Option<Abilities>,
    }
    /// A word that a model knows.
    pub struct KnownWord {
        /// Such as `subjects` or `styles`.
        pub kind: String,
        /// The word or words.
        pub text: String,
    }
    /// What a model can do, and what it does where nothing is said.
    pub struct Abilities {
        /// What is filled in.
        pub defaults: AbilityDefaults,
        /// Smallest side in pixels.
        pub min_side: u32,
        /// Largest side in pixels.
        pub max_side: u32,
        /// Sides are multiples of this.
        pub multiple: u32,
        /// The sizes that it draws, the usual one first; where none is listed, any within the limits.
        pub sizes: Vec<PictureSize>,
        /// Steps that it can take.
        pub steps: NumberSpan,
        /// Guidance that it can follow.
        pub guidance: NumberSpan,
        /// Their names.
        pub samplers: Vec<String>,
        /// Their names.
        pub schedules: Vec<String>,
        /// Number formats that it can compute in.
        pub precisions: Vec<String>,
        /// Whether it knows what a negative prompt is.
        pub negative: bool,
        /// Whether words of a prompt can be weighed, as in `(fox:1.2)`.
        pub weights: bool,
        /// How many references it can look at.
        pub max_references: u32,
        /// What these may be for.
        pub roles: Vec<String>,
        /// Whether it can start from a picture.
        pub init: bool,
        /// Whether it can keep a part of that.
        pub mask: bool,
    }
    /// The size of a picture.
    #[derive(Copy, Eq)]
    pub struct PictureSize {
        /// Pixels from left to right.
        pub width: u32,
        /// Pixels from top to bottom.
        pub height: u32,
    }
    /// What is filled in where nothing is said.
    pub struct AbilityDefaults {
        /// Pixels from left to right.
        pub width: u32,
        /// Pixels from top to bottom.
        pub height: u32,
        /// Steps.
        pub steps: u32,
        /// Guidance.
        pub guidance: f32,
        /// Its name.
        pub sampler: String,
        /// Its name.
        pub schedule: String,
        /// How far to go from a starting picture.
        pub strength: f32,
        /// The same where a mask says which part of it may change.
        pub masked_strength: f32,
    }
    /// From the least to the most, both included.
    pub struct NumberSpan {
        /// The least.
        pub min: f64,
        /// The most.
        pub max: f64,
    }
}
