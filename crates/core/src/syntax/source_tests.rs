use super::*;
use crate::diag::{Diagnostics, Sources, codes};
use crate::syntax::{SeedSpec, read};

const GOOD: &str = "
source: salesforce
tables:
  - table: salesforce_lead
    path: lead/*.parquet
    columns:
      id: {type: text, key: true}
      email: {type: text, nullable: true, pii: direct, description: Where to write to.}
      amount: decimal(18,2)
      params: any
    freshness: {column: synced, warn_after: 2 days}
";

#[test]
fn a_contract_is_read_in_both_forms() {
    let mut diags = Diagnostics::default();
    let spec: SourceSpec = read(0, GOOD, &mut diags).unwrap_or_else(|| panic!("{:?}", diags));
    let table = &spec.tables[0];
    assert_eq!(table.key().map(|name| name.as_str()).collect::<Vec<_>>(), ["id"]);
    assert_eq!(table.column("amount").unwrap().ty.value, SourceType::Column(ColumnType::Decimal(18, 2)));
    assert_eq!(table.column("params").unwrap().ty.value, SourceType::Any);
    assert_eq!(table.column("email").unwrap().pii, Some(Pii::Direct));
    assert!(table.column("email").unwrap().nullable && !table.column("id").unwrap().nullable);
    let mut sources = Sources::default();
    sources.add("x.yml", GOOD);
    let (name, column) = table.columns.get_index(2).unwrap();
    assert_eq!(sources.text(name.place), Some("amount"));
    assert_eq!(sources.text(column.ty.place), Some("decimal(18,2)"));
}

#[test]
fn mistakes_stand_at_their_place() {
    for (from, to, code, shown, said) in [
        ("decimal(18,2)", "decimal(18,20)", codes::INVALID_VALUE, "decimal(18,20)", "not a decimal"),
        ("params: any", "params: varchar", codes::INVALID_VALUE, "varchar", "did you mean `text`"),
        ("id: {type: text", "id: {type: decimal(5, 2)", codes::INVALID_VALUE, "decimal(5", "in quotes"),
        ("params: any", "params: bigintt", codes::INVALID_VALUE, "bigintt", "did you mean `bigint`"),
        ("params: any", "params: text(20)", codes::INVALID_VALUE, "text(20)", "nothing in brackets"),
        ("key: true", "kye: true", codes::UNKNOWN_KEY, "kye", "kye"),
        ("nullable: true,", "nullable: true, key: true,", codes::INVALID_VALUE, "{", "cannot be nullable"),
        ("2 days", "2 dayz", codes::INVALID_VALUE, "2 dayz", "dayz"),
        ("params: any", "params: [any]", codes::WRONG_TYPE, "[", "a type, or a mapping"),
    ] {
        let text = GOOD.replacen(from, to, 1);
        let mut diags = Diagnostics::default();
        assert!(read::<SourceSpec>(0, &text, &mut diags).is_none(), "{to}");
        let mut sources = Sources::default();
        sources.add("x.yml", text);
        let mut found = diags.into_sorted();
        // Where a comma broke a type in two, the second half is an unknown key.
        found.retain(|d| !d.message.starts_with("`2)`"));
        assert_eq!(found.len(), 1, "{to}: {found:?}");
        assert_eq!(found[0].code, code, "{to}: {found:?}");
        assert!(found[0].message.contains(said), "{to}: {}", found[0].message);
        let underlined = sources.text(found[0].place.unwrap()).unwrap();
        assert!(underlined.contains(shown), "{to}: {underlined}");
    }
}

#[test]
fn types_print_as_they_are_read() {
    for text in
        ["text", "bigint", "int", "double", "boolean", "date", "timestamp", "any", "decimal(38, 9)", "decimal(5, 0)"]
    {
        assert_eq!(SourceType::parse(text).unwrap().to_string(), text);
    }
    for text in ["", "decimal", "decimal()", "decimal(39,1)", "decimal(0)", "decimal(3", "NUMBER(38,0)"] {
        assert!(SourceType::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_seed_is_read() {
    let text = "seed: sources\nfile: sources.csv\ndelimiter: ;\ncolumns:\n  source: {type: text, key: true}\n  category: text\n";
    let mut diags = Diagnostics::default();
    let spec: SeedSpec = read(0, text, &mut diags).unwrap_or_else(|| panic!("{:?}", diags));
    assert_eq!((spec.columns.len(), spec.delimiter.map(|d| d.value)), (2, Some(';')));
}
