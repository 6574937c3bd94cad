//! The library through its public face, in temporary folders.

mod care;
mod making;
mod open;
mod pages;
mod pictures;
mod queue;
