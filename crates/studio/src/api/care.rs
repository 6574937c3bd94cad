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
    /// What a repair did.
    pub struct LibraryRepaired {
        /// In sentences.
        pub done: Vec<String>,
        /// What is left.
        pub left: Vec<LibraryProblem>,
    }
}
