//! What the person sees while pictures are made: a bar on a terminal, a line or an object for each.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use likeness_recipe::Progress;
use serde::Serialize;

use crate::Failure;
use crate::generate::{Report, Written};

/// Reports on standard output and standard error.
pub struct Terminal {
    bar: ProgressBar,
    json: bool,
    quiet: bool,
    /// Whether standard output is for a picture alone.
    aside: bool,
}

impl Terminal {
    /// `json` prints an object for each picture, `quiet` nothing but what was asked for so.
    pub fn new(json: bool, quiet: bool) -> Self {
        let visible = !quiet && std::io::stderr().is_terminal();
        let target =
            if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{msg:24} {bar:32} {pos}/{len}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self {
            bar: ProgressBar::with_draw_target(None, target).with_style(style),
            json,
            quiet,
            aside: false,
        }
    }

    /// The same where standard output is for a picture: lines go to standard error.
    pub fn aside(mut self, aside: bool) -> Self {
        self.aside = aside;
        self
    }
}

impl Terminal {
    /// Prints one line above the bar.
    pub fn line(&self, line: &str) -> Result<(), Failure> {
        if self.aside {
            self.bar.suspend(|| complain(line));
            return Ok(());
        }
        self.bar.suspend(|| print(line))
    }

    /// Prints one object above the bar.
    pub fn object(&self, object: &impl Serialize) -> Result<(), Failure> {
        self.bar.suspend(|| print_json(object))
    }

    /// Shows how far one picture is.
    pub fn show(&mut self, progress: Progress) {
        self.progress(0, 1, progress);
    }

    /// Says on standard error what went wrong with one of several.
    pub fn complain(&self, line: &str) {
        self.bar.suspend(|| complain(&format!("error: {line}")));
    }
}

impl Report for Terminal {
    fn progress(&mut self, picture: u32, of: u32, progress: Progress) {
        let picture_of =
            if of > 1 { format!(", picture {} of {of}", picture + 1) } else { String::new() };
        match progress {
            Progress::Loading => self.bar.set_message("opening the model"),
            Progress::Encoding => self.bar.set_message(format!("reading the prompt{picture_of}")),
            Progress::Step { done, total, .. } => {
                self.bar.set_length(u64::from(total) * u64::from(of));
                self.bar.set_position(u64::from(picture) * u64::from(total) + u64::from(done));
                self.bar.set_message(format!("drawing{picture_of}"));
            }
            Progress::Decoding { .. } => self.bar.set_message(format!("finishing{picture_of}")),
        }
    }

    fn note(&mut self, line: &str) {
        if !self.quiet {
            self.bar.suspend(|| complain(&format!("note: {line}")));
        }
    }

    fn written(&mut self, written: &Written) -> Result<(), Failure> {
        if self.json {
            return self.object(written);
        }
        if self.quiet {
            return Ok(());
        }
        let line = format!(
            "{}  (seed {}, {:.2} s)",
            written.path.display(),
            written.seed,
            written.seconds.total
        );
        self.line(&line)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Prints one object on one line.
pub fn print_json(object: &impl Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(object)
        .map_err(|error| Failure::Internal(format!("it cannot be told as JSON: {error}")))?;
    print(&line)
}

/// Prints one line on standard output.
pub fn print(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let line = if out.is_terminal() { harmless(line) } else { line.into() };
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(unprinted)
}

/// Prints one line on standard error. Where that is closed there is nobody who would be told.
pub fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", harmless(line));
}

/// Why nothing more can be printed. A reader that has gone away is no failure to tell of.
pub fn unprinted(error: std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
        _ => Failure::Storage(format!("standard output: {error}")),
    }
}

/// A text as a terminal may be shown it: prompts and names come out of strangers' pictures, and a
/// terminal obeys what is written in control characters, and turns round what stands behind a mark of
/// direction. All that is printed goes through here.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let direction = |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let obeyed = |c: char| (c.is_control() && c != '\n' && c != '\t') || direction(c);
    match text.contains(obeyed) {
        true => text.replace(obeyed, "\u{fffd}").into(),
        false => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn a_terminal_is_told_nothing_to_do() {
        assert_eq!(harmless("a fox\n\tin snow, née"), "a fox\n\tin snow, née");
        assert_eq!(
            harmless("a\u{1b}]52;c;eA==\u{7}\u{9b}2J\r"),
            "a\u{fffd}]52;c;eA==\u{fffd}\u{fffd}2J\u{fffd}"
        );
        assert_eq!(harmless("gnp.\u{202e}exe\0"), "gnp.\u{fffd}exe\u{fffd}");
        assert_eq!(harmless("\u{2067}a\u{200f}"), "\u{fffd}a\u{fffd}");
        // Letters of scripts that run from right to left need no marks.
        assert_eq!(harmless("שועל أحمر 🏳\u{fe0f}\u{200d}🌈"), "שועל أحمر 🏳\u{fe0f}\u{200d}🌈");
    }
}
