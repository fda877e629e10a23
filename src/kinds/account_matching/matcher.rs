//! One lead → its account: the first tier that finds any decides.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::hash_utils::RandomState;

use super::index::{Index, Sharing};
use super::names::{Bounds, Similar, Wanted};
use super::resolve::LeadText;
use super::review::WHOLE;
use super::tier::Tier;
use crate::engine::text::{company, name, phone};

/// How many searches for similar names are remembered before all are forgotten.
const REMEMBERED: usize = 1 << 16;

/// What is known of a lead, by [`LeadText`].
pub(super) type LeadTexts<'a> = [Option<&'a str>; LeadText::COUNT];

/// The account of a lead, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The account's rank.
    pub(super) account: u32,
    pub(super) tier: Tier,
    /// Likeness in millionths.
    pub(super) score: u32,
    /// How many accounts the tier found.
    pub(super) candidates: u32,
    /// What told the account from the next best.
    pub(super) decided: Option<Decided>,
    /// The lead's value that was compared, as it was compared.
    pub(super) on: String,
}

/// What told one account from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decided {
    /// Its name is the most similar.
    Similarity,
    /// A preference, by number.
    Preference(usize),
    /// Its id is the lowest.
    Id,
}

/// How accounts are looked for.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) tiers: Arc<[Tier]>,
    pub(super) bounds: Bounds,
    /// Whether names count for accounts at other domains than the lead's.
    pub(super) names_across_domains: bool,
}

/// Looks for the accounts of leads, one after another.
#[derive(Debug)]
pub(super) struct Matcher {
    rules: Rules,
    index: Arc<Index>,
    /// Searches for similar names by name, country, state and domain. Colleagues share them; what is kept
    /// here could be found again.
    searched: HashMap<Search, Option<Similar>, RandomState>,
    /// The bytes of their texts.
    searched_bytes: usize,
}

/// Name, country, state, domains.
type Search = [String; 4];

impl Matcher {
    pub(super) fn new(rules: Rules, index: Arc<Index>) -> Self {
        Self { rules, index, searched: HashMap::default(), searched_bytes: 0 }
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// The account of a lead.
    pub(super) fn find(&mut self, lead: &LeadTexts<'_>) -> Option<Found> {
        let tiers = Arc::clone(&self.rules.tiers);
        tiers.iter().find_map(|tier| match *tier {
            Tier::AccountId => self.by_id(text(lead, LeadText::AccountId)?),
            Tier::EmailDomain => self.by_domain(*tier, self.index.domains.of_address(text(lead, LeadText::Email)?)),
            Tier::WebsiteDomain => self.by_domain(*tier, self.index.domains.of_website(text(lead, LeadText::Website)?)),
            Tier::NameAndCountry => self.by_name(lead),
            Tier::SimilarName => self.by_similar_name(lead),
        })
    }

    fn by_id(&self, id: &str) -> Option<Found> {
        let account = self.index.by_id(id)?;
        let (tier, on) = (Tier::AccountId, id.to_string());
        Some(Found { account, tier, score: WHOLE, candidates: 1, decided: None, on })
    }

    /// The accounts at the nearest of the domains that has any, and not too many.
    fn by_domain(&self, tier: Tier, domains: Vec<String>) -> Option<Found> {
        domains.into_iter().find_map(|domain| {
            let sharing = self.index.at_domain(tier, &domain)?;
            self.shared(tier, sharing, domain)
        })
    }

    fn by_name(&self, lead: &LeadTexts<'_>) -> Option<Found> {
        let (key, country) = named(lead)?;
        let domains = self.domains(lead);
        let wanted = Wanted { key: &key, country: &country, state: None, domains: &domains };
        let sharing = self.index.names.equal(wanted, self.rules.bounds)?;
        self.shared(Tier::NameAndCountry, sharing, key)
    }

    /// The domains that accounts found by name must be at, where theirs is known; any where there are none.
    fn domains(&self, lead: &LeadTexts<'_>) -> Vec<String> {
        let address = text(lead, LeadText::Email).filter(|_| !self.rules.names_across_domains);
        address.map_or_else(Vec::new, |address| self.index.domains.of_address(address))
    }

    /// The best of the accounts that share a key, unless they are too many.
    fn shared(&self, tier: Tier, sharing: Sharing, on: String) -> Option<Found> {
        let Sharing { best, next, count } = sharing;
        let decided = next.map(|next| self.between(best, next));
        (count <= self.rules.bounds.most_accounts).then_some(Found {
            account: best,
            tier,
            score: WHOLE,
            candidates: count,
            decided,
            on,
        })
    }

    fn by_similar_name(&mut self, lead: &LeadTexts<'_>) -> Option<Found> {
        let (key, country) = named(lead)?;
        let state = text(lead, LeadText::State).and_then(name::letters);
        let domains = self.domains(lead);
        // All that the answer depends on: two leads at one domain may have come there by different hosts.
        let search = [key, country, state.clone().unwrap_or_default(), domains.join(" ")];
        let similar = match self.searched.get(&search) {
            Some(known) => *known,
            None => {
                let [key, country, ..] = &search;
                let wanted = Wanted { key, country, state: state.as_deref(), domains: &domains };
                let similar = self.index.names.similar(wanted, self.rules.bounds);
                if self.searched.len() >= REMEMBERED {
                    self.searched.clear();
                    self.searched_bytes = 0;
                }
                self.searched_bytes += search.iter().map(String::len).sum::<usize>();
                self.searched.insert(search.clone(), similar);
                similar
            }
        };
        let Similar { similarity, best, next, candidates } = similar?;
        let decided = match next {
            Some(next) => Some(self.between(best, next)),
            None => (candidates > 1).then_some(Decided::Similarity),
        };
        let [on, ..] = search;
        Some(Found { account: best, tier: Tier::SimilarName, score: similarity, candidates, decided, on })
    }

    fn between(&self, best: u32, next: u32) -> Decided {
        self.index.decided_by(best, next).map_or(Decided::Id, Decided::Preference)
    }

    /// Bytes held beside the index.
    pub(super) fn held_bytes(&self) -> usize {
        self.searched.capacity() * size_of::<(Search, Option<Similar>)>() + self.searched_bytes
    }
}

fn text<'a>(lead: &LeadTexts<'a>, text: LeadText) -> Option<&'a str> {
    lead.get(text as usize).copied().flatten().map(str::trim).filter(|text| !text.is_empty())
}

/// The lead's company name and country, as keys.
fn named(lead: &LeadTexts<'_>) -> Option<(String, String)> {
    let key = company::key(text(lead, LeadText::Company)?)?;
    Some((key, phone::country_key(text(lead, LeadText::Country)?)?))
}
