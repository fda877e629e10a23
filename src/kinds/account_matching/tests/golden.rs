//! Cases worked out by hand.

use super::*;

const ACCOUNTS: &str = "
id | site                 | name           | land          | region | is_customer | n_size | seen_at    | made_at
a1 | www.acme.com         | Acme, Inc.     | US            | CA     | false       | 10     | 2024-01-01 | 2020-01-01
a2 | https://emea.acme.com/de | ACME EMEA GmbH | DE        | -      | true        | 20     | 2024-02-01 | 2021-01-01
a3 | acme.com             | Acme West LLC  | USA           | CA     | true        | -      | -          | 2022-01-01
b1 | beta.co.uk           | Beta Ltd       | GB            | -      | false       | 5      | 2024-03-01 | 2020-05-05
b2 | beta.co.uk           | Betas plc      | GB            | -      | false       | 5      | 2024-03-01 | 2020-05-05
f1 | facebook.com/cosmos  | Cosmos SA      | FR            | -      | false       | 1      | -          | 2020-01-01
g1 | gmail.com            | Gamma Oy       | Finland       | -      | false       | 1      | -          | 2020-01-01
n1 | -                    | Northwind      | United States | WA     | false       | 1      | -          | 2020-01-01
n2 | -                    | Northwind Co   | us            | OR     | false       | 1      | -          | 2019-01-01
";

const MODEL: &str = "
leads:
  from: leads
  id: id
  fields: {account_id: account, email: mail, website: site, company: company, country: land, state: region}
accounts:
  from: accounts
  id: id
  fields: {website: site, name: name, country: land, state: region}
prefer: [{name: customer, when: is_customer}, {latest: seen_at}, {earliest: made_at}]
";

async fn found(yaml: &str, leads: &str) -> Vec<String> {
    let header = "id | account | mail | site | company | land | region\n";
    let leads = table(&format!("{header}{leads}"));
    run(yaml, &[("leads", leads), ("accounts", table(ACCOUNTS))], PLAIN).await.matches()
}

#[tokio::test]
async fn the_first_tier_that_finds_an_account_decides() {
    let leads = "
        1 | b1 | ann@acme.com   | beta.co.uk | Northwind | US | -
        2 | x9 | ann@acme.com   | beta.co.uk | Northwind | US | -
        3 | -  | ann@gmail.com  | beta.co.uk | Northwind | US | -
        4 | -  | -              | -          | NORTHWIND Inc. | usa | -
        5 | -  | -              | -          | Norhtwind | US | -
        6 | -  | -              | -          | Northwind | DE | -
        7 | -  | -              | -          | -         | -  | -
    ";
    assert_eq!(
        found(MODEL, leads).await,
        [
            "1 | b1 | account_id | 1.000000 | 1 | - | b1",
            // An id that nobody has is passed over. Of a1 and a3, a3 is a customer.
            "2 | a3 | email_domain | 1.000000 | 2 | customer | acme.com",
            // b1 and b2 are alike in every preference.
            "3 | b1 | website_domain | 1.000000 | 2 | id | beta.co.uk",
            // Neither n1 nor n2 was seen; n2 is older.
            "4 | n2 | name_and_country | 1.000000 | 2 | earliest made_at | northwind",
            // `norhtwind` and `northwind` have all nine letters in common, two of them swapped: Jaro
            // (1 + 1 + 8/9) / 3 = 26/27, and three letters in front: 26/27 + .3 · 1/27 = .974074.
            "5 | n2 | similar_name | 0.974074 | 2 | earliest made_at | norhtwind",
            "6 | - | - | - | 0 | - | -",
            "7 | - | - | - | 0 | - | -",
        ]
    );
}

#[tokio::test]
async fn a_subdomain_belongs_to_the_nearest_account_above_it() {
    let leads = "
        1 | - | ann@emea.acme.com    | - | - | - | -
        2 | - | ann@uk.emea.acme.com | - | - | - | -
        3 | - | ann@us.acme.com      | - | - | - | -
        4 | - | ann@co.uk            | - | - | - | -
        5 | - | ann@mail.beta.co.uk  | - | - | - | -
        6 | - | ann@notacme.com      | - | - | - | -
        7 | - | Ann <ANN@Acme.COM>   | - | - | - | -
    ";
    let made = found(MODEL, leads).await;
    let accounts: Vec<&str> = made.iter().map(|line| line.split(" | ").nth(1).unwrap()).collect();
    assert_eq!(accounts, ["a2", "a2", "a3", "-", "b1", "-", "a3"]);
}

#[tokio::test]
async fn free_mail_and_shared_pages_find_nothing() {
    let leads = "
        1 | - | ann@gmail.com        | -                       | - | - | -
        2 | - | ann@googlemail.com   | gmail.com               | - | - | -
        3 | - | -                    | facebook.com/cosmos     | - | - | -
        4 | - | -                    | https://de.facebook.com | - | - | -
        5 | - | ann@facebook.com     | -                       | - | - | -
    ";
    let made = found(MODEL, leads).await;
    assert!(made.iter().all(|line| line.ends_with("- | - | - | 0 | - | -")), "{made:#?}");
    let own = found(&format!("{MODEL}shared_websites: linkedin.com\n"), leads).await;
    assert_eq!(own[2], "3 | f1 | website_domain | 1.000000 | 1 | - | facebook.com");
    assert_eq!(own[3], "4 | f1 | website_domain | 1.000000 | 1 | - | facebook.com");
    assert_eq!(own[4], "5 | f1 | email_domain | 1.000000 | 1 | - | facebook.com");
    // Where the domain is declared, it is one: whoever writes from there works there.
    let declared = found(&MODEL.replace("{website: site,", "{domain: site,"), leads).await;
    assert_eq!(declared[4], "5 | f1 | email_domain | 1.000000 | 1 | - | facebook.com");
    assert!(declared[2].ends_with("| 0 | - | -"), "{declared:#?}");
}

#[tokio::test]
async fn aliases_stand_for_domains_on_both_sides() {
    let yaml = format!("{MODEL}aliases: {{from: aliases}}\ntiers: [email_domain]\n");
    let leads = table(
        "id | account | mail | site | company | land | region
         1 | - | ann@acme.io       | - | - | - | -
         2 | - | ann@de.acme.io    | - | - | - | -
         3 | - | ann@beta.com      | - | - | - | -
         4 | - | ann@beta.co.uk    | - | - | - | -
         5 | - | ann@twice.com     | - | - | - | -
         6 | - | ann@chain.com     | - | - | - | -",
    );
    // beta.co.uk is an alias of the account's own domain: both come to beta.com. `twice.com` leads to the
    // lowest of its two domains, `chain.com` one step far, to where nobody is.
    let aliases = table(
        "alias | domain
         Acme.IO | www.acme.com
         beta.co.uk | beta.com
         twice.com | zzz.com
         twice.com | acme.com
         chain.com | acme.io
         gmail.com | acme.com
         nonsense | acme.com
         - | acme.com",
    );
    let tables = [("leads", leads), ("accounts", table(ACCOUNTS)), ("aliases", aliases)];
    let made = run(&yaml, &tables, PLAIN).await;
    let found = made.lines("lead_accounts", &["lead_id", "account_id", "matched_on"]);
    assert_eq!(
        found,
        [
            "1 | a3 | acme.com",
            "2 | a3 | acme.com",
            "3 | b1 | beta.com",
            "4 | b1 | beta.com",
            "5 | a3 | acme.com",
            "6 | - | -"
        ]
    );
    // Free mail, no domain, no alias, and one of the two that `twice.com` has.
    assert_eq!(made.fact("policy", "aliases_not_used"), Some(4));
}

#[tokio::test]
async fn a_record_leads_to_its_account_through_the_crosswalk() {
    let yaml = format!("{MODEL}crosswalk: {{from: walk, record: record, id: account}}\ntiers: [account_id]\n");
    let leads = table(
        "id | account | mail | site | company | land | region
         1 | sf7 | - | - | - | - | -
         2 | sf8 | - | - | - | - | -
         3 | b1  | - | - | - | - | -
         4 | sf9 | - | - | - | - | -
         5 | a1  | - | - | - | - | -",
    );
    let walk = table("record | account\n sf7 | a1\n sf8 | b2\n sf8 | a2\n sf9 | gone\n a1 | b1\n - | a1\n sf1 | -");
    let made = run(&yaml, &[("leads", leads), ("accounts", table(ACCOUNTS)), ("walk", walk)], PLAIN).await;
    assert_eq!(
        made.lines("lead_accounts", &["lead_id", "account_id", "matched_on"]),
        ["1 | a1 | sf7", "2 | a2 | sf8", "3 | b1 | b1", "4 | - | -", "5 | b1 | a1"]
    );
}

#[tokio::test]
async fn rows_without_an_id_and_repeated_ones_are_rejected() {
    let yaml = "
leads: {from: leads, id: n_id, where: not is_test, fields: {email: mail}}
accounts: {from: accounts, id: n_id, fields: {domain: site}}
prefer: [is_customer]
";
    let accounts = table(
        "n_id | site  | is_customer
         10   | x.com | false
         10   | y.com | true
         10   | z.com | -
         -    | x.com | true
         9    | y.com | -",
    );
    let leads = table(
        "n_id | mail    | is_test
         1    | b@x.com | false
         1    | -       | false
         1    | a@y.com | false
         2    | a@x.com | false
         3    | a@y.com | true
         -    | a@y.com | false
         -    | a@y.com | false",
    );
    let made = run(yaml, &[("leads", leads), ("accounts", accounts)], PLAIN).await;
    // Account 10 is the row of the customer, so nobody is at x.com. Of lead 1, `a@y.com` comes first.
    assert_eq!(
        made.lines("lead_accounts", &["lead_id", "account_id", "candidates", "decided_by"]),
        ["1 | 10 | 2 | is_customer", "2 | - | 0 | -"]
    );
    assert_eq!(
        made.lines("lead_accounts_rejects", &["source_table", "source_key", "reason"]),
        [
            "accounts | - | null_account_id",
            "accounts | 10 | duplicate_account_id",
            "accounts | 10 | duplicate_account_id",
            "leads | - | null_lead_id",
            "leads | - | null_lead_id",
            "leads | 1 | duplicate_lead_id",
            "leads | 1 | duplicate_lead_id",
        ]
    );
    let facts: Vec<String> = made.facts.iter().map(|row| format!("{} {} {}", row.fact, row.item, row.rows)).collect();
    assert_eq!(
        facts,
        [
            "policy keys_too_common: email_domain 0",
            "rows_in accounts 5",
            "rows_in leads 6",
            "rows_out accounts 2",
            "rows_out leads 2",
            "rows_rejected duplicate_account_id 2",
            "rows_rejected duplicate_lead_id 2",
            "rows_rejected null_account_id 1",
            "rows_rejected null_lead_id 2",
            "rule email_domain 1",
        ]
    );
}

#[tokio::test]
async fn preferences_are_asked_in_order_and_what_is_missing_goes_last() {
    let yaml = "
leads: {from: leads, id: id, fields: {email: mail}}
accounts: {from: accounts, id: id, fields: {domain: site}}
prefer: [{lowest: n_size}, {highest: n_rank}, {earliest: made_at}, {name: last seen, latest: seen_at}]
";
    let accounts = table(
        "id | site  | n_size | n_rank | made_at    | seen_at
         a  | 1.com | -      | 9      | 2020-01-01 | 2024-01-01
         b  | 1.com | 7      | 1      | 2020-01-01 | 2024-01-01
         c  | 2.com | 7      | -      | 2020-01-01 | -
         d  | 2.com | 7      | 1      | -          | -
         e  | 3.com | 7      | 1      | -          | -
         f  | 3.com | 7      | 1      | 2024-01-01 | -
         g  | 4.com | 7      | 1      | -          | 2024-01-01
         h  | 4.com | 7      | 1      | -          | 2024-01-02
         j  | 5.com | -      | -      | -          | -
         i  | 5.com | -      | -      | -          | -",
    );
    let leads = table("id | mail\n 1 | a@1.com\n 2 | a@2.com\n 3 | a@3.com\n 4 | a@4.com\n 5 | a@5.com");
    let made = run(yaml, &[("leads", leads), ("accounts", accounts)], PLAIN).await;
    assert_eq!(
        made.lines("lead_accounts", &["lead_id", "account_id", "decided_by"]),
        [
            "1 | b | lowest n_size",
            "2 | d | highest n_rank",
            "3 | f | earliest made_at",
            "4 | h | last seen",
            "5 | i | id"
        ]
    );
}

#[tokio::test]
async fn the_summary_has_every_tier_and_the_leads_without_an_account() {
    let header = "id | account | mail | site | company | land | region\n";
    let leads = "
        1 | b1 | -            | - | -         | -  | -
        2 | -  | ann@acme.com | - | -         | -  | -
        3 | -  | -            | - | Norhtwind | US | -
        4 | -  | -            | - | Cosmos    | FR | -
        5 | -  | -            | - | Cosmic    | US | -
    ";
    let leads = table(&format!("{header}{leads}"));
    let made = run(MODEL, &[("leads", leads), ("accounts", table(ACCOUNTS))], PLAIN).await;
    let columns = ["position", "tier", "leads", "leads_share", "ambiguous", "mean_score"];
    assert_eq!(
        made.lines("lead_accounts_summary", &columns),
        [
            "1 | account_id | 1 | 0.2 | 0 | 1.000000",
            "2 | email_domain | 1 | 0.2 | 1 | 1.000000",
            "3 | website_domain | 0 | 0.0 | 0 | -",
            "4 | name_and_country | 1 | 0.2 | 0 | 1.000000",
            "5 | similar_name | 1 | 0.2 | 1 | 0.974074",
            "6 | (no match) | 1 | 0.2 | 0 | -",
        ]
    );
    let none = run(MODEL, &[("leads", table(header)), ("accounts", table(ACCOUNTS))], PLAIN).await;
    assert_eq!(none.lines("lead_accounts_summary", &columns)[5], "6 | (no match) | 0 | - | 0 | -");
    assert_eq!(none.fact("rows_out", "accounts"), Some(9));
}

#[tokio::test]
async fn odd_texts_find_nothing_and_stop_nothing() {
    let long = "x".repeat(10_000);
    let leads = format!(
        "
        1 | {long} | {long}@acme.com | {long} | {long} | {long} | {long}
        2 | '' | a@@acme.com | http:// | ... | ... | ...
        3 | 💥 | 💥@💥 | 💥.💥 | 💥 | 💥 | 💥
        4 | \u{202e}a1 | \u{0} | acme .com | רחל | ישראל | מ
        "
    );
    let made = found(MODEL, &leads).await;
    assert!(made.iter().all(|line| line.contains("| 0 | - | -")), "{made:#?}");
}

#[tokio::test]
async fn no_accounts_are_no_match() {
    let none = "id | site | name | land | region | is_customer | n_size | seen_at | made_at";
    let leads = table("id | account | mail | site | company | land | region\n 1 | a | a@x.com | x.com | X | US | -");
    let made = run(MODEL, &[("leads", leads), ("accounts", table(none))], PLAIN).await;
    assert_eq!(made.matches(), ["1 | - | - | - | 0 | - | -"]);
}
