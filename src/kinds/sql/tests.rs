//! Measures that do not add up, through all sorts of queries.

use std::sync::Arc;

use super::*;
use crate::engine::Frame;
use crate::kinds::fixture::{PLAIN, engine, model, scope, settings};

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

/// The contract of a query, and what is said of it.
fn checked(query: &str, frames: &Frames) -> (Contract, Vec<String>) {
    let (sql, sources) = model::<Sql>(&format!("|\n  {query}\n"));
    let (settings, name) = (settings(), TableName::new_unchecked("totals"));
    let engine = engine(PLAIN, sources, chrono::DateTime::UNIX_EPOCH);
    let mut diags = Diagnostics::default();
    let contracts = sql.contract(&scope(&name, &settings, frames, &engine), &mut diags);
    let said = diags.into_sorted().into_iter().map(|told| told.message).collect();
    (contracts.unwrap_or_else(|| panic!("{query}: {said:?}")).remove(0), said)
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
