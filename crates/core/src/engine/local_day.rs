//! Days of a time zone as instants, in expressions: the first and the last instant of a date.

use std::sync::Arc;

use arrow::array::{Array, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, TimeUnit};
use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use datafusion::common::cast::as_date32_array;
use datafusion::common::{Result as SqlResult, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, cast,
};

use crate::contract::ColumnType;

/// [`first_instant`] or [`last_instant`].
pub type InstantOfDate = fn(Expr, Tz) -> Expr;

/// The first instant of the dates that `dates` gives.
pub fn first_instant(dates: Expr, zone: Tz) -> Expr {
    LocalDay::function(zone, Edge::First).call(vec![cast(dates, DataType::Date32)])
}

/// The last instant of the dates that `dates` gives: one microsecond before the next day begins.
pub fn last_instant(dates: Expr, zone: Tz) -> Expr {
    LocalDay::function(zone, Edge::Last).call(vec![cast(dates, DataType::Date32)])
}

/// The date on which an instant falls in a time zone.
pub fn date_of(instant: Expr, zone: Tz) -> Expr {
    let local = DataType::Timestamp(TimeUnit::Microsecond, Some(zone.name().into()));
    cast(cast(instant, local), DataType::Date32)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Edge {
    First,
    Last,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct LocalDay {
    zone: Tz,
    edge: Edge,
    signature: Signature,
}

impl LocalDay {
    fn function(zone: Tz, edge: Edge) -> ScalarUDF {
        let signature = Signature::exact(vec![DataType::Date32], Volatility::Immutable);
        ScalarUDF::from(Self { zone, edge, signature })
    }
}

impl ScalarUDFImpl for LocalDay {
    fn name(&self) -> &str {
        match self.edge {
            Edge::First => "first_instant_of_day",
            Edge::Last => "last_instant_of_day",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> SqlResult<DataType> {
        Ok(ColumnType::Timestamp.arrow())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> SqlResult<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [dates] = arrays.as_slice() else { return internal_err!("an edge of one date") };
        let edge = |day: Option<i32>| match self.edge {
            Edge::First => midnight_of_day(day?, self.zone),
            Edge::Last => Some(midnight_of_day(day?.checked_add(1)?, self.zone)? - 1),
        };
        let instants: TimestampMicrosecondArray = as_date32_array(dates)?.iter().map(edge).collect();
        debug_assert_eq!(instants.len(), dates.len());
        Ok(ColumnarValue::Array(Arc::new(instants.with_timezone("UTC"))))
    }
}

/// The first instant of a local day, in UTC microseconds.
///
/// Where clocks are put forward at midnight the day begins when they have been; where midnight comes
/// twice it begins with the first.
pub fn midnight(date: NaiveDate, zone: Tz) -> Option<i64> {
    let start = date.and_time(NaiveTime::MIN);
    // No zone has ever skipped more than a day at once, and gaps end on a quarter of an hour.
    (0..=96).find_map(|quarters| {
        let local = start.checked_add_signed(TimeDelta::minutes(15 * quarters))?;
        zone.from_local_datetime(&local).earliest().map(|instant| instant.timestamp_micros())
    })
}

/// The same of a day counted from 1970-01-01.
fn midnight_of_day(day: i32, zone: Tz) -> Option<i64> {
    let (epoch, days) = (NaiveDate::default(), Days::new(u64::from(day.unsigned_abs())));
    let date = if day < 0 { epoch.checked_sub_days(days) } else { epoch.checked_add_days(days) };
    midnight(date?, zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    #[test]
    fn days_begin_when_the_zone_says_and_end_before_the_next() {
        assert_eq!(midnight_of_day(1, chrono_tz::UTC), Some(24 * HOUR));
        assert_eq!(midnight_of_day(1, chrono_tz::America::New_York), Some(29 * HOUR));
        assert_eq!(midnight_of_day(-1, chrono_tz::UTC), Some(-24 * HOUR));
        // 2018-11-04 in São Paulo: 00:00 became 01:00 (UTC-2).
        let day = NaiveDate::from_ymd_opt(2018, 11, 4).unwrap().signed_duration_since(NaiveDate::default()).num_days();
        let expected = "2018-11-04T03:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_micros();
        assert_eq!(midnight_of_day(day as i32, chrono_tz::America::Sao_Paulo), Some(expected));
        assert_eq!(midnight_of_day(i32::MAX, chrono_tz::UTC), None);
    }
}
