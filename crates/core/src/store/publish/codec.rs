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
}

/// Whether compression spares so little of a column's texts, or of its chunk before, that they do without it: less
/// than a fifth. Ids drawn at random and packed keys are such; to compress them costs more than to read what it spares.
pub(super) fn hardly_shrinks(compressed: i64, uncompressed: i64) -> bool {
    compressed.saturating_mul(5) > uncompressed.saturating_mul(4)
}

/// Compresses the pages of a chunk; it keeps its working memory from one to the next.
pub(super) enum Compressor {
    /// Leaves pages as they are.
    None,
    Zstd(zstd::bulk::Compressor<'static>),
    Snappy(Box<snap::raw::Encoder>),
}

impl Compressor {
    /// By that codec; by none, a chunk's pages stay as they are.
    pub(super) fn new(codec: Option<Codec>) -> Result<Self> {
        Ok(match codec {
            None => Self::None,
            Some(Codec::Zstd) => Self::Zstd(zstd::bulk::Compressor::new(LEVEL).map_err(broken)?),
            Some(Codec::Snappy) => Self::Snappy(Box::new(snap::raw::Encoder::new())),
        })
    }

    /// How a file's footer names it.
    pub(super) fn parquet(&self) -> Compression {
        match self {
            Self::None => Compression::UNCOMPRESSED,
            Self::Zstd(_) => Codec::Zstd.parquet(),
            Self::Snappy(_) => Codec::Snappy.parquet(),
        }
    }

    /// A page, compressed.
    pub(super) fn compress(&mut self, page: Vec<u8>) -> Result<Vec<u8>> {
        match self {
            Self::None => Ok(page),
            Self::Zstd(zstd) => zstd.compress(&page).map_err(broken),
            Self::Snappy(snappy) => snappy.compress_vec(&page).map_err(broken),
        }
    }
}

fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal("a page could not be compressed").with_source(error)
}
