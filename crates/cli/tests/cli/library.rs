//! `library` on pictures of a fake engine.

use crate::fake::{Desk, Fake};
use crate::queue::queue;
use likeness_cli::Failure;
use likeness_cli::arguments::{Command, parse};
use likeness_cli::request::Request;
use likeness_recipe::Seed;

fn library(desk: &Desk, words: &[&str]) -> Result<(), Failure> {
    let all = ["likeness", "library"].iter().chain(words).map(Into::into);
    let Ok(Command::Library { command }) = parse(all, &Fake::default()).map(|asked| asked.command)
    else {
        panic!("{words:?} are not understood")
    };
    likeness_cli::library::run(command, &desk.host)
}

fn with_pictures() -> Desk {
    let desk = Desk::new();
    let seed = Some(Seed::Fixed(7));
    let request = Request { prompt: "a fox".into(), seed, count: Some(2), ..Request::default() };
    desk.generate(request, &Fake::default()).1.unwrap();
    desk
}

#[test]
fn a_lost_file_is_found_missing_and_mended() {
    let desk = with_pictures();
    library(&desk, &["check"]).unwrap();
    library(&desk, &["check", "--all", "--json"]).unwrap();
    let lost = desk.files().into_iter().find(|name| name.contains("pictures/")).unwrap();
    std::fs::remove_file(desk.path(&lost)).unwrap();
    let failure = library(&desk, &["check"]).unwrap_err();
    assert_eq!(failure.exit_code(), 5);
    assert!(failure.to_string().contains("likeness library repair"), "{failure}");
    library(&desk, &["repair"]).unwrap();
    library(&desk, &["check"]).unwrap();
}

#[test]
fn the_database_comes_back_from_the_pictures() {
    let desk = with_pictures();
    for name in ["library.sqlite", "library.sqlite-wal", "library.sqlite-shm"] {
        let _ = std::fs::remove_file(desk.host.library.join(name));
    }
    let refused =
        desk.generate(Request { prompt: "a fox".into(), ..Request::default() }, &Fake::default());
    let line = refused.1.unwrap_err().to_string();
    assert!(line.contains("likeness library rebuild"), "{line}");
    library(&desk, &["rebuild"]).unwrap();
    library(&desk, &["check"]).unwrap();
    library(&desk, &["list", "fox", "--json"]).unwrap();
}

/// A new library in its place would take in pictures, and hide the one that comes back.
#[test]
fn no_library_is_made_where_the_chosen_one_is_out() {
    let mut desk = Desk::new();
    desk.take_disk_out();
    let request = || Request { prompt: "a fox".into(), ..Request::default() };
    let refused = [
        desk.generate(request(), &Fake::default()).1,
        queue(&desk, Fake::default(), &["list"]),
        queue(&desk, Fake::default(), &["add", "a fox"]),
        queue(&desk, Fake::default(), &["run"]),
        library(&desk, &["list"]),
        library(&desk, &["check"]),
        library(&desk, &["repair"]),
        library(&desk, &["rebuild"]),
    ];
    for end in refused {
        let failure = end.unwrap_err();
        assert_eq!(failure.exit_code(), 5);
        assert!(failure.to_string().contains("was a disk taken out"), "{failure}");
    }
    assert_eq!(std::fs::read_dir(&desk.host.library).unwrap().count(), 0, "nothing was made");

    // The disk is back.
    desk.host.make_library = true;
    desk.generate(request(), &Fake::default()).1.unwrap();
    desk.host.make_library = false;
    desk.generate(request(), &Fake::default()).1.unwrap();
    queue(&desk, Fake::default(), &["list"]).unwrap();
}

/// The program itself, which reads what the window has noted.
#[cfg(target_os = "linux")]
#[test]
fn what_the_window_has_chosen_is_not_made_anew() {
    let desk = Desk::new();
    let (config, disk, data) = (desk.path("config"), desk.path("disk"), desk.path("data"));
    std::fs::create_dir_all(config.join("likeness")).unwrap();
    std::fs::create_dir(&disk).unwrap();
    std::fs::write(config.join("likeness/library"), format!("{}\n", disk.display())).unwrap();
    let run = |named: &std::path::Path| {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_likeness"));
        program.args(["queue", "list"]).env("LIKENESS_LIBRARY", named);
        program.env("XDG_CONFIG_HOME", &config).env("XDG_DATA_HOME", &data);
        program.output().unwrap().status.code()
    };
    for named in [std::path::Path::new(""), &disk] {
        assert_eq!(run(named), Some(5));
        assert_eq!(std::fs::read_dir(&disk).unwrap().count(), 0, "nothing was made");
    }
    assert_eq!(run(&desk.path("new")), Some(0), "nobody chose that one before");
}

#[test]
fn copies_are_made_and_come_back() {
    let desk = with_pictures();
    let (copy, out) = (desk.path("copy"), desk.path("out"));
    library(&desk, &["backup", copy.to_str().unwrap()]).unwrap();
    library(&desk, &["export", out.to_str().unwrap(), "fox"]).unwrap();
    let manifest = std::fs::read_to_string(out.join("manifest.json")).unwrap();
    assert!(manifest.contains("a fox"), "{manifest}");
    std::fs::remove_dir_all(desk.host.library.join("pictures")).unwrap();
    assert!(library(&desk, &["check"]).is_err());
    library(&desk, &["restore", copy.to_str().unwrap()]).unwrap();
    library(&desk, &["check"]).unwrap();
}
