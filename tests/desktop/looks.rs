//! What the window looks like, kept to be looked at.

use std::time::Duration;

use likeness_tests::window::{Window, screenshots};
use serde_json::json;

const SOON: Duration = Duration::from_secs(20);
/// The design size, and the smallest that a window can have.
const SIZES: [(&str, u32, u32); 2] = [("", 1280, 800), ("-small", 960, 600)];

/// Keeps what is seen now, in both themes and at both sizes. Nothing is out of the window in any of them.
pub fn keep(window: &Window, name: &str) {
    let mut settings = window.call("settings", json!({})).expect("there are settings");
    let before = settings.clone();
    for theme in ["light", "dark"] {
        settings["theme"] = json!(theme);
        window.call("settings_set", settings.clone()).expect("a theme can be chosen");
        let shown = "return document.documentElement.dataset.theme";
        window.wait(&format!("the {theme} theme"), SOON, || {
            (window.script(shown, &[]) == Ok(json!(theme))).then_some(())
        });
        for (size, width, height) in SIZES {
            window.resize(width, height);
            settled(window);
            window.screenshot(&screenshots().join(format!("{name}-{theme}{size}.png")));
            assert_fits(window, &format!("{name}, {theme}, {width}×{height}"));
        }
        let (_, width, height) = SIZES[0];
        window.resize(width, height);
    }
    window.call("settings_set", before).expect("a theme can be chosen");
}

/// Pictures are there and nothing moves any more.
fn settled(window: &Window) {
    let still = "return document.getAnimations().every((one) => one.playState !== 'running' \
                     || one.effect.getComputedTiming().iterations === Infinity) \
                 && [...document.images].every((one) => one.complete)";
    window.wait("the window to come to rest", SOON, || {
        (window.script(still, &[]) == Ok(json!(true))).then_some(())
    });
}

/// Nothing is wider than the window, and no dialog is higher.
fn assert_fits(window: &Window, state: &str) {
    let body = "const within = (one) => { const at = one.getBoundingClientRect(); return at.left >= 0 \
                    && at.top >= 0 && at.right <= innerWidth && at.bottom <= innerHeight; }; \
                return document.documentElement.scrollWidth <= innerWidth \
                    && [...document.querySelectorAll('dialog[open]')].every(within)";
    assert_eq!(window.script(body, &[]), Ok(json!(true)), "something leaves the window: {state}");
}
