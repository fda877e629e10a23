//! Columns on disk, for what does not fit into the run's memory.
//!
//! ```text
//! arrays of one type, in turn → chunks of an Arrow IPC file in the folder that operators spill to
//! a column on disk            → chunk by chunk │ a stretch of rows │ single rows
//! ```

use std::fmt;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array, new_empty_array};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use datafusion::execution::TaskContext;
use datafusion::execution::disk_manager::DiskManager;
use datafusion::execution::spill_file::{SpillFile, SpillWriter};

use crate::error::{Error, Result};

/// Rows of a chunk, the least that is read at once.
const CHUNK_ROWS: usize = 8_192;

/// Where columns are put; its files are gone with the last column that is in them.
#[derive(Debug, Clone)]
pub struct Scratch(Arc<DiskManager>);

impl Scratch {
    /// The folder that the operators of a task spill to.
    pub fn of(context: &TaskContext) -> Self {
        Self(Arc::clone(&context.runtime_env().disk_manager))
    }

    /// A column without rows.
    ///
    /// # Errors
    /// World, where there is no room.
    pub fn column(&self, data_type: &DataType) -> Result<ColumnWriter> {
        let schema = Arc::new(Schema::new(vec![Field::new("value", data_type.clone(), true)]));
        let file = self.0.create_tmp_file("putting values aside").map_err(failed)?;
        let to = BufWriter::new(file.open_writer().map_err(failed)?);
        let writer = FileWriter::try_new(to, &schema).map_err(failed)?;
        Ok(ColumnWriter { file, writer, schema, chunks: vec![0] })
    }
}

/// A column that is being written.
pub struct ColumnWriter {
    file: Arc<dyn SpillFile>,
    writer: FileWriter<BufWriter<Box<dyn SpillWriter>>>,
    schema: SchemaRef,
    /// Where the first chunk begins, and where each ends.
    chunks: Vec<usize>,
}

impl fmt::Debug for ColumnWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ColumnWriter").field("rows", &self.len()).finish_non_exhaustive()
    }
}

impl ColumnWriter {
    /// How many rows were written.
    pub fn len(&self) -> usize {
        self.chunks.last().copied().unwrap_or(0)
    }

    /// Whether no row was written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes were written, but for what is on its way.
    pub fn bytes(&self) -> usize {
        self.file.size().map_or(0, |bytes| bytes as usize)
    }

    /// Writes the next rows.
    ///
    /// # Errors
    /// World, where there is no room; internal, where they are of another type.
    pub fn push(&mut self, rows: &ArrayRef) -> Result<()> {
        for start in (0..rows.len()).step_by(CHUNK_ROWS) {
            let chunk = rows.slice(start, CHUNK_ROWS.min(rows.len() - start));
            self.chunks.push(self.len() + chunk.len());
            let batch = RecordBatch::try_new(Arc::clone(&self.schema), vec![chunk])?;
            self.writer.write(&batch).map_err(failed)?;
        }
        Ok(())
    }

    /// The column as a whole.
    ///
    /// # Errors
    /// World, where there is no room.
    pub fn finish(mut self) -> Result<ColumnFile> {
        self.writer.finish().map_err(failed)?;
        drop(self.writer);
        let path = self.file.path().ok_or_else(|| Error::internal("values were put aside where nothing is read"))?;
        let file = File::open(path).map_err(failed)?;
        let reader = FileReader::try_new(BufReader::new(file), None).map_err(failed)?;
        let data_type = self.schema.field(0).data_type().clone();
        Ok(ColumnFile { data_type, chunks: self.chunks, reader: Mutex::new(reader), _file: self.file })
    }
}

/// A column on disk.
pub struct ColumnFile {
    data_type: DataType,
    /// Where the first chunk begins, and where each ends.
    chunks: Vec<usize>,
    reader: Mutex<FileReader<BufReader<File>>>,
    /// The file is there as long as this is.
    _file: Arc<dyn SpillFile>,
}

impl fmt::Debug for ColumnFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ColumnFile");
        shown.field("data_type", &self.data_type).field("rows", &self.len()).finish_non_exhaustive()
    }
}

impl ColumnFile {
    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.chunks.last().copied().unwrap_or(0)
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What its rows are.
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// All rows, in stretches.
    pub fn parts(&self) -> impl Iterator<Item = Result<ArrayRef>> {
        (0..self.chunks.len() - 1).map(|chunk| self.chunk(chunk))
    }

    /// A stretch of rows.
    ///
    /// # Errors
    /// World, where it cannot be read; internal, where there are fewer rows.
    pub fn slice(&self, rows: Range<usize>) -> Result<ArrayRef> {
        if rows.start > rows.end || rows.end > self.len() {
            return Err(missing());
        }
        let mut parts = Vec::new();
        let mut chunk = self.chunk_of(rows.start);
        let mut next = rows.start;
        while next < rows.end {
            let (start, end) = self.bounds(chunk);
            let to = end.min(rows.end);
            parts.push(self.chunk(chunk)?.slice(next - start, to - next));
            (next, chunk) = (to, chunk + 1);
        }
        self.joined(&parts)
    }

    /// Single rows, in the order in which they are asked for.
    ///
    /// # Errors
    /// World, where they cannot be read; internal, where there are fewer rows.
    pub fn at(&self, rows: &[u32]) -> Result<ArrayRef> {
        let mut order: Vec<(u32, u32)> = rows.iter().copied().zip(0..).collect();
        order.sort_unstable();
        if order.last().is_some_and(|(last, _)| *last as usize >= self.len()) {
            return Err(missing());
        }
        let mut parts = Vec::new();
        for wanted in order.chunk_by(|left, right| self.chunk_of(left.0 as usize) == self.chunk_of(right.0 as usize)) {
            let chunk = wanted.first().map_or(0, |(row, _)| self.chunk_of(*row as usize));
            let (start, _) = self.bounds(chunk);
            let places: UInt32Array = wanted.iter().map(|(row, _)| Some(row - start as u32)).collect();
            parts.push(take(&self.chunk(chunk)?, &places, None)?);
        }
        let mut places = vec![0; rows.len()];
        for ((_, asked), place) in order.iter().zip(0u32..) {
            if let Some(to) = places.get_mut(*asked as usize) {
                *to = place;
            }
        }
        Ok(take(&self.joined(&parts)?, &UInt32Array::from(places), None)?)
    }

    fn joined(&self, parts: &[ArrayRef]) -> Result<ArrayRef> {
        match parts {
            [] => Ok(new_empty_array(&self.data_type)),
            [only] => Ok(Arc::clone(only)),
            several => Ok(concat(&several.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>())?),
        }
    }

    fn chunk_of(&self, row: usize) -> usize {
        self.chunks.partition_point(|start| *start <= row).saturating_sub(1)
    }

    fn bounds(&self, chunk: usize) -> (usize, usize) {
        let bound = |at: usize| self.chunks.get(at).copied().unwrap_or(self.len());
        (bound(chunk), bound(chunk + 1))
    }

    fn chunk(&self, number: usize) -> Result<ArrayRef> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.set_index(number).map_err(failed)?;
        let batch = reader.next().ok_or_else(missing)?.map_err(failed)?;
        batch.columns().first().cloned().ok_or_else(missing)
    }
}

fn missing() -> Error {
    Error::internal("rows are asked for that were not put aside")
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::world("what does not fit into the run's memory could not be put aside on disk")
        .with_hint("make room there, name another folder with `--spill`, or give the run more with `--memory`")
        .with_source(error)
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn scratch() -> Scratch {
        Scratch::of(&TaskContext::default())
    }

    #[test]
    fn rows_come_back_as_they_were_put_aside() {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let mut writer = scratch().column(&DataType::Utf8).unwrap();
        let mut all: Vec<Option<String>> = Vec::new();
        for rows in [3, 0, 1, CHUNK_ROWS, CHUNK_ROWS + 1, 20_000] {
            let texts = (all.len()..all.len() + rows).map(|row| (row % 7 > 0).then(|| format!("text {row}")));
            let texts: Vec<Option<String>> = texts.collect();
            writer.push(&(Arc::new(texts.iter().collect::<StringArray>()) as ArrayRef)).unwrap();
            all.extend(texts);
        }
        let column = writer.finish().unwrap();
        let expected = |rows: &[Option<String>]| -> ArrayRef { Arc::new(rows.iter().collect::<StringArray>()) };
        assert_eq!(column.len(), all.len());
        let parts: Vec<ArrayRef> = column.parts().map(Result::unwrap).collect();
        assert_eq!(&column.joined(&parts).unwrap(), &expected(&all));
        for _ in 0..50 {
            let start = random.random_range(0..=all.len());
            let end = random.random_range(start..=all.len().min(start + 20_000));
            assert_eq!(&column.slice(start..end).unwrap(), &expected(&all[start..end]));
            let rows: Vec<u32> =
                (0..random.random_range(0..40)).map(|_| random.random_range(0..all.len()) as u32).collect();
            let texts: Vec<Option<String>> = rows.iter().map(|row| all[*row as usize].clone()).collect();
            assert_eq!(&column.at(&rows).unwrap(), &expected(&texts));
        }
        column.slice(0..all.len() + 1).unwrap_err();
        column.at(&[all.len() as u32]).unwrap_err();
    }

    #[test]
    fn a_column_without_rows_has_its_type() {
        let column = scratch().column(&DataType::Int32).unwrap().finish().unwrap();
        assert_eq!(column.slice(0..0).unwrap().data_type(), &DataType::Int32);
        assert_eq!(column.at(&[]).unwrap().len(), 0);
        assert_eq!(column.parts().count(), 0);
    }

    #[test]
    fn a_folder_without_room_is_told() {
        let disk = DiskManager::builder().with_max_temp_directory_size(1_000).build().unwrap();
        let mut writer = Scratch(Arc::new(disk)).column(&DataType::Utf8).unwrap();
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..9_000).map(|row| format!("text {row}"))));
        let told = writer.push(&texts).and_then(|()| writer.finish().map(drop)).unwrap_err();
        assert!(told.hint().unwrap().contains("--spill"), "{told}");
    }
}
