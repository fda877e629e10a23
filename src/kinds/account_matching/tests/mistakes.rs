//! What is found wrong before a row is read, and what a run's counts give to say.

use arrow::datatypes::{DataType, Field, Schema};

use super::*;
use crate::diag::{Diagnostic, Diagnostics};
use crate::kinds::FactRow;

fn found(yaml: &str) -> Vec<Diagnostic> {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let schema = Schema::new(vec![
        text("id"),
        text("mail"),
        text("name"),
        text("land"),
        Field::new("n", DataType::Int64, true),
        Field::new("x", DataType::Float64, true),
    ]);
    let tables = ["leads", "accounts", "aliases"].map(|name| (name, schema.clone()));
    let (spec, sources) = model(yaml);
    fixture::mistakes(&spec, "lead_accounts", &engine(PLAIN, sources), &tables)
}

fn messages(yaml: &str) -> Vec<String> {
    found(yaml).into_iter().map(|found| format!("{} {}", found.code, found.message)).collect()
}

const BOTH: &str = "
leads: {from: leads, id: id, fields: {email: mail, company: name, country: land}}
accounts: {from: accounts, id: id, fields: {domain: mail, name: name, country: land}}
";

#[test]
fn a_model_in_order_has_nothing_wrong() {
    assert_eq!(messages(BOTH), Vec::<String>::new());
    let all = "tiers: [email_domain, name_and_country, similar_name: 0.95]\nprefer: [n > 1, {highest: n}]\n";
    assert_eq!(messages(&format!("{BOTH}{all}")), Vec::<String>::new());
    assert_eq!(messages(&format!("{BOTH}tiers: [{{similar_name: 1}}]")), Vec::<String>::new());
}

#[test]
fn tiers_compare_what_is_declared_and_stand_there_once() {
    assert_eq!(
        messages(&format!("{BOTH}tiers: [website_domain, account_id, email_domain, email_domain]")),
        [
            "M0270 the tier `website_domain` compares `website` of the leads, which is not declared",
            "M0270 the tier `account_id` compares `account_id` of the leads, which is not declared",
            "M0271 the tier `email_domain` stands here twice",
        ]
    );
    let bare = "leads: {from: leads, id: id, fields: {email: mail}}\naccounts: {from: accounts, id: id}\n";
    assert_eq!(messages(bare), ["M0273 there is nothing to match leads with accounts by"]);
    assert_eq!(messages(&format!("{BOTH}tiers: []")), ["M0273 there is nothing to match leads with accounts by"]);
    assert_eq!(
        messages(&format!("{bare}tiers: [email_domain, similar_name]")),
        [
            "M0270 the tier `email_domain` compares `domain` or `website` of the accounts, which is not declared",
            "M0270 the tier `similar_name` compares `company` of the leads and `country` of the leads and `name` of the \
             accounts and `country` of the accounts, which is not declared",
        ]
    );
}

#[test]
fn a_similarity_is_a_number_from_seven_tenths_to_one() {
    for bad in ["0.69", "1.01", "0.9200001", "-1", "92%", "no"] {
        let found = messages(&format!("{BOTH}tiers: [{{similar_name: {bad}}}]"));
        assert_eq!(found, [format!("M0272 `{bad}` is not a similarity of names that can be asked for")]);
    }
}

#[test]
fn an_exact_tier_behind_the_similar_one_is_warned_of() {
    let tiers = "tiers: [similar_name, name_and_country]";
    let hidden = "M0274 `name_and_country` finds nothing after `similar_name`: equal names are similar";
    assert_eq!(messages(&format!("{BOTH}{tiers}")), [hidden]);
    // Names in different states are not similar, but may be equal.
    let by_state = BOTH.replace("country: land}", "country: land, state: mail}");
    assert_eq!(messages(&format!("{by_state}{tiers}")), Vec::<String>::new());
}

#[test]
fn expressions_have_the_type_that_is_wanted() {
    let yaml = "
leads: {from: leads, id: x, where: n, fields: {email: n, account_id: x}}
accounts: {from: accounts, id: id, fields: {domain: n}}
prefer: [n, {latest: mail}, {highest: x}, {lowest: mail}]
aliases: {from: aliases}
crosswalk: {from: aliases, record: x, id: nothing}
max_accounts_per_key: 0
max_names_compared: 0
shared_websites: [not a host]
";
    let found = messages(yaml);
    let count = |code: &str| found.iter().filter(|message| message.starts_with(code)).count();
    // Lead id, where, email, account id, domain, and one for the record; preferences are not typed over accounts that are wrong.
    assert_eq!((count("M0059"), count("M0051"), count("M0005")), (6, 3, 3), "{found:#?}");
    let preferences = messages(&format!("{BOTH}prefer: [n, {{latest: mail}}, {{highest: x}}, {{lowest: mail}}]"));
    assert_eq!(
        preferences,
        [
            "M0059 `n` is of type bigint, and a condition is wanted here",
            "M0059 `mail` is of type text, and a timestamp or a date is wanted here",
            "M0059 `x` is of type double, and a whole number or a decimal is wanted here",
            "M0059 `mail` is of type text, and a whole number or a decimal is wanted here",
        ]
    );
}

#[test]
fn words_that_are_none_are_told_with_those_that_are() {
    for (yaml, wanted) in [
        ("tiers: [e_mail]", "`e_mail` is not a tier"),
        ("tiers: [{email_domain: 1}]", "email_domain"),
        ("prefer: [{latest: n, earliest: n}]", "a preference has exactly one of"),
        ("prefer: [{name: x}]", "a preference has exactly one of"),
    ] {
        let text = format!("{BOTH}{yaml}\n");
        let mut diags = Diagnostics::default();
        let read = crate::syntax::read::<AccountMatching>(0, &text, &mut diags);
        let found = diags.into_sorted();
        assert!(read.is_none() && found.iter().any(|found| found.message.contains(wanted)), "{yaml}: {found:#?}");
    }
}

#[test]
fn counts_that_stand_out_are_told() {
    let (spec, _) = model(&format!("{BOTH}tiers: [email_domain, similar_name]\naliases: {{from: aliases}}\n"));
    let row = |fact: &str, item: &str, rows: i64| FactRow { fact: fact.to_string(), item: item.to_string(), rows };
    let told = |facts: &[FactRow]| -> Vec<String> {
        let mut diags = Diagnostics::default();
        spec.review(facts, &mut diags);
        diags.into_sorted().into_iter().map(|found| format!("{} {}", found.code, found.message)).collect()
    };
    let usual = [
        row("rows_out", "leads", 9),
        row("rows_out", "accounts", 9),
        row("rule", "email_domain", 4),
        row("rule", "similar_name", 1),
        row("policy", "keys_too_common: email_domain", 0),
        row("policy", "aliases_not_used", 0),
    ];
    assert_eq!(told(&usual), Vec::<String>::new());
    assert_eq!(told(&[]), Vec::<String>::new());
    let [leads, accounts, by_mail, ..] = usual;
    let odd = [
        leads,
        accounts,
        by_mail,
        row("policy", "keys_too_common: email_domain", 2),
        row("policy", "aliases_not_used", 3),
    ];
    let mut found = told(&odd);
    found.sort();
    assert_eq!(
        found,
        [
            "M0275 2 values that the tier `email_domain` compares stand at more than 1000 accounts each, and match none",
            "M0276 the tier `similar_name` found no account in this run",
            "M0277 3 aliases are not used: one of the two is no domain of a company, or the alias leads to another domain already",
        ]
    );
}
