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

/// Chooses block rules among [`candidates`]: those that bring the fewest pairs for the records that
/// they cover first, until the allowance of pairs is used up. Rules that cover next to nothing, or
/// the same as a cheaper one, are left out.
pub fn choose(records: &Records, cap: u32) -> Result<Vec<BlockRule>> {
    let mut judged = Vec::new();
    for (order, rule) in candidates(records).into_iter().enumerate() {
        let prediction = predict(&rule, records, cap)?;
        if prediction.pairs > 0 && prediction.covered * 1_000 >= records.len() as u64 {
            judged.push((cost(prediction), order, prediction, rule));
        }
    }
    judged.sort_by_key(|(cost, order, ..)| (*cost, *order));
    let allowance = (records.len() as u64 * PAIRS_A_RECORD).max(FREE_PAIRS);
    let (mut used, mut chosen) = (0, Vec::new());
    for (_, _, prediction, rule) in judged {
        if used + prediction.pairs <= allowance && chosen.len() < MOST_RULES {
            used += prediction.pairs;
            chosen.push(rule);
        }
    }
    Ok(chosen)
}

/// Pairs a covered record, in thousandths.
fn cost(prediction: Prediction) -> u64 {
    prediction.pairs.saturating_mul(1_000) / prediction.covered.max(1)
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
        K::Domain | K::FullName | K::Company | K::Address | K::Text | K::Date => &[How::Exact],
        K::GivenName | K::FamilyName | K::Postcode | K::City | K::Category => &[],
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
        K::Date | K::Postcode => &[How::Exact],
        K::City => &[How::First(4)],
        K::Address => &[How::First(8)],
        K::Phone => &[How::Last(4)],
        K::Email => &[How::First(4)],
        K::Id => &[How::First(4)],
        K::Text => &[How::Exact],
        K::Domain | K::Category => &[],
    }
}
