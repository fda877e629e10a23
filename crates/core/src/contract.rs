//! What a table promises: its columns with types and meaning, its grain, its owner.
//!
//! A contract is made by the model's kind while the project is resolved, before any row is read;
//! publishing, checking and the dictionary all work from it, so a published column without a
//! description cannot exist.

use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef, Schema};
use serde::{Deserialize, Serialize};

pub use crate::syntax::{Classification, ColumnType, Pii};
use crate::syntax::{ColumnName, TableName};

/// A column of a table, for lineage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ColumnRef {
    /// The table.
    pub table: TableName,
    /// The column.
    pub column: ColumnName,
}

/// Over which rows a measure may be added up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Additivity {
    /// Over any; or it is no measure.
    #[default]
    Any,
    /// Over rows that are alike in these columns alone: a sum must be grouped by them.
    Within(Vec<ColumnName>),
    /// Over none: a ratio, which is worked out again from sums.
    None,
}

/// One column's promise.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name: lower case, `[a-z][a-z0-9_]*`.
    pub name: ColumnName,
    /// Its type in the published table.
    pub ty: ColumnType,
    /// Whether NULL may occur.
    pub nullable: bool,
    /// What it means, with the model's own parameters in the sentence.
    pub description: String,
    /// The columns of the model's inputs that it is made of, sorted.
    pub lineage: Vec<ColumnRef>,
    /// How personal it is.
    pub pii: Pii,
    /// Over which rows it may be added up.
    pub additivity: Additivity,
}

impl Column {
    /// A nullable column that says nothing about a person and has no lineage yet.
    pub fn new(name: ColumnName, ty: ColumnType, description: impl Into<String>) -> Self {
        Self {
            name,
            ty,
            nullable: true,
            description: description.into(),
            lineage: Vec::new(),
            pii: Pii::None,
            additivity: Additivity::Any,
        }
    }

    /// A column that never holds NULL.
    #[must_use]
    pub fn not_null(mut self) -> Self {
        self.nullable = false;
        self
    }

    /// Sets the columns it is made of.
    #[must_use]
    pub fn from_columns(mut self, mut lineage: Vec<ColumnRef>) -> Self {
        lineage.sort();
        lineage.dedup();
        self.lineage = lineage;
        self
    }

    /// A measure that may be added up only over rows that are alike in these columns.
    #[must_use]
    pub fn adds_up_within(mut self, columns: &[&str]) -> Self {
        self.additivity = Additivity::Within(columns.iter().map(|name| ColumnName::new_unchecked(name)).collect());
        self
    }

    /// A ratio: never added up.
    #[must_use]
    pub fn never_adds_up(mut self) -> Self {
        self.additivity = Additivity::None;
        self
    }

    /// Sets how personal it is.
    #[must_use]
    pub fn pii(mut self, pii: Pii) -> Self {
        self.pii = pii;
        self
    }
}

/// What part a table plays among the outputs of its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What the model is for; carries the model's name.
    Main,
    /// A further table of the same model.
    Companion,
    /// The rows that could not be used, each with its reason.
    Rejects,
}

/// How a table's numbers come about, in words for people who did not write the model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Methodology {
    /// Paragraphs that say what is computed, with the model's parameters.
    pub summary: Vec<String>,
    /// What is taken for granted.
    pub assumptions: Vec<String>,
    /// What the numbers cannot tell.
    pub limits: Vec<String>,
}

/// What a table promises.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    /// The table's name.
    pub table: TableName,
    /// Its part among the model's outputs.
    pub role: Role,
    /// What it is for, one or two sentences.
    pub description: String,
    /// The columns that identify a row; empty where rows have no identity.
    pub grain: Vec<ColumnName>,
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// How its numbers come about.
    pub methodology: Methodology,
}

impl Contract {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name.as_str() == name)
    }

    /// The Arrow schema of the published table, descriptions as field metadata.
    pub fn schema(&self) -> Schema {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|c| {
                let metadata = [("comment".to_string(), c.description.clone())].into();
                Field::new(c.name.as_str(), c.ty.arrow(), c.nullable).with_metadata(metadata)
            })
            .collect();
        Schema::new(fields)
    }

    /// The schema in which models read the table.
    pub fn read_schema(&self) -> Schema {
        read_schema(&self.schema())
    }
}

/// The schema in which a table of that schema is read; see [`ColumnType::reading`].
pub fn read_schema(published: &Schema) -> Schema {
    let read = |field: &FieldRef| match ColumnType::of_arrow(field.data_type()) {
        Some(ty) => Arc::new(field.as_ref().clone().with_data_type(ty.reading())),
        None => Arc::clone(field),
    };
    Schema::new(published.fields().iter().map(read).collect::<Vec<_>>())
}

/// The columns of every rejects table: where the row came from, its key there, and the reason.
pub fn rejects_contract(model: &TableName, reasons: &[(&str, &str)]) -> Contract {
    let column =
        |name: &str, description: &str| Column::new(ColumnName::new_unchecked(name), ColumnType::Text, description);
    let known: Vec<String> = reasons.iter().map(|(code, why)| format!("`{code}`: {why}")).collect();
    Contract {
        table: model.with_suffix("_rejects"),
        role: Role::Rejects,
        description: format!("Rows that `{model}` could not use, each with its reason."),
        grain: Vec::new(),
        columns: vec![
            column("source_table", "The table the row was read from.").not_null(),
            column("source_key", "The row's key there, as text; NULL where the key itself is missing.")
                .pii(Pii::Indirect),
            column("reason", &format!("Why it could not be used. {}.", known.join("; "))).not_null(),
            column("detail", "The value that stood in the way, where there is one.").pii(Pii::Indirect),
        ],
        methodology: Methodology {
            summary: vec![format!(
                "Every row read by `{model}` is either in its tables or here; a run in which the two do not add up is refused."
            )],
            assumptions: vec![
                "Each run writes it anew: a row that was mended in its source is not here any more.".to_string(),
            ],
            limits: vec![
                "It holds a row's key and the value that stood in the way; the rest of the row is in its source."
                    .to_string(),
            ],
        },
    }
}
