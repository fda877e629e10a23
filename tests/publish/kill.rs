//! Runs that are killed, at every step of publication, while a reader polls.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use marquetry::store::publish::{Format, Publication, Silent, Steps, TargetRoot};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};
use tokio::runtime::Runtime;
use url::Url;

use super::world::{Place, TABLES, assert_no_leftovers, checked, quiet_run, record, root, seen};

const URL: &str = "MARQUETRY_TEST_URL";
const ENDPOINT: &str = "MARQUETRY_TEST_ENDPOINT";
const FORMAT: &str = "MARQUETRY_TEST_FORMAT";
const FUSE: &str = "MARQUETRY_TEST_FUSE";

/// Ends the process, as SIGKILL does, when so many things have happened.
#[derive(Debug)]
struct Fuse(AtomicU64);

impl Fuse {
    fn burn(&self) {
        if self.0.fetch_sub(1, Ordering::SeqCst) == 1 {
            kill_this_process();
        }
    }
}

#[allow(unsafe_code, reason = "no safe function of the standard library ends a process without any clean-up")]
fn kill_this_process() {
    // SAFETY: the call takes no pointers; it does not return.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    thread::park();
}

impl Steps for Fuse {
    fn reached(&self, _step: &str) {
        self.burn();
    }
}

/// A store in which the fuse burns before and after everything that changes something.
#[derive(Debug)]
struct FusedStore {
    inner: Arc<dyn ObjectStore>,
    fuse: Arc<Fuse>,
}

impl fmt::Display for FusedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inner)
    }
}

#[async_trait::async_trait]
impl ObjectStore for FusedStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.fuse.burn();
        let put = self.inner.put_opts(path, payload, options).await;
        self.fuse.burn();
        put
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.fuse.burn();
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        // Many removals may be one request, and each one counts once it is done: a run that is killed
        // while it removes has at least removed something.
        self.fuse.burn();
        let fuse = Arc::clone(&self.fuse);
        self.inner.delete_stream(paths).inspect_ok(move |_| fuse.burn()).boxed()
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

/// What a child process does: one run, and a cleaning, until its fuse has burnt down.
#[test]
#[ignore = "only runs as a child of the tests below"]
fn child() {
    let Ok(url) = std::env::var(URL) else { return };
    let format = if std::env::var(FORMAT).unwrap() == "delta" { Format::Delta } else { Format::Parquet };
    let length = std::env::var(FUSE).unwrap().parse().unwrap();
    let fuse = Arc::new(Fuse(AtomicU64::new(length)));
    let root = root(&Url::parse(&url).unwrap(), &std::env::var(ENDPOINT).unwrap(), format, |inner| {
        Arc::new(FusedStore { inner, fuse: Arc::clone(&fuse) })
    });
    Runtime::new().unwrap().block_on(async {
        let id = format!("child-{}-{length}", std::process::id());
        let mut publication = Publication::open(root, &id, fuse).await.unwrap();
        let next = publication.current().map_or(1, |release| release.number as i64 + 1);
        let checked = checked(&publication, next).await.unwrap();
        publication.publish(checked, record(), &Default::default()).await.unwrap();
        publication.clean(2).await.unwrap();
        publication.close().await.unwrap();
    });
}

fn spawn(place: &Place, format: Format, fuse: u64) -> ExitStatus {
    let program: PathBuf = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args(["publish::kill::child", "--exact", "--ignored", "--test-threads=1"])
        .env(URL, place.url().as_str())
        .env(ENDPOINT, place.endpoint())
        .env(FORMAT, format.as_str())
        .env(FUSE, fuse.to_string())
        .output()
        .unwrap();
    let killed = std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(libc::SIGKILL);
    assert!(
        killed || output.status.success(),
        "child with fuse {fuse}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout)
    );
    output.status
}

/// Reads both tables again and again; each must be of one release, whole, and never go back.
fn poll(root: TargetRoot, stop: Arc<AtomicBool>) -> thread::JoinHandle<usize> {
    thread::spawn(move || {
        Runtime::new().unwrap().block_on(async {
            let (mut reads, mut last) = (0, [0; TABLES.len()]);
            while !stop.load(Ordering::Relaxed) {
                for (table, last) in TABLES.iter().zip(&mut last) {
                    // A reader that is slower than two releases may miss a file that was cleaned away;
                    // the checks between two children, when nobody cleans, have no such excuse.
                    let Ok(now) = seen(&root, table).await else { continue };
                    assert!(now.unwrap_or(0) >= *last, "`{table}` went back from {last} to {now:?}");
                    *last = now.unwrap_or(0);
                    reads += 1;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            reads
        })
    })
}

/// Kills runs, one after the other, at a step further each, until one comes through; in between, runs
/// that are killed early, in the midst of bringing to an end what the one before had left.
fn survives(place: &Place, format: Format) {
    let root = place.root(format);
    let stop = Arc::new(AtomicBool::new(false));
    let poller = poll(root.clone(), Arc::clone(&stop));
    let runtime = Runtime::new().unwrap();
    let (mut kills, mut last) = (0, [0; TABLES.len()]);
    for fuse in 1.. {
        let ended = spawn(place, format, fuse);
        for (table, last) in TABLES.iter().zip(&mut last) {
            let now = runtime.block_on(seen(&root, table)).unwrap().unwrap_or(0);
            assert!(now >= *last, "fuse {fuse}: `{table}` went back from {last} to {now}");
            *last = now;
        }
        if ended.success() {
            break;
        }
        kills += 1;
        if fuse % 4 == 0 && !spawn(place, format, 4 + fuse % 23).success() {
            kills += 1;
        }
    }
    stop.store(true, Ordering::Relaxed);
    let reads = poller.join().unwrap();
    runtime.block_on(async {
        quiet_run(&root, "the-last", None).await;
        let [one, two] = [seen(&root, TABLES[0]).await.unwrap(), seen(&root, TABLES[1]).await.unwrap()];
        assert_eq!(one, two, "both tables are of the last release");
        let cleaner = Publication::open(root.clone(), "the-cleaner", Arc::new(Silent)).await.unwrap();
        assert_eq!(cleaner.recovered(), [], "the last run left nothing to do");
        cleaner.clean(1).await.unwrap();
        cleaner.close().await.unwrap();
        assert_no_leftovers(place, &root).await;
    });
    println!("{kills} kills, {reads} reads, release {last:?}");
    assert!(kills >= 50, "only {kills} kills");
    assert!(reads > 0);
}

#[test]
fn delta_on_disk_survives_being_killed_at_every_step() {
    survives(&Place::disk(), Format::Delta);
}

#[test]
fn parquet_on_disk_survives_being_killed_at_every_step() {
    survives(&Place::disk(), Format::Parquet);
}

#[test]
fn delta_on_s3_survives_being_killed_at_every_step() {
    survives(&Place::s3(), Format::Delta);
}

#[test]
fn parquet_on_s3_survives_being_killed_at_every_step() {
    survives(&Place::s3(), Format::Parquet);
}
