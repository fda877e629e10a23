//! Fuzzy rules: fields that must all be alike, between records that share a block.

use super::blocking::{BlockRule, Blocks, chunks, pairs_of};
use super::kind::FieldKind;
use super::records::{Column, NULL, Records};
use super::similar::{edits_up_to, jaro_winkler_from, shared_words};
use super::threads::in_order;
use crate::error::{Error, Result};

/// How the similarity of two values is measured, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Jaro–Winkler; for names, towns and companies.
    JaroWinkler,
    /// The share of the longer value that is left unedited; for codes, numbers, dates, addresses of e-mail and web.
    Edits,
    /// The share of words in common; for free text and street addresses.
    Words,
}

impl Measure {
    /// The measure that suits a kind of field.
    pub fn of(kind: FieldKind) -> Self {
        use FieldKind as K;
        match kind {
            K::GivenName | K::FamilyName | K::FullName | K::City | K::Company => Self::JaroWinkler,
            K::Text | K::Address => Self::Words,
            K::Email | K::Phone | K::Date | K::Postcode | K::Domain | K::Id | K::Category => Self::Edits,
        }
    }
}

/// `similar: {first_name: 0.92, last_name: 0.92}, within: email_domain`.
#[derive(Debug, Clone, PartialEq)]
pub struct FuzzyRule {
    /// Field, measure and the least similarity, 0 to 1. All must hold; a missing value is not alike.
    pub similar: Vec<(String, Measure, f64)>,
    /// The block within which records are compared.
    pub within: BlockRule,
}

/// A pair that a fuzzy rule found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FuzzyPair {
    /// The smaller record.
    pub a: u32,
    /// The larger record.
    pub b: u32,
    /// The mean similarity of the rule's fields, in thousandths: which of two such edges is stronger.
    pub similarity_thousandths: i32,
}

/// Pairs in a piece of work.
const CHUNK_PAIRS: usize = 50_000;

impl FuzzyRule {
    /// Hands every pair that the rule finds to `take`, in order of (a, b), and returns how many pairs
    /// were compared. `blocks` are those of [`FuzzyRule::within`].
    ///
    /// # Errors
    ///
    /// A field that the records lack, a threshold that is no share, or whatever `take` fails with.
    pub fn run(
        &self,
        records: &Records,
        blocks: &Blocks,
        threads: usize,
        mut take: impl FnMut(&[FuzzyPair]) -> Result<()>,
    ) -> Result<u64> {
        let fields = self.fields(records)?;
        let blocks = std::slice::from_ref(blocks);
        let ranges = chunks(blocks, records.len(), CHUNK_PAIRS);
        let work = |chunk: usize| {
            let (mut compared, mut found) = (0_u64, Vec::new());
            pairs_of(blocks, ranges.get(chunk).cloned().unwrap_or_default(), |a, b| {
                compared += 1;
                let similarity = mean_similarity(&fields, a, b);
                found.extend(similarity.map(|similarity_thousandths| FuzzyPair { a, b, similarity_thousandths }));
            });
            (compared, found)
        };
        let mut total = 0;
        in_order(ranges.len(), threads, work, |(compared, found): (u64, Vec<FuzzyPair>)| {
            total += compared;
            take(&found)
        })?;
        Ok(total)
    }

    fn fields<'r>(&self, records: &'r Records) -> Result<Vec<(&'r Column, Measure, f64)>> {
        let field = |(name, measure, least): &(String, Measure, f64)| {
            if !(0.0..=1.0).contains(least) {
                return Err(Error::project(format!("`{name}` cannot be alike by {least}"))
                    .with_hint("a similarity is from 0 to 1"));
            }
            let column = records.position(name).and_then(|at| records.columns().get(at));
            let column = column.ok_or_else(|| Error::project(format!("there is no field `{name}` to compare")))?;
            Ok((column, *measure, *least))
        };
        self.similar.iter().map(field).collect()
    }
}

/// The mean similarity in thousandths, where every field reaches its threshold.
fn mean_similarity(fields: &[(&Column, Measure, f64)], a: u32, b: u32) -> Option<i32> {
    let mut sum = 0.0;
    for (column, measure, least) in fields {
        let own = similarity(column, *measure, column.code_of(a), column.code_of(b), *least)?;
        if own + 1e-9 < *least {
            return None;
        }
        sum += own;
    }
    Some((sum / fields.len().max(1) as f64 * 1_000.0).round() as i32)
}

fn similarity(column: &Column, measure: Measure, a: u32, b: u32, least: f64) -> Option<f64> {
    if a == b && a != NULL {
        return Some(1.0);
    }
    let (left, right) = (column.text(a)?, column.text(b)?);
    let longer = left.length().max(right.length()) as f64;
    match measure {
        Measure::JaroWinkler => Some(jaro_winkler_from(left, right, least)),
        Measure::Words => Some(shared_words(left.text, right.text)),
        Measure::Edits => {
            let most = ((1.0 - least) * longer + 1e-9) as u32;
            edits_up_to(left, right, most).map(|edits| 1.0 - f64::from(edits) / longer)
        }
    }
}
