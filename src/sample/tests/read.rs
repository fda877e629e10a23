//! Reads a sample back, one column at a time.

use std::fs::File;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// All rows of a table, in order of parts.
pub(super) struct Read(Vec<RecordBatch>);

impl Read {
    pub(super) fn table(out: &Path, system: &str, table: &str) -> Self {
        let mut paths: Vec<_> = std::fs::read_dir(out.join(system).join(table))
            .unwrap_or_else(|e| panic!("{system}.{table}: {e}"))
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        let mut batches = Vec::new();
        for path in paths {
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
            batches.extend(reader.build().unwrap().map(Result::unwrap));
        }
        Self(batches)
    }

    pub(super) fn rows(&self) -> usize {
        self.0.iter().map(RecordBatch::num_rows).sum()
    }

    pub(super) fn batches(&self) -> &[RecordBatch] {
        &self.0
    }

    fn columns<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a ArrayRef> {
        self.0.iter().map(move |batch| batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name}")))
    }

    pub(super) fn text(&self, name: &str) -> Vec<Option<String>> {
        self.columns(name).flat_map(|c| c.as_string::<i32>().iter().map(|v| v.map(str::to_owned))).collect()
    }

    pub(super) fn int(&self, name: &str) -> Vec<Option<i64>> {
        self.columns(name).flat_map(|c| c.as_primitive::<Int64Type>().iter().collect::<Vec<_>>()).collect()
    }

    pub(super) fn flag(&self, name: &str) -> Vec<bool> {
        self.columns(name).flat_map(|c| c.as_boolean().iter().map(|v| v.unwrap()).collect::<Vec<_>>()).collect()
    }

    pub(super) fn instant(&self, name: &str) -> Vec<Option<i64>> {
        self.columns(name)
            .flat_map(|c| c.as_primitive::<TimestampMicrosecondType>().iter().collect::<Vec<_>>())
            .collect()
    }

    pub(super) fn date(&self, name: &str) -> Vec<Option<i32>> {
        self.columns(name).flat_map(|c| c.as_primitive::<Date32Type>().iter().collect::<Vec<_>>()).collect()
    }

    pub(super) fn money(&self, name: &str) -> Vec<Option<i128>> {
        self.columns(name).flat_map(|c| c.as_primitive::<Decimal128Type>().iter().collect::<Vec<_>>()).collect()
    }
}

/// A parameter of a web event.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Param {
    pub(super) key: String,
    pub(super) text: Option<String>,
    pub(super) int: Option<i64>,
}

/// The parameters of every web event.
pub(super) fn params(events: &Read) -> Vec<Vec<Param>> {
    let mut all = Vec::new();
    for column in events.columns("event_params") {
        for list in column.as_list::<i32>().iter() {
            let list = list.unwrap();
            let param = list.as_struct();
            let keys = param.column_by_name("key").unwrap().as_string::<i32>().clone();
            let value = param.column_by_name("value").unwrap().as_struct().clone();
            let texts = value.column_by_name("string_value").unwrap().as_string::<i32>();
            let ints = value.column_by_name("int_value").unwrap().as_primitive::<Int64Type>();
            let param = |i: usize| Param {
                key: keys.value(i).to_owned(),
                text: texts.is_valid(i).then(|| texts.value(i).to_owned()),
                int: ints.is_valid(i).then(|| ints.value(i)),
            };
            all.push((0..keys.len()).map(param).collect());
        }
    }
    all
}
