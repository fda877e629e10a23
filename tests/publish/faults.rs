//! A store that fails: what can be tried again is, the rest ends the run with nothing published.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::stream::BoxStream;
use marquetry::error::ErrorKind;
use marquetry::store::publish::{Format, LEASE, Publication, Silent, TargetRoot};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};

use super::world::{Place, TABLES, assert_no_leftovers, quiet_run, root, run, seen};
use crate::support::s3::Fault;

const FAULTS: [(Format, Fault); 4] = [
    (Format::Delta, Fault::Status(500)),
    (Format::Parquet, Fault::Status(503)),
    (Format::Delta, Fault::Reset),
    (Format::Parquet, Fault::Silence(Duration::from_secs(6))),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_passes_is_survived() {
    for fault in [Fault::Status(500), Fault::Status(503)] {
        let place = Place::s3();
        let root = place.root(Format::Delta);
        place.server().set_faults(move |seen| (seen.number % 3 == 1).then_some(fault));
        quiet_run(&root, "one", None).await;
        assert!(place.server().clear_faults() > 30);
        assert_eq!(seen(&root, "people").await.unwrap(), Some(1), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_stays_ends_the_run_with_nothing_published() {
    for (format, fault) in FAULTS {
        let place = Place::s3();
        let root = place.root(format);
        quiet_run(&root, "one", None).await;
        place
            .server()
            .set_faults(move |seen| (seen.method == "PUT" && seen.key.contains("people/run-two/")).then_some(fault));
        let error = run(&root, "two", None, Arc::new(Silent)).await.unwrap_err();
        assert_eq!((error.kind(), error.kind().exit_code()), (ErrorKind::World, 3), "{fault:?}: {error}");
        place.server().clear_faults();
        for table in TABLES {
            assert_eq!(seen(&root, table).await.unwrap(), Some(1), "{fault:?}");
        }
        assert!(place.everything().await.iter().all(|path| !path.contains("two")), "withdrawn at once");
        quiet_run(&root, "three", None).await;
    }
}

/// Every single request that changes something may be the one whose answer is lost, whether it
/// is sent again or not.
#[tokio::test(flavor = "multi_thread")]
async fn whichever_answer_is_lost_tables_are_whole_and_the_next_run_goes_through() {
    for format in [Format::Delta, Format::Parquet] {
        for retried in [true, false] {
            let place = Place::s3();
            let root = if retried { place.root(format) } else { place.root_without_retries(format) };
            let failed = lose_each_answer(&place, &root).await;
            assert_eq!(failed == 0, retried, "{failed} runs failed");
            let last = Publication::open(root.clone(), "last", Arc::new(Silent)).await.unwrap();
            last.clean(1).await.unwrap();
            last.close().await.unwrap();
            assert_no_leftovers(&place, &root).await;
        }
    }
}

/// One run for each answer; returns how many of them failed.
async fn lose_each_answer(place: &Place, root: &TargetRoot) -> usize {
    quiet_run(root, "zero", None).await;
    let mut failed = 0;
    for at in 0.. {
        let before = seen(root, "people").await.unwrap().unwrap();
        let changes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&changes);
        place.server().set_faults(move |seen| {
            let changes_something = !matches!(seen.method.as_str(), "GET" | "HEAD");
            (changes_something && counted.fetch_add(1, Ordering::SeqCst) == at).then_some(Fault::AnswerLost)
        });
        let ran = run(root, &format!("r{at}"), None, Arc::new(Silent)).await;
        place.server().clear_faults();
        if let Err(error) = &ran {
            failed += 1;
            assert!(matches!(error.kind(), ErrorKind::World | ErrorKind::Locked), "change {at}: {error}");
        }
        for table in TABLES {
            let now = seen(root, table).await.unwrap().unwrap();
            assert!(now >= before, "change {at}: `{table}` went back to {now}");
        }
        if changes.load(Ordering::SeqCst) <= at {
            assert!(at > 12, "only {at} changes");
            return failed;
        }
        // Where the register could not be given back it is this process's, and this process lives.
        place.server().advance(LEASE * 2);
    }
    failed
}

/// A disk that is full once `full` is set.
#[derive(Debug)]
struct FullDisk {
    inner: Arc<dyn ObjectStore>,
    full: Arc<AtomicBool>,
}

impl fmt::Display for FullDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inner)
    }
}

#[async_trait::async_trait]
impl ObjectStore for FullDisk {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if self.full.load(Ordering::SeqCst) {
            let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(object_store::Error::Generic { store: "disk", source: Box::new(source) });
        }
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
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

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_ends_the_run_and_the_next_one_tidies_up() {
    let place = Place::disk();
    let full = Arc::new(AtomicBool::new(false));
    let root = root(&place.url(), "", Format::Parquet, |inner| Arc::new(FullDisk { inner, full: Arc::clone(&full) }));
    quiet_run(&root, "one", None).await;
    let mut publication = Publication::open(root.clone(), "two", Arc::new(Silent)).await.unwrap();
    let checked = super::world::checked(&publication, 2).await.unwrap();
    full.store(true, Ordering::SeqCst);
    let error = publication.publish(checked, super::world::record(), &Default::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::World, "{error}");
    assert!(publication.close().await.is_err());
    assert_eq!(seen(&root, "people").await.unwrap(), Some(1));
    full.store(false, Ordering::SeqCst);
    let last = Publication::open(root.clone(), "last", Arc::new(Silent)).await.unwrap();
    last.clean(1).await.unwrap();
    last.close().await.unwrap();
    assert_no_leftovers(&place, &root).await;
}
