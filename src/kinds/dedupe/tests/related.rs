//! People who live together, by given weights.

use super::super::learnt;
use super::super::matching::{Related, RelatedLevel};
use super::compared::{crm, model};
use super::*;

/// One pair in 1,000 is one, one in 250 is of related people. m, u and r: first name .9, .01, .01; last name .9, .01, .9;
/// phone .8, .001, .5.
const WEIGHED: &str = "
  - probabilistic:
      merge: 0.95
      review: 0.5
      weights:
        version: 1
        lambda: 0.001
        prior_bits: -9.959
        related: {rho: 0.004, prior_bits: -7.959}
        fields:
          - name: first_name
            kind: given_name
            term_frequency: false
            levels:
              - {when: exact, bits: 6.492, m: 0.9, u: 0.01, related: {bits: 0.0, r: 0.01}}
              - {when: else, bits: -3.307, m: 0.1, u: 0.99, related: {bits: 0.0, r: 0.99}}
          - name: last_name
            kind: family_name
            term_frequency: false
            levels:
              - {when: exact, bits: 6.492, m: 0.9, u: 0.01, related: {bits: 6.492, r: 0.9}}
              - {when: else, bits: -3.307, m: 0.1, u: 0.99, related: {bits: -3.307, r: 0.1}}
          - name: phone
            kind: phone
            term_frequency: false
            levels:
              - {when: exact, bits: 9.644, m: 0.8, u: 0.001, related: {bits: 8.966, r: 0.5}}
              - {when: else, bits: -2.32, m: 0.2, u: 0.999, related: {bits: -0.999, r: 0.5}}
        blocking: [last_name]";

const ROWS: &str = "
    1 | - | Ada  | Stone | 5550300
    2 | - | Bob  | Stone | 5550300
    3 | - | Cleo | Reed  | 5550400
    4 | - | Cleo | Reed  | 5550400
    5 | - | Dora | Lowe  | 5550500
    6 | - | Dora | Lowe  | -";

#[tokio::test]
async fn what_related_people_would_show_too_does_not_count() {
    let made = run(&model(WEIGHED), &crm(ROWS), PLAIN).await;
    // 1 and 2, of one household: -9.959 - 3.307 + 6.492 + 9.644 = 2.870, which would be a probability of 0.88. As
    // related people -7.959 + 6.492 + 8.966 = 7.499: 2^7.499 = 180.9, log2(181.9) = 7.507. That leaves -4.637.
    // 3 and 4: -9.959 + 6.492 + 6.492 + 9.644 = 12.669, less the same 7.507: 5.162, a probability of 0.973.
    // 5 and 6: -9.959 + 6.492 + 6.492 = 3.025; as related people -7.959 + 6.492 = -1.467, 2^-1.467 = 0.3617,
    // log2(1.3617) = 0.445: 2.580, a probability of 0.857.
    let columns = ["outcome", "left_record_id", "right_record_id", "weight", "comparison"];
    assert_eq!(
        made.lines("people_evidence", &columns),
        [
            "linked | 3 | 4 | 5.162 | before anything is compared: -9.959; first_name equal: +6.492; \
             last_name equal: +6.492; phone equal: +9.644; related ones look like this too: -7.507",
            "review | 5 | 6 | 2.580 | before anything is compared: -9.959; first_name equal: +6.492; \
             last_name equal: +6.492; phone missing: +0.000; related ones look like this too: -0.445",
        ]
    );
    // Without the third class, the household waits for review and the others are one.
    let plain = WEIGHED.lines().filter(|line| !line.contains("rho:")).map(|line| match line.find(", related:") {
        Some(at) => format!("{}}}", &line[..at]),
        None => line.to_string(),
    });
    let plain = plain.collect::<Vec<_>>().join("\n");
    let made = run(&model(&plain), &crm(ROWS), PLAIN).await;
    assert_eq!(
        made.lines("people_evidence", &columns[..4]),
        ["linked | 3 | 4 | 12.669", "review | 1 | 2 | 2.870", "review | 5 | 6 | 3.025"]
    );
}

#[tokio::test]
async fn the_table_of_weights_holds_them_and_gives_them_back() {
    let made = run(&model(WEIGHED), &crm(ROWS), PLAIN).await;
    assert_eq!(
        made.lines("people_weights", &["position", "name", "finding", "weight", "related_weight", "share_of_related"])
            [..6],
        [
            "1 | any two records | - | -9.959 | -7.959 | 0.004",
            "2 | first_name | exact | 6.492 | 0.000 | 0.01",
            "3 | first_name | else | -3.307 | 0.000 | 0.99",
            "4 | last_name | exact | 6.492 | 6.492 | 0.9",
            "5 | last_name | else | -3.307 | -3.307 | 0.1",
            "6 | phone | exact | 9.644 | 8.966 | 0.5",
        ]
    );
    let kept = learnt(std::slice::from_ref(&made.tables["people_weights"])).unwrap();
    assert_eq!(kept.related, Some(Related { rho: 0.004, prior_bits: -7_959 }));
    assert_eq!(kept.fields[2].levels[1].related, Some(RelatedLevel { bits: -999, r: 0.5 }));
}

#[tokio::test]
async fn the_page_says_what_related_people_are() {
    let made = run(&model(WEIGHED), &crm(ROWS), PLAIN).await;
    let text = &made.exhibits[0].text[2];
    assert!(text.starts_with("One pair in 250 is of two that are related: not the same person, "), "{text}");
    assert!(text.contains("What tells them apart is each one's own: `first_name`."), "{text}");
    assert_eq!(
        made.shown(0)[4..6],
        ["`phone` | equal | +9.64 | 80.0 % | 0.10 % | 50.0 %", " | different | -2.32 | 20.0 % | 99.9 % | 50.0 %"]
    );
}
