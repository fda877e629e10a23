//! Distinct values and, for each, which rules it leaves in play.
//!
//! A rule is a bit. For every distinct value of a field, the mask holds the bits of the rules whose
//! test of that field holds for it (or that do not ask about the field). The rules that hold for a
//! touch are the conjunction of its values' masks, and the lowest bit is the first of them. So all
//! rules are tested at once, and a regular expression only runs when a new value turns up.

use std::collections::HashMap;

use datafusion::common::hash_utils::RandomState;
use regex::{RegexSet, RegexSetBuilder};

use super::lookups::Lookups;
use super::rules::{Field, Rule, RuleBook};
use super::spec::Category;
use crate::error::{Error, Result};

/// The id of the missing value in every [`Values`].
pub(super) const EMPTY: u32 = 0;

/// As what a value is looked at; a rule asks at most one thing of a value in one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// As a field that rules test.
    Field(Field),
    /// As a site that has a category, which own or shipped rules ask for.
    Category {
        /// Own rules.
        own: bool,
    },
    /// As something that side tables list.
    Member,
}

/// What rules make of a value in one role.
#[derive(Debug)]
struct Asked {
    /// Rules that ask nothing of it.
    base: Vec<u64>,
    exact: HashMap<String, Vec<u64>, RandomState>,
    is_host: bool,
    patterns: RegexSet,
    /// The rule of each pattern.
    pattern_rules: Vec<usize>,
    /// Rules that ask for the category.
    categories: Vec<(usize, Vec<Category>)>,
    /// Rules that ask for membership, with the side table.
    members: Vec<(usize, usize)>,
}

/// The most that all expressions about one field may hold together.
const SET_BYTES: usize = 256 << 20;

fn set_bit(mask: &mut [u64], rule: usize) {
    if let Some(word) = mask.get_mut(rule / 64) {
        *word |= 1 << (rule % 64);
    }
}

impl Asked {
    fn new(book: &RuleBook, role: Role, words: usize) -> Result<Self> {
        let mut asked = Self {
            base: vec![0; words],
            exact: HashMap::default(),
            is_host: matches!(role, Role::Field(field) if field.is_host()),
            patterns: RegexSet::empty(),
            pattern_rules: Vec::new(),
            categories: Vec::new(),
            members: Vec::new(),
        };
        let mut patterns = Vec::new();
        for (index, rule) in book.rules.iter().enumerate() {
            asked.add(role, index, rule, words, &mut patterns);
        }
        asked.patterns =
            RegexSetBuilder::new(patterns).case_insensitive(true).size_limit(SET_BYTES).build().map_err(|error| {
                Error::project("the rules' regular expressions are too large together").with_source(error)
            })?;
        Ok(asked)
    }

    fn add<'a>(&mut self, role: Role, index: usize, rule: &'a Rule, words: usize, patterns: &mut Vec<&'a str>) {
        let asks = match role {
            Role::Field(field) => rule.tests.get(&field).map(|test| {
                for text in &test.texts {
                    set_bit(self.exact.entry(text.clone()).or_insert_with(|| vec![0; words]), index);
                }
                patterns.extend(test.patterns.iter().map(|pattern| pattern.text.as_str()));
                self.pattern_rules.extend(test.patterns.iter().map(|_| index));
            }),
            Role::Category { own } => rule
                .categories
                .as_ref()
                .filter(|_| rule.is_own() == own)
                .map(|categories| self.categories.push((index, categories.clone()))),
            Role::Member => rule.campaign_in.map(|side| self.members.push((index, side))),
        };
        if asks.is_none() {
            set_bit(&mut self.base, index);
        }
    }

    fn is_asked(&self) -> bool {
        let tests = !self.exact.is_empty() || !self.pattern_rules.is_empty();
        tests || !self.categories.is_empty() || !self.members.is_empty()
    }

    fn mask(&self, text: &str, lookups: &Lookups) -> Vec<u64> {
        let mut mask = self.base.clone();
        let mut join = |found: Option<&Vec<u64>>| {
            for (word, other) in mask.iter_mut().zip(found.into_iter().flatten()) {
                *word |= other;
            }
        };
        if self.is_host {
            super::url::parents(text).for_each(|host| join(self.exact.get(host)));
        } else {
            join(self.exact.get(text));
        }
        for pattern in self.patterns.matches(text) {
            if let Some(rule) = self.pattern_rules.get(pattern) {
                set_bit(&mut mask, *rule);
            }
        }
        if !self.categories.is_empty() {
            let category = lookups.categories.of(text);
            for (rule, wanted) in &self.categories {
                if category.is_some_and(|category| wanted.contains(&category)) {
                    set_bit(&mut mask, *rule);
                }
            }
        }
        for (rule, side) in &self.members {
            if !text.is_empty() && lookups.members.get(*side).is_some_and(|keys| keys.contains(text)) {
                set_bit(&mut mask, *rule);
            }
        }
        mask
    }
}

/// Distinct cleaned values, numbered as they turn up, each with its masks; number 0 is the missing value.
#[derive(Debug)]
pub(super) struct Values {
    roles: Vec<Asked>,
    /// For each role, whether any rule asks something of it.
    asked: Vec<bool>,
    words: usize,
    texts: Vec<Box<str>>,
    index: HashMap<Box<str>, u32, RandomState>,
    /// For each value, for each role, `words` words.
    masks: Vec<u64>,
    bytes: usize,
}

impl Values {
    /// No values yet but the missing one.
    pub(super) fn new(book: &RuleBook, roles: &[Role], lookups: &Lookups) -> Result<Self> {
        let words = book.rules.len().div_ceil(64).max(1);
        let roles = roles.iter().map(|role| Asked::new(book, *role, words)).collect::<Result<Vec<_>>>()?;
        let asked = roles.iter().map(Asked::is_asked).collect();
        let mut values =
            Self { roles, asked, words, texts: Vec::new(), index: HashMap::default(), masks: Vec::new(), bytes: 0 };
        values.id("", lookups);
        Ok(values)
    }

    /// The number of a value.
    pub(super) fn id(&mut self, text: &str, lookups: &Lookups) -> u32 {
        if let Some(id) = self.index.get(text) {
            return *id;
        }
        let id = self.texts.len() as u32;
        for role in &self.roles {
            self.masks.extend(role.mask(text, lookups));
        }
        self.texts.push(text.into());
        self.index.insert(text.into(), id);
        self.bytes += 2 * text.len() + 64 + 8 * self.words * self.roles.len();
        id
    }

    /// Of the mask of a value, in the role of that position in [`Values::new`], 64 rules.
    pub(super) fn mask_word(&self, id: u32, role: usize, word: usize) -> u64 {
        let at = (id as usize * self.asked.len() + role) * self.words + word;
        self.masks.get(at).copied().unwrap_or_default()
    }

    /// Whether any rule asks something of values in the role of that position.
    pub(super) fn is_asked(&self, role: usize) -> bool {
        self.asked.get(role) == Some(&true)
    }

    /// The value of a number.
    pub(super) fn text(&self, id: u32) -> &str {
        self.texts.get(id as usize).map_or("", |text| text)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets every value but the missing one.
    pub(super) fn clear(&mut self, lookups: &Lookups) {
        self.texts.clear();
        self.index.clear();
        self.masks.clear();
        self.bytes = 0;
        self.id("", lookups);
    }
}
