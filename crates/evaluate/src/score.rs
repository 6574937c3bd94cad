//! What was asked for against what the judge sees. `evaluation.py` has the same rules in the same order.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use crate::judge::{Judge, Seen};
use crate::paint::Painted;
use crate::set::{Edit, Picture, SIDE, Set};
use crate::table::LINES;

/// A picture that is the same in every byte would be infinitely near.
const BEST_PSNR: f64 = 60.0;

/// A measured mean, and over how many.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Share {
    /// Their sum; of yes and no, how many are yes.
    pub sum: f64,
    /// How many there were.
    pub count: usize,
}

/// All that was measured, by the keys of [`crate::table::LINES`].
pub type Outcome = BTreeMap<&'static str, Share>;

impl Share {
    /// The mean, if there was anything.
    pub fn mean(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }
}

/// Looks at every picture and compares.
pub fn score(set: &Set, painted: &Painted, judge: &Judge) -> Result<Outcome> {
    let mut outcome = Outcome::new();
    score_prompts(set, &painted.prompts, judge, &mut outcome)?;

    for (task, seen) in set.references.iter().zip(judge.look(&painted.references)?) {
        yes(&mut outcome, "unseen", seen.retrieved == task.subject);
    }

    let edited = set.edits.iter().zip(&painted.edits);
    let shown = edited.map(|(task, picture)| match task.wanted.close {
        Some(corner) => picture.closer(corner),
        None => picture.clone(),
    });
    let seen = judge.look(&shown.collect::<Vec<_>>())?;
    for (i, (task, seen)) in set.edits.iter().zip(&seen).enumerate() {
        if let Some(source) = Picture::of(&set.edit_pictures[i]) {
            let near = |picture: &Picture| psnr(picture, &source, &set.masks[i]);
            outcome.entry("edit psnr").or_default().add(near(&painted.edits[i]));
            outcome.entry("edit psnr drawn").or_default().add(near(&painted.drawn[i]));
        }
        if let Some(done) = edit_done(task, seen, judge)? {
            yes(&mut outcome, "edit done", done);
            yes(&mut outcome, line_of(&task.kind)?, done);
        }
    }
    Ok(outcome)
}

fn score_prompts(
    set: &Set,
    pictures: &[Picture],
    judge: &Judge,
    outcome: &mut Outcome,
) -> Result<()> {
    for (task, seen) in set.prompts.iter().zip(judge.look(pictures)?) {
        let subject = are_first(&task.subjects, &seen, judge)?;
        let is = |head: &str, word: &str| -> Result<bool> {
            Ok(seen.best(head, 1) == [judge.label(head, word)?])
        };
        let key = if task.held_out { "held-out pairs" } else { "seen pairs" };
        for pair in &task.pairs {
            yes(outcome, key, subject && is(&pair.head, &pair.word)?);
        }
        if task.held_out {
            continue;
        }
        yes(outcome, if task.subjects.len() == 1 { "subject" } else { "two" }, subject);
        let asked = [
            ("style", &task.style),
            ("background", &task.background),
            ("tint", &task.tint),
            ("finish", &task.finish),
        ];
        for (head, word) in asked {
            if let Some(word) = word {
                yes(outcome, head, is(head, word)?);
            }
        }
        yes(outcome, "count", is("count", &task.count.to_string())?);
    }
    let mean = |key| outcome.get(key).copied().unwrap_or_default();
    let (held, seen) = (mean("held-out pairs"), mean("seen pairs"));
    if let (Some(of_held), Some(of_seen)) = (held.mean(), seen.mean())
        && of_seen > 0.0
    {
        let share = Share { sum: of_held / of_seen * held.count as f64, count: held.count };
        outcome.insert("held-out over seen", share);
    }
    Ok(())
}

fn yes(outcome: &mut Outcome, key: &'static str, right: bool) {
    outcome.entry(key).or_default().add(f64::from(u8::from(right)));
}

/// Whether these names rank before all others.
fn are_first(names: &[String], seen: &Seen, judge: &Judge) -> Result<bool> {
    let best = seen.best("subjects", names.len());
    let wanted: Result<Vec<usize>> = names.iter().map(|n| judge.label("subjects", n)).collect();
    Ok(wanted?.iter().all(|label| best.contains(label)))
}

/// The line that counts edits of this kind alone.
fn line_of(kind: &str) -> Result<&'static str> {
    let key = format!("edit {kind}");
    let line = LINES.iter().find(|line| line.key == key);
    Ok(line.with_context(|| format!("the table has no line for edits of the kind {kind:?}"))?.key)
}

/// Whether the edit can be seen, where the judge can tell.
fn edit_done(task: &Edit, seen: &Seen, judge: &Judge) -> Result<Option<bool>> {
    let wanted = &task.wanted;
    let is = |head: &str, word: &Option<String>| -> Result<Option<bool>> {
        let Some(word) = word else { return Ok(None) };
        Ok(Some(seen.best(head, 1) == [judge.label(head, word)?]))
    };
    match (task.kind.as_str(), &wanted.gone) {
        ("remove", Some(gone)) => {
            let left = wanted.subjects.iter().map(|name| judge.label("subjects", name));
            let left = left.collect::<Result<Vec<_>>>()?;
            let gone = seen.of("subjects", judge.label("subjects", gone)?);
            let alone = seen.best("count", 1) == [judge.label("count", "1")?];
            Ok(Some(alone && left.iter().all(|&name| seen.of("subjects", name) > gone)))
        }
        ("recolour", _) => is("tint", &wanted.tint),
        ("background", _) => is("background", &wanted.background),
        _ => Ok(Some(are_first(&wanted.subjects, seen, judge)?)),
    }
}

/// Peak signal-to-noise ratio in dB where the mask is false, over all four channels.
fn psnr(picture: &Picture, source: &Picture, mask: &[bool]) -> f64 {
    let plane = SIDE * SIDE;
    let kept = (0..4 * plane).filter(|i| !mask[i % plane]);
    let (sum, count) = kept.fold((0.0, 0usize), |(sum, count), i| {
        (sum + f64::from(picture.0[i] - source.0[i]).powi(2), count + 1)
    });
    let error = sum / count.max(1) as f64;
    (-10.0 * error.max(1e-12).log10()).min(BEST_PSNR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_by_kind() {
        assert_eq!(line_of("remove").expect("it has a line"), "edit remove");
        let refused = line_of("melt").expect_err("it has none").to_string();
        assert!(refused.contains("\"melt\""), "{refused}");
    }

    #[test]
    fn psnr_looks_only_at_what_must_stay() {
        let mut mask = vec![false; SIDE * SIDE];
        mask[7] = true;
        let source = Picture(vec![0.5; 4 * SIDE * SIDE]);
        let mut picture = source.clone();
        picture.0[7] = 1.0;
        assert_eq!(psnr(&picture, &source, &mask), BEST_PSNR, "a change under the mask is free");
        picture.0.iter_mut().for_each(|v| *v = 0.6);
        assert!((psnr(&picture, &source, &mask) - 20.0).abs() < 1e-3, "an error of 0.1 is 20 dB");
    }
}
