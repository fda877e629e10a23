//! Keys that pass by on their way to the files: whether they all differ, without reading them again.
//!
//! Of every key a hash of 64 bits is kept. If all hashes differ, so do the keys. If two are equal,
//! or there was no room, nothing is known, and the rows have to be looked at: ten million different
//! keys come to that once in several hundred thousand runs.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use datafusion::common::HashSet;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};

use crate::contract::{ColumnType, Contract};
use crate::error::{Error, Result};
use crate::syntax::ColumnName;

/// Hashes are kept apart by their first bits, so that each part is looked through by itself, near the core.
const PARTS: usize = 256;

/// The hashes of one partition's keys.
#[derive(Debug)]
pub struct KeyHashes {
    columns: Vec<ColumnName>,
    parts: Vec<Vec<u64>>,
    hashes: Vec<u64>,
    held: MemoryReservation,
    most_bytes: usize,
    /// That some keys are missing here.
    partial: bool,
}

impl KeyHashes {
    /// For the keys that `columns` make; keeps at most `most_bytes`, and less where `pool` says so.
    pub fn new(columns: Vec<ColumnName>, contract: &Contract, pool: &Arc<dyn MemoryPool>, most_bytes: usize) -> Self {
        // Floats that count as equal may have different bits.
        let is_float =
            |column: &ColumnName| contract.column(column.as_str()).is_none_or(|column| column.ty == ColumnType::Double);
        let partial = columns.iter().any(is_float);
        let held = MemoryConsumer::new("hashes of keys").register(pool);
        Self { columns, parts: vec![Vec::new(); PARTS], hashes: Vec::new(), held, most_bytes, partial }
    }

    /// The columns whose combinations are looked at.
    pub fn columns(&self) -> &[ColumnName] {
        &self.columns
    }

    /// Takes the keys of a batch into account.
    ///
    /// # Errors
    /// An internal error where a column is missing or cannot be hashed.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        if self.partial {
            return Ok(());
        }
        let column = |name: &ColumnName| -> Result<&ArrayRef> {
            let missing = || Error::internal(format!("a batch to be checked has no column `{name}`"));
            batch.column_by_name(name.as_str()).ok_or_else(missing)
        };
        let keys = self.columns.iter().map(column).collect::<Result<Vec<_>>>()?;
        self.hashes.clear();
        self.hashes.resize(batch.num_rows(), 0);
        create_hashes(keys, &RandomState::with_seed(0x6b65_7973), &mut self.hashes)?;
        for hash in &self.hashes {
            let Some(part) = self.parts.get_mut((hash >> 56) as usize) else { continue };
            if part.len() == part.capacity() {
                // Growing by halves and not twofold: this is most of what a check holds.
                part.reserve_exact(part.len() / 4 + 64);
            }
            part.push(*hash);
        }
        let bytes = self.parts.iter().map(|part| part.capacity() * size_of::<u64>()).sum();
        if bytes > self.most_bytes || self.held.try_resize(bytes).is_err() {
            self.give_up();
        }
        Ok(())
    }

    fn give_up(&mut self) {
        self.partial = true;
        self.parts = Vec::new();
        self.held.free();
    }
}

/// Whether the keys of all partitions together are known to differ.
pub fn all_differ(mut partitions: Vec<KeyHashes>) -> bool {
    if partitions.iter().any(|keys| keys.partial) {
        return false;
    }
    let mut seen = HashSet::new();
    (0..PARTS).all(|part| {
        seen.clear();
        let of_part = |keys: &mut KeyHashes| keys.parts.get_mut(part).map(std::mem::take).unwrap_or_default();
        partitions.iter_mut().flat_map(of_part).all(|hash| seen.insert(hash))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::execution::memory_pool::GreedyMemoryPool;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::contract::{Column, Role};

    type Row = (Option<i64>, Option<String>);

    fn contract() -> Contract {
        let column = |name: &str, ty| Column::new(ColumnName::new_unchecked(name), ty, "what it is");
        Contract {
            table: crate::syntax::TableName::new_unchecked("t"),
            role: Role::Main,
            description: String::new(),
            grain: Vec::new(),
            columns: vec![
                column("n", ColumnType::BigInt),
                column("s", ColumnType::Text),
                column("d", ColumnType::Double),
            ],
            methodology: crate::contract::Methodology::default(),
        }
    }

    fn differ(rows: &[Row], columns: &[&str], size: usize, partitions: usize, most_bytes: usize) -> bool {
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(1 << 30));
        let names: Vec<ColumnName> = columns.iter().map(|name| ColumnName::new_unchecked(name)).collect();
        let new = || KeyHashes::new(names.clone(), &contract(), &pool, most_bytes);
        let mut keys: Vec<KeyHashes> = std::iter::repeat_with(new).take(partitions).collect();
        let schema = Schema::new(vec![Field::new("n", DataType::Int64, true), Field::new("s", DataType::Utf8, true)]);
        let schema = Arc::new(schema);
        for (number, rows) in rows.chunks(size).enumerate() {
            let n: Int64Array = rows.iter().map(|row| row.0).collect();
            let s: StringArray = rows.iter().map(|row| row.1.as_deref()).collect();
            let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(n), Arc::new(s)]).unwrap();
            keys[number % partitions].push(&batch).unwrap();
        }
        all_differ(keys)
    }

    #[test]
    fn tells_what_a_set_of_the_keys_tells() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for round in 0..300 {
            let most = if round % 3 == 0 { 40 } else { 4_000_000_000 };
            let row = |rng: &mut ChaCha8Rng| -> Row {
                let n = (!rng.random_bool(0.001)).then(|| rng.random_range(0..most));
                (n, (!rng.random_bool(0.001)).then(|| rng.random_range(0..most).to_string()))
            };
            let rows: Vec<Row> = (0..rng.random_range(0..60)).map(|_| row(&mut rng)).collect();
            let size = [1, 2, 7, 50, 8192][round % 5];
            for columns in [&["n"][..], &["s"], &["n", "s"]] {
                let key = |row: &Row| match columns {
                    ["n"] => (row.0, None),
                    ["s"] => (None, row.1.clone()),
                    _ => row.clone(),
                };
                let distinct: BTreeSet<Row> = rows.iter().map(key).collect();
                let found = differ(&rows, columns, size, 1 + round % 3, usize::MAX);
                assert_eq!(found, distinct.len() == rows.len(), "{columns:?} of {rows:?}");
            }
        }
    }

    #[test]
    fn knows_nothing_without_room_or_of_floats() {
        let rows: Vec<Row> = (0..50_000).map(|n| (Some(n), None)).collect();
        assert!(differ(&rows, &["n"], 1_000, 2, usize::MAX));
        assert!(!differ(&rows, &["n"], 1_000, 2, 100_000));
        assert!(!differ(&rows, &["d"], 1_000, 1, usize::MAX));
    }
}
