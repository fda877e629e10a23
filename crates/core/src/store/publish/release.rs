//! The record of one run: what it read, what it published, and what it found.
//!
//! A release is a whole picture of the target: tables that the run did not write are carried over
//! from the release before, so that any release can be read, compared and rolled back to by itself.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{DateTime, Utc};
use object_store::PutMode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::objects::{self, Put};
use super::root::{CONTROL, Format, TargetRoot};
use crate::contract::{Column, ColumnType, Contract, Role};
use crate::error::{Error, Result};
use crate::syntax::TableName;

/// One run's record, `_marquetry/releases/<number>.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Counts up by one from 1; the highest is the current one.
    pub number: u64,
    /// The run's id; its files lie in folders of that name.
    pub run: String,
    /// The release whose tables were brought back, where this one is a rollback.
    pub rollback_of: Option<u64>,
    /// What the run says of itself.
    #[serde(flatten)]
    pub record: RunRecord,
    /// How the tables are laid out.
    pub format: Format,
    /// Every table of the target, in name order.
    pub tables: Vec<TableRelease>,
}

/// What a run says of itself; the store takes it as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// When the run started.
    pub started: DateTime<Utc>,
    /// When its work was done and checked.
    pub finished: DateTime<Utc>,
    /// The instant that everything was computed as of.
    pub as_of: DateTime<Utc>,
    /// A hash of the definitions.
    pub project: String,
    /// The engine's version.
    pub engine: String,
    /// The extracts that were read.
    #[serde(default)]
    pub inputs: Vec<Value>,
}

/// One table as a release has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableRelease {
    /// The table.
    pub name: TableName,
    /// Its part among its model's outputs.
    pub role: Role,
    /// What it is for.
    pub description: String,
    /// The columns that identify a row.
    pub grain: Vec<String>,
    /// The columns, in order.
    pub columns: Vec<ColumnRecord>,
    /// Digest of the content; see [`super::Content::digest`].
    pub digest: String,
    /// How many rows.
    pub rows: u64,
    /// The files, in the order in which they hold the rows.
    pub files: Vec<FileRecord>,
    /// What became of the table in this release.
    pub change: Change,
    /// The release that committed this content.
    pub since: u64,
    /// The Delta version that holds it; unset for Parquet.
    pub version: Option<u64>,
    /// What the checks found.
    #[serde(default)]
    pub checks: Value,
}

/// What became of a table in a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// New content was committed.
    Committed,
    /// The run computed what was already published; nothing was committed.
    Unchanged,
    /// The run did not write the table.
    Carried,
}

/// One column as published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnRecord {
    /// Its name.
    pub name: String,
    /// Its type, as the dictionary writes it: `text`, `decimal(18, 2)`.
    #[serde(rename = "type")]
    pub ty: String,
    /// Whether NULL may occur.
    pub nullable: bool,
    /// What it means.
    pub description: String,
}

/// One data file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Path beneath the target's root.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// How many rows it holds.
    pub rows: u64,
    /// Bounds of its columns, by name.
    #[serde(default)]
    pub stats: BTreeMap<String, ColumnStats>,
}

/// What is known of one column of one file. Bounds are as Delta's statistics write them, and
/// absent where a type has none or none was kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ColumnStats {
    /// No value is less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Value>,
    /// No value is greater.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Value>,
    /// How many are NULL.
    pub null_count: u64,
}

impl Release {
    /// The table of that name.
    pub fn table(&self, name: &str) -> Option<&TableRelease> {
        self.tables.iter().find(|table| table.name.as_str() == name)
    }
}

impl TableRelease {
    /// Whether readers would see no difference: content, columns and their descriptions are equal.
    pub fn reads_like(&self, other: &Self) -> bool {
        self.digest == other.digest
            && self.rows == other.rows
            && self.columns == other.columns
            && self.description == other.description
            && self.grain == other.grain
    }

    /// The Arrow schema of the files.
    pub fn schema(&self) -> Result<SchemaRef> {
        let fields: Result<Vec<Field>> = self.columns.iter().map(ColumnRecord::field).collect();
        Ok(Schema::new(fields?).into())
    }
}

impl ColumnRecord {
    /// What a contract's column becomes in a record.
    pub(super) fn of(column: &Column) -> Self {
        Self {
            name: column.name.to_string(),
            ty: column.ty.to_string(),
            nullable: column.nullable,
            description: column.description.clone(),
        }
    }

    fn field(&self) -> Result<Field> {
        let metadata = [("comment".to_string(), self.description.clone())].into();
        Ok(Field::new(&self.name, self.data_type()?.arrow(), self.nullable).with_metadata(metadata))
    }

    /// The type, read back from its text.
    pub(super) fn data_type(&self) -> Result<ColumnType> {
        let known = [
            ColumnType::Text,
            ColumnType::BigInt,
            ColumnType::Int,
            ColumnType::Double,
            ColumnType::Boolean,
            ColumnType::Date,
            ColumnType::Timestamp,
        ];
        if let Some(ty) = known.into_iter().find(|ty| ty.to_string() == self.ty) {
            return Ok(ty);
        }
        let decimal = self.ty.strip_prefix("decimal(").and_then(|rest| rest.strip_suffix(')'));
        let parts = decimal.and_then(|inner| inner.split_once(", "));
        parts
            .and_then(|(precision, scale)| Some(ColumnType::Decimal(precision.parse().ok()?, scale.parse().ok()?)))
            .filter(|ty| matches!(ty.arrow(), DataType::Decimal128(1..=38, _)))
            .ok_or_else(|| Error::world(format!("a release has a column of the unknown type `{}`", self.ty)))
    }
}

/// The columns of a contract as records.
pub(super) fn columns_of(contract: &Contract) -> Vec<ColumnRecord> {
    contract.columns.iter().map(ColumnRecord::of).collect()
}

fn path_of(number: u64) -> String {
    format!("{CONTROL}/releases/{number:06}.json")
}

/// The numbers of all releases that can be read, in order.
pub async fn releases(root: &TargetRoot) -> Result<Vec<u64>> {
    let found = objects::list(root, &format!("{CONTROL}/releases")).await?;
    let number = |name: &str| name.strip_suffix(".json")?.parse().ok();
    let mut numbers: Vec<u64> = found.iter().filter_map(|path| number(path.filename()?)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// One release.
pub async fn release(root: &TargetRoot, number: u64) -> Result<Release> {
    objects::read_json(root, &path_of(number)).await?.ok_or_else(|| {
        Error::project(format!("there is no release {number} at `{}`", root.url()))
            .with_hint("`marquetry releases` lists those that can be read")
    })
}

/// The current release, where there is one: what readers that go through releases see.
pub async fn current_release(root: &TargetRoot) -> Result<Option<Release>> {
    match releases(root).await?.last() {
        Some(number) => Ok(Some(release(root, *number).await?)),
        None => Ok(None),
    }
}

/// Writes the record once; writing it again for the same run changes nothing.
pub(super) async fn record(root: &TargetRoot, release: &Release) -> Result<()> {
    let path = path_of(release.number);
    match objects::put_if(root, &path, objects::to_json(release)?, PutMode::Create).await? {
        Put::Done(_) => Ok(()),
        Put::Refused => {
            let there: Option<Release> = objects::read_json(root, &path).await?;
            match there {
                Some(there) if there.run == release.run => Ok(()),
                _ => Err(Error::internal(format!("release {} was recorded by another run", release.number))),
            }
        }
    }
}

/// Removes a release's record.
pub(super) async fn forget(root: &TargetRoot, number: u64) -> Result<()> {
    objects::remove(root, vec![root.path(&path_of(number))]).await
}
