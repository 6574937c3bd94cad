//! `library` on pictures of a fake engine.

use crate::fake::{Desk, Fake};
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
