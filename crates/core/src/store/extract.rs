//! Extracts: the Parquet files of a source's table, opened, compared with its contract, and read.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use datafusion::common::stats::Precision;
use datafusion::common::{ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::cache::cache_manager::{CachedFileMetadataEntry, FileMetadataCache};
use datafusion::execution::cache::default_cache::DefaultCache;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};
use serde::Serialize;

use super::Location;
use super::drift::{self, Resolved};
use super::footer::{self, Footer, Unread};
use super::pattern::Pattern;
use super::scan::ExtractTable;
use crate::contract::Column;
use crate::diag::{Diagnostic, Diagnostics, codes};
use crate::error::Result;
use crate::syntax::{SourceTable, TableName};

/// Tables opened at once, and footers read at once for each of them.
const TABLES_AT_ONCE: usize = 8;
const FOOTERS_AT_ONCE: usize = 16;
/// Bytes of footers kept between opening and reading, for each table.
const FOOTERS_KEPT_BYTES: usize = 64 * 1024 * 1024;

/// A table's contract and where its source's extracts lie.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The contract.
    pub table: &'a SourceTable,
    /// The source's location; the contract's path is relative to it.
    pub location: &'a Location,
}

/// One file of an extract, for the record of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileFacts {
    /// Path below the source's location.
    pub path: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// When the store says it was written.
    pub last_modified: DateTime<Utc>,
    /// The store's tag of its content, where it has one.
    pub etag: Option<String>,
    /// Rows, from the footer.
    pub rows: u64,
}

/// An opened extract: its files agree with the contract, and their rows can be read.
#[derive(Debug, Clone)]
pub struct Extract {
    table: TableName,
    footers: Arc<[Footer]>,
    columns: Vec<Column>,
    notes: Vec<String>,
    provider: Arc<ExtractTable>,
}

/// Opens all extracts by their footers alone. Every disagreement with a contract goes to `diags`,
/// for all tables at once and in their order; a table that cannot be read has no extract.
///
/// # Errors
/// Of the kind *world*, where a store could not be asked.
pub async fn open_all(wanted: &[Wanted<'_>], diags: &mut Diagnostics) -> Result<Vec<Option<Extract>>> {
    let opening = wanted.iter().map(|wanted| async {
        let mut found = Diagnostics::default();
        let extract = Extract::open(wanted, &mut found).await;
        (extract, found)
    });
    let opened: Vec<(Result<Option<Extract>>, Diagnostics)> =
        stream::iter(opening.collect::<Vec<_>>()).buffered(TABLES_AT_ONCE).collect().await;
    let mut extracts = Vec::with_capacity(opened.len());
    for (extract, found) in opened {
        diags.extend(found);
        extracts.push(extract?);
    }
    Ok(extracts)
}

impl Extract {
    /// Opens one extract; see [`open_all`].
    pub async fn open(wanted: &Wanted<'_>, diags: &mut Diagnostics) -> Result<Option<Self>> {
        let Wanted { table, location } = wanted;
        let place = table.path.place;
        let pattern = match Pattern::parse(&table.path.value) {
            Ok(pattern) => pattern,
            Err(why) => {
                diags.push(Diagnostic::error(codes::INVALID_VALUE, place, why));
                return Ok(None);
            }
        };
        let listed = list(location, &pattern).await?;
        if listed.is_empty() {
            let message = format!("no file of `{}` is at `{}` in `{location}`", table.table, table.path);
            let hint = "`path` is relative to the place that `sources:` in `marquetry.yml` gives";
            diags.push(Diagnostic::error(codes::NOTHING_THERE, place, message).hint(hint));
            return Ok(None);
        }
        let cache: Arc<FileMetadataCache> =
            Arc::new(DefaultCache::<Path, CachedFileMetadataEntry>::new(FOOTERS_KEPT_BYTES));
        let reading = listed.into_iter().map(|(meta, path)| footer::read(location, meta, path, &cache));
        let read: Vec<Result<Footer, Unread>> =
            stream::iter(reading.collect::<Vec<_>>()).buffered(FOOTERS_AT_ONCE).collect().await;
        let mut footers = Vec::with_capacity(read.len());
        let mut complete = true;
        for read in read {
            match read {
                Ok(footer) => footers.push(footer),
                Err(Unread::Store(error)) => return Err(error),
                Err(Unread::NotParquet { path, why }) => {
                    complete = false;
                    let message = format!("`{path}` of `{}` cannot be read as Parquet: {why}", table.table);
                    let hint = "it may be truncated, or still being written; load it again";
                    diags.push(Diagnostic::error(codes::UNREADABLE_FILE, place, message).hint(hint));
                }
            }
        }
        if footers.is_empty() {
            return Ok(None);
        }
        let resolved = drift::resolve(table, &footers, diags).filter(|_| complete);
        Ok(resolved.map(|resolved| Self::new(table.table.value.clone(), location, footers, resolved, cache)))
    }

    fn new(
        table: TableName,
        location: &Location,
        footers: Vec<Footer>,
        resolved: Resolved,
        cache: Arc<FileMetadataCache>,
    ) -> Self {
        let Resolved { fields, partitions, columns, notes } = resolved;
        let folder_columns: Vec<_> = partitions.iter().cloned().map(Arc::new).collect();
        let schema =
            TableSchema::builder(Arc::new(Schema::new(fields))).with_table_partition_cols(folder_columns).build();
        let files = footers.iter().map(|footer| file(footer, &partitions, schema.file_schema())).collect();
        let rows = footers.iter().map(|footer| usize::try_from(footer.rows).unwrap_or(usize::MAX)).sum();
        let provider = ExtractTable { location: location.clone(), schema, files, rows, footers: cache };
        Self { table, footers: footers.into(), columns, notes, provider: Arc::new(provider) }
    }

    /// The table's name.
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// The rows, with projections and filters pushed into the files. Declared columns have the
    /// contract's type (text as views or dictionaries, instants in UTC microseconds), the others
    /// the one they have in the files.
    pub fn provider(&self) -> Arc<dyn TableProvider> {
        Arc::clone(&self.provider) as Arc<dyn TableProvider>
    }

    /// All columns, declared and not.
    pub fn schema(&self) -> SchemaRef {
        self.provider.schema()
    }

    /// What is known of the declared columns, except nested ones: type as it is read, whether it
    /// may be NULL, description, personal-data class.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// What was taken for granted in reading, each in a sentence.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// How many rows there are, from the footers.
    pub fn rows(&self) -> u64 {
        self.footers.iter().map(|footer| footer.rows).sum()
    }

    /// The files in the order of their paths.
    pub fn files(&self) -> Vec<FileFacts> {
        self.footers
            .iter()
            .map(|footer| FileFacts {
                path: footer.path.clone(),
                size_bytes: footer.meta.size,
                last_modified: footer.meta.last_modified,
                etag: footer.meta.e_tag.clone(),
                rows: footer.rows,
            })
            .collect()
    }

    /// A digest of the files' names, sizes, row counts, times and tags: equal digests mean that
    /// nothing was loaded since.
    pub fn fingerprint(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        for file in self.files() {
            let time = file.last_modified.timestamp_micros();
            let line = format!(
                "{}\0{}\0{}\0{time}\0{}\n",
                file.path,
                file.size_bytes,
                file.rows,
                file.etag.unwrap_or_default()
            );
            hasher.update(line.as_bytes());
        }
        hasher.finalize()
    }

    /// The latest instant or day in a column, from the footers alone; `None` where they do not say.
    pub fn newest(&self, column: &str) -> Option<DateTime<Utc>> {
        let newest = self.footers.iter().filter(|footer| footer.rows > 0).map(|footer| footer.newest(column));
        newest.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// The first and the last instant or day in a column, from the footers alone; `None` where they do not
    /// say for all rows, or there are none.
    pub fn ends(&self, column: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let ends = self.footers.iter().filter(|footer| footer.rows > 0).map(|footer| footer.ends(column));
        let ends = ends.collect::<Option<Vec<_>>>()?;
        ends.into_iter().reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)))
    }

    /// How many NULLs a column has, where the footers say so; a file without it counts in full.
    pub fn nulls(&self, column: &str) -> Option<u64> {
        self.footers
            .iter()
            .map(|footer| footer.columns.get(column).map_or(Some(footer.rows), |found| found.nulls))
            .sum()
    }
}

/// The files that belong to the table with their paths below the location, in the order of these.
async fn list(location: &Location, pattern: &Pattern) -> Result<Vec<(ObjectMeta, String)>> {
    let from = location.path(&pattern.fixed().join("/"))?;
    let asking = || format!("listing `{}`", location.show(&from));
    let mut found = Vec::new();
    if pattern.is_one_file() {
        let path = location.path(&pattern.text())?;
        match location.store().head(&path).await {
            Ok(meta) => found.push((meta, pattern.text())),
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(location.error(format!("looking for `{}`", location.show(&path)), &error)),
        }
        return Ok(found);
    }
    let store = location.store();
    let mut listing = store.list(Some(&from));
    while let Some(meta) = listing.try_next().await.map_err(|error| location.error(asking(), &error))? {
        let below =
            meta.location.as_ref().strip_prefix(location.prefix().as_ref()).map(|path| path.trim_start_matches('/'));
        let Some(path) = below.filter(|path| pattern.matches(path)).map(str::to_string) else { continue };
        found.push((meta, path));
    }
    found.sort_by(|(_, a), (_, b)| a.cmp(b));
    Ok(found)
}

/// A file as the scan wants it: the values of its folders and its row count.
fn file(footer: &Footer, partitions: &[Field], schema: &SchemaRef) -> PartitionedFile {
    let value = |field: &Field| {
        let text =
            footer.partitions.iter().find(|(key, _)| key == field.name()).and_then(|(_, value)| value.as_deref());
        drift::partition_value(text, field.data_type()).unwrap_or(ScalarValue::Null)
    };
    let mut statistics = Statistics::new_unknown(schema);
    statistics.num_rows = Precision::Exact(usize::try_from(footer.rows).unwrap_or(usize::MAX));
    PartitionedFile::new_from_meta(footer.meta.clone())
        .with_partition_values(partitions.iter().map(value).collect())
        .with_statistics(Arc::new(statistics))
}

#[cfg(test)]
#[path = "extract_tests.rs"]
mod tests;
