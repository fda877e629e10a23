//! Whole numbers that do not fit their type: an error, never another number.

use std::collections::BTreeMap;

use arrow::array::Int32Array;

use super::*;
use crate::error::ErrorKind;
use crate::syntax::{ExprText, SqlText};

fn numbers() -> RecordBatch {
    let groups = Int64Array::from(vec![1, 1, 2, 2, 2]);
    let ints = Int32Array::from(vec![Some(i32::MAX), Some(1), None, Some(5), Some(-7)]);
    let bigints = Int64Array::from(vec![Some(i64::MAX), Some(1), None, Some(5), Some(-7)]);
    let columns: [(&str, ArrayRef); 3] = [("g", Arc::new(groups)), ("i", Arc::new(ints)), ("b", Arc::new(bigints))];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

#[tokio::test]
async fn what_does_not_fit_is_an_error() {
    for query in [
        "SELECT i + 1::INT AS x FROM numbers",
        "SELECT i * 2::INT AS x FROM numbers",
        "SELECT (-2)::INT - i AS x FROM numbers",
        "SELECT b + 1 AS x FROM numbers",
        "SELECT g FROM numbers WHERE b + g > 0",
        "SELECT max(b + i) AS x FROM numbers GROUP BY g",
        "SELECT g, b * 2 AS x FROM numbers GROUP BY g, b * 2",
        "SELECT l.g FROM numbers AS l JOIN numbers AS r ON l.b + 1 = r.b",
        "SELECT g FROM numbers WHERE i IN (SELECT b + g FROM numbers)",
        "SELECT sum(b) AS x FROM numbers WHERE b > 0",
        "SELECT g, sum(b) AS x FROM numbers GROUP BY g",
        "SELECT g, sum(b) OVER (PARTITION BY g) AS x FROM numbers",
        "SELECT sum(DISTINCT b) AS x FROM numbers WHERE b > 0",
        "SELECT g, sum(DISTINCT b) AS x, count(DISTINCT i) AS n FROM numbers GROUP BY g",
        "SELECT -(-9223372036854775807 - 1 - b + b) AS x FROM numbers WHERE b = 1",
    ] {
        let error = made(query, &numbers(), PLAIN).await.expect_err(query);
        assert_eq!(error.kind(), ErrorKind::Data, "{query}: {error}");
        assert!(error.to_string().contains("a number is larger than its type can hold"), "{query}: {error}");
    }
    let (_, said) = told("SELECT amount, 9223372036854775807 + 1 AS x FROM credits", &frames());
    assert!(said.iter().any(|said| said.contains("verflow")), "{said:?}");
}

#[tokio::test]
async fn what_fits_is_what_it_was() {
    let query = "SELECT g, sum(i) AS i, sum(CAST(b AS DECIMAL(20, 0))) + 1 AS b, count(*) * 2 - 1 AS n, \
        sum(b) FILTER (WHERE b < 0) AS f, max(CASE WHEN b < 9 THEN b * 1000000000000000000 END) AS m \
        FROM numbers GROUP BY g";
    let rows = made(query, &numbers(), PLAIN).await.unwrap();
    assert_eq!(
        fixture::lines(&rows, &["g", "i", "b", "n", "f", "m"], fixture::cell),
        [
            "1 | 2147483648 | 9223372036854775809 | 3 | - | 1000000000000000000",
            "2 | -2 | -1 | 5 | -7 | 5000000000000000000",
        ]
    );
    let query = "SELECT sum(DISTINCT b) AS s, count(DISTINCT g) AS n, -min(b) AS m FROM numbers \
        JOIN (SELECT 1 AS twice UNION ALL SELECT 2) ON true WHERE b < 9";
    let rows = made(query, &numbers(), PLAIN).await.unwrap();
    assert_eq!(fixture::lines(&rows, &["s", "n", "m"], fixture::cell), ["-1 | 2 | 7"]);
    // What is taken back again need not fit on the way.
    let rows = made("SELECT sum(b) AS s FROM numbers", &numbers(), PLAIN).await.unwrap();
    assert_eq!(fixture::lines(&rows, &["s"], fixture::cell), ["9223372036854775806"]);
    let window = "SELECT DISTINCT g, sum(b) OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s \
        FROM numbers WHERE b < 9";
    let rows = made(window, &numbers(), PLAIN).await.unwrap();
    assert_eq!(fixture::lines(&rows, &["g", "s"], fixture::cell), ["1 | -6", "2 | -7", "2 | 6"]);
}

#[tokio::test]
async fn arithmetic_can_stand_anywhere() {
    for (query, expected) in [
        ("SELECT b FROM numbers WHERE b < 9 ORDER BY b * 2 LIMIT 1", vec!["-7"]),
        ("SELECT DISTINCT sum(g) OVER (PARTITION BY g + 1) AS b FROM numbers", vec!["2", "6"]),
        ("SELECT g + 1 AS b FROM numbers GROUP BY ROLLUP (g + 1)", vec!["-", "2", "3"]),
        ("SELECT g AS b FROM numbers GROUP BY g HAVING count(*) * 2 > 4", vec!["2"]),
        ("SELECT (SELECT min(g) - 1 FROM numbers) AS b FROM numbers WHERE b = 1", vec!["0"]),
        (
            "SELECT DISTINCT g AS b FROM numbers AS l WHERE EXISTS (SELECT 1 FROM numbers AS r WHERE r.g = l.g + 1)",
            vec!["1"],
        ),
        ("SELECT i - 1 AS b FROM numbers WHERE i BETWEEN g - 1 AND g + 3", vec!["0", "4"]),
        ("SELECT g * 3 AS b FROM numbers WHERE i = 1 UNION ALL SELECT g - 3 FROM numbers WHERE i = 5", vec!["-1", "3"]),
        ("WITH n AS (SELECT g + 1 AS g FROM numbers) SELECT max(g * g) AS b FROM n", vec!["9"]),
    ] {
        let rows = made(query, &numbers(), PLAIN).await.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        assert_eq!(fixture::lines(&rows, &["b"], fixture::cell), expected, "{query}");
    }
}

#[tokio::test]
async fn sums_are_those_of_adding_one_by_one() {
    for seed in 0..8 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let rows: Vec<(i64, Option<i64>)> = (0..500)
            .map(|_| (rng.random_range(0..9), rng.random_bool(0.8).then(|| rng.random_range(-1_000_000..1_000_000))))
            .collect();
        let mut expected: BTreeMap<i64, Option<i64>> = BTreeMap::new();
        for (group, number) in &rows {
            let sum = expected.entry(*group).or_default();
            *sum = number.map_or(*sum, |number| Some(sum.unwrap_or(0) + number));
        }
        let columns: [(&str, ArrayRef); 2] = [
            ("g", Arc::new(rows.iter().map(|row| Some(row.0)).collect::<Int64Array>())),
            ("b", Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>())),
        ];
        let table = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)));
        let how = How { threads: 1 + seed as usize % 3, batch: 7 };
        let made = made("SELECT g, sum(b) AS s FROM numbers GROUP BY g", &table.unwrap(), how).await.unwrap();
        let shown = |sum: &Option<i64>| sum.map_or("-".to_string(), |sum| sum.to_string());
        let expected: Vec<String> = expected.iter().map(|(group, sum)| format!("{group} | {}", shown(sum))).collect();
        assert_eq!(fixture::lines(&made, &["g", "s"], fixture::cell), expected);
    }
}

#[test]
fn expressions_of_other_kinds_are_checked_too() {
    let engine = engine(PLAIN, crate::diag::Sources::default(), chrono::DateTime::UNIX_EPOCH);
    let schema = datafusion::common::DFSchema::try_from(numbers().schema().as_ref().clone()).unwrap();
    let text = ExprText { value: SqlText("b * 2 + g".to_string()), place: Place::default() };
    let typed = engine.expr(&text, &schema).unwrap();
    assert_eq!(typed.expr.to_string(), "checked_plus(checked_times(b, Int64(2)), g)");
    assert_eq!(typed.data_type, DataType::Int64);
}
