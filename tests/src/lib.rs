//! What the end-to-end tests share, in the order one meets it:
//!
//! - [`repository`]: where the checkout is and which files belong to it;
//! - [`program`]: the real `likeness`, built and run as a person would;
//! - [`webdriver`] and [`window`]: the real window on a screen of its own, driven as a person would;
//! - [`starter`]: the shipped model, and copies of it with one thing wrong;
//! - [`hostile`]: readers given any bytes at all. The fuzz targets call these,
//!   and `damaged.rs` replays the corpus through them.

pub mod hostile;
pub mod program;
pub mod repository;
pub mod webdriver;
pub mod window;
pub mod starter;
