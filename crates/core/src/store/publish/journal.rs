//! What a run intends, written down before it decides, so that whoever comes next can finish it.

use serde::{Deserialize, Serialize};

use super::objects;
use super::release::Release;
use super::root::{CONTROL, TargetRoot};
use crate::error::Result;

/// Everything that is needed to carry a decided run out to its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Journal {
    /// The release as it will be recorded, save for versions that the commits will have.
    pub(super) release: Release,
    /// Folders of staged files that the release does not use.
    pub(super) discard: Vec<String>,
}

/// A run has begun and may leave files in its folders.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Marker {
    run: String,
}

fn journal_path(run: &str) -> String {
    format!("{CONTROL}/journal/{run}.json")
}

fn marker_path(run: &str) -> String {
    format!("{CONTROL}/runs/{run}.json")
}

/// Writes a run's journal, which binds nobody until the run decides.
pub(super) async fn write(root: &TargetRoot, journal: &Journal) -> Result<()> {
    objects::write(root, &journal_path(&journal.release.run), objects::to_json(journal)?).await
}

/// A run's journal, where it has one.
pub(super) async fn read(root: &TargetRoot, run: &str) -> Result<Option<Journal>> {
    objects::read_json(root, &journal_path(run)).await
}

/// Removes a run's journal.
pub(super) async fn remove(root: &TargetRoot, run: &str) -> Result<()> {
    objects::remove(root, vec![root.path(&journal_path(run))]).await
}

/// Marks a run as begun, before it writes its first file.
pub(super) async fn mark(root: &TargetRoot, run: &str) -> Result<()> {
    let marker = Marker { run: run.to_string() };
    objects::write(root, &marker_path(run), objects::to_json(&marker)?).await
}

/// Removes a run's mark: nothing of it is left but what a release names.
pub(super) async fn unmark(root: &TargetRoot, run: &str) -> Result<()> {
    objects::remove(root, vec![root.path(&marker_path(run))]).await
}

/// The runs that have begun, or written a journal, and have not ended.
pub(super) async fn unfinished(root: &TargetRoot) -> Result<Vec<String>> {
    let mut runs = Vec::new();
    for folder in ["runs", "journal"] {
        let found = objects::list(root, &format!("{CONTROL}/{folder}")).await?;
        runs.extend(found.iter().filter_map(|path| Some(path.filename()?.strip_suffix(".json")?.to_string())));
    }
    runs.sort();
    runs.dedup();
    Ok(runs)
}
