//! From a key press to a queued render: what a person waits for before anything moves.
//!
//! `cargo bench -p likeness-studio-core` prints, over a library on this machine's disk with as many
//! pictures and waiting jobs as are asked for, how long `render` takes from its JSON to its answer, while
//! nothing else goes on and while finished pictures are being stored as fast as they come; and how long a
//! cancelled render takes to end beyond the step that it is at. The engine draws nothing.
//!
//! The bound is 10 ms for a key press, and one step for a cancel.

#[path = "../tests/studio/fake.rs"]
#[allow(dead_code)] // The tests use more of it.
mod fake;

use std::time::{Duration, Instant};

use fake::{Desk, ear, fox, hear};
use likeness_studio::api::{RenderEvent, RenderRequest};
use serde_json::json;

/// Presses of each kind that are measured.
const PRESSES: usize = 300;

/// Pictures that are in the library before.
const PICTURES: u32 = 1000;

fn main() {
    // `cargo test` runs benches too, to see that they compile.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let desk = Desk::new();
    desk.render_as(&RenderRequest { count: PICTURES, ..fox() }, "last", false);
    let start = Instant::now();
    while desk.queue().waiting > 0 {
        assert!(start.elapsed() < Duration::from_secs(600), "the fake is too slow");
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("{PICTURES} pictures stored in {:.1} s", start.elapsed().as_secs_f64());

    desk.call("queue_pause", json!({ "paused": true }));
    report("a key press, nothing else going on", presses(&desk, 100_000));
    desk.call("queue_cancel", json!({ "ids": null }));
    desk.call("queue_clear", json!({}));

    desk.render_as(
        &RenderRequest { count: 1000, seed: Some("500000".into()), ..fox() },
        "last",
        false,
    );
    desk.call("queue_pause", json!({ "paused": false }));
    report("a key press, pictures being stored", presses(&desk, 200_000));
    desk.call("queue_cancel", json!({ "ids": null }));

    report("a cancel, until nothing runs", cancels(&desk));
}

/// How long each of many requests takes, each with a seed of its own.
fn presses(desk: &Desk, seeds: usize) -> Vec<Duration> {
    let press = |seed: usize| {
        let request = RenderRequest { seed: Some((seeds + seed).to_string()), ..fox() };
        let asked = json!({ "request": request, "place": "last", "interactive": true });
        let start = Instant::now();
        desk.call("render", asked);
        let taken = start.elapsed();
        std::thread::sleep(Duration::from_millis(5));
        taken
    };
    (0..PRESSES).map(press).collect()
}

/// From a cancel to a queue that is at rest. A step of the fake, once it is let go, takes no time.
fn cancels(desk: &Desk) -> Vec<Duration> {
    let cancel = |seed: usize| {
        desk.wait(|queue| queue.running.is_none() && queue.waiting == 0);
        desk.stage.shut();
        desk.render(&RenderRequest { seed: Some((900_000 + seed).to_string()), ..fox() });
        desk.stage.wait_for_render();
        let (channel, heard) = ear();
        desk.studio().call("queue_watch", json!({}), Some(channel)).expect("it can be watched");
        let start = Instant::now();
        desk.call("queue_cancel", json!({ "ids": null }));
        hear(&heard, |event| matches!(event, RenderEvent::Cancelled { .. }));
        let taken = start.elapsed();
        desk.stage.open();
        taken
    };
    (0..50).map(cancel).collect()
}

fn report(what: &str, mut all: Vec<Duration>) {
    all.sort_unstable();
    let at = |part: f64| all[((all.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    println!(
        "{what:<38} median {:>7.2} ms   95 % {:>7.2} ms   worst {:>7.2} ms",
        at(0.5),
        at(0.95),
        at(1.0)
    );
}
