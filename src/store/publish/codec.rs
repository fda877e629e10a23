//! How the pages of a table's files are compressed.

use parquet::basic::{Compression, ZstdLevel};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::error::{Error, Result};

/// How hard ZSTD tries; beyond the lowest level, files get little smaller and much slower to write.
const LEVEL: i32 = 1;

/// How table files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// Zstandard at its lowest level: smaller files.
    #[default]
    Zstd,
    /// Snappy: larger files, written with less work.
    Snappy,
}

impl Codec {
    /// As the Parquet library names it.
    pub(super) fn parquet(self) -> Compression {
        match self {
            Self::Zstd => Compression::ZSTD(ZstdLevel::try_new(LEVEL).unwrap_or_default()),
            Self::Snappy => Compression::SNAPPY,
        }
    }

    /// What compresses one page after another.
    pub(super) fn compressor(self) -> Result<Compressor> {
        Ok(match self {
            Self::Zstd => Compressor::Zstd(zstd::bulk::Compressor::new(LEVEL).map_err(broken)?),
            Self::Snappy => Compressor::Snappy(Box::new(snap::raw::Encoder::new())),
        })
    }
}

/// Compresses pages; it keeps its working memory from one to the next.
pub(super) enum Compressor {
    Zstd(zstd::bulk::Compressor<'static>),
    Snappy(Box<snap::raw::Encoder>),
}

impl Compressor {
    /// A page, compressed.
    pub(super) fn compress(&mut self, page: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Zstd(zstd) => zstd.compress(page).map_err(broken),
            Self::Snappy(snappy) => snappy.compress_vec(page).map_err(broken),
        }
    }
}

fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal("a page could not be compressed").with_source(error)
}
