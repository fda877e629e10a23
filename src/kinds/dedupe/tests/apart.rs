//! What the rules make of two records that nothing links.

use super::super::apart;
use super::compared::{WEIGHED, crm, model as written};
use super::*;
use crate::error::ErrorKind;

const ROWS: &str = "
    1 | a@acme.com | Martha | Stone   | -
    2 | b@acme.com | Marhta | Stonely | +44 20 7946 0958
    3 | c@acme.com | -      | Reed    | -
    4 | c@acme.com | Ann    | Reed    | -
    5 | c@acme.com | Ann    | Reed    | -";

/// The rules' names and what they find, in their order.
async fn found(rules: &str, pair: [&str; 2]) -> Result<Vec<String>> {
    found_of(rules, ROWS, pair).await
}

async fn found_of(rules: &str, rows: &str, pair: [&str; 2]) -> Result<Vec<String>> {
    let (spec, sources) = model(&written(rules));
    let (name, settings) = (TableName::new_unchecked("people"), settings());
    let (frames, engine) = (fixture::frames(&crm(rows), PLAIN), engine(PLAIN, sources, "2025-01-01"));
    let plan = apart(&spec, &scope(&name, &settings, &frames, &engine), pair, None)?;
    let made = engine.collect(plan).await?;
    let line = |rows: &RecordBatch, row: usize| format!("{}: {}", cell(rows.column(1), row), cell(rows.column(2), row));
    Ok(made.iter().flat_map(|rows| (0..rows.num_rows()).map(move |row| line(rows, row))).collect())
}

#[tokio::test]
async fn every_rule_says_what_it_makes_of_the_two() {
    let rules = format!(
        "
  - email
  - [phone, last_name]
  - {{similar: {{first_name: 0.97, last_name: edits 1}}, within: email_domain}}{WEIGHED}"
    );
    assert_eq!(
        found(&rules, ["crm:1", "crm:2"]).await.unwrap(),
        [
            "email: email differs",
            "phone + last_name: crm:1 has no phone to compare; last_name differs",
            // MARTHA and MARHTA are alike by 0.961; STONELY has two letters more than STONE.
            "similar first_name + last_name: email_domain is the same; \
             first_name alike by 0.961 (Jaro–Winkler), where alike by 0.97 (Jaro–Winkler) is asked; \
             last_name 2 letters off, where one letter off is asked",
            // -9.964 - 4.322 - 3.307
            "probabilistic: not compared, as they share none of `email`; \
             before anything is compared: -9.964; email different: -4.322; last_name different: -3.307; \
             phone missing: +0.000; together: -17.593, a probability of 0.000; \
             held for the same from 0.95, for review from 0.4",
        ]
    );
    // The other way round says the same.
    let turned = found(&rules, ["crm:2", "crm:1"]).await.unwrap();
    assert_eq!(turned, found(&rules, ["crm:1", "crm:2"]).await.unwrap());
}

#[tokio::test]
async fn it_is_said_why_two_are_not_compared() {
    // Three share the block; the rule may compare two.
    let many = format!("{WEIGHED}\nguards: {{max_block: 2}}");
    let said = found(&many, ["crm:4", "crm:5"]).await.unwrap();
    let start = "probabilistic: not compared, as more than 2 records share `email`; before anything is compared";
    assert!(said[0].starts_with(start), "{said:?}");
    let said = found("\n  - probabilistic: {fields: phone}", ["crm:4", "crm:5"]).await.unwrap();
    let start = "probabilistic: not compared, as nothing that records share brings any two together";
    assert!(said[0].starts_with(start), "{said:?}");
}

#[tokio::test]
async fn a_key_of_too_many_people_says_so() {
    let rules = "\n  - last_name\nguards: {max_ids_per_key: 1, one_value_per_cluster: email}";
    let rows = "
        1 | a@acme.com | - | Reed | -
        2 | b@acme.com | - | Reed | -
        3 | -          | - | Reed | -
        4 | -          | - | Reed | -";
    let expected = "last_name: last_name is the same; \
        the 4 records that share that have 2 different values of `email`, more than the 1 that may";
    assert_eq!(found_of(rules, rows, ["crm:3", "crm:4"]).await.unwrap(), [expected]);
}

#[tokio::test]
async fn a_key_that_too_many_share_is_counted() {
    let rules = "
  - {name: by_email, keys: [email]}
  - {similar: {first_name: 0.9}, within: last_name}
guards: {max_records_per_key: 2, max_block: 2}";
    assert_eq!(
        found(rules, ["crm:3", "crm:4"]).await.unwrap(),
        [
            "by_email: email is the same; 3 records share that, more than the 2 that may",
            "similar first_name: last_name is the same; 3 records share that, more than the 2 that may; \
             first_name is missing",
        ]
    );
}

#[tokio::test]
async fn a_record_that_is_gone_is_named() {
    let error = found("\n  - email", ["crm:1", "crm:9"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.to_string().contains("`crm:9` was published and is no longer there"), "{error}");
}
