//! Removing what no reader can see: the files of a run that was withdrawn.

use std::path::Path as FilePath;

use super::objects;
use super::root::{CONTROL, TargetRoot, run_folder};
use crate::error::{Error, Result};

/// Removes a folder beneath the root with all that lies in it.
pub(super) async fn remove_folder(root: &TargetRoot, relative: &str) -> Result<()> {
    let Some(base) = root.folder() else {
        let paths = objects::list(root, relative).await?;
        return objects::remove(root, paths).await;
    };
    // The file system also holds what no listing shows: folders, and half-written files.
    let folder = base.join(relative);
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::from(error).while_doing(format!("removing `{}`", folder.display())));
        }
        _ => {}
    }
    remove_if_empty(folder.parent());
    Ok(())
}

/// Removes everything that a run has staged, in whichever tables.
pub(super) async fn remove_run(root: &TargetRoot, run: &str) -> Result<()> {
    for table in table_folders(root).await? {
        remove_folder(root, &run_folder(&table, run)).await?;
    }
    Ok(())
}

/// The folders that may hold tables.
pub(super) async fn table_folders(root: &TargetRoot) -> Result<Vec<String>> {
    let mut names = objects::folders(root, "").await?;
    names.retain(|name| name != CONTROL && !name.starts_with(['_', '.']));
    Ok(names)
}

/// A folder without entries says nothing; one with entries stays, and so does one in use.
pub(super) fn remove_if_empty(folder: Option<&FilePath>) {
    if let Some(folder) = folder {
        let _ = std::fs::remove_dir(folder);
    }
}
