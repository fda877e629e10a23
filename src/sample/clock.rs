//! The sample's own calendar: a fixed span of two years, in microseconds since the epoch (UTC).

use super::dice::Dice;

pub(super) const SECOND: i64 = 1_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// The data-as-of instant, 2026-06-30T00:00:00Z: nothing in the sample happened later.
pub(super) const AS_OF: i64 = 1_782_777_600 * SECOND;
/// The first instant of the sample, 2024-06-30T00:00:00Z.
pub(super) const START: i64 = AS_OF - DAYS * DAY;
/// Days covered by the sample.
pub(super) const DAYS: i64 = 730;
/// When field history was switched on in the CRM, 2024-12-01T00:00:00Z.
pub(super) const TRACKING_ON: i64 = 1_733_011_200 * SECOND;
/// When the lead status `Marketing Qualified` was renamed to `MQL`, 2025-03-01T00:00:00Z.
pub(super) const STATUS_RENAMED: i64 = 1_740_787_200 * SECOND;
/// When web analytics began to report AI assistants as a medium of their own, 2026-05-13T00:00:00Z.
pub(super) const ASSISTANT_MEDIUM: i64 = 1_778_630_400 * SECOND;
/// A row that arrives more than this after its event counts as late.
pub(super) const LATE_AFTER: i64 = 72 * HOUR;

/// Share of a working day's activity by local hour, in thousandths.
const HOURS: [(i64, u32); 16] = [
    (7, 30),
    (8, 70),
    (9, 110),
    (10, 120),
    (11, 110),
    (12, 70),
    (13, 80),
    (14, 105),
    (15, 100),
    (16, 80),
    (17, 45),
    (18, 20),
    (19, 15),
    (20, 20),
    (21, 15),
    (22, 10),
];

/// Days since the epoch of an instant.
pub(super) fn day_of(at: i64) -> i64 {
    at.div_euclid(DAY)
}

/// Day of the week, 0 is Sunday.
pub(super) fn weekday(day: i64) -> i64 {
    (day + 4).rem_euclid(7)
}

/// The instant cut to whole seconds, as the CRM stores it.
pub(super) fn whole_seconds(at: i64) -> i64 {
    at - at.rem_euclid(SECOND)
}

/// The instant cut to whole milliseconds, as the marketing automation stores it.
pub(super) fn whole_millis(at: i64) -> i64 {
    at - at.rem_euclid(1_000)
}

/// An instant of a local working day that is not before `earliest`.
///
/// Most that fall on a weekend move into the week after; hours follow [`HOURS`] at the given offset.
pub(super) fn working(dice: &mut Dice, earliest: i64, offset_minutes: i64) -> i64 {
    let mut day = day_of(earliest);
    if matches!(weekday(day), 0 | 6) && dice.chance(0.75) {
        day += dice.between(1, 5) + i64::from(weekday(day) == 6);
    }
    let hour = dice.weighted(&HOURS);
    let within = dice.between(0, HOUR - 1);
    let at = day * DAY + hour * HOUR + within - offset_minutes * MINUTE;
    if at >= earliest { at } else { earliest + within / 4 }
}

/// Year, month and day of a day since the epoch, in the proleptic Gregorian calendar.
pub(super) fn civil(day: i64) -> (i64, i64, i64) {
    // Counts from 0000-03-01, so that the leap day is the last of its year.
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, date)
}

/// `2026-06-30T00:00:00Z`.
pub(super) fn iso(at: i64) -> String {
    let (year, month, date) = civil(day_of(at));
    let (hour, minute, second) = time_of_day(at);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Hour, minute and second of an instant.
pub(super) fn time_of_day(at: i64) -> (i64, i64, i64) {
    let seconds = at.rem_euclid(DAY) / SECOND;
    (seconds / 3600, seconds / 60 % 60, seconds % 60)
}
