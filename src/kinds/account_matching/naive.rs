//! The obvious slow way: every lead against every account, tier by tier.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::tier::Tier;
use crate::engine::text::{company, domain, email, name, phone, similar};

pub type Text = Option<String>;

/// A row of leads: account id, e-mail, website, company, country, state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    pub id: Text,
    pub texts: [Text; 6],
}

/// A row of accounts: domain, website, name, country, state; preferences as numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: Text,
    pub prefer: Vec<Option<i64>>,
    pub texts: [Text; 5],
}

#[derive(Debug, Clone)]
pub struct Setup {
    pub tiers: Vec<Tier>,
    /// In millionths.
    pub least: u64,
    pub most_accounts: usize,
    pub most_names: usize,
    pub aliases: Vec<(Text, Text)>,
    pub crosswalk: Vec<(Text, Text)>,
    pub shared: Vec<String>,
    pub across_domains: bool,
    /// By preference, what it is called and whether greater values go first.
    pub prefer: Vec<(String, bool)>,
}

/// Lead, account, tier, score in millionths, candidates, decided by, matched on.
pub type Answer = (String, Text, Text, Option<u64>, usize, Text, Text);

/// One answer for each lead id, in order of ids.
pub fn answers(leads: &[Lead], accounts: &[Account], setup: &Setup) -> Vec<Answer> {
    let accounts = accounts_once(accounts, setup);
    let ids: BTreeSet<&String> = leads.iter().filter_map(|lead| lead.id.as_ref()).collect();
    ids.into_iter()
        .map(|id| {
            let rows = leads.iter().filter(|lead| lead.id.as_ref() == Some(id));
            let lead = rows.min_by(|a, b| missing_last(&a.texts, &b.texts)).unwrap();
            let found = setup.tiers.iter().find_map(|tier| found(lead, &accounts, *tier, setup));
            let Some((tier, best, score, candidates, decided, on)) = found else {
                return (id.clone(), None, None, None, 0, None, None);
            };
            (id.clone(), best, Some(tier.word().to_string()), Some(score), candidates, decided, Some(on))
        })
        .collect()
}

fn missing_last(left: &[Text], right: &[Text]) -> Ordering {
    let keys = |texts: &[Text]| texts.iter().map(|text| (text.is_none(), text.clone())).collect::<Vec<_>>();
    keys(left).cmp(&keys(right))
}

/// By preference, id, and whatever is left.
fn order(a: &Account, b: &Account, setup: &Setup) -> Ordering {
    preference(a, b, setup)
        .map_or(Ordering::Equal, |(_, order)| order)
        .then_with(|| a.id.cmp(&b.id))
        .then_with(|| missing_last(&a.texts, &b.texts))
}

/// The first preference that tells two accounts apart, and which goes first.
fn preference(a: &Account, b: &Account, setup: &Setup) -> Option<(String, Ordering)> {
    for (at, (title, descending)) in setup.prefer.iter().enumerate() {
        let key = |account: &Account| match account.prefer[at] {
            None => (1, 0),
            Some(value) => (0, if *descending { -value } else { value }),
        };
        if key(a) != key(b) {
            return Some((title.clone(), key(a).cmp(&key(b))));
        }
    }
    None
}

fn accounts_once(accounts: &[Account], setup: &Setup) -> Vec<Account> {
    let mut sorted: Vec<Account> = accounts.iter().filter(|account| account.id.is_some()).cloned().collect();
    sorted.sort_by(|a, b| order(a, b, setup));
    let mut once: Vec<Account> = Vec::new();
    for account in sorted {
        if !once.iter().any(|known| known.id == account.id) {
            once.push(account);
        }
    }
    once
}

type Match = (Tier, Text, u64, usize, Text, String);

fn found(lead: &Lead, accounts: &[Account], tier: Tier, setup: &Setup) -> Option<Match> {
    let text = |at: usize| lead.texts[at].as_deref().map(str::trim).filter(|text| !text.is_empty());
    let exact = |fits: &dyn Fn(&Account) -> bool, on: String| {
        let all: Vec<(u64, &Account)> = accounts.iter().filter(|a| fits(a)).map(|a| (1_000_000, a)).collect();
        (all.len() <= setup.most_accounts).then(|| choose(tier, all, on, setup)).flatten()
    };
    match tier {
        Tier::AccountId => {
            let written = text(0)?.to_string();
            let ids = setup.crosswalk.iter().filter(|(record, id)| record.as_ref() == Some(&written) && id.is_some());
            let id = ids.map(|(_, id)| id.clone().unwrap()).min().unwrap_or(written.clone());
            exact(&|account| account.id.as_ref() == Some(&id), written)
        }
        Tier::EmailDomain => chain(&email::domain(text(1)?)?).into_iter().find_map(|host| {
            let host = meant(&host, setup);
            exact(&|account| account_host(account.texts[0].as_deref(), setup) == Some(host.clone()), host.clone())
        }),
        Tier::WebsiteDomain => {
            let own = domain::host(text(2)?)?;
            let hosts = if shared(&own, setup) { Vec::new() } else { chain(&own) };
            hosts.into_iter().find_map(|host| {
                let host = meant(&host, setup);
                let website = |account: &Account| {
                    let text = account.texts[1].as_deref();
                    account_host(text, setup).filter(|_| !shared(&domain::host(text.unwrap()).unwrap(), setup))
                };
                exact(&|account| website(account) == Some(host.clone()), host.clone())
            })
        }
        Tier::NameAndCountry => {
            let key = (company::key(text(3)?)?, phone::country_key(text(4)?)?);
            let namesakes = accounts.iter().filter(|account| named(account) == Some(key.clone())).count();
            let fits = |account: &Account| named(account) == Some(key.clone()) && domains_fit(text(1), account, setup);
            if namesakes > setup.most_accounts { None } else { exact(&fits, key.0.clone()) }
        }
        Tier::SimilarName => {
            let key = (company::key(text(3)?)?, phone::country_key(text(4)?)?);
            let state = text(5).and_then(name::letters);
            let here: Vec<&Account> =
                accounts.iter().filter(|account| named(account).is_some_and(|(_, country)| country == key.1)).collect();
            let all = block(&key.0, &here, setup)?.into_iter().filter_map(|account| {
                let other = named(account)?.0;
                let namesakes = here.iter().filter(|account| named(account).unwrap().0 == other).count();
                let theirs = account.texts[4].as_deref().and_then(name::letters);
                let apart = state.is_some() && theirs.is_some() && state != theirs;
                let similarity = written(similar::jaro_winkler(&key.0, &other));
                let fits = !apart && domains_fit(text(1), account, setup);
                (namesakes <= setup.most_accounts && fits && similarity >= setup.least).then_some((similarity, account))
            });
            let all = all.collect();
            choose(tier, all, key.0, setup)
        }
    }
}

/// Whether nothing is known against a lead at this address belonging to the account.
fn domains_fit(address: Option<&str>, account: &Account, setup: &Setup) -> bool {
    let own = address.and_then(email::domain).map(|host| chain(&host)).unwrap_or_default();
    let theirs = account_host(account.texts[0].as_deref(), setup);
    setup.across_domains
        || own.is_empty()
        || theirs.is_none_or(|theirs| own.iter().any(|host| meant(host, setup) == theirs))
}

/// Millionths, by way of the decimal text.
fn written(similarity: f64) -> u64 {
    format!("{similarity:.6}").replace('.', "").parse().unwrap()
}

/// The accounts whose names begin as far like `key` as it takes.
fn block<'a>(key: &str, accounts: &[&'a Account], setup: &Setup) -> Option<Vec<&'a Account>> {
    (1..=key.chars().count()).find_map(|length| {
        let beginning: String = key.chars().take(length).collect();
        let alike: Vec<&Account> =
            accounts.iter().copied().filter(|account| named(account).unwrap().0.starts_with(&beginning)).collect();
        let names: BTreeSet<String> = alike.iter().map(|account| named(account).unwrap().0).collect();
        (names.len() <= setup.most_names).then_some(alike)
    })
}

fn choose(tier: Tier, all: Vec<(u64, &Account)>, on: String, setup: &Setup) -> Option<Match> {
    let mut all = all;
    all.sort_by(|(a, left), (b, right)| b.cmp(a).then_with(|| order(left, right, setup)));
    let (score, best) = *all.first()?;
    let decided = all.get(1).map(|(next_score, next)| match preference(best, next, setup) {
        _ if *next_score < score => "similarity".to_string(),
        Some((title, _)) => title,
        None => "id".to_string(),
    });
    Some((tier, best.id.clone(), score, all.len(), decided, on))
}

fn named(account: &Account) -> Option<(String, String)> {
    Some((company::key(account.texts[2].as_deref()?)?, phone::country_key(account.texts[3].as_deref()?)?))
}

/// The host and all above it down to the registered one; nothing for hosts of no company.
fn chain(host: &str) -> Vec<String> {
    let Some(registered) = domain::company_key(host) else { return Vec::new() };
    let labels: Vec<&str> = host.split('.').collect();
    let mut hosts: Vec<String> = (0..labels.len()).map(|at| labels[at..].join(".")).collect();
    hosts.retain(|part| part == &registered || part.ends_with(&format!(".{registered}")));
    hosts
}

fn account_host(text: Option<&str>, setup: &Setup) -> Option<String> {
    let host = domain::host(text?)?;
    domain::company_key(&host)?;
    Some(meant(&host, setup))
}

fn shared(host: &str, setup: &Setup) -> bool {
    setup.shared.iter().any(|shared| host == shared || host.ends_with(&format!(".{shared}")))
}

/// What an alias stands for.
fn meant(host: &str, setup: &Setup) -> String {
    let clean = |text: &Text| text.as_deref().and_then(domain::host).filter(|host| domain::company_key(host).is_some());
    let usable = setup.aliases.iter().filter_map(|(alias, domain)| Some((clean(alias)?, clean(domain)?)));
    usable.filter(|(alias, _)| alias == host).map(|(_, domain)| domain).min().unwrap_or(host.to_string())
}
