//! What a person has chosen for the program.

use std::collections::BTreeMap;

use super::{data, names};

data! {
    /// All settings.
    pub struct Settings {
        /// Colours.
        pub theme: Theme,
        /// Words.
        pub language: Language,
        /// Threads that compute, from the next start on; null is as many as the machine runs at once.
        pub threads: Option<u32>,
        /// Days until what is in the trash is deleted: 1 to 3650.
        pub trash_days: u32,
        /// Most megabytes of what is kept for the next render: 16 to 16384.
        pub cache_megabytes: u32,
        /// Milliseconds without a key until a live draft is begun: 0 to 5000.
        pub live_pause_ms: u32,
        /// Keys by action.
        pub keys: BTreeMap<String, String>,
    }
}

names! {
    /// Colours.
    pub enum Theme {
        /// Light on dark.
        Dark,
        /// Dark on light.
        Light,
        /// As the system has it.
        System,
    }
    /// Words.
    pub enum Language {
        /// English.
        En,
        /// Simplified Chinese.
        Zh,
        /// As the system has it.
        System,
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::Dark,
            language: Language::System,
            threads: None,
            trash_days: 30,
            cache_megabytes: 256,
            live_pause_ms: 250,
            keys: BTreeMap::new(),
        }
    }
}
