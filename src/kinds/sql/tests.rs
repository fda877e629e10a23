//! Measures that do not add up, and answers that hang on the order of rows, through all sorts of queries.

mod whole_numbers;

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::engine::Frame;
use crate::kinds::fixture::{self, How, PLAIN, engine, model, scope, settings};

/// Shares of amounts by model and currency, of each opportunity by channel, and a rate by month.
fn frames() -> Frames {
    let text = |name| Column::new(ColumnName::new_unchecked(name), ColumnType::Text, "A word.");
    let number = |name| Column::new(ColumnName::new_unchecked(name), ColumnType::Decimal(18, 2), "A number.");
    let tables = [
        (
            "credits",
            vec![
                text("channel"),
                text("model"),
                text("currency"),
                number("amount").adds_up_within(&["model", "currency"]),
            ],
        ),
        ("pipeline", vec![text("id"), text("channel"), number("influenced").adds_up_within(&["channel"])]),
        ("speed", vec![text("month"), number("entered"), number("rate").never_adds_up()]),
    ];
    let mut frames = Frames::default();
    for (name, columns) in tables {
        let fields: Vec<Field> = columns.iter().map(|c| Field::new(c.name.as_str(), c.ty.arrow(), true)).collect();
        let schema = Arc::new(arrow::datatypes::Schema::new(fields));
        frames.insert(TableName::new_unchecked(name), Frame::empty(schema, columns));
    }
    frames
}

/// What is said of a query that is refused.
fn refused(query: &str, frames: &Frames) -> Vec<String> {
    let (contract, said) = told(query, frames);
    assert!(contract.is_none(), "{query}");
    said
}

/// The contract of a query, and what is said of it.
fn checked(query: &str, frames: &Frames) -> (Contract, Vec<String>) {
    let (contract, said) = told(query, frames);
    (contract.unwrap_or_else(|| panic!("{query}: {said:?}")), said)
}

fn told(query: &str, frames: &Frames) -> (Option<Contract>, Vec<String>) {
    let (sql, sources) = model::<Sql>(&format!("|\n  {query}\n"));
    let (settings, name) = (settings(), TableName::new_unchecked("totals"));
    let engine = engine(PLAIN, sources, chrono::DateTime::UNIX_EPOCH);
    let mut diags = Diagnostics::default();
    let contracts = sql.contract(&scope(&name, &settings, frames, &engine), &mut diags);
    let said = diags.into_sorted().into_iter().map(|told| told.message).collect();
    (contracts.map(|mut contracts| contracts.remove(0)), said)
}

#[test]
fn sums_that_count_the_same_several_times() {
    let both = "differ in `model`, `currency`,";
    for (query, expected) in [
        ("SELECT SUM(amount) AS a FROM credits", both),
        ("SELECT channel, AVG(amount) AS a FROM credits GROUP BY channel", both),
        ("SELECT model, SUM(amount) AS a FROM credits GROUP BY model", "differ in `currency`,"),
        ("SELECT SUM(amount) AS a FROM credits WHERE model = 'linear'", "differ in `currency`,"),
        ("SELECT SUM(amount) AS a FROM credits WHERE model <> 'linear' AND currency = 'EUR'", "differ in `model`,"),
        ("SELECT SUM(amount) AS a FROM credits WHERE model = 'u' OR currency = 'EUR'", both),
        ("SELECT SUM(amount) AS a FROM credits WHERE model = (SELECT MAX(model) FROM credits)", both),
        ("SELECT SUM(CASE WHEN channel = 'Email' THEN amount * 1.2 END) AS a FROM credits", both),
        ("SELECT SUM(coalesce(amount, 0) + 1) AS a FROM credits", both),
        ("SELECT SUM(amount) OVER (PARTITION BY currency) AS a FROM credits", "differ in `model`,"),
        ("SELECT model, SUM(amount) AS a FROM credits GROUP BY ROLLUP (model)", both),
        (
            "SELECT SUM(a) AS b FROM (SELECT model, currency, SUM(amount) AS a FROM credits GROUP BY model, currency)",
            both,
        ),
        (
            "SELECT SUM(a) AS b FROM (SELECT amount AS a FROM credits WHERE model = 'u' AND currency = 'EUR' \
             UNION ALL SELECT amount FROM credits)",
            both,
        ),
        ("SELECT channel FROM pipeline WHERE 1 < (SELECT SUM(influenced) FROM pipeline)", "differ in `channel`,"),
        (
            "SELECT c.channel, SUM(p.influenced) AS i FROM credits c JOIN pipeline p ON p.id = c.channel GROUP BY 1",
            "differ in `channel`,",
        ),
        ("SELECT SUM(rate) AS r FROM speed GROUP BY month", "is a ratio"),
        ("SELECT AVG(CAST(rate AS DOUBLE) * 100) AS r FROM speed", "is a ratio"),
    ] {
        let (_, said) = checked(query, &frames());
        assert!(said.len() == 1 && said[0].contains(expected), "{query}\n{said:?}");
    }
}

#[test]
fn sums_that_add_up() {
    for query in [
        "SELECT channel, model, currency, SUM(amount) AS a FROM credits GROUP BY channel, model, currency",
        "SELECT channel, SUM(amount) AS a FROM credits WHERE model = 'linear' AND currency IN ('EUR') GROUP BY 1",
        "SELECT currency, SUM(amount) FILTER (WHERE model = 'linear') AS a FROM credits GROUP BY 1",
        "SELECT currency, SUM(CASE WHEN model = 'linear' THEN amount ELSE 0 END) AS l, \
         SUM(CASE model WHEN 'first' THEN amount END) AS f FROM credits GROUP BY currency",
        "SELECT SUM(amount) OVER (PARTITION BY model, currency) AS a FROM credits",
        "WITH one AS (SELECT channel AS c, amount AS a FROM credits WHERE model = 'u' AND 'EUR' = currency) \
         SELECT c, SUM(a) AS a FROM one GROUP BY c",
        "SELECT MAX(amount) AS a, COUNT(DISTINCT amount) AS n FROM credits",
        "SELECT SUM(rate * entered) / SUM(entered) AS r FROM speed",
        "SELECT SUM(n) AS n FROM (SELECT COUNT(DISTINCT amount) AS n FROM credits GROUP BY model)",
    ] {
        let (_, said) = checked(query, &frames());
        assert!(said.is_empty(), "{query}\n{said:?}");
    }
}

#[test]
fn what_holds_of_a_measure_holds_of_the_model_that_passes_it_on() {
    let within =
        |names: &[&str]| Additivity::Within(names.iter().map(|name| ColumnName::new_unchecked(name)).collect());
    for (query, expected) in [
        ("SELECT model AS m, currency, amount AS a FROM credits", within(&["currency", "m"])),
        ("SELECT model AS m, currency, SUM(amount) AS a FROM credits GROUP BY 1, 2", within(&["currency", "m"])),
        ("SELECT currency, amount AS a FROM credits WHERE model = 'u'", within(&["currency"])),
        ("SELECT amount AS a FROM credits WHERE model = 'u' AND currency = 'EUR'", Additivity::Any),
        ("SELECT amount AS a FROM credits", within(&["currency", "model"])),
        ("SELECT month, rate AS a FROM speed", Additivity::None),
        ("SELECT month, entered AS a FROM speed", Additivity::Any),
    ] {
        let (contract, said) = checked(query, &frames());
        assert!(said.is_empty(), "{query}\n{said:?}");
        assert_eq!(contract.column("a").unwrap().additivity, expected, "{query}");
    }
    // And so two models further down.
    let mut frames = frames();
    for (name, query) in [
        ("one", "SELECT model AS m, currency, amount AS a FROM credits WHERE currency = 'EUR'"),
        ("two", "SELECT m AS which, a AS b FROM one"),
    ] {
        let (contract, _) = checked(query, &frames);
        frames.insert(TableName::new_unchecked(name), Frame::empty(Arc::new(contract.schema()), contract.columns));
    }
    let (_, said) = checked("SELECT SUM(b) AS b FROM two", &frames);
    assert!(
        said.len() == 1 && said[0].contains("`b` of `two` is added up over rows that differ in `which`"),
        "{said:?}"
    );
    assert!(checked("SELECT which, SUM(b) AS b FROM two GROUP BY which", &frames).1.is_empty());
}

/// The answer of a query over one table, `numbers`.
async fn made(query: &str, rows: &RecordBatch, how: How) -> Result<RecordBatch> {
    let (sql, sources) = model::<Sql>(&format!("|\n  {query}\n"));
    let engine = engine(how, sources, chrono::DateTime::UNIX_EPOCH);
    let frames = fixture::frames(&[("numbers", rows.clone())], how);
    let mut made = fixture::run(&sql, "totals", &settings(), frames, &engine, usize::MAX).await?;
    Ok(made.tables.swap_remove("totals").unwrap())
}

/// Doubles of all sizes in groups, some of them NULL.
fn doubles(seed: u64) -> RecordBatch {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut groups, mut numbers) = (Vec::new(), Vec::new());
    for row in 0..2_000 {
        groups.push(rng.random_range(0..7i64));
        let number = rng.random_range(-1.0..1.0f64) * 10f64.powi(rng.random_range(-8..9));
        numbers.push(rng.random_bool(0.95).then_some(number + f64::from(row)));
    }
    let columns = [("g", Arc::new(Int64Array::from(groups)) as ArrayRef), ("x", Arc::new(Float64Array::from(numbers)))];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

#[tokio::test]
async fn sums_of_doubles_are_the_same_in_every_order() {
    for (seed, query) in [
        (1, "SELECT g, sum(x) AS a, avg(x) AS b, stddev(x) AS c, var_pop(x) AS d FROM numbers GROUP BY g"),
        (2, "SELECT sum(x) AS a, avg(x) AS b, stddev_pop(x) AS c, var(x) FILTER (WHERE g > 3) AS d FROM numbers"),
        (3, "SELECT DISTINCT g, sum(x) OVER (PARTITION BY g) AS a, avg(-x) OVER () AS b FROM numbers"),
        (4, "SELECT avg(g) AS a, sum(CAST(x AS FLOAT)) AS b, stddev(g) AS c FROM numbers"),
        (5, "SELECT sum(DISTINCT x) AS a, avg(x) AS b FROM numbers"),
        (
            6,
            "SELECT g, sum(DISTINCT x) AS a, stddev(DISTINCT -x) AS b, avg(DISTINCT x * 2) AS c FROM numbers GROUP BY g",
        ),
        (
            7,
            "SELECT corr(x, g) AS a, regr_slope(x, g) AS b, covar_pop(x, x * x) AS c, regr_sxy(g, x) AS d FROM numbers",
        ),
        (
            8,
            "SELECT g, regr_r2(x, x * x) AS a, regr_intercept(x, x * x) AS b, covar(x, g) AS c FROM numbers GROUP BY g",
        ),
        (9, "SELECT DISTINCT g, corr(x, x * x) OVER (PARTITION BY g) AS a FROM numbers"),
    ] {
        let rows = doubles(seed);
        let mut shuffled: Vec<u32> = (0..2_000).collect();
        shuffled.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let order = arrow::array::UInt32Array::from(shuffled);
        let shuffled = arrow::compute::take_record_batch(&rows, &order).unwrap();
        let mut answers = Vec::new();
        for (rows, threads, batch) in [(&rows, 1, 8192), (&rows, 3, 7), (&shuffled, 1, 8192), (&shuffled, 5, 100)] {
            let table = made(query, rows, How { threads, batch }).await.unwrap();
            let fields = table.schema();
            let names: Vec<&str> = fields.fields().iter().map(|field| field.name().as_str()).collect();
            answers.push(fixture::lines(&table, &names, fixture::cell));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{query}\n{answers:#?}");
    }
}

#[tokio::test]
async fn what_the_exact_figures_are() {
    let x = Float64Array::from(vec![Some(0.1), Some(0.2), Some(0.3), None, Some(1e16), Some(-1e16)]);
    let rows = RecordBatch::try_from_iter_with_nullable([("x", Arc::new(x) as ArrayRef, true)]).unwrap();
    let query = "SELECT sum(x) AS s, avg(x) AS m, sum(x) FILTER (WHERE x IS NULL) AS n, \
        round(var(x) FILTER (WHERE abs(x) < 1), 12) AS v, stddev(x) FILTER (WHERE x > 1) AS one FROM numbers";
    let made = made(query, &rows, PLAIN).await.unwrap();
    // 0.1 + 0.2 + 0.3 as doubles is 0.6 and 2.8e-17 more, the nearest double of which is 0.6; a fifth of it is 0.12.
    let lines = fixture::lines(&made, &["s", "m", "n", "v", "one"], fixture::cell);
    assert_eq!(lines, ["0.6 | 0.12 | - | 0.01 | -"]);
}

#[tokio::test]
async fn doubles_are_compared_as_doubles() {
    let x = Float64Array::from(vec![Some(1e-16), Some(0.5), Some(1e15), Some(f64::NAN), Some(f64::INFINITY), None]);
    let rows = RecordBatch::try_from_iter_with_nullable([("x", Arc::new(x) as ArrayRef, true)]).unwrap();
    for (query, expected) in [
        ("SELECT count(*) AS n FROM numbers WHERE x > 0.0", "5"),
        ("SELECT count(*) AS n FROM numbers WHERE 0.5 < x", "3"),
        ("SELECT count(*) AS n FROM numbers WHERE x BETWEEN 0.0 AND 0.5", "2"),
        ("SELECT count(*) AS n FROM numbers WHERE x IN (0.5, 1.5)", "1"),
        ("SELECT count(*) AS n FROM numbers WHERE x = CAST(0.5 AS DECIMAL(9, 2))", "1"),
        ("SELECT sum(CASE WHEN x >= 0.75 THEN 1 ELSE 0 END) AS n FROM numbers", "3"),
        ("SELECT count(*) AS n FROM (SELECT x > 0.25 AS far FROM numbers GROUP BY x > 0.25)", "3"),
        (
            "SELECT count(*) AS n FROM numbers AS l WHERE EXISTS (SELECT 1 FROM numbers AS r WHERE r.x > 0.5 AND r.x = l.x)",
            "3",
        ),
        ("SELECT count(*) AS n FROM numbers WHERE x * 2.0 > 1.5", "3"),
    ] {
        let table = made(query, &rows, PLAIN).await.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        assert_eq!(fixture::lines(&table, &["n"], fixture::cell), [expected], "{query}");
    }
}

#[tokio::test]
async fn what_the_figures_of_pairs_are() {
    // Of the first group by hand: x is 1, 2, 3 and a thousand million more, y is 2, 3, 7; so the squared distances of x
    // add up to 2, those of y to 14, their products to 5. The second has only one pair of both, the third only one x.
    let number = |numbers: [Option<f64>; 8]| Arc::new(Float64Array::from(numbers.to_vec())) as ArrayRef;
    let far = |x: f64| Some(1e9 + x);
    let rows = RecordBatch::try_from_iter_with_nullable([
        ("g", Arc::new(Int64Array::from(vec![1, 1, 1, 1, 2, 2, 3, 3])) as ArrayRef, true),
        ("x", number([far(1.0), far(2.0), far(3.0), None, Some(1.0), None, Some(4.0), Some(4.0)]), true),
        ("y", number([Some(2.0), Some(3.0), Some(7.0), Some(9.0), Some(1.0), Some(2.0), Some(1.0), Some(3.0)]), true),
    ]);
    let columns = [
        ("regr_sxx(y, x)", ["2.0", "0.0", "0.0"]),
        ("regr_syy(y, x)", ["14.0", "0.0", "2.0"]),
        ("regr_sxy(y, x)", ["5.0", "0.0", "0.0"]),
        ("regr_avgx(y, x) - 1000000000.0::DOUBLE", ["2.0", "-999999999.0", "-999999996.0"]),
        ("regr_avgy(y, x)", ["4.0", "1.0", "2.0"]),
        ("covar(x, y)", ["2.5", "-", "0.0"]),
        ("covar_pop(x, y) * 3", ["5.0", "0.0", "0.0"]),
        ("regr_slope(y, x)", ["2.5", "-", "-"]),
        ("regr_intercept(y, x)", ["-2500000001.0", "-", "-"]),
        ("round(28 * regr_r2(y, x), 12)", ["25.0", "-", "-"]),
        ("round(28 * power(corr(x, y), 2), 12)", ["25.0", "-", "-"]),
        ("corr(y, -2 * y)", ["-1.0", "-1.0", "-1.0"]),
        ("sum(DISTINCT x - x % 2)", ["2000000002.0", "0.0", "4.0"]),
        ("avg(DISTINCT y) FILTER (WHERE y < 9)", ["4.0", "1.5", "2.0"]),
    ];
    for how in [PLAIN, How { threads: 3, batch: 1 }] {
        for (figure, expected) in columns {
            let query = format!("SELECT g, {figure} AS f FROM numbers GROUP BY g");
            let table = made(&query, rows.as_ref().unwrap(), how).await.unwrap();
            let lines = fixture::lines(&table, &["g", "f"], fixture::cell);
            let expected: Vec<String> = (1..).zip(expected).map(|(group, f)| format!("{group} | {f}")).collect();
            assert_eq!(lines, expected, "{figure}");
        }
    }
}

#[test]
fn what_would_answer_otherwise_on_another_run() {
    let frames = frames();
    for (query, expected) in [
        ("SELECT channel FROM credits LIMIT 3", "`LIMIT` without `ORDER BY`"),
        ("SELECT channel FROM (SELECT DISTINCT channel FROM credits) LIMIT 3", "`LIMIT` without `ORDER BY`"),
        ("SELECT DISTINCT ON (channel) channel, amount FROM credits", "`DISTINCT ON` without `ORDER BY`"),
        ("SELECT first_value(amount) AS a FROM credits", "`first_value` without `ORDER BY`"),
        ("SELECT string_agg(model, ', ') AS a FROM credits", "`string_agg` without `ORDER BY`"),
        ("SELECT row_number() OVER (PARTITION BY model) AS a FROM credits", "`row_number` without `ORDER BY`"),
        ("SELECT approx_distinct(model) AS a FROM credits", "`approx_distinct` estimates"),
        ("SELECT corr(DISTINCT amount, amount * 2) AS a FROM credits", "`corr` cannot count equal pairs once"),
        (
            "SELECT channel FROM credits WHERE 1 IN (SELECT 1 FROM speed WHERE random() > 0.5)",
            "`random()` gives another",
        ),
    ] {
        let said = refused(query, &frames);
        assert!(said.len() == 1 && said[0].contains(expected), "{query}\n{said:?}");
    }
    for query in [
        "SELECT channel FROM credits ORDER BY channel, model LIMIT 3",
        "SELECT max(channel) AS c FROM credits LIMIT 1",
        "SELECT channel FROM credits AS c WHERE EXISTS (SELECT 1 FROM pipeline AS p WHERE p.channel = c.channel LIMIT 1)",
        "SELECT first_value(amount ORDER BY model, channel) AS a, median(amount) AS m FROM credits",
        "SELECT row_number() OVER (PARTITION BY model ORDER BY channel) AS a, rank() OVER () AS b FROM credits",
    ] {
        assert!(checked(query, &frames).1.is_empty(), "{query}");
    }
}
