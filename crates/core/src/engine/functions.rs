//! The functions that SQL in a project may use, beyond and instead of DataFusion's own.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use chrono::{DateTime, Utc};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::SessionContext;

/// Registers our functions.
///
/// `now()` and `current_timestamp` answer the run's as-of instant, `current_date` and `today` its
/// UTC date: results depend on the extracts, the definitions and that instant, never on the clock.
pub(super) fn register(ctx: &SessionContext, as_of: DateTime<Utc>) {
    let instant = ScalarValue::TimestampMicrosecond(Some(as_of.timestamp_micros()), Some("UTC".into()));
    let days = as_of.timestamp().div_euclid(86_400);
    let date = ScalarValue::Date32(Some(i32::try_from(days).unwrap_or(i32::MAX)));
    let instant_type = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    ctx.register_udf(ScalarUDF::from(super::ga4_param::Ga4Param::new()));
    super::text::functions::all().for_each(|function| ctx.register_udf(function));
    for name in ["now", "as_of"] {
        ctx.register_udf(constant(name, instant_type.clone(), instant.clone()));
    }
    for name in ["current_date", "today"] {
        ctx.register_udf(constant(name, DataType::Date32, date.clone()));
    }
}

fn constant(name: &str, data_type: DataType, value: ScalarValue) -> ScalarUDF {
    let answer = move |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(value.clone()));
    create_udf(name, Vec::new(), data_type, Volatility::Immutable, Arc::new(answer))
}
