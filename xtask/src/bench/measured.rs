//! What one side of one line took, read from the JSON object that its process printed.

/// Medians of one process, or over the processes of several rounds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// Of a run; of the whole process where that is the line.
    pub seconds: f64,
    /// All rounds' seconds, the shortest first.
    pub rounds: Vec<f64>,
    /// That all processors together spent on a run.
    pub processor_seconds: Option<f64>,
    /// Most bytes that the process held.
    pub peak_memory: Option<f64>,
    /// Multiplications and additions of a run, in thousand millions; our side counts them.
    pub gflop: Option<f64>,
    /// Of the machine's measured peak in the same number format; our side measures it.
    pub share_of_peak: Option<f64>,
    /// What was chosen at run time.
    pub instruction_set: Option<String>,
    /// Names and versions.
    pub version: Option<String>,
}

impl Measured {
    /// From what `likeness bench --json` or `bench/peer.py` printed; nothing if it names no seconds.
    pub fn read(json: &str) -> Option<Self> {
        // The starter's seconds are an object; its total is what a person waits for.
        let seconds = number(json, "seconds").or_else(|| number(json, "total"))?;
        Some(Self {
            seconds,
            rounds: vec![seconds],
            processor_seconds: number(json, "processor_seconds"),
            peak_memory: number(json, "peak_memory"),
            gflop: number(json, "gflop"),
            share_of_peak: number(json, "share_of_peak"),
            instruction_set: text(json, "instruction_set"),
            version: text(json, "version"),
        })
    }

    /// Seconds by the clock and nothing else.
    pub fn of_seconds(seconds: f64) -> Self {
        Self { seconds, rounds: vec![seconds], ..Self::default() }
    }

    /// The medians of all rounds; nothing of none.
    pub fn over_rounds(all: Vec<Self>) -> Option<Self> {
        let middle_of =
            |pick: fn(&Self) -> Option<f64>| median(all.iter().filter_map(pick).collect());
        let mut rounds: Vec<f64> = all.iter().map(|one| one.seconds).collect();
        rounds.sort_by(f64::total_cmp);
        Some(Self {
            seconds: median(rounds.clone())?,
            rounds,
            processor_seconds: middle_of(|one| one.processor_seconds),
            peak_memory: middle_of(|one| one.peak_memory),
            gflop: middle_of(|one| one.gflop),
            share_of_peak: middle_of(|one| one.share_of_peak),
            instruction_set: all.iter().find_map(|one| one.instruction_set.clone()),
            version: all.iter().find_map(|one| one.version.clone()),
        })
    }
}

/// The middle one, or the mean of the two in the middle; nothing of none.
fn median(mut all: Vec<f64>) -> Option<f64> {
    all.sort_by(f64::total_cmp);
    let (low, high) = (all.get(all.len().checked_sub(1)? / 2)?, all.get(all.len() / 2)?);
    Some((low + high) / 2.0)
}

/// The number behind a key, wherever it stands in the object: this crate has no reader of JSON, and
/// needs none for objects that our own programs print.
fn number(json: &str, key: &str) -> Option<f64> {
    let value = value(json, key)?;
    let end = value.find([',', '}', '\n', ' ']).unwrap_or(value.len());
    value[..end].parse().ok()
}

/// The text behind a key; what is printed here has no escapes.
fn text(json: &str, key: &str) -> Option<String> {
    Some(value(json, key)?.strip_prefix('"')?.split('"').next()?.to_owned())
}

/// What follows a key and its colon.
fn value<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let quoted = format!("\"{key}\"");
    json.match_indices(&quoted)
        .find_map(|(at, _)| json[at + quoted.len()..].trim_start().strip_prefix(':'))
        .map(str::trim_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_of_object_are_read() {
        let network = r#"{"net":"sd15-unet","seconds":0.5,"processor_seconds":0.98,"peak_memory":1900000000,
            "gflop":700.5,"share_of_peak":0.13,"instruction_set":"amx","size":null}"#;
        let read = Measured::read(network).expect("it names its seconds");
        assert_eq!((read.seconds, read.processor_seconds), (0.5, Some(0.98)));
        assert_eq!((read.peak_memory, read.gflop), (Some(1.9e9), Some(700.5)));
        assert_eq!(read.instruction_set.as_deref(), Some("amx"));

        let starter =
            r#"{ "seconds": { "load": 0.1, "total": 0.031, "first_picture": 0.2 }, "runs": 20 }"#;
        let read = Measured::read(starter).expect("it names its total");
        assert_eq!((read.seconds, read.gflop), (0.031, None));

        assert_eq!(Measured::read(r#"{"error":"no such network"}"#), None);
        assert_eq!(Measured::read(r#"{"seconds":null}"#), None);
    }

    #[test]
    fn rounds_become_their_median() {
        let rounds = [3.0, 1.0, 2.0, 10.0].map(Measured::of_seconds).to_vec();
        let all = Measured::over_rounds(rounds).expect("there were rounds");
        assert_eq!((all.seconds, all.rounds), (2.5, vec![1.0, 2.0, 3.0, 10.0]));
        assert_eq!(Measured::over_rounds(Vec::new()), None);
    }
}
