//! The first thing a run does: finish what a killed run had decided, withdraw what it had not.

use super::commit::carry_out;
use super::journal;
use super::lock::Lock;
use super::release::{Release, current_release};
use super::root::{TargetRoot, run_of};
use super::steps::Steps;
use super::sweep;
use crate::error::{Error, Result};

/// What became of a run that had not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// It had decided; this release is now published whole.
    Finished {
        /// The run.
        run: String,
        /// Its release.
        release: u64,
    },
    /// It had not decided; nothing of it was ever visible, and its files are gone.
    Withdrawn {
        /// The run.
        run: String,
    },
}

/// Brings the target to a state that one run left whole. Needs the lock; may itself be killed at
/// any step and started again.
pub(super) async fn recover(root: &TargetRoot, lock: &Lock, steps: &dyn Steps) -> Result<Vec<Recovered>> {
    let mut recovered = Vec::new();
    if let Some(run) = lock.decided().await {
        recovered.push(finish(root, lock, steps, &run).await?);
    }
    let unfinished = journal::unfinished(root).await?;
    if unfinished.is_empty() {
        return Ok(recovered);
    }
    let current = current_release(root).await?;
    for run in unfinished {
        lock.check()?;
        // A run that came to its end and was killed before it could take its mark away has
        // published files, not leftovers.
        if !is_published(current.as_ref(), &run) {
            sweep::remove_run(root, &run).await?;
            recovered.push(Recovered::Withdrawn { run: run.clone() });
        }
        journal::remove(root, &run).await?;
        journal::unmark(root, &run).await?;
        steps.reached("withdrawn");
    }
    Ok(recovered)
}

async fn finish(root: &TargetRoot, lock: &Lock, steps: &dyn Steps, run: &str) -> Result<Recovered> {
    let number = match journal::read(root, run).await? {
        Some(journal) => carry_out(root, lock, steps, journal).await?.number,
        None => {
            // The journal goes last but one: without it, the release must be there.
            let current = current_release(root).await?.filter(|release| release.run == run);
            let release = current.ok_or_else(|| {
                Error::world(format!("run `{run}` decided to publish, and its journal is gone"))
                    .with_hint("somebody has removed files under `_marquetry`; restore them, or roll back to a release")
            })?;
            lock.decide(None).await?;
            release.number
        }
    };
    Ok(Recovered::Finished { run: run.to_string(), release: number })
}

fn is_published(current: Option<&Release>, run: &str) -> bool {
    current.is_some_and(|release| {
        let mut files = release.tables.iter().flat_map(|table| &table.files);
        release.run == run || files.any(|file| run_of(&file.path) == Some(run))
    })
}
