//! The command line from end to end: the real program, the shipped starter.
//!
//! - `pictures`: what a prompt, a seed, a size and a reference do;
//! - `deliver`: pictures of exactly the size that is asked for;
//! - `files`: what is in the files it writes, and what reads them back;
//! - `library`: the library and its queue;
//! - `words`: help, models, bench, version;
//! - `refusals`: bad requests and bad pictures;
//! - `settled`: what is said beside a picture, and what is settled before one is drawn;
//! - `models`: bad weights;
//! - `faults`: Ctrl+C, full disks, folders that cannot be written to;
//! - `strangers`: folders made to do harm, models that change while they are read, what is to stop at once.

mod deliver;
mod faults;
mod files;
mod library;
mod models;
mod pictures;
mod refusals;
mod settled;
#[cfg(unix)]
mod strangers;
mod words;
