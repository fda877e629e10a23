//! Text → value, one column of a CSV file at a time.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int32Builder, Int64Builder,
    StringViewBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::DataType;
use chrono::{DateTime, NaiveDate, NaiveDateTime};

use crate::contract::ColumnType;
use crate::error::Result;

/// The values of one column so far.
pub(super) enum Cells {
    Text(StringViewBuilder),
    BigInt(Int64Builder),
    Int(Int32Builder),
    Double(Float64Builder),
    Decimal(Decimal128Builder, u8, i8),
    Boolean(BooleanBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl Cells {
    pub(super) fn new(ty: ColumnType) -> Self {
        match ty {
            ColumnType::Text => Self::Text(StringViewBuilder::new()),
            ColumnType::BigInt => Self::BigInt(Int64Builder::new()),
            ColumnType::Int => Self::Int(Int32Builder::new()),
            ColumnType::Double => Self::Double(Float64Builder::new()),
            ColumnType::Decimal(p, s) => {
                Self::Decimal(Decimal128Builder::new().with_data_type(DataType::Decimal128(p, s)), p, s)
            }
            ColumnType::Boolean => Self::Boolean(BooleanBuilder::new()),
            ColumnType::Date => Self::Date(Date32Builder::new()),
            ColumnType::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
        }
    }

    /// Adds a value; the error says what was expected, to follow the column's name.
    pub(super) fn push(&mut self, text: &str) -> Result<(), String> {
        let wrong = |what: &str| format!("is `{text}`, which is not {what}");
        match self {
            Self::Text(values) => values.append_value(text),
            Self::BigInt(values) => values.append_value(text.parse().map_err(|_| wrong("a whole number"))?),
            Self::Int(values) => values.append_value(text.parse().map_err(|_| wrong("a whole number of 32 bits"))?),
            Self::Double(values) => {
                let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
                values.append_value(value.ok_or_else(|| wrong("a number"))?);
            }
            Self::Decimal(values, precision, scale) => {
                let value = decimal(text, *precision, *scale);
                values.append_value(value.ok_or_else(|| wrong(&format!("a `decimal({precision}, {scale})`")))?);
            }
            Self::Boolean(values) => values.append_value(boolean(text).ok_or_else(|| wrong("`true` or `false`"))?),
            Self::Date(values) => {
                let date =
                    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| wrong("a date like `2024-01-31`"))?;
                let days = date.signed_duration_since(NaiveDate::default()).num_days();
                values.append_value(i32::try_from(days).map_err(|_| wrong("a date that can be kept"))?);
            }
            Self::Timestamp(values) => {
                let micros = instant(text).ok_or_else(|| wrong("an instant like `2024-01-31T08:00:00Z`"))?;
                values.append_value(micros);
            }
        }
        Ok(())
    }

    pub(super) fn push_null(&mut self) {
        match self {
            Self::Text(values) => values.append_null(),
            Self::BigInt(values) => values.append_null(),
            Self::Int(values) => values.append_null(),
            Self::Double(values) => values.append_null(),
            Self::Decimal(values, ..) => values.append_null(),
            Self::Boolean(values) => values.append_null(),
            Self::Date(values) => values.append_null(),
            Self::Timestamp(values) => values.append_null(),
        }
    }

    pub(super) fn finish(self) -> Result<ArrayRef> {
        Ok(match self {
            Self::Text(mut values) => Arc::new(values.finish()),
            Self::BigInt(mut values) => Arc::new(values.finish()),
            Self::Int(mut values) => Arc::new(values.finish()),
            Self::Double(mut values) => Arc::new(values.finish()),
            Self::Decimal(mut values, ..) => Arc::new(values.finish()),
            Self::Boolean(mut values) => Arc::new(values.finish()),
            Self::Date(mut values) => Arc::new(values.finish()),
            Self::Timestamp(mut values) => Arc::new(values.finish()),
        })
    }
}

/// Exact: more digits than the type has are refused, never rounded.
fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let missing = usize::try_from(scale).ok()?.checked_sub(fraction.len())?;
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let value: i128 = format!("0{whole}{fraction}{}", "0".repeat(missing)).parse().ok()?;
    let fits = value < 10_i128.checked_pow(u32::from(precision))?;
    fits.then_some(if negative { -value } else { value })
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "t" | "y" | "1" => Some(true),
        "false" | "no" | "f" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// Microseconds since 1970 in UTC; what names no zone is taken to be in UTC.
fn instant(text: &str) -> Option<i64> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1)) {
        return Some(instant.timestamp_micros());
    }
    let text = text.replacen('T', " ", 1);
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let local = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok());
    let midnight = || NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    Some(local.or_else(midnight)?.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (text, expected) in [
            ("12.5", Some(1250)),
            ("-0.01", Some(-1)),
            ("+3", Some(300)),
            (".5", Some(50)),
            ("7.", Some(700)),
            ("1.10000", Some(110)),
            ("1.001", None),
            ("1000", None),
            ("", None),
            (".", None),
            ("-", None),
            ("1e3", None),
            ("1,000", None),
            ("99999999999999999999999999999999999999999999", None),
        ] {
            assert_eq!(decimal(text, 5, 2), expected, "{text}");
        }
    }

    #[test]
    fn instants_without_a_zone_are_utc() {
        let day = 1_706_659_200_000_000;
        for (text, expected) in [
            ("2024-01-31", Some(day)),
            ("2024-01-31 08:30", Some(day + 30_600_000_000)),
            ("2024-01-31T08:30:00.5Z", Some(day + 30_600_500_000)),
            ("2024-01-31 08:30:00+02:00", Some(day + 23_400_000_000)),
            ("31.01.2024", None),
            ("2024-02-30", None),
        ] {
            assert_eq!(instant(text), expected, "{text}");
        }
    }

    #[test]
    fn words_for_truth() {
        assert_eq!(boolean("Yes"), Some(true));
        assert_eq!(boolean("FALSE"), Some(false));
        assert_eq!(boolean("maybe"), None);
    }
}
