//! Business time: how long a calendar was open between two instants.
//!
//! Opening hours are local and are turned into UTC day by day, so that a day on which clocks change
//! is as long as it is. Where a local time does not exist because clocks are put forward, it is
//! shifted forward by as much; where it comes twice, it is the first.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

/// Minutes of a day, from 0 to 1,440: where a window begins, where it ends.
pub(super) type Window = (u16, u16);
/// From Monday; each day's windows in order, apart from each other.
pub(super) type Week = [Vec<Window>; 7];
/// The minutes of a day.
pub(super) const DAY: u16 = 1_440;

const MICROS_PER_MINUTE: i64 = 60_000_000;
const YEAR: i64 = 366 * 86_400_000_000;

/// Calendars run between these days: an instant of the year 1 is a slip of somebody's, and must not
/// have two thousand years of openings worked out.
const FIRST_DAY: NaiveDate = day(1900);
const LAST_DAY: NaiveDate = day(2200);

const fn day(year: i32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, 1, 1) {
        Some(day) => day,
        None => NaiveDate::MAX,
    }
}

/// When business is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) zone: Tz,
    /// Hours, and the days from which on they hold, in order; the first hold before all others.
    pub(super) weeks: Vec<(NaiveDate, Week)>,
    /// The parts of days that are closed all the same.
    pub(super) holidays: BTreeMap<NaiveDate, Vec<Window>>,
}

/// The instant of a local time, in UTC microseconds.
pub(super) fn instant_of(local: NaiveDateTime, zone: Tz) -> Option<i64> {
    if let Some(instant) = zone.from_local_datetime(&local).earliest() {
        return Some(instant.timestamp_micros());
    }
    // In a gap the offset from before it still holds; no zone has skipped more than a day at once.
    let before = (1..=97).find_map(|quarters| {
        let earlier = local.checked_sub_signed(TimeDelta::minutes(15 * quarters))?;
        zone.from_local_datetime(&earlier).latest().map(|instant| (instant, 15 * quarters))
    });
    let (instant, minutes) = before?;
    instant.timestamp_micros().checked_add(minutes * MICROS_PER_MINUTE)
}

/// The local day of an instant; `None` beyond the dates there are.
pub(super) fn local_day(micros: i64, zone: Tz) -> Option<NaiveDate> {
    let utc = DateTime::from_timestamp_micros(micros)?.naive_utc();
    Some(utc.checked_add_offset(zone.offset_from_utc_datetime(&utc).fix())?.date())
}

impl Calendar {
    /// The windows of a day, holidays taken off.
    fn windows(&self, day: NaiveDate) -> Vec<Window> {
        let weekday = day.weekday().num_days_from_monday() as usize;
        let later = self.weeks.iter().skip(1).take_while(|(from, _)| *from <= day).count();
        let week = self.weeks.get(later).map(|(_, week)| week);
        let mut open = week.and_then(|week| week.get(weekday)).cloned().unwrap_or_default();
        for (from, until) in self.holidays.get(&day).into_iter().flatten().copied() {
            open = open
                .into_iter()
                .flat_map(|(start, end)| [(start, end.min(from)), (start.max(until), end)])
                .filter(|(start, end)| start < end)
                .collect();
        }
        open
    }
}

/// A calendar's openings over a span of days, for looking up.
#[derive(Debug, Clone)]
pub(super) struct Openings {
    calendar: Calendar,
    /// Begin, end, and the time open before the begin; in order, apart from each other.
    spans: Vec<(i64, i64, i64)>,
    /// The instants between which `spans` is complete.
    covers: Option<(i64, i64)>,
}

impl Openings {
    pub(super) fn new(calendar: Calendar) -> Self {
        Self { calendar, spans: Vec::new(), covers: None }
    }

    /// The time open between two instants, in microseconds; 0 where the second is not later.
    pub(super) fn between(&mut self, from: i64, until: i64) -> i64 {
        if from >= until {
            return 0;
        }
        self.cover(from, until);
        self.until(until) - self.until(from)
    }

    /// The time open since the beginning of what is covered.
    fn until(&self, at: i64) -> i64 {
        let after = self.spans.partition_point(|(begin, _, _)| *begin <= at);
        let last = after.checked_sub(1).and_then(|last| self.spans.get(last));
        last.map_or(0, |(begin, end, before)| before + at.min(*end) - begin)
    }

    /// Works out the openings of every day between two instants, and of those known before.
    fn cover(&mut self, from: i64, until: i64) {
        if self.covers.is_some_and(|(first, last)| first <= from && until <= last) {
            return;
        }
        let (first, last) = self.covers.map_or((from, until), |(first, last)| (first.min(from), last.max(until)));
        // A year more at both ends: neighbours come soon.
        let (first, last) = (first.saturating_sub(YEAR), last.saturating_add(YEAR));
        let begin = local_day(first, self.calendar.zone).unwrap_or(FIRST_DAY).clamp(FIRST_DAY, LAST_DAY);
        let end = local_day(last, self.calendar.zone).unwrap_or(LAST_DAY).clamp(FIRST_DAY, LAST_DAY);
        self.spans = self.openings(begin, end);
        self.covers = Some((first, last));
    }

    fn openings(&self, first: NaiveDate, last: NaiveDate) -> Vec<(i64, i64, i64)> {
        let mut spans: Vec<(i64, i64, i64)> = Vec::new();
        let (mut total, mut end_of_last) = (0, i64::MIN);
        for day in first.iter_days().take_while(|day| *day <= last) {
            for (start, end) in self.calendar.windows(day) {
                let local = |minute: u16| {
                    let midnight = day.and_hms_opt(0, 0, 0)?;
                    instant_of(midnight.checked_add_signed(TimeDelta::minutes(i64::from(minute)))?, self.calendar.zone)
                };
                let (Some(start), Some(end)) = (local(start), local(end)) else { continue };
                // Hours shifted forward may run into those after them; no hour counts twice.
                let start = start.max(end_of_last);
                if start < end {
                    spans.push((start, end, total));
                    total += end - start;
                    end_of_last = end;
                }
            }
        }
        spans
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        self.spans.capacity() * size_of::<(i64, i64, i64)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn calendar(zone: Tz, days: &[usize], window: Window) -> Calendar {
        let mut week = Week::default();
        days.iter().for_each(|day| week[*day].push(window));
        Calendar { zone, weeks: vec![(NaiveDate::MIN, week)], holidays: BTreeMap::new() }
    }

    /// A local time of New York, as its people write it: with the offset.
    fn at(text: &str) -> i64 {
        text.parse::<DateTime<chrono::FixedOffset>>().unwrap().timestamp_micros()
    }

    fn office() -> Calendar {
        calendar(chrono_tz::America::New_York, &[0, 1, 2, 3, 4], (9 * 60, 17 * 60))
    }

    #[test]
    fn a_weekend_on_which_clocks_change() {
        let mut open = Openings::new(office());
        assert_eq!(open.between(at("2026-03-06T16:30:00-05:00"), at("2026-03-09T09:30:00-04:00")), HOUR);
        // Saturday 17:00 to Monday 09:00 are 39 hours, though clocks say 40.
        let (from, until) = (at("2026-03-07T17:00:00-05:00"), at("2026-03-09T09:00:00-04:00"));
        assert_eq!(until - from, 39 * HOUR);
        assert_eq!(open.between(from, until), 0);
    }

    #[test]
    fn a_holiday() {
        let mut calendar = office();
        let memorial_day = NaiveDate::from_ymd_opt(2026, 5, 25).unwrap();
        let (from, until) = (at("2026-05-22T16:30:00-04:00"), at("2026-05-26T09:30:00-04:00"));
        assert_eq!(Openings::new(calendar.clone()).between(from, until), 9 * HOUR);
        // Closed from 13:00: four of its eight hours are left, and then none.
        calendar.holidays.insert(memorial_day, vec![(13 * 60, DAY)]);
        assert_eq!(Openings::new(calendar.clone()).between(from, until), 5 * HOUR);
        calendar.holidays.insert(memorial_day, vec![(0, DAY)]);
        assert_eq!(Openings::new(calendar).between(from, until), HOUR);
    }

    #[test]
    fn windows_over_the_hours_that_clocks_skip_or_repeat() {
        let zone = chrono_tz::America::New_York;
        let night = |window| Openings::new(calendar(zone, &[6], window));
        let spring = (at("2026-03-07T12:00:00-05:00"), at("2026-03-08T12:00:00-04:00"));
        let autumn = (at("2026-10-31T12:00:00-04:00"), at("2026-11-01T12:00:00-05:00"));
        assert_eq!(night((0, 6 * 60)).between(spring.0, spring.1), 5 * HOUR);
        assert_eq!(night((0, 6 * 60)).between(autumn.0, autumn.1), 7 * HOUR);
        // The days are as long as they are.
        assert_eq!(night((0, DAY)).between(spring.0, spring.1 + 24 * HOUR), 23 * HOUR);
        assert_eq!(night((0, DAY)).between(autumn.0, autumn.1 + 24 * HOUR), 25 * HOUR);
        // 02:30 in the gap is 03:30; 01:30 on the fold is the first one.
        assert_eq!(night((150, 6 * 60)).between(spring.0, spring.1), 5 * HOUR / 2);
        assert_eq!(night((90, 6 * 60)).between(autumn.0, autumn.1), 11 * HOUR / 2);
        let local = NaiveDate::from_ymd_opt(2026, 3, 8).unwrap().and_hms_opt(2, 30, 0).unwrap();
        assert_eq!(instant_of(local, zone), Some(at("2026-03-08T03:30:00-04:00")));
        let local = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap().and_hms_opt(1, 30, 0).unwrap();
        assert_eq!(instant_of(local, zone), Some(at("2026-11-01T01:30:00-04:00")));
    }

    #[test]
    fn a_day_that_never_was_is_not_counted() {
        // Samoa went from 29 to 31 December 2011.
        let mut open = Openings::new(calendar(chrono_tz::Pacific::Apia, &[0, 1, 2, 3, 4, 5, 6], (9 * 60, 17 * 60)));
        assert_eq!(open.between(at("2011-12-29T00:00:00-10:00"), at("2012-01-01T00:00:00+14:00")), 16 * HOUR);
    }

    #[test]
    fn hours_that_change() {
        let mut calendar = office();
        let mut longer = Week::default();
        longer[..5].iter_mut().for_each(|day| day.push((8 * 60, 18 * 60)));
        let tuesday = NaiveDate::from_ymd_opt(2026, 1, 13).unwrap();
        calendar.weeks.extend([(tuesday, longer), (tuesday + TimeDelta::days(2), Week::default())]);
        let mut open = Openings::new(calendar);
        // Monday until 17:00, Tuesday from 08:00 to 18:00, and from Thursday on never.
        assert_eq!(open.between(at("2026-01-12T16:00:00-05:00"), at("2026-01-13T09:00:00-05:00")), 2 * HOUR);
        assert_eq!(open.between(at("2026-01-13T00:00:00-05:00"), at("2026-01-30T00:00:00-05:00")), 20 * HOUR);
        assert_eq!(open.between(at("2026-01-05T00:00:00-05:00"), at("2026-01-13T00:00:00-05:00")), 48 * HOUR);
    }

    #[test]
    fn outside_of_the_hours() {
        let mut open = Openings::new(office());
        // Begun on Saturday: the clock starts on Monday at nine.
        assert_eq!(open.between(at("2026-01-10T12:00:00-05:00"), at("2026-01-12T10:00:00-05:00")), HOUR);
        // Answered at 20:00: counted up to the last closing.
        assert_eq!(open.between(at("2026-01-12T16:00:00-05:00"), at("2026-01-12T20:00:00-05:00")), HOUR);
        // Begun and answered on the same evening, or in the wrong order: nothing.
        assert_eq!(open.between(at("2026-01-12T18:00:00-05:00"), at("2026-01-12T20:00:00-05:00")), 0);
        assert_eq!(open.between(at("2026-01-13T12:00:00-05:00"), at("2026-01-12T12:00:00-05:00")), 0);
        // Beyond all calendars: nothing, and quickly.
        assert_eq!(open.between(i64::MIN, at("1850-01-01T00:00:00+00:00")), 0);
        assert_eq!(open.between(at("2500-01-01T00:00:00+00:00"), i64::MAX), 0);
        // Far away from what was asked before.
        assert_eq!(open.between(at("1999-01-04T16:00:00-05:00"), at("1999-01-05T10:00:00-05:00")), 2 * HOUR);
        assert_eq!(open.between(at("2026-01-12T16:00:00-05:00"), at("2026-01-12T20:00:00-05:00")), HOUR);
    }

    #[test]
    fn the_slow_way_agrees() {
        // Minute by minute over the two changes of clocks of 2026.
        let mut calendar = calendar(chrono_tz::America::New_York, &[5, 6], (30, 210));
        calendar.weeks[0].1[6].push((240, 300));
        calendar.holidays.insert(NaiveDate::from_ymd_opt(2026, 3, 14).unwrap(), vec![(60, 90)]);
        let zone = calendar.zone;
        let is_open = |at: i64| {
            let local = DateTime::from_timestamp_micros(at).unwrap().with_timezone(&zone).naive_local();
            let minute = local.signed_duration_since(local.date().and_hms_opt(0, 0, 0).unwrap()).num_minutes() as u16;
            calendar.windows(local.date()).iter().any(|(start, end)| (*start..*end).contains(&minute))
        };
        let mut open = Openings::new(calendar.clone());
        let start = at("2026-03-06T00:00:00-05:00");
        let mut expected = 0;
        for minute in 0..14 * 1_440 {
            let now = start + minute * MICROS_PER_MINUTE;
            assert_eq!(open.between(start, now), expected, "minute {minute}");
            expected += if is_open(now) { MICROS_PER_MINUTE } else { 0 };
        }
    }
}
