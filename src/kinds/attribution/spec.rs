//! What an `attribution` model says, as written.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::model_spec::{Lookback, MilestoneSpec, ModelSpec};
use super::spend_spec::Spend;
use crate::syntax::{ColumnName, ExprText, OneOrMany, Period, Spanned, TableName};

/// Shares each conversion's credit and amount out among the touches before it, by any number of models
/// side by side.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attribution {
    /// What is attributed: orders, won opportunities, sign-ups.
    pub conversions: Conversions,
    /// The touches that share the credit.
    pub touches: Touches,
    /// Which people belong to which account, where touches are people's and conversions are accounts'.
    #[serde(default)]
    pub people: Option<People>,
    /// The people with a role in a conversion: an opportunity's contact roles.
    #[serde(default)]
    pub roles: Option<Roles>,
    /// The ids that take the place of people's records everywhere in the model: the crosswalk of a
    /// `dedupe` model. A record that it does not hold stays itself.
    #[serde(default)]
    pub crosswalk: Option<Crosswalk>,
    /// Which touches before a conversion are looked at, `90 days` by default.
    #[serde(default)]
    pub lookback: Option<Spanned<Lookback>>,
    /// Touches in reach of one person and campaign with less than this between them count as one.
    #[serde(default)]
    pub session_gap: Option<Spanned<Period>>,
    /// The channels that `last_non_direct` passes over and that source no pipeline, `Direct` by default.
    #[serde(default)]
    pub direct: Option<OneOrMany<String>>,
    /// Instants on the way to a conversion, by name: `lead_created`, `opportunity_created`.
    #[serde(default)]
    pub milestones: IndexMap<Spanned<ColumnName>, Spanned<MilestoneSpec>>,
    /// How credit is shared, each by itself.
    pub models: Vec<Spanned<ModelSpec>>,
    /// One row for each touch and model, or one for each touch with columns for each model.
    #[serde(default)]
    pub layout: Layout,
    /// What touches cost, for the table of returns.
    #[serde(default)]
    pub spend: Option<Spend>,
    /// What rows carry in `definition_version`: change it whenever the definition changes.
    #[serde(default = "first_version")]
    pub version: String,
}

fn first_version() -> String {
    "1".to_string()
}

/// See [`Attribution::conversions`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conversions {
    /// The table.
    pub from: Spanned<TableName>,
    /// Only rows for which this is true are looked at.
    #[serde(default, rename = "where")]
    pub filter: Option<ExprText>,
    /// The id of the conversion. Of several rows with one id the latest counts: a deal that was reopened.
    pub id: ExprText,
    /// Who converted, as the touches or `people` say it. Not needed where `roles` says who took part.
    #[serde(default)]
    pub entity: Option<ExprText>,
    /// When: a timestamp (without a zone it is UTC), or a date, which means its last instant in the
    /// reporting time zone.
    pub at: ExprText,
    /// When the opportunity was created. With it the model writes sourced and influenced pipeline.
    #[serde(default)]
    pub created_at: Option<ExprText>,
    /// What is shared out. Without it only credit is.
    #[serde(default)]
    pub amount: Option<ExprText>,
    /// The amount's currency (ISO 4217); the project's where it is NULL or not given.
    #[serde(default)]
    pub currency: Option<ExprText>,
    /// Whether the row is a conversion, true for all by default. Rows that are not (lost and open
    /// opportunities) get no credit; data-driven models learn from them, and they stand in the pipeline.
    #[serde(default)]
    pub converted: Option<ExprText>,
    /// What becomes of a conversion without an amount.
    #[serde(default)]
    pub null_amount: NullAmount,
    /// Further columns of the ledger, each with the expression it is taken from.
    #[serde(default)]
    pub keep: IndexMap<Spanned<ColumnName>, ExprText>,
}

/// See [`Conversions::null_amount`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NullAmount {
    /// It goes to the rejects.
    #[default]
    Reject,
    /// Its credit counts, with an amount of 0.
    Zero,
}

/// See [`Attribution::touches`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Touches {
    /// The table.
    pub from: Spanned<TableName>,
    /// Only rows for which this is true are looked at.
    #[serde(default, rename = "where")]
    pub filter: Option<ExprText>,
    /// The id of the touch; it also breaks the last ties. A touch that comes twice counts once, as the
    /// earliest of its rows in reach of the conversion.
    pub id: ExprText,
    /// Whose touch it is: a person, or the account itself.
    pub entity: ExprText,
    /// When: a timestamp (without a zone it is UTC), or a date, which means its first instant in the
    /// reporting time zone.
    pub at: ExprText,
    /// Its channel; NULL becomes `(none)`.
    pub channel: ExprText,
    /// Its campaign, which tells sessions apart beside the person.
    #[serde(default)]
    pub campaign: Option<ExprText>,
    /// Which of several touches at one instant comes first: the one with the lowest number.
    #[serde(default)]
    pub priority: Option<ExprText>,
    /// Touches that do not count, by the reason's name, as `bots: is_bot`; counted in the run record.
    #[serde(default)]
    pub exclude: IndexMap<Spanned<ColumnName>, ExprText>,
    /// What becomes of touches of nobody known.
    #[serde(default)]
    pub anonymous: Anonymous,
    /// Further columns of the ledger, each with the expression it is taken from.
    #[serde(default)]
    pub keep: IndexMap<Spanned<ColumnName>, ExprText>,
}

/// See [`Touches::anonymous`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Anonymous {
    /// They go to the rejects.
    #[default]
    Reject,
    /// They are left out and counted.
    Ignore,
}

/// See [`Attribution::people`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct People {
    /// The table.
    pub from: Spanned<TableName>,
    /// The person, as the touches name it. Rows without one are passed over.
    pub person: ExprText,
    /// The account, as the conversions name it. Rows without one are passed over.
    pub account: ExprText,
}

/// See [`Attribution::roles`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// The table.
    pub from: Spanned<TableName>,
    /// Only rows for which this is true are looked at.
    #[serde(default, rename = "where")]
    pub filter: Option<ExprText>,
    /// The conversion, as `conversions.id` names it. Rows without one are passed over.
    pub conversion: ExprText,
    /// The person, as the touches name it. Rows without one are passed over.
    pub person: ExprText,
    /// Whose touches count.
    #[serde(default)]
    pub mode: Spanned<RoleMode>,
}

/// See [`Roles::mode`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleMode {
    /// Those of people with a role alone.
    #[default]
    Explicit,
    /// Those of people with a role; of a conversion without roles, those of all people of its account.
    Hybrid,
    /// Those of all people of the account, whatever the roles say.
    Implicit,
}

/// See [`Attribution::crosswalk`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Crosswalk {
    /// The table.
    pub from: Spanned<TableName>,
    /// The record, as touches, roles, people and milestones name it.
    pub record: ExprText,
    /// The id that takes its place; the lowest where a record stands there several times.
    pub id: ExprText,
}

/// See [`Attribution::layout`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// One row for each conversion, touch and model that gives the touch anything.
    #[default]
    Long,
    /// One row for each conversion and touch, with two columns for each model.
    Wide,
}
