//! Seeds: small tables kept as CSV files beside the models.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;

use super::cell::Cells;
use crate::contract::{Column, ColumnType};
use crate::diag::{Diagnostic, Diagnostics, Place, Sources, codes};
use crate::error::{Error, Result};
use crate::syntax::{ColumnName, SeedSpec, SourceColumn, SourceType, Spanned, TableName};

/// A seed is held in memory; what is larger belongs into an extract.
const MAX_SEED_BYTES: u64 = 64 * 1024 * 1024;
/// Mistakes reported for one file; the rest is counted.
const MAX_MISTAKES: usize = 20;

/// A seed's rows.
#[derive(Debug, Clone)]
pub struct Seed {
    table: TableName,
    columns: Vec<Column>,
    batch: RecordBatch,
    digest: blake3::Hash,
}

impl Seed {
    /// Reads the seed's file, which lies relative to `folder`, itself relative to `root`. Mistakes go to `diags`, each with
    /// its place in the CSV file, whose text is added to `sources`; then there is no seed.
    pub fn open(
        spec: &SeedSpec,
        root: &Path,
        folder: &Path,
        sources: &mut Sources,
        diags: &mut Diagnostics,
    ) -> Result<Option<Self>> {
        let shown = folder.join(&spec.file.value);
        let path = root.join(&shown);
        let unreadable = |why: String| {
            let message = format!("the file `{}` of seed `{}` cannot be read: {why}", spec.file, spec.seed);
            Diagnostic::error(codes::BAD_SEED, spec.file.place, message)
        };
        let size = std::fs::metadata(&path).map(|file| file.len());
        let bytes = match size {
            Ok(size) if size > MAX_SEED_BYTES => {
                diags.push(unreadable(format!("it is larger than {MAX_SEED_BYTES} bytes")).hint("make it a source"));
                return Ok(None);
            }
            _ => std::fs::read(&path),
        };
        let text = match bytes.map(String::from_utf8) {
            Ok(Ok(text)) => text,
            Ok(Err(error)) => {
                let valid = error.utf8_error().valid_up_to();
                let line = 1 + error.as_bytes().iter().take(valid).filter(|byte| **byte == b'\n').count();
                let hint = "save it as CSV in UTF-8";
                diags.push(unreadable(format!("line {line} is not UTF-8")).hint(hint));
                return Ok(None);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let hint = "its path is relative to the file of the seed";
                diags.push(unreadable("there is no such file".to_string()).hint(hint));
                return Ok(None);
            }
            Err(error) => {
                diags.push(unreadable(error.to_string()));
                return Ok(None);
            }
        };
        let file = sources.add(shown, text.clone());
        Self::parse(spec, file, &text, diags)
    }

    /// Reads the text of a seed's file; `file` is its number in the project's sources.
    pub fn parse(spec: &SeedSpec, file: u32, text: &str, diags: &mut Diagnostics) -> Result<Option<Self>> {
        let mut reading = Reading::new(spec, file, text);
        let cells = reading.run();
        if !reading.mistakes.is_empty() {
            reading.report(diags);
            return Ok(None);
        }
        let arrays: Vec<ArrayRef> = cells.into_iter().map(Cells::finish).collect::<Result<_>>()?;
        let fields: Vec<Field> = spec
            .columns
            .iter()
            .map(|(name, column)| Field::new(name.as_str(), column_type(column).reading(), column.nullable))
            .collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|error| {
            Error::internal(format!("seed `{}` does not fit its own schema", spec.seed)).with_source(error)
        })?;
        let columns = spec.columns.iter().map(|(name, column)| known(name, column)).collect();
        Ok(Some(Self { table: spec.seed.value.clone(), columns, batch, digest: blake3::hash(text.as_bytes()) }))
    }

    /// The table's name.
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// All columns.
    pub fn schema(&self) -> SchemaRef {
        self.batch.schema()
    }

    /// What is known of the columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// All rows.
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// A digest of the file's text.
    pub fn digest(&self) -> blake3::Hash {
        self.digest
    }

    /// The rows as a table.
    pub fn provider(&self) -> Result<Arc<dyn TableProvider>> {
        let table = MemTable::try_new(self.schema(), vec![vec![self.batch.clone()]])
            .map_err(|error| Error::internal(format!("seed `{}` is not a table", self.table)).with_source(error))?;
        Ok(Arc::new(table))
    }
}

fn column_type(column: &SourceColumn) -> ColumnType {
    column.ty.value.column().unwrap_or(ColumnType::Text)
}

fn known(name: &ColumnName, column: &SourceColumn) -> Column {
    let mut known = Column::new(name.clone(), column_type(column), column.description.clone().unwrap_or_default());
    known.nullable = column.nullable;
    known.pii(column.pii.unwrap_or_default())
}

/// One pass over the text.
struct Reading<'a> {
    spec: &'a SeedSpec,
    file: u32,
    text: &'a str,
    /// Bytes of a byte order mark, which places must count and the reader must not see.
    skipped: usize,
    mistakes: Vec<Diagnostic>,
}

impl<'a> Reading<'a> {
    fn new(spec: &'a SeedSpec, file: u32, text: &'a str) -> Self {
        let skipped = if text.starts_with('\u{feff}') { 3 } else { 0 };
        Self { spec, file, text, skipped, mistakes: Vec::new() }
    }

    fn run(&mut self) -> Vec<Cells> {
        let mut cells: Vec<Cells> = self.spec.columns.values().map(|column| Cells::new(column_type(column))).collect();
        let delimiter = self.spec.delimiter.as_ref().map_or(',', |delimiter| delimiter.value);
        let Ok(delimiter) = u8::try_from(delimiter) else {
            let place = self.spec.delimiter.as_ref().map(|delimiter| delimiter.place);
            self.mistakes.push(Diagnostic::error(codes::BAD_SEED, place, "a delimiter is one ASCII character"));
            return cells;
        };
        let spec = self.spec;
        for (name, column) in spec.columns.iter().filter(|(_, column)| column.ty.value == SourceType::Any) {
            let message = format!("`{name}` of a seed must have a type of its own: a CSV file holds only text");
            self.mistakes.push(Diagnostic::error(codes::BAD_SEED, column.ty.place, message));
        }
        let body = self.text.get(self.skipped..).unwrap_or_default();
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(body.as_bytes());
        let mut order: Option<Vec<usize>> = None;
        let mut keys = BTreeMap::new();
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    self.mistakes.push(Diagnostic::error(codes::BAD_SEED, self.spec.file.place, error.to_string()));
                    break;
                }
            };
            if record.iter().all(str::is_empty) {
                continue;
            }
            match &order {
                None => order = Some(self.header(&record, delimiter)),
                Some(order) => self.row(&record, order, &mut cells, &mut keys),
            }
        }
        if order.is_none() {
            self.mistake(None, "the file is empty: its first line must name the columns".to_string());
        }
        cells
    }

    /// For every column of the contract, where it stands in the file.
    fn header(&mut self, record: &csv::StringRecord, delimiter: u8) -> Vec<usize> {
        let declared: Vec<&str> = self.spec.columns.keys().map(|name| name.as_str()).collect();
        for (at, name) in record.iter().enumerate() {
            let place = self.place(record, at);
            if record.iter().take(at).any(|before| before == name) {
                self.mistake(place, format!("the column `{name}` stands twice in the first line"));
            } else if !declared.contains(&name) {
                let separator = [';', '\t', ',', '|'].into_iter().find(|c| *c as u8 != delimiter && name.contains(*c));
                let hint =
                    separator.map(|c| format!("if values are separated by {c:?}, say so with `delimiter: {c:?}`"));
                let mistake = self
                    .diagnostic(place, format!("the column `{name}` is not in the contract of `{}`", self.spec.seed));
                self.mistakes.push(mistake.did_you_mean(name, declared.iter().copied()).maybe_hint(hint));
            }
        }
        let spec = self.spec;
        let columns = spec.columns.keys().map(|name| {
            let at = record.iter().position(|there| there == name.as_str());
            if at.is_none() {
                let message = format!("the file `{}` has no column `{name}`", spec.file);
                let missing = Diagnostic::error(codes::BAD_SEED, name.place, message);
                self.mistakes.push(missing.did_you_mean(name.as_str(), record.iter()));
            }
            at.unwrap_or(usize::MAX)
        });
        columns.collect()
    }

    fn row(
        &mut self,
        record: &csv::StringRecord,
        order: &[usize],
        cells: &mut [Cells],
        keys: &mut BTreeMap<Vec<String>, u64>,
    ) {
        let line = self.start(record).map_or(0, |(_, line)| line);
        let wide = order.len().max(record.len());
        if order.len() != record.len() && !order.contains(&usize::MAX) {
            let message = format!("line {line} has {} values where the first line names {}", record.len(), order.len());
            self.mistake(self.place(record, wide), message);
            return;
        }
        let spec = self.spec;
        let mut key = Vec::new();
        for (((name, column), at), cells) in spec.columns.iter().zip(order).zip(cells) {
            if *at == usize::MAX {
                cells.push_null();
                continue;
            }
            let value = record.get(*at).unwrap_or_default();
            if column.key {
                key.push(value.to_string());
            }
            if let Err(why) = cell(cells, name, column, value) {
                self.mistake(self.place(record, *at), format!("line {line}: {why}"));
            }
        }
        if let Some(before) = keys.insert(key.clone(), line).filter(|_| !key.is_empty()) {
            let shown = key.join("`, `");
            self.mistake(
                self.place(record, usize::MAX),
                format!("line {line}: the key `{shown}` stands in line {before} already"),
            );
        }
    }

    fn diagnostic(&self, place: Option<Place>, message: String) -> Diagnostic {
        Diagnostic::error(codes::BAD_SEED, place.unwrap_or(self.spec.file.place), message)
    }

    fn mistake(&mut self, place: Option<Place>, message: String) {
        let diagnostic = self.diagnostic(place, message);
        self.mistakes.push(diagnostic);
    }

    /// Where a record starts, and in which line. The reader gives the position after the record
    /// before, so line ends may come first: of a file from Excel, the second half of each.
    fn start(&self, record: &csv::StringRecord) -> Option<(usize, u64)> {
        let position = record.position()?;
        let at = self.skipped + usize::try_from(position.byte()).ok()?;
        let ends = self.text.get(at..)?.bytes().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        Some(ends.fold((at, position.line()), |(at, line), byte| (at + 1, line + u64::from(byte == b'\n'))))
    }

    /// Where value `at` of a record stands: its text is looked for after those before it, which
    /// finds quoted values too, or the whole record where it cannot be found.
    fn place(&self, record: &csv::StringRecord, at: usize) -> Option<Place> {
        let (start, _) = self.start(record)?;
        let end = start + self.text.get(start..)?.find(['\n', '\r']).unwrap_or(self.text.len() - start);
        let place = |start: usize, end: usize| Place { file: self.file, start: start as u32, end: end as u32 };
        let mut cursor = start;
        for (index, value) in record.iter().enumerate() {
            let Some(found) = self.text.get(cursor..end).and_then(|rest| rest.find(value)) else { break };
            if index == at {
                let from = cursor + found;
                let next = self.text.get(from..end).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
                return Some(place(from, from + value.len().max(next)));
            }
            cursor = (cursor + found + value.len()).min(end);
            cursor +=
                self.text.get(cursor..end).and_then(|rest| rest.find(|c: char| c != '"' && c != ' ')).unwrap_or(0) + 1;
        }
        Some(place(start, end))
    }

    fn report(self, diags: &mut Diagnostics) {
        let more = self.mistakes.len().saturating_sub(MAX_MISTAKES);
        for mistake in self.mistakes.into_iter().take(MAX_MISTAKES) {
            diags.push(mistake);
        }
        if more > 0 {
            let message = format!("seed `{}` has {more} more mistakes", self.spec.seed);
            diags.push(Diagnostic::error(codes::BAD_SEED, self.spec.file.place, message));
        }
    }
}

fn cell(cells: &mut Cells, name: &Spanned<ColumnName>, column: &SourceColumn, value: &str) -> Result<(), String> {
    if !value.is_empty() {
        return cells.push(value).map_err(|why| format!("`{name}` {why}"));
    }
    cells.push_null();
    match column.nullable {
        true => Ok(()),
        false => Err(format!("`{name}` is empty but not declared `nullable: true`")),
    }
}

#[cfg(test)]
#[path = "seed_tests.rs"]
mod tests;
