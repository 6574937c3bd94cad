//! Where a command that goes on tells of what happens.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use likeness_recipe::Pixels;
use serde_json::Value;

use crate::api::RenderEvent;

/// One listener's end. Both answer whether somebody still listens.
pub trait Channel: Send {
    /// Something that can be told in words.
    fn json(&self, value: Value) -> bool;
    /// A preview: eight bytes of the job's number, little-endian, then a PNG.
    fn bytes(&self, bytes: Vec<u8>) -> bool;
    /// Whether previews are looked at: drawing one for nobody takes time.
    fn looks(&self) -> bool {
        true
    }
}

/// Those who watch the queue. One that has gone away is forgotten.
#[derive(Default)]
pub(crate) struct Watchers {
    all: Mutex<Vec<Box<dyn Channel>>>,
    /// How many of them look at previews.
    looking: AtomicUsize,
}

impl Watchers {
    pub fn add(&self, channel: Box<dyn Channel>) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(channel);
        self.count(&all);
    }

    /// Whether anybody would look at a preview.
    pub fn any(&self) -> bool {
        self.looking.load(Ordering::Relaxed) > 0
    }

    pub fn tell(&self, event: &RenderEvent) {
        self.keep_those_who(|channel| tell(channel, event));
    }

    pub fn show(&self, job: i64, png: &[u8]) {
        self.keep_those_who(|channel| !channel.looks() || channel.bytes(preview(job, png)));
    }

    fn keep_those_who(&self, listen: impl Fn(&dyn Channel) -> bool) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|channel| listen(&**channel));
        self.count(&all);
    }

    fn count(&self, all: &[Box<dyn Channel>]) {
        let looking = all.iter().filter(|channel| channel.looks()).count();
        self.looking.store(looking, Ordering::Relaxed);
    }
}

/// Tells one listener.
pub(crate) fn tell(channel: &dyn Channel, event: &RenderEvent) -> bool {
    // An event is plain data with text keys, which is all that could fail.
    serde_json::to_value(event).is_ok_and(|value| channel.json(value))
}

/// A preview as channels carry it.
pub(crate) fn preview(job: i64, png: &[u8]) -> Vec<u8> {
    [&job.to_le_bytes(), png].concat()
}

/// A small and quick PNG of what is there so far; none of pixels that no PNG can hold.
pub(crate) fn quick_png(pixels: &Pixels) -> Option<Vec<u8>> {
    use image::codecs::png::{CompressionType, FilterType, PngEncoder};
    use image::{ExtendedColorType, ImageEncoder};
    let colour = match pixels.channels {
        4 => ExtendedColorType::Rgba8,
        _ => ExtendedColorType::Rgb8,
    };
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Sub)
        .write_image(&pixels.data, pixels.width, pixels.height, colour)
        .ok()?;
    Some(png)
}
