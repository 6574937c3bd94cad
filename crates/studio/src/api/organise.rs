//! Marks, tags, boards, and the prompts of before.

use super::data;

data! {
    /// What a person thinks of a picture.
    #[derive(Eq)]
    pub struct Marks {
        /// Which picture.
        pub id: String,
        /// 1 to 5; 0 is none.
        pub rating: u8,
    }
    /// Marks some pictures.
    pub struct MarkCommand {
        /// Which pictures.
        pub ids: Vec<String>,
        /// 0 to 5.
        pub rating: u8,
        /// Whether only those are meant that have no mark yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional = nullable)]
        pub unmarked: Option<bool>,
    }
    /// Sets marks, each picture its own.
    pub struct MarksList {
        /// One for each picture.
        pub marks: Vec<Marks>,
    }
    /// How it was before, for undoing.
    pub struct MarksBefore {
        /// One for each picture.
        pub before: Vec<Marks>,
    }
    /// Changes the tags of some pictures.
    pub struct TagCommand {
        /// Which pictures.
        pub ids: Vec<String>,
        /// Tags that they get.
        pub add: Vec<String>,
        /// Tags that they lose.
        pub remove: Vec<String>,
    }
    /// What was deleted for good.
    pub struct Purged {
        /// How many pictures.
        pub purged: u32,
    }
    /// All boards.
    pub struct Boards {
        /// In the order of their names.
        pub boards: Vec<Board>,
    }
    /// A board.
    pub struct Board {
        /// Its number.
        pub id: i64,
        /// What it is called.
        pub name: String,
        /// How many pictures are on it.
        pub count: u32,
    }
    /// Names a board that is to be.
    pub struct BoardName {
        /// What it is called.
        pub name: String,
    }
    /// A board.
    pub struct BoardId {
        /// Its number.
        pub id: i64,
    }
    /// Gives a board another name.
    pub struct BoardRename {
        /// Its number.
        pub id: i64,
        /// What it is to be called.
        pub name: String,
    }
    /// Some pictures and a board.
    pub struct BoardPictures {
        /// The board.
        pub id: i64,
        /// The pictures.
        pub ids: Vec<String>,
    }
    /// Asks for prompts of before.
    pub struct PromptsRequest {
        /// What they begin with; empty is all.
        pub prefix: String,
        /// Only those older than this one.
        pub before: Option<i64>,
        /// How many at most: 1 to 200.
        pub limit: u32,
    }
    /// Prompts of before.
    pub struct Prompts {
        /// The latest first.
        pub prompts: Vec<PromptEntry>,
    }
    /// A prompt of before.
    pub struct PromptEntry {
        /// Its number.
        pub id: i64,
        /// What it says.
        pub text: String,
        /// When it was used last.
        pub used_at: i64,
        /// How often it was used.
        pub count: u32,
    }
}
