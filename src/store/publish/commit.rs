//! From a decided journal to a recorded release: every step may be taken again, by this run or by
//! the next one, and ends the same.

use super::journal::{self, Journal};
use super::lock::Lock;
use super::release::{self, Change, Release};
use super::root::{Format, TargetRoot};
use super::steps::Steps;
use super::sweep;
use super::{delta, manifest};
use crate::error::{Context, Result};

/// What readers of a table see now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// The release whose content it is.
    pub(super) release: u64,
    /// The Delta version that readers find; unset for Parquet.
    pub(super) version: Option<u64>,
}

/// What readers of a table see now; `None` where there is no such table.
pub(super) async fn standing(root: &TargetRoot, name: &str) -> Result<Option<Standing>> {
    Ok(match root.format() {
        Format::Delta => delta::state(root, name)
            .await?
            .map(|state| Standing { release: state.release, version: Some(state.version) }),
        Format::Parquet => {
            manifest::read(root, name).await?.map(|manifest| Standing { release: manifest.release, version: None })
        }
    })
}

/// The files that readers of a table see now, by their paths beneath the root.
pub(super) async fn live_files(root: &TargetRoot, name: &str) -> Result<Vec<String>> {
    match root.format() {
        Format::Delta => delta::live_files(root, name).await,
        Format::Parquet => {
            let manifest = manifest::read(root, name).await?;
            let files = manifest.map(|manifest| manifest.files).unwrap_or_default();
            Ok(files.iter().map(|file| format!("{name}/{}", file.path)).collect())
        }
    }
}

/// Commits every table of a decided journal, records the release and clears the run away.
pub(super) async fn carry_out(root: &TargetRoot, lock: &Lock, steps: &dyn Steps, journal: Journal) -> Result<Release> {
    let mut release = journal.release;
    for at in 0..release.tables.len() {
        let Some(table) = release.tables.get(at).filter(|table| table.change == Change::Committed) else { continue };
        let name = table.name.clone();
        steps.reached(&format!("committing {name}"));
        let version = match release.format {
            Format::Delta => delta::commit(root, &release, table, steps).await.map(Some),
            Format::Parquet => manifest::commit(root, &release, table).await.map(|()| None),
        }
        .while_doing(|| format!("publishing `{name}`"))?;
        if let Some(table) = release.tables.get_mut(at) {
            table.version = version;
        }
        steps.reached(&format!("committed {name}"));
    }
    release::record(root, &release).await?;
    steps.reached("recorded");
    for folder in &journal.discard {
        sweep::remove_folder(root, folder).await?;
    }
    journal::remove(root, &release.run).await?;
    steps.reached("journal removed");
    lock.decide(None).await?;
    steps.reached("concluded");
    journal::unmark(root, &release.run).await?;
    steps.reached("unmarked");
    Ok(release)
}
