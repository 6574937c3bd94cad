//! Care: what keeps files and rows in agreement, and brings both back when one is lost.
//!
//! Nothing here deletes a picture or overwrites a database. What is in the way is moved aside.

mod adopt;
mod check;
mod repair;
mod rebuild;
mod salvage;
mod backup;
mod export;
mod preserve;

pub use backup::{BackedUp, Lost, Restored, restore};
pub use check::{Depth, Problem, Report};
pub use export::Exported;
pub use rebuild::{Rebuilt, rebuild};
pub use repair::Repaired;

pub(crate) use adopt::adopt;
pub(crate) use preserve::preserve;
