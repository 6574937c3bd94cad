//! A WebDriver session over plain HTTP, as much of it as the window's tests need.
//!
//! Requests are written by hand: a client from a registry would bring a network stack into a
//! workspace whose promise is to have none. Every request has a time limit, and the session is
//! deleted however the test ends.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long the driver may take for one answer. Opening the window is the slowest of them.
const REQUEST: Duration = Duration::from_secs(60);
/// The name under which the protocol hands over elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// A page has fewer places than that where the focus can be.
const MOST_TABS: usize = 80;
/// Answers are small but for screenshots.
const LARGEST_ANSWER: usize = 64 << 20;

/// Keys that have no character, by WebDriver's code points.
pub mod key {
    #![allow(missing_docs)]
    pub const CONTROL: char = '\u{E009}';
    pub const SHIFT: char = '\u{E008}';
    pub const ALT: char = '\u{E00A}';
    pub const ENTER: char = '\u{E007}';
    pub const ESCAPE: char = '\u{E00C}';
    pub const TAB: char = '\u{E004}';
    pub const DELETE: char = '\u{E017}';
    pub const F6: char = '\u{E036}';
}

/// An open page.
pub struct Session {
    port: u16,
    id: String,
}

/// A part of the page.
#[derive(Debug, Clone)]
pub struct Element(String);

impl Session {
    /// Has the driver at `port` start `program` and attach to its page.
    pub fn open(port: u16, program: &Path, arguments: &[&str]) -> Result<Self, String> {
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "webkitgtk:browserOptions": {"binary": program, "args": arguments},
            "timeouts": {"script": 30_000, "pageLoad": 30_000, "implicit": 0},
        }}});
        let answer = request(port, "POST", "/session", Some(&wanted))?;
        let id = answer["sessionId"].as_str().ok_or("the driver names no session")?;
        Ok(Self { port, id: id.to_owned() })
    }

    /// The first part of the page that a CSS selector names, if there is one.
    pub fn find(&self, selector: &str) -> Option<Element> {
        let found =
            self.post("/element", &json!({"using": "css selector", "value": selector})).ok()?;
        Some(Element(found[ELEMENT].as_str()?.to_owned()))
    }

    /// Waits until the page has what `selector` names, and can be seen.
    pub fn wait_for(&self, selector: &str, limit: Duration) -> Element {
        self.wait(&format!("{selector} to be shown"), limit, || {
            let element = self.find(selector)?;
            (self.get(&format!("/element/{}/displayed", element.0)) == Ok(json!(true)))
                .then_some(element)
        })
    }

    /// Asks again until there is an answer. What is waited for names the test's failure.
    pub fn wait<T>(&self, what: &str, limit: Duration, ask: impl Fn() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            if start.elapsed() > limit {
                let page = self.script("return document.body.innerText", &[]);
                panic!("waited {limit:?} for {what}; the page says: {page:?}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Clicks with the real pointer.
    pub fn click(&self, element: &Element) {
        self.post(&format!("/element/{}/click", element.0), &json!({})).expect("it can be clicked");
    }

    /// Types into a part of the page.
    pub fn type_into(&self, element: &Element, text: &str) {
        self.post(&format!("/element/{}/value", element.0), &json!({"text": text}))
            .expect("it can be typed into");
    }

    /// Presses keys together, as `[key::CONTROL, 'k']`, wherever the focus is.
    pub fn press(&self, keys: &[char]) {
        let event = |kind: &str, key: &char| json!({"type": kind, "value": key.to_string()});
        let down = keys.iter().map(|key| event("keyDown", key));
        let up = keys.iter().rev().map(|key| event("keyUp", key));
        let actions: Vec<Value> = down.chain(up).collect();
        let source = json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]});
        self.post("/actions", &source).expect("keys can be pressed");
    }

    /// Writes key by key, wherever the focus is.
    pub fn write(&self, text: &str) {
        for letter in text.chars() {
            self.press(&[letter]);
        }
    }

    /// Goes on by Tab until the focus is on what a CSS selector names, as somebody without a mouse does.
    pub fn tab_to(&self, selector: &str) {
        let there = "return Boolean(document.activeElement?.matches(arguments[0]))";
        for _ in 0..MOST_TABS {
            if self.script(there, &[json!(selector)]) == Ok(json!(true)) {
                return;
            }
            self.press(&[key::TAB]);
        }
        let at = self.script("return document.activeElement?.outerHTML.slice(0, 300)", &[]);
        panic!("{MOST_TABS} times Tab do not lead to {selector}; the focus is at {at:?}");
    }

    /// Draws a line with the button held, between two places that are told in pixels from an element's middle.
    pub fn drag(&self, element: &Element, from: (i32, i32), to: (i32, i32)) {
        let origin = json!({ELEMENT: element.0});
        let go = |(x, y): (i32, i32), duration| json!({"type": "pointerMove", "duration": duration, "x": x, "y": y, "origin": origin});
        let source = json!({"actions": [{"type": "pointer", "id": "mouse", "actions": [
            go(from, 0),
            {"type": "pointerDown", "button": 0},
            go(to, 200),
            {"type": "pointerUp", "button": 0},
        ]}]});
        self.post("/actions", &source).expect("a line can be drawn");
    }

    /// Moves the pointer over a part of the page.
    pub fn hover(&self, element: &Element) {
        let origin = json!({ELEMENT: element.0});
        let source = json!({"actions": [{"type": "pointer", "id": "mouse", "actions": [
            {"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": origin},
        ]}]});
        self.post("/actions", &source).expect("the pointer can be moved");
    }

    /// Gives the window another size, in pixels, and waits for it.
    pub fn resize(&self, width: u32, height: u32) {
        let rect = json!({"width": width, "height": height});
        self.post("/window/rect", &rect).expect("the window can be resized");
        let body = "return innerWidth === arguments[0] && innerHeight === arguments[1]";
        self.wait(&format!("{width}×{height}"), Duration::from_secs(10), || {
            (self.script(body, &[json!(width), json!(height)]) == Ok(json!(true))).then_some(())
        });
    }

    /// The value of a function body run in the page; `arguments` are its arguments.
    pub fn script(&self, body: &str, arguments: &[Value]) -> Result<Value, String> {
        self.post("/execute/sync", &json!({"script": body, "args": arguments}))
    }

    /// The same for a body that hands its value to a callback, its last argument, later.
    pub fn script_later(&self, body: &str, arguments: &[Value]) -> Result<Value, String> {
        self.post("/execute/async", &json!({"script": body, "args": arguments}))
    }

    /// The text of a part of the page, as it is shown.
    pub fn text(&self, element: &Element) -> String {
        let text = self.get(&format!("/element/{}/text", element.0)).unwrap_or_default();
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Writes what the page looks like to a PNG file.
    pub fn screenshot(&self, path: &Path) {
        // The page may know more than it has painted yet: two frames later it is on the screen.
        let frames = "const [done] = arguments; \
                      requestAnimationFrame(() => requestAnimationFrame(() => done(1)))";
        self.script_later(frames, &[]).expect("the page is painted");
        let encoded = self.get("/screenshot").expect("a screenshot can be taken");
        let bytes = from_base64(encoded.as_str().unwrap_or_default());
        assert!(bytes.starts_with(b"\x89PNG"), "a screenshot is a PNG");
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).expect("build output can be written");
        }
        std::fs::write(path, bytes).expect("build output can be written");
    }

    fn get(&self, path: &str) -> Result<Value, String> {
        request(self.port, "GET", &format!("/session/{}{path}", self.id), None)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        request(self.port, "POST", &format!("/session/{}{path}", self.id), Some(body))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = request(self.port, "DELETE", &format!("/session/{}", self.id), None);
    }
}

/// Whether a driver listens at this port.
pub fn is_ready(port: u16) -> bool {
    request(port, "GET", "/status", None).is_ok_and(|status| status["ready"] != json!(false))
}

/// One request; what the answer holds under `value`.
fn request(port: u16, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
    let asked = format!("{method} {path}");
    let explain = |error: std::io::Error| format!("{asked}: {error}");
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut head = format!("{asked} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n");
    if method == "POST" {
        let length = body.len();
        let _ = write!(head, "Content-Type: application/json\r\nContent-Length: {length}\r\n");
    }
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(explain)?;
    stream.set_read_timeout(Some(REQUEST)).map_err(explain)?;
    stream.set_write_timeout(Some(REQUEST)).map_err(explain)?;
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).map_err(explain)?;

    let mut reader = BufReader::new(stream);
    let mut status = String::new();
    reader.read_line(&mut status).map_err(explain)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).map_err(explain)?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(|_| format!("{asked}: {line}"))?;
        }
    }
    if length > LARGEST_ANSWER {
        return Err(format!("{asked}: an answer of {length} bytes"));
    }
    let mut answer = vec![0; length];
    reader.read_exact(&mut answer).map_err(explain)?;
    let answer: Value = serde_json::from_slice(&answer).map_err(|e| format!("{asked}: {e}"))?;
    if status.contains(" 200 ") {
        Ok(answer["value"].clone())
    } else {
        Err(format!("{asked}: {}", answer["value"]["message"].as_str().unwrap_or(status.trim())))
    }
}

/// Standard base64, in which screenshots come.
fn from_base64(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits: Vec<u8> = text.bytes().filter_map(value).collect();
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for group in digits.chunks(4) {
        let bits = group.iter().enumerate().fold(0, |n, (i, &d)| n | u32::from(d) << (18 - 6 * i));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len().max(1)]);
    }
    bytes
}
