//! The program and the machine that it runs on.

use super::data;

data! {
    /// What runs here, and on what.
    pub struct System {
        /// The program's.
        pub version: String,
        /// What matrix products are computed with.
        pub instruction_set: String,
        /// `cpu`, `cuda` or `metal`.
        pub device: String,
        /// Threads that compute.
        pub threads: u32,
        /// Bytes of memory in all.
        pub memory_total: u64,
        /// Bytes that are free.
        pub memory_free: u64,
        /// The library's folder.
        pub library: String,
        /// What is kept for the next render.
        pub caches: Vec<Cache>,
        /// How many pictures there are, without those in the trash.
        pub pictures: u32,
        /// Whether the program's last end was none of its own will.
        pub unclean_end: bool,
    }
    /// Something that is kept because it may be asked for again.
    pub struct Cache {
        /// `prompts` or `references`.
        pub name: String,
        /// How often it was there.
        pub hits: u64,
        /// How often it was not.
        pub misses: u64,
        /// Bytes that it holds.
        pub bytes: u64,
        /// Bytes that it may hold.
        pub limit: u64,
    }
    /// Every connection ever made.
    pub struct Connections {
        /// The latest first. Empty until something can be downloaded.
        pub entries: Vec<ConnectionEntry>,
    }
    /// A connection that was made.
    pub struct ConnectionEntry {
        /// When.
        pub at: i64,
        /// What for.
        pub what: String,
        /// Who wanted it.
        pub why: String,
        /// To where.
        pub address: String,
        /// Bytes that came.
        pub bytes: u64,
    }
}
