//! What the person has chosen, and what the studio has learnt, in the library.

use likeness_library::{Library, LibraryError, Time};
use serde_json::{Map, Value};

use crate::api::{Event, Nothing, Settings};
use crate::speed::Speeds;
use crate::studio::{Shared, lock};
use crate::{Studio, StudioError};

const SETTINGS: &str = "settings";
const SPEEDS: &str = "speeds";
const CLOCK: &str = "clock";

const DAY: Time = 24 * 60 * 60 * 1000;

impl Studio {
    /// What the person has chosen.
    pub fn settings(&self, _: Nothing) -> Result<Settings, StudioError> {
        Ok(lock(&self.shared.settings).clone())
    }

    /// Chooses anew; all settings at once.
    pub fn settings_set(&self, asked: Settings) -> Result<Settings, StudioError> {
        check(&asked)?;
        let text = serde_json::to_string(&asked).map_err(StudioError::internal)?;
        // Held over both, so that what is kept and what is meant are the same choice.
        let mut meant = lock(&self.shared.settings);
        self.shared.write(|library| library.set_setting(SETTINGS, &text))?;
        meant.clone_from(&asked);
        drop(meant);
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

/// What is kept of the person's choices, and whether for how long trash is kept is among what was
/// understood: where it was not, nothing may be deleted by the default. A setting that another version
/// wrote, or did not know yet, costs that setting alone.
pub(crate) fn read(library: &Library) -> Result<(Settings, bool), LibraryError> {
    let Some(text) = library.setting(SETTINGS)? else {
        return Ok((Settings::default(), true));
    };
    let stored: Map<String, Value> = serde_json::from_str(&text).unwrap_or_default();
    let (mut settings, mut knows_trash) = (Settings::default(), false);
    for (name, value) in stored {
        let mut fields = serde_json::to_value(&settings).expect("settings are plain data");
        fields[&name] = value;
        let Ok(found) = serde_json::from_value(fields) else { continue };
        if check(&found).is_ok() {
            settings = found;
            knows_trash |= name == "trash_days";
        }
    }
    Ok((settings, knows_trash))
}

/// What the clock said when the library was opened at least a day ago, and takes note of `now` for the
/// days to come. None at first, and where the clock has gone back.
pub(crate) fn clock_before(library: &Library, now: Time) -> Result<Option<Time>, LibraryError> {
    let noted = library.setting(CLOCK)?.and_then(|text| text.parse::<Time>().ok());
    let before = noted.filter(|before| *before <= now);
    if before.is_none_or(|before| now - before >= DAY) {
        // A full disk keeps nobody from opening; the note is made another day.
        let _ = library.set_setting(CLOCK, &now.to_string());
    }
    Ok(before)
}

pub(crate) fn read_speeds(library: &Library) -> Result<Speeds, LibraryError> {
    let stored = library.setting(SPEEDS)?;
    // What another version wrote, and is not understood, is learnt anew.
    Ok(stored.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Keeps what was learnt. That it cannot be kept is no reason to say anything on the way out.
pub(crate) fn write_speeds(shared: &Shared) {
    if let Ok(text) = serde_json::to_string(&shared.easel.speeds()) {
        let _ = shared.write(|library| library.set_setting(SPEEDS, &text));
    }
}
