//! The Delta commit of one table: one log entry that takes the old files out, puts the new ones in
//! and carries the description, all at once.
//!
//! The entry names the release as an application transaction, so that a commit that is tried again
//! finds itself in the log. The entry is written here, because it must be the same whoever writes it and
//! hold no clock but the run's.

use std::collections::BTreeSet;

use bytes::Bytes;
use object_store::PutMode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::delta_log::{DeltaLog, LiveFile};
use super::objects::{self, Put};
use super::release::{ColumnRecord, FileRecord, Release, TableRelease};
use super::root::TargetRoot;
use super::steps::Steps;
use crate::contract::ColumnType;
use crate::error::{Context, Error, Result};

/// The name under which releases stand in a table's log.
const APPLICATION: &str = "marquetry";
/// How often a commit is tried again after another writer took its version.
const ATTEMPTS: usize = 8;
/// A checkpoint is written at every version that this divides, so that readers start near the end.
const CHECKPOINT_EVERY: u64 = 10;

/// A Delta table as its log has it now.
pub(super) struct DeltaState {
    log: DeltaLog,
    /// The newest version.
    pub(super) version: u64,
    /// The release that stands in the log.
    pub(super) release: u64,
}

/// The table's state; `None` where there is no table yet. Tables that Marquetry did not make, or
/// that another writer has moved to newer features, are refused.
pub(super) async fn state(root: &TargetRoot, name: &str) -> Result<Option<DeltaState>> {
    if !objects::any(root, &log_path(name, "")).await? {
        return Ok(None);
    }
    let state = load(root, name).await.while_doing(|| format!("reading the Delta log of `{name}`"))?;
    let (reader, writer) = state.log.protocol();
    if reader > 1 || writer > 2 {
        return Err(Error::project(format!("Delta table `{name}` was moved to newer features by another writer"))
            .with_hint("Marquetry writes reader 1, writer 2 only, which every engine reads"));
    }
    Ok(Some(state))
}

/// The files that readers of the table see now, by their paths beneath the target's root.
pub(super) async fn live_files(root: &TargetRoot, name: &str) -> Result<Vec<String>> {
    let Some(state) = state(root, name).await? else { return Ok(Vec::new()) };
    Ok(state.log.files().await?.iter().map(|file| format!("{name}/{}", file.path())).collect())
}

/// Commits a table's part of a release, once however often it is called. Returns the version that
/// holds it.
pub(super) async fn commit(
    root: &TargetRoot,
    release: &Release,
    table: &TableRelease,
    steps: &dyn Steps,
) -> Result<u64> {
    let name = table.name.as_str();
    for _ in 0..ATTEMPTS {
        let state = state(root, name).await?;
        if let Some(state) = &state
            && state.release >= release.number
        {
            return version_of(root, name, release.number, state.version).await;
        }
        let version = state.as_ref().map_or(0, |state| state.version + 1);
        let live = match &state {
            Some(state) => state.log.files().await?,
            None => Vec::new(),
        };
        let entry = entry(root, release, table, state.as_ref(), &live)?;
        let path = log_path(name, &format!("{version:020}.json"));
        if let Put::Done(_) = objects::put_if(root, &path, entry, PutMode::Create).await? {
            if version > 0 && version % CHECKPOINT_EVERY == 0 {
                checkpoint(root, name, steps).await;
            }
            return Ok(version);
        }
    }
    Err(Error::world(format!("another writer commits to Delta table `{name}` again and again")))
}

async fn load(root: &TargetRoot, name: &str) -> Result<DeltaState> {
    let log = DeltaLog::load(root, name).await?;
    let release = log.transaction(APPLICATION).await?;
    let release = release.and_then(|release| u64::try_from(release).ok()).ok_or_else(|| {
        Error::project(format!("`{name}` is a Delta table that Marquetry did not make"))
            .with_hint("choose another location for the target, or move that table away")
    })?;
    Ok(DeltaState { version: log.version(), log, release })
}

/// The log entry, one action a line.
fn entry(
    root: &TargetRoot,
    release: &Release,
    table: &TableRelease,
    state: Option<&DeltaState>,
    live: &[LiveFile],
) -> Result<Bytes> {
    let millis = release.record.finished.timestamp_millis();
    let mut actions = vec![commit_info(release, table, millis)];
    if state.is_none() {
        actions.push(json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}));
    }
    actions.extend(metadata(root, release, table, state, millis)?);
    actions.push(json!({"txn": {"appId": APPLICATION, "version": release.number, "lastUpdated": millis}}));
    let paths: BTreeSet<&str> = table.files.iter().map(|file| in_table(table, file)).collect();
    actions.extend(live.iter().filter(|file| !paths.contains(file.path().as_str())).map(|file| removal(file, millis)));
    let before: BTreeSet<String> = live.iter().map(LiveFile::path).collect();
    for file in table.files.iter().filter(|file| !before.contains(in_table(table, file))) {
        actions.push(addition(file, in_table(table, file), millis)?);
    }
    let lines: Vec<String> = actions.iter().map(ToString::to_string).collect();
    Ok(lines.join("\n").into())
}

fn removal(file: &LiveFile, millis: i64) -> Value {
    json!({"remove": {
        "path": file.logged, "deletionTimestamp": millis, "dataChange": true,
        "extendedFileMetadata": true, "partitionValues": {}, "size": file.size,
    }})
}

fn commit_info(release: &Release, table: &TableRelease, millis: i64) -> Value {
    json!({"commitInfo": {
        "timestamp": millis,
        "operation": "WRITE",
        "operationParameters": {"mode": "Overwrite"},
        "isolationLevel": "Serializable",
        "isBlindAppend": false,
        "engineInfo": format!("marquetry/{}", release.record.engine),
        "operationMetrics": {
            "numFiles": table.files.len().to_string(),
            "numOutputRows": table.rows.to_string(),
            "numOutputBytes": table.files.iter().map(|file| file.bytes).sum::<u64>().to_string(),
        },
        "marquetryRelease": release.number,
        "marquetryRun": release.run,
        "marquetryDigest": table.digest,
    }})
}

/// The metadata action, where it would say something new; the identity of a table that is there, and
/// the settings that others gave it, stay.
fn metadata(
    root: &TargetRoot,
    release: &Release,
    table: &TableRelease,
    state: Option<&DeltaState>,
    millis: i64,
) -> Result<Option<Value>> {
    let before = state.map(|state| state.log.described());
    let seed = format!("{}{} {}", root.url(), table.name, release.run);
    let new_id = || Uuid::new_v5(&Uuid::NAMESPACE_URL, seed.as_bytes()).to_string();
    let mut configuration = before.as_ref().map(|before| before.configuration.clone()).unwrap_or_default();
    configuration.insert("marquetry.grain".to_string(), table.grain.join(","));
    let schema = schema_string(&table.columns)?;
    let same = before.as_ref().is_some_and(|before| {
        before.name.as_deref() == Some(table.name.as_str())
            && before.description.as_deref() == Some(table.description.as_str())
            && configuration == before.configuration
            && schema_value(&before.schema) == schema_value(&schema)
    });
    let after = json!({
        "id": before.as_ref().map_or_else(new_id, |before| before.id.clone()),
        "name": table.name,
        "description": table.description,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": schema,
        "partitionColumns": [],
        "configuration": configuration,
        "createdTime": before.and_then(|before| before.created).unwrap_or(millis),
    });
    Ok((!same).then(|| json!({"metaData": after})))
}

/// A schema's text read as JSON, so that two writers' spacing and order of keys do not differ.
fn schema_value(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

fn schema_string(columns: &[ColumnRecord]) -> Result<String> {
    let mut fields = Vec::new();
    for column in columns {
        let ty = match column.data_type()? {
            ColumnType::Text => "string".to_string(),
            ColumnType::BigInt => "long".to_string(),
            ColumnType::Int => "integer".to_string(),
            ColumnType::Double => "double".to_string(),
            ColumnType::Decimal(precision, scale) => format!("decimal({precision},{scale})"),
            ColumnType::Boolean => "boolean".to_string(),
            ColumnType::Date => "date".to_string(),
            ColumnType::Timestamp => "timestamp".to_string(),
        };
        fields.push(json!({
            "name": column.name, "type": ty, "nullable": column.nullable,
            "metadata": {"comment": column.description},
        }));
    }
    Ok(json!({"type": "struct", "fields": fields}).to_string())
}

fn addition(file: &FileRecord, path: &str, millis: i64) -> Result<Value> {
    let pick = |of: fn(&super::release::ColumnStats) -> Option<Value>| -> Map<String, Value> {
        file.stats.iter().filter_map(|(name, stats)| Some((name.clone(), of(stats)?))).collect()
    };
    let stats = json!({
        "numRecords": file.rows,
        "minValues": pick(|stats| stats.min.clone()),
        "maxValues": pick(|stats| stats.max.clone()),
        "nullCount": pick(|stats| Some(stats.null_count.into())),
    });
    Ok(json!({"add": {
        "path": path, "partitionValues": {}, "size": file.bytes, "modificationTime": millis,
        "dataChange": true, "stats": stats.to_string(),
    }}))
}

/// A file's path as the table's log has it.
fn in_table<'a>(table: &TableRelease, file: &'a FileRecord) -> &'a str {
    let folder = table.name.as_str();
    file.path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')).unwrap_or(&file.path)
}

/// The version whose entry holds a release; the newest where that entry is no longer kept.
async fn version_of(root: &TargetRoot, name: &str, release: u64, newest: u64) -> Result<u64> {
    for version in (0..=newest).rev() {
        let path = log_path(name, &format!("{version:020}.json"));
        let Some((bytes, _)) = objects::read(root, &path).await? else { break };
        let text = String::from_utf8_lossy(&bytes);
        let transactions =
            text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()?.get("txn").cloned());
        let is_ours = |txn: &Value| {
            txn.get("appId").and_then(Value::as_str) == Some(APPLICATION)
                && txn.get("version").and_then(Value::as_u64) == Some(release)
        };
        if transactions.into_iter().any(|txn| is_ours(&txn)) {
            return Ok(version);
        }
    }
    Ok(newest)
}

/// Writes a checkpoint. It only makes reading faster, so that a failure is told and not suffered.
async fn checkpoint(root: &TargetRoot, name: &str, steps: &dyn Steps) {
    let written = match DeltaLog::load(root, name).await {
        Ok(log) => log.checkpoint().await,
        Err(error) => Err(error),
    };
    match written {
        Ok(()) => steps.reached(&format!("checkpointed {name}")),
        Err(error) => steps.reached(&format!("no checkpoint for {name}: {error}")),
    }
}

fn log_path(name: &str, file: &str) -> String {
    format!("{name}/_delta_log/{file}")
}
