//! Cases worked out by hand: values as people type them.

use super::*;

#[tokio::test]
async fn fields_of_known_kinds_are_compared_in_their_normal_form() {
    let model = "
entity: person
records:
  - {from: crm, id: id, fields: {email: mail, phone: tel, first_name: first, last_name: last, country: country}}
default_country: US
match:
  - email
  - [phone, last_name]
  - [first_name, last_name, country]
";
    let rows = "
        id | mail                          | tel              | first  | last    | country
        1  | Ada <Ada.Byron+x@GMail.com>   | -                | -      | -       | -
        2  | adabyron@googlemail.com       | -                | -      | -       | -
        3  | -                             | (415) 555-2671   | -      | Stone   | -
        4  | -                             | +1 415 555 2671  | -      | STÖNE   | -
        5  | -                             | 020 7946 0958    | Bob    | Reed    | GB
        6  | -                             | +44 20 7946 0958 | -      | Reed    | -
        7  | -                             | -                | Robert | reed    | gb";
    let made = run(model, &[("crm", table(rows))], PLAIN).await;
    assert_eq!(
        made.lines("people_crosswalk", &["record_id", "person_id", "linked_by"]),
        [
            "1 | <crm:1> | -",
            "2 | <crm:1> | email",
            "3 | <crm:3> | -",
            "4 | <crm:3> | phone + last_name",
            "5 | <crm:5> | -",
            "6 | <crm:5> | phone + last_name",
            "7 | <crm:5> | first_name + last_name + country",
        ]
    );
}

#[tokio::test]
async fn absurd_values_do_no_harm() {
    let model = "
entity: person
records:
  - {from: crm, id: id, fields: {email: mail, phone: tel, first_name: first, last_name: last}}
default_country: GB
match:
  - email
  - phone
  - {similar: {first_name: 0.9, last_name: 0.9}, within: email_domain}
  - probabilistic: {}
guards: {max_records_per_key: 200}
";
    let long = "x".repeat(10_000);
    let mut rows = String::from("id | mail | tel | first | last\n");
    for at in 0..300 {
        // One phone for everybody, an address with three @, names from right to left, marks without letters.
        let last = ["שרה", "\u{301}\u{302}", "O'Neill-Łukasz", "🙂🙂"][at % 4];
        rows.push_str(&format!("{at} | a{at}@b@c@example.com | 020 7946 0958 | {long}{at} | {last}\n"));
    }
    let made = run(model, &[("crm", table(&rows))], PLAIN).await;
    assert_eq!(made.tables["people_crosswalk"].num_rows(), 300);
    assert_eq!(made.fact("policy", "keys_too_common"), Some(1), "{:#?}", made.facts);
    made.assert_balanced();
}

/// São Paulo, 2018-11-04: 00:00 became 01:00, so the day began at 03:00 UTC.
#[tokio::test]
async fn a_date_without_a_midnight_begins_when_clocks_had_been_put_forward() {
    let yaml = "
entity: person
records:
  - {from: crm, id: id, created_at: CAST(day AS DATE), fields: {email: email}}
match: [email]
";
    let crm = table("id | email | day\n1 | a@acme.com | 2018-11-04");
    let settings = Settings { reporting_timezone: chrono_tz::America::Sao_Paulo, currency: "BRL".to_string() };
    let made = run_in(&settings, yaml, &[("crm", crm)], PLAIN, "2025-01-01", None).await.unwrap();
    assert_eq!(made.lines("people", &["first_seen_at"]), ["2018-11-04 03:00:00"]);
}

/// Weights of m and u by kind; what is compared is in the evidence, whatever it weighs.
const WEIGHED: &str = "
  - probabilistic:
      review: 0.001
      weights:
        version: 1
        lambda: 0.001
        prior_bits: -9.964
        fields:
          - {name: email, kind: email, term_frequency: false, levels: [{when: exact, bits: 13.214, m: 0.95, u: 0.0001}, {when: else, bits: -4.322, m: 0.05, u: 0.9999}]}
          - {name: phone, kind: phone, term_frequency: false, levels: [{when: exact, bits: 9.644, m: 0.8, u: 0.001}, {when: else, bits: -2.32, m: 0.2, u: 0.999}]}
          - {name: company, kind: company, term_frequency: false, levels: [{when: exact, bits: 6.492, m: 0.9, u: 0.01}, {when: else, bits: -3.307, m: 0.1, u: 0.99}]}
        blocking: [email, phone, company]
";

fn written(rules: &str) -> String {
    format!(
        "
entity: person
records:
  - {{from: crm, id: id, fields: {{email: mail, phone: tel, company: firm, country: country}}}}
default_country: GB
match:{rules}"
    )
}

#[tokio::test]
async fn what_rules_look_at_is_compared_as_keys_are() {
    let rows = "
        id | mail                        | tel              | firm             | country
        1  | Ada <Ada.Byron+x@GMail.com> | 020 7946 0958    | Acme Ltd         | -
        2  | adabyron@googlemail.com     | +44 20 7946 0958 | The ACME Limited | -
        3  | x@y@z                       | (415) 555-2671   | -                | US
        4  | x@y@z                       | +1 415 555 2671  | Reed & Co.       | -
        5  | nobody                      | 0000000          | -                | -
        6  | nobody                      | 0000000          | -                | -";
    let made = run(&written(WEIGHED), &[("crm", table(rows))], PLAIN).await;
    let evidence = made.lines("people_evidence", &["outcome", "left_record_id", "right_record_id", "comparison"]);
    // One mailbox, one number, one firm; then one number, and no addresses; what is neither links nobody.
    let prior = "before anything is compared: -9.964";
    assert_eq!(
        evidence,
        [
            format!("linked | 1 | 2 | {prior}; email equal: +13.214; phone equal: +9.644; company equal: +6.492"),
            format!("review | 3 | 4 | {prior}; email missing: +0.000; phone equal: +9.644; company missing: +0.000"),
        ]
    );
    // `x@y@z` and `nobody` twice each, and a row of zeroes twice.
    assert_eq!(made.fact("policy", "values_unreadable: email"), Some(4));
    assert_eq!(made.fact("policy", "values_unreadable: phone"), Some(2));
    assert_eq!(made.fact("policy", "values_unreadable: company"), None);
    // Values stay as they were.
    assert_eq!(
        made.lines("people", &["email", "phone", "n_records"])[0],
        "Ada <Ada.Byron+x@GMail.com> | 020 7946 0958 | 2"
    );
    let similar = written("\n  - {name: alike, similar: {phone: exact}, within: country}\n");
    let rows = "
        id | mail | tel              | firm | country
        1  | -    | 020 7946 0958    | -    | GB
        2  | -    | +44 20 7946 0958 | -    | gb
        3  | -    | 0000000          | -    | GB
        4  | -    | 0000000          | -    | GB";
    let made = run(&similar, &[("crm", table(rows))], PLAIN).await;
    assert_eq!(made.lines("people_evidence", &["rule", "left_record_id", "right_record_id"]), ["alike | 1 | 2"]);
}

#[tokio::test]
async fn names_of_which_only_the_start_counts_are_counted() {
    let (fits, longer) = ("a".repeat(1_000), "a".repeat(1_001));
    let rows = format!(
        "
        id | mail | tel | firm     | country
        1  | -    | -   | {fits}   | -
        2  | -    | -   | {longer} | -
        3  | -    | -   | {longer} | -"
    );
    let made = run(&written("\n  - company\n"), &[("crm", table(&rows))], PLAIN).await;
    assert_eq!(made.fact("policy", "values_cut: company"), Some(2));
    assert_eq!(made.fact("policy", "values_unreadable: company"), None);
    // No rule looks at it.
    let made = run(&written("\n  - email\n"), &[("crm", table(&rows))], PLAIN).await;
    assert_eq!(made.fact("policy", "values_cut: company"), None);
}

#[tokio::test]
async fn ignored_values_link_by_no_rule_however_they_are_written() {
    let ignored =
        "ignored_values: {phone: ['+44 20 7946 0000', '000-000'], email: n.o.b.o.d.y@gmail.com, company: Private}\n";
    let rows = "
        id | mail                  | tel              | firm        | country
        1  | nobody+x@gmail.com    | 020 7946 0000    | private     | GB
        2  | NoBody@googlemail.com | +44 20 7946-0000 | Private Ltd | GB
        3  | -                     | (000) 000        | -           | GB
        4  | -                     | 000000           | -           | GB";
    for rules in [
        "\n  - email\n  - phone\n  - company\n",
        "\n  - {similar: {phone: exact}, within: country}\n  - {similar: {email: exact}, within: country}\n  - {similar: {company: exact}, within: country}\n",
        WEIGHED,
    ] {
        let made = run(&(written(rules) + ignored), &[("crm", table(rows))], PLAIN).await;
        assert_eq!(made.tables["people_evidence"].num_rows(), 0, "{rules}");
        assert!([None, Some(0)].contains(&made.fact("policy", "values_unreadable: phone")), "{rules}");
        let without = run(&written(rules), &[("crm", table(rows))], PLAIN).await;
        assert_ne!(without.tables["people_evidence"].num_rows(), 0, "{rules}");
    }
}

#[tokio::test]
async fn a_phone_is_dialled_where_its_record_is_then_where_its_account_is() {
    let yaml = "
entity: person
records:
  - {from: crm, id: id, fields: {phone: tel, account_country: account, billing_country_code: billing, country: country}}
default_country: DE
match: [phone]
";
    // 06 698 12345 is a mobile phone in France and a line of Rome in Italy.
    let rows = "
        id | tel               | country | billing | account
        1  | 06 698 12345      | FR      | IT      | IT
        2  | +33 6 69 81 23 45 | -       | -       | -
        3  | 06 698 12345      | -       | IT      | FR
        4  | +39 06 698 12345  | -       | -       | -
        5  | 020 7946 0958     | -       | -       | United Kingdom
        6  | +44 20 7946 0958  | -       | -       | -
        7  | 030 901820        | -       | -       | -
        8  | +49 30 901820     | -       | -       | -";
    let made = run(yaml, &[("crm", table(rows))], PLAIN).await;
    assert_eq!(
        made.lines("people_evidence", &["left_record_id", "right_record_id"]),
        ["1 | 2", "3 | 4", "5 | 6", "7 | 8"]
    );
}

#[tokio::test]
async fn which_of_two_rows_of_a_record_counts_is_no_matter_of_their_order() {
    let yaml = "
entity: person
records:
  - {from: crm, id: id, merged_into: master, fields: {email: mail}}
match: [email]
";
    let rows = ["1 | a@acme.com | 2", "1 | a@acme.com | 3", "2 | b@acme.com | -", "3 | c@acme.com | -"];
    for order in [[0, 1, 2, 3], [1, 0, 2, 3], [3, 1, 2, 0]] {
        let rows = order.map(|at| rows[at]).join("\n");
        let made = run(yaml, &[("crm", table(&format!("id | mail | master\n{rows}")))], PLAIN).await;
        assert_eq!(
            made.lines("people_crosswalk", &["record_id", "person_id"]),
            ["1 | <crm:1>", "2 | <crm:1>", "3 | <crm:3>"],
            "{order:?}"
        );
    }
}

#[tokio::test]
async fn placeholders_link_nobody_unless_the_model_says_so() {
    let yaml = |settings: &str| {
        format!(
            "
entity: person
records:
  - {{from: crm, id: id, fields: {{email: mail, phone: tel, crm_id: ext, company: firm}}}}
default_country: US
match: [email, phone, crm_id, company]
{settings}"
        )
    };
    // 888 is an area code, so that ten times 8 is a number.
    let rows = "
        id | mail              | tel            | ext | firm
        1  | Test@test.com     | -              | -   | -
        2  | test@test.com     | -              | -   | -
        3  | noemail@acme.com  | -              | -   | -
        4  | NoEmail@acme.com  | -              | -   | -
        5  | -                 | (888) 888-8888 | -   | -
        6  | -                 | 8888888888     | -   | -
        7  | -                 | -              | -1  | -
        8  | -                 | -              | -1  | -
        9  | -                 | -              | -   | N/A
        10 | -                 | -              | -   | n/a
        11 | ann@noemail.com   | -              | 10  | -
        12 | ann@noemail.com   | -              | 11  | -";
    let crm = [("crm", table(rows))];
    let pairs = ["left_record_id", "right_record_id"];
    let made = run(&yaml(""), &crm, PLAIN).await;
    assert_eq!(made.lines("people_evidence", &pairs), ["11 | 12"]);
    // Record keys are in the order of their bytes, 10 before 9.
    let all = run(&yaml("ignore_placeholders: false"), &crm, PLAIN).await;
    assert_eq!(all.lines("people_evidence", &pairs), ["1 | 2", "10 | 9", "11 | 12", "3 | 4", "5 | 6", "7 | 8"]);
    let by_hand = run(&yaml("").replace("match: [email,", "match: [lower(email),"), &crm, PLAIN).await;
    assert_eq!(by_hand.lines("people_evidence", &pairs), ["1 | 2", "11 | 12", "3 | 4"]);
}
