//! Texts with a host in them → the domains by which leads and accounts find each other.

use std::collections::{BTreeMap, HashMap};

use datafusion::common::hash_utils::RandomState;

use crate::engine::text::{domain, email};

/// What is known of domains: aliases, and hosts that many companies share.
#[derive(Debug, Default)]
pub(super) struct Domains {
    aliases: HashMap<String, String, RandomState>,
    shared: Vec<String>,
    unusable: usize,
}

impl Domains {
    /// `aliases` are pairs of an alias and what it stands for, as they were typed.
    ///
    /// A pair of which one is no company's domain is of no use. An alias with several domains stands
    /// for the lowest, so that the order of the rows does not matter; the other pairs are of no use.
    pub(super) fn new<'a>(
        aliases: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>,
        shared: &[String],
    ) -> Self {
        let mut unusable = 0;
        let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (alias, domain) in aliases {
            let (Some(alias), Some(domain)) = (alias.and_then(of_company), domain.and_then(of_company)) else {
                unusable += 1;
                continue;
            };
            known.entry(alias).or_default().push(domain);
        }
        let aliases = known.into_iter().filter_map(|(alias, domains)| {
            let lowest = domains.iter().min()?.clone();
            unusable += domains.iter().filter(|domain| **domain != lowest).count();
            Some((alias, lowest))
        });
        let aliases = aliases.collect();
        Self { aliases, shared: shared.to_vec(), unusable }
    }

    /// How many pairs were of no use.
    pub(super) fn unusable(&self) -> usize {
        self.unusable
    }

    /// The domain that an account's is known by.
    pub(super) fn of_account(&self, text: &str) -> Option<String> {
        of_company(text).map(|host| self.meant(host))
    }

    /// The domain that an account's website is known by.
    pub(super) fn of_account_website(&self, text: &str) -> Option<String> {
        of_company(text).filter(|host| !self.is_shared(host)).map(|host| self.meant(host))
    }

    /// The domains under which a lead's account may be known, the nearest first: the address's own, then
    /// those above it down to the one that somebody registered. None for free mail.
    pub(super) fn of_address(&self, address: &str) -> Vec<String> {
        email::domain(address).map_or_else(Vec::new, |host| self.upwards(&host))
    }

    /// The same of a website.
    pub(super) fn of_website(&self, website: &str) -> Vec<String> {
        let host = domain::host(website).filter(|host| !self.is_shared(host));
        host.map_or_else(Vec::new, |host| self.upwards(&host))
    }

    fn upwards(&self, host: &str) -> Vec<String> {
        let Some(registered) = domain::company_key(host) else { return Vec::new() };
        let mut domains = Vec::new();
        let mut rest = Some(host);
        while let Some(part) = rest.filter(|part| part.len() >= registered.len()) {
            domains.push(self.meant(part.to_string()));
            rest = part.split_once('.').map(|(_, above)| above);
        }
        domains
    }

    /// What an alias stands for; any other domain for itself.
    fn meant(&self, host: String) -> String {
        self.aliases.get(&host).cloned().unwrap_or(host)
    }

    fn is_shared(&self, host: &str) -> bool {
        self.shared
            .iter()
            .any(|shared| host.strip_suffix(shared).is_some_and(|sub| sub.is_empty() || sub.ends_with('.')))
    }
}

/// The host in a text, where it stands for a company.
fn of_company(text: &str) -> Option<String> {
    let host = domain::host(text)?;
    domain::company_key(&host).is_some().then_some(host)
}
