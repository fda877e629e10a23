//! Block rules for data whose owner declared none.

use super::super::kind::FieldKind;
use super::super::records::{Column, Records};
use super::blocks::{Prediction, predict};
use super::rule::{BlockRule, How};
use crate::error::Result;

/// The most pairs that chosen rules may bring, for each record; small data is allowed
/// [`FREE_PAIRS`] whatever its size.
const PAIRS_A_RECORD: u64 = 40;
/// Pairs that cost nothing worth saving.
const FREE_PAIRS: u64 = 300_000;
/// The most rules that are used at once.
const MOST_RULES: usize = 24;
/// No rule may bring more than this share of the pairs allowed in all.
const RULES_AT_LEAST: u64 = 6;

/// A rule and what it would bring.
struct Judged {
    order: usize,
    rule: BlockRule,
    prediction: Prediction,
}

/// Chooses block rules among [`candidates`].
///
/// Only rules that bring pairs, and not too many, are looked at; those that a coarser one includes
/// are left out. Of the rest the next is always the one whose fields have been used least, so that a
/// pair with mistakes in some fields is found by others; fewest pairs for the records covered first
/// among equals. It ends when the allowance of pairs or of rules is used up. Where no rule brings pairs, those come
/// back whose blocks are too large.
pub fn choose(records: &Records, cap: u32) -> Result<Vec<BlockRule>> {
    let allowance = (records.len() as u64 * PAIRS_A_RECORD).max(FREE_PAIRS);
    let (mut judged, mut too_large) = (Vec::new(), Vec::new());
    for (order, rule) in candidates(records).into_iter().enumerate() {
        let prediction = predict(&rule, records, cap)?;
        if prediction.skipped > 0 {
            too_large.push(rule.clone());
        }
        let covers = prediction.covered * 1_000 >= records.len() as u64;
        if prediction.pairs > 0 && prediction.pairs <= allowance / RULES_AT_LEAST && covers {
            judged.push(Judged { order, rule, prediction });
        }
    }
    let (mut left, mut chosen) = (allowance, Vec::new());
    let mut open: Vec<&Judged> =
        judged.iter().filter(|own| !judged.iter().any(|other| own.is_included_in(other))).collect();
    while chosen.len() < MOST_RULES {
        open.retain(|own| own.prediction.pairs <= left);
        let Some((at, next)) = open.iter().enumerate().min_by_key(|(_, own)| own.rank(&chosen)) else { break };
        left -= next.prediction.pairs;
        chosen.push(next.rule.clone());
        open.remove(at);
    }
    if chosen.is_empty() {
        // Nothing will be compared; these say why.
        chosen = too_large.into_iter().take(MOST_RULES).collect();
    }
    Ok(chosen)
}

impl Judged {
    /// Whether `other` finds every pair that this rule finds, at no loss to its cap.
    fn is_included_in(&self, other: &Self) -> bool {
        self.order != other.order
            && other.prediction.skipped == 0
            && other.rule.includes(&self.rule)
            && !(self.rule.includes(&other.rule) && self.order < other.order)
    }

    /// How often its fields have been used, then pairs a covered record in thousandths, then its place.
    fn rank(&self, chosen: &[BlockRule]) -> (usize, u64, usize) {
        let uses = |field: &str| chosen.iter().filter(|rule| rule.fields().any(|own| own == field)).count();
        let used = self.rule.fields().map(uses).sum();
        (used, self.prediction.pairs.saturating_mul(1_000) / self.prediction.covered.max(1), self.order)
    }
}

/// Every rule worth judging for these fields, from what their kinds say.
///
/// Alone: e-mail and its local part, phone and its end, ids, dates, domains, full values of names
/// together in either order. In twos: the sound or start of one field with that of another.
pub fn candidates(records: &Records) -> Vec<BlockRule> {
    let mut rules = Vec::new();
    for column in records.columns() {
        alone(column, &mut rules);
    }
    let find = |kind: FieldKind| records.columns().iter().find(|column| column.kind == kind);
    if let (Some(given), Some(family)) = (find(FieldKind::GivenName), find(FieldKind::FamilyName)) {
        rules.push(BlockRule::new([(How::Either, format!("{},{}", given.name, family.name))]));
    }
    let coarse: Vec<(usize, How, &str)> = records
        .columns()
        .iter()
        .enumerate()
        .flat_map(|(place, column)| in_twos(column.kind).iter().map(move |how| (place, *how, column.name.as_str())))
        .collect();
    for (at, one) in coarse.iter().enumerate() {
        for other in coarse.iter().skip(at + 1).filter(|other| other.0 != one.0) {
            rules.push(BlockRule::new([(one.1, one.2.to_string()), (other.1, other.2.to_string())]));
        }
    }
    rules
}

fn alone(column: &Column, rules: &mut Vec<BlockRule>) {
    use FieldKind as K;
    let hows: &[How] = match column.kind {
        K::Email => &[How::Exact, How::LocalPart, How::Digits, How::First(6)],
        K::Phone => &[How::Exact, How::Last(7), How::First(9)],
        K::Id => &[How::Exact, How::Digits, How::Letters],
        K::Date => &[How::Exact, How::First(6), How::Last(4)],
        K::FamilyName => &[How::Exact, How::Soundex],
        K::Domain | K::FullName | K::Company | K::Address | K::Text | K::GivenName | K::Postcode | K::City => {
            &[How::Exact]
        }
        K::Category => &[],
    };
    rules.extend(hows.iter().map(|how| BlockRule::new([(*how, column.name.clone())])));
}

/// What is taken of a field to be joined with another.
fn in_twos(kind: FieldKind) -> &'static [How] {
    use FieldKind as K;
    match kind {
        K::GivenName => &[How::First(3), How::Soundex],
        K::FamilyName => &[How::Soundex, How::First(3)],
        K::FullName | K::Company => &[How::First(5)],
        K::Date => &[How::First(6), How::First(4), How::Last(4)],
        K::Postcode => &[How::Exact],
        K::City => &[How::First(4)],
        K::Address => &[How::First(8)],
        K::Phone => &[How::Last(4)],
        K::Email => &[How::First(4)],
        K::Id => &[How::First(4)],
        K::Text => &[How::Exact],
        K::Domain | K::Category => &[],
    }
}
