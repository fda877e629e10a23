//! Who is who: which person a record of any system belongs to. No system knows this.

use super::columns::Int;
use super::columns::{Text, table};
use super::part::Part;
use crate::error::Result;

table! {
    /// The person behind a record.
    TruthTable, TruthRow, "truth", "record";
    system: Text,
    table: Text,
    record_id: Text,
    person_number: Int,
}

/// Notes the person behind a record.
pub(super) fn note(part: &mut Part, system: &str, table: &str, record_id: &str, person: u64) -> Result<()> {
    part.truth.push(TruthRow { system, table, record_id, person_number: person as i64 })
}
