//! What the table of returns is made from, as written.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::syntax::{ExprText, Spanned, TableName};

/// What touches cost.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spend {
    /// The table.
    pub from: Spanned<TableName>,
    /// Only rows for which this is true are looked at.
    #[serde(default, rename = "where")]
    pub filter: Option<ExprText>,
    /// The day: a date, or a timestamp, which is taken to the reporting time zone.
    pub on: ExprText,
    /// The channel, as the touches name it.
    pub channel: ExprText,
    /// The campaign, where returns are wanted by campaign; the touches then need one too.
    #[serde(default)]
    pub campaign: Option<ExprText>,
    /// What was spent.
    pub cost: ExprText,
    /// The cost's currency (ISO 4217); the project's where it is NULL or not given.
    #[serde(default)]
    pub currency: Option<ExprText>,
    /// What one unit of a currency is worth in the project's, needed where others occur.
    #[serde(default)]
    pub rates: Option<Rates>,
    /// The day that an amount is set against: the touch's, or the conversion's.
    #[serde(default)]
    pub credit_on: CreditOn,
}

/// See [`Spend::rates`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// The table.
    pub from: Spanned<TableName>,
    /// From which day on the rate holds, until the next.
    pub on: ExprText,
    /// The currency (ISO 4217).
    pub currency: ExprText,
    /// What one unit of it is worth in the project's currency.
    pub rate: ExprText,
}

/// See [`Spend::credit_on`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CreditOn {
    /// The day of the touch: what the money of that day brought.
    #[default]
    Touch,
    /// The day of the conversion: what that day's conversions had cost.
    Conversion,
}
