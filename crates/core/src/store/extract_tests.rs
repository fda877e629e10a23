use std::fs;
use std::path::Path as FilePath;

use arrow::array::{
    Array, ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray, TimestampMillisecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Int32Type};
use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::{SessionConfig, SessionContext};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::*;
use crate::diag::Severity;
use crate::error::ErrorKind;
use crate::store::{Env, check_freshness};
use crate::syntax::{SourceSpec, read};

fn write(path: &FilePath, columns: Vec<(&str, ArrayRef)>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(100)).build();
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn contract(path: &str, columns: &str) -> SourceTable {
    let text = format!("source: s\ntables:\n  - table: lead\n    path: \"{path}\"\n    columns:\n{columns}");
    let mut diags = Diagnostics::default();
    let spec: SourceSpec = read(0, &text, &mut diags).unwrap_or_else(|| panic!("{:?}", diags));
    spec.tables.into_iter().next().unwrap()
}

async fn open(dir: &FilePath, path: &str, columns: &str) -> (Option<Extract>, Diagnostics) {
    let location = Location::open(dir.to_str().unwrap(), FilePath::new("/"), &Env::default()).unwrap();
    let table = contract(path, columns);
    let mut diags = Diagnostics::default();
    let extract = Extract::open(&Wanted { table: &table, location: &location }, &mut diags).await.unwrap();
    (extract, diags)
}

async fn query(extract: &Extract, sql: &str) -> Result<String, String> {
    let ctx = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(3));
    ctx.state_ref().write().config_mut().options_mut().execution.parquet.pushdown_filters = true;
    ctx.register_table("lead", extract.provider()).unwrap();
    let batches = ctx.sql(sql).await.unwrap().collect().await.map_err(|error| error.to_string())?;
    Ok(pretty_format_batches(&batches).unwrap().to_string())
}

fn text(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[tokio::test]
async fn what_is_no_number_is_beyond_the_bounds_of_its_file() {
    let dir = tempfile::tempdir().unwrap();
    for (file, numbers) in [("a", [1.0, f64::NAN]), ("b", [0.5, 1.0]), ("c", [2.0, 3.0])] {
        let ids = text(&[&format!("{file}1"), &format!("{file}2")]);
        let numbers: ArrayRef = Arc::new(Float64Array::from(numbers.to_vec()));
        write(&dir.path().join(format!("lead/{file}.parquet")), vec![("id", ids), ("n", numbers)]);
    }
    let columns = "      id: {type: text, key: true}\n      n: double\n";
    let extract = open(dir.path(), "lead/", columns).await.0.unwrap();
    // NaN is greater than all numbers.
    for (sql, rows) in [
        ("select string_agg(id, ',' order by id) as ids from lead where n > 1", "a2,c1,c2"),
        ("select string_agg(id, ',' order by id) as ids from lead where n > 1 and id < 'b'", "a2"),
        ("select id as ids from lead order by n desc limit 1", "a2"),
        ("select cast(max(n) as text) as ids from lead", "NaN"),
    ] {
        assert!(query(&extract, sql).await.unwrap().contains(&format!("| {rows} ")), "{sql}");
    }
}

#[tokio::test]
async fn files_of_several_shapes_are_one_table() {
    let dir = tempfile::tempdir().unwrap();
    let lead = dir.path().join("lead");
    let naive: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![1_700_000_000_123]));
    let zoned: ArrayRef =
        Arc::new(TimestampMicrosecondArray::from(vec![1_700_000_000_123_456]).with_timezone("Europe/Berlin"));
    let cents: ArrayRef = Arc::new(Decimal128Array::from(vec![1250]).with_precision_and_scale(9, 2).unwrap());
    let more: ArrayRef = Arc::new(Decimal128Array::from(vec![12505]).with_precision_and_scale(12, 3).unwrap());
    let dictionary: ArrayRef = Arc::new(vec!["EU"].into_iter().collect::<DictionaryArray<Int32Type>>());
    write(
        &lead.join("a.parquet"),
        vec![
            ("id", text(&["1"])),
            ("at", naive),
            ("n", Arc::new(Int32Array::from(vec![7]))),
            ("amount", cents),
            ("region", dictionary),
        ],
    );
    write(
        &lead.join("b.parquet"),
        vec![
            ("region", text(&["US"])),
            ("extra", text(&["x"])),
            ("id", text(&["2"])),
            ("at", zoned),
            ("n", Arc::new(Int64Array::from(vec![1_i64 << 40]))),
            ("amount", more),
        ],
    );
    fs::write(lead.join("_SUCCESS"), "").unwrap();
    let columns = "      id: {type: text, key: true}\n      at: timestamp\n      n: int\n      amount: decimal(18, 2)\n      region: text\n";
    let (extract, diags) = open(dir.path(), "lead/", columns).await;
    let codes: Vec<String> = diags.into_sorted().iter().map(|d| format!("{} {:?}", d.code, d.severity)).collect();
    assert_eq!(codes, ["M0082 Warning", "M0082 Warning"], "n is wider, amount has more places");
    let extract = extract.unwrap();
    assert_eq!((extract.rows(), extract.files().len()), (2, 2));
    assert_eq!(extract.nulls("extra"), Some(1), "a file without the column counts in full");
    assert_eq!(extract.newest("at").unwrap().timestamp_micros(), 1_700_000_000_123_456);
    let ends = |column: &str| extract.ends(column).map(|(first, last)| [first, last].map(|at| at.timestamp_micros()));
    assert_eq!(ends("at"), Some([1_700_000_000_123_000, 1_700_000_000_123_456]));
    assert_eq!((ends("n"), ends("extra"), ends("region")), (None, None, None), "no instants, or not in all files");
    let rows = query(&extract, "select id, at, n, amount, region, extra from lead order by id").await.unwrap();
    let expected = "\
+----+-----------------------------+---------------+--------+--------+-------+
| id | at                          | n             | amount | region | extra |
+----+-----------------------------+---------------+--------+--------+-------+
| 1  | 2023-11-14T22:13:20.123Z    | 7             | 12.500 | EU     |       |
| 2  | 2023-11-14T22:13:20.123456Z | 1099511627776 | 12.505 | US     | x     |
+----+-----------------------------+---------------+--------+--------+-------+";
    assert_eq!(rows, expected);
    for (sql, ids) in [
        ("select id from lead where at >= '2023-11-14T22:13:20.1234Z'", "2"),
        ("select id from lead where region = 'EU'", "1"),
        ("select id from lead where n > 100 and extra is not null", "2"),
        ("select id from lead where amount = 12.5 and extra is null", "1"),
    ] {
        let rows = query(&extract, sql).await.unwrap();
        assert_eq!(rows.lines().nth(3), Some(format!("| {ids}  |").as_str()), "{sql}: {rows}");
    }
}

#[tokio::test]
async fn dictionaries_are_read_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    for (name, regions) in [("a", ["EU", "US"]), ("b", ["US", "APAC"])] {
        let regions: ArrayRef = Arc::new(regions.into_iter().collect::<DictionaryArray<Int32Type>>());
        write(&dir.path().join(format!("lead/{name}.parquet")), vec![("region", regions)]);
    }
    let (extract, diags) = open(dir.path(), "lead/", "      region: text\n").await;
    assert!(diags.is_empty(), "{diags:?}");
    let extract = extract.unwrap();
    assert!(matches!(extract.schema().field(0).data_type(), DataType::Dictionary(..)));
    let sql = "select region, count(*) n from lead where region like '_S' or region = 'EU' group by 1 order by 1";
    let expected = "\
+--------+---+
| region | n |
+--------+---+
| EU     | 1 |
| US     | 2 |
+--------+---+";
    assert_eq!(query(&extract, sql).await.unwrap(), expected);
}

#[tokio::test]
async fn folders_become_typed_columns_and_prune() {
    let dir = tempfile::tempdir().unwrap();
    for (folder, id) in [("day=2024-01-01/region=EU", "1"), ("day=2024-01-02/region=US%20West", "2")] {
        write(&dir.path().join("lead").join(folder).join("part-0.parquet"), vec![("id", text(&[id]))]);
    }
    let (extract, diags) = open(dir.path(), "lead/day=*/**/part-*.parquet", "      id: text\n      day: date\n").await;
    assert!(diags.is_empty(), "{diags:?}");
    let extract = extract.unwrap();
    let rows = query(&extract, "select id, day, region from lead where day >= date '2024-01-02'").await.unwrap();
    let expected = "\
+----+------------+---------+
| id | day        | region  |
+----+------------+---------+
| 2  | 2024-01-02 | US West |
+----+------------+---------+";
    assert_eq!(rows, expected);
    let count = query(&extract, "select count(*) n from lead where region = 'EU'").await.unwrap();
    assert!(count.contains("| 1 |"), "{count}");
    let names: Vec<&str> = extract.columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["id", "day"]);
}

#[tokio::test]
async fn what_is_not_there_or_not_parquet_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let lead = dir.path().join("lead");
    write(&lead.join("a.parquet"), vec![("id", text(&["1"]))]);
    let whole = fs::read(lead.join("a.parquet")).unwrap();
    fs::write(lead.join("b.parquet"), &whole[..whole.len() - 20]).unwrap();
    fs::write(lead.join("c.parquet"), "").unwrap();
    fs::write(lead.join("d.parquet"), "id,name\n").unwrap();
    let (extract, diags) = open(dir.path(), "lead/*.parquet", "      id: text\n      gone: text\n").await;
    assert!(extract.is_none());
    let messages: Vec<String> = diags.into_sorted().into_iter().map(|d| format!("{} {}", d.code, d.message)).collect();
    assert_eq!(messages.len(), 4, "three files and the missing column: {messages:?}");
    for name in ["b.parquet", "c.parquet", "d.parquet"] {
        let path = lead.join(name).to_str().unwrap().to_string();
        assert!(messages.iter().any(|m| m.starts_with("M0009") && m.contains(&path)), "{name}: {messages:?}");
    }
    for path in ["nothing/", "lead/z*.parquet", "lead/z.parquet"] {
        let (extract, diags) = open(dir.path(), path, "      id: text\n").await;
        assert!(extract.is_none());
        assert_eq!(diags.into_sorted()[0].code, codes::NOTHING_THERE, "{path}");
    }
}

#[tokio::test]
async fn a_damaged_page_names_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let values: Vec<String> = (0..1000).map(|n| format!("person-{n}@example.com")).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    for name in ["a", "b", "c"] {
        write(&dir.path().join(format!("lead/{name}.parquet")), vec![("id", text(&values))]);
    }
    let damaged = dir.path().join("lead/b.parquet");
    let mut bytes = fs::read(&damaged).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle..middle + 400].fill(0xA5);
    fs::write(&damaged, bytes).unwrap();
    let (extract, diags) = open(dir.path(), "lead/", "      id: text\n").await;
    assert!(diags.is_empty(), "the footer is whole: {diags:?}");
    let extract = extract.unwrap();
    for sql in [
        "select count(distinct id) from lead",
        "select count(*) from lead where id like '%7%'",
        "select id from lead order by id",
    ] {
        let error = query(&extract, sql).await.unwrap_err();
        assert!(
            error.contains(&format!("reading `{}`: the file is damaged", damaged.to_str().unwrap())),
            "{sql}: {error}"
        );
        assert!(!error.to_lowercase().contains("parquet error"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_said_in_our_words() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lead/a.parquet");
    write(&path, vec![("id", text(&["1", "2"]))]);
    let whole = fs::read(&path).unwrap();
    let end = whole.len();
    let changed = |at: usize, bytes: &[u8]| {
        let mut copy = whole.clone();
        copy[at..at + bytes.len()].copy_from_slice(bytes);
        copy
    };
    for (bytes, words) in [
        (Vec::new(), "it is empty"),
        (whole[..9].to_vec(), "with 9 bytes it is too short to be one"),
        (whole[..end - 60].to_vec(), "its end is missing"),
        (changed(end - 4, b"PARX"), "its end is missing"),
        (b"id,name\n1,Ada\n2,Grace\n".to_vec(), "it does not begin and end with `PAR1`"),
        (changed(end - 4, b"PARE"), "its footer is encrypted"),
        (changed(end - 8, &u32::MAX.to_le_bytes()), "its footer is said to have 4294967295 bytes"),
        (changed(end - 60, &[0xFF; 50]), "its footer is damaged"),
    ] {
        fs::write(&path, bytes).unwrap();
        let (extract, diags) = open(dir.path(), "lead/", "      id: text\n").await;
        assert!(extract.is_none());
        let [found] = &diags.into_sorted()[..] else { panic!("{words}: more or less than one") };
        let message = format!("`{}` of `lead` cannot be read as Parquet: ", path.to_str().unwrap());
        assert!(found.message.starts_with(&message) && found.message.contains(words), "{words}: {}", found.message);
        assert!(found.hint.is_some());
    }
}

#[tokio::test]
async fn a_file_that_vanished_names_itself() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("lead/a.parquet"), vec![("id", text(&["1"]))]);
    let (extract, _) = open(dir.path(), "lead/a.parquet", "      id: text\n").await;
    fs::remove_file(dir.path().join("lead/a.parquet")).unwrap();
    let error = query(&extract.unwrap(), "select * from lead").await.unwrap_err();
    assert!(error.contains("lead/a.parquet"), "{error}");
}

#[tokio::test]
async fn only_the_columns_and_row_groups_that_are_needed_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let days: ArrayRef = Arc::new(Date32Array::from((0..1000).collect::<Vec<i32>>()));
    let ids: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    let ids = text(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    write(&dir.path().join("lead/a.parquet"), vec![("id", ids.clone()), ("day", days), ("wide", ids)]);
    let (extract, _) = open(dir.path(), "lead/", "      id: text\n      day: date\n").await;
    let plan =
        query(&extract.unwrap(), "explain analyze select id from lead where day >= date '1972-08-01'").await.unwrap();
    assert!(plan.contains("file_type=parquet") && plan.contains("predicate="), "{plan}");
    assert!(plan.contains("row_groups_pruned_statistics=10 total → 1 matched"), "{plan}");
    assert!(!plan.contains("wide"), "{plan}");
    assert!(!plan.contains("FilterExec"), "the reader filters alone: {plan}");
}

#[tokio::test]
async fn all_tables_are_opened_in_order_and_a_fingerprint_changes_with_the_files() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("lead/a.parquet"), vec![("id", text(&["1"]))]);
    let location = Location::open(dir.path().to_str().unwrap(), FilePath::new("/"), &Env::default()).unwrap();
    let (good, gone) = (contract("lead/", "      id: text\n"), contract("gone/", "      id: text\n"));
    let wanted = [&gone, &good, &gone, &good].map(|table| Wanted { table, location: &location });
    let mut diags = Diagnostics::default();
    let opened = open_all(&wanted, &mut diags).await.unwrap();
    assert_eq!(opened.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false, true]);
    let before = opened[1].as_ref().unwrap().fingerprint();
    assert_eq!(before, opened[3].as_ref().unwrap().fingerprint());
    write(&dir.path().join("lead/b.parquet"), vec![("id", text(&["2"]))]);
    assert_ne!(before, Extract::open(&wanted[1], &mut diags).await.unwrap().unwrap().fingerprint());
}

#[tokio::test]
async fn a_store_that_cannot_be_asked_is_the_worlds_fault() {
    let env = Env::new([
        ("AWS_ACCESS_KEY_ID", "k"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9"),
        ("MARQUETRY_STORE_RETRIES", "1"),
    ]);
    let location = Location::open("s3://bucket/raw", FilePath::new("/"), &env).unwrap();
    let table = contract("lead/", "      id: text\n");
    let mut diags = Diagnostics::default();
    let error = Extract::open(&Wanted { table: &table, location: &location }, &mut diags).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::World);
    assert!(error.to_string().contains("s3://bucket/raw/lead"), "{error}");
}

#[tokio::test]
async fn nested_columns_are_taken_apart_by_sql() {
    let dir = tempfile::tempdir().unwrap();
    let param = |key: &str, value: &str| -> ArrayRef {
        let fields = vec![
            (Arc::new(Field::new("key", DataType::Utf8, false)), text(&[key])),
            (Arc::new(Field::new("value", DataType::Utf8, true)), text(&[value])),
        ];
        let one = arrow::array::StructArray::from(fields);
        let item = Arc::new(Field::new("item", one.data_type().clone(), true));
        Arc::new(arrow::array::ListArray::new(item, OffsetBuffer::from_lengths([1]), Arc::new(one), None))
    };
    for (name, key) in [("a", "source"), ("b", "medium")] {
        write(&dir.path().join(format!("lead/{name}.parquet")), vec![("params", param(key, name))]);
    }
    let (extract, diags) = open(dir.path(), "lead/", "      params: {type: any, nullable: true}\n").await;
    assert!(diags.is_empty(), "{diags:?}");
    let sql = "select params[1]['value'] v from lead where params[1]['key'] = 'medium'";
    let rows = query(&extract.unwrap(), sql).await.unwrap();
    assert_eq!(rows.lines().nth(3), Some("| b |"), "{rows}");
}

#[tokio::test]
async fn freshness_is_told_by_the_footers() {
    let dir = tempfile::tempdir().unwrap();
    // 2023-11-14T22:13:20Z
    let at: ArrayRef =
        Arc::new(TimestampMillisecondArray::from(vec![Some(1_600_000_000_000), None, Some(1_700_000_000_000)]));
    write(&dir.path().join("lead/a.parquet"), vec![("at", at)]);
    let columns = "      at: {type: timestamp, nullable: true}\n    freshness: {column: at, warn_after: 2 days, error_after: 1 month}\n";
    let table = contract("lead/", columns);
    let (extract, _) = open(dir.path(), "lead/", columns).await;
    for (as_of, expected) in [
        ("2023-11-16T22:13:20Z", None),
        ("2023-11-16T22:13:21Z", Some((Severity::Warning, "older than `2 days`"))),
        ("2023-12-14T22:13:20Z", Some((Severity::Warning, "older than `2 days`"))),
        ("2023-12-14T22:13:21Z", Some((Severity::Error, "older than `1 month`"))),
    ] {
        let mut diags = Diagnostics::default();
        let as_of = DateTime::parse_from_rfc3339(as_of).unwrap().to_utc();
        check_freshness(&table, extract.as_ref().unwrap(), as_of, &mut diags);
        let found = diags.into_sorted();
        assert_eq!(found.len(), usize::from(expected.is_some()), "{as_of}: {found:?}");
        for (diagnostic, (severity, said)) in found.iter().zip(expected) {
            assert!(diagnostic.severity == severity && diagnostic.message.contains(said), "{diagnostic:?}");
        }
    }
}
