//! The checkout: its root and the files that belong to it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the checkout")
}

/// Every file that is committed or would be with the next `git add`, relative
/// to [`root`]. `None` where this is no git checkout, as in a source archive.
pub fn files() -> Option<Vec<PathBuf>> {
    let list = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .ok()?;
    if !list.status.success() {
        return None;
    }
    let names = String::from_utf8(list.stdout).expect("file names are UTF-8");
    let names = names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
    // What is deleted but not yet committed is still in the index.
    Some(names.filter(|name| root().join(name).is_file()).collect())
}
