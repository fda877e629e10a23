//! Records with keys → clusters: rules in their order, within the guards.

use std::collections::BTreeMap;

use super::cluster::{Clustering, Clusters, Contradiction, CrowdedKey, Edge, Guards, KeyLinker, KeyLinks, Refusal};
use super::decisions::Decided;
use super::intake::Work;
use super::keys::Keys;
use super::many_ids::{self, ManyIds};
use super::masked_key::masked_keys;
use super::matching::ScoredPair;
use super::matching::blocking::Skipped;
use super::pairs::{Compared, Learnt, LeftOut};
use super::records::Records;
use super::terms::RuleTest;
use crate::error::{Error, Result};

/// Which records are one, and what was left out on the way.
pub(super) struct Linked {
    pub(super) clusters: Clusters,
    /// Keys that too many records share, or records of too many ids, by rule.
    pub(super) crowded: Vec<Crowded>,
    /// Pairs that somebody should look at, each with what was found of its fields.
    pub(super) review: Vec<(Edge, String)>,
    /// What was found of the fields of links that compare values, by place among the links used.
    pub(super) used_words: Vec<(u32, String)>,
    /// The same, by place among the links refused.
    pub(super) refused_words: Vec<(u32, String)>,
    pub(super) learnt: Option<Learnt>,
    /// How many records were merged into one that is not there; none where nobody says what was merged.
    pub(super) masters_unknown: Option<i64>,
}

/// A key that too many records share, or records of too many ids.
pub(super) struct Crowded {
    pub(super) rule: u16,
    pub(super) key: CrowdedKey,
    /// Why it links nobody, where it is not that too many records share it.
    pub(super) many_ids: Option<ManyIds>,
    /// What the records share, masked.
    pub(super) shared: String,
    /// Whether records that share it would have been compared, and not linked at once.
    pub(super) compares: bool,
}

impl Crowded {
    fn of(
        work: &Work,
        records: &Records,
        rule: u16,
        links: &KeyLinks,
        many_ids: Vec<(CrowdedKey, ManyIds)>,
    ) -> Result<Vec<Self>> {
        let crowded = links.crowded.iter().map(|key| (*key, None));
        let crowded = crowded.chain(many_ids.into_iter().map(|(key, found)| (key, Some(found))));
        let test = work.rules.get(usize::from(rule)).map(|rule| &rule.test);
        let compares = matches!(test, Some(RuleTest::Similar(_)));
        let crowded: Vec<_> = crowded.collect();
        let firsts: Vec<u32> = crowded.iter().map(|(key, _)| key.first).collect();
        let named = crowded.into_iter().zip(masked_keys(work, records, rule, &firsts)?);
        Ok(named.map(|((key, many_ids), shared)| Self { rule, key, many_ids, shared, compares }).collect())
    }
}

impl Linked {
    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        let clusters = &self.clusters;
        let named = self.left_out().iter().flat_map(|left_out| &left_out.named);
        let named = named.map(|block| 32 + block.key.capacity()).sum::<usize>();
        let links = 16 * clusters.used.capacity() + 36 * clusters.refused.capacity() + 4 * clusters.root.capacity();
        let crowded: usize = self.crowded.iter().map(|crowded| 56 + crowded.shared.capacity()).sum();
        let words = self.used_words.iter().chain(&self.refused_words).map(|(_, text)| 32 + text.capacity());
        links
            + named
            + crowded
            + words.sum::<usize>()
            + self.review.iter().map(|(_, text)| 40 + text.capacity()).sum::<usize>()
    }
}

impl Linked {
    /// What the probabilistic rule was too common to be compared by.
    pub(super) fn left_out(&self) -> &[LeftOut] {
        self.learnt.as_ref().map_or(&[], |learnt| &learnt.skipped)
    }

    /// One of the named blocks that were too large, by number, with what its records share.
    pub(super) fn named_block(&self, mut at: usize) -> Option<(&str, &Skipped)> {
        for left_out in self.left_out() {
            match left_out.named.get(at) {
                Some(block) => return Some((&left_out.shared, block)),
                None => at -= left_out.named.len(),
            }
        }
        None
    }

    /// How many of them there are.
    pub(super) fn named_blocks(&self) -> usize {
        self.left_out().iter().map(|left_out| left_out.named.len()).sum()
    }
}

/// Finds the clusters; the records' keys are used up.
///
/// # Errors
/// Data, where decided pairs contradict each other or a unique id.
pub(super) fn link(work: &Work, records: &mut Records, decided: &Decided) -> Result<Linked> {
    let count = u32::try_from(records.len()).map_err(|_| Error::internal("more records than numbers"))?;
    let guards = Guards {
        unique_ids: std::mem::take(&mut records.uniques),
        cannot_link: decided.different.clone(),
        max_cluster: Some(work.max_cluster),
    };
    let mut clustering = Clustering::new(count, guards)?;
    let contradictions = clustering.must_link(&decided.same)?;
    if let Some(first) = contradictions.first() {
        return Err(contradiction(work, records, first, contradictions.len()));
    }
    let (mut crowded, mut masters_unknown) = (Vec::new(), None);
    let mut compared = Compared::new(work, records)?;
    records.compared = Vec::new();
    let keys = std::mem::take(&mut records.keys);
    for (number, (rule, keys)) in (0u16..).zip(work.rules.iter().zip(keys)) {
        match &rule.test {
            RuleTest::Equal => {
                let mut links = sharing(records, keys, work.max_records_per_key)?;
                let many_ids = many_ids::leave_out(&mut links, &clustering.unique_ids(), work.max_ids_per_key);
                crowded.extend(Crowded::of(work, records, number, &links, many_ids)?);
                clustering.keys(number, 0, &links)?;
            }
            RuleTest::MergedInto => {
                let (pairs, unknown) = records.merged(work)?;
                clustering.pairs(pairs.into_iter().map(|(a, b)| Edge::new(a, b, number, 0)).collect())?;
                (masters_unknown, records.masters) = (Some(unknown), None);
            }
            RuleTest::Similar(tests) => {
                let links = sharing(records, keys, work.max_block)?;
                crowded.extend(Crowded::of(work, records, number, &links, Vec::new())?);
                clustering.pairs(compared.similar(work, number, tests, &links)?)?;
            }
            RuleTest::Likely(likely) => {
                let edges = compared.likely(work, number, likely)?;
                match compared.judge(likely)? {
                    Some(judge) => clustering.judged_pairs(edges, &judge)?,
                    None => clustering.pairs(edges)?,
                }
            }
        }
    }
    let linked = Linked::new(work, clustering.finish(), crowded, compared)?;
    Ok(Linked { masters_unknown, ..linked })
}

/// The records that share a key, of the keys of a rule.
pub(super) fn sharing(records: &Records, keys: Keys, most: u32) -> Result<KeyLinks> {
    let all = keys.all()?;
    let mut linker = KeyLinker::with_capacity(all.iter().filter(|key| **key != 0).count());
    for (ordinal, key) in (0u32..).zip(records.keys_of(&all)).filter(|(_, key)| *key != 0) {
        linker.push(ordinal, key);
    }
    // Sorting takes room of its own.
    drop(all);
    drop(keys);
    Ok(linker.finish(most))
}

impl Linked {
    /// Puts what was found in words while the compared values are at hand.
    fn new(work: &Work, clusters: Clusters, crowded: Vec<Crowded>, mut compared: Compared) -> Result<Self> {
        let mut review = Vec::new();
        let mut rule = None;
        if let Some(learnt) = &mut compared.learnt {
            // A pair that came together all the same needs no review.
            let root = |record: u32| clusters.root.get(record as usize);
            let waiting = std::mem::take(&mut learnt.review).into_iter();
            review.extend(waiting.filter(|pair| root(pair.a) != root(pair.b)));
            rule = Some(learnt.rule);
        }
        let words = |edges: Vec<&Edge>| -> Result<Vec<(u32, String)>> {
            let mut words = Vec::new();
            for (number, of) in (0u16..).zip(&work.rules) {
                let own = (0u32..).zip(&edges).filter(|(_, edge)| edge.rule == number);
                let pairs = own.clone().map(|(_, edge)| (edge.a, edge.b));
                let found = match &of.test {
                    RuleTest::Similar(tests) => compared.likeness(work, tests, pairs),
                    RuleTest::Likely(_) => compared.waterfall(pairs)?,
                    RuleTest::Equal | RuleTest::MergedInto => continue,
                };
                words.extend(own.map(|(at, _)| at).zip(found));
            }
            words.sort_unstable();
            Ok(words)
        };
        let used_words = words(clusters.used.iter().collect())?;
        let refused_words = words(clusters.refused.iter().map(|(edge, _)| edge).collect())?;
        let edge = |pair: &ScoredPair| Edge::new(pair.a, pair.b, rule.unwrap_or_default(), pair.weight_millibits);
        let review_words = compared.waterfall(review.iter().map(|pair| (pair.a, pair.b)))?;
        let review = review.iter().map(edge).zip(review_words).collect();
        let learnt = compared.learnt;
        Ok(Self { clusters, crowded, review, used_words, refused_words, learnt, masters_unknown: None })
    }
}

/// The words that belong to the link of this number, where its rule compares values.
pub(super) fn words_at(words: &[(u32, String)], at: usize) -> Option<&str> {
    let found = words.binary_search_by_key(&at, |(place, _)| *place as usize).ok()?;
    words.get(found).map(|(_, text)| text.as_str())
}

fn contradiction(work: &Work, records: &Records, first: &Contradiction, count: usize) -> Error {
    let name = |ordinal: u32| format!("`{}`", records.key(ordinal));
    let (left, right) = first.must_link;
    let why = match first.against {
        Refusal::CannotLink { left, right } => {
            format!("another says that {} and {} are different", name(left), name(right))
        }
        Refusal::UniqueId { column, left, right } => {
            let unique = work.uniques.get(usize::from(column)).map_or("", String::as_str);
            format!(
                "{} and {} have different values of `{unique}`, of which there is one at most",
                name(left),
                name(right)
            )
        }
        // Decisions come before the rules that judge.
        Refusal::Judged { left, right, .. } => format!("{} and {} contradict each other", name(left), name(right)),
        Refusal::Oversized { records } => format!("they would make a cluster of {records} records"),
    };
    let more = if count > 1 { format!("; {} more decisions contradict as well", count - 1) } else { String::new() };
    Error::data(format!("a decision says that {} and {} are the same, but {why}{more}", name(left), name(right)))
        .with_hint("take one of them out of the table that `decisions` names")
}

/// Refused links, counted by what refused them.
pub(super) fn refusals(clusters: &Clusters) -> BTreeMap<&'static str, i64> {
    let mut counts = BTreeMap::new();
    for (_, refusal) in &clusters.refused {
        *counts.entry(word(refusal)).or_insert(0) += 1;
    }
    counts
}

/// The guard that refused, in a word.
pub(super) fn word(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::UniqueId { .. } => "one_value_per_cluster",
        Refusal::CannotLink { .. } => "decision",
        Refusal::Judged { .. } => "contradiction",
        Refusal::Oversized { .. } => "max_cluster",
    }
}
