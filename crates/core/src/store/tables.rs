//! Tables of files that we wrote ourselves: staged in this run, or published by an earlier one.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::error::DataFusionError;
use object_store::path::Path;
use url::Url;

use crate::error::{Error, Result};

/// The rows of Parquet files that all have the schema `schema`.
///
/// The store that the URLs name must be registered with the runtime that reads them.
pub fn table_of_files(urls: &[Url], schema: SchemaRef) -> Result<Arc<dyn TableProvider>> {
    if urls.is_empty() {
        return Ok(Arc::new(EmptyTable::new(schema)));
    }
    let paths: Vec<ListingTableUrl> = urls.iter().map(listed).collect::<Result<_>>()?;
    let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension("");
    let config = ListingTableConfig::new_with_multi_paths(paths).with_listing_options(options).with_schema(schema);
    Ok(Arc::new(ListingTable::try_new(config).map_err(wrong)?))
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
