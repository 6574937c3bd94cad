//! The whole loop in the real window: ten ideas, seen side by side, some thrown out, one picked and changed, and
//! handed over in the pixels that were asked for; by keyboard alone, and by mouse alone but for the words.

use std::path::{Path, PathBuf};
use std::time::Duration;

use likeness_tests::program::Desk;
use likeness_tests::webdriver::key;
use likeness_tests::window::{Screen, Window, binary};
use serde_json::{Value, json};

use super::looks;

const SOON: Duration = Duration::from_secs(20);
/// Ten pictures, or one of many times the pixels, on a busy machine.
const RENDERS: Duration = Duration::from_secs(180);

const PROMPT: &str = "[aria-label=Prompt]";
const HOW_MANY: &str = "input[aria-label='How many']";
const MAKE: &str = "[data-action='create.run']";
const DIALOG: &str = "dialog[open]";
const EXPORT: &str = "dialog[open] [data-action='library.export_confirm']";
/// What the test answers where the window asks for a folder.
const FOLDER: &str = "LIKENESS_TEST_FOLDER";

const IDEA: &str = "a red mug on a table";
const CHANGE: &str = "make the mug blue";
/// Of the nine that are seen at once, the one that is kept and those that are not, as they are numbered there.
const PICKED: usize = 3;
const REJECTED: [usize; 2] = [5, 7];

#[test]
fn the_whole_loop_by_keyboard_alone() {
    let Some(desk) = desk() else { return };
    let screen = Screen::with(&desk, &[(FOLDER, &text(&desk.path("handed-over")))]);
    let window = screen.open(binary(), &[]);
    window.wait_for(PROMPT, SOON);
    window.wait("the prompt to have the focus", SOON, || focused(&window, PROMPT).then_some(()));
    looks::keep(&window, "loop-first");

    // Ten ideas.
    window.write(IDEA);
    window.tab_to(HOW_MANY);
    window.press(&[key::CONTROL, 'a']);
    window.write("10");
    window.press(&[key::CONTROL, key::ENTER]);
    let ids = surveyed(&window);
    assert!(focused(&window, PROMPT), "after Make one goes on writing");
    assert_eq!(value(&window), IDEA, "and nothing else was written on the way");
    looks::keep(&window, "loop-survey");

    // Esc leads to the pictures, where keys are about them.
    window.press(&[key::ESCAPE]);
    look(&window, &ids, PICKED);
    window.press(&['p']);
    rated(&window, &ids[PICKED - 1], 1);
    for (n, place) in REJECTED.into_iter().enumerate() {
        look(&window, &ids, place);
        window.press(&['x']);
        outs(&window, n + 1);
    }
    looks::keep(&window, "loop-rejected");
    window.press(&[key::SHIFT, key::DELETE]);
    let left = thrown_out(&window, &ids);

    // The pick is changed.
    look(&window, &left, PICKED);
    window.press(&['e']);
    begun(&window);
    window.write(CHANGE);
    window.press(&[key::CONTROL, key::ENTER]);
    let changed = changed(&window, &ids);

    // And handed over.
    window.press(&[key::F6]);
    assert!(!focused(&window, PROMPT), "F6 leads out of the prompt");
    window.press(&[key::CONTROL, key::SHIFT, 'e']);
    window.wait_for(EXPORT, SOON);
    window.wait("the button to have the focus", SOON, || focused(&window, EXPORT).then_some(()));
    let size = format!("#{}", field(&window, "Size"));
    window.tab_to(&size);
    // Its first letter, until the second of those that have it: each press is waited for, since a busy window
    // may take two for one. A space would open the system's own list, in which people go on by arrows and
    // which no driver reaches.
    let chosen = || script(&window, "return document.querySelector(arguments[0]).value", &size);
    for _ in 0..4 {
        let before = chosen();
        if before == json!("feed-portrait") {
            break;
        }
        window.write("f");
        window.wait("another size", SOON, || (chosen() != before).then_some(()));
    }
    planned(&window);
    looks::keep(&window, "loop-deliver");
    window.tab_to(EXPORT);
    window.press(&[key::ENTER]);
    handed_over(&window, &desk, &changed);
    window.close();
}

#[test]
fn the_whole_loop_by_mouse_alone_but_for_the_words() {
    let Some(desk) = desk() else { return };
    let screen = Screen::with(&desk, &[(FOLDER, &text(&desk.path("handed-over")))]);
    let window = screen.open(binary(), &[]);
    let click = |selector: &str| window.click(&window.wait_for(selector, SOON));

    // Ten ideas.
    click(PROMPT);
    window.write(IDEA);
    for more in 2..=10 {
        click("[aria-label='One more']");
        let shown =
            || script(&window, "return document.querySelector(arguments[0]).value", HOW_MANY);
        window.wait("one more to be asked for", SOON, || {
            (shown() == json!(more.to_string())).then_some(())
        });
    }
    click(MAKE);
    let ids = surveyed(&window);
    assert!(focused(&window, PROMPT), "after Make the words that are written are the prompt's");

    // One is picked and some are thrown out, by what stands below each.
    let mark = |place: usize, name: &str| {
        let id = &ids[place - 1];
        click(&format!("[data-survey='{id}'] button.picture"));
        here(&window, id);
        click(&format!("[data-survey='{id}'] [aria-label='{name}']"));
    };
    mark(PICKED, "Pick");
    rated(&window, &ids[PICKED - 1], 1);
    for (n, place) in REJECTED.into_iter().enumerate() {
        mark(place, "Reject");
        outs(&window, n + 1);
    }
    click("[data-action='survey.trash']");
    let left = thrown_out(&window, &ids);

    // The pick is changed.
    let pick = &left[PICKED - 1];
    click(&format!("[data-survey='{pick}'] button.picture"));
    here(&window, pick);
    click("[data-region=picture] [data-action='picture.edit']");
    begun(&window);
    window.write(CHANGE);
    click(MAKE);
    let changed = changed(&window, &ids);

    // And handed over.
    click("[data-region=picture] [data-action='picture.deliver']");
    let size = field(&window, "Size");
    click(&format!("#{size} option[value='feed-portrait']"));
    planned(&window);
    click(EXPORT);
    handed_over(&window, &desk, &changed);
    window.close();
}

/// Somebody who is asked for a folder and changes their mind has handed nothing over, and is told nothing else.
#[test]
fn nothing_is_handed_over_without_a_folder() {
    let Some(desk) = desk() else { return };
    let screen = Screen::with(&desk, &[(FOLDER, "")]);
    let window = screen.open(binary(), &[]);
    window.make_picture(IDEA);
    let before = desk.files().len();
    window.press(&[key::CONTROL, key::SHIFT, 'e']);
    window.click(&window.wait_for(EXPORT, SOON));
    window.wait("the button to be there for another try", SOON, || {
        (script(&window, "return document.querySelector(arguments[0])?.disabled", EXPORT)
            == json!(false))
        .then_some(())
    });
    assert!(window.find(DIALOG).is_some(), "the dialog stays, with what was chosen in it");
    assert!(
        !toasts(&window).contains("exported"),
        "what was not done is not said: {}",
        toasts(&window)
    );
    let pictures = |files: &[PathBuf]| {
        files.iter().filter(|one| one.extension().is_some_and(|it| it == "png")).count()
    };
    let files: Vec<PathBuf> = desk.files().into_iter().collect();
    assert_eq!(pictures(&files), 1, "{before} files before, now {files:?}");
    window.close();
}

/// A desk with a folder for what is handed over; none where no window can be driven, or where it asks a person.
fn desk() -> Option<Desk> {
    if super::skip() {
        return None;
    }
    let program = std::fs::read(binary()).expect("the program can be read");
    if !program.windows(FOLDER.len()).any(|some| some == FOLDER.as_bytes()) {
        println!(
            "skipped: only a program for tests takes the answer of a dialog from its environment"
        );
        return None;
    }
    let desk = Desk::new();
    std::fs::create_dir(desk.path("handed-over")).expect("the desk can be written to");
    Some(desk)
}

fn text(path: &Path) -> String {
    path.to_str().expect("temporary folders have plain names").to_owned()
}

/// The value of a function body of one argument.
#[track_caller]
fn script(window: &Window, body: &str, argument: &str) -> Value {
    window.script(body, &[json!(argument)]).expect("the page answers")
}

fn focused(window: &Window, selector: &str) -> bool {
    script(window, "return Boolean(document.activeElement?.matches(arguments[0]))", selector)
        == json!(true)
}

/// What is written in the prompt.
fn value(window: &Window) -> Value {
    script(window, "return document.querySelector(arguments[0]).value", PROMPT)
}

/// The pictures that are seen side by side, in their order.
fn side_by_side(window: &Window) -> Vec<String> {
    let body =
        "return [...document.querySelectorAll(arguments[0])].map((one) => one.dataset.survey)";
    let list = script(window, body, "[data-survey]");
    let list = list.as_array().cloned().unwrap_or_default();
    list.iter().filter_map(|id| Some(id.as_str()?.to_owned())).collect()
}

/// Waits for the ten, and until all that are seen of them stand there as pictures: nine, for nine can still be
/// told apart.
fn surveyed(window: &Window) -> Vec<String> {
    window.wait("ten pictures", RENDERS, || (window.pictures().len() == 10).then_some(()));
    let whole = "const all = [...document.querySelectorAll(arguments[0])]; \
                 return all.length === 9 && all.every((one) => one.complete && one.naturalWidth > 0)";
    window.wait("nine of them side by side", SOON, || {
        (script(window, whole, "[data-survey] img") == json!(true)).then_some(())
    });
    let sizes = "return new Set([...document.querySelectorAll(arguments[0])] \
                 .map((one) => one.clientWidth + '×' + one.clientHeight)).size";
    assert_eq!(script(window, sizes, "[data-survey] .picture"), json!(1), "all are of one size");
    let ids = side_by_side(window);
    assert_eq!(ids.len(), 9, "each has its place");
    ids
}

/// Looks at the picture with this number, by key.
fn look(window: &Window, ids: &[String], place: usize) {
    // Pressed again it would be looked at closely.
    if !is_here(window, &ids[place - 1]) {
        window.press(&[
            char::from_digit(u32::try_from(place).expect("below ten"), 10).expect("below ten")
        ]);
    }
    here(window, &ids[place - 1]);
}

fn is_here(window: &Window, id: &str) -> bool {
    window.find(&format!("[data-survey='{id}'].here")).is_some()
}

/// Waits until a picture is the one that is looked at.
fn here(window: &Window, id: &str) {
    window.wait("the picture to be looked at", SOON, || is_here(window, id).then_some(()));
}

/// Waits until a picture has so many stars.
fn rated(window: &Window, id: &str, stars: u64) {
    window
        .wait("the pick to be kept", SOON, || (card(window, id)["rating"] == stars).then_some(()));
}

/// Waits until so many are marked as rejected; none of them is gone for that.
fn outs(window: &Window, many: usize) {
    let count = "return document.querySelectorAll(arguments[0]).length";
    window.wait(&format!("{many} to be rejected"), SOON, || {
        (script(window, count, "[data-survey].out") == json!(many)).then_some(())
    });
    assert_eq!(window.pictures().len(), 10, "rejecting throws nothing out");
}

/// Waits until those that were rejected are in the trash, and they alone: what is seen then, the tenth among it.
fn thrown_out(window: &Window, ids: &[String]) -> Vec<String> {
    let gone: Vec<&String> = REJECTED.iter().map(|place| &ids[place - 1]).collect();
    let left = window.wait("the others to be left", SOON, || {
        let left = side_by_side(window);
        (left.len() == 8 && gone.iter().all(|id| !left.contains(id))).then_some(left)
    });
    assert_eq!(left[PICKED - 1], ids[PICKED - 1], "what stands before them keeps its place");
    for id in gone {
        assert_ne!(
            card(window, id)["trashed_at"],
            json!(null),
            "it can come back out of the trash"
        );
    }
    assert_eq!(window.pictures().len(), 8, "nothing else went");
    left
}

/// Waits until a picture is there to be changed, with no words yet.
fn begun(window: &Window) {
    window.wait_for("#prompt-box img", SOON);
    window.wait("the prompt to be ready for the words", SOON, || {
        (focused(window, PROMPT) && value(window) == json!("")).then_some(())
    });
}

/// Waits for what the change made of the picked one, which is then looked at.
fn changed(window: &Window, ids: &[String]) -> String {
    let source = &ids[PICKED - 1];
    let id = window.wait("the changed picture", RENDERS, || {
        let all = window.pictures();
        all.iter().find(|id| parents(window, id).contains(source)).cloned()
    });
    window.wait_to_show(&id);
    assert_eq!(window.pictures().len(), 9, "one was changed, however many ideas there were before");
    let detail = detail(window, &id);
    assert_eq!(detail["recipe"]["prompt"], CHANGE);
    assert!(detail["changed"].as_f64() > Some(0.0), "and it did change: {}", detail["changed"]);
    assert!(
        window.find("[data-region-note=unchanged]").is_none(),
        "nor is it said that it did not"
    );
    id
}

/// The id of the field of the dialog that has this label.
fn field(window: &Window, label: &str) -> String {
    let body = "return [...document.querySelectorAll('dialog[open] label')] \
                .find((one) => one.textContent.trim() === arguments[0])?.htmlFor ?? null";
    let id = window.wait(&format!("the field {label}"), SOON, || {
        Some(script(window, body, label).as_str()?.to_owned())
    });
    assert!(!id.is_empty(), "the label is that of a field");
    id
}

/// Waits until it is said what will be done for the size that was asked for.
fn planned(window: &Window) {
    let says = "return document.querySelector(arguments[0])?.innerText ?? ''";
    window.wait("the way to 1080 × 1350", SOON, || {
        let said = script(window, says, "[data-deliver=says]");
        let said = said.as_str().unwrap_or_default();
        (said.contains("Exactly 1080 × 1350 pixels") && said.contains("Enlarge")).then_some(())
    });
}

/// Waits until the dialog is done: one file lies in the folder, in exactly these pixels, and its name gives
/// nothing of the prompt away.
fn handed_over(window: &Window, desk: &Desk, id: &str) {
    window.wait("the dialog to be done", RENDERS, || window.find(DIALOG).is_none().then_some(()));
    window.wait("it to be said", SOON, || {
        toasts(window).contains("1 picture exported").then_some(())
    });
    let folder = std::fs::read_dir(desk.path("handed-over")).expect("the folder is there");
    let files: Vec<PathBuf> = folder.map(|entry| entry.expect("it can be read").path()).collect();
    let [file] = &files[..] else { panic!("one file was asked for, not {files:?}") };
    let bytes = std::fs::read(file).expect("it can be read");
    assert!(bytes.starts_with(b"\x89PNG"), "it is in the format of the picture");
    let picture = image::load_from_memory(&bytes).expect("it is whole");
    assert_eq!((picture.width(), picture.height()), (1080, 1350));
    let name = file.file_name().expect("it has a name").to_string_lossy().to_lowercase();
    let words = IDEA.split(' ').chain(CHANGE.split(' ')).filter(|word| word.len() > 2);
    for word in words {
        assert!(!name.contains(word), "{name} tells of {word:?}");
    }
    assert_eq!(window.pictures().len(), 9, "a copy for others is no picture of the library");
    assert_eq!(card(window, id)["width"], 128, "and the picture itself is as it was");
}

/// What is said at the bottom left.
fn toasts(window: &Window) -> String {
    let body =
        "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText).join(' ')";
    script(window, body, ".toast, [role=status], [role=alert]")
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn detail(window: &Window, id: &str) -> Value {
    window.call("picture", json!({ "id": id })).expect("the picture is there")
}

fn card(window: &Window, id: &str) -> Value {
    detail(window, id)["card"].clone()
}

fn parents(window: &Window, id: &str) -> Vec<String> {
    let detail = detail(window, id);
    let all = detail["parents"].as_array().cloned().unwrap_or_default();
    all.iter().filter_map(|one| Some(one["id"].as_str()?.to_owned())).collect()
}
