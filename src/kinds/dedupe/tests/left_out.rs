//! Keys that too many records share: what is told of them before a run, and what after it.

use std::collections::BTreeMap;

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

use super::compared::{LINKS, WEIGHED, crm, model};
use super::*;
use crate::diag::{Diagnostics, codes};

/// Six at one address, of whom five have one number, and two of another name at an address of their own.
const ROWS: &str = "
    1 | desk@acme.com | - | Stone | +16502530300
    2 | desk@acme.com | - | Reed  | +16502530300
    3 | desk@acme.com | - | Lowe  | +16502530300
    4 | desk@acme.com | - | Hart  | +16502530300
    5 | desk@acme.com | - | West  | +16502530300
    6 | desk@acme.com | - | North | -
    7 | own@acme.com  | - | Good  | -
    8 | own@acme.com  | - | Good  | -";

async fn foretold(yaml: &str, tables: &[(&str, RecordBatch)], how: How) -> Vec<String> {
    let (spec, sources) = super::model(yaml);
    let frames = fixture::frames(tables, how);
    let rows = fixture::forecast(&spec, "people", &frames, &engine(how, sources, "2025-01-01")).await.unwrap();
    (0..rows.num_rows())
        .map(|row| rows.columns().iter().map(|column| cell(column, row)).collect::<Vec<_>>().join(" | "))
        .collect()
}

#[tokio::test]
async fn a_forecast_counts_groups_and_pairs_by_rule() {
    let rules =
        "  - email\n  - {similar: {last_name: 0.9}, within: phone}\nguards: {max_records_per_key: 5, max_block: 10}";
    // Two share the second address: one pair; six the first, which are too many. Five with one number are ten pairs.
    assert_eq!(
        foretold(&model(rules), &crm(ROWS), PLAIN).await,
        ["email | email | 1 | 1 | 5 | 1 | 6 | 6", "similar last_name | phone | 1 | 10 | 10 | 0 | 0 | 0"]
    );
    let likely = format!("{WEIGHED}\nguards: {{max_block: 5}}");
    assert_eq!(foretold(&model(&likely), &crm(ROWS), PLAIN).await, ["probabilistic | email | 1 | 1 | 5 | 1 | 6 | 6"]);
    assert_eq!(foretold(&model("  - email"), &crm(""), PLAIN).await, ["email | email | 0 | 0 | 50 | 0 | 0 | 0"]);
}

/// The same counts, the obvious way.
#[tokio::test]
async fn a_forecast_is_what_counting_one_by_one_gives() {
    for seed in 0..20 {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let most = dice.random_range(2..6);
        let phones: Vec<u32> = (0..dice.random_range(0..60)).map(|_| dice.random_range(0..12)).collect();
        let rows: Vec<String> = phones
            .iter()
            .enumerate()
            .map(|(at, phone)| match phone {
                0 => format!("{at} | - | - | - | -"),
                _ => format!("{at} | - | - | - | +165025303{phone:02}"),
            })
            .collect();
        let mut sizes: BTreeMap<u32, u64> = BTreeMap::new();
        phones.iter().filter(|phone| **phone > 0).for_each(|phone| *sizes.entry(*phone).or_default() += 1);
        let kept: Vec<u64> = sizes.values().copied().filter(|size| (2..=most).contains(size)).collect();
        let left: Vec<u64> = sizes.values().copied().filter(|size| *size > most).collect();
        let expected = format!(
            "phone | phone | {} | {} | {most} | {} | {} | {}",
            kept.len(),
            kept.iter().map(|size| size * (size - 1) / 2).sum::<u64>(),
            left.len(),
            left.iter().sum::<u64>(),
            left.iter().max().unwrap_or(&0)
        );
        let yaml = model(&format!("  - phone\nguards: {{max_records_per_key: {most}}}"));
        for how in [How { threads: 1, batch: 1 }, How { threads: 3, batch: 7 }, PLAIN] {
            assert_eq!(
                foretold(&yaml, &crm(&rows.join("\n")), how).await,
                std::slice::from_ref(&expected),
                "seed {seed} {how:?}"
            );
        }
    }
}

#[tokio::test]
async fn keys_that_are_left_out_are_told_of_by_size_and_masked() {
    let rules = "  - email\n  - phone\nguards: {max_records_per_key: 4}";
    let made = run(&model(rules), &crm(ROWS), PLAIN).await;
    let columns = [&LINKS[..], &["shared_key"]].concat();
    assert_eq!(
        made.lines("people_evidence", &columns),
        [
            "key_too_common | email | 1 | - | 6 | email d…@acme.com (4)",
            "key_too_common | phone | 1 | - | 5 | phone +1… (12)",
            "linked | email | 7 | 8 | - | -",
        ]
    );
    assert_eq!(made.fact("policy", "keys_too_common: email"), Some(1));
    assert_eq!(made.fact("key_too_common", "email: email d…@acme.com (4)"), Some(6));
    assert_eq!(made.fact("key_too_common", "phone: phone +1… (12)"), Some(5));
    assert_eq!(
        said(rules, &made),
        [
            "1 key is too common for the rule `email`: more than 4 records share it; the largest is `email d…@acme.com (4)` with 6",
            "1 key is too common for the rule `phone`: more than 4 records share it; the largest is `phone +1… (12)` with 5",
        ]
    );
    let similar = "  - {similar: {last_name: 0.9}, within: email_domain}\nguards: {max_block: 5}";
    let made = run(&model(similar), &crm(ROWS), PLAIN).await;
    let shared = made.lines("people_evidence", &["outcome", "n_records", "shared_key"]);
    assert_eq!(shared, ["block_too_large | 8 | email_domain acme.com"]);
    let fewer = run(&model("  - email\nguards: {max_records_per_key: 10}"), &crm(ROWS), PLAIN).await;
    assert_eq!(said("  - email", &fewer), [""; 0]);
}

#[tokio::test]
async fn a_key_of_many_ids_links_nobody() {
    let yaml = |limit: u32| {
        format!(
            "
entity: person
records:
  - {{from: crm, id: id, fields: {{email: mail, ext: ext}}}}
match: [email]
guards: {{one_value_per_cluster: ext, max_ids_per_key: {limit}}}
"
        )
    };
    // Three contacts and a lead at the office's address, two contacts and a lead at another.
    let rows = "id | mail | ext
        1 | info@acme.com | A
        2 | info@acme.com | B
        3 | info@acme.com | C
        4 | info@acme.com | -
        5 | desk@reed.com | D
        6 | desk@reed.com | E
        7 | desk@reed.com | -";
    let crm = [("crm", table(rows))];
    let made = run(&yaml(2), &crm, PLAIN).await;
    let columns = ["outcome", "left_record_id", "right_record_id", "shared_key", "n_records", "reason"];
    assert_eq!(
        made.lines("people_evidence", &columns),
        [
            "key_of_too_many_ids | 1 | - | email i…@acme.com (4) | 4 | they have 3 different values of ext",
            "linked | 5 | 7 | - | - | -",
            "refused | 5 | 6 | - | - | crm:5 and crm:6 have different values of ext",
            "refused | 6 | 7 | - | - | crm:6 and crm:5 have different values of ext",
        ]
    );
    assert_eq!(made.fact("policy", "keys_of_too_many_ids"), Some(1));
    assert_eq!(made.fact("policy", "keys_too_common"), Some(0));
    let mut diags = Diagnostics::default();
    super::model(&yaml(2)).0.review(&made.facts, &mut diags);
    let messages: Vec<String> = diags.into_sorted().into_iter().map(|found| found.message).collect();
    assert_eq!(
        messages,
        [
            "1 key is of too many people for the rule `email`: its records have more than 2 values of what each has one of"
        ]
    );
    // What is foretold is what a run leaves out.
    assert_eq!(foretold(&yaml(2), &crm, PLAIN).await, ["email | email | 1 | 3 | 50 | 1 | 4 | 4"]);
    let wide = run(&yaml(3), &crm, PLAIN).await;
    assert_eq!(wide.fact("policy", "keys_of_too_many_ids"), Some(0));
}

#[tokio::test]
async fn records_that_are_named_and_not_there_are_told_of() {
    let yaml = "
entity: person
records:
  - {from: crm, id: id, merged_into: master, fields: {email: mail}}
match: [email]
decisions: {from: decided, left: l, right: r, decision: d}
";
    let crm = table("id | master | mail\n1 | 8 | a@acme.com\n2 | 9 | b@acme.com\n3 | - | c@acme.com");
    let decided = table("l | r | d\ncrm:1 | crm:7 | same\ncrm:1 | crm:2 | different");
    let made = run(yaml, &[("crm", crm), ("decided", decided)], PLAIN).await;
    let mut diags = Diagnostics::default();
    super::model(yaml).0.review(&made.facts, &mut diags);
    let found = diags.into_sorted();
    let messages: Vec<&str> = found.iter().map(|found| found.message.as_str()).collect();
    assert_eq!(
        messages,
        ["2 records were merged into ones that are not there", "1 decision is about a record that is not there"]
    );
    assert!(found.iter().all(|found| found.code == codes::UNKNOWN_RECORDS && found.hint.is_some()));
}

/// What a model warns of after a run.
fn said(rules: &str, made: &Made) -> Vec<String> {
    let mut diags = Diagnostics::default();
    super::model(&model(rules)).0.review(&made.facts, &mut diags);
    let found = diags.into_sorted();
    let known = [codes::TOO_COMMON, codes::TAKEN_APART, codes::UNREADABLE_VALUES];
    assert!(found.iter().all(|found| known.contains(&found.code) && found.hint.is_some()));
    found.into_iter().map(|found| found.message).collect()
}

#[tokio::test]
async fn clusters_taken_apart_and_fields_that_say_nothing_are_warned_of() {
    let rows = "
        1 | a@acme.com | - | Reed  | 020 7946 0958
        2 | a@acme.com | - | Reed  | 020 7946 0959
        3 | a@acme.com | - | Stone | 020 7946 0950
        4 | -          | - | Lowe  | -";
    let rules = "  - email\n  - [phone, last_name]\nguards: {max_cluster: 2}";
    let made = run(&model(rules), &crm(rows), PLAIN).await;
    assert_eq!(
        said(rules, &made),
        [
            "3 of 4 records have a `phone` that cannot be compared",
            "3 of 4 records came together in clusters of more than 2, and stand alone",
        ]
    );
    let rules = "  - email\n  - [phone, last_name]\ndefault_country: GB";
    assert!(said(rules, &run(&model(rules), &crm(rows), PLAIN).await).is_empty());
}

#[tokio::test]
async fn blocks_that_are_left_out_are_told_of_by_size_and_masked() {
    let rules = format!("{WEIGHED}\nguards: {{max_block: 5}}");
    let made = run(&model(&rules), &crm(ROWS), PLAIN).await;
    let lines = made.lines("people_evidence", &[&LINKS[..], &["shared_key"]].concat());
    assert_eq!(lines[0], "block_too_large | probabilistic | 1 | - | 6 | email d…@acme.com (4)");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(made.fact("policy", "blocks_too_large: email"), Some(1));
    assert_eq!(made.fact("policy", "records_in_blocks_too_large: email"), Some(6));
    assert_eq!(made.fact("block_too_large", "email: d…@acme.com (4)"), Some(6));
    assert_eq!(
        said(&rules, &made),
        [
            "1 block is too large to be compared: more than 5 records share it; the largest is `email: d…@acme.com (4)` with 6"
        ]
    );
}

/// A report is read by people who may not see records: what fewer than five share is not shown there.
#[tokio::test]
async fn a_key_that_few_share_is_counted_and_not_shown() {
    let rules = "  - email\nguards: {max_records_per_key: 2}";
    let rows = "1 | a@acme.com | - | - | -\n 2 | a@acme.com | - | - | -\n 3 | a@acme.com | - | - | -";
    let made = run(&model(rules), &crm(rows), PLAIN).await;
    assert_eq!(made.fact("policy", "keys_too_common: email"), Some(1));
    assert!(!made.facts.iter().any(|row| row.fact == "key_too_common"), "{:#?}", made.facts);
    assert_eq!(said(rules, &made), ["1 key is too common for the rule `email`: more than 2 records share it"]);
}
