//! The library's health.

use super::data;

data! {
    /// What a check of the library found.
    pub struct LibraryReport {
        /// How many pictures were held against their files.
        pub pictures: u32,
        /// Where rows and files disagree.
        pub problems: Vec<LibraryProblem>,
    }
    /// Something that is not as it should be.
    pub struct LibraryProblem {
        /// In a word, such as `missing_file`.
        pub kind: String,
        /// The picture or file.
        pub subject: String,
        /// In a sentence.
        pub message: String,
    }
    /// What is asked about references, starting pictures and masks that nothing needs.
    pub struct UnusedRequest {
        /// Hashes of those that are needed all the same, by a request that is still being written.
        pub kept: Vec<String>,
        /// Whether they are to go, for good, or only to be counted.
        pub remove: bool,
    }
    /// References, starting pictures and masks that no picture, no job and no request needs.
    pub struct Unused {
        /// How many.
        pub count: u32,
        /// Bytes of their files.
        pub bytes: u64,
    }
    /// What a repair did.
    pub struct LibraryRepaired {
        /// In sentences.
        pub done: Vec<String>,
        /// What is left.
        pub left: Vec<LibraryProblem>,
    }
}
