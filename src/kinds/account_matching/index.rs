//! The accounts, ready to be asked: in the order in which they are preferred, and by every key that a tier looks up.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DynComparator, RecordBatch, UInt32Array, make_comparator, new_empty_array,
};
use arrow::compute::{SortColumn, SortOptions, cast, concat_batches, lexsort_to_indices, take};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::hash_utils::RandomState;

use super::domains::Domains;
use super::names::{Named, Names};
use super::resolve::AccountText;
use super::tier::Tier;
use crate::engine::text::{company, name, phone};
use crate::error::{Error, Result};

/// How rows of the side tables are laid out, and what is made of them.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The columns of the accounts: id, preferences, texts that are declared.
    pub(super) accounts: SchemaRef,
    /// By preference, whether greater values go first.
    pub(super) descending: Vec<bool>,
    /// By [`AccountText`], the column of the accounts.
    pub(super) texts: [Option<usize>; AccountText::COUNT],
    /// Whether the accounts' domain is their website, which may be a page at a shared one.
    pub(super) domain_is_website: bool,
    /// Whether an account's domain keeps leads at other domains from finding it by name.
    pub(super) names_across_domains: bool,
    pub(super) has_crosswalk: bool,
    pub(super) has_aliases: bool,
    pub(super) shared_websites: Vec<String>,
    pub(super) tiers: Vec<Tier>,
}

type Map<V> = HashMap<Box<str>, V, RandomState>;

/// The accounts that share a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sharing {
    /// The best of them, and the next best, by rank.
    pub(super) best: u32,
    pub(super) next: Option<u32>,
    /// How many they are.
    pub(super) count: u32,
}

/// The accounts by key. Ranks are their places in the order of preference.
pub(super) struct Index {
    /// Ids by rank.
    pub(super) ids: ArrayRef,
    by_id: Map<u32>,
    crosswalk: Map<Box<str>>,
    pub(super) domains: Domains,
    by_domain: Map<Sharing>,
    by_website: Map<Sharing>,
    pub(super) names: Names,
    preferences: Vec<DynComparator>,
    held: usize,
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Index({} accounts)", self.ids.len())
    }
}

impl Index {
    /// No accounts, whose ids are of this type.
    pub(super) fn empty(id: &DataType) -> Self {
        Self {
            ids: new_empty_array(id),
            by_id: Map::default(),
            crosswalk: Map::default(),
            domains: Domains::default(),
            by_domain: Map::default(),
            by_website: Map::default(),
            names: Names::default(),
            preferences: Vec::new(),
            held: 0,
        }
    }

    /// Reads the side tables: accounts, then the crosswalk and the aliases where there are any.
    ///
    /// Rows in: accounts with an id, in any order. An id that comes twice has the row that is preferred;
    /// whatever the preferences leave undecided, all values decide.
    pub(super) fn read(layout: &Layout, tables: &[Vec<RecordBatch>]) -> Result<Self> {
        let mut tables = tables.iter();
        let accounts = concat_batches(&layout.accounts, tables.next().ok_or_else(misfit)?)?;
        let accounts = once(&ranked(layout, &accounts)?)?;
        let crosswalk =
            if layout.has_crosswalk { crosswalk(tables.next().ok_or_else(misfit)?)? } else { Map::default() };
        let pairs = if layout.has_aliases { pairs(tables.next().ok_or_else(misfit)?)? } else { Vec::new() };
        let domains = Domains::new(pairs.iter().map(|(a, b)| (a.as_deref(), b.as_deref())), &layout.shared_websites);
        let texts = Texts { layout, accounts: &accounts };
        let ids = Arc::clone(accounts.columns().first().ok_or_else(misfit)?);
        let mut index = Self {
            preferences: comparators(layout, &accounts)?,
            crosswalk,
            domains,
            held: accounts.get_array_memory_size(),
            ids: Arc::clone(&ids),
            ..Self::empty(ids.data_type())
        };
        index.fill(&texts)?;
        Ok(index)
    }

    fn fill(&mut self, texts: &Texts<'_>) -> Result<()> {
        let tiers = &texts.layout.tiers;
        if tiers.contains(&Tier::AccountId) {
            let ids = cast(&self.ids, &DataType::Utf8View)?;
            for (id, rank) in ids.as_string_view().iter().zip(0..) {
                let Some(id) = id else { continue };
                self.by_id.entry(id.trim().into()).or_insert(rank);
            }
        }
        if tiers.contains(&Tier::EmailDomain) {
            self.by_domain = sharing(texts.of(AccountText::Domain)?, |text| self.domain(texts.layout, text));
        }
        if tiers.contains(&Tier::WebsiteDomain) {
            self.by_website = sharing(texts.of(AccountText::Website)?, |text| self.domains.of_account_website(text));
        }
        if tiers.contains(&Tier::NameAndCountry) || tiers.contains(&Tier::SimilarName) {
            let rows = texts.of(AccountText::Name)?.into_iter().zip(texts.of(AccountText::Country)?);
            let rows = rows.zip(texts.of(AccountText::State)?).zip(texts.of(AccountText::Domain)?).zip(0..);
            self.names = Names::new(rows.filter_map(|((((name, country), state), domain), rank)| {
                let (name, country) = (company::key(name?)?, phone::country_key(country?)?);
                let state = state.and_then(name::letters);
                let domain = domain.filter(|_| !texts.layout.names_across_domains);
                let domain = domain.and_then(|domain| self.domain(texts.layout, domain));
                Some(Named { rank, name, country, state, domain })
            }));
        }
        Ok(())
    }

    /// The domain that an account is known by.
    fn domain(&self, layout: &Layout, text: &str) -> Option<String> {
        match layout.domain_is_website {
            true => self.domains.of_account_website(text),
            false => self.domains.of_account(text),
        }
    }

    /// How many accounts there are.
    pub(super) fn accounts(&self) -> usize {
        self.ids.len()
    }

    /// The account that an id names, without spaces around it, through the crosswalk where it is there.
    pub(super) fn by_id(&self, id: &str) -> Option<u32> {
        let id = self.crosswalk.get(id).map_or(id, Box::as_ref);
        self.by_id.get(id).copied()
    }

    /// The accounts at a domain, by a tier that compares domains.
    pub(super) fn at_domain(&self, tier: Tier, domain: &str) -> Option<Sharing> {
        let by = if tier == Tier::WebsiteDomain { &self.by_website } else { &self.by_domain };
        by.get(domain).copied()
    }

    /// The first preference that tells two accounts apart; none where only their ids do.
    pub(super) fn decided_by(&self, best: u32, next: u32) -> Option<usize> {
        self.preferences.iter().position(|compare| compare(best as usize, next as usize) != Ordering::Equal)
    }

    /// How many keys of a tier more accounts have than may share one.
    pub(super) fn common(&self, tier: Tier, most: u32) -> usize {
        let of = |keys: &Map<Sharing>| keys.values().filter(|sharing| sharing.count > most).count();
        match tier {
            Tier::AccountId => 0,
            Tier::EmailDomain => of(&self.by_domain),
            Tier::WebsiteDomain => of(&self.by_website),
            Tier::NameAndCountry | Tier::SimilarName => self.names.common(most),
        }
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        fn of<V>(map: &Map<V>) -> usize {
            map.keys().map(|key| key.len()).sum::<usize>() + map.capacity() * size_of::<(Box<str>, V)>()
        }
        self.held
            + of(&self.by_id)
            + of(&self.crosswalk)
            + of(&self.by_domain)
            + of(&self.by_website)
            + self.names.held_bytes()
    }
}

/// The accounts in the order of preference: by every preference, then id, then everything else.
fn ranked(layout: &Layout, accounts: &RecordBatch) -> Result<RecordBatch> {
    let [id, rest @ ..] = accounts.columns() else { return Err(misfit()) };
    let column = |values: &ArrayRef, descending: bool| SortColumn {
        values: Arc::clone(values),
        options: Some(SortOptions { descending, nulls_first: false }),
    };
    let mut order: Vec<SortColumn> =
        rest.iter().zip(&layout.descending).map(|(values, descending)| column(values, *descending)).collect();
    order.push(column(id, false));
    order.extend(rest.iter().skip(layout.descending.len()).map(|values| column(values, false)));
    Ok(taken(accounts, &lexsort_to_indices(&order, None)?)?)
}

/// The first row of each id.
fn once(accounts: &RecordBatch) -> Result<RecordBatch> {
    let ids = cast(accounts.columns().first().ok_or_else(misfit)?, &DataType::Utf8View)?;
    let mut seen: HashSet<&str, RandomState> = HashSet::default();
    let first = ids.as_string_view().iter().zip(0u32..).filter(|(id, _)| id.is_some_and(|id| seen.insert(id)));
    Ok(taken(accounts, &UInt32Array::from_iter_values(first.map(|(_, row)| row)))?)
}

fn taken(rows: &RecordBatch, at: &UInt32Array) -> Result<RecordBatch, arrow::error::ArrowError> {
    let columns = rows.columns().iter().map(|column| take(column, at, None)).collect::<Result<_, _>>()?;
    RecordBatch::try_new(rows.schema(), columns)
}

fn comparators(layout: &Layout, accounts: &RecordBatch) -> Result<Vec<DynComparator>> {
    let columns = accounts.columns().iter().skip(1).zip(&layout.descending);
    let compare = |(column, descending): (&ArrayRef, &bool)| {
        Ok(make_comparator(column, column, SortOptions { descending: *descending, nulls_first: false })?)
    };
    columns.map(compare).collect()
}

/// The texts of accounts, by rank.
struct Texts<'a> {
    layout: &'a Layout,
    accounts: &'a RecordBatch,
}

impl<'a> Texts<'a> {
    fn of(&self, text: AccountText) -> Result<Vec<Option<&'a str>>> {
        match self.layout.texts.get(text as usize).copied().flatten() {
            Some(at) => texts(self.accounts.columns().get(at).ok_or_else(misfit)?),
            None => Ok(vec![None; self.accounts.num_rows()]),
        }
    }
}

fn texts(column: &ArrayRef) -> Result<Vec<Option<&str>>> {
    Ok(column.as_string_view_opt().ok_or_else(misfit)?.iter().collect())
}

/// The accounts of each key; `texts` are in order of rank.
fn sharing(texts: Vec<Option<&str>>, key: impl Fn(&str) -> Option<String>) -> Map<Sharing> {
    let mut by_key: Map<Sharing> = Map::default();
    for (text, rank) in texts.into_iter().zip(0..) {
        let Some(key) = text.and_then(&key) else { continue };
        let sharing = by_key.entry(key.into_boxed_str());
        sharing
            .and_modify(|sharing| {
                sharing.next = sharing.next.or(Some(rank));
                sharing.count = sharing.count.saturating_add(1);
            })
            .or_insert(Sharing { best: rank, next: None, count: 1 });
    }
    by_key
}

/// Pairs of texts.
fn pairs(batches: &[RecordBatch]) -> Result<Vec<(Option<String>, Option<String>)>> {
    let mut pairs = Vec::new();
    for batch in batches {
        let [from, to] = batch.columns() else { return Err(misfit()) };
        let both = texts(from)?.into_iter().zip(texts(to)?);
        pairs.extend(both.map(|(from, to)| (from.map(str::to_string), to.map(str::to_string))));
    }
    Ok(pairs)
}

/// Records with the account they belong to, the lowest where they have several.
fn crosswalk(batches: &[RecordBatch]) -> Result<Map<Box<str>>> {
    let mut known: Map<Box<str>> = Map::default();
    for (record, id) in pairs(batches)? {
        let (Some(record), Some(id)) = (record, id) else { continue };
        let id = id.trim();
        let kept = known.entry(record.trim().into()).or_insert_with(|| id.into());
        if id < kept.as_ref() {
            *kept = id.into();
        }
    }
    Ok(known)
}

pub(super) fn misfit() -> Error {
    Error::internal("leads or accounts with other columns than announced")
}
