//! Checks that the interface was built, then lets Tauri generate what the window embeds.

use std::path::Path;

fn main() {
    // Without this, `generate_context!` fails with a path and no word on what to do about it.
    let interface = Path::new("../ui/dist");
    println!("cargo::rerun-if-changed={}", interface.display());
    if !interface.join("index.html").is_file() {
        println!(
            "cargo::error=The interface is not built: ui/dist is missing. `cargo xtask run` and \
             `cargo xtask test` build it; by hand: `npm ci && npm run build` in ui/."
        );
        return;
    }
    tauri_build::build();
}
