//! Seeds: tables that people keep as CSV files beside the models, typed by a contract.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ColumnName, SourceColumn, Spanned, TableName};

/// A CSV file with the types of its columns.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeedSpec {
    /// The name that models read it by; models, source tables and seeds share one namespace.
    pub seed: Spanned<TableName>,
    /// The CSV file, relative to this file. Its first line names the columns.
    pub file: Spanned<String>,
    /// What a row is.
    #[serde(default)]
    pub description: Option<String>,
    /// Who keeps it.
    #[serde(default)]
    pub owner: Option<String>,
    /// What stands between two values: a comma unless said otherwise.
    #[serde(default)]
    pub delimiter: Option<Spanned<char>>,
    /// Every column of the file; an empty value is NULL.
    pub columns: IndexMap<Spanned<ColumnName>, SourceColumn>,
}
