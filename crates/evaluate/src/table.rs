//! The measured lines beside what the small and the full form of the starter are to reach.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Value, json};

use crate::score::{Outcome, Share};

/// How a number is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A share of all, shown in percent.
    Share,
    /// Decibels.
    Decibel,
    /// A loss in percentage points: less is better.
    Points,
}

/// A line of the table. Adding one: a row in [`LINES`], and its key in `score`.
pub struct Line {
    /// Its name in [`Outcome`] and in JSON.
    pub key: &'static str,
    /// What it says.
    pub says: &'static str,
    /// How its numbers are read.
    pub unit: Unit,
    /// What the small form is to reach, if anything.
    pub small: Option<f64>,
    /// What the full form is to reach.
    pub full: Option<f64>,
}

const fn line(
    key: &'static str,
    says: &'static str,
    unit: Unit,
    small: Option<f64>,
    full: Option<f64>,
) -> Line {
    Line { key, says, unit, small, full }
}

/// The key of the line that is not measured here but read from the record of the export.
pub const RECORDED: &str = "few steps";

/// In the order in which they are shown.
pub const LINES: &[Line] = &[
    line("subject", "subject named is the subject drawn, top-1", Unit::Share, Some(0.5), Some(0.9)),
    line("style", "style right", Unit::Share, Some(0.8), Some(0.95)),
    line("background", "background right", Unit::Share, Some(0.8), Some(0.95)),
    line("tint", "tint right", Unit::Share, Some(0.8), Some(0.95)),
    line("two", "two subjects, both present", Unit::Share, Some(0.3), Some(0.75)),
    line("unseen", "unseen subject, top-1 among 100", Unit::Share, Some(0.6), Some(0.9)),
    line("edit psnr", "edit: PSNR outside the change", Unit::Decibel, Some(24.0), Some(30.0)),
    line(RECORDED, "lost by 4 steps (as recorded)", Unit::Points, Some(0.05), Some(0.02)),
    line("held-out over seen", "held-out pairs over seen pairs", Unit::Share, Some(0.6), Some(0.9)),
    line("finish", "finish right", Unit::Share, None, None),
    line("count", "count right", Unit::Share, None, None),
    line("seen pairs", "seen pairs, both right", Unit::Share, None, None),
    line("held-out pairs", "held-out pairs, both right", Unit::Share, None, None),
    line("edit psnr drawn", "edit: PSNR without the guard", Unit::Decibel, None, None),
    line("edit done", "edit: what was asked is there", Unit::Share, None, None),
    line("edit recolour", "edit: the subject named is recoloured", Unit::Share, None, None),
    line("edit background", "edit: the background is changed", Unit::Share, None, None),
    line("edit add", "edit: the subject named is added", Unit::Share, None, None),
    line("edit remove", "edit: the subject named is removed", Unit::Share, None, None),
];

/// All that is told of a run beside its numbers.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// The model's name.
    pub model: String,
    /// The hash of its weights.
    pub sha256: String,
    /// The size of the pictures.
    pub size: String,
    /// Steps a picture.
    pub steps: u32,
    /// Guidance.
    pub guidance: f32,
    /// The number format computed in.
    pub precision: String,
    /// Tasks that pictures were made for.
    pub done: usize,
    /// Of how many; more in a limited run.
    pub tasks: usize,
    /// Wall-clock seconds of making the pictures.
    pub seconds: f64,
    /// How often the judge is right about renders, by what it is asked.
    pub judge: Vec<(String, f64)>,
}

/// By how much a value reaches its target, or fails to (negative).
fn margin(unit: Unit, value: f64, target: f64) -> f64 {
    if unit == Unit::Points { target - value } else { value - target }
}

fn number(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Share => format!("{:.1} %", 100.0 * value),
        Unit::Decibel => format!("{value:.1} dB"),
        Unit::Points => format!("{:.1} pt", 100.0 * value),
    }
}

/// `met`, or by how much it is missed.
fn verdict(line: &Line, value: Option<f64>, target: Option<f64>) -> String {
    let (Some(value), Some(target)) = (value, target) else { return String::new() };
    let by = margin(line.unit, value, target);
    // A difference of shares is in points.
    let unit = if line.unit == Unit::Share { Unit::Points } else { line.unit };
    if by >= 0.0 { "met".to_owned() } else { format!("missed by {}", number(unit, -by)) }
}

/// The table as text: the judge's own accuracy, then the model's.
pub fn text(run: &Run, outcome: &Outcome) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(out, "The judge on renders it has not seen:");
    for (what, share) in &run.judge {
        let _ = writeln!(out, "  {what:<52} {:>8}", number(Unit::Share, *share));
    }
    let _ = writeln!(
        out,
        "\n{} {}, {}, {} steps, guidance {}, {}; {} of {} tasks in {:.0} s:",
        run.model,
        &run.sha256[..run.sha256.len().min(12)],
        run.size,
        run.steps,
        run.guidance,
        run.precision,
        run.done,
        run.tasks,
        run.seconds
    );
    let _ = writeln!(
        out,
        "  {:<42} {:>9} {:>5}  {:>8} {:<19} {:>8}",
        "", "measured", "of", "small", "", "full"
    );
    for line in LINES {
        let share = outcome.get(line.key).copied().unwrap_or_default();
        let value = share.mean();
        let missing = if line.key == RECORDED { "not recorded" } else { "none" };
        let shown = value.map_or(missing.to_owned(), |value| number(line.unit, value));
        let target = |t: Option<f64>| t.map_or(String::new(), |t| number(line.unit, t));
        let row = format!(
            "  {:<42} {shown:>9} {:>5}  {:>8} {:<19} {:>8} {}",
            line.says,
            if line.key == RECORDED { String::new() } else { share.count.to_string() },
            target(line.small),
            verdict(line, value, line.small),
            target(line.full),
            verdict(line, value, line.full),
        );
        let _ = writeln!(out, "{}", row.trim_end());
    }
    out
}

/// The same for a machine. Shares are 0..1; `small` and `full` say whether each target is met.
pub fn machine(run: &Run, outcome: &Outcome) -> Value {
    let lines = LINES.iter().map(|line| {
        let share = outcome.get(line.key).copied().unwrap_or_default();
        let value = share.mean();
        let held = |target: Option<f64>| {
            let met = value.zip(target).map(|(v, t)| margin(line.unit, v, t) >= 0.0);
            json!({"target": target, "met": met})
        };
        json!({
            "key": line.key, "says": line.says, "value": value, "count": share.count,
            "small": held(line.small), "full": held(line.full),
        })
    });
    json!({"run": run, "lines": lines.collect::<Vec<_>>()})
}

/// The loss of subject accuracy from the teacher's many guided steps to the student's few, from the
/// `teacher` of `training.json`: `{"subject": 0.71, "student_subject": 0.69, …}`.
pub fn recorded(training: &Value) -> Option<Share> {
    let teacher = training.get("teacher")?;
    let share = |name: &str| teacher.get(name)?.as_f64();
    Some(Share { sum: share("subject")? - share("student_subject")?, count: 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_by_how_much_it_is_missed() {
        let check = |key: &str, value: f64, expected: &str| {
            let line = LINES.iter().find(|line| line.key == key).expect("the line is there");
            assert_eq!(verdict(line, Some(value), line.small), expected);
        };
        check("subject", 0.5, "met");
        check("subject", 0.436, "missed by 6.4 pt");
        check("edit psnr", 22.5, "missed by 1.5 dB");
        check(RECORDED, 0.03, "met");
        check(RECORDED, 0.09, "missed by 4.0 pt");
    }

    #[test]
    fn a_record_without_a_teacher_is_none() {
        assert_eq!(recorded(&json!({})), None);
        let share = recorded(&json!({"teacher": {"subject": 0.75, "student_subject": 0.5}}));
        assert_eq!(share.and_then(Share::mean), Some(0.25));
    }
}
