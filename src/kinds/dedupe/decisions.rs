//! Pairs of records that somebody decided about.

use arrow::array::{Array, AsArray, RecordBatch};

use super::columns::Records;
use super::intake::{Work, misfit};
use crate::error::{Error, Result};

/// Decided pairs, as ordinals.
#[derive(Debug, Default)]
pub(super) struct Decided {
    pub(super) same: Vec<(u32, u32)>,
    pub(super) different: Vec<(u32, u32)>,
    /// Pairs of which a record is not there (any more).
    pub(super) unknown: i64,
}

/// Reads the table of decisions: left, right, decision.
///
/// # Errors
/// Data, where a row does not say two different records and `same` or `different`.
pub(super) fn read(work: &Work, records: &Records, batches: &[RecordBatch]) -> Result<Decided> {
    let mut decided = Decided::default();
    let find = Find::new(work, records);
    for batch in batches {
        let [left, right, decision] = batch.columns() else { return Err(misfit()) };
        for row in 0..batch.num_rows() {
            let text = |column: &dyn Array| {
                let texts = column.as_string_opt::<i32>();
                texts.filter(|texts| texts.is_valid(row)).map(|texts| texts.value(row).trim().to_string())
            };
            let (left, right) = (text(left).unwrap_or_default(), text(right).unwrap_or_default());
            let decision = text(decision).unwrap_or_default();
            let to = match decision.as_str() {
                "same" => &mut decided.same,
                "different" => &mut decided.different,
                _ => return Err(not_a_decision(&left, &right, &decision)),
            };
            if left == right {
                return Err(Error::data(format!("a decision names `{left}` twice"))
                    .with_hint("name the two records that are compared"));
            }
            match (find.ordinal(&left), find.ordinal(&right)) {
                (Some(left), Some(right)) => to.push((left.min(right), left.max(right))),
                _ => decided.unknown += 1,
            }
        }
    }
    for pairs in [&mut decided.same, &mut decided.different] {
        pairs.sort_unstable();
        pairs.dedup();
    }
    Ok(decided)
}

fn not_a_decision(left: &str, right: &str, found: &str) -> Error {
    Error::data(format!("the decision about `{left}` and `{right}` is `{found}`"))
        .with_hint("write `same` or `different`")
}

/// Record keys → ordinals.
pub(super) struct Find<'a> {
    work: &'a Work,
    records: &'a Records,
    /// The stretch of ordinals of each system.
    systems: Vec<(u32, u32)>,
}

impl<'a> Find<'a> {
    pub(super) fn new(work: &'a Work, records: &'a Records) -> Self {
        let mut systems = vec![(0, 0); work.systems.len()];
        for (ordinal, row) in (0u32..).zip(&records.rows) {
            let system = usize::from(records.system(work, *row as usize));
            if let Some(stretch) = systems.get_mut(system) {
                let start = if stretch.1 == 0 { ordinal } else { stretch.0 };
                *stretch = (start, ordinal + 1);
            }
        }
        Self { work, records, systems }
    }

    /// The record of that key, `<system>:<id>`.
    pub(super) fn ordinal(&self, key: &str) -> Option<u32> {
        let (system, id) = key.split_once(':')?;
        self.of_system(system, id)
    }

    /// The record of that id in that system.
    pub(super) fn of_system(&self, system: &str, id: &str) -> Option<u32> {
        let system = self.work.systems.iter().position(|known| known == system)?;
        let (start, end) = *self.systems.get(system)?;
        let rows = self.records.rows.get(start as usize..end as usize)?;
        let at = rows.binary_search_by(|row| self.records.id(*row as usize).as_bytes().cmp(id.as_bytes())).ok()?;
        Some(start + u32::try_from(at).ok()?)
    }
}
