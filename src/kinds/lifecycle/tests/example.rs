//! The worked example of the dictionary.

use super::golden::{journey, to};
use super::*;
use crate::contract::{Column, ColumnType, Pii};
use crate::engine::Frame;
use crate::kinds::exhibit::Exhibit;
use crate::syntax::{ColumnName, TableName};

fn rows() -> Vec<Row<'static>> {
    vec![
        to("a", "2024-01-01", "lead", 1),
        to("a", "2024-01-02", "mql", 2),
        to("c", "2024-02-01", "lead", 3),
        to("c", "2024-02-02 12:00", "mql", 4),
        to("c", "2024-02-05", "sql", 5),
        to("b1", "2024-03-01", "lead", 6),
        to("b1", "2024-03-02", "mql", 7),
        to("b1", "2024-03-03", "sql", 8),
        to("b1", "2024-03-04", "lost", 9),
    ]
}

/// `a` has too few visits, and `b1` comes before `c`.
#[tokio::test]
async fn one_way_is_shown_visit_by_visit() {
    let made = journey("entity: person", &rows()).await;
    assert_eq!(
        made.shown(0),
        [
            "`lead` | 2024-03-01 | 2024-03-02 | 1.0 | `initial` | ",
            "`mql` | 2024-03-02 | 2024-03-03 | 1.0 | `advance` | ",
            "`sql` | 2024-03-03 | 2024-03-04 | 1.0 | `advance` | ",
            "`lost` | 2024-03-04 | still there |  | `close` | ",
        ]
    );
    assert!(made.exhibits[0].text[0].starts_with("One person's way through the stages"));
    let text = serde_json::to_string(&made.exhibits).unwrap();
    assert!(!text.contains("b1"), "the entity's id is nobody's business: {text}");
}

#[tokio::test]
async fn inferred_visits_say_so_and_days_have_tenths() {
    let made = journey("policies: {skipped: same_time}", &rows()[2..5]).await;
    assert_eq!(made.shown(0)[0], "`lead` | 2024-02-01 | 2024-02-02 | 1.5 | `initial` | ");
    let skips = [to("a", "2024-01-01", "lead", 1), to("a", "2024-01-05", "sql", 2)];
    let made = journey("policies: {skipped: same_time}", &skips).await;
    assert!(made.shown(0)[1].ends_with("| `skipped_stage`"), "{:?}", made.shown(0));
}

#[tokio::test]
async fn a_way_of_a_visit_or_two_tells_nothing() {
    assert_eq!(journey("", &rows()[..2]).await.exhibits, []);
    assert_eq!(journey("", &[]).await.exhibits, []);
}

#[tokio::test]
async fn threads_and_batches_show_the_same_and_personal_instants_nothing() {
    let yaml = "
stages: [lead, mql, sql]
exits: [lost]
sources:
  - {from: changes, entity: who, at: at, was: was, to: now, record: id, system: crm}
";
    let shown = |exhibits: &[Exhibit]| serde_json::to_string(exhibits).unwrap();
    let tables = [("changes", history(&rows()))];
    let expected = shown(&run(yaml, &tables, PLAIN).await.exhibits);
    assert!(expected.contains("lost"), "{expected}");
    for how in [How { threads: 1, batch: 1 }, How { threads: 5, batch: 2 }] {
        assert_eq!(shown(&run(yaml, &tables, how).await.exhibits), expected, "{how:?}");
    }
    let (spec, sources) = model(yaml);
    let at = Column::new(ColumnName::new_unchecked("at"), ColumnType::Timestamp, "When.").pii(Pii::Indirect);
    let mut frames = fixture::frames(&[], PLAIN);
    let frame = Frame { columns: vec![at], ..fixture::frame(&history(&rows()), PLAIN) };
    frames.insert(TableName::new_unchecked("changes"), frame);
    let engine = engine(PLAIN, sources);
    let made = fixture::run(&spec, "journey", &settings(), frames, &engine, usize::MAX).await.unwrap();
    assert_eq!(made.exhibits, []);
}
