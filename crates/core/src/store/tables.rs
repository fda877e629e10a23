//! Tables of files that we wrote ourselves: staged in this run, or published by an earlier one.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{ColumnStatistics, Result as SqlResult, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl, PartitionedFile,
};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use object_store::path::Path;
use url::Url;

use super::named_source::NamedSource;
use crate::error::{Error, Result};

/// The rows of Parquet files that all have the schema `schema`.
///
/// The store that the URLs name must be registered with the runtime that reads them.
pub fn table_of_files(urls: &[Url], schema: SchemaRef) -> Result<Arc<dyn TableProvider>> {
    let Some(first) = urls.first() else { return Ok(Arc::new(EmptyTable::new(schema))) };
    let root = before_path(first)?;
    let paths: Vec<ListingTableUrl> = urls.iter().map(listed).collect::<Result<_>>()?;
    let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension("");
    let config = ListingTableConfig::new_with_multi_paths(paths).with_listing_options(options).with_schema(schema);
    let rows = Arc::new(ListingTable::try_new(config).map_err(wrong)?);
    Ok(Arc::new(OwnFiles { rows, root }))
}

/// What stands before the path of a file in its store.
fn before_path(url: &Url) -> Result<String> {
    let path = path_of(url)?;
    Ok(url.as_str().strip_suffix(path.as_ref()).unwrap_or_default().trim_start_matches("file://").to_string())
}

/// A table of files that are read with [`NamedSource`].
#[derive(Debug)]
struct OwnFiles {
    rows: Arc<ListingTable>,
    root: String,
}

#[async_trait]
impl TableProvider for OwnFiles {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn table_type(&self) -> TableType {
        self.rows.table_type()
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> SqlResult<Vec<TableProviderFilterPushDown>> {
        self.rows.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> SqlResult<Arc<dyn ExecutionPlan>> {
        let plan = self.rows.scan(state, projection, filters, limit).await?;
        let source = plan.downcast_ref::<DataSourceExec>().map(DataSourceExec::data_source);
        let Some(config) = source.and_then(|source| source.downcast_ref::<FileScanConfig>()) else { return Ok(plan) };
        let source = NamedSource::new(Arc::clone(&config.file_source), &self.root);
        let mut builder = FileScanConfigBuilder::from(config.clone()).with_source(Arc::new(source));
        let schema = self.schema();
        if schema.fields().iter().any(|field| field.data_type().is_floating()) {
            let groups = config.file_groups.iter().map(|group| unbounded_group(group, &schema)).collect();
            builder = builder.with_file_groups(groups).with_statistics(unbounded(&config.statistics(), &schema));
        }
        Ok(DataSourceExec::from_data_source(builder.build()))
    }
}

/// The same statistics without bounds of floating-point columns, which leave out what is no number: see
/// [`NamedSource`].
fn unbounded(statistics: &Statistics, schema: &SchemaRef) -> Statistics {
    let mut statistics = statistics.clone();
    for (field, column) in schema.fields().iter().zip(&mut statistics.column_statistics) {
        if field.data_type().is_floating() {
            *column = ColumnStatistics { null_count: column.null_count, ..ColumnStatistics::new_unknown() };
        }
    }
    statistics
}

fn unbounded_group(group: &FileGroup, schema: &SchemaRef) -> FileGroup {
    let file = |file: &PartitionedFile| {
        let mut file = file.clone();
        file.statistics = file.statistics.map(|statistics| Arc::new(unbounded(&statistics, schema)));
        file
    };
    let files = FileGroup::new(group.iter().map(file).collect());
    match group.file_statistics(None) {
        Some(statistics) => files.with_statistics(Arc::new(unbounded(statistics, schema))),
        None => files,
    }
}

/// Where a file lies in its store, as a scan of [`table_of_files`] names it.
pub fn path_of(url: &Url) -> Result<Path> {
    Ok(listed(url)?.prefix().clone())
}

fn listed(url: &Url) -> Result<ListingTableUrl> {
    ListingTableUrl::parse(url.as_str()).map_err(wrong)
}

fn wrong(error: DataFusionError) -> Error {
    Error::internal("files of ours cannot be read as a table").with_source(error)
}
