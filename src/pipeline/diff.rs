//! What has changed from one release to another, by their records alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Findings, Request, Session, commands};
use crate::checks::Status;
use crate::error::{Error, Result};
use crate::store::publish::{Release, TableRelease};
use crate::syntax::TableName;

/// Two releases side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReleaseDiff {
    /// The release compared with.
    pub from: u64,
    /// The release looked at.
    pub to: u64,
    /// The tables that differ, in name order.
    pub tables: Vec<TableDiff>,
    /// How many tables are the same in both.
    pub same: usize,
}

/// What became of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TableChange {
    /// Only the later release has it.
    Added,
    /// Only the earlier release has it.
    Removed,
    /// Its rows differ.
    Rows,
    /// Its rows are the same; what is said of it differs.
    Description,
}

/// A value before and after; unset where that side has none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sides<T> {
    /// In the earlier release.
    pub before: Option<T>,
    /// In the later one.
    pub after: Option<T>,
}

/// One table that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableDiff {
    /// Its name.
    pub name: TableName,
    /// What became of it.
    pub change: TableChange,
    /// How many rows.
    pub rows: Sides<u64>,
    /// Digests of the content.
    pub digest: Sides<String>,
    /// Columns that differ in type or nullability, by name; each as `type` or `type, nullable`.
    pub columns: BTreeMap<String, Sides<String>>,
    /// Checks that came out differently, by name.
    pub checks: BTreeMap<String, Sides<Status>>,
}

/// Compares two releases of the target: by default the newest one with the one before it.
pub async fn diff(request: &Request, session: &mut Session, from: Option<u64>, to: Option<u64>) -> Result<ReleaseDiff> {
    let releases = commands::releases(request, session).await?;
    let to = match to {
        Some(to) => find(&releases, to)?,
        None => releases.last().ok_or_else(|| Error::project("nothing is published yet"))?,
    };
    let from = match from {
        Some(from) => find(&releases, from)?,
        None => releases.iter().rev().find(|release| release.number < to.number).ok_or_else(|| {
            Error::project(format!("there is no release before release {}", to.number))
                .with_hint("name another one; `marquetry releases` lists them")
        })?,
    };
    Ok(compare(from, to))
}

fn find(releases: &[Release], number: u64) -> Result<&Release> {
    releases.iter().find(|release| release.number == number).ok_or_else(|| {
        Error::project(format!("there is no release {number}"))
            .with_hint("`marquetry releases` lists them; `clean` removes old ones")
    })
}

fn compare(from: &Release, to: &Release) -> ReleaseDiff {
    let names: BTreeSet<&TableName> = from.tables.iter().chain(&to.tables).map(|table| &table.name).collect();
    let pairs = names.iter().map(|name| (*name, from.table(name.as_str()), to.table(name.as_str())));
    let tables: Vec<TableDiff> = pairs.filter_map(|(name, before, after)| table(name, before, after)).collect();
    ReleaseDiff { from: from.number, to: to.number, same: names.len() - tables.len(), tables }
}

fn table(name: &TableName, before: Option<&TableRelease>, after: Option<&TableRelease>) -> Option<TableDiff> {
    let sides = |of: fn(&TableRelease) -> String| Sides { before: before.map(of), after: after.map(of) };
    let digest = sides(|table| table.digest.clone());
    let columns = differing(before.map(columns), after.map(columns));
    let checks = differing(before.map(checks), after.map(checks));
    let change = match (before, after) {
        (None, _) => TableChange::Added,
        (_, None) => TableChange::Removed,
        _ if digest.before != digest.after => TableChange::Rows,
        (Some(old), Some(new)) if old.reads_like(new) && checks.is_empty() => return None,
        _ => TableChange::Description,
    };
    let rows = Sides { before: before.map(|table| table.rows), after: after.map(|table| table.rows) };
    Some(TableDiff { name: name.clone(), change, rows, digest, columns, checks })
}

/// What differs between two maps; nothing where one of the tables is not there.
fn differing<T: Clone + PartialEq>(
    before: Option<BTreeMap<String, T>>,
    after: Option<BTreeMap<String, T>>,
) -> BTreeMap<String, Sides<T>> {
    let (Some(before), Some(after)) = (before, after) else { return BTreeMap::new() };
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let sides = |name: &String| Sides { before: before.get(name).cloned(), after: after.get(name).cloned() };
    let all = names.into_iter().map(|name| (name.clone(), sides(name)));
    all.filter(|(_, sides)| sides.before != sides.after).collect()
}

fn columns(table: &TableRelease) -> BTreeMap<String, String> {
    let text = |nullable: bool, ty: &str| if nullable { format!("{ty}, nullable") } else { ty.to_string() };
    table.columns.iter().map(|column| (column.name.clone(), text(column.nullable, &column.ty))).collect()
}

fn checks(table: &TableRelease) -> BTreeMap<String, Status> {
    let found: Findings = serde_json::from_value(table.checks.clone()).unwrap_or_default();
    found.checks.into_iter().map(|result| (result.check, result.status)).collect()
}
