//! Business calendars as they are declared: time zones, opening hours, holidays.

use std::str::FromStr;

use arrow::datatypes::DataType;
use chrono::NaiveDate;
use chrono_tz::Tz;
use datafusion::logical_expr::{Expr, cast, lit};
use indexmap::IndexMap;

use super::business::{DAY, Week, Window};
use super::spec::{CalendarSpec, HolidaysSpec, Velocity};
use crate::contract::ColumnType;
use crate::diag::{Diagnostic, Diagnostics, codes};
use crate::engine::TypedExpr;
use crate::kinds::Scope;
use crate::kinds::typing::{Typing, columns_of, demand, transpose};
use crate::syntax::{ColumnName, ExprText, OneOrMany, Spanned, TableName};

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The calendars of a model.
#[derive(Debug)]
pub(super) struct Calendars {
    pub(super) all: Vec<DeclaredCalendar>,
    /// The index of the one that holds where none is chosen.
    pub(super) usual: usize,
}

/// A calendar without its holidays' days.
#[derive(Debug)]
pub(super) struct DeclaredCalendar {
    pub(super) name: String,
    pub(super) zone: Tz,
    /// Hours, and the days from which on they hold; see [`super::business::Calendar`].
    pub(super) weeks: Vec<(NaiveDate, Week)>,
    pub(super) holidays: Option<Holidays>,
}

/// Where a calendar's holidays stand; expressions over the table.
#[derive(Debug)]
pub(super) struct Holidays {
    pub(super) table: TableName,
    pub(super) date: Expr,
    pub(super) closed_from: Expr,
    pub(super) closed_until: Expr,
    pub(super) filter: Option<Expr>,
}

/// Reads all calendars; mistakes go to `diags`. `Some(None)` where the model has none.
pub(super) fn read(spec: &Velocity, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Option<Calendars>> {
    if spec.calendars.is_empty() {
        let named = spec.calendar.as_ref().map(|name| name.place);
        let place = named.or_else(|| spec.calendar_by.as_ref().map(|text| text.place));
        let Some(place) = place else { return Some(None) };
        let message = "the model declares no calendars to choose from";
        let hint = "declare them under `calendars:`; without any, time runs day and night";
        diags.push(Diagnostic::error(codes::BAD_CALENDAR, place, message).hint(hint));
        return None;
    }
    let all: Vec<Option<DeclaredCalendar>> =
        spec.calendars.iter().map(|(name, calendar)| calendar_of(name, calendar, scope, diags)).collect();
    let usual = match &spec.calendar {
        None => 0,
        Some(wanted) => match spec.calendars.keys().position(|name| name == wanted) {
            Some(at) => at,
            None => {
                let message = format!("there is no calendar `{wanted}`");
                let names = spec.calendars.keys().map(|name| name.as_str());
                let unknown = Diagnostic::error(codes::BAD_CALENDAR, wanted.place, message);
                diags.push(unknown.did_you_mean(wanted.as_str(), names));
                return None;
            }
        },
    };
    Some(Some(Calendars { all: all.into_iter().collect::<Option<_>>()?, usual }))
}

fn calendar_of(
    name: &Spanned<ColumnName>,
    written: &CalendarSpec,
    scope: &Scope<'_>,
    diags: &mut Diagnostics,
) -> Option<DeclaredCalendar> {
    let zone = Tz::from_str(&written.timezone.value).ok();
    if zone.is_none() {
        let message = format!("`{}` is not a time zone of the IANA list", written.timezone);
        let known = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        diags.push(
            Diagnostic::error(codes::BAD_TIME_ZONE, written.timezone.place, message)
                .hint("write it as in `Europe/Berlin` or `UTC`")
                .did_you_mean(&written.timezone.value, known),
        );
    }
    let weeks = weeks(name, written, diags);
    let holidays = match &written.holidays {
        None => Some(None),
        Some(holidays) => holidays_of(holidays, scope, diags).map(Some),
    };
    Some(DeclaredCalendar { name: name.value.to_string(), zone: zone?, weeks: weeks?, holidays: holidays? })
}

fn weeks(
    name: &Spanned<ColumnName>,
    written: &CalendarSpec,
    diags: &mut Diagnostics,
) -> Option<Vec<(NaiveDate, Week)>> {
    let before = diags.len();
    let first = week(name, &written.hours, diags).unwrap_or_default();
    if diags.len() == before && first.iter().all(Vec::is_empty) {
        let message = format!("the calendar `{name}` is never open");
        let hint = "write its hours, as in `mon-fri: 09:00-17:00`";
        diags.push(Diagnostic::error(codes::BAD_CALENDAR, name.place, message).hint(hint));
    }
    let mut weeks = vec![(NaiveDate::MIN, first)];
    for change in &written.changes {
        let hours = week(name, &change.hours, diags);
        let Ok(from) = change.from.value.parse::<NaiveDate>() else {
            let message = format!("`{}` is not a date", change.from);
            let wrong = Diagnostic::error(codes::BAD_CALENDAR, change.from.place, message);
            diags.push(wrong.hint("write it as in `2025-01-01`"));
            continue;
        };
        if weeks.last().is_some_and(|(last, _)| from <= *last) {
            let message = format!("the change of hours on {from} does not come after the one before it");
            let wrong = Diagnostic::error(codes::BAD_CALENDAR, change.from.place, message);
            diags.push(wrong.hint("write changes in the order of their days, each day once"));
        }
        weeks.push((from, hours.unwrap_or_default()));
    }
    (diags.len() == before).then_some(weeks)
}

fn week(
    name: &Spanned<ColumnName>,
    hours: &IndexMap<Spanned<String>, OneOrMany<Spanned<String>>>,
    diags: &mut Diagnostics,
) -> Option<Week> {
    let before = diags.len();
    let mut week = Week::default();
    for (days, windows) in hours {
        let Some(weekdays) = weekdays(days) else {
            let message = format!("`{days}` is not a weekday or a span of weekdays");
            let hint = "write them as in `mon` or `mon-fri`";
            diags.push(Diagnostic::error(codes::BAD_CALENDAR, days.place, message).hint(hint));
            continue;
        };
        let windows: Vec<Window> = read_windows(windows, diags);
        weekdays.for_each(|day| week.get_mut(day).into_iter().for_each(|known| known.extend(&windows)));
    }
    for (day, windows) in WEEKDAYS.iter().zip(&mut week) {
        windows.sort_unstable();
        let overlap = windows.iter().zip(windows.iter().skip(1)).any(|(first, second)| second.0 < first.1);
        if overlap {
            let message = format!("the hours of the calendar `{name}` overlap on `{day}`");
            diags.push(Diagnostic::error(codes::BAD_CALENDAR, name.place, message));
        }
    }
    (diags.len() == before).then_some(week)
}

fn read_windows(windows: &OneOrMany<Spanned<String>>, diags: &mut Diagnostics) -> Vec<Window> {
    let mut read = Vec::new();
    for text in &windows.0 {
        match window(&text.value) {
            Some((start, end)) if start < end => read.push((start, end)),
            found => {
                let hint = match found {
                    Some(_) => {
                        "hours end after they begin; those that go over midnight are written as two, on two days"
                    }
                    None => "write them as in `09:00-17:00`; a day ends with `24:00`",
                };
                let message = format!("`{text}` are not opening hours");
                diags.push(Diagnostic::error(codes::BAD_CALENDAR, text.place, message).hint(hint));
            }
        }
    }
    read
}

/// `mon`, `mon-fri`, `sat-mon`.
fn weekdays(text: &str) -> Option<impl Iterator<Item = usize>> {
    let day = |name: &str| WEEKDAYS.iter().position(|known| *known == name.trim());
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (day(first)?, day(last)?);
    Some((0..=(last + 7 - first) % 7).map(move |after| (first + after) % 7))
}

fn window(text: &str) -> Option<Window> {
    let (start, end) = text.split_once('-')?;
    Some((minute(start)?, minute(end)?))
}

/// The minute of the day of `09:30`, at most `24:00`.
pub(super) fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |digits: &str| -> Option<u16> {
        let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| plain)
    };
    let (hours, minutes) = (number(hours)?, number(minutes).filter(|minutes| *minutes < 60)?);
    Some(hours * 60 + minutes).filter(|minute| *minute <= DAY)
}

fn holidays_of(written: &HolidaysSpec, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Holidays> {
    let columns = columns_of(scope, &written.from, diags)?;
    let typing = Typing::new(scope, &columns);
    let typed = |text: &ExprText, fits: fn(&TypedExpr) -> bool, wanted: &str, diags: &mut Diagnostics| {
        let typed = typing.any(text, diags)?;
        demand(fits(&typed), text, &typed, wanted, diags)?;
        Some(typed.expr)
    };
    let date =
        typed(&written.date, |typed| matches!(typed.data_type, DataType::Date32 | DataType::Date64), "a date", diags);
    let is_text = |typed: &TypedExpr| ColumnType::of_arrow(&typed.data_type) == Some(ColumnType::Text);
    let mut time = |text: &Option<ExprText>| match text {
        None => Some(lit(datafusion::common::ScalarValue::Utf8View(None))),
        Some(text) => Some(cast(typed(text, is_text, "a text such as `13:00`", diags)?, DataType::Utf8View)),
    };
    let (closed_from, closed_until) = (time(&written.closed_from), time(&written.closed_until));
    let filter = written.filter.as_ref().map(|text| typing.condition(text, diags).map(|typed| typed.expr));
    Some(Holidays {
        table: written.from.value.clone(),
        date: cast(date?, DataType::Date32),
        closed_from: closed_from?,
        closed_until: closed_until?,
        filter: transpose(filter)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_weekdays_as_people_write_them() {
        assert_eq!(window("09:00-17:30"), Some((540, 1_050)));
        assert_eq!(window("0:00 - 24:00"), Some((0, DAY)));
        for bad in ["9-17", "09:00", "09:60-17:00", "09:00-24:01", "-1:00-2:00", "009:00-10:00", ""] {
            assert_eq!(window(bad), None, "{bad}");
        }
        let days = |text: &str| weekdays(text).map(|days| days.collect::<Vec<_>>());
        assert_eq!(days("mon"), Some(vec![0]));
        assert_eq!(days("mon-fri"), Some(vec![0, 1, 2, 3, 4]));
        assert_eq!(days("sat-mon"), Some(vec![5, 6, 0]));
        assert_eq!(days("monday"), None);
    }
}
