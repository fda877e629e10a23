//! Checks as they are written, on models.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ColumnName, ExprText, OneOrMany, Period, Spanned, TableName, Threshold};

/// One check: what must hold, and how grave it is when it does not.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckSpec {
    /// A name to show instead of the one made from the check.
    pub name: Option<String>,
    /// Columns that never hold NULL.
    pub not_null: Option<OneOrMany<Spanned<ColumnName>>>,
    /// Columns that together identify a row.
    pub unique: Option<OneOrMany<Spanned<ColumnName>>>,
    /// The only values that a column may hold, NULL apart.
    pub accepted_values: Option<AcceptedValues>,
    /// Each value of a column stands in a column of another table, NULL apart.
    pub relationships: Option<Relationships>,
    /// A SQL condition that holds for every row; NULL counts as not holding.
    pub expression: Option<ExprText>,
    /// How many rows the table has.
    pub row_count: Option<Spanned<RowCount>>,
    /// How old the newest row may be, as of the run.
    pub freshness: Option<FreshnessCheck>,
    /// Whether a failure refuses publication or is only reported.
    #[serde(default)]
    pub severity: CheckSeverity,
    /// How many rows may fail before the check does: a number or a share, as in `0.5%`.
    pub threshold: Option<Spanned<Threshold>>,
}

/// See [`CheckSpec::accepted_values`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptedValues {
    /// The column.
    pub column: Spanned<ColumnName>,
    /// The values, each as the column's type spells it.
    pub values: Vec<Spanned<String>>,
}

/// See [`CheckSpec::relationships`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Relationships {
    /// The column.
    pub column: Spanned<ColumnName>,
    /// The other table.
    pub to: Spanned<TableName>,
    /// The other table's column.
    pub field: Spanned<ColumnName>,
}

/// See [`CheckSpec::row_count`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowCount {
    /// At least so many.
    pub min: Option<u64>,
    /// At most so many.
    pub max: Option<u64>,
}

/// See [`CheckSpec::freshness`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreshnessCheck {
    /// The column with the row's instant or date.
    pub column: Spanned<ColumnName>,
    /// How long before the as-of instant the newest may lie.
    pub within: Spanned<Period>,
}

/// How grave a failed check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckSeverity {
    /// Refuses publication.
    #[default]
    Error,
    /// Is reported.
    Warn,
}
