//! The queue as it is shown.

use super::{Nothing, RenderRequest, data, names};
use crate::StudioError;

data! {
    /// One picture to be made.
    pub struct Job {
        /// Its number.
        pub id: i64,
        /// Jobs of one request share one.
        pub group: i64,
        /// Names that request for good: the pictures that its jobs become have it too.
        pub run: String,
        /// How far it is.
        pub state: JobState,
        /// Whether somebody waits for it.
        pub interactive: bool,
        /// What to make: one picture, its seed filled in.
        pub request: RenderRequest,
        /// The picture, once it is done.
        pub picture: Option<String>,
        /// Why it failed.
        pub error: Option<StudioError>,
        /// When it was asked for.
        pub created_at: i64,
        /// When it was begun.
        pub started_at: Option<i64>,
        /// When it ended.
        pub finished_at: Option<i64>,
    }
    /// The whole queue.
    pub struct Queue {
        /// Whether nothing new is begun.
        pub paused: bool,
        /// What the last end of the program left behind; null once it is dismissed.
        pub notice: Option<QueueNotice>,
        /// Running, waiting in their order, then the latest that ended.
        pub jobs: Vec<Job>,
        /// How many wait.
        pub waiting: u32,
        /// Which one runs.
        pub running: Option<i64>,
        /// How many are done.
        pub done: u32,
        /// How many failed.
        pub failed: u32,
        /// How long the rest will take, from what was measured here.
        pub seconds_left: Option<f64>,
    }
    /// What an unclean end left behind.
    pub struct QueueNotice {
        /// Jobs that were running, and wait again.
        pub interrupted: u32,
        /// Jobs that wait in all.
        pub waiting: u32,
    }
    /// The jobs that a request became.
    pub struct Jobs {
        /// In their order.
        pub jobs: Vec<Job>,
    }
    /// Pauses the queue, or goes on with it.
    pub struct Pause {
        /// Which of the two.
        pub paused: bool,
    }
    /// One job.
    pub struct JobId {
        /// Its number.
        pub id: i64,
    }
    /// Moves a job that waits.
    pub struct JobMove {
        /// Which.
        pub id: i64,
        /// To before this one; null is last.
        pub before: Option<i64>,
    }
    /// Some jobs, or all that the command can be about.
    pub struct JobIds {
        /// Their numbers; null is all.
        pub ids: Option<Vec<i64>>,
    }
}

names! {
    /// How far a job is.
    pub enum JobState {
        /// In the queue.
        Waiting,
        /// Being rendered.
        Running,
        /// Its picture is in the library.
        Done,
        /// There is no picture.
        Failed,
        /// Somebody stopped it.
        Cancelled,
    }
}

/// Every job of a kind.
impl From<Nothing> for JobIds {
    fn from(_: Nothing) -> Self {
        Self { ids: None }
    }
}
