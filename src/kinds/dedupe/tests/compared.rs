//! Rules that compare values.

use super::super::learnt;
use super::*;

pub(super) fn crm(rows: &str) -> Vec<(&'static str, RecordBatch)> {
    vec![("crm", table(&format!("id | mail | first | last | tel\n{rows}")))]
}

pub(super) fn model(rules: &str) -> String {
    format!(
        "
entity: person
records:
  - {{from: crm, id: id, fields: {{email: mail, first_name: first, last_name: last, phone: tel}}}}
match:
{rules}
"
    )
}

pub(super) const LINKS: [&str; 5] = ["outcome", "rule", "left_record_id", "right_record_id", "n_records"];

#[tokio::test]
async fn similar_values_link_within_what_is_shared() {
    let rules = "
  - {similar: {first_name: 0.9, last_name: edits 1}, within: email_domain}
guards: {max_block: 4}";
    let rows = "
        1 | a@acme.com  | Martha | Stone | -
        2 | b@acme.com  | Marhta | Stine | -
        3 | c@acme.com  | Martha | Reed  | -
        4 | d@other.com | Martha | Stone | -
        5 | e@acme.com  | -      | Stone | -
        6 | f@gmail.com | Martha | Stone | -
        7 | g@gmail.com | Martha | Stone | -
        8 | a@wide.com  | Bob    | Low   | -
        9 | b@wide.com  | Rob    | Low   | -";
    let made = run(&model(rules), &crm(rows), PLAIN).await;
    // MARTHA and MARHTA are alike by 0.961. Free mail is nothing that people share, a missing name is
    // not similar, and Bob and Rob are both Robert.
    assert_eq!(
        made.lines("people_evidence", &LINKS),
        ["linked | similar first_name + last_name | 1 | 2 | -", "linked | similar first_name + last_name | 8 | 9 | -",]
    );
    // Of MARTHA and MARHTA two letters stand in each other's place, one in STONE and STINE is another.
    assert_eq!(
        made.lines("people_evidence", &["left_record_id", "weight", "comparison"]),
        [
            "1 | - | first_name alike by 0.961 (Jaro–Winkler); last_name one letter off",
            "8 | - | first_name forms of one name; last_name equal",
        ]
    );
    let crowded = format!("{rows}\n 10 | f@acme.com | Martha | Stone | -");
    let made = run(&model(rules), &crm(&crowded), PLAIN).await;
    assert_eq!(
        made.lines("people_evidence", &LINKS),
        [
            "block_too_large | similar first_name + last_name | 1 | - | 5",
            "linked | similar first_name + last_name | 8 | 9 | -",
        ]
    );
}

/// Weights of m and u: e-mail .95 and .0001, name .9 and .01, phone .8 and .001, one pair in 1,000.
pub(super) const WEIGHED: &str = "
  - probabilistic:
      merge: 0.95
      review: 0.4
      weights:
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
          - name: last_name
            kind: family_name
            term_frequency: false
            levels:
              - {when: exact, bits: 6.492, m: 0.9, u: 0.01}
              - {when: else, bits: -3.307, m: 0.1, u: 0.99}
          - name: phone
            kind: phone
            term_frequency: false
            levels:
              - {when: exact, bits: 9.644, m: 0.8, u: 0.001}
              - {when: else, bits: -2.32, m: 0.2, u: 0.999}
        blocking: [email]";

#[tokio::test]
async fn records_that_contradict_each_other_are_not_brought_together_by_a_third() {
    // 2 has the name of 1 and the phone of 3. By weight: 1 and 2 -9.964 + 13.214 + 6.492 - 2.32 = 7.422, 2 and 3
    // -9.964 + 13.214 - 3.307 + 9.644 = 9.587, 1 and 3 -9.964 + 13.214 - 3.307 - 2.32 = -2.377, a probability of 0.16.
    let rows = "
        1 | a@acme.com | - | Stone | 5550300
        2 | a@acme.com | - | Stone | 5550400
        3 | a@acme.com | - | Reed  | 5550400";
    let groups = async |contradiction: &str| {
        let rule = WEIGHED.replace("review: 0.4", &format!("review: 0.4\n      contradiction: {contradiction}"));
        run(&model(&rule), &crm(rows), PLAIN).await
    };
    let people = ["record_id", "person_id"];
    let together = ["1 | <crm:1>", "2 | <crm:1>", "3 | <crm:1>"];
    for allowed in ["0.15", "0"] {
        assert_eq!(groups(allowed).await.lines("people_crosswalk", &people), together, "{allowed}");
    }
    let apart = groups("0.17").await;
    assert_eq!(apart.lines("people_crosswalk", &people), ["1 | <crm:1>", "2 | <crm:2>", "3 | <crm:2>"]);
    assert_eq!(
        apart.lines("people_evidence", &["outcome", "left_record_id", "right_record_id", "weight", "reason"]),
        [
            "linked | 2 | 3 | 9.587 | -",
            "refused | 1 | 2 | 7.422 | crm:1 and crm:3 would be one then, which contradict each other: -2.377"
        ]
    );
    assert_eq!(apart.fact("policy", "links_refused_by_contradiction"), Some(1));
}

#[tokio::test]
async fn likely_pairs_merge_and_less_likely_ones_wait_for_review() {
    let rows = "
        1 | a@acme.com | - | Stone | -
        2 | a@acme.com | - | Reed  | -
        3 | b@acme.com | - | Lowe  | -
        4 | b@acme.com | - | Lowe  | 0300";
    let made = run(&model(WEIGHED), &crm(rows), PLAIN).await;
    let columns = ["outcome", "left_record_id", "right_record_id", "weight", "match_probability", "comparison"];
    let evidence = made.lines("people_evidence", &columns);
    // -9.964 + 13.214 - 3.307 = -0.057, which is a probability of 0.49; with equal names 9.742, 0.9988.
    let [linked, review] = evidence.as_slice() else { panic!("{evidence:#?}") };
    assert!(linked.starts_with("linked | 3 | 4 | 9.742 | 0.998"), "{linked}");
    assert!(
        linked.ends_with(
            "before anything is compared: -9.964; email equal: +13.214; last_name equal: +6.492; phone missing: +0.000"
        ),
        "{linked}"
    );
    assert!(review.starts_with("review | 1 | 2 | -0.057 | 0.490"), "{review}");
    assert!(review.ends_with("email equal: +13.214; last_name different: -3.307; phone missing: +0.000"), "{review}");
    assert_eq!(
        made.lines("people_crosswalk", &["record_id", "person_id", "linked_by", "linked_weight"]),
        ["1 | <crm:1> | - | -", "2 | <crm:2> | - | -", "3 | <crm:3> | - | -", "4 | <crm:3> | probabilistic | 9.742"]
    );
    assert_eq!(made.fact("policy", "pairs_for_review"), Some(1));
    assert_eq!(
        made.lines("people_weights", &["position", "part", "name", "finding", "weight"])[..3],
        [
            "1 | prior | any two records | - | -9.964",
            "2 | field | email | exact | 13.214",
            "3 | field | email | else | -4.322"
        ]
    );
}

#[tokio::test]
async fn a_pair_whose_findings_outweigh_nothing_weighs_nothing_and_not_null() {
    // As likely as not: what speaks for the two is as much as what spoke against them before.
    let rules = WEIGHED.replace("prior_bits: -9.964", "prior_bits: -13.214");
    let made = run(&model(&rules), &crm("1 | a@acme.com | - | - | -\n2 | a@acme.com | - | - | -"), PLAIN).await;
    let columns = ["outcome", "weight", "match_probability"];
    assert_eq!(made.lines("people_evidence", &columns), ["review | 0.000 | 0.5"]);
}

#[tokio::test]
async fn the_page_shows_what_the_run_weighed() {
    let rows = "1 | a@acme.com | - | Stone | -\n 2 | a@acme.com | - | Stone | -";
    let made = run(&model(WEIGHED), &crm(rows), PLAIN).await;
    let [exhibit] = made.exhibits.as_slice() else { panic!("{:#?}", made.exhibits) };
    assert_eq!(
        made.shown(0)[..3],
        [
            "`email` | equal | +13.21 | 95.0 % | 0.01 %",
            " | different | -4.32 | 5.00 % | > 99.9 %",
            "`last_name` | equal | +6.49 | 90.0 % | 1.00 %"
        ]
    );
    let chart = exhibit.chart.as_ref().unwrap();
    assert_eq!((chart.less.as_str(), chart.more.as_str()), ("not the same person", "the same person"));
    let bars: Vec<(&str, i64, &str)> =
        chart.groups.iter().flat_map(|g| &g.bars).map(|b| (b.label.as_str(), b.value, b.shown.as_str())).collect();
    assert_eq!(bars[..2], [("equal", 13_214, "+13.21"), ("different", -4_322, "-4.32")]);
    // One pair in 1,000 is -9.964 bits; 0.95 are 4.248 bits more than even, 0.4 are 0.585 less.
    assert!(
        exhibit.text[0].contains("One pair in 1,000 is, so two records start at -9.96 bits."),
        "{:?}",
        exhibit.text
    );
    assert!(exhibit.text[1].contains("add up to +14.21 bits or more link the two"), "{:?}", exhibit.text);
    assert!(exhibit.text[1].contains("from +9.38 bits on"), "{:?}", exhibit.text);
    assert_eq!(
        exhibit.notes[0],
        "The weights are given in the model; nothing was learnt from the records of this run."
    );
    assert_eq!(exhibit.notes[1], "Only pairs that share one of these were compared: `email`.");
    assert_eq!(run(&model("  - email"), &crm(rows), PLAIN).await.exhibits, [], "no rule weighs");
    assert_eq!(run(&model("  - probabilistic: {}"), &crm(""), PLAIN).await.exhibits, [], "nothing was learnt");
}

#[tokio::test]
async fn what_is_learnt_depends_on_the_records_alone() {
    let names = ["Ada Byron", "Bob Stone", "Cleo Reed", "Dora Lowe", "Emil Hart", "Fay West", "Gus North", "Hal Good"];
    let mut rows = String::new();
    for at in 0..120 {
        let (first, last) = names[at % names.len()].split_once(' ').unwrap();
        let (first, tel) = if at % 3 == 0 {
            (first.to_uppercase(), "-".to_string())
        } else {
            (first.to_string(), format!("03{:02}", at / 3))
        };
        rows.push_str(&format!("{at} | p{}@x{}.com | {first} | {last} | {tel}\n", at / 2, at % 7));
    }
    let rules = "  - probabilistic: {}";
    let made = run(&model(rules), &crm(&rows), PLAIN).await;
    assert!(made.tables["people_weights"].num_rows() > 8);
    made.assert_balanced();
    let all = |made: &Made, name: &str| {
        let columns: Vec<String> =
            made.tables[name].schema().fields().iter().map(|field| field.name().clone()).collect();
        made.lines(name, &columns.iter().map(String::as_str).collect::<Vec<_>>())
    };
    for how in [How { threads: 1, batch: 7 }, How { threads: 5, batch: 50 }] {
        let again = run(&model(rules), &crm(&rows), how).await;
        for name in made.tables.keys() {
            assert_eq!(all(&made, name), all(&again, name), "{name}");
        }
    }
}

#[tokio::test]
async fn a_single_record_or_none_teaches_nothing_and_is_no_mistake() {
    let rules = "  - probabilistic: {}";
    for rows in ["", "1 | a@b.com | - | - | -", "1 | - | - | - | -\n2 | - | - | - | -"] {
        let made = run(&model(rules), &crm(rows), PLAIN).await;
        assert_eq!(made.tables["people"].num_rows(), rows.lines().count());
    }
    let made = run(&model(rules), &crm(""), PLAIN).await;
    let failed = learnt(std::slice::from_ref(&made.tables["people_weights"])).unwrap_err();
    assert!(failed.message().starts_with("nothing was learnt"), "{failed}");
}
