//! What a run may use of the machine, and what follows from it for the operators of a plan.

use std::num::NonZeroUsize;
use std::path::PathBuf;

/// What a run may use of the machine.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Partitions worked on at once.
    pub threads: NonZeroUsize,
    /// Bytes that operators may hold before they spill.
    pub memory_bytes: usize,
    /// Where they spill to; the system's temporary folder where unset.
    pub spill_dir: Option<PathBuf>,
    /// Rows a batch.
    pub batch_size: NonZeroUsize,
}

/// A thread may work for dozens of sorts of one plan at once.
const SORTS_AT_ONCE: usize = 32;
const LEAST_MERGE_BYTES: usize = 64 << 10;
const MOST_MERGE_BYTES: usize = 10 << 20;

/// A row of a dozen columns: texts as views of 16 bytes, instants and numbers of 8 or 16.
const BYTES_A_ROW: usize = 128;
const LEAST_BATCH_ROWS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);
const MOST_BATCH_ROWS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(8191);

impl Limits {
    /// Rows a batch that suit the memory.
    ///
    /// Repartitioning makes its buffers as long as a whole batch, however few rows come, and a sort counts
    /// what it is handed at that size: a small limit is to have room for one of them in each sort.
    pub fn batch_rows(threads: NonZeroUsize, memory_bytes: usize) -> NonZeroUsize {
        let rows = share(threads, memory_bytes) / BYTES_A_ROW;
        NonZeroUsize::new(rows).unwrap_or(LEAST_BATCH_ROWS).clamp(LEAST_BATCH_ROWS, MOST_BATCH_ROWS)
    }

    /// What each sort keeps back for merging what it has spilled, so that under a small limit it spills
    /// instead of failing. It is lost to all others: together it is to be a part of the memory, not most.
    pub(super) fn merge_bytes(&self) -> usize {
        share(self.threads, self.memory_bytes).clamp(LEAST_MERGE_BYTES, MOST_MERGE_BYTES)
    }
}

/// The memory that one sort of one thread can count on.
fn share(threads: NonZeroUsize, memory_bytes: usize) -> usize {
    memory_bytes / SORTS_AT_ONCE / threads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_shrink_where_memory_is_short() {
        let rows =
            |threads, mebibytes: usize| Limits::batch_rows(NonZeroUsize::new(threads).unwrap(), mebibytes << 20).get();
        assert_eq!(rows(2, 12 << 10), 8192);
        assert_eq!(rows(16, 512), 8192);
        assert_eq!(rows(5, 24), 1228);
        assert_eq!(rows(64, 24), 256);
        assert_eq!(rows(1, 0), 256);
    }
}
