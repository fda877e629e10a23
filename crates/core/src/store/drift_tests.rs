use super::*;
use crate::diag::{Severity, Sources};
use crate::syntax::{SourceSpec, read};
use arrow::datatypes::TimeUnit;

fn contract(columns: &str) -> (SourceTable, Sources) {
    let text = format!("source: s\ntables:\n  - table: lead\n    path: lead/\n    columns:\n{columns}");
    let mut diags = Diagnostics::default();
    let spec: SourceSpec = read(0, &text, &mut diags).unwrap_or_else(|| panic!("{:?}", diags));
    let mut sources = Sources::default();
    sources.add("schemas/s.yml", text);
    (spec.tables.into_iter().next().unwrap(), sources)
}

/// Resolves, and gives what was found as `code severity "underlined": message`.
fn found(columns: &str, files: &[Footer]) -> (Option<Resolved>, Vec<String>) {
    let (table, sources) = contract(columns);
    let mut diags = Diagnostics::default();
    let resolved = resolve(&table, files, &mut diags);
    assert_eq!(resolved.is_none(), diags.has_errors());
    let show = |d: Diagnostic| {
        let underlined = d.place.and_then(|place| sources.text(place)).unwrap_or_default();
        let severity = if d.severity == Severity::Error { "error" } else { "warning" };
        format!("{} {severity} `{underlined}`: {} [{}]", d.code, d.message, d.hint.unwrap_or_default())
    };
    (resolved, diags.into_sorted().into_iter().map(show).collect())
}

fn types(resolved: Option<Resolved>) -> Vec<(String, DataType, bool)> {
    let fields = resolved.unwrap().fields;
    fields.iter().map(|f| (f.name().clone(), f.data_type().clone(), f.is_nullable())).collect()
}

#[test]
fn an_extract_that_keeps_its_promise_says_nothing() {
    let file = Footer::of(
        "lead/a.parquet",
        3,
        &[
            ("id", DataType::Utf8, Some(0)),
            ("extra", DataType::LargeUtf8, None),
            ("created", DataType::Timestamp(TimeUnit::Nanosecond, None), Some(1)),
        ],
    );
    let (resolved, said) = found("      id: text\n      created: {type: timestamp, nullable: true}\n", &[file]);
    assert_eq!(said, Vec::<String>::new());
    let resolved = resolved.unwrap();
    assert_eq!(resolved.notes, ["instants without a time zone are read as UTC: `created`"]);
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    assert_eq!(
        types(Some(resolved)),
        [
            ("id".to_string(), DataType::Utf8View, false),
            ("extra".to_string(), DataType::Utf8View, true),
            ("created".to_string(), utc, true)
        ]
    );
}

#[test]
fn everything_that_drifted_is_reported_at_once() {
    let a = Footer::of(
        "lead/a.parquet",
        9,
        &[
            ("Id", DataType::Utf8, Some(0)),
            ("emial", DataType::Utf8, Some(0)),
            ("score", DataType::Utf8, Some(0)),
            ("amount", DataType::Decimal128(20, 4), Some(0)),
            ("n", DataType::Int64, Some(2)),
        ],
    );
    let b = Footer { path: "lead/b.parquet".to_string(), ..a.clone() };
    let columns = "      id: text\n      email: text\n      score: int\n      amount: decimal(18, 2)\n      n: int\n";
    let (resolved, said) = found(columns, &[a, b]);
    assert!(resolved.is_none());
    let expected = [
        "M0080 error `id`: the extract of `lead` has no column `id` [the extract spells it `Id`; columns are compared letter by letter]",
        "M0080 error `email`: the extract of `lead` has no column `email` [did you mean `emial`?]",
        "M0081 error `int`: column `score` of `lead` is declared `int` but is `text` in `lead/a.parquet` and 1 more file [mend the extract, or declare the new type and look at the models that use it]",
        "M0082 warning `decimal(18, 2)`: column `amount` of `lead` is declared `decimal(18, 2)` but `lead/a.parquet` and 1 more file has `decimal(20, 4)`; it is read as `decimal(20, 4)` []",
        "M0093 warning `n`: column `n` of `lead` is NULL in 4 rows of `lead/a.parquet` and 1 more file [declare it `nullable: true` if that is as it should be]",
        "M0082 warning `int`: column `n` of `lead` is declared `int` but `lead/a.parquet` and 1 more file has `bigint`; it is read as `bigint` []",
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_column_that_older_files_lack_is_null_there() {
    let old = Footer::of("lead/old.parquet", 2, &[("id", DataType::Utf8, Some(0))]);
    let new = Footer::of("lead/new.parquet", 2, &[("id", DataType::Utf8, Some(0)), ("city", DataType::Utf8, Some(0))]);
    let files = [old, new];
    let (resolved, said) = found("      id: text\n      city: {type: text, nullable: true}\n", &files);
    assert_eq!(
        said,
        ["M0080 warning `city`: column `city` of `lead` is missing from `lead/old.parquet` [it is read as NULL there]"]
    );
    assert!(types(resolved)[1].2);
    let (resolved, said) = found("      id: text\n      city: text\n", &files);
    assert!(resolved.is_none() && said[0].starts_with("M0080 error `city`"), "{said:?}");
}

#[test]
fn a_column_of_nulls_alone_has_no_type() {
    let file =
        Footer::of("lead/a.parquet", 4, &[("city", DataType::Int32, Some(4)), ("none", DataType::Null, Some(4))]);
    let (resolved, said) =
        found("      city: {type: text, nullable: true}\n      none: {type: date, nullable: true}\n", &[file]);
    assert_eq!(said, Vec::<String>::new());
    let types: Vec<DataType> = types(resolved).into_iter().map(|(_, ty, _)| ty).collect();
    assert_eq!(types, [DataType::Utf8View, DataType::Date32]);
}

#[test]
fn dictionaries_stay_where_all_files_have_them() {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let a = Footer::of("lead/a.parquet", 1, &[("city", dictionary.clone(), Some(0))]);
    let b = Footer::of("lead/b.parquet", 1, &[("city", DataType::Utf8, Some(0))]);
    assert_eq!(types(found("      city: text\n", &[a.clone(), a.clone()]).0)[0].1, dictionary);
    assert_eq!(types(found("      city: text\n", &[a, b]).0)[0].1, DataType::Utf8View);
}

#[test]
fn files_that_disagree() {
    let a = Footer::of("lead/a.parquet", 1, &[("x", DataType::Utf8, Some(0)), ("y", DataType::Int32, Some(0))]);
    let b = Footer::of("lead/b.parquet", 1, &[("x", DataType::Int64, Some(0)), ("y", DataType::Int64, Some(0))]);
    let files = [a, b];
    let (resolved, said) = found("      y: bigint\n", &files);
    assert_eq!(
        said,
        [
            "M0081 warning `lead/`: column `x` of `lead` is `text` in `lead/a.parquet` but `bigint` in `lead/b.parquet`, so models cannot use it []"
        ]
    );
    assert_eq!(types(resolved), [("y".to_string(), DataType::Int64, false)]);
    let (resolved, said) = found("      x: any\n", &files);
    assert!(resolved.is_none() && said[0].contains("disagree"), "{said:?}");
}

#[test]
fn nested_columns_pass_as_they_are() {
    let list = DataType::new_list(DataType::Utf8, true);
    let file = Footer::of("lead/a.parquet", 1, &[("params", list.clone(), None)]);
    let (resolved, said) = found("      params: {type: any, nullable: true}\n", std::slice::from_ref(&file));
    assert_eq!(said, Vec::<String>::new());
    assert!(resolved.as_ref().unwrap().columns.is_empty(), "nested columns have no published type");
    assert_eq!(types(resolved)[0].1, list);
    let (_, said) = found("      params: text\n", &[file]);
    assert!(said[0].contains("is a list") && said[0].contains("`any`"), "{said:?}");
}

#[test]
fn folders_are_columns_with_a_type() {
    let file = |path: &str| Footer::of(path, 1, &[("id", DataType::Utf8, Some(0))]);
    let files = [
        file("lead/day=2024-01-31/region=EU/a.parquet"),
        file("lead/day=2024-02-01/region=__HIVE_DEFAULT_PARTITION__/a.parquet"),
    ];
    let (resolved, said) = found("      id: text\n      day: date\n", &files);
    assert_eq!(said, Vec::<String>::new());
    let resolved = resolved.unwrap();
    let partitions: Vec<_> =
        resolved.partitions.iter().map(|f| (f.name().as_str(), f.data_type(), f.is_nullable())).collect();
    assert_eq!(partitions, [("day", &DataType::Date32, false), ("region", &DataType::Utf8View, true)]);
    assert_eq!(resolved.columns.len(), 2);
    let (resolved, said) = found("      id: text\n      day: date\n", &[file("lead/day=2024-13-01/a.parquet")]);
    assert!(resolved.is_none() && said[0].contains("`2024-13-01`, which is not a `date`"), "{said:?}");
}
