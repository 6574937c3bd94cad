//! Damaged and hostile files, through the readers that meet them first. What
//! fuzzing finds is added to `fuzz/corpus` and replayed here for ever.

use std::time::{Duration, Instant};

use likeness_tests::hostile::{TARGETS, seeds::seeds};
use likeness_tests::repository::root;

/// A reader that takes longer for a small file believed a length it read.
const SOON: Duration = Duration::from_secs(5);

#[test]
fn the_corpus_is_read_without_a_panic() {
    for target in TARGETS {
        let folder = root().join("fuzz/corpus").join(target.name);
        let mut replayed = 0;
        for entry in std::fs::read_dir(&folder).expect("the corpus is committed") {
            let path = entry.expect("the corpus can be read").path();
            let bytes = std::fs::read(&path).expect("the corpus can be read");
            let start = Instant::now();
            (target.read)(&bytes);
            assert!(start.elapsed() < SOON, "{} took {:?}", path.display(), start.elapsed());
            replayed += 1;
        }
        assert!(replayed > 0, "{} has a corpus", target.name);
    }
}

#[test]
fn the_committed_seeds_are_the_generated_ones() {
    for target in TARGETS {
        for (name, bytes) in seeds(target.name) {
            let path = root().join("fuzz/corpus").join(target.name).join(&name);
            let committed = std::fs::read(&path).unwrap_or_default();
            assert!(
                committed == bytes,
                "{} is stale: run `cargo run -p likeness-tests --example corpus`",
                path.display()
            );
        }
    }
}

/// Every prefix of each seed, and each seed with each byte turned over: what a
/// broken download or a bad disk makes of it.
#[test]
fn no_cut_and_no_flipped_byte_is_too_much() {
    for target in TARGETS {
        for (_, bytes) in seeds(target.name) {
            for end in 0..bytes.len().min(2048) {
                (target.read)(&bytes[..end]);
            }
            for at in 0..bytes.len().min(2048) {
                let mut flipped = bytes.clone();
                flipped[at] = !flipped[at];
                (target.read)(&flipped);
            }
        }
    }
}
