//! One Parquet file of a table, written row group by row group into a store.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use object_store::buffered::BufWriter;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves};
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use tokio::io::AsyncWriteExt;

use super::codec::{Codec, hardly_shrinks};
use super::pieces::Pieces;
use super::text_column::TextColumn;
use crate::error::Result;

/// Rows and encoded bytes that a writer gathers before they leave memory.
const GROUP_ROWS: usize = 1 << 20;
const GROUP_BYTES: usize = 64 << 20;

/// A file that is being written.
pub(super) struct TableFile {
    /// Where it lies in the target.
    pub(super) relative: String,
    sink: BufWriter,
    schema: SchemaRef,
    codec: Codec,
    /// Encoded row groups that have not left for the store.
    file: SerializedFileWriter<Pieces>,
    open: Option<Group>,
    /// For each column, how the group before turned out.
    before: Vec<Before>,
}

/// How a column's chunk turned out; the next one is likely to be of its kind.
#[derive(Debug, Clone, Copy, Default)]
struct Before {
    /// It had too many texts for a dictionary.
    is_varied: bool,
    /// Compression spared little of it.
    hardly_shrinks: bool,
}

/// A row group that is being gathered.
struct Group {
    columns: Vec<Column>,
    rows: usize,
}

enum Column {
    Text(Box<TextColumn>),
    Other(Box<ArrowColumnWriter>),
}

impl TableFile {
    /// A file of batches of that schema, flat columns all, compressed by `codec`.
    pub(super) fn begin(
        relative: String,
        sink: BufWriter,
        schema: &SchemaRef,
        codec: Codec,
        properties: WriterProperties,
    ) -> Result<Self> {
        let properties = properties.into_builder().set_compression(codec.parquet()).build();
        // The embedded schema is the contract's and not the stream's: a reader should meet plain
        // text, whichever encoding the rows came in.
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(Pieces::default(), Arc::clone(schema), options)?;
        let (file, _) = writer.into_serialized_writer()?;
        let before = vec![Before::default(); schema.fields().len()];
        Ok(Self { relative, sink, schema: Arc::clone(schema), codec, file, open: None, before })
    }

    /// Adds rows.
    pub(super) async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut start = 0;
        while start < batch.num_rows() {
            let mut group = match self.open.take() {
                Some(group) => group,
                None => self.group()?,
            };
            let rows = (GROUP_ROWS - group.rows).min(batch.num_rows() - start);
            group.write(&self.schema, &batch.slice(start, rows))?;
            start += rows;
            if group.rows >= GROUP_ROWS || group.bytes() >= GROUP_BYTES {
                self.end_group(group).await?;
            } else {
                self.open = Some(group);
            }
        }
        Ok(())
    }

    /// Bytes of all row groups that are finished.
    pub(super) fn bytes_written(&self) -> usize {
        self.file.bytes_written()
    }

    /// Writes what is left and the footer.
    pub(super) async fn finish(&mut self) -> Result<ParquetMetaData> {
        if let Some(group) = self.open.take() {
            self.end_group(group).await?;
        }
        let metadata = self.file.finish()?;
        self.send().await?;
        self.sink.shutdown().await?;
        Ok(metadata)
    }

    /// Gives up the file and what was sent of it.
    pub(super) async fn abort(mut self) {
        // Where that fails, or the file was being finished already, the store keeps parts that no
        // listing shows; its own rule for unfinished uploads removes them.
        let _ = self.sink.abort().await;
    }

    fn group(&mut self) -> Result<Group> {
        let descriptors = self.file.schema_descr().columns().to_vec();
        let fields = self.schema.fields().iter().zip(&self.before).zip(descriptors).zip(self.writers()?);
        let columns = fields.map(|(((field, before), descriptor), writer)| {
            Ok(if TextColumn::takes(field.data_type()) {
                let codec = (!before.hardly_shrinks).then_some(self.codec);
                Column::Text(Box::new(TextColumn::new(descriptor, codec, before.is_varied)?))
            } else {
                Column::Other(Box::new(writer))
            })
        });
        Ok(Group { columns: columns.collect::<Result<_>>()?, rows: 0 })
    }

    /// The library's writers of a group's columns.
    fn writers(&self) -> Result<Vec<ArrowColumnWriter>> {
        let schema = self.file.schema_descr();
        let mut properties = WriterProperties::clone(self.file.properties()).into_builder();
        for (column, _) in schema.columns().iter().zip(&self.before).filter(|(_, before)| before.hardly_shrinks) {
            properties = properties.set_column_compression(column.path().clone(), Compression::UNCOMPRESSED);
        }
        // The library has one codec a column and file: a file that is never written lends those of this group.
        let properties = Arc::new(properties.build());
        let lender = SerializedFileWriter::new(std::io::sink(), schema.root_schema_ptr(), properties)?;
        Ok(ArrowRowGroupWriterFactory::new(&lender, Arc::clone(&self.schema)).create_column_writers(0)?)
    }

    async fn end_group(&mut self, group: Group) -> Result<()> {
        let mut file = self.file.next_row_group()?;
        for (column, before) in group.columns.into_iter().zip(&mut self.before) {
            match column {
                Column::Other(writer) => writer.close()?.append_to_row_group(&mut file)?,
                Column::Text(writer) => {
                    before.is_varied = writer.is_varied();
                    let (chunk, close) = writer.close()?;
                    file.append_column(&chunk, close)?;
                }
            }
        }
        let written = file.close()?;
        for (chunk, before) in written.columns().iter().zip(&mut self.before) {
            before.hardly_shrinks = hardly_shrinks(chunk.compressed_size(), chunk.uncompressed_size());
        }
        self.send().await
    }

    async fn send(&mut self) -> Result<()> {
        for piece in std::mem::take(self.file.inner_mut()).into_bytes() {
            self.sink.put(piece).await?;
        }
        Ok(())
    }
}

impl Group {
    fn write(&mut self, schema: &SchemaRef, batch: &RecordBatch) -> Result<()> {
        for ((column, field), array) in self.columns.iter_mut().zip(schema.fields()).zip(batch.columns()) {
            match column {
                Column::Text(writer) => writer.write(array)?,
                Column::Other(writer) => {
                    for leaf in compute_leaves(field, array)? {
                        writer.write(&leaf)?;
                    }
                }
            }
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    fn bytes(&self) -> usize {
        let bytes = |column: &Column| match column {
            Column::Text(writer) => writer.bytes(),
            Column::Other(writer) => writer.get_estimated_total_bytes(),
        };
        self.columns.iter().map(bytes).sum()
    }
}

#[cfg(test)]
mod tests;
