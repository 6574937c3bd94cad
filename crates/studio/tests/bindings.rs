//! The committed TypeScript is what the list of commands says.

use std::path::Path;

#[test]
fn the_bindings_are_not_stale() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/bindings");
    let scratch = tempfile::tempdir().unwrap();
    let files = likeness_studio::bindings::files(scratch.path()).unwrap();
    let mut there: Vec<_> = std::fs::read_dir(&committed)
        .expect("ui/src/bindings is committed")
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".ts"))
        .collect();
    there.sort();
    let expected: Vec<_> = files.keys().cloned().collect();
    let advice = "run `cargo xtask bindings` and commit what it changed";
    assert_eq!(there, expected, "{advice}");
    for (name, text) in &files {
        let found = std::fs::read_to_string(committed.join(name)).unwrap().replace("\r\n", "\n");
        assert_eq!(&found, text, "{name} is stale: {advice}");
    }
}
