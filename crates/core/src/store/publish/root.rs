//! Where a target's tables lie, and where each thing lies beneath that root.

use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use url::Url;

use super::codec::Codec;
use crate::error::{Error, Result};

/// The folder of locks, journals and releases, beside the tables.
pub const CONTROL: &str = "_marquetry";

/// How a target's tables are laid out for readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A Delta Lake table each, reader 1 and writer 2.
    #[default]
    Delta,
    /// Immutable Parquet files and one manifest that lists those that count.
    Parquet,
}

impl Format {
    /// The word that the project file and the records use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delta => "delta",
            Self::Parquet => "parquet",
        }
    }
}

/// The place under which all tables of a target lie.
#[derive(Debug, Clone)]
pub struct TargetRoot {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    url: Url,
    format: Format,
    codec: Codec,
}

impl TargetRoot {
    /// `store` is rooted where its URLs are (a bucket, or `/` of the file system), `prefix` is the
    /// root's path in it, and `url` the same place as readers name it.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: Path, mut url: Url, format: Format) -> Self {
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Self { store, prefix, url, format, codec: Codec::default() }
    }

    /// The same place, its new files compressed so.
    pub fn with_codec(self, codec: Codec) -> Self {
        Self { codec, ..self }
    }

    /// How new files are compressed.
    pub(super) fn codec(&self) -> Codec {
        self.codec
    }

    /// How the tables are laid out.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The root as readers name it; ends with a slash.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The store, rooted where its URLs are.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The path in the store of what lies at `relative` beneath the root.
    pub(super) fn path(&self, relative: &str) -> Path {
        relative.split('/').filter(|part| !part.is_empty()).fold(self.prefix.clone(), |path, part| path.join(part))
    }

    /// The path beneath the root of what lies at `path` in the store.
    pub(super) fn relative(&self, path: &Path) -> Option<String> {
        let parts: Vec<_> = path.prefix_match(&self.prefix)?.map(|part| part.as_ref().to_string()).collect();
        Some(parts.join("/"))
    }

    /// The URL of what lies at `relative` beneath the root.
    pub fn url_of(&self, relative: &str) -> Result<Url> {
        self.url.join(relative).map_err(|error| Error::internal(format!("no URL for `{relative}`")).with_source(error))
    }

    /// The root as a folder, where it lies on this machine's file system.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        (self.url.scheme() == "file").then(|| self.url.to_file_path().ok()).flatten()
    }
}

/// The folder, beneath the root, of the files that a run writes for a table.
pub(super) fn run_folder(table: &str, run: &str) -> String {
    format!("{table}/run-{run}")
}

/// The run whose folder a path beneath the root lies in, where it is one of ours.
pub(super) fn run_of(relative: &str) -> Option<&str> {
    relative.split('/').nth(1)?.strip_prefix("run-")
}
