//! The real `likeness`, built once and run as a person would run it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::repository::root;

/// The program under test: `LIKENESS_BINARY`, or the workspace's own.
///
/// Cargo hands a test only the binaries of its own package, so this asks cargo
/// for the one of the other, in the profile of the tests. With the whole
/// workspace selected the features are those of `cargo test --workspace`, and
/// nothing but the binary is left to build.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("LIKENESS_BINARY") {
        Some(given) => std::path::absolute(given).expect("LIKENESS_BINARY is a path"),
        None => build("likeness"),
    })
}

/// Builds one program of the workspace in the profile of the tests.
pub fn build(name: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(root())
        .args(["build", "--workspace", "--bin", name, "--locked"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit());
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let answer = command.output().expect("cargo starts");
    assert!(answer.status.success(), "`{name}` does not build");
    String::from_utf8_lossy(&answer.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the binary it built")
}

/// A folder of its own in which the program is run; its library lies there too.
pub struct Desk {
    folder: tempfile::TempDir,
}

impl Default for Desk {
    fn default() -> Self {
        Self::new()
    }
}

impl Desk {
    /// An empty one, deleted when it is dropped.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    /// Where `name` is or would be.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file for the program to read.
    pub fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("the desk can be written to");
        path
    }

    /// Writes a shell script that can be started as a program.
    #[cfg(unix)]
    pub fn script(&self, name: &str, body: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.put(name, format!("#!/bin/sh\n{body}\n").as_bytes());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("ours");
        path
    }

    /// What is in a file.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Every file here and below, the library's too.
    pub fn files(&self) -> BTreeSet<PathBuf> {
        let mut files = BTreeSet::new();
        let mut open = vec![self.folder.path().to_path_buf()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).expect("the desk can be read") {
                let path = entry.expect("the desk can be read").path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    files.insert(path);
                }
            }
        }
        files
    }

    /// The program with these arguments, about to start here.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        self.prepared(Command::new(binary()), arguments)
    }

    /// The program started by way of another one: `wrapper` ends with what starts its arguments.
    pub fn command_under<S: AsRef<OsStr>>(&self, wrapper: &[&str], arguments: &[S]) -> Command {
        let mut command = Command::new(wrapper[0]);
        command.args(&wrapper[1..]).arg(binary());
        self.prepared(command, arguments)
    }

    fn prepared<S: AsRef<OsStr>>(&self, mut command: Command, arguments: &[S]) -> Command {
        without_ours(&mut command);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("LIKENESS_LIBRARY", self.path("library"))
            .stdin(Stdio::null());
        our_models(&mut command);
        command
    }

    /// Runs the program to its end.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        Ran::of(self.command(arguments))
    }

    /// Runs the program, which must succeed.
    pub fn succeed<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{:?}: {}", words(arguments), ran.errors);
        ran
    }
}

/// What the person who runs the tests has set must not reach the program.
pub fn without_ours(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LIKENESS_") {
            command.env_remove(name);
        }
    }
}

/// A program that was built in a folder elsewhere does not find the models of this checkout by itself.
pub fn our_models(command: &mut Command) {
    if !binary().starts_with(root()) {
        command.env("LIKENESS_MODELS", root().join("models"));
    }
}

/// How a run ended.
pub struct Ran {
    /// The exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

impl Ran {
    /// Runs a prepared command to its end.
    pub fn of(mut command: Command) -> Self {
        command.output().expect("the program starts").into()
    }

    /// The lines of standard output, each a JSON object.
    pub fn json(&self) -> Vec<Value> {
        self.output
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in: {line}")))
            .collect()
    }

    /// The lines of standard error that are not blank.
    pub fn complaints(&self) -> Vec<&str> {
        self.errors.lines().filter(|line| !line.trim().is_empty()).collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            output: String::from_utf8_lossy(&output.stdout).into_owned(),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

fn words<S: AsRef<OsStr>>(arguments: &[S]) -> Vec<String> {
    arguments.iter().map(|a| a.as_ref().to_string_lossy().into_owned()).collect()
}
