//! Queries that the guide of one kind shows for another, run over rows made by hand.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray};
use chrono::DateTime;

use super::fixture::{self, PLAIN, engine, settings};
use super::sql::Sql;
use super::velocity::GUIDE;

/// Segment, status, days, amount, and how many of these there are.
type Deal = (&'static str, &'static str, Option<i128>, i128, usize);

const DEALS: [Deal; 9] = [
    // 50 opportunities, 4 of 20 decided won, 10,000 and 30 days in the mean: 50 × 0.2 × 10,000 / 30.
    ("smb", "converted", Some(10), 4_000, 1),
    ("smb", "converted", Some(20), 16_000, 1),
    ("smb", "converted", Some(40), 8_000, 1),
    ("smb", "converted", Some(50), 12_000, 1),
    ("smb", "lost", Some(70), 90_000, 16),
    ("smb", "open", Some(5), 90_000, 30),
    ("smb", "excluded", None, 90_000, 3),
    // Won in no time; nothing decided yet.
    ("enterprise", "converted", Some(0), 7_000, 2),
    ("public", "open", Some(3), 5_000, 4),
];

/// A value without the last zeros of a decimal.
fn plain(column: &dyn Array, row: usize) -> String {
    let text = fixture::cell(column, row);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

#[tokio::test]
async fn pipeline_velocity_is_the_worked_figure() {
    let query = GUIDE.split("```sql\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let deals: Vec<_> = DEALS.iter().flat_map(|deal| std::iter::repeat_n(deal, deal.4)).collect();
    let ids: ArrayRef = Arc::new((0..deals.len() as i64).collect::<Int64Array>());
    let text = |of: fn(&Deal) -> String| -> ArrayRef {
        Arc::new(deals.iter().map(|deal| Some(of(deal))).collect::<StringArray>())
    };
    let scaled = |of: fn(&Deal) -> Option<i128>, scale: i8| -> ArrayRef {
        let values: Decimal128Array = deals.iter().map(|deal| Some(of(deal)? * 10i128.pow(scale as u32))).collect();
        Arc::new(values.with_precision_and_scale(18, scale).unwrap())
    };
    let cycle = RecordBatch::try_from_iter_with_nullable([
        ("entity_id", Arc::clone(&ids), true),
        ("segment", text(|deal| deal.0.to_string()), true),
        ("status", text(|deal| deal.1.to_string()), true),
        ("duration_days", scaled(|deal| deal.2, 9), true),
    ]);
    let opportunities =
        RecordBatch::try_from_iter([("opportunity_id", ids), ("amount", scaled(|deal| Some(deal.3), 2))]);
    let written = query.replace('\n', "\n  ");
    let (sql, sources) = fixture::model::<Sql>(&format!("|\n  {written}"));
    let tables = [("deal_cycle", cycle.unwrap()), ("opportunities", opportunities.unwrap())];
    let frames = fixture::frames(&tables, PLAIN);
    let engine = engine(PLAIN, sources, DateTime::UNIX_EPOCH);
    let made = fixture::run(&sql, "pipeline", &settings(), frames, &engine, usize::MAX).await.unwrap();
    let columns = ["segment", "opportunities", "won_amount", "cycle_days", "win_rate", "pipeline_velocity_per_day"];
    assert_eq!(
        fixture::lines(&made.tables["pipeline"], &columns, plain),
        ["enterprise | 2 | 7000 | 0 | 1 | -", "public | 4 | - | - | - | -", "smb | 50 | 10000 | 30 | 0.2 | 3333.33",]
    );
}
