//! The states that a day comes through, kept as they look in the real window.

use std::time::Duration;

use likeness_tests::program::Desk;
use likeness_tests::webdriver::key;
use likeness_tests::window::{Screen, Window, binary};
use serde_json::json;

use super::looks;

const SOON: Duration = Duration::from_secs(20);
const RENDERS: Duration = Duration::from_secs(180);
const PROMPT: &str = "[aria-label=Prompt]";
const VIEWER: &str = "[data-region=viewer]";

#[test]
fn each_state_is_kept_as_it_looks() {
    if super::skip() {
        return;
    }
    let desk = Desk::new();
    let screen = Screen::new(&desk);
    let window = screen.open(binary(), &[]);
    let click = |selector: &str| window.click(&window.wait_for(selector, SOON));

    // A run of six, side by side: README's picture of the window is this one in dark, `state-survey-dark.png`.
    run(&window, "a lighthouse at sunset", "6");
    looks::keep(&window, "state-survey");

    // What changed nothing says so.
    let mug = one(&window, "a red mug on a table");
    edit(&window, "add a hat");
    window.wait_for("[data-region-note=unchanged]", RENDERS);
    looks::keep(&window, "state-unchanged");

    // What changed something is held beside what it came from.
    window.click(&window.wait_for(&format!("[data-region=filmstrip] [data-id='{mug}']"), SOON));
    window.wait_to_show(&mug);
    edit(&window, "make the mug blue");
    let changed = window.wait("the changed mug", RENDERS, || {
        let newest = window.pictures().into_iter().next()?;
        let detail = window.call("picture", json!({ "id": newest })).ok()?;
        (detail["recipe"]["prompt"] == "make the mug blue").then_some(newest)
    });
    window.wait_to_show(&changed);
    click("[data-action='middle.compare']");
    window.wait_for(&format!("{VIEWER} .side"), SOON);
    looks::keep(&window, "state-before-after");

    // Thirty alike that wait are one row, and what waits besides them another.
    window.call("queue_pause", json!({ "paused": true })).expect("it can wait");
    let waiting = |many: usize| {
        window.wait(&format!("{many} to wait"), SOON, || {
            let queue = window.call("queue", json!({})).ok()?;
            (queue["waiting"] == many).then_some(())
        });
    };
    ask(&window, "a fox in the snow, watercolour", "30");
    waiting(30);
    ask(&window, "a penguin in the snow", "1");
    waiting(31);
    click("[data-action='queue.open']");
    window.wait_for("[data-action='queue.run']", SOON);
    looks::keep(&window, "state-queue");
    click("[data-action='queue.open']");

    click("[data-action='view.library']");
    window.wait_for("[data-region=pictures] [data-pile]", SOON);
    looks::keep(&window, "state-library");
    click("[data-action='view.settings']");
    window.wait_for("[data-region=settings]", SOON);
    looks::keep(&window, "state-settings");
    click("[data-action='view.models']");
    window.wait_for("[data-region=model]", SOON);
    looks::keep(&window, "state-models");
    window.close();
}

/// Writes words and a number, as a person does, and asks for the pictures.
fn ask(window: &Window, words: &str, many: &str) {
    window.click(&window.wait_for(PROMPT, SOON));
    window.press(&[key::CONTROL, 'a']);
    window.write(words);
    window.tab_to("input[aria-label='How many']");
    window.press(&[key::CONTROL, 'a']);
    window.write(many);
    window.press(&[key::CONTROL, key::ENTER]);
}

/// Makes several and waits until they stand side by side.
fn run(window: &Window, words: &str, many: &str) {
    ask(window, words, many);
    let whole = "const all = [...document.querySelectorAll('[data-survey] img')]; \
                 return all.length === Number(arguments[0]) \
                     && all.every((one) => one.complete && one.naturalWidth > 0)";
    window.wait("them to stand side by side", RENDERS, || {
        (window.script(whole, &[json!(many)]) == Ok(json!(true))).then_some(())
    });
}

/// Makes one more: its id, when it is looked at.
fn one(window: &Window, words: &str) -> String {
    let before = window.pictures();
    ask(window, words, "1");
    let id = window.wait("one more picture", RENDERS, || {
        window.pictures().into_iter().find(|id| !before.contains(id))
    });
    window.wait_to_show(&id);
    id
}

/// Changes the picture that is looked at by words.
fn edit(window: &Window, words: &str) {
    window.click(&window.wait_for("[data-region=picture] [data-action='picture.edit']", SOON));
    window.wait_for("#prompt-box img", SOON);
    window.write(words);
    window.press(&[key::CONTROL, key::ENTER]);
}
