//! The machine in words, without its name: processor, cores, memory, instruction sets.

use std::time::{SystemTime, UNIX_EPOCH};

/// Instruction sets that matter here, as Linux spells them.
const SETS: &[&str] = &[
    "avx2",
    "fma",
    "avx_vnni",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "asimddp",
    "i8mm",
    "bf16",
];

/// Threads that this machine runs at once.
pub fn threads() -> u32 {
    std::thread::available_parallelism().map_or(1, |threads| threads.get() as u32)
}

/// One line. Where the system does not say, less of it.
pub fn describe() -> String {
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let model = entry(&processors, "model name").unwrap_or("an unnamed processor");
    let flags = entry(&processors, "flags").or_else(|| entry(&processors, "Features"));
    let flags: Vec<_> = flags.unwrap_or_default().split(' ').collect();
    let sets: Vec<_> = SETS.iter().filter(|set| flags.contains(set)).copied().collect();
    let mut text = format!("{} cores of {model}, {}", threads(), std::env::consts::ARCH);
    let kilobytes = entry(&memory, "MemTotal").and_then(|total| total.split(' ').next());
    if let Some(kilobytes) = kilobytes.and_then(|total| total.parse::<f64>().ok()) {
        text += &format!(", {:.0} GB of memory", kilobytes * 1024.0 / 1e9);
    }
    if !sets.is_empty() {
        text += &format!(", with {}", sets.join(" "));
    }
    text
}

/// The value of a line `key : value`, the first of that key.
fn entry<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim())
    })
}

/// As 2026-11-21, in UTC.
pub fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = date((seconds / 86_400) as i64);
    format!("{year}-{month:02}-{day:02}")
}

/// The date that is so many days after the first of January 1970.
fn date(mut days: i64) -> (i64, usize, i64) {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970;
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 0;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        month += 1;
        if days < length {
            break;
        }
        days -= length;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn days_are_dates() {
        for (days, expected) in [
            (0, (1970, 1, 1)),
            (11_016, (2000, 2, 29)),
            (20_778, (2026, 11, 21)),
            (20_818, (2026, 12, 31)),
        ] {
            assert_eq!(date(days), expected, "{days} days");
        }
    }
}
