//! From a decided journal to a recorded release: every step may be taken again, by this run or by
//! the next one, and ends the same.

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::journal::{self, Journal};
use super::lock::Lock;
use super::release::{self, Change, Release, TableRelease};
use super::root::{Format, TargetRoot};
use super::steps::Steps;
use super::sweep;
use super::{delta, manifest};
use crate::error::{Context, Result};

/// How many tables are looked at or committed at a time.
pub(super) const AT_ONCE: usize = 8;

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

/// The files that readers of a table see now, by their paths beneath the root. Both formats count:
/// a target that was moved from one to the other still has readers of what it was.
pub(super) async fn live_files(root: &TargetRoot, name: &str) -> Result<Vec<String>> {
    let mut files = delta::live_files(root, name).await?;
    let manifest = manifest::read(root, name).await?;
    files.extend(manifest.iter().flat_map(|manifest| &manifest.files).map(|file| format!("{name}/{}", file.path)));
    Ok(files)
}

/// Commits every table of a decided journal, records the release and clears the run away.
pub(super) async fn carry_out(root: &TargetRoot, lock: &Lock, steps: &dyn Steps, journal: Journal) -> Result<Release> {
    let mut release = journal.release;
    let commits: Vec<BoxFuture<'_, Result<Option<u64>>>> =
        release.tables.iter().map(|table| commit(root, steps, &release, table).boxed()).collect();
    // Many at a time: the sooner the last table follows the first, the less do readers of several see of it.
    let versions: Vec<Option<u64>> = stream::iter(commits).buffered(AT_ONCE).try_collect().await?;
    for (table, version) in release.tables.iter_mut().zip(versions) {
        table.version = version;
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

/// Commits one table where its content is new. Returns the Delta version that holds it.
async fn commit(root: &TargetRoot, steps: &dyn Steps, release: &Release, table: &TableRelease) -> Result<Option<u64>> {
    if table.change != Change::Committed {
        return Ok(table.version);
    }
    steps.reached(&format!("committing {}", table.name));
    let version = match release.format {
        Format::Delta => delta::commit(root, release, table, steps).await.map(Some),
        Format::Parquet => manifest::commit(root, release, table).await.map(|()| None),
    }
    .while_doing(|| format!("publishing `{}`", table.name))?;
    steps.reached(&format!("committed {}", table.name));
    Ok(version)
}
