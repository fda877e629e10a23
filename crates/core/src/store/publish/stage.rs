//! Staging: a table's rows go to files that nobody reads yet, each partition on its own, and are
//! counted, bounded and digested on the way.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use object_store::buffered::BufWriter;
use parquet::arrow::add_encoded_arrow_schema_to_metadata;
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use parquet::file::properties::WriterProperties;
use tokio::sync::watch;
use tokio::task::JoinSet;
use url::Url;

use super::conform::Conform;
use super::digest::{Content, ContentHasher};
use super::release::{ColumnRecord, FileRecord, columns_of};
use super::root::{TargetRoot, run_folder};
use super::stats;
use super::table_file::TableFile;
use crate::contract::{Contract, Role};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::syntax::TableName;

/// A file is closed, and the next one begun, once it has this many bytes.
const FILE_BYTES: usize = 512 << 20;

/// A table whose files are written and which no reader sees.
#[derive(Debug, Clone)]
pub struct StagedTable {
    /// The table.
    pub name: TableName,
    /// Its part among its model's outputs.
    pub role: Role,
    /// What it is for.
    pub description: String,
    /// The columns that identify a row.
    pub grain: Vec<String>,
    /// The columns, in order.
    pub columns: Vec<ColumnRecord>,
    /// The files; at least one, so that a table without rows still has a schema.
    pub files: Vec<FileRecord>,
    /// How many rows.
    pub rows: u64,
    /// Digest of the content; see [`Content::digest`].
    pub digest: String,
    urls: Vec<Url>,
    partitions: Vec<Vec<Url>>,
}

impl StagedTable {
    /// Where the files lie, in the order in which they hold the rows.
    pub fn urls(&self) -> &[Url] {
        &self.urls
    }

    /// The files of each partition that was written, in the order of its rows; a partition without rows
    /// has none.
    pub fn partitions(&self) -> &[Vec<Url>] {
        &self.partitions
    }

    /// The size of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Tells writers to end before their rows do.
pub(super) type Halt = watch::Sender<bool>;

/// Returns once the writers are told to end.
pub(super) async fn halted(halt: &Halt) {
    // Nobody is left to be told where the other side is gone.
    let _ = halt.subscribe().wait_for(|halted| *halted).await.map(|_| ());
}

/// Writes every partition to files of its own, all at once. The writers end together: where one
/// fails, or `halt` says so, the others give up what they have begun before this returns.
pub(super) async fn stage(
    root: &TargetRoot,
    run: &str,
    contract: &Contract,
    partitions: Vec<SendableRecordBatchStream>,
    halt: &Halt,
) -> Result<StagedTable> {
    let folder = run_folder(contract.table.as_str(), run);
    let halts = [halt.clone(), watch::Sender::new(false)];
    let shared =
        Arc::new(Staging { root: root.clone(), run: run.to_string(), contract: contract.clone(), folder, halts });
    let mut tasks = JoinSet::new();
    for (number, stream) in partitions.into_iter().enumerate() {
        let shared = Arc::clone(&shared);
        tasks.spawn(async move { (number, shared.partition(number, stream).await) });
    }
    let mut ended = BTreeMap::new();
    while let Some(joined) = tasks.join_next().await {
        let (number, part) = joined.map_err(|error| Error::internal("a writer stopped short").with_source(error))?;
        if part.is_err() {
            shared.halt();
        }
        ended.insert(number, part);
    }
    let parts: Vec<Option<Part>> = ended.into_values().collect::<Result<_>>()?;
    let parts: Vec<Part> = parts.into_iter().collect::<Option<_>>().ok_or_else(stopped)?;
    let content = parts.iter().fold(Content::default(), |sum, part| sum.plus(part.content));
    let partitions = parts.iter().map(|part| shared.urls(&part.files)).collect::<Result<_>>()?;
    let mut files: Vec<FileRecord> = parts.into_iter().flat_map(|part| part.files).collect();
    if files.is_empty() {
        files.push(shared.empty_file().await?);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    shared.staged(content, files, partitions)
}

/// What a table ends with that was told to; whoever told it knows why.
pub(super) fn stopped() -> Error {
    Error::new(ErrorKind::Interrupted, "the run ended before the table was written")
}

/// What the writers of one table share.
struct Staging {
    root: TargetRoot,
    run: String,
    contract: Contract,
    folder: String,
    /// The run's, and this table's own.
    halts: [Halt; 2],
}

struct Part {
    content: Content,
    files: Vec<FileRecord>,
}

impl Staging {
    /// Tells the other writers of this table to end.
    fn halt(&self) {
        let [_, own] = &self.halts;
        own.send_replace(true);
    }

    /// Writes one partition: a file begins with its first row, and a full one makes way for the next.
    /// `None` where it was told to end before its rows did.
    async fn partition(&self, number: usize, mut stream: SendableRecordBatchStream) -> Result<Option<Part>> {
        let conform = Conform::new(&self.contract, &stream.schema())?;
        let mut hasher = ContentHasher::new(&self.contract.columns);
        let mut files = Vec::new();
        let mut open: Option<TableFile> = None;
        let [run, own] = &self.halts;
        let (mut run, mut own) = (pin!(halted(run)), pin!(halted(own)));
        loop {
            let next = tokio::select! {
                next = stream.next() => next,
                () = &mut run => { abandon(open).await; return Ok(None) }
                () = &mut own => { abandon(open).await; return Ok(None) }
            };
            let Some(batch) = next else { break };
            let batch = match batch.map_err(|error| self.failed(error)).and_then(|batch| conform.batch(&batch)) {
                Ok(batch) if batch.num_rows() == 0 => continue,
                Ok(batch) => batch,
                Err(error) => {
                    abandon(open).await;
                    return Err(error);
                }
            };
            hasher.update(&batch)?;
            let mut file = match open.take() {
                Some(file) => file,
                None => self.begin(number, files.len(), conform.schema())?,
            };
            if let Err(error) = file.write(&batch).await {
                file.abort().await;
                return Err(error).while_doing(|| format!("writing table `{}`", self.contract.table));
            }
            if file.bytes_written() < FILE_BYTES {
                open = Some(file);
            } else {
                files.push(self.finish(file).await?);
            }
        }
        if let Some(file) = open {
            files.push(self.finish(file).await?);
        }
        Ok(Some(Part { content: hasher.finish(), files }))
    }

    /// A file without rows, so that readers of an empty table see its columns.
    async fn empty_file(&self) -> Result<FileRecord> {
        self.finish(self.begin(0, 0, &self.contract.schema().into())?).await
    }

    fn begin(&self, partition: usize, number: usize, schema: &SchemaRef) -> Result<TableFile> {
        let relative = format!("{}/part-{partition:05}-{number:03}.parquet", self.folder);
        let sink = BufWriter::new(Arc::clone(self.root.store()), self.root.path(&relative));
        TableFile::begin(relative, sink, schema, self.root.codec(), self.properties())
    }

    async fn finish(&self, mut file: TableFile) -> Result<FileRecord> {
        let metadata = file.finish().await.while_doing(|| format!("writing table `{}`", self.contract.table))?;
        let bytes = file.bytes_written() as u64;
        self.file_record(file.relative, bytes, &metadata)
    }

    fn file_record(&self, path: String, bytes: u64, metadata: &ParquetMetaData) -> Result<FileRecord> {
        let stats = stats::of_file(metadata, &self.contract.schema().into(), &self.contract.columns)?;
        let rows = metadata.row_groups().iter().map(|group| group.num_rows() as u64).sum();
        Ok(FileRecord { path, bytes, rows, stats })
    }

    fn properties(&self) -> WriterProperties {
        let entry = |key: &str, value: &str| KeyValue::new(format!("marquetry.{key}"), value.to_string());
        let mut properties = WriterProperties::builder()
            // A dictionary of numbers costs more to make than it saves once pages are compressed.
            .set_dictionary_enabled(false)
            .set_key_value_metadata(Some(vec![
                entry("table", self.contract.table.as_str()),
                entry("description", &self.contract.description),
                entry("run", &self.run),
            ]))
            .build();
        add_encoded_arrow_schema_to_metadata(&self.contract.schema(), &mut properties);
        properties
    }

    fn failed(&self, error: DataFusionError) -> Error {
        Error::from(error).while_doing(format!("computing table `{}`", self.contract.table))
    }

    fn urls(&self, files: &[FileRecord]) -> Result<Vec<Url>> {
        files.iter().map(|file| self.root.url_of(&file.path)).collect()
    }

    fn staged(&self, content: Content, files: Vec<FileRecord>, partitions: Vec<Vec<Url>>) -> Result<StagedTable> {
        let urls = self.urls(&files)?;
        Ok(StagedTable {
            name: self.contract.table.clone(),
            role: self.contract.role,
            description: self.contract.description.clone(),
            grain: self.contract.grain.iter().map(ToString::to_string).collect(),
            columns: columns_of(&self.contract),
            rows: content.rows(),
            digest: content.digest(&self.contract.columns),
            files,
            urls,
            partitions,
        })
    }
}

/// Gives up what was written of a file, where one was begun.
async fn abandon(file: Option<TableFile>) {
    if let Some(file) = file {
        file.abort().await;
    }
}
