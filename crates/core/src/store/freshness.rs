//! Whether an extract is as new as its contract says.

use chrono::{DateTime, Months, TimeDelta, Utc};

use super::Extract;
use crate::diag::{Diagnostic, Diagnostics, Severity, codes};
use crate::syntax::{Period, SourceTable, Spanned, Unit};

/// Compares the newest row, as the footers tell it, with what the contract allows at `as_of`.
/// Too old is a warning after `warn_after` and an error after `error_after`; an extract without
/// rows is never fresh.
pub fn check_freshness(table: &SourceTable, extract: &Extract, as_of: DateTime<Utc>, diags: &mut Diagnostics) {
    let Some(freshness) = &table.freshness else { return };
    let column = &freshness.column;
    // That the contract does not declare it was said when the contract was reviewed.
    if table.column(column.as_str()).is_none() {
        return;
    }
    let newest = extract.newest(column.as_str());
    if newest.is_none() && extract.rows() > 0 {
        let message =
            format!("the footers of `{}` do not say how new `{column}` is, so its freshness is not known", table.table);
        diags.push(Diagnostic::warning(codes::STALE_SOURCE, column.place, message));
        return;
    }
    let limits = [(&freshness.error_after, Severity::Error), (&freshness.warn_after, Severity::Warning)];
    for (limit, severity) in limits {
        let Some(limit) = limit else { continue };
        if newest.is_some_and(|newest| within(newest, as_of, limit.value)) {
            continue;
        }
        diags.push(stale(table, newest, limit, severity));
        return;
    }
}

/// Whether an instant is no older than a period at `as_of`.
pub fn within(newest: DateTime<Utc>, as_of: DateTime<Utc>, period: Period) -> bool {
    before(as_of, period).is_none_or(|oldest| newest >= oldest)
}

fn stale(
    table: &SourceTable,
    newest: Option<DateTime<Utc>>,
    limit: &Spanned<Period>,
    severity: Severity,
) -> Diagnostic {
    let name = &table.table;
    let message = match newest {
        Some(newest) => format!("the newest row of `{name}` is of {newest:?}, which is older than `{}`", limit.value),
        None => format!("`{name}` has no rows, so it is older than `{}`", limit.value),
    };
    let diagnostic = match severity {
        Severity::Error => Diagnostic::error(codes::STALE_SOURCE, limit.place, message),
        Severity::Warning => Diagnostic::warning(codes::STALE_SOURCE, limit.place, message),
    };
    diagnostic.hint("see whether its load has stopped")
}

/// The instant a period ago; `None` where it is out of reach. Business time counts as calendar
/// time, because loads run on holidays too.
fn before(as_of: DateTime<Utc>, period: Period) -> Option<DateTime<Utc>> {
    let amount = i64::from(period.amount);
    let delta = match period.unit {
        Unit::Month => return as_of.checked_sub_months(Months::new(period.amount)),
        Unit::Quarter => return as_of.checked_sub_months(Months::new(period.amount.checked_mul(3)?)),
        Unit::Year => return as_of.checked_sub_months(Months::new(period.amount.checked_mul(12)?)),
        Unit::Second => TimeDelta::try_seconds(amount),
        Unit::Minute | Unit::BusinessMinute => TimeDelta::try_minutes(amount),
        Unit::Hour | Unit::BusinessHour => TimeDelta::try_hours(amount),
        Unit::Day | Unit::BusinessDay => TimeDelta::try_days(amount),
        Unit::Week => TimeDelta::try_weeks(amount),
    };
    as_of.checked_sub_signed(delta?)
}
