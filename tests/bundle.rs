//! The package: unpacked elsewhere, with the source tree out of reach, both programs make a picture.

#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;

use likeness_tests::program::{Desk, Ran, without_ours};
use likeness_tests::repository::root;
use likeness_tests::window::{self, Screen};

/// The programs of the tests are packed, which are built already; `--long` packs what is shipped.
const ARGUMENTS: &[&str] =
    if cfg!(feature = "long") { &["bundle"] } else { &["bundle", "--debug"] };

#[test]
fn what_is_installed_needs_no_source_tree() {
    if let Some(reason) = unable() {
        println!("skipped: {reason}");
        return;
    }
    let desk = Desk::new();
    let package = package();
    let installed = desk.path("installed");
    run(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&installed));
    let field = |name: &str| run(Command::new("dpkg-deb").arg("--field").arg(&package).arg(name));
    assert_eq!(field("Package").trim(), "likeness");
    assert!(field("Depends").contains("libwebkit2gtk-4.1-0"), "{}", field("Depends"));
    for file in [
        "usr/share/likeness/models/starter/starter.json",
        "usr/share/likeness/models/upscaler/model.safetensors",
        "usr/share/doc/likeness/copyright",
        "usr/share/applications/Likeness.desktop",
        "usr/share/icons/hicolor/128x128/apps/likeness-studio.png",
    ] {
        assert!(installed.join(file).is_file(), "{file} is not in the package");
    }
    assert!(!installed.join("usr/share/likeness/models/starter/training").exists());
    if cfg!(feature = "long") {
        // What is shipped asks a person, whatever its environment says.
        let shipped =
            std::fs::read(installed.join("usr/bin/likeness-studio")).expect("it is there");
        let name = b"LIKENESS_TEST_FOLDER";
        assert!(!shipped.windows(name.len()).any(|some| some == name), "a dialog can be answered");
    }
    let licences = installed.join("usr/share/doc/likeness/THIRD-PARTY.txt");
    let licences = std::fs::read_to_string(licences).expect("whose work it contains is told");
    for part in
        ["\nkamadak-exif ", "\nsvelte ", "\n@lucide/svelte ", "Redistributions in binary form"]
    {
        assert!(licences.contains(part), "{part:?} is not among the licences");
    }

    // An empty folder lies over the source tree, for these programs alone.
    let hidden = format!("mount -t tmpfs none '{}' && exec \"$0\" \"$@\"", root().display());
    let away = ["unshare", "--mount", "--map-root-user", "sh", "-c", &hidden];
    let mut command = Command::new(away[0]);
    command.args(&away[1..]).arg(installed.join("usr/bin/likeness"));
    command.args(["generate", "a fox", "--seed", "1", "--out"]).arg(desk.path("new.png"));
    without_ours(&mut command);
    command.env("LIKENESS_LIBRARY", desk.path("of-the-command-line")).current_dir(desk.path("."));
    let ran = Ran::of(command);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    assert!(image::open(desk.path("new.png")).is_ok(), "the command line made a picture");

    if let Some(reason) = window::missing() {
        println!("skipped for the window: {reason}");
        return;
    }
    let starter =
        format!("unshare --mount --map-root-user sh -c '{}'", hidden.replace('\'', "'\\''"));
    let program = desk.script(
        "hidden",
        &format!("exec {starter} {}", quoted(&installed.join("usr/bin/likeness-studio"))),
    );
    let screen = Screen::new(&desk);
    let window = screen.open(&program, &[]);
    window.make_picture("a fox");
    window.close();
}

fn package() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let said = run(Command::new(cargo).current_dir(root()).arg("xtask").args(ARGUMENTS));
    let path = said.lines().find_map(|line| line.strip_prefix("The package is at "));
    PathBuf::from(path.expect("the command says where the package is"))
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

/// Why there is no package to test here, if so.
fn unable() -> Option<String> {
    for (program, arguments) in [
        ("dpkg-deb", &["--version"][..]),
        ("npm", &["--version"]),
        ("pkg-config", &["--exists", "webkit2gtk-4.1"]),
        ("unshare", &["--mount", "--map-root-user", "mount", "-t", "tmpfs", "none", "/mnt"]),
    ] {
        match Command::new(program).args(arguments).output() {
            Ok(output) if output.status.success() => {}
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                return Some(format!("{program} {}: {}", arguments.join(" "), said.trim()));
            }
            Err(error) => return Some(format!("{program}: {error}")),
        }
    }
    None
}

/// Runs a command that must succeed; its output.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
