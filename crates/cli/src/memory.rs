//! How much memory this process has needed at most.

/// Peak resident bytes of this process so far; none where the system does not tell.
pub fn peak() -> Option<u64> {
    #[cfg(target_os = "linux")]
    return of_status(&std::fs::read_to_string("/proc/self/status").ok()?);

    #[cfg(all(unix, not(target_os = "linux")))]
    return of_usage();

    #[cfg(not(unix))]
    return None;
}

#[cfg(target_os = "linux")]
fn of_status(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn of_usage() -> Option<u64> {
    use nix::sys::resource::{UsageWho, getrusage};
    let peak = u64::try_from(getrusage(UsageWho::RUSAGE_SELF).ok()?.max_rss()).ok()?;
    // Apple's systems count bytes here, the BSDs kilobytes.
    Some(if cfg!(target_vendor = "apple") { peak } else { peak * 1024 })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_used_some() {
        assert_eq!(of_status("Name:\tx\nVmHWM:\t   12 kB\nVmRSS:\t 9 kB\n"), Some(12 * 1024));
        assert_eq!(of_status("Name:\tx\n"), None);
        assert!(peak().is_some_and(|bytes| bytes > 100_000));
    }
}
