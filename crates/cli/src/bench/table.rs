//! Measurements for people.

use likeness_recipe::{Bound, Exercisable, RooflineRow};

use super::Machine;
use super::random::Measured;

impl Measured {
    /// The table of one.
    pub fn table(&self) -> String {
        let mut table = format!(
            "{}, {}, {}, {}; median of {} runs\n",
            self.name(),
            self.precision,
            self.instruction_set,
            threads(self.threads),
            self.runs,
        );
        table += &line("time", &milliseconds(self.seconds));
        table.pop();
        table += &format!("  (the longest run {:.0} % over the shortest)\n", self.spread * 100.0);
        if let Some(busy) = self.processor_seconds {
            table += &line("processors", &milliseconds(busy));
        }
        table += &line("first time", &milliseconds(self.first_seconds));
        table += &line("built in", &milliseconds(self.build_seconds));
        table += &rates(&self.machine);
        table += &line("peak memory", &megabytes(self.peak_memory));
        table += &roofline(&self.machine.roofline);
        table.trim_end().to_owned()
    }
}

/// The table of several, a line each.
pub fn all(measured: &[Measured]) -> String {
    let Some(first) = measured.first() else { return String::new() };
    let mut table = format!(
        "{}, {}; medians of {} runs\n{:<32} {:<9} {:>10} {:>7} {:>10} {:>8} {:>8}\n",
        first.instruction_set,
        threads(first.threads),
        first.runs,
        "operation",
        "precision",
        "time",
        "spread",
        "GFLOP/s",
        "of peak",
        "GB/s",
    );
    for one in measured {
        let bytes: f64 = one.work.iter().map(|work| work.bytes).sum();
        table += &format!(
            "{:<32} {:<9} {:>10} {:>5.0} % {:>10.1} {:>6.1} % {:>8.1}\n",
            one.name(),
            one.precision,
            milliseconds(one.seconds),
            one.spread * 100.0,
            one.machine.gflops,
            one.machine.share_of_peak * 100.0,
            bytes / one.seconds.max(1e-9) / 1e9,
        );
    }
    table += &format!("memory gives and takes {:.1} GB/s", first.machine.memory_gigabytes);
    table
}

/// What was reached of what the machine can do.
pub fn rates(machine: &Machine) -> String {
    let mut text = line("rate", &format!("{:.1} GFLOP/s", machine.gflops));
    text.pop();
    text + &format!(
        "  ({:.1} % of this machine's {:.0})\n",
        machine.share_of_peak * 100.0,
        machine.peak_gflops
    )
}

/// Where the time went; nothing where it was not asked for.
pub fn roofline(rows: &[RooflineRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = format!(
        "\n{:<12} {:<7} {:>6} {:>11} {:>6} {:>9} {:>7} {:>9} {:>8}  {}\n",
        "kind",
        "numbers",
        "calls",
        "time",
        "share",
        "GFLOP/s",
        "GB/s",
        "limit",
        "reached",
        "held by"
    );
    for row in rows {
        let number = |number: Option<f64>| number.map_or("-".to_owned(), |n| format!("{n:.1}"));
        let reached = row.share_of_limit.map_or("-".to_owned(), |s| format!("{:.0} %", s * 100.0));
        let held = match row.bound {
            Some(Bound::Compute) => "arithmetic",
            Some(Bound::Memory) => "memory",
            None => "-",
        };
        table += &format!(
            "{:<12} {:<7} {:>6} {:>11} {:>4.0} % {:>9} {:>7} {:>9} {:>8}  {}\n",
            row.kind.name(),
            row.numbers.name(),
            row.calls,
            milliseconds(row.seconds),
            row.share * 100.0,
            number(row.gflops),
            number(row.gigabytes),
            number(row.limit_gflops),
            reached,
            held,
        );
    }
    table
}

/// What can be exercised.
pub fn list<'a>(all: impl Iterator<Item = &'a Exercisable>) -> String {
    let mut text = String::new();
    for one in all {
        let formats: Vec<_> = one.weights.iter().map(|format| format.name()).collect();
        text += &format!("{:<16} {}; {}\n", one.name, one.about, formats.join(", "));
        for case in &one.cases {
            text += &format!("{:<16}   {case}\n", "");
        }
    }
    text.trim_end().to_owned()
}

/// A part and its figure.
pub fn line(part: &str, figure: &str) -> String {
    format!("{part:<14} {figure:>12}\n")
}

/// As many digits as the clock is good for.
pub fn milliseconds(seconds: f64) -> String {
    let ms = seconds * 1e3;
    if ms >= 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.3} ms") }
}

/// Bytes, as far as they are known.
pub fn megabytes(bytes: Option<u64>) -> String {
    bytes.map_or("not told".to_owned(), |bytes| format!("{} MB", bytes / 1_000_000))
}

/// How many threads.
pub fn threads(count: usize) -> String {
    if count == 1 { "1 thread".to_owned() } else { format!("{count} threads") }
}
