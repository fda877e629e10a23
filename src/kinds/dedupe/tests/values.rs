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
