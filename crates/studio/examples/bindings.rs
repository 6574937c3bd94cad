//! Writes `ui/src/bindings`, or whichever folder is named: `cargo xtask bindings`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/bindings");
    let folder = std::env::args_os().nth(1).map_or(default, Into::into);
    let scratch = tempfile::tempdir()?;
    let files = likeness_studio::bindings::files(scratch.path())?;
    std::fs::create_dir_all(&folder)?;
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".ts") && !files.contains_key(&name) {
            std::fs::remove_file(path)?;
        }
    }
    for (name, text) in files {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
