//! What the studio tells everybody.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Something has changed, whoever changed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// Jobs, their order, or whether the queue is paused.
    Queue,
    /// Pictures came, changed or went.
    Pictures {
        /// Which.
        ids: Vec<String>,
    },
    /// Boards, or what is on them.
    Boards,
    /// What models there are, or which one is in memory.
    Models,
    /// Settings.
    Settings,
    /// Something a person should know.
    Notice {
        /// In a sentence.
        message: String,
    },
}
