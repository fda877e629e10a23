//! Blocks and candidate pairs, against every pair looked at.

use std::collections::BTreeSet;

use super::super::blocking::{choose, chunks, first_rule, pairs_of, predict};
use super::*;

const RULES: [&str; 4] =
    ["email", "soundex(last_name) + first(1, first_name)", "first(4, born) + city", "either(first_name, last_name)"];

/// Pairs of records that agree on a rule whose block is within the cap, by looking at all of them.
fn naive(records: &Records, rules: &[&str], cap: usize) -> Vec<(u32, u32)> {
    let mut found = BTreeSet::new();
    for rule in rules {
        let keys = rule.parse::<BlockRule>().unwrap().keys(records).unwrap();
        for a in 0..keys.len() {
            let size = keys.iter().filter(|key| **key == keys[a]).count();
            for b in a + 1..keys.len() {
                if keys[a] != 0 && keys[a] == keys[b] && size <= cap {
                    found.insert((a as u32, b as u32));
                }
            }
        }
    }
    found.into_iter().collect()
}

#[test]
fn pairs_are_those_of_the_naive_way() {
    for (seed, cap) in [(1, 200), (2, 8), (3, 3), (4, 2)] {
        let (rows, _) = made_up(seed, 60);
        let records = records(&PEOPLE, &rows);
        let blocks = blocks(&records, &RULES, cap);
        let expected = naive(&records, &RULES, cap as usize);
        assert!(expected.len() > 20, "{}", expected.len());
        for size in [1, 2, 7, 50, 8192] {
            let mut found = Vec::new();
            let ranges = chunks(&blocks, records.len(), size);
            assert_eq!(ranges.iter().map(|range| range.len()).sum::<usize>(), records.len());
            for range in ranges {
                pairs_of(&blocks, range, |a, b| found.push((a, b)));
            }
            assert_eq!(found, expected, "seed {seed}, cap {cap}, chunks of {size}");
        }
        for (a, b) in expected {
            let first = first_rule(&blocks, a, b).unwrap();
            assert!(blocks[first].share(a, b) && !blocks[..first].iter().any(|blocks| blocks.share(a, b)));
        }
    }
}

#[test]
fn blocks_over_the_cap_are_left_out_and_named() {
    let rows: Vec<Vec<String>> =
        (0..300).map(|at| vec![if at < 290 { "0800 111".into() } else { format!("{}", 5_550_000 + at / 2) }]).collect();
    let records = records(&[("phone", FieldKind::Phone)], &rows);
    let made = &blocks(&records, &["phone"], 200)[0];
    assert_eq!(made.pairs, 5);
    assert_eq!(
        made.skipped.iter().map(|block| (block.key.as_str(), block.records)).collect::<Vec<_>>(),
        [("08… (7)", 290)]
    );
    assert_eq!((made.skipped_blocks, made.skipped_records), (1, 290));
    let predicted = predict(&made.rule, &records, 200).unwrap();
    assert_eq!((predicted.pairs, predicted.covered, predicted.skipped), (5, 10, 290));
}

#[test]
fn a_missing_part_is_no_key() {
    let rows = rows(&["ann|", "ann|", "ann|lee", "ann|lee", "|lee"]);
    let records = records(&[("first_name", FieldKind::GivenName), ("last_name", FieldKind::FamilyName)], &rows);
    let keys = "first_name + last_name".parse::<BlockRule>().unwrap().keys(&records).unwrap();
    assert_eq!(keys.iter().map(|key| *key == 0).collect::<Vec<_>>(), [true, true, false, false, true]);
    let error = "nose".parse::<BlockRule>().unwrap().keys(&records).unwrap_err();
    assert!(error.message().contains("names a field `nose` that is not there"), "{error}");
}

#[test]
fn swapped_names_share_a_block() {
    let rows = rows(&["Thomas|Gabriel", "Gabriel|Thomas", "Thomas|Thomas"]);
    let records = records(&[("first_name", FieldKind::GivenName), ("last_name", FieldKind::FamilyName)], &rows);
    let made = &blocks(&records, &["either(first_name, last_name)"], 200)[0];
    assert_eq!((made.share(0, 1), made.share(0, 2)), (true, false));
}

#[test]
fn a_rule_includes_finer_ones() {
    let includes = |coarse: &str, fine: &str| coarse.parse::<BlockRule>().unwrap().includes(&fine.parse().unwrap());
    assert!(includes("first(3, a)", "first(5, a) + b"));
    assert!(includes("soundex(a)", "a + first(1, b)"));
    assert!(!includes("a", "first(5, a)"));
    assert!(!includes("a + b", "a"));
    assert!(!includes("soundex(a)", "first(3, a)"));
}

#[test]
fn chosen_rules_find_nearly_all_true_pairs_within_their_allowance() {
    let (rows, truth) = made_up(11, 600);
    let records = records(&PEOPLE, &rows);
    let rules = choose(&records, 200).unwrap();
    let made: Vec<Blocks> = rules.iter().map(|rule| Blocks::build(rule, &records, 200).unwrap()).collect();
    assert!(made.iter().map(|blocks| blocks.pairs).sum::<u64>() <= 300_000);
    let (mut all, mut found) = (0, 0);
    for a in 0..truth.len() {
        for b in (a + 1..truth.len()).filter(|b| truth[a] == truth[*b]) {
            all += 1;
            found += usize::from(first_rule(&made, a as u32, b as u32).is_some());
        }
    }
    assert!(
        found * 100 >= all * 97,
        "{found} of {all} by {}",
        rules.iter().map(|rule| rule.to_string()).collect::<Vec<_>>().join("; ")
    );
}

#[test]
fn nothing_to_choose_from_is_no_rule() {
    let records = records(&[("country", FieldKind::Category)], &rows(&["de", "de", "fr"]));
    assert!(choose(&records, 200).unwrap().is_empty());
}
