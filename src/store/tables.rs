//! Tables of files that we wrote ourselves: staged in this run, or published by an earlier one.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use url::Url;

use crate::error::{Error, Result};

/// The rows of Parquet files that all have the schema `schema`.
///
/// The store that the URLs name must be registered with the runtime that reads them.
pub fn table_of_files(urls: &[Url], schema: SchemaRef) -> Result<Arc<dyn TableProvider>> {
    if urls.is_empty() {
        return Ok(Arc::new(EmptyTable::new(schema)));
    }
    let wrong = |error| Error::internal("files of ours cannot be read as a table").with_source(error);
    let paths: Vec<ListingTableUrl> =
        urls.iter().map(|url| ListingTableUrl::parse(url.as_str())).collect::<Result<_, _>>().map_err(wrong)?;
    let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension("");
    let config = ListingTableConfig::new_with_multi_paths(paths).with_listing_options(options).with_schema(schema);
    Ok(Arc::new(ListingTable::try_new(config).map_err(wrong)?))
}
