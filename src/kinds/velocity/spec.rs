//! What a `velocity` model says, as written.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::syntax::{ColumnName, ExprText, OneOrMany, Period, Spanned, TableName};

/// Measures how long entities take from one stage to another: one row a transition, and a summary
/// by segment, cohort and pair that takes those still under way into account.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Velocity {
    /// The `lifecycle` model whose visits are measured.
    pub from: Spanned<TableName>,
    /// What moves through the stages, in the singular, as descriptions should say it: `person`.
    #[serde(default = "entity_word")]
    pub entity: String,
    /// The ladder, lowest stage first. Without `pairs`, each stage is paired with the next one; and
    /// an entity that jumps over the end of a pair is told apart from one still under way.
    #[serde(default)]
    pub stages: Vec<Spanned<String>>,
    /// The pairs of stages to measure, where they are not those next to each other.
    #[serde(default)]
    pub pairs: Vec<Spanned<PairSpec>>,
    /// Which time is measured.
    #[serde(default)]
    pub measure: Measure,
    /// Stages that end an entity's way without success; the exits of the lifecycle where unset.
    #[serde(default)]
    pub lost: OneOrMany<Spanned<String>>,
    /// What becomes of visits that the lifecycle inferred for stages that were jumped over.
    #[serde(default)]
    pub inferred: InferredVisits,
    /// Tables with more columns for each entity; segments and the other expressions may use them.
    #[serde(default)]
    pub attributes: Vec<AttributesSpec>,
    /// Columns to split the summary by: name and expression over the visit that starts the time,
    /// and over the attributes.
    #[serde(default)]
    pub segments: IndexMap<Spanned<ColumnName>, ExprText>,
    /// Transitions for which this is true are listed but not counted: spam, duplicates, tests.
    #[serde(default)]
    pub exclude: Option<ExprText>,
    /// Since when transitions were observed: a date or timestamp, as in `DATE '2025-01-01'`. What
    /// began earlier joins those at risk only from then on; what ended earlier is not counted.
    #[serde(default)]
    pub observed_from: Option<ExprText>,
    /// The periods by which transitions are put together; all in one where unset.
    #[serde(default)]
    pub cohort: Option<Spanned<Grain>>,
    /// The month, 1 to 12, with which a fiscal year begins; for the fiscal cohorts.
    #[serde(default)]
    pub fiscal_year_starts: Option<Spanned<u8>>,
    /// Business calendars by name. With any, the summary counts business time.
    #[serde(default)]
    pub calendars: IndexMap<Spanned<ColumnName>, CalendarSpec>,
    /// The calendar that holds where `calendar_by` names none; the first one where unset.
    #[serde(default)]
    pub calendar: Option<Spanned<ColumnName>>,
    /// The name of each transition's calendar: an expression such as `owner_region`.
    #[serde(default)]
    pub calendar_by: Option<ExprText>,
    /// Spans of time in which an entity's clocks stand still: on hold, waiting for somebody else.
    #[serde(default)]
    pub pauses: Option<PausesSpec>,
    /// The unit of the summary's times; days, or hours with business calendars, where unset.
    #[serde(default)]
    pub unit: Option<Spanned<TimeUnit>>,
    /// The quantiles to tell, each between 0 and 1.
    #[serde(default = "usual_quantiles")]
    pub quantiles: Vec<Spanned<f64>>,
    /// The time within which conversion is also told, on the clock of the model.
    #[serde(default)]
    pub horizon: Option<Spanned<Period>>,
    /// Below how many transitions means and quantiles stay NULL.
    #[serde(default = "usual_min_n")]
    pub min_n: u32,
}

fn entity_word() -> String {
    "entity".to_string()
}

fn usual_quantiles() -> Vec<Spanned<f64>> {
    [0.5, 0.75, 0.9].map(|share| Spanned::new(share, Default::default())).to_vec()
}

fn usual_min_n() -> u32 {
    5
}

/// Two stages.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairSpec {
    /// The stage in which the time begins.
    pub from: Spanned<String>,
    /// The stage that is to be reached.
    pub to: Spanned<String>,
    /// The target: `to` is to be reached within this time, as in `4 business hours`.
    #[serde(default)]
    pub within: Option<Spanned<Period>>,
}

/// Which time is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// From the first entry to `from` until `to` is reached, detours included.
    #[default]
    Elapsed,
    /// The length of the first visit to `from`.
    FirstVisit,
    /// The length of the latest visit to `from` before `to` is reached.
    LatestVisit,
    /// The time in `from` before `to` is reached, all visits together.
    Cumulative,
}

/// What becomes of visits inferred for stages that were jumped over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InferredVisits {
    /// They are passed over: nobody was seen in that stage.
    #[default]
    Exclude,
    /// They count like any other visit.
    Include,
}

/// A table with columns for entities.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttributesSpec {
    /// The table.
    pub from: Spanned<TableName>,
    /// The entity that a row is about.
    pub entity: ExprText,
    /// Since when a row holds, where the table has several of an entity: the one that held when the
    /// time began is taken. A timestamp, or a date, from whose first instant on it does.
    #[serde(default)]
    pub since: Option<ExprText>,
}

/// The length of a cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grain {
    /// A day.
    Day,
    /// Monday to Sunday, as ISO 8601 numbers weeks.
    Week,
    /// A calendar month.
    Month,
    /// A calendar quarter.
    Quarter,
    /// A calendar year.
    Year,
    /// A quarter of the fiscal year.
    FiscalQuarter,
    /// A fiscal year, named after the calendar year in which it ends.
    FiscalYear,
}

/// The unit of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// 60 seconds.
    Minutes,
    /// 60 minutes.
    Hours,
    /// 24 hours.
    Days,
}

/// When business is open.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarSpec {
    /// The IANA time zone of its hours.
    pub timezone: Spanned<String>,
    /// Opening hours by weekday or span of weekdays: `mon-fri: 09:00-17:00`.
    pub hours: IndexMap<Spanned<String>, OneOrMany<Spanned<String>>>,
    /// Other hours from some day on, in the order of their days.
    #[serde(default)]
    pub changes: Vec<HoursSpec>,
    /// A table of days, or parts of days, on which it is closed all the same.
    #[serde(default)]
    pub holidays: Option<HolidaysSpec>,
}

/// Hours that hold from some day on.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoursSpec {
    /// The first day on which they hold: `2025-01-01`.
    pub from: Spanned<String>,
    /// Opening hours by weekday or span of weekdays.
    pub hours: IndexMap<Spanned<String>, OneOrMany<Spanned<String>>>,
}

/// A table of pauses.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PausesSpec {
    /// The table.
    pub from: Spanned<TableName>,
    /// The entity that is paused.
    pub entity: ExprText,
    /// When the pause begins: a timestamp, or a date, with whose first instant it does.
    pub since: ExprText,
    /// When it ends; where NULL it lasts.
    pub until: ExprText,
    /// Only rows for which this is true are looked at: `reason = 'waiting for customer'`.
    #[serde(default, rename = "where")]
    pub filter: Option<ExprText>,
}

/// A table of holidays.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HolidaysSpec {
    /// The table, such as a seed.
    pub from: Spanned<TableName>,
    /// The date.
    pub date: ExprText,
    /// From when it is closed, as text `13:00`; from the beginning of the day where NULL or unset.
    #[serde(default)]
    pub closed_from: Option<ExprText>,
    /// Until when it is closed, as text `13:00`; until the end of the day where NULL or unset.
    #[serde(default)]
    pub closed_until: Option<ExprText>,
    /// Only rows for which this is true are looked at: `region = 'US'`.
    #[serde(default, rename = "where")]
    pub filter: Option<ExprText>,
}
