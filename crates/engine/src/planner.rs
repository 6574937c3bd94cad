//! Bytes needed against bytes free, before anything is loaded.

use crate::networks::flux2;

/// Bytes that a render needs beside the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Need {
    /// Activations at the largest moment.
    pub activations: u64,
    /// Reference cards.
    pub card: u64,
}

impl Need {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.activations.saturating_add(self.card)
    }
}

/// Tokens of one render.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    /// Of the text.
    pub text: usize,
    /// Of the picture.
    pub picture: usize,
    /// Of all references.
    pub references: usize,
}

/// What a step of the FLUX.2 network holds at its largest moment, the single block: the residual
/// stream, its projections, queries, keys and values in both layouts, and attention's scores.
pub fn flux2(config: &flux2::Config, lengths: Lengths) -> Need {
    // In floats, which are exact up to eight petabytes and do not wrap beyond.
    let (d, m) = (config.width() as f64, config.inner() as f64);
    let heads = config.num_attention_heads as f64;
    let (picture, references) = (lengths.picture as f64, lengths.references as f64);
    let own = lengths.text as f64 + picture;
    let seen = own + references;
    let rows = own.max(references);
    // Scores are never there all at once: our kernels use up those of a block of queries before the next
    // (`likeness_kernels::attention`).
    let scores = (rows * seen * heads).min(f64::from(16 << 20) + rows * seen);
    let stream = rows * (3.0 * d + 2.0 * m) + rows * 3.0 * m + rows * 8.0 * d;
    let pixels = 8.0 * picture * (config.in_channels as f64 + config.out_channels() as f64);
    let layers = config.num_layers as f64 + config.num_single_layers as f64;
    Need {
        activations: (4.0 * (stream + 2.0 * scores + 2.0 * seen * d + pixels)) as u64,
        card: (4.0 * 2.0 * layers * references * d) as u64,
    }
}

/// Bytes that are free for this process now, with what the system can give back, and within the limit
/// of the container it runs in, if any.
pub fn available() -> u64 {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let free = system.available_memory();
    match system.cgroup_limits() {
        Some(limits) => free.min(limits.free_memory),
        None => free,
    }
}

/// Bytes of memory that this machine has, within the limit of the container, if any.
pub fn total() -> u64 {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let all = system.total_memory();
    match system.cgroup_limits() {
        Some(limits) => all.min(limits.total_memory),
        None => all,
    }
}
