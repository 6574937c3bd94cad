//! Ctrl+C, full disks, folders that cannot be written to.

use likeness_tests::program::{Desk, Ran};

use super::refusals::{STORAGE, is_png, refuses};

#[test]
fn folders_that_cannot_be_written_to() {
    let desk = Desk::new();
    desk.put("file", b"in the way");
    refuses(&desk, &["generate", "a fox", "--out", "file/new.png"], STORAGE, &["file"]);
    #[cfg(target_os = "linux")] // A folder in which not even root can make a file.
    refuses(&desk, &["generate", "a fox", "--out", "/proc/new.png"], STORAGE, &["/proc"]);
}

#[cfg(unix)]
#[test]
fn a_read_only_folder() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let folder = desk.path("closed");
    std::fs::create_dir(&folder).expect("the desk can be written to");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o555)).expect("ours");
    if std::fs::write(folder.join("probe"), b"").is_ok() {
        let _ = std::fs::remove_file(folder.join("probe"));
        println!("skipped: root may write to read-only folders");
        return;
    }
    refuses(&desk, &["generate", "a fox", "--out", "closed/new.png"], STORAGE, &["closed"]);
}

/// A write that fails half-way, on any Unix: files may not grow past one block,
/// and the signal that would end the program is ignored, so that it sees the error.
#[cfg(unix)]
#[test]
fn a_write_that_fails_half_way_leaves_nothing() {
    let desk = Desk::new();
    let before = desk.files();
    let limited = ["sh", "-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""];
    let ran = Ran::of(desk.command_under(&limited, &["generate", "a fox", "--out", "new.png"]));
    assert_eq!(ran.code, Some(STORAGE), "{}", ran.errors);
    assert_eq!(ran.complaints().len(), 1, "{}", ran.errors);
    assert!(ran.errors.contains("new.png"), "{}", ran.errors);
    assert_eq!(desk.files(), before, "half a file was left");
}

/// A disk that is really full: one page of memory mounted as one, in a mount
/// namespace of its own that ends with the program.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("disk")).expect("the desk can be written to");
    let script = "mount -t tmpfs -o size=4k none disk || exit 77; \"$0\" \"$@\"; code=$?; ls -A disk; exit $code";
    let mounted = ["unshare", "--mount", "--map-root-user", "sh", "-c", script];
    let Ok(output) =
        desk.command_under(&mounted, &["generate", "a fox", "--out", "disk/new.png"]).output()
    else {
        println!("skipped: there is no unshare here");
        return;
    };
    let ran = Ran::from(output);
    if ran.code == Some(77) || ran.errors.contains("unshare") {
        println!("skipped: nothing can be mounted here: {}", ran.errors.trim());
        return;
    }
    assert_eq!(ran.code, Some(STORAGE), "{}", ran.errors);
    assert_eq!(ran.complaints().len(), 1, "{}", ran.errors);
    assert_eq!(ran.output.trim(), "", "half a file was left");
}

/// Ctrl+C between steps: exit 130, and every file that is there is whole.
#[cfg(unix)]
#[test]
fn an_interrupt_leaves_no_half_file() {
    use std::time::Duration;
    // The program must be at work when the signal comes, however fast the machine is.
    let request =
        ["generate", "a fox", "--steps", "50", "--count", "1000", "--seed", "1", "--out", "many"];
    for wait in [700, 2500] {
        let desk = Desk::new();
        std::fs::create_dir(desk.path("many")).expect("the desk can be written to");
        let child =
            desk.command(&request).stdout(std::process::Stdio::null()).spawn().expect("it starts");
        std::thread::sleep(Duration::from_millis(wait));
        let killed =
            std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(killed.is_ok_and(|status| status.success()), "it was already over after {wait} ms");
        let start = std::time::Instant::now();
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(130), "interrupted after {wait} ms");
        assert!(start.elapsed() < Duration::from_secs(20), "it went on for {:?}", start.elapsed());
        for file in desk.files() {
            assert!(is_png(&file) && image::open(&file).is_ok(), "{} is not whole", file.display());
        }
    }
}
