//! Dates as text → `yyyymmdd`, and how two of them differ.

use chrono::{Datelike, NaiveDate};

/// Which part of an all-number date comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateOrder {
    /// `31/12/1999`, and whatever cannot be told.
    #[default]
    DayFirst,
    /// `12/31/1999`.
    MonthFirst,
}

impl DateOrder {
    /// The order that the values of a column show: one value that reads only as month first, and none
    /// that reads only as day first, decides.
    pub fn of<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let (mut day, mut month) = (0_u32, 0_u32);
        for value in values {
            let [Some(first), Some(second), _] = numbers(value) else { continue };
            day += u32::from(first > 12 && first <= 31 && second <= 12);
            month += u32::from(second > 12 && second <= 31 && first <= 12);
        }
        if month > day { Self::MonthFirst } else { Self::DayFirst }
    }

    /// Writes `yyyymmdd` where `raw` is a date (a time after it is left out), else its digits.
    pub fn normal_form(self, raw: &str, out: &mut String) {
        match self.parts(raw) {
            Some((year, month, day)) => out.push_str(&format!("{year:04}{month:02}{day:02}")),
            None => out.extend(raw.chars().filter(char::is_ascii_digit).take(14)),
        }
    }

    /// Year, month and day as written; they need not be a day of the calendar.
    fn parts(self, raw: &str) -> Option<(u32, u32, u32)> {
        let raw = raw.trim();
        let date = raw.split(['T', ' ']).next().filter(|part| part.len() >= 8).unwrap_or(raw);
        if date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()) {
            let number: u32 = date.parse().ok()?;
            return Some((number / 10_000, number / 100 % 100, number % 100));
        }
        match numbers(date) {
            [Some(year), Some(month), Some(day)] if year > 31 => Some((year, month, day)),
            [Some(first), Some(second), Some(year)] if year <= 9_999 => {
                let swap = second > 12 || (self == Self::MonthFirst && first <= 12);
                let (month, day) = if swap { (first, second) } else { (second, first) };
                Some((year, month, day))
            }
            _ => named_month(raw),
        }
    }
}

/// The first three numbers of a text in which nothing but separators stands between them.
fn numbers(text: &str) -> [Option<u32>; 3] {
    let mut found = [None; 3];
    if text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'/' | b'.' | b' ')) {
        let parts = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
        for (slot, part) in found.iter_mut().zip(parts) {
            *slot = part.parse().ok();
        }
    }
    found
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// `31 Dec 1999`, `December 31, 1999`.
fn named_month(raw: &str) -> Option<(u32, u32, u32)> {
    let mut month = None;
    let mut others = Vec::new();
    for part in raw.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()) {
        match part.parse::<u32>() {
            Ok(number) => others.push(number),
            Err(_) => {
                let start = part.get(..3)?.to_lowercase();
                month = month.or(MONTHS.iter().position(|name| *name == start));
            }
        }
    }
    let month = month? as u32 + 1;
    match others.as_slice() {
        [day, year, ..] if *day <= 31 => Some((*year, month, *day)),
        [year, day, ..] => Some((*year, month, *day)),
        _ => None,
    }
}

/// The day of a normal form, counted from a fixed day; none where it is no day of the calendar.
pub fn day_number(normal: &str) -> Option<i32> {
    let number: u32 = Some(normal).filter(|text| text.len() == 8)?.parse().ok()?;
    let date = NaiveDate::from_ymd_opt((number / 10_000) as i32, number / 100 % 100, number % 100)?;
    Some(date.num_days_from_ce())
}

/// How many of year, month and day two normal forms have in common, and whether day and month are swapped.
pub fn common_parts(a: &str, b: &str) -> (u32, bool) {
    let (Some(a), Some(b)) = (split(a), split(b)) else { return (0, false) };
    let common = u32::from(a.0 == b.0) + u32::from(a.1 == b.1) + u32::from(a.2 == b.2);
    (common, a.0 == b.0 && a.1 == b.2 && a.2 == b.1)
}

fn split(normal: &str) -> Option<(&str, &str, &str)> {
    Some((normal.get(..4)?, normal.get(4..6)?, normal.get(6..8)?))
}
