//! One run's hold on a target, from the lock to the release.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datafusion::execution::SendableRecordBatchStream;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::chain::{Checked, Published};
use super::clean::{self, Cleaned};
use super::commit::{AT_ONCE, Standing, carry_out, standing};
use super::journal::{self, Journal};
use super::lock::{LEASE, Lock};
use super::read::altered;
use super::recover::{Recovered, recover};
use super::release::{Change, Release, RunRecord, TableRelease, current_release, release};
use super::root::{TargetRoot, run_folder};
use super::stage::{self, Halt, StagedTable};
use super::steps::Steps;
use super::sweep;
use crate::contract::Contract;
use crate::error::{Error, Result};
use crate::syntax::TableName;

/// One run's hold on a target. [`Publication::close`] gives it back; a run that is killed leaves
/// what the next one finishes or withdraws.
pub struct Publication {
    root: TargetRoot,
    run: String,
    lock: Lock,
    steps: Arc<dyn Steps>,
    current: Option<Release>,
    recovered: Vec<Recovered>,
    /// Tables for which files may have been written.
    touched: Mutex<BTreeSet<TableName>>,
    halt: Halt,
    phase: Phase,
}

/// How far the run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing of it is visible, and it may still be withdrawn.
    Open,
    /// It may have decided: what is left to do is found in the store, by whoever comes next.
    Deciding,
    /// Its release is recorded.
    Published,
}

impl Publication {
    /// Takes the target for the run `run` (an id of its own, of letters, digits and `-`), and brings
    /// what earlier runs left to an end. Fails with [`crate::error::ErrorKind::Locked`] while another run holds the target.
    pub async fn open(root: TargetRoot, run: &str, steps: Arc<dyn Steps>) -> Result<Self> {
        Self::open_with_lease(root, run, steps, LEASE).await
    }

    /// As [`Publication::open`], with another lease: for how long a holder on another machine may
    /// be silent before it counts as gone.
    pub async fn open_with_lease(root: TargetRoot, run: &str, steps: Arc<dyn Steps>, lease: Duration) -> Result<Self> {
        if run.is_empty() || !run.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(Error::internal(format!("`{run}` cannot be the id of a run")));
        }
        steps.reached("locking");
        let lock = Lock::acquire(&root, run, lease).await?;
        steps.reached("locked");
        match Self::begin(&root, run, &lock, steps.as_ref()).await {
            Ok((recovered, current)) => Ok(Self {
                root,
                run: run.to_string(),
                lock,
                steps,
                current,
                recovered,
                touched: Mutex::default(),
                halt: Halt::new(false),
                phase: Phase::Open,
            }),
            Err(error) => {
                let _ = lock.release().await;
                Err(error)
            }
        }
    }

    async fn begin(
        root: &TargetRoot,
        run: &str,
        lock: &Lock,
        steps: &dyn Steps,
    ) -> Result<(Vec<Recovered>, Option<Release>)> {
        let recovered = recover(root, lock, steps).await?;
        steps.reached("recovered");
        let current = current_release(root).await?;
        journal::mark(root, run).await?;
        steps.reached("marked");
        Ok((recovered, current))
    }

    /// Where the target lies.
    pub fn root(&self) -> &TargetRoot {
        &self.root
    }

    /// The release that readers see, where there is one.
    pub fn current(&self) -> Option<&Release> {
        self.current.as_ref()
    }

    /// What earlier runs had left, and what became of it.
    pub fn recovered(&self) -> &[Recovered] {
        &self.recovered
    }

    /// Writes a table's rows to files that no reader sees. The partitions are consumed at once;
    /// their columns are the contract's, in order, of types that fit without loss. Tables may be
    /// staged at the same time.
    pub async fn stage(&self, contract: &Contract, partitions: Vec<SendableRecordBatchStream>) -> Result<StagedTable> {
        self.lock.check()?;
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).insert(contract.table.clone());
        self.steps.reached(&format!("staging {}", contract.table));
        let staged = stage::stage(&self.root, &self.run, contract, partitions, &self.halt).await?;
        self.steps.reached(&format!("staged {}", contract.table));
        Ok(staged)
    }

    /// Ends the staging of every table, now and from now on: something else has gone wrong. Writers
    /// give up what they have begun, so that [`Publication::close`] finds all there is to withdraw
    /// once they have returned.
    pub fn halt(&self) {
        self.halt.send_replace(true);
    }

    /// Does something of a run that writes nothing, until [`Publication::halt`].
    pub async fn unless_halted<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            done = work => done,
            () = stage::halted(&self.halt) => Err(stage::stopped()),
        }
    }

    /// Publishes what was checked. Tables that the run did not write are carried over from the
    /// release before, save for `dropped`: those leave the release, and their data stays where it is.
    pub async fn publish(
        &mut self,
        checked: Checked,
        record: RunRecord,
        dropped: &BTreeSet<TableName>,
    ) -> Result<Published> {
        let drafts: Vec<TableRelease> =
            checked.into_tables().into_iter().map(|(table, checks)| draft(table, checks)).collect();
        let written: BTreeSet<TableName> = drafts.iter().map(|table| table.name.clone()).collect();
        let before = self.current.iter().flat_map(|release| &release.tables);
        let carried = before
            .filter(|table| !written.contains(&table.name) && !dropped.contains(&table.name))
            .map(|table| TableRelease { change: Change::Carried, ..table.clone() });
        let tables = drafts.into_iter().chain(carried).collect();
        self.go_out(tables, record, None).await
    }

    /// Publishes the tables of an earlier release again, as a new release. Tables that it did not
    /// have leave the release, and their data stays where it is.
    pub async fn rollback(&mut self, to: u64, record: RunRecord) -> Result<Published> {
        let target = release(&self.root, to).await?;
        clean::require_files(&self.root, &target).await?;
        let tables = target.tables.into_iter().map(|table| TableRelease { change: Change::Committed, ..table });
        self.go_out(tables.collect(), record, Some(to)).await
    }

    /// Removes the records of all but the newest `keep` releases, and every file of ours that no
    /// kept release and no reader of the tables as they stand can see.
    pub async fn clean(&self, keep: usize) -> Result<Cleaned> {
        clean::clean(&self.root, &self.run, &self.lock, keep).await
    }

    /// Withdraws what was staged and not published, and gives the target back.
    pub async fn close(self) -> Result<()> {
        if self.phase == Phase::Open {
            self.lock.check()?;
            for folder in self.folders(&BTreeSet::new()) {
                sweep::remove_folder(&self.root, &folder).await?;
            }
            journal::remove(&self.root, &self.run).await?;
            journal::unmark(&self.root, &self.run).await?;
            self.steps.reached("withdrawn");
        }
        self.lock.release().await?;
        self.steps.reached("unlocked");
        Ok(())
    }

    /// Journal, decision, commits, record: the order that `docs/design/0002-publication.md` argues.
    async fn go_out(
        &mut self,
        mut tables: Vec<TableRelease>,
        record: RunRecord,
        rollback_of: Option<u64>,
    ) -> Result<Published> {
        if self.phase != Phase::Open {
            return Err(Error::internal("a run publishes once"));
        }
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        let number = self.settle(&mut tables).await?;
        let used = tables.iter().flat_map(|table| &table.files).map(|file| file.path.clone()).collect();
        let release =
            Release { number, run: self.run.clone(), rollback_of, record, format: self.root.format(), tables };
        let journal = Journal { release, discard: self.folders(&used) };
        self.lock.check()?;
        journal::write(&self.root, &journal).await?;
        self.steps.reached("journal written");
        self.phase = Phase::Deciding;
        self.lock.decide(Some(&self.run)).await?;
        self.steps.reached("decided");
        let release = carry_out(&self.root, &self.lock, self.steps.as_ref(), journal).await?;
        self.phase = Phase::Published;
        self.current = Some(release.clone());
        Ok(Published { release })
    }

    /// Says of each table whether it needs a commit, and gives the release its number: above every
    /// release that a record or a table knows of, so that no commit is taken for one of the past.
    async fn settle(&self, tables: &mut [TableRelease]) -> Result<u64> {
        let newest = self.current.as_ref().map_or(0, |release| release.number);
        let standings = self.standings(tables).await?;
        let number = standings.values().map(|standing| standing.release).fold(newest, u64::max) + 1;
        for table in tables.iter_mut().filter(|table| table.change != Change::Carried) {
            let before = self.current.as_ref().and_then(|release| release.table(table.name.as_str()));
            let standing = standings.get(&table.name);
            let untouched = |old: &&TableRelease| {
                standing.is_some_and(|now| now.release == old.since && now.version == old.version)
            };
            match before.filter(|old| old.reads_like(table)).filter(untouched) {
                // Where files got lost, those of this run are what readers need.
                Some(old) if altered(&self.root, old).await?.is_none() => {
                    table.files.clone_from(&old.files);
                    table.since = old.since;
                    table.version = old.version;
                    table.change = Change::Unchanged;
                }
                _ => {
                    table.since = number;
                    table.version = None;
                    table.change = Change::Committed;
                }
            }
        }
        Ok(number)
    }

    /// What readers see now of the tables that the run wrote.
    async fn standings(&self, tables: &[TableRelease]) -> Result<BTreeMap<TableName, Standing>> {
        let written = tables.iter().filter(|table| table.change != Change::Carried);
        type Look<'a> = BoxFuture<'a, Result<Option<(TableName, Standing)>>>;
        let looks: Vec<Look<'_>> =
            written.map(|table| named_standing(&self.root, table.name.clone()).boxed()).collect();
        let found: Result<Vec<_>> = stream::iter(looks).buffered(AT_ONCE).try_collect().await;
        Ok(found?.into_iter().flatten().collect())
    }

    /// This run's folders in the tables it touched that hold none of the files in `used`.
    fn folders(&self, used: &BTreeSet<String>) -> Vec<String> {
        let touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        let folders = touched.iter().map(|table| run_folder(table.as_str(), &self.run));
        folders.filter(|folder| !used.iter().any(|path| path.starts_with(&format!("{folder}/")))).collect()
    }
}

async fn named_standing(root: &TargetRoot, name: TableName) -> Result<Option<(TableName, Standing)>> {
    let found = standing(root, name.as_str()).await?;
    Ok(found.map(|standing| (name, standing)))
}

fn draft(table: StagedTable, checks: serde_json::Value) -> TableRelease {
    TableRelease {
        name: table.name,
        role: table.role,
        description: table.description,
        grain: table.grain,
        columns: table.columns,
        digest: table.digest,
        rows: table.rows,
        files: table.files,
        change: Change::Committed,
        since: 0,
        version: None,
        checks,
    }
}
