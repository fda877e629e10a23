//! Pairs of records that somebody decided about.

use arrow::array::{Array, AsArray, RecordBatch};

use super::intake::misfit;
use super::records::Records;
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
pub(super) fn read(records: &Records, batches: &[RecordBatch]) -> Result<Decided> {
    let mut decided = Decided::default();
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
            match (records.find(&left), records.find(&right)) {
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
