//! `bench` on a fake engine.

use crate::commands::parsed;
use crate::fake::{Desk, Fake};
use likeness_cli::arguments::Command;
use likeness_cli::bench::threads::{self, Compared};
use likeness_cli::bench::{self, BenchOptions, model, random, table};
use likeness_recipe::{Engine, RooflineRow, Size, Subject, WeightFormat, Workload};

fn options(line: &str) -> BenchOptions {
    let arguments: Vec<_> = std::iter::once("bench").chain(line.split_whitespace()).collect();
    let Ok(Command::Bench { options }) = parsed(&arguments) else { panic!("{line}") };
    options
}

fn matmul() -> Workload {
    let subject = Subject::Operation("matmul:2x3x4".into());
    Workload { subject, size: None, weights: Some(WeightFormat::Q8_0) }
}

#[test]
fn every_option_arrives() {
    let all = options(
        "--net sd15-unet --size 512 --precision q4_k --threads 1,2 --runs 3 --roofline --json",
    );
    assert_eq!(all.net.as_deref(), Some("sd15-unet"));
    assert_eq!(all.size, Some(Size { width: 512, height: 512 }));
    assert_eq!((all.precision, all.runs), (Some(WeightFormat::Q4K), 3));
    assert_eq!(all.threads, [1, 2]);
    assert!(all.roofline && all.json);
    assert_eq!(options("--op matmul:1x2x3,softmax").op, ["matmul:1x2x3", "softmax"]);
    assert_eq!(options("--size 64x96").size, Some(Size { width: 64, height: 96 }));
    assert_eq!(options("").runs, bench::RUNS);
}

#[test]
fn a_model_is_measured_in_every_part() {
    let desk = Desk::new();
    let asked = options("--runs 3");
    let mut measured = model::bench("starter", &asked, &desk.host, &Fake::default()).unwrap();
    assert_eq!((measured.runs, measured.steps, measured.size.as_str()), (3, 4, "128x128"));
    assert_eq!(measured.seconds.step, 0.125, "half a second of denoising in four steps");
    assert!(measured.seconds.first_picture > 0.0);
    assert_eq!((measured.work[0].calls, measured.work[0].flop), (4, 1e6), "of one render");
    measured.beside(&Fake::default().peak().unwrap(), true);
    let text = measured.table();
    for part in [
        "load",
        "encode",
        "step",
        "decode",
        "total",
        "first picture",
        "peak memory",
        "pencil",
        "1 thread;",
        "GFLOP/s",
        "product",
        "held by",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    desk.host.cancelled.set();
    let stopped = model::bench("starter", &asked, &desk.host, &Fake::default()).unwrap_err();
    assert_eq!(stopped.exit_code(), 130);
}

#[test]
fn a_model_that_is_not_there_or_cannot_is_a_slip() {
    let desk = Desk::new();
    for (line, net, words) in [
        ("", "sd3", &["net:", "sd3", "likeness-starter", "sd15-unet"][..]),
        ("--precision q8_0", "starter", &["precision:", "q8_0", "f32"]),
        ("--size 8", "starter", &["8"]),
    ] {
        let failure = model::bench(net, &options(line), &desk.host, &Fake::default()).unwrap_err();
        let text = failure.to_string();
        assert_eq!(failure.exit_code(), 2, "{text}");
        assert!(words.iter().all(|word| text.contains(word)), "{words:?} are not in {text:?}");
    }
    let failure = model::bench("no/such", &options(""), &desk.host, &Fake::default()).unwrap_err();
    assert_eq!(failure.exit_code(), 4, "a path that leads nowhere is a model's fault: {failure}");
}

#[test]
fn what_needs_no_model_is_measured_beside_the_machine() {
    let desk = Desk::new();
    let mut measured = random::measure(&matmul(), 4, &desk.host, &Fake::default()).unwrap();
    assert!((1..=4).contains(&measured.times), "{} times", measured.times);
    assert!(measured.seconds >= 0.005, "{}", measured.seconds);
    assert!(measured.first_seconds >= 0.005 && measured.spread >= 0.0);
    measured.beside(&Fake::default().peak().unwrap(), true);
    let json = serde_json::to_value(&measured).unwrap();
    assert_eq!((&json["op"], &json["precision"]), (&"matmul:2x3x4".into(), &"q8_0".into()));
    assert!(json.get("net").is_none() && json.get("size").is_none());
    assert_eq!((&json["peak_gflops"], &json["gflop"]), (&1000.0.into(), &1.0.into()));
    let (seconds, share) = (measured.seconds, json["share_of_peak"].as_f64().unwrap());
    assert!((share - 1e9 / seconds / 1000e9).abs() < 1e-9, "{share}");
    for name in [
        "seconds",
        "spread",
        "processor_seconds",
        "gflops",
        "peak_memory",
        "instruction_set",
        "threads",
        "runs",
        "first_seconds",
        "build_seconds",
        "memory_gigabytes",
    ] {
        assert!(json.get(name).is_some(), "{name} is not in {json}");
    }
    let row = &json["roofline"][0];
    assert_eq!((&row["kind"], &row["numbers"]), (&"product".into(), &"bf16".into()));
    assert_eq!((&row["calls"], &row["bound"]), (&2.into(), &"compute".into()));
    assert!((row["share"].as_f64().unwrap() - 0.8).abs() < 1e-9, "{row}");
    let text = measured.table();
    for part in ["matmul:2x3x4, q8_0, pencil, 1 thread", "rate", "of this machine's 1000", "other"]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let several = table::all(&[measured.clone(), measured]);
    assert_eq!(several.lines().count(), 5, "{several}");

    measured_without_roofline(&desk);
    desk.host.cancelled.set();
    let stopped = random::measure(&matmul(), 1, &desk.host, &Fake::default()).unwrap_err();
    assert_eq!(stopped.exit_code(), 130);
}

fn measured_without_roofline(desk: &Desk) {
    let mut plain = random::measure(&matmul(), 1, &desk.host, &Fake::default()).unwrap();
    plain.beside(&Fake::default().peak().unwrap(), false);
    assert_eq!(plain.machine.roofline, Vec::<RooflineRow>::new());
    assert!(serde_json::to_value(&plain).unwrap().get("roofline").is_none());
}

#[test]
fn an_operation_that_is_not_there_is_a_slip() {
    let desk = Desk::new();
    for line in ["--op plough:1x1", "--op matmul,plough"] {
        let failure = bench::run(&options(line), &desk.host, &Fake::default()).unwrap_err();
        assert_eq!(failure.exit_code(), 2);
        assert!(failure.to_string().starts_with("op: there is no \"plough"), "{failure}");
    }
    let failure =
        bench::run(&options("--op all --threads 1,2"), &desk.host, &Fake::default()).unwrap_err();
    assert!(failure.to_string().starts_with("threads:"), "nobody knows the program: {failure}");
    bench::run(&options("--op list"), &desk.host, &Fake::default()).unwrap();
    bench::run(&options("--op softmax,matmul --precision bf16"), &desk.host, &Fake::default())
        .unwrap();
}

#[test]
fn more_threads_that_are_slower_are_named() {
    let compared = |name: &str, seconds: &[f64]| {
        Compared::new(name.into(), "bf16".into(), &[1, 2], seconds.to_vec())
    };
    let (good, bad) = (compared("good", &[0.02, 0.01]), compared("bad", &[0.02, 0.03]));
    assert!(!good.slower && bad.slower && !compared("same", &[0.02, 0.0204]).slower);
    let text = threads::table(&[good.clone(), bad]);
    assert!(
        text.contains("2 threads") && text.ends_with("Slower with more threads: bad."),
        "{text}"
    );
    assert!(threads::table(&[good]).ends_with("Nothing is slower with more threads."));
    let again = compared("bad", &[0.03, 0.015]).or_faster(&compared("bad", &[0.02, 0.03]));
    assert_eq!((again.seconds.as_slice(), again.slower), (&[0.02, 0.015][..], false));
    let backwards = Compared::new("b".into(), "f32".into(), &[2, 1], vec![0.03, 0.02]);
    assert!(backwards.slower, "in whatever order they were asked for");
}
