//! How fast the real window is, with an empty library and with a full one.
//!
//! ```text
//! cargo run --release -p likeness-library --example fifty_thousand -- FOLDER --thumbnails
//! cargo build --release -p likeness-studio
//! LIKENESS_STUDIO_BINARY=target/release/likeness-studio \
//!     cargo run --release -p likeness-tests --example window -- FOLDER
//! ```
//!
//! The window runs on a screen that nobody sees, driven by WebKitWebDriver. "The toolkit" is from the
//! start of the program to the moment at which the web view begins to load the page: no line of ours in
//! the page has run, and the library opens beside it. "Interactive" is when the first screen is drawn
//! with all that it shows, and answers keys. Memory is what the window's processes hold together, shared
//! pages by their share (PSS). Commands are timed in the page: there, through the studio, and back.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use likeness_tests::program::Desk;
use likeness_tests::window::{Screen, Window, binary, children, missing};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);
/// Times that each window is opened, and each command called.
const STARTS: usize = 7;
const CALLS: usize = 25;

fn main() {
    if let Some(problem) = missing() {
        eprintln!("error: {problem}");
        std::process::exit(1);
    }
    let full = std::env::args_os().nth(1);
    println!("| what | library | middle | slowest |");
    println!("|---|---|---:|---:|");
    measure("empty", None);
    if let Some(folder) = &full {
        measure("50,000", Some(Path::new(folder)));
    }
}

/// Prints the lines of one library.
fn measure(name: &str, library: Option<&Path>) {
    let desk = Desk::new();
    if let Some(library) = library {
        let library = std::fs::canonicalize(library).expect("the library's folder is there");
        let place = desk.path("library");
        let _ = std::fs::remove_dir_all(&place);
        #[cfg(unix)]
        std::os::unix::fs::symlink(library, place).expect("the desk can be written to");
        #[cfg(not(unix))]
        unreachable!("the window is driven on Linux only");
    }
    let screen = Screen::new(&desk);
    let line = |what: &str, unit: &str, mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        let (middle, slowest) = (values[values.len() / 2], values[values.len() - 1]);
        println!("| {what} | {name} | {middle:.1} {unit} | {slowest:.1} {unit} |");
    };

    let (mut toolkit, mut page, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    // The first start warms the system's caches and is not counted.
    for start in 0..=STARTS {
        let begun = since_1970();
        let window = screen.open(binary(), &[]);
        let [origin, interactive] = window.wait("the window to be interactive", SOON, || {
            let marks = "const [mark] = performance.getEntriesByName('interactive'); \
                         return mark ? [performance.timeOrigin, mark.startTime] : null";
            let said = window.script(marks, &[]).ok()?;
            Some([said[0].as_f64()?, said[1].as_f64()?])
        });
        if start > 0 {
            toolkit.push(origin - begun);
            page.push(interactive);
            memory.push(held(window.process));
        }
        window.close();
    }
    line("the toolkit: program to page", "ms", toolkit);
    line("page to interactive", "ms", page);
    line("memory, first screen", "MB", memory);

    let window = screen.open(binary(), &[]);
    window.wait_for("[aria-label=Prompt]", SOON);
    if library.is_some() {
        let pictures = |filter: Value, after: Value| {
            let asked = json!({ "filter": filter, "after": after, "limit": 100 });
            timed(&window, "pictures", &asked)
        };
        for text in ["f", "fox", "watercolour fox beach", "take 4999"] {
            line(&format!("search `{text}`"), "ms", pictures(json!({ "text": text }), json!(null)));
        }
        let everything = json!({ "filter": {}, "after": null, "limit": 100 });
        let first = window.call("pictures", everything).expect("it answers");
        line("next page", "ms", pictures(json!({}), first["next"].clone()));
    }
    let request = json!({
        "request": {
            "prompt": "a red fox on a snowy beach, paper cut", "negative": null, "model": null,
            "references": [], "init": null, "mask": null, "seed": null, "noise_source": null,
            "steps": null, "guidance": null, "width": null, "height": null, "sampler": null,
            "schedule": null, "precision": null, "count": 1, "parents": [],
        },
        "place": "last", "interactive": true
    });
    window.call("queue_pause", json!({ "paused": true })).expect("it answers");
    let (sent, answered) = pressed(&window);
    line("a press to the request on its way", "ms", sent);
    line("a press to the page knowing that it is queued", "ms", answered);
    line("a render queued, and the answer", "ms", timed(&window, "render", &request));
    window.close();
}

/// Milliseconds that a command took, again and again.
fn timed(window: &Window, name: &str, arguments: &Value) -> Vec<f64> {
    let body = "const [name, given, times, done] = arguments; \
                (async () => { \
                    const took = []; \
                    for (let time = 0; time < times; time++) { \
                        const begun = performance.now(); \
                        await window.__TAURI_INTERNALS__.invoke('call', {name, arguments: given}); \
                        took.push(performance.now() - begun); \
                    } \
                    done(took); \
                })().catch((error) => done(String(error.message ?? error)))";
    let took = window.script_later(body, &[json!(name), arguments.clone(), json!(CALLS)]);
    numbers(&took.expect("the page answers"))
}

/// Milliseconds from the press of the keys that make a picture to the request, and to the answer that it
/// is in the queue, which the page reads after it has drawn what changes.
fn pressed(window: &Window) -> (Vec<f64>, Vec<f64>) {
    let field = window.wait_for("[aria-label=Prompt]", SOON);
    window.type_into(&field, "a red fox on a snowy beach, paper cut");
    // What the page asks of the studio goes through `fetch`.
    let body = "const [times, done] = arguments; \
                const fetch = window.fetch; \
                const read = (body) => typeof body === 'string' ? body : new TextDecoder().decode(body); \
                (async () => { \
                    const sent = [], took = []; \
                    for (let time = 0; time < times; time++) { \
                        let begun; \
                        const queued = new Promise((answered) => { \
                            window.fetch = (to, options) => { \
                                const now = performance.now(); \
                                const answer = fetch.call(window, to, options); \
                                if (options?.body && read(options.body).includes('\"name\":\"render\"')) { \
                                    sent.push(now - begun); \
                                    answer.then(answered, answered); \
                                } \
                                return answer; \
                            }; \
                        }); \
                        begun = performance.now(); \
                        document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { \
                            key: 'Enter', code: 'Enter', ctrlKey: true, bubbles: true, cancelable: true})); \
                        await queued; \
                        took.push(performance.now() - begun); \
                        await new Promise((later) => setTimeout(later, 100)); \
                    } \
                    done([sent, took]); \
                })().catch((error) => done(String(error))) \
                    .finally(() => { window.fetch = fetch; })";
    let said = window.script_later(body, &[json!(CALLS)]).expect("the page answers");
    (numbers(&said[0]), numbers(&said[1]))
}

fn numbers(answer: &Value) -> Vec<f64> {
    let list = answer.as_array().unwrap_or_else(|| panic!("the page says {answer}"));
    list.iter().filter_map(Value::as_f64).collect()
}

/// Megabytes that a process and all that it started hold.
fn held(process: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or_default();
    let kib: f64 =
        line.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_default();
    kib * 1024.0 / 1e6 + children(process).into_iter().map(held).sum::<f64>()
}

fn since_1970() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs_f64() * 1e3
}
