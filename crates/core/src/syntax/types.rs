//! What a column can be: its type, and how personal it is; and who may see a table.

use std::fmt;

use arrow::datatypes::{DataType, TimeUnit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The types that every reader of published tables understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// 64-bit signed integer.
    BigInt,
    /// 32-bit signed integer.
    Int,
    /// 64-bit float, for measures in which no cent and no tie is decided.
    Double,
    /// Exact decimal with precision (1–38) and scale.
    Decimal(u8, i8),
    /// True or false.
    Boolean,
    /// Calendar date.
    Date,
    /// Instant in UTC, microseconds.
    Timestamp,
}

impl ColumnType {
    /// The Arrow type in which values are read: text as views, which filters, groups and sorts handle
    /// without copying; everything else as it is published.
    pub fn reading(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8View,
            other => other.arrow(),
        }
    }

    /// The Arrow type that a column of this type has in a published file.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::BigInt => DataType::Int64,
            Self::Int => DataType::Int32,
            Self::Double => DataType::Float64,
            Self::Decimal(precision, scale) => DataType::Decimal128(precision, scale),
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }

    /// The type that holds every value of an Arrow type without loss, where one does.
    ///
    /// Dictionaries count as their values; unsigned and small integers widen; timestamps of any
    /// unit and zone become UTC microseconds. Nested types have no column type.
    pub fn of_arrow(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => Self::Int,
            DataType::Int64 | DataType::UInt32 | DataType::UInt64 => Self::BigInt,
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Self::Double,
            DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) => Self::Decimal(*p, *s),
            DataType::Boolean => Self::Boolean,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Timestamp(_, _) => Self::Timestamp,
            DataType::Dictionary(_, value) => return Self::of_arrow(value),
            // A column of NULLs alone; text is what every reader accepts for it.
            DataType::Null => Self::Text,
            _ => return None,
        })
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::BigInt => f.write_str("bigint"),
            Self::Int => f.write_str("int"),
            Self::Double => f.write_str("double"),
            Self::Decimal(precision, scale) => write!(f, "decimal({precision}, {scale})"),
            Self::Boolean => f.write_str("boolean"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp"),
        }
    }
}

/// How personal a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pii {
    /// Says nothing about a person.
    #[default]
    None,
    /// Points at a person together with other columns.
    Indirect,
    /// Names a person: e-mail, phone, name.
    Direct,
    /// Health, beliefs and the like.
    Sensitive,
}

/// Who may see a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Classification {
    /// Anybody.
    Public,
    /// Everybody in the company.
    #[default]
    Internal,
    /// Those who need it.
    Confidential,
    /// Named people only.
    Restricted,
}
