//! What one entity with very many changes costs.

use arrow::array::{AsArray, Int32Array, StringViewArray};
use arrow::datatypes::{DataType, Field};

use super::super::definition::Definition;
use super::super::keys::Key;
use super::super::operator::{VisitWalk, schema};
use super::super::spec::Policies;
use super::*;
use crate::diag::{Diagnostics, Place};
use crate::engine::entity::EntityAlgorithm;

const ROWS: usize = 1_000;
const BATCHES: usize = 300;

/// Changes of one entity, each to the step that `step` says, with long record ids.
fn batch(number: usize, step: fn(usize) -> u8) -> RecordBatch {
    let rows = || (0..ROWS).map(move |row| number * ROWS + row);
    let key = |row| Key { step: step(row), source: 0, was: 0 }.pack(Policies::default().ties);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(rows().map(|_| 7))),
        Arc::new(TimestampMicrosecondArray::from_iter_values(rows().map(|row| row as i64)).with_timezone("UTC")),
        Arc::new(Int32Array::from_iter_values(rows().map(key))),
        Arc::new(StringViewArray::from_iter_values(rows().map(|row| format!("a rather long record id {row:>9}")))),
    ];
    let names = ["entity", "at", "key", "record"].iter().zip(&columns);
    let fields: Vec<Field> = names.map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// The bytes held before the entity ends, and the rows that come out.
fn walk(step: fn(usize) -> u8) -> (usize, RecordBatch) {
    let (spec, _) = model("stages: [lead, mql]\nsources: []");
    let mut diags = Diagnostics::default();
    let definition = Definition::read(&spec, chrono_tz::UTC, Place::default(), &mut diags).unwrap();
    let walk = VisitWalk {
        definition: Arc::new(definition),
        policies: Policies::default(),
        system_of: vec![0],
        systems: vec!["crm".to_string()],
        entity_type: DataType::Int64,
        record_type: DataType::Utf8View,
    };
    let mut state = walk.start();
    for number in 0..BATCHES {
        assert_eq!(state.push(&batch(number, step)).unwrap(), None);
    }
    let held = state.held_bytes();
    let made = state.finish().unwrap().unwrap();
    assert_eq!(made.schema(), schema(&DataType::Int64, &DataType::Utf8View));
    (held, made)
}

#[test]
fn repeats_cost_nothing() {
    let (held, made) = walk(|_| 1);
    assert!(held < 4_096, "{held} bytes");
    assert_eq!(made.num_rows(), 1);
    assert_eq!(cell(made.column_by_name("changes_absorbed").unwrap(), 0), "299999");
}

#[test]
fn visits_cost_a_bounded_number_of_bytes() {
    let (held, made) = walk(|row| (row % 2) as u8 + 1);
    assert_eq!(made.num_rows(), ROWS * BATCHES);
    assert!(held / made.num_rows() < 220, "{} bytes a visit", held / made.num_rows());
    let last = made.num_rows() - 1;
    assert_eq!(cell(made.column_by_name("source_record").unwrap(), last), "a rather long record id    299999");
    let latest = made.column_by_name("is_latest_entry").unwrap().as_boolean().clone();
    assert_eq!((0..=last).filter(|row| latest.value(*row)).collect::<Vec<_>>(), [last - 1, last]);
}
