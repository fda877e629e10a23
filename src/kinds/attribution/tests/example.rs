//! The worked example of the dictionary, by cases worked out by hand.

use arrow::array::{AsArray, BooleanArray};
use arrow::compute::filter_record_batch;

use super::golden::{BASE, EIGHT, ledger};
use super::*;
use crate::contract::{Column, ColumnType, Pii};
use crate::engine::Frame;
use crate::kinds::exhibit::Exhibit;
use crate::syntax::{ColumnName, TableName};

/// Three touches of `a`, one of `b`, none of `c`.
fn touched() -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    vec![
        ("t1", "a", "2024-03-01 09:30", "Paid Search"),
        ("t2", "a", "2024-03-05", "Email"),
        ("t3", "a", "2024-03-10", "Direct"),
        ("t4", "b", EIGHT[0], "Email"),
    ]
}

fn deals() -> RecordBatch {
    conversions(&[
        // The smallest id has a part of a dollar, the next too few touches, and the next no amount.
        ("d1", "a", "2024-03-11", Some(100_50), Some("USD")),
        ("d2", "b", "2024-03-11", Some(100_00), Some("USD")),
        ("d3", "a", "2024-03-11", Some(0), Some("USD")),
        ("d5", "a", "2024-03-11 12:00", Some(12_000_00), Some("USD")),
        ("d6", "a", "2024-03-11", Some(7_00), Some("USD")),
        ("d7", "c", "2024-03-11", Some(7_00), Some("USD")),
    ])
}

const MODELS: &str = "models: [first_touch, linear, u_shaped]";

#[tokio::test]
async fn one_conversion_is_worked_out_in_full() {
    let made = ledger(MODELS, &touched(), &deals()).await;
    assert_eq!(
        made.shown(0),
        [
            "Touch 1 | 2024-03-01 09:30 | 10.1 | Paid Search",
            "Touch 2 | 2024-03-05 00:00 | 6.5 | Email",
            "Touch 3 | 2024-03-10 00:00 | 1.5 | Direct"
        ]
    );
    // Of a third each, the unit that is left over goes to the first touch; a U of three is 40, 20, 40.
    assert_eq!(
        made.shown(1),
        [
            "`first_touch` | 100.00 % | 0.00 % | 0.00 % | 100.00 %",
            "`linear` | 33.33 % | 33.33 % | 33.33 % | 100.00 %",
            "`u_shaped` | 40.00 % | 20.00 % | 40.00 % | 100.00 %"
        ]
    );
    assert_eq!(
        made.shown(2),
        [
            "`first_touch` | 12,000.00 | 0.00 | 0.00 | 12,000.00",
            "`linear` | 4,000.00 | 4,000.00 | 4,000.00 | 12,000.00",
            "`u_shaped` | 4,800.00 | 2,400.00 | 4,800.00 | 12,000.00"
        ]
    );
    let [exhibit] = made.exhibits.as_slice() else { panic!("{:#?}", made.exhibits) };
    assert_eq!(
        exhibit.text,
        [
            "Conversion `d5` of 2024-03-11 12:00 UTC, worth 12,000.00 USD, had a journey of 3 touches. These are its published rows."
        ]
    );
    let closing = &exhibit.notes[0];
    assert!(closing.contains("exactly 12,000.00 USD") && closing.contains("the difference is 0.00"), "{closing}");
    assert_eq!(exhibit.tables[2].caption, "What that makes of the amount, in USD");
}

#[tokio::test]
async fn layout_threads_and_batches_show_the_same() {
    let shown = |exhibits: &[Exhibit]| serde_json::to_string(exhibits).unwrap();
    let expected = shown(&ledger(MODELS, &touched(), &deals()).await.exhibits);
    let tables = [("deals", deals()), ("touches", touches(&touched()))];
    for layout in ["long", "wide"] {
        for how in [How { threads: 1, batch: 1 }, How { threads: 5, batch: 2 }, How { threads: 3, batch: 7 }] {
            let made = run(&format!("{BASE}layout: {layout}\n{MODELS}"), &tables, how).await;
            assert_eq!(shown(&made.exhibits), expected, "{layout} {how:?}");
        }
    }
}

#[tokio::test]
async fn touches_without_credit_are_told_of() {
    let made = ledger("models: [first_touch, last_touch]", &touched(), &deals()).await;
    assert_eq!(
        made.shown(1),
        ["`first_touch` | 100.00 % | 0.00 % | 100.00 %", "`last_touch` | 0.00 % | 100.00 % | 100.00 %"]
    );
    assert_eq!(made.shown(0)[1], "Touch 3 | 2024-03-10 00:00 | 1.5 | Direct");
    let text = &made.exhibits[0].text[0];
    assert!(text.contains("3 touches, of which 1 got nothing by any model and are not in the table."), "{text}");
}

#[tokio::test]
async fn the_journey_that_tells_most_is_shown() {
    let shown = |made: &Made| made.exhibits[0].text[0].split(" had ").map(str::to_string).collect::<Vec<_>>();
    let but = |left_out: &[&str]| {
        let all = deals();
        let ids = all.column(0).as_string::<i32>();
        let kept: BooleanArray = ids.iter().map(|id| Some(!left_out.contains(&id.unwrap_or_default()))).collect();
        filter_record_batch(&all, &kept).unwrap()
    };
    let three = "a journey of 3 touches. These are its published rows.";
    // Without the whole amounts a part of a dollar; without amounts nothing; without such journeys a shorter one.
    let made = ledger(MODELS, &touched(), &but(&["d5", "d6"])).await;
    assert_eq!(shown(&made), ["Conversion `d1` of 2024-03-11 00:00 UTC, worth 100.50 USD,", three]);
    let made = ledger(MODELS, &touched(), &but(&["d1", "d5", "d6"])).await;
    assert_eq!(shown(&made), ["Conversion `d3` of 2024-03-11 00:00 UTC, worth 0.00 USD,", three]);
    let two = "a journey of 2 touches. These are its published rows.";
    let made = ledger(MODELS, &touched()[1..], &but(&["d1"])).await;
    assert_eq!(shown(&made), ["Conversion `d3` of 2024-03-11 00:00 UTC, worth 0.00 USD,", two]);
    let made = ledger(MODELS, &touched(), &but(&["d1", "d3", "d5", "d6"])).await;
    assert!(shown(&made)[1].starts_with("a journey of one touch."), "{:?}", shown(&made));
    assert_eq!(made.shown(2)[1], "`linear` | 100.00 | 100.00");
    assert_eq!(ledger(MODELS, &[], &deals()).await.exhibits, []);
}

#[tokio::test]
async fn credit_without_amounts_is_shown_in_shares() {
    let yaml = BASE.replace(", amount: amount, currency: currency", "");
    let tables = [("deals", deals()), ("touches", touches(&touched()))];
    let made = run(&format!("{yaml}models: [linear]"), &tables, PLAIN).await;
    assert_eq!(made.exhibits[0].tables.len(), 2);
    assert_eq!(
        made.exhibits[0].text[0],
        "Conversion `d1` of 2024-03-11 00:00 UTC had a journey of 3 touches. These are its published rows."
    );
    assert!(made.exhibits[0].notes[0].ends_with("under every model they add up to exactly 100 %."));
}

#[tokio::test]
async fn nothing_personal_is_shown() {
    let (spec, sources) = model(&format!("{BASE}{MODELS}"));
    let engine = engine(PLAIN, sources);
    let personal = |name: &str, ty| Column::new(ColumnName::new_unchecked(name), ty, "Personal.").pii(Pii::Indirect);
    let columns = vec![
        personal("id", ColumnType::Text),
        personal("at", ColumnType::Timestamp),
        personal("channel", ColumnType::Text),
        personal("amount", ColumnType::Decimal(18, 2)),
    ];
    let mut frames = fixture::frames(&[], PLAIN);
    for (name, table) in [("deals", deals()), ("touches", touches(&touched()))] {
        let frame = Frame { columns: columns.clone(), ..fixture::frame(&table, PLAIN) };
        frames.insert(TableName::new_unchecked(name), frame);
    }
    let made = fixture::run(&spec, "credits", &settings(), frames, &engine, usize::MAX).await.unwrap();
    let text = serde_json::to_string(&made.exhibits).unwrap();
    for hidden in ["d1", "d5", "2024", "Email", "12,000", "USD", "t1"] {
        assert!(!text.contains(hidden), "{hidden} is in {text}");
    }
    let rows: Vec<&Vec<String>> = made.exhibits[0].tables.iter().flat_map(|table| &table.rows).collect();
    assert_eq!(rows[0], &["Touch 1"]);
}
