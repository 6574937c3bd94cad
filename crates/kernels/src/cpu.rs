//! Which instructions this processor has, asked once.

use std::sync::OnceLock;

/// Sets of instructions that kernels are written for, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Whatever the compiler makes of plain code for this architecture.
    Portable,
    /// ARM's 128-bit vectors with fused multiply-add.
    Neon,
    /// 256-bit vectors with FMA and F16C.
    Avx2,
    /// 512-bit vectors (F, BW, DQ, VL) with VNNI and BF16 products.
    Avx512,
    /// Tiles of bf16 and int8, beside all of [`Isa::Avx512`].
    Amx,
}

/// The names that `LIKENESS_CPU` takes.
const NAMES: &[(&str, Isa)] = &[
    ("portable", Isa::Portable),
    ("neon", Isa::Neon),
    ("avx2", Isa::Avx2),
    ("avx512", Isa::Avx512),
    ("amx", Isa::Amx),
];

impl Isa {
    /// What it is called.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, isa)| *isa == self).map_or("portable", |(name, _)| name)
    }

    /// The best set of this machine that is no better than `LIKENESS_CPU` allows.
    pub fn get() -> Self {
        static CHOSEN: OnceLock<Isa> = OnceLock::new();
        *CHOSEN.get_or_init(|| {
            let best = *available().last().unwrap_or(&Self::Portable);
            match std::env::var("LIKENESS_CPU") {
                Ok(name) => held_down(&name, best).unwrap_or(best),
                Err(_) => best,
            }
        })
    }

    /// Whether this machine can run it.
    pub fn runs(self) -> bool {
        available().contains(&self)
    }
}

/// What `LIKENESS_CPU` means on a machine whose best is `best`; none for a name that is not one.
fn held_down(name: &str, best: Isa) -> Option<Isa> {
    let wanted = NAMES.iter().find(|(known, _)| *known == name).map(|(_, isa)| *isa)?;
    available().iter().rev().find(|&&isa| isa <= wanted.min(best)).copied()
}

/// Every set that this machine can run, least first.
pub fn available() -> &'static [Isa] {
    static AVAILABLE: OnceLock<Vec<Isa>> = OnceLock::new();
    AVAILABLE.get_or_init(|| {
        let mut sets = vec![Isa::Portable];
        sets.extend(native());
        sets
    })
}

#[cfg(target_arch = "x86_64")]
fn native() -> Vec<Isa> {
    let mut sets = Vec::new();
    if is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
    {
        sets.push(Isa::Avx2);
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni")
            && is_x86_feature_detected!("avx512bf16")
        {
            sets.push(Isa::Avx512);
            if tiles() {
                sets.push(Isa::Amx);
            }
        }
    }
    sets
}

#[cfg(target_arch = "aarch64")]
fn native() -> Vec<Isa> {
    vec![Isa::Neon]
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn native() -> Vec<Isa> {
    Vec::new()
}

/// Whether there are tiles for bf16 and int8, and the system lets this process use them: Linux wants
/// to be asked once, since a process that uses tiles has 8 KiB more to save.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn tiles() -> bool {
    use std::arch::x86_64::__cpuid_count;
    const BF16: u32 = 1 << 22;
    const TILE: u32 = 1 << 24;
    const INT8: u32 = 1 << 25;
    const ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: i64 = 0x1023;
    const XFEATURE_XTILEDATA: i64 = 18;
    let features = __cpuid_count(7, 0).edx;
    if features & (BF16 | TILE | INT8) != (BF16 | TILE | INT8) {
        return false;
    }
    let answer: i64;
    // SAFETY: a system call that reads no memory of ours; rcx and r11 are what the kernel overwrites.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => answer,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XFEATURE_XTILEDATA,
            out("rcx") _,
            out("r11") _,
            options(nostack)
        );
    }
    answer == 0
}

#[cfg(all(target_arch = "x86_64", not(target_os = "linux")))]
fn tiles() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_the_machine_down_and_never_up() {
        let best = *available().last().unwrap();
        assert_eq!(held_down("portable", best), Some(Isa::Portable));
        assert!(held_down("amx", best).unwrap() <= best);
        assert_eq!(held_down("sse9", best), None);
        assert_eq!(held_down("avx2", Isa::Portable), Some(Isa::Portable));
    }
}
