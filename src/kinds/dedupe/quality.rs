//! How many records are duplicates, by system and month of creation.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array};
use chrono::{DateTime, Datelike, Months, NaiveDate, TimeZone};
use chrono_tz::Tz;

use super::columns::UNKNOWN;
use super::groups::{Groups, Member};
use super::intake::Work;
use super::records::Records;
use super::rows::dictionary;
use crate::error::Result;

/// The records of one system that were created in one month.
#[derive(Debug, Clone, Default)]
pub(super) struct Month {
    system: u16,
    /// Its first day, in days since 1970; none where nobody knows.
    day: Option<i32>,
    records: i64,
    /// Records that were not the first of their entity.
    duplicates: i64,
    /// Records that were not the first of their entity in their own system.
    in_system: i64,
}

/// Counts every record, in the order of systems and months.
pub(super) fn months(work: &Work, records: &Records, groups: &Groups, members: &[Member]) -> Vec<Month> {
    let calendar = Calendar::new(work.zone, &records.created);
    // By system, then by month; the last one of a system is for records that nobody knows it of.
    let width = calendar.starts.len() + 1;
    let mut months = vec![Month::default(); width * work.systems.len()];
    let mut eldest: Vec<(i64, u32, u16)> = Vec::new();
    for own in groups.cut(members) {
        eldest.clear();
        eldest.extend(own.iter().map(|member| (member.created, member.record, member.system)));
        eldest.sort_unstable();
        for (at, (created, _, system)) in eldest.iter().enumerate() {
            let place = calendar.place(*created).unwrap_or(width - 1);
            let Some(month) = months.get_mut(usize::from(*system) * width + place) else { continue };
            let before = eldest.get(..at).unwrap_or_default();
            month.system = *system;
            month.day = calendar.starts.get(place).map(|(_, day)| *day);
            month.records += 1;
            month.duplicates += i64::from(at > 0);
            month.in_system += i64::from(before.iter().any(|(_, _, other)| other == system));
        }
    }
    months.retain(|month| month.records > 0);
    months
}

/// The months that instants fall in.
struct Calendar {
    /// The first instant of each month and its first day, in days since 1970; ascending.
    starts: Vec<(i64, i32)>,
}

impl Calendar {
    fn new(zone: Tz, instants: &[i64]) -> Self {
        let known = || instants.iter().copied().filter(|at| *at != UNKNOWN);
        let local = |at: i64| DateTime::from_timestamp_micros(at).map(|at| at.with_timezone(&zone).date_naive());
        let span = known().min().and_then(local).zip(known().max().and_then(local));
        let mut starts = Vec::new();
        let mut month = span.and_then(|(first, _)| first.with_day(1));
        while let Some(first) = month.filter(|first| span.is_some_and(|(_, last)| *first <= last)) {
            starts.push((midnight(zone, first), first.num_days_from_ce() - EPOCH_FROM_CE));
            month = first.checked_add_months(Months::new(1));
        }
        Self { starts }
    }

    /// The place of the month that an instant falls in.
    fn place(&self, at: i64) -> Option<usize> {
        if at == UNKNOWN {
            return None;
        }
        self.starts.partition_point(|(start, _)| *start <= at).checked_sub(1)
    }
}

/// The first instant of a day: where a zone skips midnight, that of its first hour.
fn midnight(zone: Tz, day: NaiveDate) -> i64 {
    let hours = (0..24).filter_map(|hour| day.and_hms_opt(hour, 0, 0));
    let first = hours.filter_map(|time| zone.from_local_datetime(&time).earliest()).next();
    first.map_or(i64::MIN, |at| at.timestamp_micros())
}

/// 1970-01-01 in days since the year 1.
const EPOCH_FROM_CE: i32 = 719_163;

/// As columns: system, month, records, duplicates, duplicates in the system, rate.
pub(super) fn rows(work: &Work, months: &[Month]) -> Result<Vec<ArrayRef>> {
    let counts = |of: fn(&Month) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(months.iter().map(of))) };
    let rate = |month: &Month| month.duplicates as f64 / month.records.max(1) as f64;
    Ok(vec![
        dictionary(&work.systems, months.iter().map(|month| Some(i32::from(month.system))))?,
        Arc::new(months.iter().map(|month| month.day).collect::<Date32Array>()),
        counts(|month| month.records),
        counts(|month| month.duplicates),
        counts(|month| month.in_system),
        Arc::new(Float64Array::from_iter_values(months.iter().map(rate))),
    ])
}
