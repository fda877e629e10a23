use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::Int32Type;
use parquet::arrow::ArrowWriter;

use super::*;
use crate::diag::Sources;
use crate::store::{Env, Location, Wanted};
use crate::syntax::{SourceSpec, TableName, read};

#[tokio::test]
async fn a_draft_is_a_contract_that_its_extract_keeps() {
    let dir = tempfile::tempdir().unwrap();
    let text = |values: Vec<Option<&str>>| Arc::new(StringArray::from(values)) as ArrayRef;
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("id", text(vec![Some("1"), Some("2")]), true),
        ("email", text(vec![Some("a@b"), None]), true),
        ("status", text(vec![Some("New"), Some("Won")]), true),
        ("on", text(vec![Some("x"), Some("y")]), true),
        ("Odd Name", text(vec![None, None]), true),
        ("amount", Arc::new(Decimal128Array::from(vec![1, 2]).with_precision_and_scale(18, 2).unwrap()), true),
        ("tags", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)]), None])), true),
        ("_fivetran_synced", Arc::new(TimestampMicrosecondArray::from(vec![1, 2])), true),
    ])
    .unwrap();
    let file = std::fs::File::create(dir.path().join("lead.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();

    let location = Location::open(dir.path().to_str().unwrap(), Path::new("/"), &Env::default()).unwrap();
    let table = SourceTable::undeclared(TableName::new_unchecked("salesforce_lead"), "lead.parquet");
    let mut diags = Diagnostics::default();
    let extract = Extract::open(&Wanted { table: &table, location: &location }, &mut diags).await.unwrap().unwrap();
    let drafted = draft(&extract, "salesforce", "lead.parquet");
    let expected = r#"# Drafted from 2 rows and 1 file. Keep the columns that models rely on, say what each of them means,
# and look at every `pii` and `nullable`: they are guesses from names and counts.
source: salesforce
tables:
  - table: salesforce_lead
    path: "lead.parquet"
    columns:
      id: {type: text, key: true}
      email: {type: text, nullable: true, pii: direct}
      status: text
      "on": text
      "Odd Name": {type: text, nullable: true}
      amount: decimal(18, 2)
      tags: {type: any, nullable: true}
      _fivetran_synced: timestamp
    freshness: {column: _fivetran_synced, warn_after: 2 days}
"#;
    assert_eq!(drafted, expected);
    let spec: SourceSpec = read(0, &drafted, &mut diags).unwrap_or_else(|| panic!("{:?}", diags));
    let again = Extract::open(&Wanted { table: &spec.tables[0], location: &location }, &mut diags).await.unwrap();
    assert!(again.is_some() && diags.is_empty(), "{diags:?}");
}

#[test]
fn what_is_left_unsaid_is_found() {
    let text = "source: s\ntables:\n  - table: t\n    path: t/\n    columns:\n      id: {type: text, key: true, description: Key.}\n      email: {type: text, description: Address.}\n      work_email: {type: text, pii: none, description: Shared inbox.}\n      city: text\n    freshness: {column: synced}\n";
    let mut diags = Diagnostics::default();
    let spec: SourceSpec = read(0, text, &mut diags).unwrap();
    review(&spec.tables[0], &mut diags);
    let mut sources = Sources::default();
    sources.add("s.yml", text);
    let said: Vec<String> = diags
        .into_sorted()
        .into_iter()
        .map(|d| format!("{} `{}`", d.code, sources.text(d.place.unwrap()).unwrap()))
        .collect();
    assert_eq!(said, ["M0090 `email`", "M0083 `city`", "M0051 `synced`"]);
}
