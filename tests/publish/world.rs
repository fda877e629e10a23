//! A target on disk or on S3, two small tables whose every row tells its release, and readers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Decimal128Array, DictionaryArray, Int64Array, TimestampMicrosecondArray};
use arrow::datatypes::{Int32Type, Int64Type, Schema};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, TimeZone, Utc};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use deltalake_core::DeltaTable;
use deltalake_core::logstore::{StorageConfig, default_logstore};
use marquetry::contract::{Column, ColumnType, Contract, Methodology, Role};
use marquetry::error::Result;
use marquetry::store::DurableFiles;
use marquetry::store::publish::{
    Checked, Format, Manifest, OnRefusal, Publication, Published, RunRecord, Silent, Staged, Steps, TargetRoot, Verdict,
};
use marquetry::syntax::{ColumnName, TableName};
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt, RetryConfig};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;
use url::Url;

use crate::support::s3::{BUCKET, Server};

/// The tables that every run here writes.
pub const TABLES: [&str; 2] = ["accounts", "people"];

/// Where a test's target lies.
pub enum Place {
    Disk(TempDir),
    S3(Server),
}

impl Place {
    pub fn disk() -> Self {
        Self::Disk(tempfile::tempdir().unwrap())
    }

    pub fn s3() -> Self {
        Self::S3(Server::start())
    }

    pub fn url(&self) -> Url {
        match self {
            Self::Disk(dir) => Url::from_directory_path(dir.path().canonicalize().unwrap()).unwrap(),
            Self::S3(_) => Url::parse(&format!("s3://{BUCKET}/gold/")).unwrap(),
        }
    }

    pub fn endpoint(&self) -> String {
        match self {
            Self::Disk(_) => String::new(),
            Self::S3(server) => server.endpoint(),
        }
    }

    pub fn root(&self, format: Format) -> TargetRoot {
        root(&self.url(), &self.endpoint(), format, |store| store)
    }

    /// As [`Place::root`], over a store that gives up at the first failure.
    pub fn root_without_retries(&self, format: Format) -> TargetRoot {
        TargetRoot::new(s3_store(&self.endpoint(), 0), Path::from("gold"), self.url(), format)
    }

    pub fn server(&self) -> &Server {
        match self {
            Self::S3(server) => server,
            Self::Disk(_) => panic!("this target is on disk"),
        }
    }

    /// Everything beneath the root that exists, half-written files too.
    pub async fn everything(&self) -> BTreeSet<String> {
        match self {
            Self::S3(server) => server.keys("gold/").iter().map(|key| key["gold/".len()..].to_string()).collect(),
            Self::Disk(dir) => {
                let mut found = BTreeSet::new();
                let mut folders = vec![dir.path().to_path_buf()];
                while let Some(folder) = folders.pop() {
                    for entry in std::fs::read_dir(folder).unwrap() {
                        let path = entry.unwrap().path();
                        if path.is_dir() {
                            folders.push(path);
                        } else {
                            found.insert(path.strip_prefix(dir.path()).unwrap().to_string_lossy().into_owned());
                        }
                    }
                }
                found
            }
        }
    }
}

/// A target root over a store that `wrap` may put something in front of.
pub fn root(
    url: &Url,
    endpoint: &str,
    format: Format,
    wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>,
) -> TargetRoot {
    let prefix = Path::from_url_path(url.path()).unwrap();
    let store = if url.scheme() == "file" { Arc::new(DurableFiles::default()) as _ } else { s3_store(endpoint, 4) };
    TargetRoot::new(wrap(store), prefix, url.clone(), format)
}

fn s3_store(endpoint: &str, max_retries: usize) -> Arc<dyn ObjectStore> {
    let backoff = BackoffConfig { init_backoff: Duration::from_millis(1), ..BackoffConfig::default() };
    let retry = RetryConfig { backoff, max_retries, retry_timeout: Duration::from_secs(5) };
    let store = AmazonS3Builder::new()
        .with_bucket_name(BUCKET)
        .with_endpoint(endpoint)
        .with_region("us-east-1")
        .with_access_key_id("test")
        .with_secret_access_key("test-secret")
        .with_retry(retry)
        .with_client_options(ClientOptions::new().with_allow_http(true).with_timeout(Duration::from_secs(4)))
        .build();
    Arc::new(store.unwrap())
}

pub fn contract(table: &str) -> Contract {
    let column = |name: &str, ty, description: &str| Column::new(ColumnName::new_unchecked(name), ty, description);
    Contract {
        table: TableName::new_unchecked(table),
        role: Role::Main,
        description: format!("The {table}, for tests."),
        grain: vec![ColumnName::new_unchecked("id")],
        columns: vec![
            column("id", ColumnType::BigInt, "Which one.").not_null(),
            column("release", ColumnType::BigInt, "The release that wrote the row.").not_null(),
            column("channel", ColumnType::Text, "Where they came from."),
            column("amount", ColumnType::Decimal(12, 2), "What it cost."),
            column("at", ColumnType::Timestamp, "When."),
        ],
        methodology: Methodology::default(),
    }
}

/// How many rows a release's table has.
pub fn rows_of(release: i64) -> usize {
    30 + release as usize
}

/// A release's rows: dictionaries for text, as plans yield them.
pub fn batch(release: i64) -> RecordBatch {
    let count = rows_of(release) as i64;
    let channels = (0..count).map(|id| ["Paid Search", "Direct"].get(id as usize % 3).copied());
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(0..count)),
        Arc::new(Int64Array::from_iter_values((0..count).map(|_| release))),
        Arc::new(channels.collect::<DictionaryArray<Int32Type>>()),
        Arc::new(
            Decimal128Array::from_iter_values((0..count).map(|id| i128::from(id * 100 + release)))
                .with_precision_and_scale(10, 2)
                .unwrap(),
        ),
        Arc::new(TimestampMicrosecondArray::from_iter_values((0..count).map(|id| id * 1_000_001)).with_timezone("UTC")),
    ];
    let names = ["id", "release", "channel", "amount", "at"];
    RecordBatch::try_from_iter(names.into_iter().zip(arrays)).unwrap()
}

/// `batch` split over partitions, in batches of `size` rows.
pub fn streams(batch: &RecordBatch, partitions: usize, size: usize) -> Vec<SendableRecordBatchStream> {
    let slices: Vec<RecordBatch> =
        (0..batch.num_rows()).step_by(size).map(|at| batch.slice(at, size.min(batch.num_rows() - at))).collect();
    (0..partitions)
        .map(|part| {
            let mine: Vec<_> = slices.iter().skip(part).step_by(partitions).cloned().map(Ok).collect();
            Box::pin(RecordBatchStreamAdapter::new(batch.schema(), futures::stream::iter(mine)))
                as SendableRecordBatchStream
        })
        .collect()
}

pub fn noon(day: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, day, 12, 0, 0).unwrap()
}

pub fn record() -> RunRecord {
    RunRecord {
        started: noon(1),
        finished: noon(2),
        as_of: noon(1),
        project: "0123".into(),
        engine: "0.0.0".into(),
        inputs: vec![],
    }
}

/// Both tables of a release, staged and let through.
pub async fn checked(publication: &Publication, release: i64) -> Result<Checked> {
    let mut tables = Vec::new();
    for table in TABLES {
        tables.push(publication.stage(&contract(table), streams(&batch(release), 2, 8)).await?);
    }
    let verdicts = tables.iter().map(|table| verdict(&table.name, true)).collect();
    Staged::new(tables).accept(verdicts, OnRefusal::Stop)
}

pub fn verdict(table: &TableName, passed: bool) -> Verdict {
    Verdict { table: table.clone(), passed, checks: serde_json::json!([{"check": "not_null", "passed": passed}]) }
}

/// One whole run; the content is that of the release it will have, or of `content`.
pub async fn run(root: &TargetRoot, id: &str, content: Option<i64>, steps: Arc<dyn Steps>) -> Result<Published> {
    let mut publication = Publication::open(root.clone(), id, steps).await?;
    let next = publication.current().map_or(1, |release| release.number as i64 + 1);
    let published = match checked(&publication, content.unwrap_or(next)).await {
        Ok(checked) => publication.publish(checked, record(), &BTreeSet::new()).await,
        Err(error) => Err(error),
    };
    let closed = publication.close().await;
    let published = published?;
    closed?;
    Ok(published)
}

pub async fn quiet_run(root: &TargetRoot, id: &str, content: Option<i64>) -> Published {
    run(root, id, content, Arc::new(Silent)).await.unwrap()
}

/// The release that a table as it stands shows, as an ordinary reader finds it; `None` where there
/// is no table. Panics where rows of two releases are mixed, or some are missing.
pub async fn seen(root: &TargetRoot, table: &str) -> Result<Option<i64>, object_store::Error> {
    let Some(files) = files_seen(root, table).await? else { return Ok(None) };
    let mut rows = 0;
    let mut releases = BTreeSet::new();
    for file in files {
        for batch in read_file(root, &file).await? {
            rows += batch.num_rows();
            releases.extend(batch.column_by_name("release").unwrap().as_primitive::<Int64Type>().values().iter());
        }
    }
    let releases: Vec<i64> = releases.into_iter().collect();
    let [release] = releases[..] else { panic!("`{table}` mixes releases {releases:?}") };
    assert_eq!(rows, rows_of(release), "`{table}` of release {release} has other rows");
    Ok(Some(release))
}

/// The table's files, beneath the root, through its own format.
pub async fn files_seen(root: &TargetRoot, table: &str) -> Result<Option<Vec<String>>, object_store::Error> {
    match root.format() {
        Format::Delta => Ok(delta(root, table).await.map(|delta| {
            let snapshot = delta.snapshot().unwrap();
            snapshot.log_data().iter().map(|file| format!("{table}/{}", file.path())).collect()
        })),
        Format::Parquet => Ok(manifest(root, table)
            .await?
            .map(|manifest| manifest.files.iter().map(|file| format!("{table}/{}", file.path)).collect())),
    }
}

pub async fn manifest(root: &TargetRoot, table: &str) -> Result<Option<Manifest>, object_store::Error> {
    let path = at(root, &format!("{table}/manifest.json"));
    match root.store().get(&path).await {
        Ok(got) => Ok(Some(serde_json::from_slice(&got.bytes().await?).unwrap())),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

pub async fn delta(root: &TargetRoot, table: &str) -> Option<DeltaTable> {
    let url = root.url_of(&format!("{table}/")).unwrap();
    let store = Arc::new(PrefixStore::new(Arc::clone(root.store()), at(root, table)));
    let log = default_logstore(store, Arc::clone(root.store()), &url, &StorageConfig::default());
    let mut delta = DeltaTable::new(log);
    delta.load().await.ok().map(|()| delta)
}

pub async fn read_file(root: &TargetRoot, file: &str) -> Result<Vec<RecordBatch>, object_store::Error> {
    let bytes = root.store().get(&at(root, file)).await?.bytes().await?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    Ok(reader.map(Result::unwrap).collect())
}

pub async fn file_schema(root: &TargetRoot, file: &str) -> Schema {
    let bytes = root.store().get(&at(root, file)).await.unwrap().bytes().await.unwrap();
    ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().schema().as_ref().clone()
}

fn at(root: &TargetRoot, relative: &str) -> Path {
    Path::from_url_path(root.url_of(relative).unwrap().path()).unwrap()
}

/// Everything that a target holds after `clean` with one release kept, and nothing else.
pub async fn assert_no_leftovers(place: &Place, root: &TargetRoot) {
    let release = marquetry::store::publish::current_release(root).await.unwrap().unwrap();
    let mut wanted: BTreeSet<String> =
        release.tables.iter().flat_map(|table| &table.files).map(|file| file.path.clone()).collect();
    wanted.insert("_marquetry/lock.json".into());
    wanted.insert(format!("_marquetry/releases/{:06}.json", release.number));
    if let Place::Disk(_) = place {
        wanted.insert("_marquetry/lock".into());
    }
    if root.format() == Format::Parquet {
        for table in TABLES {
            wanted.insert(format!("{table}/manifest.json"));
            wanted.insert(format!("{table}/_symlink_format_manifest/manifest"));
        }
    }
    let mut there = place.everything().await;
    there.retain(|path| !path.contains("/_delta_log/") || path.contains('#'));
    assert_eq!(there, wanted);
}
