//! What a machine is put through to see how fast it is: single [`operations`] of the kernels, and whole
//! [`networks`] of random weights. Both are lists; what is computed goes on the same record of work as
//! in a render.

mod networks;
mod operations;

use likeness_recipe::{
    Exercisable, Exercise, Peak, RenderError, Subject, WeightFormat, Work, Workload,
};

use crate::pipelines::flux2::request;
use crate::planner;
use crate::profile::Stretch;

/// Formats of weights, the usual one first.
const FORMATS: &[WeightFormat] = &[
    WeightFormat::Bf16,
    WeightFormat::F32,
    WeightFormat::Int8,
    WeightFormat::Q8_0,
    WeightFormat::Q4K,
];

/// Everything that can be exercised, networks first.
pub(crate) fn list() -> Vec<Exercisable> {
    let network = |one: &networks::Network| Exercisable {
        network: true,
        name: one.name.to_owned(),
        about: one.about.to_owned(),
        cases: Vec::new(),
        weights: FORMATS.to_vec(),
    };
    let operation = |one: &operations::Operation| Exercisable {
        network: false,
        name: one.name.to_owned(),
        about: format!("{} ({})", one.about, one.shape()),
        cases: one.cases.iter().map(|sizes| format!("{}:{sizes}", one.name)).collect(),
        weights: one.weights.to_vec(),
    };
    let networks = networks::NETWORKS.iter().map(network);
    networks.chain(operations::OPERATIONS.iter().map(operation)).collect()
}

/// Makes a workload ready, or says which field of it cannot be met: `op`, `net`, `size`, `precision`.
pub(crate) fn ready(workload: &Workload) -> Result<Exercise, RenderError> {
    match &workload.subject {
        Subject::Operation(text) => operations::ready(text, workload),
        Subject::Network(name) => networks::ready(name, workload),
    }
}

/// The fastest that this machine computes.
pub(crate) fn peak() -> Result<Peak, RenderError> {
    use likeness_kernels::{Arithmetic, Isa, peak};
    let isa = Isa::get();
    // Much more than any cache, and not what would push others out of memory.
    let bytes = (512 << 20).min(planner::available() / 8).max(1 << 20);
    let operations = |arithmetic| peak::operations(isa, arithmetic).map_err(unmeasured);
    Ok(Peak {
        f32: operations(Arithmetic::F32)?,
        bf16: operations(Arithmetic::Bf16)?,
        int8: operations(Arithmetic::Int8)?,
        bandwidth: peak::bandwidth(isa, usize::try_from(bytes).unwrap_or(1 << 20))
            .map_err(unmeasured)?,
    })
}

fn unmeasured(error: likeness_kernels::Error) -> RenderError {
    RenderError::Internal(format!("what the machine could do cannot be measured: {error}"))
}

/// An exercise that puts what it computes on record.
fn exercise(
    workload: &Workload,
    weights: WeightFormat,
    mut run: impl FnMut() -> Result<(), RenderError> + 'static,
) -> Exercise {
    let run = move || -> Result<Vec<Work>, RenderError> {
        let stretch = Stretch::begin();
        run()?;
        Ok(stretch.end())
    };
    Exercise { weights, size: workload.size, run: Box::new(run) }
}

/// The format that is wanted, or the first of those that can be.
fn weights_of(
    workload: &Workload,
    what: &str,
    accepted: &[WeightFormat],
) -> Result<WeightFormat, RenderError> {
    let usual = accepted.first().copied().unwrap_or(WeightFormat::F32);
    let wanted = workload.weights.unwrap_or(usual);
    if accepted.contains(&wanted) {
        return Ok(wanted);
    }
    let names: Vec<_> = accepted.iter().map(|one| one.name()).collect();
    Err(request("precision", format!("{what} is not computed in {wanted}"), names.join(", ")))
}

/// Refuses what would not fit, before any of it is allocated.
fn check_memory(field: &str, what: &str, needed: u128) -> Result<(), RenderError> {
    let free = u128::from(planner::available());
    if needed <= free {
        return Ok(());
    }
    let problem = format!(
        "{what} needs {} MB of memory and {} MB are free",
        needed.div_ceil(1_000_000),
        free / 1_000_000
    );
    Err(request(field, problem, "smaller sizes, or a narrower precision"))
}

/// Random numbers from -1 to 1, the same each time.
fn noise(count: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use likeness_recipe::{Numbers, Size, WorkKind};

    fn of(subject: Subject, weights: Option<WeightFormat>, size: Option<Size>) -> Workload {
        Workload { subject, size, weights }
    }

    fn operation(text: &str) -> Workload {
        of(Subject::Operation(text.into()), None, None)
    }

    #[test]
    fn every_operation_counts_its_work_in_every_format() {
        for (text, kind, flop) in [
            ("matmul:8x256x64", WorkKind::Product, 2.0 * 8.0 * 256.0 * 64.0),
            ("residual:8x256x64", WorkKind::Product, 2.0 * 8.0 * 256.0 * 64.0),
            ("geglu:8x256x64", WorkKind::Product, 4.0 * 8.0 * 256.0 * 64.0),
            ("conv3x3:32x6x4:8", WorkKind::Convolution, 2.0 * 24.0 * 8.0 * 32.0 * 9.0),
            ("conv1x1:32x6x4", WorkKind::Convolution, 2.0 * 24.0 * 32.0 * 32.0),
            ("norm_conv3x3:32x6x4", WorkKind::Convolution, 2.0 * 24.0 * 32.0 * 32.0 * 9.0),
            ("downsample:32x6x4", WorkKind::Convolution, 2.0 * 6.0 * 32.0 * 32.0 * 9.0),
            // Of a doubled picture each result has four different neighbours.
            ("upsample:32x6x4", WorkKind::Convolution, 2.0 * 96.0 * 32.0 * 32.0 * 4.0),
            ("attention:2x8x32:5", WorkKind::Attention, 4.0 * 8.0 * 5.0 * 64.0),
            ("group_norm:32x6x4", WorkKind::Norm, 3.0 * 768.0),
            ("layer_norm:8x64", WorkKind::Norm, 8.0 * 512.0),
            ("rms_norm:8x64", WorkKind::Norm, 4.0 * 512.0),
            ("norm_heads:8x2x32", WorkKind::Norm, 7.0 * 512.0),
            ("swiglu:8x64", WorkKind::Elementwise, 6.0 * 512.0),
            ("softmax:8x64", WorkKind::Elementwise, 4.0 * 512.0),
        ] {
            let name = text.split(':').next();
            let listed = list().into_iter().find(|one| Some(one.name.as_str()) == name).unwrap();
            for weights in listed.weights {
                let workload = of(Subject::Operation(text.into()), Some(weights), None);
                let mut exercise = ready(&workload).unwrap_or_else(|e| panic!("{text}: {e}"));
                assert_eq!(exercise.weights, weights);
                let work = (exercise.run)().unwrap_or_else(|e| panic!("{text}: {e}"));
                let own = work.iter().find(|one| one.kind == kind).expect(text);
                // Tiles of 36 products make 16 results, in floats, where all results are wanted.
                let flop = match (text.split(':').next(), weights) {
                    (Some("conv3x3" | "norm_conv3x3"), WeightFormat::F32) => flop / 9.0 * 2.25,
                    (Some("upsample"), WeightFormat::F32) => flop / 4.0 * 2.25,
                    _ => flop,
                };
                assert_eq!((own.calls, own.flop), (1, flop), "{text} {weights}");
                assert!(own.bytes > 0.0 && own.seconds > 0.0, "{text} {weights}");
            }
        }
    }

    #[test]
    fn every_operation_has_cases_that_are_ready() {
        for listed in list().iter().filter(|one| !one.network) {
            assert!(!listed.cases.is_empty() && listed.about.contains('('), "{listed:?}");
            for case in &listed.cases {
                // Made ready and not run: the sizes are those of real networks.
                ready(&operation(case)).unwrap_or_else(|e| panic!("{case}: {e}"));
            }
        }
    }

    #[track_caller]
    fn refused(workload: &Workload, words: &[&str]) {
        let Err(error) = ready(workload) else { panic!("{workload:?} is accepted") };
        let line = error.to_string();
        assert!(matches!(error, RenderError::Request { .. }), "{line}");
        assert!(words.iter().all(|word| line.contains(word)), "{words:?} are not in {line:?}");
    }

    #[test]
    fn slips_are_refused_with_the_field() {
        refused(&operation("matmult:1x1x1"), &["op:", "matmult", "matmul, "]);
        refused(&operation("matmul"), &["op:", "ROWSxINPUTSxOUTPUTS"]);
        refused(&operation("matmul:1x1"), &["op:", "ROWSxINPUTSxOUTPUTS"]);
        refused(&operation("matmul:1x1x1x1"), &["op:"]);
        refused(&operation("matmul:1x1x1:2"), &["op:"]);
        refused(&operation("matmul:0x1x1"), &["op:", "rows"]);
        refused(&operation("matmul:-1x1x1"), &["op:"]);
        refused(&operation("matmul:1x1x99999999999999999999999"), &["op:", "outputs"]);
        refused(&operation("matmul:1048576x1048576x1048576"), &["op:", "MB of memory"]);
        let mut tall = ready(&operation("conv1x1:1x70000x1")).unwrap();
        let error = (tall.run)().unwrap_err();
        assert!(error.to_string().starts_with("op: height of size 70000"), "{error}");
        refused(&operation("norm_heads:8x2x31"), &["op:", "31"]);
        refused(&operation("group_norm:33x6x4"), &["op:", "32"]);
        let blocks = of(Subject::Operation("matmul:1x40x8".into()), Some(WeightFormat::Q8_0), None);
        refused(&blocks, &["op:", "multiple of 32"]);
        let norm = of(Subject::Operation("softmax:8x8".into()), Some(WeightFormat::Bf16), None);
        refused(&norm, &["precision:", "bf16", "f32"]);

        let net = |name: &str, width, height| {
            of(Subject::Network(name.into()), None, Some(Size { width, height }))
        };
        refused(&net("sd3", 512, 512), &["net:", "sd3", "sd15-unet"]);
        refused(&net("sd15-unet", 0, 512), &["size:", "multiples of 64"]);
        refused(&net("sd15-unet", 500, 512), &["size:", "multiples of 64"]);
        refused(&net("sd15-vae", u32::MAX, u32::MAX), &["size:", "multiples of 8"]);
    }

    #[test]
    fn networks_are_weighed_without_being_built() {
        // The counts of parameters that the published networks have, in millions; of klein's, some. A
        // convolution over a doubled picture holds 16 numbers for each nine of these.
        for (name, millions) in [("sd15-unet", 860), ("sdxl-unet", 2567), ("klein-stack", 931)] {
            let weight = networks::weigh(name, WeightFormat::Bf16).unwrap();
            let found = (weight.bytes / 2).div_ceil(1_000_000);
            assert!(found.abs_diff(millions) * 30 <= millions, "{name}: {found} million");
        }
        let [bf16, q8, q4] = [WeightFormat::Bf16, WeightFormat::Q8_0, WeightFormat::Q4K]
            .map(|format| networks::weigh("klein-stack", format).unwrap().bytes as f64);
        assert!((0.5..0.56).contains(&(q8 / bf16)), "{}", q8 / bf16);
        assert!((0.27..0.32).contains(&(q4 / bf16)), "{}", q4 / bf16);
    }

    #[test]
    fn a_network_runs_and_tells_what_it_did() {
        let size = Some(Size { width: 64, height: 64 });
        let workload = of(Subject::Network("taesd".into()), Some(WeightFormat::F32), size);
        let mut exercise = ready(&workload).unwrap();
        assert_eq!(exercise.size, size);
        let work = (exercise.run)().unwrap();
        let conv = work.iter().find(|one| one.kind == WorkKind::Convolution).unwrap();
        assert_eq!(conv.numbers, Numbers::F32);
        assert!(conv.calls > 30 && conv.flop > 3e8, "{conv:?}");
    }
}
