//! Bytes needed against bytes free, before anything is loaded.

use crate::networks::flux2;

/// Bytes that a render needs beyond what is loaded already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Need {
    /// Weights in the form that is computed with.
    pub weights: u64,
    /// Activations at the largest moment.
    pub activations: u64,
    /// Reference cards.
    pub card: u64,
}

impl Need {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.weights.saturating_add(self.activations).saturating_add(self.card)
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
    let (d, m) = (config.width() as u64, config.inner() as u64);
    let heads = config.num_attention_heads as u64;
    let own = (lengths.text + lengths.picture) as u64;
    let seen = own + lengths.references as u64;
    let rows = own.max(lengths.references as u64);
    // Scores are made some heads at a time; see `networks::attention`.
    let scores = (rows * seen * heads).min((16 << 20) + rows * seen);
    let stream = rows * (3 * d + 2 * m) + rows * 3 * m + rows * 8 * d;
    let picture = 8 * lengths.picture as u64 * (config.in_channels + config.out_channels()) as u64;
    let layers = (config.num_layers + config.num_single_layers) as u64;
    Need {
        weights: 0,
        activations: 4 * (stream + 2 * scores + 2 * seen * d + picture),
        card: 4 * 2 * layers * lengths.references as u64 * d,
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
