//! Which instructions this processor has, asked once.

use std::sync::OnceLock;

use crate::Error;

/// Sets of instructions that kernels are written for, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Whatever the compiler makes of plain code for this architecture.
    Portable,
    /// ARM's 128-bit vectors with fused multiply-add.
    Neon,
    /// 256-bit vectors with FMA and F16C.
    Avx2,
    /// Products of bytes on 256-bit vectors, beside all of [`Isa::Avx2`].
    AvxVnni,
    /// 512-bit vectors (F, BW, DQ, VL) with VNNI and BF16 products.
    Avx512,
    /// Tiles of bf16 and int8, beside all of [`Isa::Avx512`].
    Amx,
}

/// What holds the choice down.
const VARIABLE: &str = "LIKENESS_CPU";

/// The names that it takes.
const NAMES: &[(&str, Isa)] = &[
    ("portable", Isa::Portable),
    ("neon", Isa::Neon),
    ("avx2", Isa::Avx2),
    ("avxvnni", Isa::AvxVnni),
    ("avx512", Isa::Avx512),
    ("amx", Isa::Amx),
];

impl Isa {
    /// What it is called.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, isa)| *isa == self).map_or("portable", |(name, _)| name)
    }

    /// The best set of this machine that is no better than `LIKENESS_CPU` allows. A name that is not one
    /// allows everything: whoever starts the program asks [`unmet`] and says so.
    pub fn get() -> Self {
        static CHOSEN: OnceLock<Isa> = OnceLock::new();
        *CHOSEN
            .get_or_init(|| wanted().map_or_else(best, |name| held_down(&name).unwrap_or(best())))
    }

    /// Whether this machine can run it.
    pub fn runs(self) -> bool {
        available().contains(&self)
    }

    /// Refuses a set that this machine does not have.
    pub fn check(self) -> Result<(), Error> {
        if self.runs() { Ok(()) } else { Err(Error::Absent(self.name())) }
    }
}

/// Why `LIKENESS_CPU` is not followed to the letter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    /// It names no set: nothing should be computed before that is mended.
    #[error("LIKENESS_CPU: there is no instruction set '{name}' (accepted: {})", accepted())]
    Unknown {
        /// What it says.
        name: String,
    },
    /// It names one that this machine lacks. It only ever holds down, so the next lesser one is used.
    #[error("LIKENESS_CPU: this processor has no {}, so {} is used", wanted.name(), used.name())]
    Absent {
        /// What it names.
        wanted: Isa,
        /// What is used.
        used: Isa,
    },
}

/// What keeps `LIKENESS_CPU` from being followed; none where it is, or is not set.
pub fn unmet() -> Option<Unmet> {
    what_keeps(&wanted()?)
}

fn what_keeps(name: &str) -> Option<Unmet> {
    match (named(name), held_down(name)) {
        (Some(wanted), Some(used)) if wanted == used => None,
        (Some(wanted), Some(used)) => Some(Unmet::Absent { wanted, used }),
        _ => Some(Unmet::Unknown { name: name.to_owned() }),
    }
}

/// What the variable says; one that is empty says nothing.
fn wanted() -> Option<String> {
    let name = std::env::var_os(VARIABLE)?;
    (!name.is_empty()).then(|| name.to_string_lossy().into_owned())
}

fn named(name: &str) -> Option<Isa> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, isa)| *isa)
}

fn accepted() -> String {
    NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

fn best() -> Isa {
    *available().last().unwrap_or(&Isa::Portable)
}

/// What a name allows on this machine; none for a name that is not one.
fn held_down(name: &str) -> Option<Isa> {
    let wanted = named(name)?;
    available().iter().rev().find(|&&isa| isa <= wanted).copied()
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
        if is_x86_feature_detected!("avxvnni") {
            sets.push(Isa::AvxVnni);
        }
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
        assert_eq!(held_down("portable"), Some(Isa::Portable));
        assert_eq!(held_down("sse9"), None);
        for &(name, wanted) in NAMES {
            let used = held_down(name).unwrap();
            assert!(used.runs() && used <= wanted, "{name}: {used:?}");
        }
    }

    #[test]
    fn what_cannot_be_met_is_put_into_words() {
        let unknown = what_keeps("sse9").unwrap().to_string();
        assert!(
            unknown.contains("'sse9'") && unknown.contains("portable, neon, avx2"),
            "{unknown}"
        );
        for &(name, wanted) in NAMES {
            match what_keeps(name) {
                None => assert!(wanted.runs(), "{name}"),
                Some(Unmet::Absent { wanted: known, used }) => {
                    assert!(known == wanted && !wanted.runs() && used.runs(), "{name}");
                }
                Some(other) => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_set_that_is_not_there_is_refused() {
        for &(name, isa) in NAMES {
            assert_eq!(isa.check().is_ok(), available().contains(&isa), "{name}");
        }
        let foreign = if cfg!(target_arch = "aarch64") { Isa::Avx2 } else { Isa::Neon };
        assert_eq!(foreign.check(), Err(Error::Absent(foreign.name())));
    }
}
