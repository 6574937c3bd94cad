//! The states that a day comes through, kept as they look in the real window.

use std::time::Duration;

use likeness_tests::program::Desk;
use likeness_tests::webdriver::key;
use likeness_tests::window::{Screen, Window, binary};
use serde_json::json;

use super::looks;

const SOON: Duration = Duration::from_secs(20);
const RENDERS: Duration = Duration::from_secs(180);
/// Edits that are asked for at most until one changes nothing.
const TRIES: usize = 5;
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
    run(&window, "a penguin on a beach", "6");
    looks::keep(&window, "state-survey");

    // What changed nothing says so. The guard keeps what an instruction leaves alone, and this one says nothing
    // that the starter draws; should some seed draw it all the same, another is tried.
    one(&window, "a red fox");
    let unchanged = (0..TRIES).any(|_| {
        let id = edit(&window, "turn it around");
        let detail = window.call("picture", json!({ "id": id })).expect("it is there");
        println!("{} of it changed", detail["changed"]);
        detail["changed"].as_f64() == Some(0.0)
    });
    assert!(
        unchanged,
        "each of {TRIES} times the starter turns a fox around, which it has not learnt"
    );
    window.wait_for("[data-region-note=unchanged]", SOON);
    looks::keep(&window, "state-unchanged");

    // What changed something is held beside what it came from.
    one(&window, "a red mug on a table");
    edit(&window, "make the mug blue");
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
    // What was to be changed before is no part of it.
    if let Some(cross) = window.find("#prompt-box [aria-label^='Remove ']") {
        window.click(&cross);
    }
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
    come(window, &before)
}

/// Changes the picture that is looked at by words: the id of what comes of it, when that is looked at.
fn edit(window: &Window, words: &str) -> String {
    let before = window.pictures();
    window.click(&window.wait_for("[data-region=picture] [data-action='picture.edit']", SOON));
    window.wait_for("#prompt-box img", SOON);
    let empty = format!("return document.querySelector(\"{PROMPT}\").value === ''");
    window.wait("the prompt to be ready for the words", SOON, || {
        (window.script(&empty, &[]) == Ok(json!(true))).then_some(())
    });
    window.write(words);
    window.press(&[key::CONTROL, key::ENTER]);
    come(window, &before)
}

fn come(window: &Window, before: &[String]) -> String {
    let id = window.wait("one more picture", RENDERS, || {
        window.pictures().into_iter().find(|id| !before.contains(id))
    });
    window.wait_to_show(&id);
    id
}
