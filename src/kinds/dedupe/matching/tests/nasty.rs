//! Bad input: nothing panics, nothing explodes, and nonsense is no evidence.

use super::super::blocking::choose;
use super::*;

fn whole_way(records: &Records) -> Vec<ScoredPair> {
    let rules = choose(records, 200).unwrap();
    let made: Vec<Blocks> = rules.iter().map(|rule| Blocks::build(rule, records, 200).unwrap()).collect();
    let plans: Vec<FieldPlan> = records.columns().iter().map(|column| FieldPlan::of(&column.name)).collect();
    let options = TrainOptions { random_pairs: 5_000, threads: 2, ..TrainOptions::default() };
    let model = Model::train(records, &plans, &made, &options).unwrap();
    model.check().unwrap();
    let scorer = Scorer::new(records, &model).unwrap();
    let mut kept = Vec::new();
    scorer
        .run(records, &made, threshold(0.5), 2, |pairs| {
            kept.extend_from_slice(pairs);
            Ok(())
        })
        .unwrap();
    kept
}

#[test]
fn that_values_differ_is_no_evidence_for_one_person() {
    // Guests by number, and one other: 300 pairs of hers are unlike all others, and look like a class of their own.
    let mut lines: Vec<String> = (0..300).map(|at| format!("Guest {at}|User {at}|US")).collect();
    lines.push("Zoe|Brandt|US".to_string());
    let fields =
        [("first_name", FieldKind::GivenName), ("last_name", FieldKind::FamilyName), ("country", FieldKind::Category)];
    let records = records(&fields, &rows(&lines.iter().map(String::as_str).collect::<Vec<_>>()));
    let made = blocks(&records, &["country"], 1_000);
    let plans: Vec<FieldPlan> = fields.iter().map(|(name, _)| FieldPlan::of(name)).collect();
    let model = Model::train(&records, &plans, &made, &TrainOptions::default()).unwrap();
    for field in &model.fields {
        assert!(field.levels.last().unwrap().bits <= 0, "{}: {:?}", field.name, field.levels);
    }
    let scorer = Scorer::new(&records, &model).unwrap();
    assert!((0..300).all(|guest| scorer.explain(guest, 300).weight_millibits < threshold(0.5)));
}

#[test]
fn absurd_values_are_survived() {
    let long = "x".repeat(10_000);
    let odd = [
        long.as_str(),
        "e\u{301}\u{301}\u{301}\u{301}",
        "\u{202e}אבג",
        "a@b@c@d",
        "@",
        "",
        " ",
        "\u{0}",
        "-1",
        "99999999999999999999",
        "0000-00-00",
        "İstanbul",
        "ß",
        "🙂🙂",
        "first(3)",
    ];
    for kind in FieldKind::all() {
        let fields = [("one", kind), ("other", FieldKind::GivenName), ("third", FieldKind::FamilyName)];
        let lines: Vec<Vec<String>> = (0..60)
            .map(|at| (0..3).map(|cell| odd[(at * 7 + cell * 3 + at / 15) % odd.len()].to_string()).collect())
            .collect();
        whole_way(&records(&fields, &lines));
    }
}

#[test]
fn few_records_and_empty_fields_are_survived() {
    let fields = [("email", FieldKind::Email), ("name", FieldKind::FullName)];
    let none = records(&fields, &[]);
    assert!(choose(&none, 200).unwrap().is_empty());
    let error = Model::train(&none, &[FieldPlan::of("email")], &[], &TrainOptions::default()).unwrap_err();
    assert!(error.message().contains("cannot be learnt from 0 records"), "{error}");
    assert!(whole_way(&records(&fields, &rows(&["|", "|"]))).is_empty());
    assert!(whole_way(&records(&fields, &rows(&["|", "|", "|", "a@x.com|ann", "b@x.com|bob"]))).is_empty());
}

#[test]
fn a_phone_that_thousands_share_links_nobody() {
    let lines: Vec<Vec<String>> = (0..2_000)
        .map(|at| {
            let person = at / 2;
            vec![
                "0800 123 4567".to_string(),
                format!("n{}x{}", person * 7_919 % 997, person),
                format!("p{person}@mail.com"),
            ]
        })
        .collect();
    let fields = [("phone", FieldKind::Phone), ("last_name", FieldKind::FamilyName), ("email", FieldKind::Email)];
    let records = records(&fields, &lines);
    let made = &blocks(&records, &["phone"], 200)[0];
    assert_eq!((made.pairs, made.skipped.len(), made.skipped[0].records), (0, 1, 2_000));
    let kept = whole_way(&records);
    assert!(kept.iter().all(|pair| pair.a / 2 == pair.b / 2), "two people were linked");
    assert_eq!(kept.len(), 1_000);
}

#[test]
fn records_must_fit_together() {
    let mut records = Records::new(2).unwrap();
    let error = records.add("email", FieldKind::Email, [Some("a@x.com")], None).unwrap_err();
    assert!(error.message().contains("`email` has 1 values of 2 records"), "{error}");
    assert!(Records::new(u32::MAX as usize).is_err());
    assert!(records.columns().is_empty() && records.pairs() == 1 && !records.is_empty());
}
