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
        Some(limits) => free.min(left_in_container(&limits, container_statistics().as_deref())),
        None => free,
    }
}

/// Bytes that a container has left. What its group has used counts the files that it has read too, which
/// the system drops where a process wants the memory: after a model of gigabytes was read, or a backup
/// was made, hardly anything else is there.
fn left_in_container(limits: &sysinfo::CGroupLimits, statistics: Option<&str>) -> u64 {
    let read_files = statistics.map_or(0, can_be_given_back);
    limits.free_memory.saturating_add(read_files).min(limits.total_memory)
}

/// What the kernel says of this container's group, where sysinfo finds the limits: the second version of
/// control groups, then the first.
fn container_statistics() -> Option<String> {
    ["/sys/fs/cgroup/memory.stat", "/sys/fs/cgroup/memory/memory.stat"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
}

/// Bytes of a group's `memory.stat` that the system can give back: pages of files and what it remembers of
/// folders. Files in shared memory are not among the pages of files there. In the first version of control
/// groups a name with `total_` counts the groups within too, as the usage does.
fn can_be_given_back(statistics: &str) -> u64 {
    let value = |wanted: &str| {
        let mut values = statistics.lines().filter_map(|line| line.split_once(' '));
        let (_, value) = values.find(|(name, _)| *name == wanted)?;
        value.trim().parse::<u64>().ok()
    };
    ["active_file", "inactive_file", "slab_reclaimable"]
        .into_iter()
        .map(|name| value(&format!("total_{name}")).or_else(|| value(name)).unwrap_or(0))
        .fold(0, u64::saturating_add)
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

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;

    fn limits(total_memory: u64, used: u64) -> sysinfo::CGroupLimits {
        let free_memory = total_memory.saturating_sub(used);
        sysinfo::CGroupLimits { total_memory, free_memory, free_swap: 0, rss: 0 }
    }

    #[test]
    fn files_that_were_read_are_no_memory_in_use() {
        let second = "anon 1500000000\nfile 5400000000\nshmem 400000000\ninactive_file 4000000000\n\
                      active_file 900000000\nslab_reclaimable 100000000\nslab_unreclaimable 7\n";
        let first = "cache 1\nactive_file 7\ninactive_file 7\nhierarchical_memory_limit 8\n\
                     total_active_file 1000000000\ntotal_inactive_file 4000000000\n";
        for statistics in [second, first] {
            let left = left_in_container(&limits(8 * GB, 7 * GB), Some(statistics));
            assert_eq!(left, 6 * GB, "{statistics}");
        }
        assert_eq!(
            left_in_container(&limits(8 * GB, 7 * GB), None),
            GB,
            "nothing is known of them"
        );
        let odd = format!("active_file {}\ninactive_file 9\nfile\n\nslab_reclaimable x", u64::MAX);
        assert_eq!(
            left_in_container(&limits(8 * GB, 7 * GB), Some(&odd)),
            8 * GB,
            "never over all"
        );
    }

    #[test]
    fn something_is_free_and_no_more_than_there_is() {
        let (free, all) = (available(), total());
        assert!(0 < free && free <= all, "{free} of {all}");
    }

    #[test]
    fn sizes_that_no_machine_has_are_not_small() {
        let config = flux2::Config {
            patch_size: 1,
            in_channels: 1 << 20,
            out_channels: None,
            num_layers: 1 << 20,
            num_single_layers: 1 << 20,
            attention_head_dim: 1,
            num_attention_heads: 1 << 20,
            joint_attention_dim: 1 << 20,
            timestep_guidance_channels: 2,
            mlp_ratio: 1.0,
            axes_dims_rope: vec![0; 4],
            rope_theta: 2000.0,
            eps: 1e-6,
            guidance_embeds: false,
        };
        let lengths = Lengths { text: 4096, picture: 1 << 28, references: 1 << 32 };
        let need = flux2(&config, lengths);
        assert_eq!((need.card, need.total()), (u64::MAX, u64::MAX));
    }
}
