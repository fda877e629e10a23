//! The Parquet format's commit of one table: a manifest that lists the files that count, replaced
//! in a single put.
//!
//! `manifest.json` is the table for readers that know it. `_symlink_format_manifest/manifest` holds the same
//! URLs, one a line, which is the form that Athena, Trino, BigQuery and DuckDB take.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

use super::objects;
use super::release::{ColumnRecord, Release, TableRelease};
use super::root::TargetRoot;
use crate::error::Result;

const NAME: &str = "manifest.json";
const LINES: &str = "_symlink_format_manifest/manifest";

/// What `<table>/manifest.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The layout of this file; readers refuse one they do not know.
    pub manifest: u32,
    /// The table.
    pub table: String,
    /// What it is for.
    pub description: String,
    /// The release that committed this content.
    pub release: u64,
    /// The run of that release.
    pub run: String,
    /// Digest of the content.
    pub digest: String,
    /// How many rows.
    pub rows: u64,
    /// The columns that identify a row.
    pub grain: Vec<String>,
    /// The columns, in order.
    pub columns: Vec<ColumnRecord>,
    /// The files, in the order in which they hold the rows.
    pub files: Vec<ManifestFile>,
}

/// One file of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Where it lies.
    pub url: Url,
    /// Its path beneath the folder of the manifest.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// How many rows it holds.
    pub rows: u64,
}

/// The manifest of a table, where it has one.
pub(super) async fn read(root: &TargetRoot, name: &str) -> Result<Option<Manifest>> {
    objects::read_json(root, &format!("{name}/{NAME}")).await
}

/// Points a table at its part of a release. A release that the manifest already has, or has
/// already left behind, changes nothing: a run that slept cannot bring back what came before.
pub(super) async fn commit(root: &TargetRoot, release: &Release, table: &TableRelease) -> Result<()> {
    let manifest = of(root, release, table)?;
    let path = format!("{}/{NAME}", table.name);
    objects::replace(root, &path, |there| {
        let newer = match there {
            Some(bytes) => objects::parse::<Manifest>(&path, bytes)?.release >= release.number,
            None => false,
        };
        if newer { Ok(None) } else { objects::to_json(&manifest).map(Some) }
    })
    .await?;
    lines(root, table.name.as_str()).await
}

/// Writes the list of URLs that belongs to the manifest that stands now.
async fn lines(root: &TargetRoot, name: &str) -> Result<()> {
    let path = format!("{name}/{LINES}");
    // The list is read first: should the manifest change after it is read, so will the list, and
    // the condition on its version refuses this one.
    let there = objects::read(root, &path).await?;
    let Some(manifest) = read(root, name).await? else { return Ok(()) };
    let wanted: Bytes = manifest.files.iter().map(|file| format!("{}\n", file.url)).collect::<String>().into();
    let seen = there.map(|(bytes, _)| bytes);
    objects::replace(root, &path, |now| {
        let as_seen = now == seen.as_deref();
        Ok((as_seen && now != Some(wanted.as_ref())).then(|| wanted.clone()))
    })
    .await
}

fn of(root: &TargetRoot, release: &Release, table: &TableRelease) -> Result<Manifest> {
    let folder = format!("{}/", table.name);
    let mut files = Vec::new();
    for file in &table.files {
        files.push(ManifestFile {
            url: root.url_of(&file.path)?,
            path: file.path.strip_prefix(&folder).unwrap_or(&file.path).to_string(),
            bytes: file.bytes,
            rows: file.rows,
        });
    }
    Ok(Manifest {
        manifest: 1,
        table: table.name.to_string(),
        description: table.description.clone(),
        release: release.number,
        run: release.run.clone(),
        digest: table.digest.clone(),
        rows: table.rows,
        grain: table.grain.clone(),
        columns: table.columns.clone(),
        files,
    })
}
