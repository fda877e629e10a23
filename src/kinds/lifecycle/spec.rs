//! What a `lifecycle` model says, as written.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::stage::Stage;
use crate::syntax::{ExprText, OneOrMany, Spanned, TableName};

/// Values that lead to a stage, by stage.
///
/// A value is compared without regard to case and surrounding spaces; one that starts with `~` is a
/// regular expression, searched for anywhere in the value. An empty text stands for no value.
pub type ValueMap = IndexMap<Spanned<String>, OneOrMany<Spanned<String>>>;

/// Turns recorded changes into one row for each visit of an entity to a stage, and one row for each
/// entity with the dates on which it became what.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifecycle {
    /// What moves through the stages, in the singular, as descriptions should say it: `person`.
    #[serde(default = "entity_word")]
    pub entity: String,
    /// The ladder: its stages from the lowest to the highest.
    pub stages: Spanned<Vec<Spanned<Stage>>>,
    /// Stages beside the ladder that an entity comes back from: recycled, disqualified.
    #[serde(default)]
    pub detours: Vec<Spanned<Stage>>,
    /// Stages that end an entity's way: lost.
    #[serde(default)]
    pub exits: Vec<Spanned<Stage>>,
    /// Where changes come from. Where two report the same stage at the same instant, the one
    /// listed first is kept.
    pub sources: Vec<Source>,
    /// Which values lead to which stage, for all sources. A stage's own name and label always do,
    /// unless they are mapped otherwise.
    #[serde(default)]
    pub values: ValueMap,
    /// Values that say nothing about a stage: their rows are counted and left out.
    #[serde(default)]
    pub ignored: OneOrMany<Spanned<String>>,
    /// What becomes of a value that leads nowhere: `reject` (the default), `ignore`, or the name
    /// of a stage.
    #[serde(default)]
    pub otherwise: Option<Spanned<String>>,
    /// What to do in the cases on which people disagree.
    #[serde(default)]
    pub policies: Policies,
    /// A mapping of entities to those that carry on their history: leads to contacts.
    #[serde(default)]
    pub hand_over: Option<HandOver>,
    /// A mapping of source records to the ids of the people or accounts they belong to.
    #[serde(default)]
    pub crosswalk: Option<Crosswalk>,
    /// Later definitions, oldest first. What stands above them holds until the first.
    #[serde(default)]
    pub versions: Vec<VersionSpec>,
}

fn entity_word() -> String {
    "entity".to_string()
}

/// One table that tells of stage changes.
///
/// Either `to` (with `at`): each row is a change to the stage that its value leads to; or `dates`:
/// each filled date column of a row is a change to its stage.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What the source is called; the table's name where unset.
    #[serde(default)]
    pub name: Option<Spanned<String>>,
    /// The table.
    pub from: Spanned<TableName>,
    /// Whose stage changes.
    pub entity: ExprText,
    /// When: a timestamp (without a zone it is UTC), or a date, which means its first instant in
    /// the reporting time zone.
    #[serde(default)]
    pub at: Option<ExprText>,
    /// The value from then on: a history's new value, or a current status.
    #[serde(default)]
    pub to: Option<ExprText>,
    /// The value until then: a history's old value.
    #[serde(default)]
    pub was: Option<ExprText>,
    /// Date columns of the sort "became a X on", by stage.
    #[serde(default)]
    pub dates: IndexMap<Spanned<String>, ExprText>,
    /// Only rows for which this is true are looked at.
    #[serde(default, rename = "where")]
    pub filter: Option<ExprText>,
    /// The id of the row in its system; it also breaks the last ties.
    #[serde(default)]
    pub record: Option<ExprText>,
    /// The system it comes from; the source's name where unset.
    #[serde(default)]
    pub system: Option<Spanned<String>>,
    /// When the entity's record was created there.
    #[serde(default)]
    pub created_at: Option<ExprText>,
    /// Values of this source alone; they come before those of the model.
    #[serde(default)]
    pub values: ValueMap,
    /// What becomes of this source's values that lead nowhere, instead of the model's `otherwise`.
    #[serde(default)]
    pub otherwise: Option<Spanned<String>>,
}

/// Named decisions, each with the number of rows it touched in the run record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policies {
    /// A change that jumps over stages never reached.
    pub skipped: Skipped,
    /// A change to a lower stage than the last one.
    pub regressions: Regressions,
    /// A change to a stage that the entity was in before.
    pub reentries: Reentries,
    /// Changes of one entity at the same instant.
    pub ties: Ties,
    /// A first change that tells of an earlier stage.
    pub history_starts_late: LateHistory,
    /// A change later than the run's as-of instant.
    pub future: Doubtful,
    /// A change earlier than the record's creation.
    pub before_created: Doubtful,
}

/// What becomes of stages that were jumped over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Skipped {
    /// Nothing.
    #[default]
    None,
    /// They are entered and left at the instant of the jump; such visits are marked as inferred.
    SameTime,
}

/// What becomes of a change to a lower stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Regressions {
    /// It is a visit like any other.
    #[default]
    Allow,
    /// It is left out and counted; the entity stays where it was.
    Ignore,
}

/// What becomes of a change to a stage visited before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reentries {
    /// It is a further visit.
    #[default]
    Count,
    /// It is left out and counted; the entity stays where it was.
    Ignore,
}

/// In which order changes of the same instant happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ties {
    /// Lower stages first, then detours, then exits; then as the sources are listed.
    #[default]
    StageOrder,
    /// As the sources are listed; within one source, lower stages first.
    SourceOrder,
}

/// Where an entity was before its first known change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LateHistory {
    /// In the stage that the first change's old value leads to, from the record's creation where
    /// that is known, else from the instant of the change.
    #[default]
    FromOldValue,
    /// The same; without an old value in the lowest stage, from the record's creation.
    FromCreated,
    /// Nowhere.
    None,
}

/// What becomes of a change at an unlikely instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Doubtful {
    /// It goes to the rejects.
    #[default]
    Reject,
    /// It counts.
    Keep,
}

/// Entities that carry on another's history.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOver {
    /// The table that knows.
    pub from: Spanned<TableName>,
    /// The entity whose history ends: a lead's id.
    pub old: ExprText,
    /// The entity that carries it on: the id of the contact it was converted to. Rows without one
    /// are passed over.
    pub new: ExprText,
}

/// The entity behind source records, such as the crosswalk of a `dedupe` model.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Crosswalk {
    /// The table.
    pub from: Spanned<TableName>,
    /// The record, as the sources' `entity` names it.
    pub record: ExprText,
    /// The record's system, as the sources' `system` names it, where ids of several systems may clash.
    #[serde(default)]
    pub system: Option<ExprText>,
    /// The id that takes the record's place.
    pub id: ExprText,
}

/// A definition that takes over from an earlier one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionSpec {
    /// From when: a date, which means its first instant in the reporting time zone.
    pub effective_from: Spanned<String>,
    /// What rows judged by it carry in `definition_version`; the date where unset.
    #[serde(default)]
    pub name: Option<Spanned<String>>,
    /// The ladder from then on, where it changes.
    #[serde(default)]
    pub stages: Option<Spanned<Vec<Spanned<Stage>>>>,
    /// The detours from then on, where they change.
    #[serde(default)]
    pub detours: Option<Vec<Spanned<Stage>>>,
    /// The exits from then on, where they change.
    #[serde(default)]
    pub exits: Option<Vec<Spanned<Stage>>>,
    /// Values that lead elsewhere from then on; they come before those of the model.
    #[serde(default)]
    pub values: ValueMap,
}
