//! The table that models read: an extract's files, in the types of its contract.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{Result, Statistics, config::TableParquetOptions, project_schema};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;

use super::Location;
use super::exact_cast::ExactCasts;
use super::named_source::NamedSource;

/// An extract's files as a table. The files are those that were there when the extract was opened:
/// one that arrives later is not read by half of the models.
pub(super) struct ExtractTable {
    pub(super) location: Location,
    /// Columns of the files, then those that stand for folders.
    pub(super) schema: TableSchema,
    /// In the order of their paths, with row counts.
    pub(super) files: Vec<PartitionedFile>,
    pub(super) rows: usize,
    /// The footers that were read when the extract was opened. One cache an extract: the engine's
    /// own tells files apart by path alone, and two buckets may have the same paths.
    pub(super) footers: Arc<FileMetadataCache>,
}

impl std::fmt::Debug for ExtractTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ExtractTable({}, {} files)", self.location, self.files.len())
    }
}

impl ExtractTable {
    /// Column statistics stay unknown on purpose: what a footer says of a column need not hold
    /// after the cast to the contract's type.
    fn table_statistics(&self) -> Statistics {
        let mut statistics = Statistics::new_unknown(self.schema.table_schema());
        statistics.num_rows = Precision::Exact(self.rows);
        let bytes: u64 = self.files.iter().map(|file| file.object_meta.size).sum();
        statistics.total_byte_size = Precision::Inexact(usize::try_from(bytes).unwrap_or(usize::MAX));
        statistics
    }

    fn source(&self, state: &dyn Session) -> NamedSource {
        let mut options =
            TableParquetOptions { global: state.config_options().execution.parquet.clone(), ..Default::default() };
        // The old 96-bit timestamps would otherwise overflow outside of 1677–2262.
        options.global.coerce_int96 = Some("us".to_string());
        let readers = CachedParquetFileReaderFactory::new(self.location.store(), Arc::clone(&self.footers));
        let source = ParquetSource::new(self.schema.clone())
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(readers));
        NamedSource::new(Arc::new(source), &self.location.root())
    }
}

#[async_trait]
impl TableProvider for ExtractTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.schema.table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Files, row groups, pages and rows are skipped where a filter allows; what the reader does
    /// not decide is filtered above it.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(self.table_statistics())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if self.files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(project_schema(self.schema.table_schema(), projection)?)));
        }
        self.location.register(state.runtime_env());
        let url = self
            .location
            .object_store_url()
            .map_err(|error| datafusion::error::DataFusionError::External(error.into()))?;
        let groups = FileGroup::new(self.files.clone()).split_files(state.config().target_partitions());
        let config = FileScanConfigBuilder::new(url, Arc::new(self.source(state)))
            .with_file_groups(groups)
            .with_statistics(self.table_statistics())
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .with_expr_adapter(Some(Arc::new(ExactCasts)))
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}
