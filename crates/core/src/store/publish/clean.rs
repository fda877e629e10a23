//! Removing what was kept for readers of old releases, and whatever else no reader can see.

use std::collections::BTreeSet;
use std::path::{Path as FilePath, PathBuf};

use super::commit::live_files;
use super::lock::{CLOCK, Lock};
use super::objects;
use super::read::altered;
use super::release::{self, Release, release, releases};
use super::root::{CONTROL, TargetRoot, run_of};
use super::sweep;
use crate::error::{Error, Result};

/// What [`clean`] removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Releases that can no longer be read or rolled back to.
    pub releases: Vec<u64>,
    /// Data files, by their paths beneath the root.
    pub files: Vec<String>,
}

/// Forgets all but the newest `keep` releases (at least one), and removes files that neither a
/// kept release nor a table as it stands names. Records go first: a run that is killed between
/// leaves files that the next cleaning finds, and never a release without its files.
///
/// Only folders of runs are touched: what others keep beside the tables is not ours to judge.
pub(super) async fn clean(root: &TargetRoot, run: &str, lock: &Lock, keep: usize) -> Result<Cleaned> {
    let mut cleaned = Cleaned::default();
    let numbers = releases(root).await?;
    let (old, kept) = numbers.split_at(numbers.len().saturating_sub(keep.max(1)));
    let mut used = BTreeSet::new();
    for number in kept {
        used.extend(files(&release(root, *number).await?));
    }
    for number in old {
        lock.check()?;
        release::forget(root, *number).await?;
        cleaned.releases.push(*number);
    }
    for table in sweep::table_folders(root).await? {
        let mut found: Vec<String> =
            objects::list(root, &table).await?.iter().filter_map(|p| root.relative(p)).collect();
        found.retain(|path| run_of(path).is_some_and(|of| of != run));
        if found.is_empty() {
            continue;
        }
        used.extend(live_files(root, &table).await?);
        found.retain(|path| !used.contains(path));
        lock.check()?;
        objects::remove(root, found.iter().map(|path| root.path(path)).collect()).await?;
        cleaned.files.extend(found);
    }
    let mut control = objects::list(root, CONTROL).await?;
    control.retain(|path| path.filename().is_some_and(|name| name.starts_with(CLOCK)));
    objects::remove(root, control).await?;
    if let Some(folder) = root.folder() {
        tidy_folder(&folder, run)?;
    }
    Ok(cleaned)
}

/// An error where a release's files are no longer all there.
pub(super) async fn require_files(root: &TargetRoot, release: &Release) -> Result<()> {
    for table in &release.tables {
        if let Some(file) = altered(root, table).await? {
            return Err(Error::project(format!(
                "release {} cannot be brought back: `{}` is gone, or not as long as it was",
                release.number, file.path
            )));
        }
    }
    Ok(())
}

fn files(release: &Release) -> impl Iterator<Item = String> + '_ {
    release.tables.iter().flat_map(|table| &table.files).map(|file| file.path.clone())
}

/// Removes what a listing of the store does not show on a file system: files that were being
/// written when a process was killed (`name#1`), and folders of runs that are empty.
fn tidy_folder(root: &FilePath, run: &str) -> Result<()> {
    for table in folders(root)? {
        if table.ends_with(CONTROL) {
            remove_unfinished(&table)?;
            for folder in folders(&table)? {
                remove_unfinished(&folder)?;
            }
            continue;
        }
        let parts = folders(&table)?;
        let runs = || parts.iter().filter(|folder| name(folder).starts_with("run-"));
        if runs().next().is_none() {
            continue;
        }
        for folder in runs().filter(|folder| name(folder).strip_prefix("run-") != Some(run)) {
            remove_unfinished(folder)?;
            sweep::remove_if_empty(Some(folder));
        }
        for folder in parts.iter().filter(|folder| name(folder).starts_with('_')) {
            remove_unfinished(folder)?;
        }
        remove_unfinished(&table)?;
    }
    Ok(())
}

/// Removes half-written files whose finished form is there, or that only this run could finish: in
/// a log that others write too, a file that is still on its way to a free name is left alone.
fn remove_unfinished(folder: &FilePath) -> Result<()> {
    let shared = folder.ends_with("_delta_log");
    for path in entries(folder)? {
        let name = name(&path);
        let Some((finished, number)) = name.rsplit_once('#') else { continue };
        let unfinished = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        if path.is_file() && unfinished && (!shared || folder.join(finished).exists()) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn name(path: &FilePath) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn folders(folder: &FilePath) -> Result<Vec<PathBuf>> {
    let mut paths = entries(folder)?;
    paths.retain(|path| path.is_dir());
    Ok(paths)
}

fn entries(folder: &FilePath) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}
