//! How many records are duplicates, by system and month of creation.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array};
use chrono::{DateTime, Datelike, NaiveDate};

use super::columns::{Records, UNKNOWN};
use super::groups::Groups;
use super::intake::Work;
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
pub(super) fn months(work: &Work, records: &Records, groups: &Groups) -> Vec<Month> {
    let mut months: BTreeMap<(u16, Option<i32>), Month> = BTreeMap::new();
    let mut calendar = Calendar { work, months: BTreeMap::new() };
    let mut members: Vec<(i64, u32, u16)> = Vec::new();
    for cluster in 0..groups.len() {
        members.clear();
        members.extend(groups.members(cluster).iter().map(|record| {
            let row = records.row(*record);
            (records.created(row), *record, records.system(work, row))
        }));
        members.sort_unstable();
        for (at, (created, _, system)) in members.iter().enumerate() {
            let day = calendar.month(*created);
            let month = months.entry((*system, day)).or_insert_with(|| Month { system: *system, day, ..Month::default() });
            let before = members.get(..at).unwrap_or_default();
            month.records += 1;
            month.duplicates += i64::from(at > 0);
            month.in_system += i64::from(before.iter().any(|(_, _, other)| other == system));
        }
    }
    months.into_values().collect()
}

struct Calendar<'a> {
    work: &'a Work,
    /// By quarter of an hour since 1970, the first day of its month.
    months: BTreeMap<i64, Option<i32>>,
}

const QUARTER_MICROS: i64 = 900_000_000;

impl Calendar<'_> {
    /// The first day of the month that an instant falls in: no zone changes its date within a quarter
    /// of an hour.
    fn month(&mut self, at: i64) -> Option<i32> {
        if at == UNKNOWN {
            return None;
        }
        let quarter = at.div_euclid(QUARTER_MICROS);
        let zone = self.work.zone;
        *self.months.entry(quarter).or_insert_with(|| {
            let local = DateTime::from_timestamp_micros(at)?.with_timezone(&zone);
            let first = NaiveDate::from_ymd_opt(local.year(), local.month(), 1)?;
            Some(first.num_days_from_ce() - EPOCH_FROM_CE)
        })
    }
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
