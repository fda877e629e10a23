//! Published tables, for readers that want every table of one release: the record names the files,
//! and files never change, so that what is read together belongs together.

use arrow::datatypes::SchemaRef;
use url::Url;

use super::release::{TableRelease, current_release, release};
use super::root::TargetRoot;
use crate::error::{Error, Result};

/// One table of a release, ready to be read.
#[derive(Debug, Clone)]
pub struct PublishedTable {
    /// The release it is read from.
    pub release: u64,
    /// What the release says of it.
    pub table: TableRelease,
    /// The schema of its files, descriptions as field metadata.
    pub schema: SchemaRef,
    /// Its files, in the order in which they hold the rows.
    pub urls: Vec<Url>,
}

/// Every table of a release, or of the current one; in name order.
pub async fn published_tables(root: &TargetRoot, number: Option<u64>) -> Result<Vec<PublishedTable>> {
    let release = match number {
        Some(number) => release(root, number).await?,
        None => current_release(root).await?.ok_or_else(|| {
            Error::project(format!("nothing has been published at `{}` yet", root.url()))
                .with_hint("`marquetry run` publishes")
        })?,
    };
    let mut tables = Vec::new();
    for table in release.tables {
        let urls: Result<Vec<Url>> = table.files.iter().map(|file| root.url_of(&file.path)).collect();
        tables.push(PublishedTable { release: release.number, schema: table.schema()?, urls: urls?, table });
    }
    Ok(tables)
}
