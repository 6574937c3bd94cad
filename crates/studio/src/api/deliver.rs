//! Pictures of exactly the size that somebody asks for: an advertisement, a story, a sheet of paper.

use super::{data, names};

data! {
    /// What size a picture is to have, and how it comes to that shape.
    pub struct DeliverChoice {
        /// Pixels from left to right, exactly.
        pub width: u32,
        /// Pixels from top to bottom, exactly.
        pub height: u32,
        /// How a picture of another shape becomes one of this.
        pub fit: DeliverFit,
        /// The colour of a plain border, and of what lies behind what can be seen through, as `#rrggbb`.
        /// Null takes a border's colour from the picture's own edge, and leaves what can be seen through.
        #[ts(optional = nullable)]
        pub background: Option<String>,
        /// Hash of a picture's file: that one is taken, and nothing is drawn. Of the command `deliver`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional = nullable)]
        pub asset: Option<String>,
    }
    /// Gives pictures a size.
    pub struct DeliverCommand {
        /// Which.
        pub ids: Vec<String>,
        /// What size.
        pub deliver: DeliverChoice,
    }
    /// How a picture comes to its size.
    pub struct DeliverPlan {
        /// One after the other.
        pub steps: Vec<DeliverStep>,
        /// What becomes of another shape: `crop`, `plain` or `blurred`.
        pub fit: DeliverFit,
        /// Whether that is so whatever the picture shows: a crop that would cut what it shows becomes a
        /// border, and before it is drawn nobody knows.
        pub settled: bool,
        /// How long all of it takes; null before anything was measured here.
        pub seconds: Option<f64>,
    }
    /// A step of the way.
    pub struct DeliverStep {
        /// What is done.
        pub kind: DeliverStepKind,
        /// Pixels from left to right, after it.
        pub width: u32,
        /// Pixels from top to bottom, after it.
        pub height: u32,
        /// How many times as large, of an enlargement.
        pub by: Option<u32>,
        /// How long it takes; null before it was measured here.
        pub seconds: Option<f64>,
    }
    /// Sizes that places ask for.
    pub struct Channels {
        /// In the order in which they are offered.
        pub channels: Vec<ChannelSize>,
    }
    /// What one place asks for.
    pub struct ChannelSize {
        /// What it is called where it is typed, such as `feed-portrait`.
        pub id: String,
        /// What it is called, in English.
        pub name: String,
        /// Pixels from left to right.
        pub width: u32,
        /// Pixels from top to bottom.
        pub height: u32,
    }
}

names! {
    /// How a picture of another shape becomes one of the size that is asked for.
    #[derive(Default)]
    pub enum DeliverFit {
        /// What is too much is cut off; where that is more than 15 % of a side, or a part of what the
        /// picture shows, it gets a border: a plain one if its edge is plain, else a blurred one.
        #[default]
        Auto,
        /// What is too much is cut off.
        Crop,
        /// A border of one colour is added.
        Plain,
        /// A border of the picture itself, blurred, is added.
        Blurred,
    }
    /// A step on the way to a size.
    pub enum DeliverStepKind {
        /// The model draws.
        Draw,
        /// The network that makes pictures larger does.
        Enlarge,
        /// Pixels are averaged to another size.
        Resample,
        /// What is too much is cut off.
        Crop,
        /// A border is added.
        Extend,
    }
}
