//! Units, horizons and targets: lengths of time on the clock of a model.

use super::spec::{TimeUnit, Velocity};
use crate::diag::{Diagnostic, Diagnostics, codes};
use crate::syntax::{Period, Spanned, Unit as PeriodUnit};

/// The unit of the summary's times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) unit: TimeUnit,
    /// Whether it counts business time.
    pub(super) business: bool,
}

impl Unit {
    /// Reads the unit; mistakes go to `diags`.
    pub(super) fn read(spec: &Velocity, diags: &mut Diagnostics) -> Option<Self> {
        let business = !spec.calendars.is_empty();
        let usual = if business { TimeUnit::Hours } else { TimeUnit::Days };
        let unit = spec.unit.as_ref().map_or(usual, |unit| unit.value);
        if let Some(written) = spec.unit.as_ref().filter(|_| business && unit == TimeUnit::Days) {
            let message = "business time is not told in days: no two business days need be of the same length";
            diags.push(
                Diagnostic::error(codes::INVALID_VALUE, written.place, message).hint("write `hours` or `minutes`"),
            );
            return None;
        }
        Some(Self { unit, business })
    }

    /// Its length in microseconds.
    pub(super) fn micros(self) -> i64 {
        match self.unit {
            TimeUnit::Minutes => 60_000_000,
            TimeUnit::Hours => 3_600_000_000,
            TimeUnit::Days => 86_400_000_000,
        }
    }

    /// As columns begin: `days`, `business_hours`.
    pub(super) fn prefix(self) -> &'static str {
        match (self.unit, self.business) {
            (TimeUnit::Minutes, false) => "minutes",
            (TimeUnit::Hours, false) => "hours",
            (TimeUnit::Days, false) => "days",
            (TimeUnit::Minutes, true) => "business_minutes",
            (_, true) => "business_hours",
        }
    }

    /// As sentences have it: `days of 24 hours`, `business hours`.
    pub(super) fn words(self) -> &'static str {
        match (self.unit, self.business) {
            (TimeUnit::Minutes, false) => "minutes",
            (TimeUnit::Hours, false) => "hours",
            (TimeUnit::Days, false) => "days of 24 hours",
            (TimeUnit::Minutes, true) => "business minutes",
            (_, true) => "business hours",
        }
    }
}

/// A length in microseconds, and whether of business time; `None` where its unit has no length.
fn measured(period: Period) -> Option<(i64, bool)> {
    let business = |micros: i64| Some((micros.checked_mul(i64::from(period.amount))?, true));
    match period.unit {
        PeriodUnit::BusinessMinute => business(60_000_000),
        PeriodUnit::BusinessHour => business(3_600_000_000),
        _ => period.micros().map(|micros| (micros, false)),
    }
}

/// The time within which conversion is also told, on the model's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Horizon {
    pub(super) period: Period,
    pub(super) micros: i64,
}

impl Horizon {
    /// Reads a horizon; mistakes go to `diags`.
    pub(super) fn read(written: &Spanned<Period>, business: bool, diags: &mut Diagnostics) -> Option<Self> {
        let wrong =
            |message: String, hint: &str| Diagnostic::error(codes::BAD_HORIZON, written.place, message).hint(hint);
        let found = measured(written.value);
        let diagnostic = match found {
            None => wrong(
                format!("`{written}` is not of the same length everywhere"),
                if business { "write hours, as in `8 business hours`" } else { "write days, as in `90 days`" },
            ),
            Some((0, _)) => wrong(
                "a horizon of no length ends before anything can happen".to_string(),
                "write the time within which conversion is to be told, or leave `horizon` out",
            ),
            Some((_, of_business)) if of_business && !business => wrong(
                format!("`{written}` is business time, and the model has no business calendar"),
                "declare one under `calendars:`, or write a time such as `90 days`",
            ),
            Some((_, of_business)) if business && !of_business => wrong(
                format!("`{written}` is not business time, which the model's calendars count"),
                "write it as in `40 business hours`",
            ),
            Some((micros, _)) => return Some(Self { period: written.value, micros }),
        };
        diags.push(diagnostic);
        None
    }
}

/// The time within which the end of a pair is to be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) period: Period,
    pub(super) micros: i64,
    /// Whether it counts business time.
    pub(super) business: bool,
}

impl Target {
    /// Reads a target; mistakes go to `diags`.
    pub(super) fn read(written: &Spanned<Period>, has_calendars: bool, diags: &mut Diagnostics) -> Option<Self> {
        let wrong =
            |message: String, hint: &str| Diagnostic::error(codes::BAD_TARGET, written.place, message).hint(hint);
        let diagnostic = match measured(written.value) {
            None => wrong(
                format!("`{written}` is not of the same length everywhere"),
                "write hours or days, as in `4 business hours` or `2 days`",
            ),
            Some((_, true)) if !has_calendars => wrong(
                format!("`{written}` is business time, and the model has no business calendar"),
                "declare one under `calendars:`, or write a time such as `4 hours`, which runs day and night",
            ),
            Some((micros, business)) => return Some(Self { period: written.value, micros, business }),
        };
        diags.push(diagnostic);
        None
    }
}
