//! What a model can do, in numbers that need no other network.
//!
//! A [`Set`] of tasks lies beside the starter: prompts, references of subjects that training never
//! saw, and edits, each with what a right answer shows. [`Painter`] has the engine make the pictures,
//! a [`Judge`] that was trained on renders only says what they show, and [`score`] compares. The
//! [`table`] holds the outcome against what the small and the full form of the starter are to reach.
//!
//! The set and the judge are made in `models/starter/training` (`evaluation.py`, `judges.py`);
//! `evaluation.py score` is this same measurement in PyTorch, for use while a training runs.
//! Invariant: the judge's arithmetic here and there agrees to 1e-3 (`tests/judge.rs`).

mod set;
mod paint;
mod judge;
mod score;
pub mod table;

pub use judge::{Judge, Seen};
pub use paint::{Painted, Painter, Plan};
pub use score::{Outcome, Share, score};
pub use set::{Edit, Pair, Picture, Prompt, Reference, SIDE, Set, Wanted};
