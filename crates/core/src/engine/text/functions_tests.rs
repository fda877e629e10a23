//! The reference page run through SQL, and the functions over every encoding of text.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, LargeStringArray, RecordBatch, StringArray};
use arrow::array::{Int8Array, StringViewArray, StringViewBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int8Type, Int64Type};
use datafusion::execution::FunctionRegistry;
use datafusion::prelude::SessionContext;

use super::email::{self, Tags};
use super::functions;
use crate::diag::Sources;
use crate::engine::{Engine, Limits};

const PAGE: &str = include_str!("../../../../../docs/text-functions.md");

fn engine() -> Engine {
    let limits = Limits {
        threads: NonZeroUsize::MIN,
        memory_bytes: 1 << 28,
        spill_dir: None,
        batch_size: NonZeroUsize::new(8192).unwrap(),
    };
    Engine::new(limits, "2025-01-01T00:00:00Z".parse().unwrap(), Sources::default()).unwrap()
}

/// The lines of the page's tables: what is called, and what it answers.
fn vectors() -> Vec<(&'static str, &'static str)> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "));
    rows.map(|(call, answer)| (call, answer.trim_matches('`'))).collect()
}

/// The functions that have a section of their own.
fn sections() -> Vec<&'static str> {
    PAGE.lines().filter_map(|line| line.strip_prefix("### `")?.split('(').next()).collect()
}

async fn query(ctx: &SessionContext, sql: &str) -> ArrayRef {
    let frame = ctx.sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let schema = Arc::clone(frame.schema().inner());
    let batches = frame.collect().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let batch = arrow::compute::concat_batches(&schema, &batches).unwrap();
    batch.column(0).clone()
}

/// A value as the page writes it; similarities with six places.
fn written(array: &ArrayRef, row: usize) -> String {
    if array.is_null(row) {
        return "NULL".to_string();
    }
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Float64 => format!("{:.6}", array.as_primitive::<Float64Type>().value(row)),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        _ => array.as_string_view().value(row).to_string(),
    }
}

#[tokio::test]
async fn every_line_of_the_page_holds() {
    let engine = engine();
    let vectors = vectors();
    assert!(vectors.len() > 100, "{} lines", vectors.len());
    for (call, answer) in &vectors {
        let found = query(engine.ctx(), &format!("SELECT {call}")).await;
        assert_eq!(written(&found, 0), *answer, "{call}");
    }
}

#[test]
fn the_page_has_every_function_with_lines_of_its_own() {
    let known: BTreeSet<String> = functions::all().map(|function| function.name().to_string()).collect();
    let described: BTreeSet<String> = sections().into_iter().map(str::to_string).collect();
    assert_eq!(described, known);
    assert_eq!(sections().len(), known.len(), "a function is described twice");
    for name in &known {
        let lines = vectors().iter().filter(|(call, _)| call.starts_with(&format!("{name}("))).count();
        assert!(lines >= 3, "{name} has {lines} lines");
        assert!(vectors().iter().any(|(call, answer)| call.starts_with(&format!("{name}(NULL")) && *answer == "NULL"));
    }
}

/// The same texts in every encoding, `NULL` among them, and a dictionary with more values than rows.
fn encodings() -> Vec<ArrayRef> {
    let texts =
        [Some("A.nn+x@gmail.com"), None, Some(""), Some("Bob"), Some("Bob"), Some("(415) 555-2671"), Some("ann")];
    let utf8: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    let dictionary: ArrayRef = Arc::new(texts.into_iter().collect::<DictionaryArray<Int8Type>>());
    let mut values = vec!["never used"; 20];
    values.extend(texts.iter().flatten());
    let mut next = 19;
    let keys = texts.iter().map(|text| {
        text.map(|_| {
            next += 1;
            next
        })
    });
    let wide = DictionaryArray::new(keys.collect::<Int8Array>(), Arc::new(StringViewArray::from(values)));
    // A dictionary whose value is NULL says NULL just as a missing key does.
    let with_null = Arc::new(StringArray::from(texts.to_vec()));
    let with_null = DictionaryArray::new(Int8Array::from_iter_values(0..7), with_null);
    vec![
        utf8.clone(),
        Arc::new(LargeStringArray::from(texts.to_vec())),
        Arc::new(StringViewArray::from(texts.to_vec())),
        cast(&utf8, &DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::LargeUtf8))).unwrap(),
        dictionary,
        Arc::new(wide),
        Arc::new(with_null),
    ]
}

#[tokio::test]
async fn every_encoding_of_text_gives_the_same() {
    let calls = [
        "email_key(t)",
        "email_key(t, 'drop_tags')",
        "email_is_role(t)",
        "given_name_key(t)",
        "phone_key(t, 'US')",
        "digits_key(t)",
        "phone_key(t, country)",
        "phone_is_toll_free(t, country, 'US')",
        "jaro_winkler(t, 'bob')",
        "jaro_winkler(t, t)",
        "damerau_levenshtein('bob', t)",
        "may_be_same_given_name(t, 'robert')",
        "name_key(NULL)",
    ];
    for call in calls {
        let mut answers = Vec::new();
        for texts in encodings() {
            let countries: ArrayRef =
                Arc::new(StringArray::from(vec![Some("US"), None, Some("DE"), None, None, Some("US"), Some("")]));
            let batch = RecordBatch::try_from_iter([("t", texts), ("country", countries)]).unwrap();
            let engine = engine();
            engine.ctx().register_batch("texts", batch).unwrap();
            let found = query(engine.ctx(), &format!("SELECT {call} FROM texts")).await;
            answers.push((0..found.len()).map(|row| written(&found, row)).collect::<Vec<_>>());
        }
        assert_eq!(answers[0].len(), 7);
        assert_eq!(answers[0][1], "NULL", "{call}");
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{call}: {answers:#?}");
    }
}

#[tokio::test]
async fn values_that_come_again_are_answered_as_those_that_do_not() {
    let distinct = |row: usize| Some(format!("Ann.{row}+x@Example{}.org", row % 7));
    let repeated = |row: usize| (!row.is_multiple_of(5)).then(|| format!("Bob.{}@a-longer-name.org", row % 11));
    let mixed = |row: usize| if row < 2_500 { distinct(row) } else { repeated(row) };
    let nothing = |_: usize| None;
    let columns: [&dyn Fn(usize) -> Option<String>; 4] = [&distinct, &repeated, &mixed, &nothing];
    for texts in columns {
        let texts: Vec<Option<String>> = (0..5_000).map(texts).collect();
        let mut views = StringViewBuilder::new().with_deduplicate_strings();
        texts.iter().for_each(|text| views.append_option(text.as_deref()));
        let engine = engine();
        let batch = RecordBatch::try_from_iter([("t", Arc::new(views.finish()) as ArrayRef)]).unwrap();
        engine.ctx().register_batch("texts", batch).unwrap();
        let keys = query(engine.ctx(), "SELECT email_key(t, 'drop_tags') FROM texts").await;
        let expected = texts.iter().map(|text| email::key_cow(text.as_deref()?, Tags::Everywhere));
        assert!(keys.as_string_view().iter().eq(expected.collect::<Vec<_>>().iter().map(Option::as_deref)));
        let roles = query(engine.ctx(), "SELECT email_is_role(t) FROM texts").await;
        assert!(roles.as_boolean().iter().eq(texts.iter().map(|text| email::is_role(text.as_deref()?))));
    }
}

#[tokio::test]
async fn no_rows_give_no_rows() {
    let engine = engine();
    for function in functions::all() {
        let name = function.name();
        let call = if name.contains("jaro") || name.contains("dam") || name.contains("may_be") || name.contains("token")
        {
            format!("{name}(t, t)")
        } else {
            format!("{name}(t)")
        };
        let found = query(engine.ctx(), &format!("SELECT {call} FROM (SELECT 'a' AS t) WHERE t = 'b'")).await;
        assert_eq!(found.len(), 0, "{name}");
        assert!(engine.ctx().udf(name).is_ok());
    }
}

#[tokio::test]
async fn wrong_values_are_refused_when_it_is_planned() {
    let engine = engine();
    let calls = [
        "email_key(1)",
        "email_key('a', 'b')",
        "email_key()",
        "jaro_winkler('a')",
        "name_key('a', 'b')",
        "phone_key(now())",
    ];
    for call in calls {
        let error = engine.ctx().sql(&format!("SELECT {call}")).await.expect_err(call).strip_backtrace();
        let name = call.split('(').next().unwrap();
        assert!(error.contains(&format!("'{name}' ")) && error.contains(&format!("written {name}(")), "{error}");
    }
}
