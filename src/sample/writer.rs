//! Parquet files of one table, written row group by row group, with a digest of their bytes.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::columns::Table;
use crate::error::{Context, Error, Result};

/// Rows handed to the Parquet writer at once.
const BATCH_ROWS: usize = 8_192;
/// Rows in a row group: it bounds the memory of a writer.
const GROUP_ROWS: usize = 131_072;

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileFact {
    pub(super) system: &'static str,
    pub(super) table: &'static str,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// BLAKE3 of the file's bytes.
    pub(super) digest: [u8; 32],
}

/// Takes the rows of one table and writes one part of it.
pub(super) struct Sink<T: Table> {
    table: T,
    writer: ArrowWriter<Hashed>,
    rows: u64,
}

impl<T: Table> Sink<T> {
    /// Creates `<out>/<system>/<table>/part-<number>.parquet`.
    pub(super) fn create(out: &Path, part: u64) -> Result<Self> {
        let folder = out.join(T::SYSTEM).join(T::NAME);
        let path = folder.join(format!("part-{part:05}.parquet"));
        let open = || -> Result<ArrowWriter<Hashed>> {
            std::fs::create_dir_all(&folder)?;
            let file = Hashed::new(File::create(&path)?);
            Ok(ArrowWriter::try_new(file, T::schema(), Some(properties()?))?)
        };
        let writer = open().while_doing(|| format!("creating `{}`", path.display()))?;
        Ok(Self { table: T::default(), writer, rows: 0 })
    }

    /// Appends one row.
    pub(super) fn push(&mut self, row: T::Row<'_>) -> Result<()> {
        self.table.push(row);
        if self.table.len() >= BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    /// Writes what is left and closes the file.
    pub(super) fn close(mut self) -> Result<FileFact> {
        self.flush()?;
        let mut file = self.writer.into_inner()?;
        file.flush()?;
        Ok(FileFact {
            system: T::SYSTEM,
            table: T::NAME,
            rows: self.rows,
            bytes: file.bytes,
            digest: *file.hasher.finalize().as_bytes(),
        })
    }

    fn flush(&mut self) -> Result<()> {
        let rows = self.table.len();
        if rows > 0 {
            let batch = RecordBatch::try_new(T::schema(), self.table.finish())
                .map_err(|e| Error::internal("sample rows do not fit their table").with_source(e))?;
            self.writer.write(&batch)?;
            self.rows += rows as u64;
        }
        Ok(())
    }
}

fn properties() -> Result<WriterProperties> {
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        // Without the library's version, so that an upgrade of it changes fewer bytes.
        .set_created_by("marquetry sample".to_owned())
        .build())
}

/// A file that digests and counts what is written to it.
struct Hashed {
    file: BufWriter<File>,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Hashed {
    fn new(file: File) -> Self {
        Self { file: BufWriter::new(file), hasher: blake3::Hasher::new(), bytes: 0 }
    }
}

impl Write for Hashed {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(data)?;
        self.hasher.update(data.get(..written).unwrap_or(data));
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
