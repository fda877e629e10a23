//! Amounts as people write them: `4 GiB`, `0.5%`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};

const SIZES: [(&str, u64); 9] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KIB", 1 << 10),
    ("MIB", 1 << 20),
    ("GIB", 1 << 30),
    ("TIB", 1 << 40),
];

/// A number of bytes, written as in `512 MiB` or `4 GB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// Reads `512 MiB`, `4GB`, `1000000`; the error says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected = || format!("`{text}` is not a size: write a whole number and a unit, as in `4 GiB`");
        let trimmed = text.trim();
        let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(digits);
        let number: u64 = number.parse().map_err(|_| expected())?;
        let unit = unit.trim().to_uppercase();
        let scale = SIZES.iter().find(|(name, _)| *name == unit || (unit.is_empty() && *name == "B"));
        scale.and_then(|(_, scale)| number.checked_mul(*scale)).map(Self).ok_or_else(expected)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary = [("TiB", 1u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
        match binary.iter().find(|(_, scale)| self.0 >= *scale) {
            Some((unit, scale)) => write!(f, "{:.1} {unit}", self.0 as f64 / *scale as f64),
            None => write!(f, "{} B", self.0),
        }
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "description": "A number of bytes, as in `512 MiB` or `4 GB`.",
            "pattern": r"^\s*[0-9]+\s*([KkMmGgTt]?[Bb]|[KkMmGgTt][Ii][Bb])?\s*$"
        })
    }
}

/// How many rows may fail: a number of rows, or a share of all rows in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Threshold {
    /// So many rows.
    Rows(u64),
    /// So many of a million rows.
    PerMillion(u32),
}

impl Threshold {
    /// Reads `10`, `0.5%`; a share has at most four decimals.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected = || format!("`{text}` is not a threshold: write a number of rows, or a share as in `0.5%`");
        let trimmed = text.trim();
        let Some(percent) = trimmed.strip_suffix('%') else {
            return trimmed.replace('_', "").parse().map(Self::Rows).map_err(|_| expected());
        };
        let (whole, decimals) = percent.trim().split_once('.').unwrap_or((percent.trim(), ""));
        if whole.is_empty() || decimals.len() > 4 || !whole.chars().chain(decimals.chars()).all(|c| c.is_ascii_digit())
        {
            return Err(expected());
        }
        let scaled: u32 = format!("{whole}{decimals:0<4}").parse().map_err(|_| expected())?;
        if scaled <= 1_000_000 { Ok(Self::PerMillion(scaled)) } else { Err(expected()) }
    }

    /// Whether `failures` of `rows` are within the threshold.
    pub fn allows(self, failures: u64, rows: u64) -> bool {
        match self {
            Self::Rows(most) => failures <= most,
            Self::PerMillion(share) => u128::from(failures) * 1_000_000 <= u128::from(share) * u128::from(rows),
        }
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Threshold {
    fn schema_name() -> Cow<'static, str> {
        "Threshold".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "description": "A number of rows, or a share of all rows as in `0.5%`.",
            "pattern": r"^\s*[0-9]+(\.[0-9]{1,4})?\s*%?\s*$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(ByteSize::parse("4 GiB"), Ok(ByteSize(4 << 30)));
        assert_eq!(ByteSize::parse("500mb"), Ok(ByteSize(500_000_000)));
        assert_eq!(ByteSize::parse("17"), Ok(ByteSize(17)));
        for bad in ["", "GiB", "4 GiG", "-1 B", "99999999999999 TiB"] {
            assert!(ByteSize::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn thresholds_are_exact() {
        assert_eq!(Threshold::parse("0.5%"), Ok(Threshold::PerMillion(5_000)));
        assert_eq!(Threshold::parse("100%"), Ok(Threshold::PerMillion(1_000_000)));
        assert_eq!(Threshold::parse("10"), Ok(Threshold::Rows(10)));
        for bad in ["", "%", "101%", "0.00001%", "-1", "1.5"] {
            assert!(Threshold::parse(bad).is_err(), "{bad}");
        }
        // 5 of 1,000 is exactly 0.5 %, 6 is more.
        assert!(Threshold::PerMillion(5_000).allows(5, 1_000));
        assert!(!Threshold::PerMillion(5_000).allows(6, 1_000));
    }
}
