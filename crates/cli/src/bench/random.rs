//! Networks of random weights, and single operations.

use std::time::Instant;

use likeness_recipe::{Engine, Peak, Subject, Work, Workload};
use serde::Serialize;

use super::{Machine, Sum, median, spread};
use crate::environment::Host;
use crate::{Failure, memory, processor};

/// What is shorter than this is computed several times in a run, since a clock and a warm cache say
/// little of a thousandth of it.
const SHORTEST: f64 = 0.02;
/// How often, at most.
const MOST: u32 = 10_000;

/// What was measured of something that needs no model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// The network, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net: Option<String>,
    /// The operation with its sizes, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// Of the network's picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// How the weights are stored.
    pub precision: String,
    /// Runs after the warm-up.
    pub runs: u32,
    /// How often it was computed in each run. Every figure is of one time.
    pub times: u32,
    /// What the engine computes with.
    pub instruction_set: String,
    /// Threads that it computes with.
    pub threads: usize,
    /// The median.
    pub seconds: f64,
    /// How far the longest run is from the shortest, as a part of the median.
    pub spread: f64,
    /// Seconds that all processors together spent on it; none where the system does not tell.
    pub processor_seconds: Option<f64>,
    /// Making the weights up and packing them.
    pub build_seconds: f64,
    /// The first time, when nothing is warm.
    pub first_seconds: f64,
    /// Most bytes of memory that this process held until then; none where the system does not tell.
    pub peak_memory: Option<u64>,
    /// What it stands beside.
    #[serde(flatten)]
    pub machine: Machine,
    /// What was computed, the mean of the runs.
    #[serde(skip)]
    pub work: Vec<Work>,
}

/// Measures `workload`. What the machine could do is added later: that measure takes memory too.
pub fn measure(
    workload: &Workload,
    runs: u32,
    host: &Host,
    engine: &dyn Engine,
) -> Result<Measured, Failure> {
    let building = Instant::now();
    let mut exercise = engine.exercise(workload)?;
    let build_seconds = building.elapsed().as_secs_f64();
    let mut run = |times: u32, sum: &mut Sum| -> Result<f64, Failure> {
        let started = Instant::now();
        for _ in 0..times {
            if host.cancelled.is_set() {
                return Err(Failure::Cancelled);
            }
            sum.add(&(exercise.run)()?);
        }
        Ok(started.elapsed().as_secs_f64() / f64::from(times))
    };
    let first_seconds = run(1, &mut Sum::default())?;
    let warm = match first_seconds < SHORTEST {
        true => run(1, &mut Sum::default())?,
        false => first_seconds,
    };
    let times = (SHORTEST / warm.max(1e-9)).ceil().clamp(1.0, f64::from(MOST)) as u32;

    let (mut sum, mut seconds) = (Sum::default(), Vec::new());
    let before = processor::seconds();
    for _ in 0..runs {
        seconds.push(run(times, &mut sum)?);
    }
    let busy = before.and_then(|before| Some(processor::seconds()? - before));
    let (net, op) = match &workload.subject {
        Subject::Network(name) => (Some(name.clone()), None),
        Subject::Operation(text) => (None, Some(text.clone())),
    };
    Ok(Measured {
        net,
        op,
        size: exercise.size.map(|size| size.to_string()),
        precision: exercise.weights.to_string(),
        runs,
        times,
        instruction_set: engine.instruction_set(),
        threads: engine.threads(),
        spread: spread(&seconds),
        seconds: median(seconds),
        processor_seconds: busy.map(|busy| busy / f64::from(runs * times)),
        build_seconds,
        first_seconds,
        peak_memory: memory::peak(),
        machine: Machine::default(),
        work: sum.mean(),
    })
}

impl Measured {
    /// Puts it beside what the machine can do.
    pub fn beside(&mut self, peak: &Peak, roofline: bool) {
        self.machine = Machine::beside(&self.work, self.seconds, peak, roofline);
    }

    /// What was measured, with its sizes.
    pub fn name(&self) -> String {
        match (&self.net, &self.op, &self.size) {
            (Some(net), _, Some(size)) => format!("{net} at {size}"),
            (Some(net), _, None) => net.clone(),
            (None, op, _) => op.clone().unwrap_or_default(),
        }
    }
}
