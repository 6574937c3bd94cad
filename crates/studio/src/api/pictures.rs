//! Pictures as they are shown and found.

use super::{ForeignSettings, RenderRequest};
use super::{data, names};

data! {
    /// A picture in a grid.
    pub struct PictureCard {
        /// Hash of its file.
        pub id: String,
        /// Pixels from left to right.
        pub width: u32,
        /// Pixels from top to bottom.
        pub height: u32,
        /// When it came into the library.
        pub created_at: i64,
        /// What a person thinks of it: 1 to 5; 0 is none.
        pub rating: u8,
        /// Whether parts of it can be seen through.
        pub alpha: bool,
        /// What it was to show; empty where that is not known.
        pub prompt: String,
        /// Where its noise began, in decimal digits.
        pub seed: Option<String>,
        /// The name of the model that made it.
        pub model: Option<String>,
        /// What it is a picture of.
        pub subject: Option<String>,
        /// The program that made it: `likeness`, `a1111`, `comfyui`, `invokeai`, …, or `file`.
        pub source: String,
        /// Since when it has been in the trash.
        pub trashed_at: Option<i64>,
        /// How many pictures of the library it was made from.
        pub parents: u32,
        /// What it shares with those that were asked for at once; null where it was not asked for here.
        pub run: Option<String>,
        /// How many times as large as the picture that it was made larger from; null where it was not.
        pub enlarged: Option<u32>,
    }
    /// All that is known of a picture.
    pub struct PictureDetail {
        /// What a grid shows.
        pub card: PictureCard,
        /// Where it is.
        pub file: PictureFile,
        /// The request that makes it again; none where its recipe is not known.
        pub recipe: Option<RenderRequest>,
        /// The resolved recipe as JSON text.
        pub resolved: Option<String>,
        /// What it was not to show.
        pub negative: String,
        /// What making it took.
        pub seconds: Option<f64>,
        /// Of an edit, the share of its pixels that are not the source's: 0 where it changed nothing.
        /// Null where it is no edit, or where that was not noted.
        pub changed: Option<f64>,
        /// In the order of the alphabet.
        pub tags: Vec<String>,
        /// Boards that it is on.
        pub boards: Vec<i64>,
        /// Pictures that it was made from.
        pub parents: Vec<PictureCard>,
        /// The latest pictures that were made from it.
        pub children: Vec<PictureCard>,
        /// How many were in all.
        pub children_count: u32,
        /// What another program wrote into it.
        pub settings: Option<ForeignSettings>,
    }
    /// A picture's file.
    pub struct PictureFile {
        /// Where.
        pub path: String,
        /// Its size.
        pub bytes: u64,
        /// `png`, `jpeg`, `webp`, `gif`, `tiff` or `bmp`.
        pub format: String,
    }
    /// Which pictures, and in which order. What is left out does not narrow.
    pub struct Filter {
        /// Words of prompts, tags and subjects; each must begin some word.
        #[ts(optional = nullable)]
        pub text: Option<String>,
        /// By this model.
        #[ts(optional = nullable)]
        pub model: Option<String>,
        /// Marked with at least this.
        #[ts(optional = nullable)]
        pub min_rating: Option<u8>,
        /// On this board.
        #[ts(optional = nullable)]
        pub board: Option<i64>,
        /// With this tag.
        #[ts(optional = nullable)]
        pub tag: Option<String>,
        /// Of this subject.
        #[ts(optional = nullable)]
        pub subject: Option<String>,
        /// Asked for at once: the `run` of one of them.
        #[ts(optional = nullable)]
        pub run: Option<String>,
        /// Of this width.
        #[ts(optional = nullable)]
        pub width: Option<u32>,
        /// Of this height.
        #[ts(optional = nullable)]
        pub height: Option<u32>,
        /// Not before this time.
        #[ts(optional = nullable)]
        pub from: Option<i64>,
        /// Before this time.
        #[ts(optional = nullable)]
        pub to: Option<i64>,
        /// What is in the trash, or what is not.
        #[serde(default)]
        pub trashed: bool,
        /// Which comes first.
        #[serde(default)]
        pub order: Order,
    }
    /// A stretch of a long list.
    pub struct Page {
        /// The pictures.
        pub items: Vec<PictureCard>,
        /// What to ask for the rest with; none at the end.
        pub next: Option<String>,
        /// How many there are in all.
        pub total: u32,
    }
    /// Asks for a stretch.
    pub struct PageRequest {
        /// Of which pictures.
        pub filter: Filter,
        /// What the page before gave as `next`.
        pub after: Option<String>,
        /// How many at most: 1 to 500.
        pub limit: u32,
    }
    /// Asks what there is to filter by.
    pub struct FacetsRequest {
        /// Of what is in the trash, or of what is not.
        pub trashed: bool,
    }
    /// What there is to filter by: the most frequent first, at most 50 of each.
    pub struct Facets {
        /// Names of models.
        pub models: Vec<NameCount>,
        /// Sizes.
        pub sizes: Vec<SizeCount>,
        /// Subjects.
        pub subjects: Vec<NameCount>,
        /// Tags.
        pub tags: Vec<NameCount>,
    }
    /// A name, and how many pictures have it.
    pub struct NameCount {
        /// The name.
        pub name: String,
        /// How many.
        pub count: u32,
    }
    /// A size, and how many pictures have it.
    pub struct SizeCount {
        /// Pixels from left to right.
        pub width: u32,
        /// Pixels from top to bottom.
        pub height: u32,
        /// How many.
        pub count: u32,
    }
    /// How pictures came from one another.
    pub struct Lineage {
        /// Every picture of the tree.
        pub nodes: Vec<PictureCard>,
        /// Who came from whom.
        pub edges: Vec<LineageEdge>,
    }
    /// One step of a lineage.
    pub struct LineageEdge {
        /// The picture that was there before.
        pub parent: String,
        /// The one that was made from it.
        pub child: String,
        /// How.
        pub relation: Relation,
    }
    /// How different some pictures are.
    pub struct Spread {
        /// Mean of the distances: 0 is the same, 1 is black against white.
        pub mean: f64,
        /// Each pair.
        pub pairs: Vec<SpreadPair>,
        /// In a word.
        pub verdict: SpreadVerdict,
    }
    /// Two pictures and the distance between them.
    pub struct SpreadPair {
        /// The one.
        pub a: String,
        /// The other.
        pub b: String,
        /// 0 to 1.
        pub distance: f64,
    }
}

names! {
    /// Which picture comes first.
    #[derive(Default)]
    pub enum Order {
        /// The latest.
        #[default]
        Newest,
        /// The earliest.
        Oldest,
        /// The best marked, then the latest.
        Best,
    }
    /// How a picture came from another.
    pub enum Relation {
        /// Begun from its pixels.
        Variation,
        /// Changed as an instruction said.
        Edit,
        /// Its subject or style taken up.
        Reference,
        /// Its recipe changed.
        Remix,
        /// Made larger.
        Enlargement,
    }
    /// How different pictures are.
    pub enum SpreadVerdict {
        /// One picture, drawn again.
        Same,
        /// Much the same, with something that differs.
        Close,
        /// Different pictures.
        Varied,
    }
}
