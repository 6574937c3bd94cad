//! What the person has chosen, and what the studio has learnt, in the library.

use likeness_library::{Library, LibraryError};
use serde::de::DeserializeOwned;

use crate::api::{Event, Nothing, Settings};
use crate::speed::Speeds;
use crate::studio::{Shared, lock};
use crate::{Studio, StudioError};

const SETTINGS: &str = "settings";
const SPEEDS: &str = "speeds";

impl Studio {
    /// What the person has chosen.
    pub fn settings(&self, _: Nothing) -> Result<Settings, StudioError> {
        Ok(lock(&self.shared.settings).clone())
    }

    /// Chooses anew; all settings at once.
    pub fn settings_set(&self, asked: Settings) -> Result<Settings, StudioError> {
        check(&asked)?;
        let text = serde_json::to_string(&asked).map_err(StudioError::internal)?;
        self.shared.write(|library| library.set_setting(SETTINGS, &text))?;
        lock(&self.shared.settings).clone_from(&asked);
        self.shared.tell(Event::Settings);
        Ok(asked)
    }
}

fn check(settings: &Settings) -> Result<(), StudioError> {
    let rules = [
        ("threads", settings.threads.unwrap_or(1), 1..=1024),
        ("trash_days", settings.trash_days, 1..=3650),
        ("cache_megabytes", settings.cache_megabytes, 16..=16_384),
        ("live_pause_ms", settings.live_pause_ms, 0..=5000),
    ];
    match rules.into_iter().find(|(_, value, accepted)| !accepted.contains(value)) {
        Some((field, value, accepted)) => Err(StudioError::field(
            field,
            format!("{value} is out of range"),
            format!("{} to {}", accepted.start(), accepted.end()),
        )),
        None => Ok(()),
    }
}

pub(crate) fn read(library: &Library) -> Result<Settings, LibraryError> {
    Ok(stored(library, SETTINGS)?.filter(|settings| check(settings).is_ok()).unwrap_or_default())
}

pub(crate) fn read_speeds(library: &Library) -> Result<Speeds, LibraryError> {
    Ok(stored(library, SPEEDS)?.unwrap_or_default())
}

/// Keeps what was learnt. That it cannot be kept is no reason to say anything on the way out.
pub(crate) fn write_speeds(shared: &Shared) {
    if let Ok(text) = serde_json::to_string(&shared.easel.speeds()) {
        let _ = shared.write(|library| library.set_setting(SPEEDS, &text));
    }
}

/// A value that another version wrote, and that is not understood, is as none: the defaults are sound.
fn stored<T: DeserializeOwned>(library: &Library, key: &str) -> Result<Option<T>, LibraryError> {
    Ok(library.setting(key)?.and_then(|text| serde_json::from_str(&text).ok()))
}
