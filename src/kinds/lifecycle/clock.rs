//! Dates of the reporting time zone as instants.

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;

use crate::engine::local_day::midnight;

/// Reads `2026-01-31` (its first instant in `zone`) or an instant with an offset.
pub(super) fn instant_of(text: &str, zone: Tz) -> Option<i64> {
    let text = text.trim();
    match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        Ok(date) => midnight(date, zone),
        Err(_) => DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.timestamp_micros()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    #[test]
    fn days_begin_when_the_zone_says() {
        // New York is four hours behind UTC in summer, five in winter.
        assert_eq!(instant_of("1970-01-02", chrono_tz::UTC), Some(24 * HOUR));
        assert_eq!(instant_of("1970-01-02", chrono_tz::America::New_York), Some(29 * HOUR));
        let summer = instant_of("2026-07-01", chrono_tz::America::New_York).unwrap();
        assert_eq!(summer, instant_of("2026-07-01T04:00:00Z", chrono_tz::UTC).unwrap());
    }

    #[test]
    fn a_skipped_midnight_begins_when_clocks_were_put_forward() {
        // São Paulo, 2018-11-04: 00:00 became 01:00 (UTC-2), so the day began at 03:00 UTC.
        let day = instant_of("2018-11-04", chrono_tz::America::Sao_Paulo);
        assert_eq!(day, instant_of("2018-11-04T03:00:00Z", chrono_tz::UTC));
        // Samoa had no 2011-12-30 at all: it begins with the next day.
        assert_eq!(
            instant_of("2011-12-30", chrono_tz::Pacific::Apia),
            instant_of("2011-12-31", chrono_tz::Pacific::Apia)
        );
    }

    #[test]
    fn nonsense_is_no_instant() {
        for text in ["", "2026-02-30", "soon", "2026-01-01T00:00"] {
            assert_eq!(instant_of(text, chrono_tz::UTC), None, "{text}");
        }
    }
}
