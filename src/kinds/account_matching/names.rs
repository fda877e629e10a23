//! The accounts' names by country, and the search for names that are alike.
//!
//! A name is compared with those of its country that begin alike: with the same letter, and where more
//! names than the limit begin so, with the same two, and so on. Of these, most are passed over by a
//! bound: Jaro–Winkler similarity depends on how many characters two names have in common, and that
//! is known from how often each letter occurs.

use std::collections::{BTreeMap, HashMap};

use datafusion::common::hash_utils::RandomState;

use super::index::Sharing;
use super::review::WHOLE;
use crate::engine::text::similar::jaro_winkler;

/// Names of more characters are not searched for likeness, only for equality.
const LONGEST: usize = 200;

/// What similarities are rounded by, with room for how floats are rounded before.
const ROUNDING: f64 = 1e-6;

/// An account with its name, country, state and domain as keys.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) rank: u32,
    pub(super) name: String,
    pub(super) country: String,
    pub(super) state: Option<String>,
    pub(super) domain: Option<String>,
}

/// One account under a name.
#[derive(Debug, Clone, Copy)]
struct Entry {
    rank: u32,
    state: Number,
    domain: Number,
}

/// A state or a domain by number; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number(u32);

impl Number {
    const NONE: Self = Self(0);
    /// One that no account has.
    const OTHER: Self = Self(u32::MAX);

    fn may_be(self, other: Self) -> bool {
        self == Self::NONE || other == Self::NONE || self == other
    }
}

/// Texts with the numbers that stand for them.
#[derive(Debug, Default)]
struct Numbers(HashMap<String, u32, RandomState>);

impl Numbers {
    fn add(&mut self, text: Option<String>) -> Number {
        let next = u32::try_from(self.0.len()).map_or(u32::MAX, |count| count + 1);
        text.map_or(Number::NONE, |text| Number(*self.0.entry(text).or_insert(next)))
    }

    fn of(&self, text: &str) -> Number {
        self.0.get(text).map_or(Number::OTHER, |number| Number(*number))
    }
}

#[derive(Debug)]
struct Name {
    key: Box<str>,
    letters: Letters,
    /// In order of rank.
    entries: Vec<Entry>,
}

/// The names of all accounts that have one and a country.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By country, in the order of the names.
    countries: HashMap<String, Vec<Name>, RandomState>,
    states: Numbers,
    domains: Numbers,
}

/// The accounts whose names are alike enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Similar {
    /// Of the best of them, in millionths.
    pub(super) similarity: u32,
    /// The rank of the best one, and of the next best with the same similarity.
    pub(super) best: u32,
    pub(super) next: Option<u32>,
    /// How many they are.
    pub(super) candidates: u32,
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) key: &'a str,
    pub(super) country: &'a str,
    pub(super) state: Option<&'a str>,
    /// An account that is known to be at other domains is passed over; any domain will do where there are none.
    pub(super) domains: &'a [String],
}

/// What bounds the search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// The least similarity, in millionths.
    pub(super) least: u32,
    /// A name that more accounts have is passed over.
    pub(super) most_accounts: u32,
    /// The most names that one is compared with.
    pub(super) most_names: u32,
}

impl Names {
    /// `named` are accounts in order of rank.
    pub(super) fn new(named: impl Iterator<Item = Named>) -> Self {
        let mut countries: BTreeMap<String, BTreeMap<String, Vec<Entry>>> = BTreeMap::new();
        let (mut states, mut domains) = (Numbers::default(), Numbers::default());
        for Named { rank, name, country, state, domain } in named {
            let entry = Entry { rank, state: states.add(state), domain: domains.add(domain) };
            countries.entry(country).or_default().entry(name).or_default().push(entry);
        }
        let by_name = |names: BTreeMap<String, Vec<Entry>>| -> Vec<Name> {
            let named = names.into_iter().map(|(key, entries)| {
                let letters = Letters::of(&key);
                Name { key: key.into_boxed_str(), letters, entries }
            });
            named.collect()
        };
        let countries = countries.into_iter().map(|(country, names)| (country, by_name(names))).collect();
        Self { countries, states, domains }
    }

    /// The accounts of that name and country; none where too many have it. The state does not count.
    pub(super) fn equal(&self, wanted: Wanted<'_>, bounds: Bounds) -> Option<Sharing> {
        let names = self.countries.get(wanted.country)?;
        let at = names.binary_search_by(|name| name.key.as_ref().cmp(wanted.key)).ok()?;
        let name = names.get(at).filter(|name| name.entries.len() <= bounds.most_accounts as usize)?;
        let fit = self.fit(Wanted { state: None, ..wanted });
        let mut fitting = name.entries.iter().filter(|entry| fit.holds(entry));
        let (best, next) = (fitting.next()?.rank, fitting.next().map(|entry| entry.rank));
        let count = 1 + usize::from(next.is_some()) + fitting.count();
        Some(Sharing { best, next, count: u32::try_from(count).unwrap_or(u32::MAX) })
    }

    /// The accounts whose names are alike enough, in the same country, and in the same state where both are known.
    pub(super) fn similar(&self, wanted: Wanted<'_>, bounds: Bounds) -> Option<Similar> {
        let letters = Letters::of(wanted.key);
        let fit = self.fit(wanted);
        let mut found: Option<Similar> = None;
        for name in self.block(wanted.key, wanted.country, bounds.most_names) {
            if name.entries.len() > bounds.most_accounts as usize || !letters.may_reach(bounds.least, &name.letters) {
                continue;
            }
            let similarity = millionths(jaro_winkler(wanted.key, &name.key));
            if similarity < bounds.least {
                continue;
            }
            for Entry { rank, .. } in name.entries.iter().filter(|entry| fit.holds(entry)) {
                let first = || Similar::first(similarity, *rank);
                found = Some(found.map_or_else(first, |found| found.with(similarity, *rank)));
            }
        }
        found
    }

    fn fit(&self, wanted: Wanted<'_>) -> Fit {
        Fit {
            state: wanted.state.map_or(Number::NONE, |state| self.states.of(state)),
            domains: wanted.domains.iter().map(|domain| self.domains.of(domain)).collect(),
        }
    }

    /// The names that begin like `key`, as few of its characters as keep them within the limit.
    fn block(&self, key: &str, country: &str, most: u32) -> &[Name] {
        let mut block = self.countries.get(country).map_or(&[][..], Vec::as_slice);
        for (at, c) in key.char_indices() {
            let beginning = key.get(..at + c.len_utf8()).unwrap_or(key);
            let before = |name: &Name| name.key.as_ref() < beginning;
            block = block.get(block.partition_point(before)..).unwrap_or_default();
            let alike = block.partition_point(|name| name.key.starts_with(beginning));
            block = block.get(..alike).unwrap_or_default();
            if block.len() <= most as usize {
                return block;
            }
        }
        &[]
    }

    /// How many names more accounts have than may share one.
    pub(super) fn common(&self, most: u32) -> usize {
        let names = self.countries.values().flatten();
        names.filter(|name| name.entries.len() > most as usize).count()
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        let of = |name: &Name| size_of::<Name>() + name.key.len() + name.entries.capacity() * size_of::<Entry>();
        self.countries.values().flatten().map(of).sum()
    }
}

/// What an account must be beside its name.
struct Fit {
    state: Number,
    /// Any where it is empty.
    domains: Vec<Number>,
}

impl Fit {
    fn holds(&self, entry: &Entry) -> bool {
        let at = self.domains.is_empty() || self.domains.iter().any(|domain| entry.domain.may_be(*domain));
        at && entry.state.may_be(self.state)
    }
}

impl Similar {
    fn first(similarity: u32, rank: u32) -> Self {
        Self { similarity, best: rank, next: None, candidates: 1 }
    }

    /// With one more account.
    fn with(self, similarity: u32, rank: u32) -> Self {
        let candidates = self.candidates.saturating_add(1);
        match similarity.cmp(&self.similarity) {
            std::cmp::Ordering::Greater => Self { candidates, ..Self::first(similarity, rank) },
            std::cmp::Ordering::Less => Self { candidates, ..self },
            std::cmp::Ordering::Equal => {
                let (best, other) = (self.best.min(rank), self.best.max(rank));
                let next = Some(self.next.map_or(other, |next| next.min(other)));
                Self { similarity, best, next, candidates }
            }
        }
    }
}

/// A similarity in whole millionths, so that what is equal and what suffices does not depend on how floats are rounded.
pub(super) fn millionths(similarity: f64) -> u32 {
    (similarity * f64::from(WHOLE)).round() as u32
}

const KINDS: usize = 32;

/// How often each letter occurs, and how many characters there are: all that a bound needs.
#[derive(Debug, Clone)]
struct Letters {
    counts: [u8; KINDS],
    /// 0 for a name that is too long to be compared.
    chars: u8,
    first: [u8; 4],
}

impl Letters {
    fn of(key: &str) -> Self {
        let mut letters = Self { counts: [0; KINDS], chars: 0, first: [0; 4] };
        let chars = key.chars().count();
        if chars > LONGEST {
            return letters;
        }
        letters.chars = u8::try_from(chars).unwrap_or(0);
        for c in key.chars() {
            let kind = match c {
                'a'..='z' => c as usize - 'a' as usize,
                '0'..='9' => 26 + (c as usize - '0' as usize) / 2,
                _ => KINDS - 1,
            };
            if let Some(count) = letters.counts.get_mut(kind) {
                *count += 1;
            }
        }
        for (to, from) in letters.first.iter_mut().zip(key.bytes()) {
            *to = from;
        }
        letters
    }

    /// Whether two names may have a similarity of `least`; what this denies they have not.
    ///
    /// Jaro similarity is (m/a + m/b + (m − t)/m) / 3 with m matching characters of a and b; m is at
    /// most what the counts have in common, and t at least 0. Winkler adds a tenth of the rest for each
    /// of up to four characters that both begin with; where those are of several bytes, all four are granted.
    fn may_reach(&self, least: u32, other: &Self) -> bool {
        if self.chars == 0 || other.chars == 0 {
            return false;
        }
        let common: u32 = self.counts.iter().zip(&other.counts).map(|(a, b)| u32::from(*a.min(b))).sum();
        if common == 0 {
            return false;
        }
        let (a, b, common) = (f64::from(self.chars), f64::from(other.chars), f64::from(common));
        let jaro = (common / a + common / b + 1.0) / 3.0;
        let ascii = self.first.iter().chain(&other.first).all(u8::is_ascii);
        let alike = self.first.iter().zip(&other.first).take_while(|(a, b)| a == b).count();
        let prefix = if ascii { f64::from(u8::try_from(alike).unwrap_or(4)) } else { 4.0 };
        let bound = jaro + 0.1 * prefix * (1.0 - jaro);
        bound + ROUNDING >= f64::from(least) / f64::from(WHOLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarities_are_rounded_to_millionths() {
        // The vectors of the semantics.
        assert_eq!(millionths(jaro_winkler("martha", "marhta")), 961_111);
        assert_eq!(millionths(jaro_winkler("dixon", "dicksonx")), 813_333);
        assert_eq!(millionths(jaro_winkler("dwayne", "duane")), 840_000);
    }

    #[test]
    fn the_bound_denies_nothing_that_is_so() {
        let words = [
            "acme",
            "acme labs",
            "akme",
            "cmea",
            "a",
            "ab",
            "müller",
            "muller",
            "mu ller",
            "łódź",
            "99 problems",
            "98 problems",
        ];
        for a in words {
            for b in words {
                let found = millionths(jaro_winkler(a, b));
                assert!(found == 0 || Letters::of(a).may_reach(found, &Letters::of(b)), "{a} {b} {found}");
            }
        }
        assert!(!Letters::of("acme").may_reach(920_000, &Letters::of("zenith")));
        let long = "a".repeat(201);
        assert!(!Letters::of(&long).may_reach(0, &Letters::of(&long)));
    }

    #[test]
    fn a_block_grows_narrower_until_it_is_within_the_limit() {
        let named = ["abel", "acme", "acme labs", "acorn", "beta"];
        let rows = (0..).zip(named).map(|(rank, name)| {
            let (name, country) = (name.to_string(), "US".to_string());
            Named { rank, name, country, state: None, domain: None }
        });
        let names = Names::new(rows);
        let block = |key: &str, most: u32| -> Vec<&str> {
            names.block(key, "US", most).iter().map(|name| name.key.as_ref()).collect()
        };
        assert_eq!(block("axle", 9), ["abel", "acme", "acme labs", "acorn"]);
        assert_eq!(block("acne", 3), ["acme", "acme labs", "acorn"]);
        assert_eq!(block("acmx", 2), ["acme", "acme labs"]);
        assert_eq!(block("acmx", 1), Vec::<&str>::new());
        assert_eq!(block("acme", 1), Vec::<&str>::new());
        assert_eq!(block("zeta", 9), Vec::<&str>::new());
        assert!(names.block("acme", "DE", 9).is_empty());
    }
}
