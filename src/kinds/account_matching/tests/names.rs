//! Cases of names, worked out by hand: similar ones, shared ones, namesakes.

use super::*;

#[tokio::test]
async fn of_similar_names_the_most_similar_is_taken_within_country_and_state() {
    let yaml = "
leads: {from: leads, id: id, fields: {company: company, country: land, state: region}}
accounts: {from: accounts, id: id, fields: {name: name, country: land, state: region}}
tiers: [similar_name: 0.9]
prefer: [{highest: n_size}]
";
    let accounts = table(
        "id | name      | land | region | n_size
         a  | Marhta    | US   | CA     | 1
         b  | Marta     | US   | -      | 2
         c  | Marhta    | US   | NY     | 3
         d  | Martha    | DE   | -      | 9
         e  | Xartha    | US   | CA     | 9
         f  | Marhta    | US   | CA     | -",
    );
    let leads = table(
        "id | company | land | region
         1  | Martha  | US   | -
         2  | Martha  | US   | ca
         3  | Martha  | US   | TX
         4  | Martha  | DE   | NY
         5  | Martha  | FR   | -
         6  | Marhta  | US   | NY",
    );
    let made = run(yaml, &[("leads", leads), ("accounts", accounts)], PLAIN).await;
    // martha : marta = .9667 — five of six and five of five, (5/6 + 1 + 1)/3 = 17/18, four in front but one
    // letter: mart, so 17/18 + .4 · 1/18 = .966667. martha : marhta = .961111 (three in front).
    assert_eq!(
        made.matches(),
        [
            "1 | b | similar_name | 0.966667 | 4 | similarity | martha",
            "2 | b | similar_name | 0.966667 | 3 | similarity | martha",
            "3 | b | similar_name | 0.966667 | 1 | - | martha",
            "4 | d | similar_name | 1.000000 | 1 | - | martha",
            "5 | - | - | - | 0 | - | -",
            // Equal names are similar; marta : marhta is (1 + 5/6 + 1)/3 = 17/18, three in front: .961111.
            "6 | c | similar_name | 1.000000 | 2 | similarity | marhta",
        ]
    );
}

#[tokio::test]
async fn what_too_many_accounts_share_matches_none_of_them() {
    let yaml = "
leads: {from: leads, id: id, fields: {email: mail, company: company, country: land}}
accounts: {from: accounts, id: id, fields: {domain: site, name: name, country: land}}
max_accounts_per_key: 2
";
    let accounts = table(
        "id | site     | name | land
         a  | x.com    | Same | US
         b  | x.com    | Same | US
         c  | x.com    | Same | US
         d  | y.x.com  | Two  | US
         e  | z.com    | Two  | US",
    );
    let leads = table(
        "id | mail      | company | land
         1  | a@x.com   | Same    | US
         2  | a@x.com   | Two     | US
         3  | a@y.x.com | Same    | US
         4  | a@q.x.com | -       | -",
    );
    let made = run(yaml, &[("leads", leads), ("accounts", accounts)], PLAIN).await;
    assert_eq!(
        made.matches(),
        [
            "1 | - | - | - | 0 | - | -",
            "2 | d | name_and_country | 1.000000 | 2 | id | two",
            "3 | d | email_domain | 1.000000 | 1 | - | y.x.com",
            "4 | - | - | - | 0 | - | -",
        ]
    );
    assert_eq!(made.fact("policy", "keys_too_common: email_domain"), Some(1));
    assert_eq!(made.fact("policy", "keys_too_common: name_and_country"), Some(1));
    assert_eq!(made.fact("policy", "keys_too_common: similar_name"), None);
}

#[tokio::test]
async fn a_domain_of_its_own_keeps_a_namesake_away_where_that_is_asked_for() {
    let yaml = "
leads: {from: leads, id: id, fields: {email: mail, company: company, country: land}}
accounts: {from: accounts, id: id, fields: {domain: site, name: name, country: land}}
aliases: {from: aliases}
prefer: [is_customer]
";
    let accounts = table(
        "id | site      | name      | land | is_customer
         a  | delta.com | Delta Ltd | US   | true
         b  | -         | Delta Inc | US   | false
         c  | gmail.com | Deltas    | US   | false
         d  | zeta.com  | Zeta      | US   | false",
    );
    let leads = table(
        "id | mail          | company | land
         1  | a@delta.io    | Delta   | US
         2  | a@gmail.com   | Delta   | US
         3  | -             | Delta   | US
         4  | a@deltas.com  | Deltas  | US
         5  | a@xeta.com    | Zeta    | US
         6  | a@z.xeta.com  | Zetta   | US
         7  | a@zeta.eu     | Zetta   | US",
    );
    let aliases = table("alias | domain\n zeta.eu | zeta.de");
    let tables = [("leads", leads), ("accounts", accounts), ("aliases", aliases)];
    let found = |made: &Made| made.lines("lead_accounts", &["lead_id", "account_id", "tier", "candidates"]);
    let anyhow = run(yaml, &tables, PLAIN).await;
    assert_eq!(
        found(&anyhow),
        [
            "1 | a | name_and_country | 2",
            "2 | a | name_and_country | 2",
            "3 | a | name_and_country | 2",
            "4 | c | name_and_country | 1",
            "5 | d | name_and_country | 1",
            "6 | d | similar_name | 1",
            "7 | d | similar_name | 1",
        ]
    );
    let kept_apart = run(&format!("{yaml}names_across_domains: false\n"), &tables, PLAIN).await;
    assert_eq!(
        found(&kept_apart),
        [
            // Of the two namesakes, one is at a domain of its own.
            "1 | b | name_and_country | 1",
            // A free mailbox or none speaks neither for nor against.
            "2 | a | name_and_country | 2",
            "3 | a | name_and_country | 2",
            // Nor does free mail as the domain of an account.
            "4 | c | name_and_country | 1",
            "5 | - | - | 0",
            "6 | - | - | 0",
            "7 | - | - | 0",
        ]
    );
}

#[tokio::test]
async fn what_is_remembered_of_one_lead_is_not_taken_for_another() {
    let yaml = "
leads: {from: leads, id: id, fields: {email: mail, company: company, country: land}}
accounts: {from: accounts, id: id, fields: {domain: site, name: name, country: land}}
aliases: {from: aliases}
tiers: [similar_name]
names_across_domains: false
";
    // Both leads come to acme.com by an alias or as they are; only the first is at zeta.com as well.
    let accounts = table("id | site | name | land\n a | zeta.com | Zeta Labs | US");
    let leads = table(
        "id | mail            | company  | land
         1  | a@acme.com      | Zeta Lab | US
         2  | a@mail.zeta.com | Zeta Lab | US
         3  | a@acme.com      | Zeta Lab | US",
    );
    let aliases = table("alias | domain\n mail.zeta.com | acme.com");
    let tables = [("leads", leads), ("accounts", accounts), ("aliases", aliases)];
    let made = run(yaml, &tables, How { threads: 1, batch: 8192 }).await;
    // zeta lab : zeta labs is (1 + 8/9 + 1) / 3 = 26/27, four in front: .962963 + .4 / 27 = .977778.
    assert_eq!(
        made.matches(),
        [
            "1 | - | - | - | 0 | - | -",
            "2 | a | similar_name | 0.977778 | 1 | - | zeta lab",
            "3 | - | - | - | 0 | - | -",
        ]
    );
}
