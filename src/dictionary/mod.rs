//! The data dictionary: what every published table and column means, where it comes from and how
//! the last run went, for the people who read the numbers.
//!
//! A [`Document`] is plain data. The project and the run fill it, [`Document::link`] derives what
//! follows from it (lineage down to the sources, who uses what), and [`render`] writes it as one
//! HTML page, as Markdown and as JSON. Equal documents give equal bytes: nothing here reads the
//! clock or depends on the order of a hash map.

mod build;
mod html;
mod json;
mod lineage;
mod markdown;
mod profile;
mod tally;
mod texts;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod profile_tests;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::contract::{Classification, Pii, Role};
use crate::error::Result;
use crate::kinds::Exhibit;

pub use json::{SCHEMA_VERSION, read};
pub use profile::{ColumnProfile, Distinct, ProfileBuilder, TopValue, Withheld};

/// Everything the dictionary shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// The project.
    pub project: Project,
    /// The run it tells of; absent where nothing has been published yet.
    pub release: Option<Release>,
    /// The tables that models write.
    pub tables: Vec<TablePage>,
    /// The tables that models read: extracts and seeds.
    pub sources: Vec<SourcePage>,
    /// The guides to the kinds that the tables are of.
    #[serde(default)]
    pub guides: Vec<Guide>,
}

/// A kind's reference page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guide {
    /// The kind, as its YAML key.
    pub kind: String,
    /// What the page is headed.
    pub title: String,
    /// The page in Markdown; a first-level heading at its top is the title again and not repeated.
    pub text: String,
}

/// The project the tables belong to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// The zone in which dates are taken (IANA name).
    pub reporting_timezone: String,
    /// The currency of amounts that name none (ISO 4217).
    pub currency: String,
}

/// The run that the numbers on the pages come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its number, counted up by one for every release of a target.
    pub number: u64,
    /// The run's id.
    pub run_id: String,
    /// The instant as of which everything was computed (RFC 3339, UTC).
    pub as_of: String,
    /// When the run ended (RFC 3339, UTC).
    pub finished_at: String,
}

/// One table that a model writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TablePage {
    /// The table's name.
    pub name: String,
    /// The model that writes it; companions and rejects carry another name than their model.
    pub model: String,
    /// The file that declares the model, relative to the project (`models/marts/credits.yml`).
    pub path: Option<String>,
    /// Its part among the model's tables.
    pub role: Role,
    /// The model's kind, as its YAML key.
    pub kind: String,
    /// Whether readers find the table in the target, or only other models see it.
    pub published: bool,
    /// What it is for.
    pub description: String,
    /// How its numbers come about.
    pub methodology: MethodologyText,
    /// The columns that identify a row.
    pub grain: Vec<String>,
    /// Further sets of columns that are unique.
    pub keys: Vec<Vec<String>>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The user's tags.
    pub tags: Vec<String>,
    /// Who may see it.
    pub classification: Classification,
    /// Its checks with their last results.
    pub checks: Vec<CheckResult>,
    /// Rows in the last release.
    pub rows: Option<u64>,
    /// Bytes in the last release.
    pub bytes: Option<u64>,
    /// The rows that its model could not use.
    pub rejects: Option<Rejects>,
    /// The digest of the table's content, equal for equal rows.
    pub digest: Option<String>,
    /// How recent its rows are.
    pub freshness: Option<Freshness>,
    /// Tables it reads directly.
    pub upstream: Vec<String>,
    /// Tables that read it directly; filled by [`Document::link`].
    pub downstream: Vec<String>,
    /// The columns, in order.
    pub columns: Vec<ColumnPage>,
    /// The model as it is written.
    pub definition: Option<String>,
    /// Where the table lies.
    pub location: Option<String>,
    /// The table format: `delta` or `parquet`.
    pub format: Option<String>,
    /// What the model counted in the last run.
    pub facts: Vec<RunFact>,
    /// What the model shows of the rows of the last run.
    #[serde(default)]
    pub exhibits: Vec<Exhibit>,
}

/// One table that models read: an extract, or a seed kept beside the models.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SourcePage {
    /// The name under which models read it.
    pub name: String,
    /// Whether it is an extract or a seed.
    pub kind: SourceKind,
    /// The system it comes from (`salesforce`), where the project says.
    pub system: Option<String>,
    /// The file that declares it, relative to the project.
    pub path: Option<String>,
    /// What it holds.
    pub description: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The user's tags.
    pub tags: Vec<String>,
    /// Who may see it.
    pub classification: Classification,
    /// The columns that identify a row.
    pub grain: Vec<String>,
    /// Its checks with their last results.
    pub checks: Vec<CheckResult>,
    /// Rows read in the last run.
    pub rows: Option<u64>,
    /// Bytes of its files.
    pub bytes: Option<u64>,
    /// How recent its rows are.
    pub freshness: Option<Freshness>,
    /// Tables that read it directly; filled by [`Document::link`].
    pub downstream: Vec<String>,
    /// The columns that models rely on.
    pub columns: Vec<ColumnPage>,
    /// The contract as it is written.
    pub definition: Option<String>,
    /// Where the files lie.
    pub location: Option<String>,
    /// The file format: `parquet` or `csv`.
    pub format: Option<String>,
}

/// What kind of table a source is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Files that another system wrote.
    #[default]
    Extract,
    /// A CSV table kept beside the models.
    Seed,
}

/// How a table's numbers come about, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodologyText {
    /// Paragraphs that say what is computed.
    pub summary: Vec<String>,
    /// What is taken for granted.
    pub assumptions: Vec<String>,
    /// What the numbers cannot tell.
    pub limits: Vec<String>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnPage {
    /// Its name.
    pub name: String,
    /// Its type, as the contract spells it.
    #[serde(rename = "type")]
    pub ty: String,
    /// Whether NULL may occur.
    pub nullable: bool,
    /// What it means.
    pub description: String,
    /// How personal it is.
    pub pii: Pii,
    /// The columns of the model's inputs that it is made of.
    pub lineage: Vec<ColumnLink>,
    /// The source columns it goes back to; filled by [`Document::link`].
    pub sources: Vec<ColumnLink>,
    /// The columns that are made of it directly; filled by [`Document::link`].
    pub used_by: Vec<ColumnLink>,
    /// What the last run found in it.
    pub profile: Option<ColumnProfile>,
}

/// A column of some table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ColumnLink {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
}

/// A check and how it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check as a reader knows it (`unique`, `accepted_values`).
    pub name: String,
    /// The column it looks at, where it looks at one.
    pub column: Option<String>,
    /// What a failure does.
    pub severity: Severity,
    /// How it went.
    pub status: CheckStatus,
    /// Rows that failed it.
    pub failures: Option<u64>,
    /// What was checked or found, in words.
    pub message: Option<String>,
}

/// What a failed check does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Refuses publication.
    Error,
    /// Is reported.
    Warn,
}

/// How a check went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// It held.
    Passed,
    /// It did not hold.
    Failed,
    /// It has not been run.
    #[default]
    NotRun,
}

/// The rows a model could not use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejects {
    /// The table that holds them.
    pub table: String,
    /// How many.
    pub rows: u64,
}

/// How recent a table's rows are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freshness {
    /// The column that dates a row.
    pub column: Option<String>,
    /// The most recent instant in it (RFC 3339, UTC).
    pub latest: Option<String>,
    /// How old it may be, as written (`24 hours`).
    pub expected: Option<String>,
    /// Whether it is recent enough.
    pub status: CheckStatus,
}

/// One number that the model counted in the last run; the names are those of
/// [`crate::kinds::fact`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFact {
    /// What is counted.
    pub fact: String,
    /// Which one of them.
    pub item: String,
    /// How many rows.
    pub rows: i64,
}

/// A file of the dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// Its path below the dictionary's folder, with `/`.
    pub path: String,
    /// Its content.
    pub text: String,
}

/// Writes the whole dictionary: `index.html`, `dictionary.json`, `index.md` and one Markdown page
/// for each table, source and guide, in that order.
///
/// # Errors
/// An internal error where the document cannot be serialised.
pub fn render(document: &Document) -> Result<Vec<RenderedFile>> {
    let mut files = vec![
        RenderedFile { path: "index.html".into(), text: html::page(document)? },
        RenderedFile { path: "dictionary.json".into(), text: json::pretty(document)? },
    ];
    files.extend(markdown::pages(document));
    Ok(files)
}
