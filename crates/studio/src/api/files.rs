//! Files that come in and go out.

use super::{DeliverChoice, PictureCard, RenderRequest, data};

data! {
    /// Takes files in.
    pub struct ImportRequest {
        /// Picture files, and folders of them.
        pub paths: Vec<String>,
        /// Whether they are only to be used in requests: the library shows no picture of them.
        #[ts(optional = nullable)]
        pub reference: Option<bool>,
    }
    /// Takes in what was pasted or dropped.
    pub struct ImportBytes {
        /// What it is called.
        pub name: String,
        /// The file's bytes.
        pub base64: String,
        /// Whether it is only to be used in requests: the library shows no picture of it.
        #[ts(optional = nullable)]
        pub reference: Option<bool>,
    }
    /// What came in.
    pub struct ImportAnswer {
        /// In the order of the paths.
        pub imported: Vec<Imported>,
        /// What did not come in, and why.
        pub refused: Vec<Refused>,
    }
    /// A file that did not come in.
    pub struct Refused {
        /// Where it is.
        pub path: String,
        /// Why it did not.
        pub reason: String,
    }
    /// A picture that came in.
    pub struct Imported {
        /// The picture of the library; null where it was taken only to be used in a request.
        pub picture: Option<PictureCard>,
        /// Whether the library did not show it before: it was not there, or in the trash.
        pub new: bool,
        /// What requests call it.
        pub asset: Asset,
        /// What it says of how it was made.
        pub settings: Option<ForeignSettings>,
    }
    /// A picture that requests can use.
    pub struct Asset {
        /// Hash of its file.
        pub sha256: String,
        /// What a person calls it.
        pub name: String,
        /// Pixels from left to right.
        pub width: u32,
        /// Pixels from top to bottom.
        pub height: u32,
        /// Whether parts of it can be seen through.
        pub alpha: bool,
    }
    /// What a picture says of how it was made, in our words.
    pub struct ForeignSettings {
        /// The program that wrote them.
        pub program: String,
        /// What could be matched, one by one.
        pub fields: Vec<SettingFound>,
        /// All that could be matched: null, and an empty prompt, are what was not there.
        pub request: RenderRequest,
        /// What could not.
        pub unmatched: Vec<SettingUnmatched>,
    }
    /// A setting that was matched.
    pub struct SettingFound {
        /// The request's field, such as `steps`; `size` is both width and height.
        pub field: String,
        /// What the other program calls it.
        pub label: String,
        /// What it says.
        pub value: String,
        /// Why this model would refuse it.
        pub problem: Option<String>,
    }
    /// A setting that was not matched.
    pub struct SettingUnmatched {
        /// What the other program calls it.
        pub name: String,
        /// What it says.
        pub value: String,
        /// Why not.
        pub reason: String,
    }
    /// Writes a picture to a file.
    pub struct SaveRequest {
        /// Which picture.
        pub id: String,
        /// The file. What is there is replaced.
        pub path: String,
        /// Null is as the path ends. A picture of a format that is only read can be saved as it is too.
        pub format: Option<FileFormat>,
        /// Whether the file says how the picture was made; null is yes. One that does not holds pixels
        /// alone: no prompt, no seed, no names of files.
        #[ts(optional = nullable)]
        pub recipe: Option<bool>,
        /// Whether the file says to machines that a model had a hand in the picture, where one had; null
        /// is yes, also for a file without the recipe.
        #[ts(optional = nullable)]
        pub ai_mark: Option<bool>,
    }
    /// A file that was written.
    pub struct Saved {
        /// Where.
        pub path: String,
    }
    /// Writes pictures into a folder.
    pub struct ExportRequest {
        /// Which pictures.
        pub ids: Vec<String>,
        /// The folder.
        pub folder: String,
        /// Names, such as `[subject]-[seed]`. Null gives names without any words of the prompt, which are
        /// nobody else's business.
        #[ts(optional = nullable)]
        pub template: Option<String>,
        /// The size; null is as they are.
        #[ts(optional = nullable)]
        pub deliver: Option<DeliverChoice>,
        /// Null is as each is.
        #[ts(optional = nullable)]
        pub format: Option<FileFormat>,
        /// How much of a JPEG is kept: 1 to 100. Null is 95.
        #[ts(optional = nullable)]
        pub quality: Option<u8>,
        /// What lies behind what can be seen through, as `#rrggbb`. Null leaves it, and is white in a JPEG.
        #[ts(optional = nullable)]
        pub background: Option<String>,
        /// Whether colours are turned into sRGB, and the file says so. Null does where the file is written
        /// anew, and leaves it as it is where it is not.
        #[ts(optional = nullable)]
        pub srgb: Option<bool>,
        /// Whether the files say how the pictures were made, as of `save`. The names say what they say.
        #[ts(optional = nullable)]
        pub recipe: Option<bool>,
        /// Whether the files say to machines that a model had a hand in the pictures, as of `save`.
        #[ts(optional = nullable)]
        pub ai_mark: Option<bool>,
    }
    /// Files that were written.
    pub struct Exported {
        /// In the order of the pictures.
        pub paths: Vec<String>,
    }
    /// A place for a file.
    pub struct PathRequest {
        /// Where.
        pub path: String,
    }
}

super::names! {
    /// A picture format.
    pub enum FileFormat {
        /// Lossless, with alpha.
        Png,
        /// Small, without alpha.
        Jpeg,
        /// Lossless, with alpha.
        Webp,
    }
}
