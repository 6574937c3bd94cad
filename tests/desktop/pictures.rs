//! Picture files as the page gets them: by id, to keep for good, and nothing else of the disk.

use likeness_tests::program::Desk;
use likeness_tests::window::{Screen, Window, binary};
use serde_json::{Value, json};

#[test]
fn pictures_are_served_by_their_id_alone() {
    if super::skip() {
        return;
    }
    let desk = Desk::new();
    let screen = Screen::new(&desk);
    let window = screen.open(binary(), &[]);
    let id = window.make_picture("a fox");

    let whole = fetch(&window, &format!("picture/{id}"));
    assert_eq!(whole["status"], 200, "{whole}");
    assert_eq!(whole["type"], "image/png");
    assert!(whole["bytes"].as_u64() > Some(100), "{whole}");
    let cached = whole["cache"].as_str().unwrap_or_default();
    assert!(cached.contains("immutable"), "{whole}");
    for size in [128, 320, 768] {
        let small = fetch(&window, &format!("thumb/{size}/{id}"));
        assert_eq!(
            (&small["status"], &small["type"]),
            (&json!(200), &json!("image/webp")),
            "{small}"
        );
    }

    let nobody = "0".repeat(64);
    for path in [
        format!("picture/{nobody}"),
        format!("thumb/64/{id}"),
        format!("picture/{id}/.."),
        "picture/..%2F..%2Flibrary.sqlite".to_owned(),
        "library.sqlite".to_owned(),
        String::new(),
    ] {
        let answer = fetch(&window, &path);
        assert_eq!((&answer["status"], &answer["bytes"]), (&json!(404), &json!(0)), "{path}");
    }
    window.close();
}

/// The window's content policy keeps the page from everything but itself and its pictures.
#[test]
fn the_page_reaches_nothing_else() {
    if super::skip() {
        return;
    }
    let desk = Desk::new();
    let screen = Screen::new(&desk);
    let window = screen.open(binary(), &[]);
    window.wait_for("[aria-label=Prompt]", std::time::Duration::from_secs(30));
    let tries = "const done = arguments[0]; const blocked = []; \
                 document.addEventListener('securitypolicyviolation', \
                    (event) => blocked.push(event.effectiveDirective)); \
                 const image = new Image(); image.src = 'http://127.0.0.1:9/a.png'; \
                 const script = document.createElement('script'); script.textContent = '1'; \
                 document.head.append(script); \
                 fetch('http://127.0.0.1:9/').catch(() => 0) \
                    .then(() => setTimeout(() => done(blocked), 300))";
    let blocked = window.script_later(tries, &[]).expect("the page answers");
    let blocked = blocked.to_string();
    for directive in ["img-src", "script-src", "connect-src"] {
        assert!(blocked.contains(directive), "{directive} is not held: {blocked}");
    }
    // Commands that the capabilities do not name are refused, plugins' among them.
    for (name, arguments) in [
        ("plugin:dialog|open", json!({"options": {}})),
        ("plugin:window|destroy", json!({"label": "main"})),
        ("plugin:path|resolve_directory", json!({"directory": 1})),
        ("plugin:event|emit", json!({"event": "likeness://event", "payload": null})),
    ] {
        assert!(window.invoke(name, &arguments).is_err(), "{name} is allowed");
    }
    window.close();
}

fn fetch(window: &Window, path: &str) -> Value {
    let body = "const [path, done] = arguments; \
                fetch('likeness://localhost/' + path, { cache: 'no-store' }).then( \
                    async (answer) => done({ \
                        status: answer.status, type: answer.headers.get('content-type'), \
                        cache: answer.headers.get('cache-control'), \
                        bytes: (await answer.arrayBuffer()).byteLength }), \
                    (error) => done({ error: String(error) }))";
    window.script_later(body, &[json!(path)]).expect("the page answers")
}
