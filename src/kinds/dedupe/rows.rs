//! Stretches of the answer's tables as columns.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, Int32Array, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::answer::Answer;
use super::cluster::ids::End;
use super::cluster::{Edge, MUST_LINK};
use super::columns::{NEVER, UNKNOWN};
use super::groups::{Groups, Member};
use super::notes::DECISION;
use super::tables::{WEIGHT, emitted};
use super::terms::RuleTest;
use crate::error::Result;

/// Why a row is no record, with the words of the contract.
pub(super) const REASONS: [(&str, &str); 2] = [
    ("no_record_id", "the row has no id"),
    ("duplicate_record", "its system has another row with the same id, which was changed later"),
];

/// Golden rows, by cluster.
pub(super) fn golden(answer: &Answer, clusters: Range<usize>) -> Result<Vec<ArrayRef>> {
    let mut columns = vec![ids(clusters.clone().map(|cluster| id_of(answer, cluster)))];
    for (field, values) in answer.work.fields.iter().zip(&answer.values) {
        columns.push(cast(&values.slice(clusters.clone())?, &emitted(field.ty()))?);
    }
    for told in &answer.summary {
        columns.push(told.slice(clusters.clone())?);
    }
    Ok(columns)
}

/// What golden rows say of their records: how many there are, of how many systems, when the first was created and the
/// last changed, and whether one was set aside.
pub(super) fn summary(groups: &Groups, members: &[Member], quarantined: &[bool]) -> Vec<ArrayRef> {
    let clusters = || groups.cut(members);
    let mut seen: Vec<u16> = Vec::new();
    let systems = clusters().map(|own| {
        seen.clear();
        seen.extend(own.iter().map(|member| member.system));
        seen.sort_unstable();
        seen.dedup();
        seen.len() as i32
    });
    let systems = Int32Array::from_iter_values(systems);
    let first = |own: &[Member]| own.iter().map(|member| member.created).min().filter(|at| *at != UNKNOWN);
    let last = |own: &[Member]| own.iter().map(|member| member.updated).max().filter(|at| *at != NEVER);
    let is_aside = |member: &Member| quarantined.get(member.record as usize).is_some_and(|aside| *aside);
    vec![
        Arc::new(Int32Array::from_iter_values(groups.sizes().map(|size| size as i32))),
        Arc::new(systems),
        instants(clusters().map(first)),
        instants(clusters().map(last)),
        Arc::new(clusters().map(|own| Some(own.iter().any(is_aside))).collect::<BooleanArray>()),
    ]
}

/// Crosswalk rows, by record.
pub(super) fn crosswalk(answer: &Answer, records: Range<usize>) -> Result<Vec<ArrayRef>> {
    let ordinals: Vec<u32> = records.map(|record| record as u32).collect();
    let cluster = |record: &u32| answer.groups.of(*record) as usize;
    let identity = &answer.identity;
    let links: Vec<Option<&Edge>> = ordinals
        .iter()
        .map(|record| {
            let link = answer.linked_by.get(*record as usize).copied().flatten()?;
            answer.linked.clusters.used.get(link as usize)
        })
        .collect();
    let [system, id] = names(answer, ordinals.iter().copied().map(Some))?;
    let held = |record: &u32| identity.clusters.get(cluster(record));
    let anchors = ordinals.iter().map(|record| Some(held(record).is_some_and(|held| held.anchor == *record)));
    let since = ordinals.iter().map(|record| identity.since.get(*record as usize).copied());
    let aside = ordinals.iter().map(|record| answer.quarantined.get(*record as usize).copied());
    Ok(vec![
        system,
        id,
        ids(ordinals.iter().map(|record| held(record).map(|held| held.id))),
        Arc::new(anchors.collect::<BooleanArray>()),
        rules(answer, links.iter().map(|link| link.map(|link| link.rule)))?,
        weights(links.iter().map(|link| link.and_then(|link| weight(answer, link))))?,
        instants(since),
        instants(ordinals.iter().map(|record| held(record).map(|held| held.since))),
        Arc::new(aside.collect::<BooleanArray>()),
    ])
}

/// Redirects, in the order of the old ids.
pub(super) fn redirects(answer: &Answer, rows: Range<usize>) -> Result<Vec<ArrayRef>> {
    let redirects = answer.identity.redirects.get(rows).unwrap_or_default();
    let words = [End::Merged, End::Retired].map(|end| end.as_str().to_string());
    let anchors: StringArray = redirects.iter().map(|redirect| Some(redirect.anchor.as_str())).collect();
    Ok(vec![
        ids(redirects.iter().map(|redirect| Some(redirect.id))),
        ids(redirects.iter().map(|redirect| redirect.target)),
        dictionary(&words, redirects.iter().map(|redirect| Some(i32::from(redirect.end == End::Retired))))?,
        Arc::new(anchors),
        instants(redirects.iter().map(|redirect| Some(redirect.id_since))),
        instants(redirects.iter().map(|redirect| Some(redirect.since))),
    ])
}

/// Rows without an id, then rows of records that were there already.
pub(super) fn rejects(answer: &Answer, rows: Range<usize>) -> Result<Vec<ArrayRef>> {
    let records = &answer.records;
    let without_id = records.without_id.iter().map(|source| (*source, None));
    let repeated = records.repeated.iter().map(|(source, id)| (*source, Some(id.as_str())));
    let rows: Vec<(u16, Option<&str>)> = without_id.chain(repeated).skip(rows.start).take(rows.len()).collect();
    let tables: Vec<String> = answer.work.sources.iter().map(|(table, _)| table.to_string()).collect();
    let reasons = REASONS.map(|(code, _)| code.to_string());
    let keys: StringArray = rows.iter().map(|(_, id)| *id).collect();
    let none: StringArray = rows.iter().map(|_| None::<&str>).collect();
    Ok(vec![
        dictionary(&tables, rows.iter().map(|(source, _)| Some(i32::from(*source))))?,
        Arc::new(keys),
        dictionary(&reasons, rows.iter().map(|(_, id)| Some(i32::from(id.is_some()))))?,
        Arc::new(none),
    ])
}

/// System and id of records.
pub(super) fn names(answer: &Answer, of: impl Iterator<Item = Option<u32>>) -> Result<[ArrayRef; 2]> {
    let (work, records) = (&answer.work, &answer.records);
    let of: Vec<Option<u32>> = of.collect();
    let system = |record: &Option<u32>| record.map(|record| i32::from(records.system(record)));
    let systems = dictionary(&work.systems, of.iter().map(system))?;
    let ids: StringArray = of.iter().map(|record| record.map(|record| records.id(work, record))).collect();
    Ok([systems, Arc::new(ids)])
}

/// The names of rules.
pub(super) fn rules(answer: &Answer, rules: impl Iterator<Item = Option<u16>>) -> Result<ArrayRef> {
    let mut names: Vec<String> = answer.work.rules.iter().map(|rule| rule.name.clone()).collect();
    let decision = names.len() as i32;
    names.push(DECISION.to_string());
    let number = |rule: u16| if rule == MUST_LINK { decision } else { i32::from(rule) };
    dictionary(&names, rules.map(|rule| rule.map(number)))
}

/// What a link weighs, which may be nothing; none where its rule does not weigh.
pub(super) fn weight(answer: &Answer, link: &Edge) -> Option<i32> {
    let rule = answer.work.rules.get(usize::from(link.rule));
    let weighs = rule.is_some_and(|rule| matches!(rule.test, RuleTest::Likely(_)));
    weighs.then_some(link.weight_millibits)
}

/// Thousandths of a bit.
pub(super) fn weights(millibits: impl Iterator<Item = Option<i32>>) -> Result<ArrayRef> {
    let weights: Decimal128Array = millibits.map(|weight| weight.map(i128::from)).collect();
    Ok(Arc::new(weights.with_precision_and_scale(WEIGHT.0, WEIGHT.1)?))
}

pub(super) fn id_of(answer: &Answer, cluster: usize) -> Option<Uuid> {
    answer.identity.clusters.get(cluster).map(|identity| identity.id)
}

/// Ids as people write them.
pub(super) fn ids(ids: impl Iterator<Item = Option<Uuid>>) -> ArrayRef {
    let ids: Vec<Option<Uuid>> = ids.collect();
    let mut texts = StringBuilder::with_capacity(ids.len(), ids.len() * Hyphenated::LENGTH);
    let mut text = [0; Hyphenated::LENGTH];
    for id in ids {
        texts.append_option(id.map(|id| &*id.hyphenated().encode_lower(&mut text)));
    }
    Arc::new(texts.finish())
}

/// UTC microseconds.
fn instants(micros: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

/// Numbers of words.
pub(super) fn dictionary(words: &[String], numbers: impl Iterator<Item = Option<i32>>) -> Result<ArrayRef> {
    let words: ArrayRef = Arc::new(StringArray::from_iter_values(words));
    Ok(Arc::new(DictionaryArray::try_new(numbers.collect::<Int32Array>(), words)?))
}
