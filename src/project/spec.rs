//! The files of a project as they are written: `marquetry.yml` and the models.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::column_spec::ColumnSpec;
use crate::contract::Classification;
use crate::diag::Place;
use crate::kinds::Kind;
use crate::kinds::account_matching::AccountMatching;
use crate::kinds::attribution::Attribution;
use crate::kinds::dedupe::Dedupe;
use crate::kinds::lifecycle::Lifecycle;
use crate::kinds::source_mapping::SourceMapping;
use crate::kinds::sql::Sql;
use crate::kinds::velocity::Velocity;
use crate::store::publish::Codec;
use crate::syntax::{ByteSize, CheckSpec, ColumnName, OneOrMany, Spanned, TableName};

/// `marquetry.yml`: what the project is called, where it reads and where it writes.
///
/// `${NAME}` and `${NAME:-default}` in any value are taken from the environment.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "marquetry.yml")]
pub struct ProjectFile {
    /// The project's name.
    pub project: Spanned<TableName>,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The IANA time zone in which dates are taken, `UTC` by default.
    pub reporting_timezone: Option<Spanned<String>>,
    /// The currency of amounts that do not carry one (ISO 4217), `USD` by default.
    pub currency: Option<Spanned<String>>,
    /// Where each source system's extracts lie: a folder, `s3://`, `gs://` or `az://`.
    #[serde(default)]
    pub sources: IndexMap<TableName, Spanned<String>>,
    /// Where tables are published, by name.
    #[serde(default)]
    pub targets: IndexMap<TableName, TargetSpec>,
    /// The target that a run uses when none is named; the first one by default.
    pub default_target: Option<Spanned<TableName>>,
    /// What a run may use of the machine.
    #[serde(default)]
    pub limits: LimitsSpec,
}

/// One place to publish to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetSpec {
    /// A folder, `s3://`, `gs://` or `az://`.
    pub location: Spanned<String>,
    /// How tables are written.
    #[serde(default)]
    pub format: TableFormat,
    /// How their files are compressed.
    #[serde(default)]
    pub compression: Codec,
    /// How many releases `marquetry clean` keeps, 10 by default.
    pub keep_releases: Option<u32>,
}

/// How tables are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TableFormat {
    /// A Delta Lake table a model.
    #[default]
    Delta,
    /// Plain Parquet files and a manifest that lists those that count.
    Parquet,
}

/// What a run may use of the machine; the command line overrides it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsSpec {
    /// Threads, all of the machine's by default.
    pub threads: Option<Spanned<u16>>,
    /// Memory that operators may hold before they spill, half of the machine's by default.
    pub memory: Option<Spanned<ByteSize>>,
    /// The folder to spill to.
    pub spill: Option<String>,
}

/// A file under `models/` that declares a model.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "A Marquetry model")]
pub struct ModelFile {
    /// The model's name, which is also its table's.
    pub model: Spanned<TableName>,
    /// What the table is for, in a sentence or two.
    pub description: Option<Spanned<String>>,
    /// Who answers for it: an e-mail address or a team.
    pub owner: Option<String>,
    /// Words to select it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Who may see the table.
    #[serde(default)]
    pub classification: Classification,
    /// Whether the table is published; a model that is not is a step of those that read it.
    #[serde(default = "yes")]
    pub publish: bool,
    /// The columns that identify a row; a kind that knows its own grain needs none.
    pub grain: Option<OneOrMany<Spanned<ColumnName>>>,
    /// What columns mean, where the kind cannot know, and how personal they are.
    #[serde(default)]
    pub columns: IndexMap<Spanned<ColumnName>, ColumnSpec>,
    /// What must hold before the table is published.
    #[serde(default)]
    pub checks: Vec<Spanned<CheckSpec>>,

    /// One SELECT over other tables.
    pub sql: Option<Spanned<Sql>>,
    /// Touches with their channel, source, medium and campaign.
    pub source_mapping: Option<Spanned<SourceMapping>>,
    /// Recorded stage changes as visits to stages.
    pub lifecycle: Option<Spanned<Lifecycle>>,
    /// One row a person or account, made of the records of several systems.
    pub dedupe: Option<Spanned<Dedupe>>,
    /// The account that each lead belongs to, found by tiers.
    pub account_matching: Option<Spanned<AccountMatching>>,
    /// How long entities take from one stage of a lifecycle to another.
    pub velocity: Option<Spanned<Velocity>>,
    /// Credit of conversions shared among the touches before them.
    pub attribution: Option<Spanned<Attribution>>,
}

fn yes() -> bool {
    true
}

impl ModelFile {
    /// Every kind that the file declares, with its place; a model should have one.
    pub fn kinds(&self) -> Vec<(Kind, Place)> {
        let sql = self.sql.as_ref().map(|spec| (Kind::Sql(spec.value.clone()), spec.place));
        let mapping = self.source_mapping.as_ref();
        let mapping = mapping.map(|spec| (Kind::SourceMapping(Box::new(spec.value.clone())), spec.place));
        let lifecycle = self.lifecycle.as_ref().map(|spec| (Kind::Lifecycle(Box::new(spec.value.clone())), spec.place));
        let dedupe = self.dedupe.as_ref().map(|spec| (Kind::Dedupe(Box::new(spec.value.clone())), spec.place));
        let matching = self.account_matching.as_ref();
        let matching = matching.map(|spec| (Kind::AccountMatching(Box::new(spec.value.clone())), spec.place));
        let velocity = self.velocity.as_ref().map(|spec| (Kind::Velocity(Box::new(spec.value.clone())), spec.place));
        let attribution = self.attribution.as_ref();
        let attribution = attribution.map(|spec| (Kind::Attribution(Box::new(spec.value.clone())), spec.place));
        [sql, mapping, lifecycle, dedupe, matching, velocity, attribution].into_iter().flatten().collect()
    }
}
