//! The tables: what was measured beside what was to be reached, and the verdicts.

use std::fmt::Write as _;

use super::lines::{Kind, Line, Peer};
use super::measured::Measured;

/// A line and what its sides took. A side that did not run is not there.
pub struct Row {
    /// What was compared.
    pub line: &'static Line,
    /// Likeness.
    pub ours: Option<Measured>,
    /// The others.
    pub peers: Vec<(Peer, Measured)>,
    /// Likeness under other conditions, where that is the comparison.
    pub otherwise: Option<Measured>,
}

/// What came of a line.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// At most the target.
    Met,
    /// Above it.
    Missed,
    /// One side is missing, so nothing is claimed.
    NotRun,
    /// No target was set; the ratio explains other lines.
    Shown,
}

impl Row {
    /// Ours by the best of theirs, or seconds where the line has no peer; nothing if a side is missing.
    pub fn figure(&self) -> Option<f64> {
        let ours = self.value(self.ours.as_ref()?)?;
        match self.line.kind {
            Kind::FirstPicture => return Some(ours),
            Kind::LargeLibrary => return Some(ours / self.value(self.otherwise.as_ref()?)?),
            Kind::Speed | Kind::Memory => {}
        }
        // One of several peers that failed could have been the best of them.
        if self.peers.len() < self.line.peers.len() {
            return None;
        }
        let best = self.peers.iter().filter_map(|(_, theirs)| self.value(theirs));
        best.min_by(f64::total_cmp).map(|best| ours / best)
    }

    /// Whether the target was reached.
    pub fn verdict(&self) -> Verdict {
        match (self.figure(), self.line.target) {
            (None, _) => Verdict::NotRun,
            (Some(_), None) => Verdict::Shown,
            (Some(figure), Some(target)) if figure <= target => Verdict::Met,
            (Some(_), Some(_)) => Verdict::Missed,
        }
    }

    /// One line of the table of results.
    pub fn text(&self) -> String {
        let cell = |measured: Option<&Measured>| match measured {
            Some(measured) => self.amount(measured),
            None => "–".to_owned(),
        };
        let theirs = |peer| self.peers.iter().find(|(other, _)| *other == peer).map(|(_, m)| m);
        let is_seconds = self.line.kind == Kind::FirstPicture;
        let (ratio, target) = match (self.figure(), self.line.target) {
            (figure, target) if is_seconds => (
                figure.map_or("–".to_owned(), |_| String::new()),
                target.map_or(String::new(), |target| format!("≤ {target:.1} s")),
            ),
            (figure, target) => (
                figure.map_or("–".to_owned(), |figure| format!("{figure:.2}")),
                target.map_or(String::new(), |target| format!("≤ {target}")),
            ),
        };
        let verdict = match self.verdict() {
            Verdict::Met => "met",
            Verdict::Missed => "missed",
            Verdict::NotRun => "not run",
            Verdict::Shown => "",
        };
        let mut cells = vec![self.line.text.to_owned(), cell(self.ours.as_ref())];
        cells.extend(Peer::ALL.map(|peer| cell(theirs(peer))));
        cells.extend([ratio, target, verdict.to_owned()]);
        format!("| {} |", cells.join(" | "))
    }

    /// What this line is about, of one side.
    fn value(&self, measured: &Measured) -> Option<f64> {
        match self.line.kind {
            Kind::Memory => measured.peak_memory,
            Kind::Speed | Kind::FirstPicture | Kind::LargeLibrary => Some(measured.seconds),
        }
    }

    fn amount(&self, measured: &Measured) -> String {
        match (self.line.kind, measured.peak_memory) {
            (Kind::Memory, Some(bytes)) => gigabytes(bytes),
            (Kind::Memory, None) => "–".to_owned(),
            _ => seconds(measured.seconds),
        }
    }
}

/// The table of results, with its head.
pub fn results(rows: &[&Row]) -> String {
    let mut table = "| work | ours |".to_owned();
    Peer::ALL.iter().for_each(|peer| table += &format!(" {} |", peer.text()));
    table += " ours/theirs | to reach | |\n|---|---:|---:|---:|---:|---:|---:|---|\n";
    for row in rows {
        table += &row.text();
        table.push('\n');
    }
    table
}

/// Every side of every line: how far its rounds were apart, the processors' time, memory and rate.
pub fn details(rows: &[Row]) -> String {
    let mut table =
        "| work | side | seconds | rounds | processors | peak memory | GFLOP/s | share of peak |\n\
                     |---|---|---:|---:|---:|---:|---:|---:|\n"
            .to_owned();
    for row in rows {
        // Its one figure stands in the results already.
        if row.line.kind == Kind::Memory {
            continue;
        }
        let sides = row.peers.iter().map(|(peer, measured)| (peer.text(), measured));
        let sides = row.ours.iter().map(|ours| ("Likeness", ours)).chain(sides);
        // The work is the same on all sides, and only ours counts it.
        let gflop = row.ours.as_ref().and_then(|ours| ours.gflop);
        for (side, measured) in sides {
            let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "–".to_owned());
            let _ = writeln!(
                table,
                "| {} | {side} | {} | {} | {} | {} | {} | {} |",
                row.line.text,
                seconds(measured.seconds),
                range(&measured.rounds),
                or_dash(measured.processor_seconds.map(seconds)),
                or_dash(measured.peak_memory.map(gigabytes)),
                or_dash(gflop.map(|gflop| format!("{:.0}", gflop / measured.seconds))),
                or_dash(measured.share_of_peak.map(|share| format!("{:.0} %", share * 100.0))),
            );
        }
    }
    table
}

fn range(rounds: &[f64]) -> String {
    match rounds {
        [] => "–".to_owned(),
        [one] => seconds(*one),
        [low, .., high] => format!("{} to {}", seconds(*low), seconds(*high)),
    }
}

/// Three digits that mean something.
fn seconds(seconds: f64) -> String {
    match seconds {
        long if long >= 10.0 => format!("{long:.1} s"),
        long if long >= 1.0 => format!("{long:.2} s"),
        middle if middle >= 0.1 => format!("{:.0} ms", middle * 1e3),
        short if short >= 0.01 => format!("{:.1} ms", short * 1e3),
        short => format!("{:.2} ms", short * 1e3),
    }
}

fn gigabytes(bytes: f64) -> String {
    format!("{:.2} GB", bytes / 1e9)
}

#[cfg(test)]
mod tests {
    use super::super::lines::LINES;
    use super::*;

    fn line(name: &str) -> &'static Line {
        LINES.iter().find(|line| line.name == name).expect("a line of that name")
    }

    fn row(name: &str, ours: Option<&str>, peers: &[(Peer, &str)]) -> Row {
        let read = |json: &str| Measured::read(json).expect("fixed JSON");
        let peers = peers.iter().map(|(peer, json)| (*peer, read(json))).collect();
        Row { line: line(name), ours: ours.map(read), peers, otherwise: None }
    }

    const TORCH: (Peer, &str) = (Peer::Torch, r#"{"seconds": 1.0, "peak_memory": 3e9}"#);
    const OPENVINO: (Peer, &str) = (Peer::OpenVino, r#"{"seconds": 0.7, "peak_memory": 2e9}"#);

    #[test]
    fn the_faster_peer_counts() {
        let met = row("unet", Some(r#"{"seconds":0.5,"gflop":700}"#), &[TORCH, OPENVINO]);
        assert_eq!(
            met.text(),
            "| SD1.5-shaped UNet step 512², bf16 | 500 ms | 1.00 s | 700 ms | – | 0.71 | ≤ 0.8 | met |"
        );
        let missed = row("unet", Some(r#"{"seconds":0.6}"#), &[TORCH, OPENVINO]);
        assert_eq!(missed.verdict(), Verdict::Missed);
        assert!(details(&[met]).contains("| PyTorch | 1.00 s | 1.00 s | – | 3.00 GB | 700 | – |"));
    }

    #[test]
    fn nothing_is_claimed_of_a_side_that_did_not_run() {
        let ours = Some(r#"{"seconds":0.5}"#);
        assert_eq!(row("unet", ours, &[TORCH]).verdict(), Verdict::NotRun, "one of two peers");
        assert_eq!(row("unet", None, &[TORCH, OPENVINO]).verdict(), Verdict::NotRun, "not ours");
        assert!(
            row("klein-q8_0", ours, &[])
                .text()
                .ends_with("| 500 ms | – | – | – | – | ≤ 0.3 | not run |")
        );
    }

    #[test]
    fn memory_and_seconds_have_lines_of_their_own() {
        let cpp = (Peer::StableDiffusionCpp, r#"{"seconds":1,"peak_memory":2.5e9}"#);
        let memory = row("memory", Some(r#"{"seconds":1,"peak_memory":2e9}"#), &[cpp]);
        assert!(memory.text().ends_with("| 2.00 GB | – | – | 2.50 GB | 0.80 | ≤ 0.8 | met |"));
        let first = row("first", Some(r#"{"seconds":0.25}"#), &[]);
        assert!(first.text().ends_with("| 250 ms | – | – | – |  | ≤ 1.0 s | met |"));
        let slow = row("first", Some(r#"{"seconds":1.25}"#), &[]);
        assert_eq!(slow.verdict(), Verdict::Missed);
        let mut large = row("large", Some(r#"{"seconds":0.26}"#), &[]);
        assert_eq!(large.verdict(), Verdict::NotRun, "there is no small library to compare with");
        large.otherwise = Some(Measured::of_seconds(0.25));
        assert!(large.text().ends_with("| 260 ms | – | – | – | 1.04 | ≤ 1.05 | met |"));
        let operation =
            row("op", Some(r#"{"seconds":0.004}"#), &[(Peer::Torch, r#"{"seconds":0.005}"#)]);
        assert_eq!((operation.verdict(), operation.figure()), (Verdict::Shown, Some(0.8)));
    }
}
