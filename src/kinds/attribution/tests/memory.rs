//! What one entity with very many touches costs.

use arrow::array::{BooleanArray, StringViewArray};
use arrow::datatypes::{Field, TimeUnit};

use super::super::effects::journey_walk;
use super::super::resolve::resolve;
use super::*;
use crate::diag::Diagnostics;
use crate::engine::entity::{EntityAlgorithm, EntityState};
use crate::engine::{Frame, Frames};
use crate::syntax::TableName;

const ROWS: usize = 1_000;
const BATCHES: usize = 300;

/// A thousand touches of one person, a second after each other, and a conversion after every so many batches.
fn batch(number: usize, every: usize) -> RecordBatch {
    let converts = number % every == every - 1;
    let rows = ROWS + usize::from(converts);
    let at = |row: usize| ((number * ROWS + row.min(ROWS - 1)) as i64) * 1_000_000;
    let is_touch = |row: usize| row < ROWS;
    let text =
        |of: &dyn Fn(usize) -> Option<String>| -> ArrayRef { Arc::new((0..rows).map(of).collect::<StringViewArray>()) };
    let amounts: Decimal128Array = (0..rows).map(|row| (!is_touch(row)).then_some(100_00)).collect();
    let instants: TimestampMicrosecondArray = (0..rows).map(|row| Some(at(row))).collect();
    table(vec![
        ("entity", text(&|_| Some("the very same person".to_string()))),
        ("at", Arc::new(instants.with_timezone("UTC")) as ArrayRef),
        ("is_conversion", Arc::new((0..rows).map(|row| Some(!is_touch(row))).collect::<BooleanArray>())),
        ("conversion_id", text(&|row| (!is_touch(row)).then(|| format!("conversion {number}")))),
        ("touch_id", text(&|row| is_touch(row).then(|| format!("a rather long touch id {number:>6}{row:>6}")))),
        ("channel", text(&|row| is_touch(row).then(|| "Email".to_string()))),
        ("direct", Arc::new((0..rows).map(|_| Some(false)).collect::<BooleanArray>())),
        ("account", text(&|row| (!is_touch(row)).then(|| "the very same person".to_string()))),
        ("amount", Arc::new(amounts.with_precision_and_scale(18, 2).unwrap())),
        ("currency", text(&|row| (!is_touch(row)).then(|| "USD".to_string()))),
    ])
}

/// A walk that has just begun.
fn started(definition: &str) -> Box<dyn EntityState> {
    let yaml = format!(
        "
conversions: {{from: deals, id: id, entity: who, at: at, amount: amount, currency: currency}}
touches: {{from: touches, id: id, entity: who, at: at, channel: channel}}
{definition}"
    );
    let (spec, sources) = model(&yaml);
    let engine = engine(PLAIN, sources);
    let mut frames = Frames::default();
    let text = |name: &str| Field::new(name, TEXT, true);
    let at = Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true);
    let amount = Field::new("amount", DataType::Decimal128(18, 2), true);
    let schema = Arc::new(Schema::new(vec![text("id"), text("who"), at, text("channel"), amount, text("currency")]));
    for name in ["deals", "touches"] {
        frames.insert(TableName::new_unchecked(name), Frame::empty(Arc::clone(&schema), Vec::new()));
    }
    let (settings, name) = (settings(), TableName::new_unchecked("credits"));
    let scope = scope(&name, &settings, &frames, &engine);
    let resolved = resolve(&spec, &scope, &mut Diagnostics::default()).unwrap();
    journey_walk(&spec, &resolved).start()
}

/// The most bytes held between calls, the largest batch made, and all rows made.
fn walk(definition: &str, every: usize) -> (usize, usize, usize) {
    let mut state = started(definition);
    let (mut held, mut largest, mut rows) = (0, 0, 0);
    for number in 0..BATCHES {
        let mut made = state.push(&batch(number, every)).unwrap();
        loop {
            held = held.max(state.held_bytes());
            let Some(batch) = made else { break };
            largest = largest.max(batch.num_rows());
            rows += batch.num_rows();
            made = state.more().unwrap();
        }
    }
    rows += state.finish().unwrap().map_or(0, |batch| batch.num_rows());
    (held, largest, rows)
}

/// Three hundred thousand touches, fifty conversions, an hour of lookback: some 3,600 touches each.
#[test]
fn a_lookback_bounds_what_is_held() {
    let (held, largest, rows) = walk("lookback: 1 hours\nmodels: [linear, time_decay]", 6);
    assert_eq!(rows, 50 * 2 * 3_601);
    assert!(largest <= 8_192 + 1, "{largest} rows");
    assert!(held < 2_000_000, "{held} bytes for 3,600 touches");
}

#[test]
fn a_number_of_touches_bounds_it_as_well() {
    let (held, _, rows) = walk("lookback: {touches: 100}\nmodels: [linear]", 6);
    assert_eq!(rows, 50 * 100);
    assert!(held < 400_000, "{held} bytes for 100 touches and a batch");
}

/// With a time beside the number, what is held of the others is their ids.
#[test]
fn a_number_within_a_time_leaves_ids() {
    let (held, _, rows) = walk("lookback: {within: 90 days, touches: 100}\nmodels: [linear]", 6);
    assert_eq!(rows, 50 * 100);
    let touches = ROWS * BATCHES;
    assert!(held / touches < 150, "{} bytes a touch", held / touches);
}

/// Ten million touches of one person, a second after each other, in a thousand batches, and a conversion at the
/// end of all: the batches differ in their instants alone, so that making them costs next to nothing.
#[test]
fn ten_million_touches_of_one_person_complete() {
    const MANY: usize = 10_000;
    let first = batch(0, 1).slice(0, ROWS);
    let parts: Vec<RecordBatch> = (0..MANY / ROWS).map(|_| first.clone()).collect();
    let touches = arrow::compute::concat_batches(&first.schema(), &parts).unwrap();
    let end = batch(0, 1).slice(ROWS, 1);
    let at_second = |rows: &RecordBatch, from: usize| {
        let at: TimestampMicrosecondArray =
            (from..from + rows.num_rows()).map(|second| Some(second as i64 * 1_000_000)).collect();
        let mut columns = rows.columns().to_vec();
        columns[1] = Arc::new(at.with_timezone("UTC"));
        RecordBatch::try_new(rows.schema(), columns).unwrap()
    };
    // Ids come again after a thousand seconds, when they are out of reach of ten minutes.
    for (definition, expected, most_bytes) in [
        ("lookback: 10 minutes\nmodels: [linear, time_decay]", 2 * 600, 1_000_000),
        ("lookback: unlimited\nmodels: [first_touch, last_touch]", 2, 20_000),
    ] {
        let (mut state, mut held, mut rows) = (started(definition), 0, 0);
        let batches = (0..MANY / 10).map(|n| at_second(&touches, n * MANY)).chain([at_second(&end, MANY * MANY / 10)]);
        for batch in batches {
            let mut made = state.push(&batch).unwrap();
            loop {
                held = held.max(state.held_bytes());
                let Some(batch) = made else { break };
                rows += batch.num_rows();
                made = state.more().unwrap();
            }
        }
        assert_eq!(rows, expected, "{definition}");
        assert!(held < most_bytes, "{definition}: {held} bytes");
    }
}

/// The longest journey that there may be, every touch of it at the instant of the conversion: the sum of the
/// numerators is the largest that 64 bits hold, and the units come out to the last.
#[test]
fn the_longest_journey_closes() {
    use super::super::apportion::{Scratch, apportion};
    use super::super::decay::FULL_BITS;
    use super::super::weights::MAX_TOUCHES;
    let numerators = vec![1u64 << FULL_BITS; MAX_TOUCHES];
    assert_eq!(numerators.iter().map(|n| u128::from(*n)).sum::<u128>(), (1 << 64) - (1 << FULL_BITS));
    let mut shares = Vec::new();
    apportion(1_000_000_000_000_007, &numerators, &mut Scratch::default(), &mut shares);
    assert_eq!(shares.iter().sum::<i64>(), 1_000_000_000_000_007);
    // What is left over goes to the first.
    let (each, left) = (1_000_000_000_000_007 / MAX_TOUCHES as i64, 1_000_000_000_000_007 % MAX_TOUCHES as i64);
    assert_eq!((shares[0], shares[left as usize - 1], shares[left as usize]), (each + 1, each + 1, each));
}

/// Of all touches ever, the first and the last need two.
#[test]
fn the_ends_of_everything_cost_next_to_nothing() {
    let (held, _, rows) = walk("lookback: unlimited\nmodels: [first_touch, last_touch, last_non_direct]", 6);
    assert_eq!(rows, 50 * 3);
    assert!(held < 20_000, "{held} bytes");
}

/// All of them, for a model that shares with all: so many bytes each, and rows in slices.
#[test]
fn whole_journeys_cost_a_bounded_number_of_bytes() {
    let (held, largest, rows) = walk("lookback: unlimited\nmodels: [last_touch, linear]", 100);
    let touches = ROWS * BATCHES;
    assert_eq!(rows, 3 + 100_000 + 200_000 + 300_000);
    assert!(largest <= 8_192 + 1, "{largest} rows");
    assert!(held / touches < 320, "{} bytes a touch", held / touches);
}
