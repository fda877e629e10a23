//! Lengths of time as people write them: `90 days`, `3 months`, `4 business hours`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// 1,000,000 microseconds.
    Second,
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
    /// 24 hours exactly; never a calendar day.
    Day,
    /// 7 days.
    Week,
    /// A calendar month.
    Month,
    /// A calendar quarter.
    Quarter,
    /// A calendar year.
    Year,
    /// A minute in which a business calendar is open.
    BusinessMinute,
    /// An hour in which a business calendar is open.
    BusinessHour,
    /// A day on which a business calendar is open.
    BusinessDay,
}

const UNITS: [(&str, Unit); 11] = [
    ("second", Unit::Second),
    ("minute", Unit::Minute),
    ("hour", Unit::Hour),
    ("day", Unit::Day),
    ("week", Unit::Week),
    ("month", Unit::Month),
    ("quarter", Unit::Quarter),
    ("year", Unit::Year),
    ("business minute", Unit::BusinessMinute),
    ("business hour", Unit::BusinessHour),
    ("business day", Unit::BusinessDay),
];

/// A length of time: a whole number of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    /// How many.
    pub amount: u32,
    /// Of what.
    pub unit: Unit,
}

impl Period {
    /// Reads `90 days`, `1 month`, `4 business hours`; the error says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
        let (number, rest) = trimmed.split_at(digits);
        let amount = number.parse::<u32>().map_err(|_| {
            format!("`{text}` is not a length of time: write a whole number and a unit, as in `90 days`")
        })?;
        let word = rest.split_whitespace().collect::<Vec<_>>().join(" ");
        let singular = word.strip_suffix('s').unwrap_or(&word);
        let unit = UNITS.iter().find(|(name, _)| *name == singular).map(|(_, unit)| *unit);
        unit.map(|unit| Self { amount, unit }).ok_or_else(|| {
            let hint = crate::diag::nearest(singular, UNITS.iter().map(|(name, _)| *name));
            let meant = hint.map_or_else(String::new, |name| format!(", did you mean `{name}s`?"));
            format!("`{text}` is not a length of time: `{word}` is not a unit{meant}")
        })
    }

    /// The length in microseconds, where the unit has a fixed length and the product fits.
    pub fn micros(self) -> Option<i64> {
        let seconds: i64 = match self.unit {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3_600,
            Unit::Day => 86_400,
            Unit::Week => 604_800,
            _ => return None,
        };
        seconds.checked_mul(1_000_000)?.checked_mul(i64::from(self.amount))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = UNITS.iter().find(|(_, unit)| *unit == self.unit).map_or("", |(name, _)| name);
        write!(f, "{} {name}{}", self.amount, if self.amount == 1 { "" } else { "s" })
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Period {
    fn schema_name() -> Cow<'static, str> {
        "Period".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A length of time: a whole number and a unit, as in `90 days`, `3 months`, `4 business hours`.",
            "pattern": r"^\s*[0-9]+\s*((second|minute|hour|day|week|month|quarter|year)s?|business\s+(minute|hour|day)s?)\s*$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, amount, unit) in [
            ("90 days", 90, Unit::Day),
            ("1 month", 1, Unit::Month),
            ("30minutes", 30, Unit::Minute),
            (" 4  business  hours ", 4, Unit::BusinessHour),
        ] {
            assert_eq!(Period::parse(text), Ok(Period { amount, unit }), "{text}");
        }
        assert_eq!(Period::parse("90 days").map(Period::micros), Ok(Some(7_776_000_000_000)));
        assert_eq!(Period::parse("1 month").map(Period::micros), Ok(None));
    }

    #[test]
    fn refuses_the_rest_with_advice() {
        assert!(Period::parse("ninety days").is_err());
        assert!(Period::parse("99999999999 days").is_err());
        let error = Period::parse("3 dais").unwrap_err();
        assert!(error.contains("did you mean `days`?"), "{error}");
    }

    #[test]
    fn prints_what_it_reads() {
        for text in ["1 day", "90 days", "4 business hours"] {
            assert_eq!(Period::parse(text).map(|p| p.to_string()), Ok(text.to_string()));
        }
    }
}
