//! The periods by which transitions are put together, in the reporting time zone.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate};
use chrono_tz::Tz;

use super::business::{instant_of, local_day};
use super::spec::Grain;

/// A way to cut time into periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cohorts {
    pub(super) grain: Grain,
    pub(super) zone: Tz,
    /// The month, from 1, with which a fiscal year begins.
    pub(super) fiscal_start: u8,
}

impl Cohorts {
    /// The first day of the period that a day lies in.
    pub(super) fn first_day(&self, day: NaiveDate) -> Option<NaiveDate> {
        let back = |months: u32| day.with_day(1)?.checked_sub_months(Months::new(months));
        let month = day.month0();
        let fiscal = (month + 12 - (u32::from(self.fiscal_start).max(1) - 1)) % 12;
        match self.grain {
            Grain::Day => Some(day),
            Grain::Week => day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday()))),
            Grain::Month => back(0),
            Grain::Quarter => back(month % 3),
            Grain::Year => back(month),
            Grain::FiscalQuarter => back(fiscal % 3),
            Grain::FiscalYear => back(fiscal),
        }
    }

    /// The first day of the period after the one that begins with `first`.
    pub(super) fn next(&self, first: NaiveDate) -> Option<NaiveDate> {
        match self.grain {
            Grain::Day => first.checked_add_days(Days::new(1)),
            Grain::Week => first.checked_add_days(Days::new(7)),
            Grain::Month => first.checked_add_months(Months::new(1)),
            Grain::Quarter | Grain::FiscalQuarter => first.checked_add_months(Months::new(3)),
            Grain::Year | Grain::FiscalYear => first.checked_add_months(Months::new(12)),
        }
    }

    /// How people name the period that begins with `first`; names sort as the periods do.
    pub(super) fn label(&self, first: NaiveDate) -> String {
        // A fiscal year is named after the calendar year in which its last day lies.
        let fiscal_year = || {
            let month = (first.month0() + 12 - (u32::from(self.fiscal_start).max(1) - 1)) % 12;
            let last = first.checked_add_months(Months::new(11 - month)).unwrap_or(first);
            (last.year(), month / 3 + 1)
        };
        match self.grain {
            Grain::Day => first.format("%Y-%m-%d").to_string(),
            Grain::Week => first.format("%G-W%V").to_string(),
            Grain::Month => first.format("%Y-%m").to_string(),
            Grain::Quarter => format!("{}-Q{}", first.year(), first.month0() / 3 + 1),
            Grain::Year => first.year().to_string(),
            Grain::FiscalQuarter => {
                let (year, quarter) = fiscal_year();
                format!("FY{year}-Q{quarter}")
            }
            Grain::FiscalYear => format!("FY{}", fiscal_year().0),
        }
    }

    /// The first instant of a day of the reporting time zone.
    pub(super) fn instant(&self, day: NaiveDate) -> Option<i64> {
        instant_of(day.and_hms_opt(0, 0, 0)?, self.zone)
    }
}

/// Instants → first days of their periods, remembering the periods met.
#[derive(Debug)]
pub(super) struct Periods {
    cohorts: Cohorts,
    /// By first instant: the first instant after it, and the first day counted from 1970-01-01.
    known: BTreeMap<i64, (i64, i32)>,
    latest: (i64, i64, i32),
}

impl Periods {
    pub(super) fn new(cohorts: Cohorts) -> Self {
        Self { cohorts, known: BTreeMap::new(), latest: (0, 0, 0) }
    }

    /// The first day of the period of an instant, counted from 1970-01-01; `None` where the calendar ends.
    pub(super) fn of(&mut self, micros: i64) -> Option<i32> {
        let (start, end, day) = self.latest;
        if (start..end).contains(&micros) {
            return Some(day);
        }
        let found = self.known.range(..=micros).next_back().map(|(start, (end, day))| (*start, *end, *day));
        let period = match found.filter(|(_, end, _)| micros < *end) {
            Some(period) => period,
            None => self.work_out(micros)?,
        };
        self.latest = period;
        Some(period.2)
    }

    fn work_out(&mut self, micros: i64) -> Option<(i64, i64, i32)> {
        let first = self.cohorts.first_day(local_day(micros, self.cohorts.zone)?)?;
        let (start, end) = (self.cohorts.instant(first)?, self.cohorts.instant(self.cohorts.next(first)?)?);
        let day = i32::try_from(first.signed_duration_since(NaiveDate::default()).num_days()).ok()?;
        self.known.insert(start, (end, day));
        Some((start, end, day))
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        self.known.len() * size_of::<(i64, (i64, i32))>() * 2
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn first(grain: Grain, fiscal_start: u8, day: &str) -> (String, String) {
        let cohorts = Cohorts { grain, zone: Tz::UTC, fiscal_start };
        let first = cohorts.first_day(day.parse().unwrap()).unwrap();
        (first.to_string(), cohorts.label(first))
    }

    #[test]
    fn periods_begin_and_are_named_as_people_expect() {
        for (grain, fiscal, day, begins, label) in [
            (Grain::Day, 1, "2026-03-08", "2026-03-08", "2026-03-08"),
            // 2025-12-29 is the Monday of the first ISO week of 2026.
            (Grain::Week, 1, "2026-01-04", "2025-12-29", "2026-W01"),
            (Grain::Month, 1, "2026-02-28", "2026-02-01", "2026-02"),
            (Grain::Quarter, 1, "2026-06-30", "2026-04-01", "2026-Q2"),
            (Grain::Year, 1, "2026-06-30", "2026-01-01", "2026"),
            // A fiscal year from February 2026 to January 2027 is FY2027.
            (Grain::FiscalQuarter, 2, "2026-01-31", "2025-11-01", "FY2026-Q4"),
            (Grain::FiscalQuarter, 2, "2026-02-01", "2026-02-01", "FY2027-Q1"),
            (Grain::FiscalYear, 2, "2026-12-31", "2026-02-01", "FY2027"),
            (Grain::FiscalYear, 1, "2026-12-31", "2026-01-01", "FY2026"),
            (Grain::FiscalQuarter, 7, "2026-09-30", "2026-07-01", "FY2027-Q1"),
        ] {
            assert_eq!(first(grain, fiscal, day), (begins.to_string(), label.to_string()), "{grain:?} {day}");
        }
    }

    #[test]
    fn instants_fall_into_the_periods_of_the_zone() {
        let zone = chrono_tz::America::New_York;
        let mut periods = Periods::new(Cohorts { grain: Grain::Day, zone, fiscal_start: 1 });
        let at = |text: &str| text.parse::<DateTime<chrono::Utc>>().unwrap().timestamp_micros();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap().to_epoch_days();
        // 2026-03-08 has 23 hours in New York: 05:00Z to 04:00Z of the next day.
        for (instant, local) in [
            ("2026-03-08T04:59:59.999999Z", "2026-03-07"),
            ("2026-03-08T05:00:00Z", "2026-03-08"),
            ("2026-03-09T03:59:59.999999Z", "2026-03-08"),
            ("2026-03-09T04:00:00Z", "2026-03-09"),
            ("2026-03-08T05:00:00Z", "2026-03-08"),
        ] {
            assert_eq!(periods.of(at(instant)), Some(day(local)), "{instant}");
        }
        for beyond in [i64::MIN, -8_334_601_228_800_000_000, 8_210_266_876_799_999_999, i64::MAX] {
            periods.of(beyond);
        }
    }
}
