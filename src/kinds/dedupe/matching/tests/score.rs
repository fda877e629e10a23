//! Scoring, against the naive way: every pair, every field, then the threshold.

use super::super::blocking::pairs_of;
use super::super::compare::level_in;
use super::*;

fn trained(records: &Records, blocks: &[Blocks]) -> Model {
    let plans: Vec<FieldPlan> = PEOPLE.iter().map(|(name, _)| FieldPlan::of(name)).collect();
    Model::train(records, &plans, blocks, &TrainOptions { random_pairs: 10_000, ..TrainOptions::default() }).unwrap()
}

/// A pair's weight by its definition, from the model's numbers and the counts of values.
fn naive_weight(model: &Model, records: &Records, scorer: &Scorer<'_, '_>, a: u32, b: u32) -> i32 {
    let pair = scorer.explain(a, b);
    let mut sum = model.prior_bits;
    for (place, field) in model.fields.iter().enumerate() {
        let Some(level) = level_in(pair.pattern, place).checked_sub(1) else { continue };
        sum += field.levels[level].bits;
        if level == 0 && field.term_frequency {
            let column = &records.columns()[place];
            let own = column.of(a).unwrap();
            let values: Vec<&str> = (0..records.len() as u32).filter_map(|record| column.of(record)).collect();
            let count = |value: &str| values.iter().filter(|other| **other == value).count() as f64;
            let mean = values.iter().map(|value| count(value)).sum::<f64>() / values.len() as f64;
            sum += ((mean / count(own)).log2() * 1_000.0).round() as i32;
        }
    }
    sum
}

#[test]
fn scores_are_those_of_the_naive_way_at_every_threshold() {
    let (rows, _) = made_up(21, 60);
    let records = records(&PEOPLE, &rows);
    let blocks = blocks(&records, &["last_name", "first_name", "born", "email"], 200);
    let model = trained(&records, &blocks);
    let scorer = Scorer::new(&records, &model).unwrap();
    let mut all = Vec::new();
    pairs_of(&blocks, 0..records.len() as u32, |a, b| all.push((a, b, naive_weight(&model, &records, &scorer, a, b))));
    for least in [i32::MIN, -10_000, 0, threshold(0.5), threshold(0.95), 20_000, i32::MAX] {
        let expected: Vec<(u32, u32, i32)> = all.iter().filter(|pair| pair.2 >= least).copied().collect();
        for threads in [1, 2, 5] {
            let mut found = Vec::new();
            let compared = scorer.run(&records, &blocks, least, threads, |pairs| {
                found.extend_from_slice(pairs);
                Ok(())
            });
            assert_eq!(compared.unwrap(), all.len() as u64);
            assert!(found.iter().all(|pair| *pair == scorer.explain(pair.a, pair.b)));
            let found: Vec<(u32, u32, i32)> =
                found.iter().map(|pair| (pair.a, pair.b, pair.weight_millibits)).collect();
            assert_eq!(found, expected, "at least {least}, {threads} threads");
        }
    }
}

#[test]
fn the_waterfall_adds_up() {
    let (rows, _) = made_up(22, 40);
    let records = records(&PEOPLE, &rows);
    let blocks = blocks(&records, &["last_name", "email"], 200);
    let model = trained(&records, &blocks);
    let scorer = Scorer::new(&records, &model).unwrap();
    pairs_of(&blocks, 0..records.len() as u32, |a, b| {
        let pair = scorer.explain(a, b);
        let steps = scorer.steps(&pair);
        assert_eq!(
            model.prior_bits + steps.iter().map(|step| step.weight_millibits).sum::<i32>(),
            pair.weight_millibits
        );
        assert_eq!(scorer.explain(b, a).weight_millibits, pair.weight_millibits, "a pair has no direction");
    });
}

#[test]
fn rare_names_weigh_more_than_common_ones() {
    let mut lines = vec!["smith"; 30];
    lines.extend(["zyx", "zyx"]);
    let records = records(&[("last_name", FieldKind::FamilyName)], &rows(&lines));
    let blocks = blocks(&records, &["last_name"], 200);
    let model = Model::train(&records, &[FieldPlan::of("last_name")], &blocks, &TrainOptions::default()).unwrap();
    let scorer = Scorer::new(&records, &model).unwrap();
    let (common, rare) = (scorer.explain(0, 1), scorer.explain(30, 31));
    // 30 against 2 records with the name: log2 of 15.
    assert_eq!(rare.weight_millibits - common.weight_millibits, 3_907);
    let plain = FieldPlan { term_frequency: Some(false), ..FieldPlan::of("last_name") };
    let model = Model::train(&records, &[plain], &blocks, &TrainOptions::default()).unwrap();
    let scorer = Scorer::new(&records, &model).unwrap();
    assert_eq!(scorer.explain(30, 31).weight_millibits, scorer.explain(0, 1).weight_millibits);
}

/// The level that two records are found at in the only field.
fn found(kind: FieldKind, a: &str, b: &str) -> String {
    let records = records(&[("field", kind)], &rows(&[a, b]));
    level_of(&records, kind)
}

/// The level of two records in the field of that kind, all of whose fields are compared.
fn level_of(records: &Records, kind: FieldKind) -> String {
    let columns = records.columns();
    let tests: Vec<Vec<Test>> = columns.iter().map(|column| super::super::defaults::levels(column.kind)).collect();
    let fields: Vec<(&Column, &[Test])> = columns.iter().zip(tests.iter().map(Vec::as_slice)).collect();
    let at = columns.iter().position(|column| column.kind == kind).unwrap();
    let level = super::super::compare::comparisons(records, &fields)[at].level(0, 1);
    level.checked_sub(1).map_or("missing".to_string(), |place| tests[at][place].to_string())
}

#[test]
fn levels_are_what_they_say() {
    use FieldKind as K;
    let cases = [
        (K::GivenName, "Bob", "Robert", "nickname"),
        (K::GivenName, "Jon", "John", "jaro_winkler 0.92"),
        (K::GivenName, "Chris", "Christopher", "start_of_other 2"),
        (K::GivenName, "wi", "wilhelmina", "start_of_other 2"),
        (K::GivenName, "w", "wilhelmina", "start_of_other 1"),
        (K::GivenName, "ann", "bob", "else"),
        (K::FamilyName, "Dickson", "dixon", "jaro_winkler 0.7"),
        (K::Email, "ann.lee@x.com", "ann.lee@xcom", "edits 1"),
        (K::Email, "annlee@x.com", "annlee@elsewhere.org", "same_local_part"),
        (K::Email, "72 59 37", "tshah725937@example.com", "same_digits"),
        (K::Email, "bo12345@site77777.com", "al54321@site77777.com", "else"),
        (K::Phone, "+44 20 7946 0958", "020 7946 0958", "same_end 7"),
        (K::Phone, "5550123", "5550132", "edits 1"),
        (K::Date, "1971-06-24", "24/06/1971", "exact"),
        (K::Date, "1971-06-04", "1971-04-06", "day_month_swapped"),
        (K::Date, "1971-06-24", "1971-06-11", "two_parts"),
        (K::Date, "1971-06-28", "1971-07-02", "within_days 31"),
        (K::Date, "1971-06-24", "1958-11-02", "else"),
        (K::Address, "12 Kent Street", "Kent Street 12", "words 0.66"),
        (K::Address, "wilshiredstreet", "wilshire street", "edits 1"),
        (K::Postcode, "4217", "4271", "edits 1"),
        (K::Company, "Acme Holdings", "Acme", "start_of_other 3"),
        (K::Id, "40-211-6221", "DUNS 402116221", "same_digits"),
        (K::Category, "de", "DE", "exact"),
        (K::Text, "", "chief", "missing"),
        (K::Text, "!!", "chief", "missing"),
    ];
    for (kind, a, b, expected) in cases {
        assert_eq!(found(kind, a, b), expected, "{kind}: {a} and {b}");
        assert_eq!(found(kind, b, a), expected, "{kind}: {b} and {a}");
    }
}

#[test]
fn swapped_names_are_one_finding() {
    let names = [("first_name", FieldKind::GivenName), ("last_name", FieldKind::FamilyName)];
    for (lines, given, family) in [
        (["Thomas|Gabriel", "Gabriel|Thomas"], "names_swapped", "missing"),
        (["Thomas|Gabriel", "Gabriel|Thomaas"], "names_swapped", "missing"),
        (["Thomas|Gabriel", "Gabriel|Miller"], "else", "else"),
        (["Thomas|Thomas", "Thomas|Thomas"], "exact", "exact"),
    ] {
        let records = records(&names, &rows(&lines));
        assert_eq!(level_of(&records, FieldKind::GivenName), given, "{lines:?}");
        assert_eq!(level_of(&records, FieldKind::FamilyName), family, "{lines:?}");
    }
    // Who compares family names alone knows nothing of given names.
    let alone = records(&names[1..], &rows(&["Gabriel", "Thomas"]));
    assert_eq!(level_of(&alone, FieldKind::FamilyName), "else");
}

#[test]
fn an_address_made_of_the_name_does_not_count_the_name_twice() {
    let fields =
        [("first_name", FieldKind::GivenName), ("last_name", FieldKind::FamilyName), ("email", FieldKind::Email)];
    for (lines, expected) in [
        (["jane|smith|jane.smith@a.com", "jane|smith|jane.smith@bcdef.org"], "missing"),
        (["yuki|smith|yukismith24058@mail.com", "yuki|smith|yukismith11735@mail.com"], "else"),
        (["jane|smith|ladybird@a.com", "jane|smith|ladybird@bcdef.org"], "same_local_part"),
        (["jane|smith|jane.smith@a.com", "jane|smith|jane.smith@a.com"], "exact"),
    ] {
        let records = records(&fields, &rows(&lines));
        assert_eq!(level_of(&records, FieldKind::Email), expected, "{lines:?}");
    }
    let fields = [("name", FieldKind::FullName), ("email", FieldKind::Email)];
    let records = records(&fields, &rows(&["Jane Smith|j.smith@a.com", "Jane Smith|j.smith@bcdef.org"]));
    assert_eq!(level_of(&records, FieldKind::Email), "missing");
}
