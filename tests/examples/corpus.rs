//! Writes the seeds of the fuzz corpus: `cargo run -p likeness-tests --example corpus`.

use anyhow::Result;
use likeness_tests::hostile::{TARGETS, seeds::seeds};
use likeness_tests::repository::root;

fn main() -> Result<()> {
    for target in TARGETS {
        let folder = root().join("fuzz/corpus").join(target.name);
        std::fs::create_dir_all(&folder)?;
        for (name, bytes) in seeds(target.name) {
            std::fs::write(folder.join(name), bytes)?;
        }
    }
    Ok(())
}
