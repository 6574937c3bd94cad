//! A day with Likeness, and the next morning.

use std::time::{Duration, Instant};

use likeness_tests::program::Desk;
use likeness_tests::webdriver::key;
use likeness_tests::window::{Screen, Window, binary, screenshots};
use serde_json::json;

/// Over and over with `--long`: what happens one time in ten happens to people.
const RUNS: usize = if cfg!(feature = "long") { 10 } else { 1 };
const SOON: Duration = Duration::from_secs(20);

const LIBRARY: &str = "[data-action='view.library']";
const STAR: &str = "[data-region=picture] [data-rate='1']";
const SEARCH: &str = "[aria-label=Search]";
/// A picture in the library's grid.
const CELL: &str = "[role=listbox] [role=option]";

#[test]
fn a_picture_is_made_starred_found_and_there_the_next_morning() {
    if super::skip() {
        return;
    }
    for run in 1..=RUNS {
        let start = Instant::now();
        a_day();
        println!("run {run} of {RUNS}: {:.1} s", start.elapsed().as_secs_f64());
    }
}

fn a_day() {
    let desk = Desk::new();
    let screen = Screen::new(&desk);
    let (program, start) = (binary(), Instant::now());
    let window = screen.open(program, &[]);
    window.wait_for("[aria-label=Prompt]", SOON);
    println!("from the driver's start of the program to the prompt: {:?}", start.elapsed());
    picture_of(&window, "first");
    let id = window.make_picture("a red fox on a snowy beach, paper cut");
    picture_of(&window, "made");
    window.click(&window.wait_for(STAR, SOON));
    window.wait("the star to be kept", SOON, || star_of(&window, &id).then_some(()));
    assert_fits(&window);
    let changed = changed_where_painted(&window, &id);
    picture_of(&window, "changed");
    let larger = enlarged(&window, &changed);
    picture_of(&window, "enlarged");
    find(&window, "fox", 3);
    picture_of(&window, "library");
    find(&window, "zebra", 0);
    picture_of(&window, "nothing-found");
    window.close();

    let window = screen.open(binary(), &[]);
    window.wait_for("[aria-label=Prompt]", SOON);
    let all = [&larger, &changed, &id].map(String::as_str);
    assert_eq!(window.pictures(), all, "the pictures are there the next morning");
    assert!(star_of(&window, &id), "and so is the star");
    find(&window, "fox", 3);
    picture_of(&window, "next-morning");
    let queue = window.call("queue", json!({})).expect("there is a queue");
    assert_eq!(queue["paused"], false, "a window that was closed has nothing to excuse");
    window.close();
}

/// Paints over the middle of the picture that is looked at, and has it made anew there: the id of what comes
/// of it, which is then looked at.
fn changed_where_painted(window: &Window, id: &str) -> String {
    // Out of the prompt, where it would be written.
    window.click(&window.wait_for("[data-region=viewer]", SOON));
    window.press(&['m']);
    let picture = window.wait_for("[data-region=viewer] .pad", SOON);
    window.drag(&picture, (-60, 0), (60, 0));
    picture_of(window, "painting");
    window.click(&window.wait_for("[data-action='mask.done']", SOON));
    window.wait_for("[aria-label='Only where painted']", SOON);
    window.press(&[key::CONTROL, key::ENTER]);
    let changed = window
        .wait("what was painted", SOON, || window.pictures().into_iter().find(|one| one != id));
    window.wait_to_show(&changed);
    let detail = window.call("picture", json!({"id": changed})).expect("it is there");
    assert_eq!(detail["parents"][0]["id"], id);
    let recipe = &detail["recipe"];
    assert_eq!(recipe["init"]["asset"], id);
    assert_ne!(recipe["mask"], json!(null));
    changed
}

/// Makes the picture that is looked at four times as large: the id of what comes of it, which is then
/// looked at.
fn enlarged(window: &Window, id: &str) -> String {
    // Out of the prompt, where it would be written.
    window.click(&window.wait_for("[data-region=viewer]", SOON));
    window.press(&['u']);
    let before = window.pictures();
    let larger = window.wait("the larger picture", SOON, || {
        window.pictures().into_iter().find(|one| !before.contains(one))
    });
    let width = |id: &str| {
        window.call("picture", json!({"id": id})).expect("it is there")["card"]["width"].as_u64()
    };
    assert_eq!(width(&larger), width(id).map(|small| small * 4));
    window.wait_to_show(&larger);
    larger
}

/// Nothing is wider than the window.
fn assert_fits(window: &Window) {
    let body = "return document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(window.script(body, &[]), Ok(json!(true)), "the page is wider than the window");
}

/// Searches the library, and waits until the grid shows so many pictures.
fn find(window: &Window, words: &str, pictures: usize) {
    window.click(&window.wait_for(LIBRARY, SOON));
    let search = window.wait_for(SEARCH, SOON);
    window.click(&search);
    window.press(&[key::CONTROL, 'a']);
    window.type_into(&search, words);
    let body = "return document.querySelectorAll(arguments[0]).length";
    window.wait(&format!("{pictures} pictures of {words:?}"), SOON, || {
        (window.script(body, &[json!(CELL)]) == Ok(json!(pictures))).then_some(())
    });
    let loaded = "return [...document.querySelectorAll(arguments[0] + ' img')] \
                  .every((one) => one.complete && one.naturalWidth)";
    window.wait("their thumbnails to be shown", SOON, || {
        (window.script(loaded, &[json!(CELL)]) == Ok(json!(true))).then_some(())
    });
}

fn star_of(window: &Window, id: &str) -> bool {
    let detail = window.call("picture", json!({"id": id})).expect("the picture is there");
    detail["card"]["rating"] == 1
}

/// What the window looks like in both themes, and at its smallest.
fn picture_of(window: &Window, name: &str) {
    let mut settings = window.call("settings", json!({})).expect("there are settings");
    let before = settings.clone();
    for theme in ["light", "dark"] {
        settings["theme"] = json!(theme);
        window.call("settings_set", settings.clone()).expect("a theme can be chosen");
        let shown = "return document.documentElement.dataset.theme";
        window.wait(&format!("the {theme} theme"), SOON, || {
            (window.script(shown, &[]) == Ok(json!(theme))).then_some(())
        });
        window.screenshot(&screenshots().join(format!("{name}-{theme}.png")));
    }
    window.resize(960, 600);
    window.screenshot(&screenshots().join(format!("{name}-small.png")));
    window.resize(1280, 800);
    window.call("settings_set", before).expect("a theme can be chosen");
}
