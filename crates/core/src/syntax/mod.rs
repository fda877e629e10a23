//! The words that every kind shares, and YAML text → typed spec.
//!
//! [`read`] parses a file into a tree that knows where everything stands ([`node`]), then into any
//! serde type ([`de`]), reporting every mistake it can find in one go.

mod check;
mod de;
mod duration;
mod failure;
mod names;
mod node;
mod quantity;
mod regex_error;
mod seed;
mod source;
mod spanned;
mod types;

pub use check::{AcceptedValues, CheckSeverity, CheckSpec, FreshnessCheck, Relationships, RowCount};
pub use de::{parse, read, read_tree};
pub use duration::{Period, Unit};
pub use names::{ColumnName, TableName};
pub use node::{Node, Value};
pub use quantity::{ByteSize, Threshold};
pub use regex_error::bad_regex;
pub use seed::SeedSpec;
pub use source::{Freshness, SourceColumn, SourceName, SourceSpec, SourceTable, SourceType};
pub use spanned::Spanned;
pub use types::{Classification, ColumnType, Pii};

use schemars::JsonSchema;
use serde::Deserialize;

/// A SQL expression over the columns of the table it is used with, as written.
///
/// A bare column name is the simplest one. It is parsed and typed by
/// [`crate::engine::Engine::expr`] while the project is resolved.
pub type ExprText = Spanned<SqlText>;

/// The text of a SQL expression.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(description = "A column name or a SQL expression over the columns of the table it is used with.")]
pub struct SqlText(pub String);

impl SqlText {
    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for SqlText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One value or a list of them; both are read as a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The tree's deserializer shows a lone value as a list of one when asked for this name.
        de::deserialize_one_or_many(deserializer).map(OneOrMany)
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("OneOrMany_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let one = generator.subschema_for::<T>();
        schemars::json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

#[cfg(test)]
mod tests;
