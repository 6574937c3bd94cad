//! Time: milliseconds since the start of 1970, UTC, handed in by the host that owns the clock.

/// Milliseconds since the start of 1970, UTC.
pub type Time = i64;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The day of `time`, counted from the first of January 1970.
pub(crate) fn day_of(time: Time) -> i64 {
    time.div_euclid(DAY)
}

/// When `day` begins.
pub(crate) fn start_of(day: i64) -> Time {
    day.saturating_mul(DAY)
}

/// Year, month and day of month of a `day` since 1970, in the Gregorian calendar. Years are counted
/// from March, so that the leap day is the last of its year and months have a regular length.
pub(crate) fn date_of(day: i64) -> (i64, u32, u32) {
    // Days since the first of March of the year 0, and the 400-year cycle they fall in.
    let day = day + 719_468;
    let (cycle, day) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carried) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (cycle * 400 + year + carried, month as u32, day as u32)
}

/// The day since 1970 of a date, if there is such a date.
pub(crate) fn day_from(year: i64, month: u32, day: u32) -> Option<i64> {
    // Within five days of the answer; the calendar's own rule decides.
    let near = (year - 1970) * 365 + (year - 1969).div_euclid(4) - (year - 1901).div_euclid(100)
        + (year - 1601).div_euclid(400)
        + i64::from(month.checked_sub(1)?) * 153 / 5
        + i64::from(day);
    (near - 5..=near + 5).find(|&candidate| date_of(candidate) == (year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        for (day, date) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (20_778, (2026, 11, 21)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(date_of(day), date, "day {day}");
        }
        assert_eq!(day_from(2026, 2, 30), None);
        assert_eq!(day_from(2026, 0, 1), None);
    }

    #[test]
    fn every_day_comes_back() {
        let mut before = date_of(-200_001);
        for day in -200_000..200_000 {
            let date @ (year, month, of_month) = date_of(day);
            assert!(date > before, "{date:?} comes after {before:?}");
            assert_eq!(day_from(year, month, of_month), Some(day), "{date:?}");
            before = date;
        }
    }
}
