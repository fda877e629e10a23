//! Small objects: read, replaced, created and removed, with the outcomes that the protocol tells apart.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::root::TargetRoot;
use crate::error::{Context, Error, Result};

/// How often a conditional replacement is tried again after another writer was faster.
const REPLACE_ATTEMPTS: usize = 8;

/// How a conditional put ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Put {
    /// The object now holds what was put; later updates name this version.
    Done(UpdateVersion),
    /// Another writer was faster; the object holds something else.
    Refused,
}

/// An object's content and the version that a conditional put names.
pub(super) async fn read(root: &TargetRoot, relative: &str) -> Result<Option<(Bytes, UpdateVersion)>> {
    let got = match root.store().get(&root.path(relative)).await {
        Err(StoreError::NotFound { .. }) => return Ok(None),
        other => other.while_doing(|| format!("reading `{relative}`"))?,
    };
    let version = UpdateVersion { e_tag: got.meta.e_tag.clone(), version: got.meta.version.clone() };
    let bytes = got.bytes().await.while_doing(|| format!("reading `{relative}`"))?;
    Ok(Some((bytes, version)))
}

/// How long an object is, where there is one.
pub(super) async fn bytes(root: &TargetRoot, relative: &str) -> Result<Option<u64>> {
    match root.store().head(&root.path(relative)).await {
        Ok(found) => Ok(Some(found.size)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(Error::from(error).while_doing(format!("looking at `{relative}`"))),
    }
}

/// A JSON object, where there is one.
pub(super) async fn read_json<T: DeserializeOwned>(root: &TargetRoot, relative: &str) -> Result<Option<T>> {
    let Some((bytes, _)) = read(root, relative).await? else { return Ok(None) };
    parse(relative, &bytes).map(Some)
}

/// Reads JSON that this program once wrote.
pub(super) fn parse<T: DeserializeOwned>(relative: &str, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        Error::world(format!("`{relative}` is not what this version of Marquetry wrote"))
            .with_hint("a newer version may have written it, or it was edited by hand")
            .with_source(error)
    })
}

/// JSON text, indented for people, with a line feed at its end.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<Bytes> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|error| Error::internal("a record cannot be written as JSON").with_source(error))?;
    text.push(b'\n');
    Ok(text.into())
}

/// Writes an object, whatever stood there.
pub(super) async fn write(root: &TargetRoot, relative: &str, bytes: Bytes) -> Result<()> {
    root.store()
        .put(&root.path(relative), PutPayload::from_bytes(bytes))
        .await
        .while_doing(|| format!("writing `{relative}`"))?;
    Ok(())
}

/// Puts on a condition. A put whose answer was lost and that was sent again meets its own object:
/// what stands there is read back before it counts as refused.
pub(super) async fn put_if(root: &TargetRoot, relative: &str, bytes: Bytes, mode: PutMode) -> Result<Put> {
    let path = root.path(relative);
    let options = PutOptions { mode, ..PutOptions::default() };
    match root.store().put_opts(&path, PutPayload::from_bytes(bytes.clone()), options).await {
        Ok(done) => Ok(Put::Done(done.into())),
        Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. } | StoreError::NotFound { .. }) => {
            match read(root, relative).await? {
                Some((there, version)) if there == bytes => Ok(Put::Done(version)),
                _ => Ok(Put::Refused),
            }
        }
        Err(error @ (StoreError::NotImplemented { .. } | StoreError::NotSupported { .. })) => {
            Err(Error::from(error).while_doing(format!("writing `{relative}`")).with_hint(
                "the store must support conditional writes (`If-None-Match` and `If-Match`); without them two runs could mix their tables",
            ))
        }
        Err(error) => Err(Error::from(error).while_doing(format!("writing `{relative}`"))),
    }
}

/// Replaces an object by what `next` makes of its content, on condition that it has not changed in
/// between; `None` leaves it. Where the file system lock excludes other writers, no condition is needed.
pub(super) async fn replace(
    root: &TargetRoot,
    relative: &str,
    next: impl Fn(Option<&[u8]>) -> Result<Option<Bytes>>,
) -> Result<()> {
    for _ in 0..REPLACE_ATTEMPTS {
        let there = read(root, relative).await?;
        let Some(bytes) = next(there.as_ref().map(|(bytes, _)| bytes.as_ref()))? else { return Ok(()) };
        let mode = match there {
            _ if root.folder().is_some() => PutMode::Overwrite,
            Some((_, version)) => PutMode::Update(version),
            None => PutMode::Create,
        };
        if let Put::Done(_) = put_if(root, relative, bytes, mode).await? {
            return Ok(());
        }
    }
    Err(Error::world(format!("`{relative}` is being replaced by another writer again and again")))
}

/// Removes objects, many a request where the store can; those that are not there count as removed.
pub(super) async fn remove(root: &TargetRoot, paths: Vec<Path>) -> Result<()> {
    let paths = futures::stream::iter(paths.into_iter().map(Ok)).boxed();
    let mut removed = root.store().delete_stream(paths);
    while let Some(one) = removed.next().await {
        match one {
            Ok(_) | Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(Error::from(error).while_doing("removing files")),
        }
    }
    Ok(())
}

/// Every object beneath a folder, by path.
pub(super) async fn list(root: &TargetRoot, relative: &str) -> Result<Vec<Path>> {
    let mut paths: Vec<Path> = root
        .store()
        .list(Some(&root.path(relative)))
        .map(|found| found.map(|meta| meta.location))
        .try_collect()
        .await
        .while_doing(|| format!("listing `{relative}`"))?;
    paths.sort();
    Ok(paths)
}

/// The names of the folders right beneath a folder, in order.
pub(super) async fn folders(root: &TargetRoot, relative: &str) -> Result<Vec<String>> {
    let found = root
        .store()
        .list_with_delimiter(Some(&root.path(relative)))
        .await
        .while_doing(|| format!("listing `{relative}`"))?;
    let mut names: Vec<String> =
        found.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_string)).collect();
    names.sort();
    Ok(names)
}

/// Whether anything lies beneath a folder.
pub(super) async fn any(root: &TargetRoot, relative: &str) -> Result<bool> {
    let mut found = root.store().list(Some(&root.path(relative)));
    match found.next().await {
        None => Ok(false),
        Some(first) => first.map(|_| true).while_doing(|| format!("listing `{relative}`")),
    }
}
