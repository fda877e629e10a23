//! A file system whose writes outlast a loss of power.
//!
//! The store's own driver renames a file into place and leaves it to the system when its bytes and
//! its name reach the disk. A target cannot: the order in which things are on disk is what the
//! commit protocol stands on. Here a put returns once the bytes, the name and the folders that were
//! made for it are there. Ranges are read here too: the driver fills a buffer with zeros first, one byte
//! after the other where it is built without optimisation.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// The file system of this machine, from its root on.
#[derive(Debug, Default)]
pub struct DurableFiles {
    inner: LocalFileSystem,
}

impl fmt::Display for DurableFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for DurableFiles {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let create = match options.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => return self.inner.put_opts(location, payload, options).await,
        };
        let path = self.inner.path_to_filesystem(location)?;
        blocking(move || match put(&path, &payload, create) {
            Err(source) if create && source.kind() == ErrorKind::AlreadyExists => {
                Err(Error::AlreadyExists { path: path.display().to_string(), source: source.into() })
            }
            done => done.map_err(failed),
        })
        .await?;
        let meta = self.inner.head(location).await?;
        Ok(PutResult { e_tag: meta.e_tag, version: meta.version })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let path = self.inner.path_to_filesystem(location)?;
        let changed = changed_folders(&path);
        let inner = self.inner.put_multipart_opts(location, options).await?;
        Ok(Box::new(DurableUpload { inner, path, changed }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let path = self.inner.path_to_filesystem(location)?;
        let ranges = ranges.to_vec();
        blocking(move || {
            let file = File::open(&path).map_err(|source| match source.kind() {
                ErrorKind::NotFound => Error::NotFound { path: path.display().to_string(), source: source.into() },
                _ => failed(source),
            })?;
            ranges.into_iter().map(|range| read_range(&file, range).map_err(failed)).collect()
        })
        .await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A file in several parts. Nobody reads it before a later put names it, so that its bytes may
/// reach the disk after its name.
#[derive(Debug)]
struct DurableUpload {
    inner: Box<dyn MultipartUpload>,
    path: PathBuf,
    changed: Vec<PathBuf>,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let done = self.inner.complete().await?;
        let (path, changed) = (self.path.clone(), std::mem::take(&mut self.changed));
        blocking(move || {
            File::open(path).and_then(|file| file.sync_all()).and_then(|()| sync(&changed)).map_err(failed)
        })
        .await?;
        Ok(done)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

/// Writes a file beside its place, brings it to disk, and only then gives it its name: a reader, or
/// a machine that comes up again, sees all of it or nothing.
fn put(path: &FilePath, payload: &PutPayload, create: bool) -> io::Result<()> {
    let changed = changed_folders(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let (mut file, beside) = new_file_beside(path)?;
    let written = payload.iter().try_for_each(|part| file.write_all(part)).and_then(|()| file.sync_all());
    drop(file);
    let named = written.and_then(|()| if create { fs::hard_link(&beside, path) } else { fs::rename(&beside, path) });
    if create || named.is_err() {
        // Where it cannot be removed, a cleaning of the target finds it.
        let _ = fs::remove_file(&beside);
    }
    named.and_then(|()| sync(&changed))
}

fn read_range(mut file: &File, range: Range<u64>) -> io::Result<Bytes> {
    let wanted = range.end.saturating_sub(range.start);
    let mut bytes = Vec::with_capacity(usize::try_from(wanted).map_err(io::Error::other)?);
    file.seek(SeekFrom::Start(range.start))?;
    file.take(wanted).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < wanted {
        let found = bytes.len();
        let short = format!("the file ends {found} bytes after {}, and {wanted} were wanted", range.start);
        return Err(io::Error::new(ErrorKind::UnexpectedEof, short));
    }
    Ok(bytes.into())
}

/// A new file next to `path`, under a name that listings of the store pass over.
fn new_file_beside(path: &FilePath) -> io::Result<(File, PathBuf)> {
    let mut number = 1_u32;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("#{number}"));
        let beside = PathBuf::from(name);
        match OpenOptions::new().write(true).create_new(true).open(&beside) {
            Ok(file) => return Ok((file, beside)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < u32::MAX => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// The folders that a new file at `path` changes: its own, and those above it up to the first that
/// is there already.
fn changed_folders(path: &FilePath) -> Vec<PathBuf> {
    let above: Vec<&FilePath> = path.ancestors().skip(1).collect();
    let known = above.iter().position(|folder| folder.is_dir()).map_or(above.len(), |at| at + 1);
    above.into_iter().take(known).map(FilePath::to_path_buf).collect()
}

fn sync(folders: &[PathBuf]) -> io::Result<()> {
    for folder in folders {
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            // Some file systems cannot be asked about folders; then nothing more can be done.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {}
            done => done?,
        }
    }
    Ok(())
}

fn failed(source: io::Error) -> Error {
    Error::Generic { store: "LocalFileSystem", source: Box::new(source) }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Error::Generic { store: "LocalFileSystem", source: Arc::new(error).into() }))
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;
    use object_store::{PutMode, WriteMultipart};

    use super::*;

    #[tokio::test]
    async fn puts_are_whole_conditional_and_leave_nothing_beside_them() {
        let dir = tempfile::tempdir().unwrap();
        let root = Path::from_absolute_path(dir.path()).unwrap();
        let store = DurableFiles::default();
        let path = root.clone().join("a").join("b").join("c.json");
        let create = || PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        store.put_opts(&path, "one".into(), create()).await.unwrap();
        let refused = store.put_opts(&path, "two".into(), create()).await.unwrap_err();
        assert!(matches!(refused, Error::AlreadyExists { .. }), "{refused}");
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "one");
        let done = store.put(&path, "three".into()).await.unwrap();
        assert_eq!(done.e_tag, store.head(&path).await.unwrap().e_tag);
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "three");
        let large = root.clone().join("d").join("large");
        let mut upload = WriteMultipart::new(store.put_multipart(&large).await.unwrap());
        upload.write(&[7; 6 << 20]);
        upload.finish().await.unwrap();
        assert_eq!(store.head(&large).await.unwrap().size, 6 << 20);
        let listed: Vec<ObjectMeta> = store.list(Some(&root)).try_collect().await.unwrap();
        assert_eq!(listed.len(), 2);
        let beside = fs::read_dir(dir.path().join("a/b")).unwrap().count();
        assert_eq!(beside, 1, "a file was left beside its place");
    }

    #[tokio::test]
    async fn ranges_are_read_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "0123456789").unwrap();
        let path = |name: &str| Path::from_absolute_path(dir.path()).unwrap().join(name);
        let store = DurableFiles::default();
        assert_eq!(store.get_ranges(&path("file"), &[7..10, 0..0, 2..4]).await.unwrap(), ["789", "", "23"]);
        let short = store.get_ranges(&path("file"), &[0..2, 8..11]).await.unwrap_err().to_string();
        assert!(short.contains("the file ends 2 bytes after 8, and 3 were wanted"), "{short}");
        assert!(matches!(store.get_ranges(&path("none"), &[0..1, 1..2]).await, Err(Error::NotFound { .. })));
    }

    #[test]
    fn a_file_changes_its_folder_and_those_made_for_it() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        let folders = |path: &str| changed_folders(&dir.path().join(path));
        assert_eq!(folders("a/x"), [dir.path().join("a")]);
        assert_eq!(folders("a/b/c/x"), ["a/b/c", "a/b", "a"].map(|below| dir.path().join(below)));
    }

    #[tokio::test]
    async fn a_place_that_cannot_be_written_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let path = Path::from_absolute_path(dir.path()).unwrap().join("file").join("below");
        assert!(DurableFiles::default().put(&path, "x".into()).await.is_err());
    }
}
