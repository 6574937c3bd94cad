//! Pictures of exactly the size that somebody asks for.

use crate::api::{ChannelSize, Channels, DeliverCommand, Jobs, Nothing};
use crate::{Studio, StudioError};

/// Sizes that places ask for: what each is called where it is typed, what it is called, its sides. A4 is
/// at 150 dots an inch.
pub const CHANNELS: &[(&str, &str, u32, u32)] = &[
    ("feed", "Feed", 1080, 1080),
    ("feed-portrait", "Feed portrait", 1080, 1350),
    ("story", "Story", 1080, 1920),
    ("landscape", "Landscape", 1920, 1080),
    ("banner", "Banner", 728, 90),
    ("box", "Box", 300, 250),
    ("4:5", "4:5", 1024, 1280),
    ("a4", "A4, 150 dpi", 1240, 1754),
];

impl Studio {
    /// Sizes that places ask for, by name.
    pub fn channels(&self, _: Nothing) -> Result<Channels, StudioError> {
        let channels = CHANNELS.iter().map(|&(id, name, width, height)| ChannelSize {
            id: id.to_owned(),
            name: name.to_owned(),
            width,
            height,
        });
        Ok(Channels { channels: channels.collect() })
    }

    /// Gives pictures exactly a size.
    pub fn deliver(&self, _: DeliverCommand) -> Result<Jobs, StudioError> {
        Err(StudioError::field("deliver", "it is not built yet", "none"))
    }
}
