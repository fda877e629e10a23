//! What one Parquet file says of itself in its footer.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{cast, max, min};
use arrow::datatypes::{DataType, Schema, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::error::DataFusionError;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use indexmap::IndexMap;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};

use super::Location;
use super::pattern;
use crate::error::Error;

/// A column of one file.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) ty: DataType,
    /// How many NULLs, where every row group says so.
    pub(super) nulls: Option<u64>,
}

/// One file: what it is called, how many rows it has and of what.
#[derive(Debug, Clone)]
pub(super) struct Footer {
    pub(super) meta: ObjectMeta,
    /// Path below the source's location.
    pub(super) path: String,
    pub(super) rows: u64,
    pub(super) columns: IndexMap<String, Found>,
    /// Key and value of every folder `key=value` on the way to it.
    pub(super) partitions: Vec<(String, Option<String>)>,
    pub(super) metadata: Option<Arc<ParquetMetaData>>,
    pub(super) schema: Arc<Schema>,
}

/// Why a footer was not read: the store failed, or the file is not one.
pub(super) enum Unread {
    Store(Error),
    NotParquet { path: String, why: String },
}

/// Bytes fetched from a file's end at first: most footers fit, and a second request is saved.
const FOOTER_GUESS: usize = 64 * 1024;

/// Reads the footer of one file and leaves it in the cache for the scan.
pub(super) async fn read(
    location: &Location,
    meta: ObjectMeta,
    path: String,
    cache: &Arc<FileMetadataCache>,
) -> Result<Footer, Unread> {
    let not_parquet = |why: String| Unread::NotParquet { path: location.show(&meta.location), why };
    if meta.size == 0 {
        return Err(not_parquet("it is empty".to_string()));
    }
    let store = location.store();
    let failed = |error: &object_store::Error| {
        Unread::Store(location.error(format!("reading `{}`", location.show(&meta.location)), error))
    };
    if let Some(why) = wrong_ends(store.as_ref(), &meta).await.map_err(|error| failed(&error))? {
        return Err(not_parquet(why));
    }
    let read = DFParquetMetadata::new(store.as_ref(), &meta)
        .with_metadata_size_hint(Some(FOOTER_GUESS.min(usize::try_from(meta.size).unwrap_or(FOOTER_GUESS))))
        .with_file_metadata_cache(Some(Arc::clone(cache)))
        .with_page_index_policy(Some(PageIndexPolicy::Skip))
        .fetch_metadata()
        .await;
    let metadata = read.map_err(|error| match error.find_root() {
        DataFusionError::ObjectStore(error) => failed(error),
        _ => not_parquet("its footer is damaged".to_string()),
    })?;
    let file = metadata.file_metadata();
    let schema = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata())
        .map_err(|_| not_parquet("its footer describes columns of types that cannot be read".to_string()))?;
    let columns = schema
        .fields()
        .iter()
        .map(|field| {
            let found = Found { ty: field.data_type().clone(), nulls: nulls(&metadata, field.name()) };
            (field.name().clone(), found)
        })
        .collect();
    let rows = u64::try_from(file.num_rows()).unwrap_or_default();
    let partitions = pattern::partitions(&path);
    Ok(Footer { meta, path, rows, columns, partitions, metadata: Some(metadata), schema: Arc::new(schema) })
}

/// The bytes with which every Parquet file begins and ends.
const MAGIC: &[u8] = b"PAR1";
/// The last of them where the footer is encrypted.
const ENCRYPTED: &[u8] = b"PARE";
/// What stands at the end: the length of the footer, and the magic bytes.
const TAIL_BYTES: u64 = 8;

/// What is wrong with the ends of a file, where they are not those of a Parquet file. Looked at before
/// the reader does: it counts back from the end by the length that stands there, and does not ask
/// whether the file is as long.
async fn wrong_ends(store: &dyn ObjectStore, meta: &ObjectMeta) -> object_store::Result<Option<String>> {
    if meta.size < TAIL_BYTES + MAGIC.len() as u64 {
        return Ok(Some(format!("with {} bytes it is too short to be one", meta.size)));
    }
    let tail = store.get_range(&meta.location, meta.size - TAIL_BYTES..meta.size).await?;
    let (length, magic) = tail.split_at(tail.len().min(4));
    let footer_bytes = length.try_into().map_or(0, u32::from_le_bytes);
    let why = match magic {
        MAGIC if u64::from(footer_bytes) + TAIL_BYTES <= meta.size => return Ok(None),
        MAGIC => format!("its footer is said to have {footer_bytes} bytes, and the whole file has {}", meta.size),
        ENCRYPTED => "its footer is encrypted".to_string(),
        _ if store.get_range(&meta.location, 0..MAGIC.len() as u64).await? == MAGIC => {
            "it begins as a Parquet file and does not end as one, so that its end is missing".to_string()
        }
        _ => "it does not begin and end with `PAR1`, as every Parquet file does".to_string(),
    };
    Ok(Some(why))
}

/// Bounds of a column of instants or days; other columns have none.
fn instants(bounds: &ArrayRef) -> Option<ArrayRef> {
    let known = matches!(bounds.data_type(), DataType::Timestamp(..) | DataType::Date32 | DataType::Date64);
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    if known { cast(bounds, &micros).ok() } else { None }
}

/// NULLs in a column without nested parts, if every row group counted them.
fn nulls(metadata: &ParquetMetaData, name: &str) -> Option<u64> {
    let descriptor = metadata.file_metadata().schema_descr();
    let leaf =
        descriptor.columns().iter().position(|column| matches!(column.path().parts(), [only] if only == name))?;
    metadata.row_groups().iter().map(|group| group.column(leaf).statistics()?.null_count_opt()).sum()
}

impl Footer {
    /// The latest instant in a column, if the footer says so for every row group that has one.
    pub(super) fn newest(&self, column: &str) -> Option<DateTime<Utc>> {
        let metadata = self.metadata.as_ref()?;
        let descriptor = metadata.file_metadata().schema_descr();
        let converter = StatisticsConverter::try_new(column, &self.schema, descriptor).ok()?;
        let micros = instants(&converter.row_group_maxes(metadata.row_groups()).ok()?)?;
        let newest = max(micros.as_primitive_opt::<TimestampMicrosecondType>()?)?;
        (micros.len() > micros.null_count()).then(|| DateTime::from_timestamp_micros(newest)).flatten()
    }

    /// The first and the last instant or day in a column, if the footer tells both for every row group.
    pub(super) fn ends(&self, column: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let metadata = self.metadata.as_ref()?;
        let descriptor = metadata.file_metadata().schema_descr();
        let converter = StatisticsConverter::try_new(column, &self.schema, descriptor).ok()?;
        let firsts = instants(&converter.row_group_mins(metadata.row_groups()).ok()?)?;
        let lasts = instants(&converter.row_group_maxes(metadata.row_groups()).ok()?)?;
        if firsts.null_count() + lasts.null_count() > 0 {
            return None;
        }
        let first = min(firsts.as_primitive_opt::<TimestampMicrosecondType>()?)?;
        let last = max(lasts.as_primitive_opt::<TimestampMicrosecondType>()?)?;
        DateTime::from_timestamp_micros(first).zip(DateTime::from_timestamp_micros(last))
    }

    #[cfg(test)]
    pub(super) fn of(path: &str, rows: u64, columns: &[(&str, DataType, Option<u64>)]) -> Self {
        let columns: IndexMap<String, Found> = columns
            .iter()
            .map(|(name, ty, nulls)| ((*name).to_string(), Found { ty: ty.clone(), nulls: *nulls }))
            .collect();
        let meta = ObjectMeta {
            location: object_store::path::Path::from(path),
            last_modified: DateTime::UNIX_EPOCH,
            size: 1,
            e_tag: None,
            version: None,
        };
        let partitions = pattern::partitions(path);
        Self {
            meta,
            path: path.to_string(),
            rows,
            columns,
            partitions,
            metadata: None,
            schema: Arc::new(Schema::empty()),
        }
    }
}
