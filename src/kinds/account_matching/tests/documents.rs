//! What the kind says of itself: its guide and its contracts.

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use serde::Deserialize;

use super::super::GUIDE;
use super::super::tier::Tier;
use super::*;
use crate::contract::{Column, ColumnType, Contract, Pii};
use crate::diag::Diagnostics;
use crate::engine::{Frame, Frames};
use crate::syntax::{ColumnName, Spanned, TableName, read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    model: Spanned<TableName>,
    description: String,
    account_matching: AccountMatching,
}

fn guide_model() -> File {
    let examples: Vec<&str> = GUIDE.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 1);
    let mut diags = Diagnostics::default();
    let file: Option<File> = read(0, examples[0], &mut diags);
    file.unwrap_or_else(|| panic!("{:#?}", diags.into_sorted()))
}

#[test]
fn the_example_of_the_guide_is_read_and_has_every_key() {
    let file = guide_model();
    assert_eq!((file.model.as_str(), file.description.is_empty()), ("lead_accounts", false));
    let spec = file.account_matching;
    let engine = engine(PLAIN, Sources::default());
    let inputs: Vec<String> =
        spec.inputs(&engine, &mut Diagnostics::default()).iter().map(|table| table.to_string()).collect();
    assert_eq!(inputs, ["people", "accounts", "accounts_crosswalk", "domain_aliases"]);
    let tiers: Vec<Tier> = spec.tiers.unwrap().value.iter().map(|tier| tier.value.tier).collect();
    assert_eq!(tiers, Tier::ALL);
    let titles: Vec<String> = spec.prefer.iter().map(|prefer| prefer.value.title()).collect();
    assert_eq!(titles, ["customer", "has_open_opportunity", "latest last_activity_at", "earliest created_at"]);
}

#[test]
fn the_guide_knows_every_tier_setting_and_table() {
    for tier in Tier::ALL {
        assert!(GUIDE.contains(&format!("| `{}` |", tier.word())), "{}", tier.word());
    }
    let schema = serde_json::to_value(schemars::schema_for!(AccountMatching)).unwrap();
    for key in schema["properties"].as_object().unwrap().keys() {
        assert!(GUIDE.contains(&format!("`{key}`")) || GUIDE.contains(&format!("  {key}:")), "{key}");
    }
    for contract in contracts() {
        let ending = contract.table.as_str().trim_start_matches("lead_accounts");
        assert!(ending.is_empty() || GUIDE.contains(&format!("`{ending}`")), "{ending}");
    }
}

fn contracts() -> Vec<Contract> {
    let yaml = "
leads: {from: people, id: n, fields: {account_id: id, email: mail, company: id, country: id, state: id}}
accounts: {from: accounts, id: id, fields: {website: site, name: id, country: id, state: id}}
aliases: {from: accounts, alias: site, domain: mail}
prefer: [{name: customer, when: n > 1}, {latest: at}]
";
    let (spec, sources) = model(yaml);
    let engine = engine(PLAIN, sources);
    let at = DataType::Timestamp(TimeUnit::Nanosecond, None);
    let fields = [
        ("id", DataType::Utf8),
        ("mail", DataType::Utf8),
        ("site", DataType::Utf8),
        ("n", DataType::Int64),
        ("at", at),
    ];
    let schema = Arc::new(Schema::new(fields.map(|(name, ty)| Field::new(name, ty, true)).to_vec()));
    let mail = Column::new(ColumnName::new_unchecked("mail"), ColumnType::Text, "The address.").pii(Pii::Direct);
    let mut frames = Frames::default();
    frames.insert(TableName::new_unchecked("people"), Frame::empty(schema.clone(), vec![mail]));
    frames.insert(TableName::new_unchecked("accounts"), Frame::empty(schema, Vec::new()));
    let (settings, name) = (settings(), TableName::new_unchecked("lead_accounts"));
    spec.contract(&scope(&name, &settings, &frames, &engine), &mut Diagnostics::default()).unwrap()
}

#[test]
fn contracts_say_where_columns_come_from_and_how_personal_they_are() {
    let contracts = contracts();
    let of = |column: &str| contracts[0].column(column).unwrap().clone();
    let lineage = |column: &Column| -> Vec<String> {
        column.lineage.iter().map(|from| format!("{}.{}", from.table, from.column)).collect()
    };
    assert_eq!(
        (of("lead_id").ty, of("lead_id").pii, lineage(&of("lead_id"))),
        (ColumnType::BigInt, Pii::Indirect, vec!["people.n".to_string()])
    );
    assert_eq!((of("account_id").ty, lineage(&of("account_id"))), (ColumnType::Text, vec!["accounts.id".to_string()]));
    assert_eq!(lineage(&of("tier")), ["accounts.id", "accounts.site", "people.id", "people.mail"]);
    assert_eq!(lineage(&of("decided_by")), ["accounts.at", "accounts.n", "people.id", "people.mail"]);
    assert_eq!((of("score").ty, of("matched_on").pii), (ColumnType::Decimal(7, 6), Pii::Indirect));
    assert!(of("decided_by").description.contains("`similarity`"));
    assert!(of("decided_by").description.contains("`customer`, `latest at`, `id`"), "{}", of("decided_by").description);
}

#[test]
fn every_column_has_a_sentence_and_a_name_of_its_own() {
    let contracts = contracts();
    assert_eq!(contracts.len(), 3);
    fixture::assert_told(&contracts);
}

#[test]
fn the_schema_of_the_language_describes_every_key() {
    let keys = fixture::assert_keys_told::<AccountMatching>();
    assert!(keys > 25, "{keys}");
}
