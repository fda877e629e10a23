//! What a `dedupe` model says, as written.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::matching::FieldKind;
use super::policy::Policy;
use super::rule::{How, MatchRule};
use crate::syntax::{ColumnName, ExprText, OneOrMany, Spanned, TableName};

/// Finds the records of several systems that are about the same person or account, and makes one
/// row of them, with an id that stays.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dedupe {
    /// What the records are about, in the singular: `person`, `account`. The id's column is named
    /// after it: `person_id`.
    #[serde(default = "entity_word")]
    pub entity: ColumnName,
    /// Where records come from. Where a decision needs it, the system listed first goes first.
    pub records: Vec<RecordSource>,
    /// What fields hold, where their names do not say it.
    #[serde(default)]
    pub kinds: IndexMap<Spanned<ColumnName>, FieldKind>,
    /// The country of phone numbers that do not name one, as in `US`.
    #[serde(default)]
    pub default_country: Option<Spanned<String>>,
    /// When two records are about the same: rules, the strongest first.
    #[serde(rename = "match")]
    pub rules: Vec<Spanned<MatchRule>>,
    /// What keeps records apart although a rule links them.
    #[serde(default)]
    pub guards: Guards,
    /// Values that say nothing, by field: they link by no rule, however they are written.
    #[serde(default)]
    pub ignored_values: IndexMap<Spanned<ColumnName>, OneOrMany<Spanned<String>>>,
    /// Whether values are ignored too that forms are filled with where nothing is known, such as `test@test.com`:
    /// yes where unset. The guide lists them.
    #[serde(default = "yes")]
    pub ignore_placeholders: bool,
    /// Pairs of records that somebody decided about.
    #[serde(default)]
    pub decisions: Option<Decisions>,
    /// Which record a field's value is taken from, by field; `default` for the others.
    #[serde(default)]
    pub survive: IndexMap<Spanned<ColumnName>, Spanned<Policy>>,
    /// Whether the table `_provenance` is made, which says where each value was taken from.
    #[serde(default = "yes")]
    pub provenance: bool,
    /// Whether the table `_evidence` is made, which says what linked and what did not.
    #[serde(default = "yes")]
    pub evidence: bool,
}

impl Dedupe {
    /// Whether a rule weighs what it finds.
    pub(super) fn is_probabilistic(&self) -> bool {
        self.rules.iter().any(|rule| matches!(rule.value.how, How::Probabilistic(_)))
    }
}

fn entity_word() -> ColumnName {
    ColumnName::new_unchecked("entity")
}

fn yes() -> bool {
    true
}

/// One table of records.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordSource {
    /// The table.
    pub from: Spanned<TableName>,
    /// The system it comes from; the table's name where unset.
    #[serde(default)]
    pub system: Option<Spanned<String>>,
    /// The id of the record in its system.
    pub id: ExprText,
    /// When the record was last changed: a timestamp (without a zone it is UTC), or a date, which
    /// means its first instant in the reporting time zone.
    #[serde(default)]
    pub updated_at: Option<ExprText>,
    /// When the record was created; the oldest record of a person or account gives it its id.
    #[serde(default)]
    pub created_at: Option<ExprText>,
    /// The id of the record of the same system that this one was merged into, such as Salesforce's
    /// `master_record_id`: the two are linked before every match rule.
    #[serde(default)]
    pub merged_into: Option<ExprText>,
    /// Only rows for which this is true are records.
    #[serde(default, rename = "where")]
    pub filter: Option<ExprText>,
    /// The values, by field. A source need not have every field.
    pub fields: IndexMap<Spanned<ColumnName>, ExprText>,
    /// When single fields were last changed, by field, where the system knows.
    #[serde(default)]
    pub fields_updated_at: IndexMap<Spanned<ColumnName>, ExprText>,
}

/// Limits against merging too much.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Guards {
    /// A key that more records share links none of them: 50 by default.
    pub max_records_per_key: Spanned<u32>,
    /// A key that links none of its records because they have more different values of something under
    /// `one_value_per_cluster`: 5 by default.
    pub max_ids_per_key: Spanned<u32>,
    /// A cluster of more records is taken apart and set aside: 50 by default.
    pub max_cluster: Spanned<u32>,
    /// Records that share what a rule asks for before it compares values are not compared where there
    /// are more of them: 200 by default.
    pub max_block: Spanned<u32>,
    /// Fields or expressions over fields of which a person or account has one value at most, such
    /// as the id of another system. The weakest link between two values is cut.
    pub one_value_per_cluster: OneOrMany<ExprText>,
}

impl Default for Guards {
    fn default() -> Self {
        let limit = |value| Spanned { value, place: Default::default() };
        Self {
            max_records_per_key: limit(50),
            max_ids_per_key: limit(5),
            max_cluster: limit(50),
            max_block: limit(200),
            one_value_per_cluster: OneOrMany::default(),
        }
    }
}

/// A table of pairs that somebody decided about.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decisions {
    /// The table, such as a seed.
    pub from: Spanned<TableName>,
    /// One record, as `<system>:<id>`.
    pub left: ExprText,
    /// The other record, as `<system>:<id>`.
    pub right: ExprText,
    /// `same` or `different`.
    pub decision: ExprText,
}
