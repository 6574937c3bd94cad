//! How long the processors have worked for this process.

/// Seconds that all processors together spent on this process so far: on a machine with others on it,
/// what says more than the clock. None where the system does not tell.
pub fn seconds() -> Option<f64> {
    #[cfg(unix)]
    {
        use nix::sys::resource::{UsageWho, getrusage};
        use nix::sys::time::TimeValLike;
        let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
        let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
        Some(micros as f64 / 1e6)
    }

    #[cfg(not(unix))]
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn work_takes_time() {
        let before = seconds().unwrap();
        let started = std::time::Instant::now();
        while started.elapsed().as_millis() < 20 {}
        assert!(seconds().unwrap() > before);
    }
}
