//! The real window, `likeness-studio`, on a screen of its own and driven as a person would.
//!
//! WebKitWebDriver starts the program and speaks to its page; the screen is an Xvfb that nobody
//! sees. Both end with the test that opened them.

use std::io::{BufRead, BufReader};
use std::marker::PhantomData;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::{Desk, build, our_models, without_ours};
use crate::repository::root;
use crate::webdriver::{Session, is_ready};

/// The design size of the interface.
const SCREEN: &str = "1280x800x24";
/// How long a helper may take to start.
const START: Duration = Duration::from_secs(30);
/// How long a picture may take, the model's loading with it, on a busy machine.
const RENDER: Duration = Duration::from_secs(120);
/// Where one types what to make, what makes it, and where it is shown.
const PROMPT: &str = "[aria-label=Prompt]";
const MAKE: &str = "[data-action='create.run']";
const VIEWER: &str = "[data-region=viewer]";

/// The window's program: `LIKENESS_STUDIO_BINARY`, or the workspace's own.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("LIKENESS_STUDIO_BINARY") {
        Some(given) => std::path::absolute(given).expect("LIKENESS_STUDIO_BINARY is a path"),
        None => build("likeness-studio"),
    })
}

/// A program that starts the window by way of `wrapper`, shell words to which what to run is added.
#[cfg(unix)]
pub fn wrapped(desk: &Desk, wrapper: &str) -> PathBuf {
    desk.script("wrapped", &format!("exec {wrapper} '{}' \"$@\"", binary().display()))
}

/// Why no window can be driven here, if so. A test that needs one prints it and ends.
pub fn missing() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("the window is driven on Linux only".to_owned());
    }
    let starts = |name: &str, argument: &str| {
        let mut command = Command::new(name);
        command.arg(argument).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok()
    };
    let absent: Vec<_> = [("WebKitWebDriver", "--version"), ("Xvfb", "-help")]
        .into_iter()
        .filter(|(name, argument)| !starts(name, argument))
        .map(|(name, _)| name)
        .collect();
    let advice = "`cargo xtask test` installs what is missing";
    (!absent.is_empty()).then(|| format!("{} not found; {advice}", absent.join(" and ")))
}

/// Where pictures of the window are kept.
pub fn screenshots() -> PathBuf {
    root().join("target/desktop")
}

/// A process of ours that ends when this is dropped.
struct Helper(Child);

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A screen that nobody sees, and a driver on it.
pub struct Screen {
    driver: Helper,
    port: u16,
    display: String,
    _server: Helper,
}

impl Screen {
    /// Starts both. What the driver has in its environment, the windows inherit.
    pub fn new(desk: &Desk) -> Self {
        Self::with(desk, &[])
    }

    /// The same with more in the environment.
    pub fn with(desk: &Desk, environment: &[(&str, &str)]) -> Self {
        let (server, display) = display();
        let port = free_port();
        let mut command = Command::new("WebKitWebDriver");
        surround(&mut command, desk, &display);
        let driver = command
            .arg(format!("--port={port}"))
            .env("TAURI_AUTOMATION", "true")
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .envs(environment.iter().copied())
            .spawn()
            .expect("WebKitWebDriver starts");
        let driver = Helper(driver);
        until("WebKitWebDriver answers", || is_ready(port));
        Self { driver, port, display, _server: server }
    }

    /// Its name, as `DISPLAY` gives it.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Opens a window and waits for its page.
    pub fn open(&self, program: &Path, arguments: &[&str]) -> Window<'_> {
        let session = Session::open(self.port, program, arguments)
            .unwrap_or_else(|problem| panic!("{} does not open: {problem}", program.display()));
        let process = children(self.driver.0.id()).last().copied();
        let process = process.expect("the driver started the window");
        Window { session: Some(session), process, screen: PhantomData }
    }
}

/// An open window. It needs its screen for as long as it is open.
pub struct Window<'screen> {
    screen: PhantomData<&'screen Screen>,
    session: Option<Session>,
    /// The program's process, or that of the wrapper that runs it.
    pub process: u32,
}

impl std::ops::Deref for Window<'_> {
    type Target = Session;
    fn deref(&self) -> &Session {
        self.session.as_ref().expect("the session is there until the window closes")
    }
}

impl Window<'_> {
    /// Asks for a picture as a person does and waits until it is shown; its id.
    pub fn make_picture(&self, prompt: &str) -> String {
        let before = self.pictures();
        let field = self.wait_for(PROMPT, START);
        self.click(&field);
        self.type_into(&field, prompt);
        self.click(&self.wait_for(MAKE, START));
        let id = self.wait("a picture that was not there before", RENDER, || {
            self.pictures().into_iter().find(|id| !before.contains(id))
        });
        self.wait_to_show(&id);
        id
    }

    /// Waits until a finished picture is what is looked at.
    pub fn wait_to_show(&self, id: &str) {
        let shown = format!("{VIEWER} img[src$='/picture/{id}']:not([data-preview])");
        self.wait("the picture to be shown", START, || {
            let body = "const one = document.querySelector(arguments[0]); \
                        return Boolean(one && one.complete && one.naturalWidth)";
            (self.script(body, &[json!(shown)]) == Ok(json!(true))).then_some(())
        });
    }

    /// A command of the studio, as the page calls it.
    pub fn call(&self, name: &str, arguments: Value) -> Result<Value, String> {
        self.invoke("call", &json!({"name": name, "arguments": arguments}))
    }

    /// A command of the shell, as the page calls it.
    pub fn invoke(&self, name: &str, arguments: &Value) -> Result<Value, String> {
        let body = "const [name, given, done] = arguments; \
                    window.__TAURI_INTERNALS__.invoke(name, given).then( \
                        (answer) => done({answer}), (error) => done({error}))";
        let said = self.script_later(body, &[json!(name), arguments.clone()])?;
        match said.get("error") {
            Some(error) => Err(error.to_string()),
            None => Ok(said["answer"].clone()),
        }
    }

    /// The ids of all pictures, newest first.
    pub fn pictures(&self) -> Vec<String> {
        let filter = json!({"trashed": false, "order": "newest"});
        let page = self.call("pictures", json!({"filter": filter, "after": null, "limit": 100}));
        let page = page.unwrap_or_default();
        let items = page["items"].as_array().cloned().unwrap_or_default();
        items.iter().filter_map(|item| Some(item["id"].as_str()?.to_owned())).collect()
    }

    /// Closes the window as a person does, and waits for the program to end.
    pub fn close(mut self) {
        // No answer is waited for: the page may be gone before it could be given.
        let _ = self.script("window.__TAURI_INTERNALS__.invoke('shell_close')", &[]);
        let gone =
            || !Path::new(&format!("/proc/{}", self.process)).exists() || zombie(self.process);
        until("the window's program ends", gone);
        self.session = None;
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        self.session = None;
        // The driver ends the program with the session; what hangs is ended here, by its id.
        std::thread::sleep(Duration::from_millis(200));
        if Path::new(&format!("/proc/{}", self.process)).exists() && !zombie(self.process) {
            let _ = Command::new("kill").args(["-KILL", &self.process.to_string()]).status();
        }
    }
}

/// A window that nobody drives: what is in its queue it makes by itself.
pub struct Undriven {
    _program: Helper,
    _server: Helper,
}

impl Undriven {
    /// Opens one on a screen of its own. It ends when this is dropped.
    pub fn open(desk: &Desk, program: &Path) -> Self {
        let (server, display) = display();
        let mut command = Command::new(program);
        surround(&mut command, desk, &display);
        Self { _program: Helper(command.spawn().expect("the window starts")), _server: server }
    }
}

/// The environment of a window: its library lies on this desk, and so does all that the toolkit
/// remembers.
fn surround(command: &mut Command, desk: &Desk, display: &str) {
    without_ours(command);
    our_models(command);
    for (name, folder) in [
        ("HOME", "home"),
        ("XDG_CONFIG_HOME", "home/config"),
        ("XDG_DATA_HOME", "home/data"),
        ("XDG_CACHE_HOME", "home/cache"),
        ("XDG_RUNTIME_DIR", "home/run"),
    ] {
        std::fs::create_dir_all(desk.path(folder)).expect("the desk can be written to");
        command.env(name, desk.path(folder));
    }
    command
        .env("DISPLAY", display)
        .env("LIKENESS_LIBRARY", desk.path("library"))
        .env("LC_ALL", "C.UTF-8")
        // Tests run side by side; on a session bus the second would find the first.
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("WAYLAND_DISPLAY")
        .current_dir(desk.path("."))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log(&desk.path("window.log")));
}

/// Starts an X server and waits until it says which display it took.
fn display() -> (Helper, String) {
    let mut server = Command::new("Xvfb")
        // The server writes the number of the display it found free to its standard output.
        .args(["-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Xvfb starts");
    let output = server.stdout.take().expect("it is piped");
    let server = Helper(server);
    let mut number = String::new();
    BufReader::new(output).read_line(&mut number).expect("Xvfb names its display");
    assert!(!number.trim().is_empty(), "Xvfb found no display");
    (server, format!(":{}", number.trim()))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

fn log(path: &Path) -> Stdio {
    std::fs::File::create(path).expect("the desk can be written to").into()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < START, "waited {START:?} until {what}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// The processes that this one started, oldest first.
pub fn children(of: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{of}/task/{of}/children"));
    listed.unwrap_or_default().split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

/// Whether a process has ended and only waits to be asked how.
fn zombie(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
}
