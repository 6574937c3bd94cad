//! The window from end to end: the real program on a screen of its own, the shipped starter, and a
//! driver in place of a person.
//!
//! - `day`: a prompt, a picture, a mark, found by search, and still there after a restart;
//! - `start`: what the window says when its library does not open, and the second start;
//! - `paste`: a picture from the system's clipboard;
//! - `pictures`: what the page gets of picture files, and what it does not get.
//!
//! What the window looked like is kept in `target/desktop`.

#![cfg(target_os = "linux")]

mod day;
mod paste;
mod pictures;
mod start;

use likeness_tests::window;

/// Whether no window can be driven here; says why.
fn skip() -> bool {
    let missing = window::missing();
    if let Some(reason) = &missing {
        println!("skipped: {reason}");
    }
    missing.is_some()
}
