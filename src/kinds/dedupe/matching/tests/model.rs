//! The model file, its table and its picture; the worked vectors of Fellegi and Sunter.

use super::super::weights::{prior, weight};
use super::*;

/// λ .001; e-mail m .95 u .0001, name m .9 u .01, phone m .8 u .001.
const WORKED: &str = "
version: 1
lambda: 0.001
prior_bits: -9.964
fields:
- name: email
  kind: email
  term_frequency: false
  levels:
  - {when: exact, bits: 13.214, m: 0.95, u: 0.0001}
  - {when: else, bits: -4.322, m: 0.05, u: 0.9999}
- name: name
  kind: full_name
  term_frequency: false
  levels:
  - {when: exact, bits: 6.492, m: 0.9, u: 0.01}
  - {when: else, bits: -3.307, m: 0.1, u: 0.99}
- name: phone
  kind: phone
  term_frequency: false
  levels:
  - {when: exact, bits: 9.644, m: 0.8, u: 0.001}
  - {when: else, bits: -2.320, m: 0.2, u: 0.999}
blocking:
- email
- soundex(name) + last(4, phone)
";

#[test]
fn weights_are_log2_of_m_over_u() {
    assert_eq!(prior(0.001, 0.999), -9_964);
    let cases = [(0.95, 0.0001, 13_214, -4_322), (0.9, 0.01, 6_492, -3_307), (0.8, 0.001, 9_644, -2_320)];
    for (m, u, agree, disagree) in cases {
        assert_eq!((weight(m, u), weight(1.0 - m, 1.0 - u)), (agree, disagree), "m {m} u {u}");
    }
    assert_eq!((weight(1.0, 1e-300), weight(1e-300, 1.0), weight(0.0, 0.0)), (30_000, -30_000, 0));
}

#[test]
fn probabilities_and_thresholds_are_each_others_inverse() {
    assert!((probability(0) - 0.5).abs() < 1e-12);
    assert_eq!((threshold(0.5), threshold(0.95), threshold(1.0)), (0, 4_248, i32::MAX));
    assert!(probability(threshold(0.95)) >= 0.95 && probability(threshold(0.95) - 1) < 0.95);
    assert_eq!((probability(i32::MAX), probability(i32::MIN)), (1.0, 0.0));
}

/// The same, where one pair in 250 is of related people: they share a phone as often as not.
fn with_related() -> String {
    let r = |text: &str, own: &str, bits: &str, r: &str| {
        text.replacen(&format!("{own}}}"), &format!("{own}, related: {{bits: {bits}, r: {r}}}}}"), 1)
    };
    let mut text =
        WORKED.replace("prior_bits: -9.964\n", "prior_bits: -9.959\nrelated: {rho: 0.004, prior_bits: -7.959}\n");
    for (own, bits, share) in [
        ("u: 0.0001", "0", "0.0001"),
        ("u: 0.9999", "0", "0.9999"),
        ("u: 0.01", "0", "0.01"),
        ("u: 0.99", "0", "0.99"),
        ("u: 0.001", "8.966", "0.5"),
        ("u: 0.999", "-0.999", "0.5"),
    ] {
        text = r(&text, own, bits, share);
    }
    text
}

#[test]
fn related_people_are_part_of_the_file_and_of_the_table() {
    let worked = Model::from_yaml(&with_related()).unwrap();
    assert_eq!(worked.related, Some(Related { rho: 0.004, prior_bits: -7_959 }));
    assert_eq!(worked.fields[2].levels[0].related, Some(RelatedLevel { bits: 8_966, r: 0.5 }));
    assert_eq!(Model::from_yaml(&worked.to_yaml().unwrap()).unwrap(), worked);
    let table = worked.explain();
    assert!(table.contains("\none pair in 250 is of related ones, "), "{table}");
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(lines.contains(&vec!["phone", "(phone)", "weight", "true", "pairs", "others", "related"]), "{table}");
    assert!(lines.contains(&vec!["equal", "++++++++++", "+9.64", "80.0", "%", "0.100", "%", "50.0", "%"]), "{table}");
    for (from, to, expected) in [
        (
            ", related: {bits: 8.966, r: 0.5}",
            "",
            "`related` is said of the whole and of every finding, or of none; see `exact` of `phone`",
        ),
        ("related: {rho: 0.004, prior_bits: -7.959}\n", "", "see `exact` of `email`"),
        ("rho: 0.004", "rho: 0", "`rho` of `related` is a probability"),
        ("r: 0.5", "r: 1.5", "`m`, `u` and `r` of `exact` of `phone` are shares"),
        ("bits: 8.966", "bits: 31", "`exact` of `phone` weighs more than 30 bits"),
        ("bits: 8.966, r: 0.5", "bits: 8.966", "missing field"),
    ] {
        let error = Model::from_yaml(&with_related().replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn the_worked_pair_goes_to_review() {
    let model = Model::from_yaml(WORKED).unwrap();
    let fields = [("email", FieldKind::Email), ("name", FieldKind::FullName), ("phone", FieldKind::Phone)];
    let records = records(&fields, &rows(&["a@x.com|ann lee|", "a@x.com|bob ray|5551234"]));
    let scorer = Scorer::new(&records, &model).unwrap();
    let pair = scorer.explain(0, 1);
    // -9.9643 + 13.2137 - 3.3074 = -0.0581, each rounded to a millibit.
    assert_eq!(pair.weight_millibits, -57);
    assert!((probability(pair.weight_millibits) - 0.4899).abs() < 0.0005);
    assert!(pair.weight_millibits < threshold(0.5), "no merge, and below the review threshold of one half");
    let steps: Vec<(&str, Option<Test>, i32)> =
        scorer.steps(&pair).iter().map(|step| (step.field, step.found, step.weight_millibits)).collect();
    assert_eq!(steps, [("email", Some(Test::Exact), 13_214), ("name", Some(Test::Else), -3_307), ("phone", None, 0)]);
}

#[test]
fn a_model_file_is_read_as_it_was_written() {
    let worked = Model::from_yaml(WORKED).unwrap();
    assert_eq!(Model::from_yaml(&worked.to_yaml().unwrap()).unwrap(), worked);
    let (rows, _) = made_up(4, 200);
    let records = records(&PEOPLE, &rows);
    let blocks = blocks(&records, &["email", "soundex(last_name) + born"], 200);
    let plans: Vec<FieldPlan> = PEOPLE.iter().map(|(name, _)| FieldPlan::of(name)).collect();
    let options = TrainOptions { random_pairs: 5_000, ..TrainOptions::default() };
    let trained = Model::train(&records, &plans, &blocks, &options).unwrap();
    let file = trained.to_yaml().unwrap();
    let frozen = Model::from_yaml(&file).unwrap();
    assert_eq!(frozen, trained);
    assert_eq!(frozen.to_yaml().unwrap(), file);
}

#[test]
fn a_file_that_cannot_be_used_says_why() {
    let cases = [
        ("version: 1", "version: 9", "it is of version 9, this program reads version 1"),
        (
            "when: else, bits: -2.320",
            "when: same_digits, bits: -2.320",
            "`phone` needs at most 15 levels, of which the last, and only that, is `else`",
        ),
        ("bits: 9.644", "bits: 31", "`exact` of `phone` weighs more than 30 bits"),
        ("bits: 9.644", "bits: .nan", "is no weight"),
        ("when: exact, bits: 9.644", "when: exactly, bits: 9.644", "`exactly` is no comparison"),
        ("kind: phone", "kind: telephone", "telephone"),
        ("term_frequency: false", "term_freq: false", "term_freq"),
        ("soundex(name)", "soundex(name", "lacks its `)`"),
    ];
    for (from, to, expected) in cases {
        let error = Model::from_yaml(&WORKED.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(expected), "{to}: {error}");
    }
    assert!(Model::from_yaml("").is_err());
    let empty = WORKED.split("fields:").next().unwrap().to_string() + "fields: []\nblocking: []\n";
    assert!(Model::from_yaml(&empty).unwrap_err().to_string().contains("it has 0 fields"));
}

#[test]
fn what_cannot_be_trained_says_why() {
    let records = records(&[("email", FieldKind::Email)], &rows(&["a@x.com", "a@x.com"]));
    let train =
        |plans: &[FieldPlan]| Model::train(&records, plans, &[], &TrainOptions::default()).unwrap_err().to_string();
    assert!(train(&[]).contains("0 fields to match on; 1 to 32 are possible"));
    assert!(train(&[FieldPlan::of("nose")]).contains("there is no field `nose` to match on"));
    let many = FieldPlan { levels: vec![Test::Exact; 20], ..FieldPlan::of("email") };
    assert!(train(&[many]).contains("`email` has 21 levels; 15 are possible"));
    let model = Model::from_yaml(WORKED).unwrap();
    assert!(Scorer::new(&records, &model).unwrap_err().to_string().contains("the model compares `name`"));
}

#[test]
fn what_weighs_next_to_nothing_has_no_minus() {
    assert_eq!([signed(-4), signed(-5), signed(4), signed(0)], ["+0.00", "-0.01", "+0.00", "+0.00"]);
}

#[test]
fn the_table_is_for_people() {
    let expected = "\
one pair in 1,000 is of one person: start at -9.96 bits

email (email)                                         weight  true pairs      others
  equal                         +++++++++++++         +13.21      95.0 %     0.010 %
  different                     ----                   -4.32     5.000 %      100.0 %

name (full_name)                                      weight  true pairs      others
  equal                         ++++++                 +6.49      90.0 %     1.000 %
  different                     ---                    -3.31      10.0 %      99.0 %

phone (phone)                                         weight  true pairs      others
  equal                         ++++++++++             +9.64      80.0 %     0.100 %
  different                     --                     -2.32      20.0 %      99.9 %

fields must add up to +14.21 bits for a probability of 0.95, to +9.96 for 0.5
";
    let table = Model::from_yaml(WORKED).unwrap().explain();
    let squeezed =
        |text: &str| text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
    assert_eq!(squeezed(&table), squeezed(expected), "{table}");
    let widths: Vec<usize> =
        table.lines().filter(|line| line.ends_with('%')).map(|line| line.chars().count()).collect();
    assert!(widths.iter().all(|width| *width == widths[0]), "{table}");
}

#[test]
fn the_picture_has_a_bar_for_each_level() {
    let svg = picture(&Model::from_yaml(&WORKED.replace("name: name", "name: a<b")).unwrap());
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert_eq!(svg.matches("<rect").count(), 6);
    assert!(svg.contains("a&lt;b") && !svg.contains("a<b"));
    // The longest bar reaches 190 pixels from zero at 440, to the right; 4.322 bits of 13.214 are 62 to the left.
    assert!(svg.contains("<rect x=\"440\" y=\"34\" width=\"190\""), "{svg}");
    assert!(svg.contains("<rect x=\"378\" y=\"52\" width=\"62\""), "{svg}");
    for outside in ["http://", "https://", "url(", "<script", "<style"] {
        assert!(!svg.replace("http://www.w3.org/2000/svg", "").contains(outside), "{outside}");
    }
}
