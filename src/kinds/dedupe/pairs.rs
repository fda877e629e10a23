//! Rules that compare values: pairs within blocks → links, and pairs for review.

use super::cluster::{Edge, KeyLinks};
use super::comparables::comparables;
use super::intake::Work;
use super::matching::blocking::{BlockRule, Blocks, Skipped, choose};
use super::matching::compare::Comparison;
use super::matching::{
    self, Column, FieldPlan, Model, ScoredPair, Scorer, Test, TrainOptions, measured, probability, threshold, words,
};
use super::records::Records;
use super::terms::Likely;
use crate::error::Result;

/// The most pairs that are kept for review: those of the first records. The others are counted.
const MOST_REVIEWED: usize = 1_000_000;

/// What the rules compare, and what the probabilistic one has found; empty where no rule compares.
pub(super) struct Compared {
    records: Option<matching::Records>,
    /// The weights that were used, and the rule that used them.
    pub(super) learnt: Option<Learnt>,
}

/// A probabilistic rule after its work.
pub(super) struct Learnt {
    pub(super) rule: u16,
    pub(super) model: Model,
    /// Pairs between the thresholds.
    pub(super) review: Vec<ScoredPair>,
    pub(super) reviewed: u64,
    pub(super) compared: u64,
    /// What is too common to be compared by; only block rules that left something out.
    pub(super) skipped: Vec<LeftOut>,
}

/// The blocks that are too large to be compared.
pub(super) struct LeftOut {
    /// What their records share, as the block rule is written.
    pub(super) shared: String,
    /// How many they are.
    pub(super) blocks: u64,
    /// How many records they have.
    pub(super) records: u64,
    /// The largest of them, largest first.
    pub(super) named: Vec<Skipped>,
}

impl Compared {
    pub(super) fn new(work: &Work, records: &Records) -> Result<Self> {
        Ok(Self { records: comparables(work, records)?, learnt: None })
    }

    /// The links of a rule that asks for similar values within the groups that share its keys.
    pub(super) fn similar(
        &self,
        work: &Work,
        rule: u16,
        tests: &[(usize, Vec<Test>)],
        links: &KeyLinks,
    ) -> Result<Vec<Edge>> {
        let comparisons = self.comparisons(work, tests);
        let alike = |a: u32, b: u32| comparisons.iter().all(|own| own.found(a, b).is_some());
        let mut edges = Vec::new();
        for group in links.groups() {
            for (at, a) in group.iter().enumerate() {
                let others = group.get(at + 1..).unwrap_or_default().iter();
                edges.extend(others.filter(|b| alike(*a, **b)).map(|b| Edge::new(*a, *b, rule, 0)));
            }
        }
        Ok(edges)
    }

    fn comparisons<'c>(&'c self, work: &Work, tests: &'c [(usize, Vec<Test>)]) -> Vec<Likeness<'c>> {
        let likeness = |(field, tests): &'c (usize, Vec<Test>)| {
            let records = self.records.as_ref()?;
            let name = work.fields.get(*field).map_or("", |field| field.name.as_str());
            let column = records.position(name).and_then(|at| records.columns().get(at))?;
            let comparison = Comparison::new(records, column, &[tests.as_slice(), &[Test::Else]].concat());
            Some(Likeness { column, comparison, tests })
        };
        tests.iter().filter_map(likeness).collect()
    }

    /// How alike the values of pairs are that a rule links by them, as text without any value.
    pub(super) fn likeness(
        &self,
        work: &Work,
        tests: &[(usize, Vec<Test>)],
        pairs: impl Iterator<Item = (u32, u32)>,
    ) -> Vec<String> {
        let comparisons = self.comparisons(work, tests);
        let text = |(a, b)| comparisons.iter().map(|own| own.words(a, b)).collect::<Vec<_>>().join("; ");
        pairs.map(text).collect()
    }

    /// The links of the probabilistic rule; what it learnt is kept.
    pub(super) fn likely(&mut self, work: &Work, rule: u16, likely: &Likely) -> Result<Vec<Edge>> {
        let Some(records) = self.records.as_ref().filter(|records| records.len() > 1) else { return Ok(Vec::new()) };
        let blocks = blocks(work, records, likely)?;
        let model = match &likely.weights {
            Some(model) => model.clone(),
            None => {
                let name = |field: &usize| work.fields.get(*field).map(|field| FieldPlan::of(field.name.as_str()));
                let plans: Vec<FieldPlan> = likely.fields.iter().filter_map(name).collect();
                let options = TrainOptions { threads: work.threads, ..TrainOptions::default() };
                Model::train(records, &plans, &blocks, &options)?
            }
        };
        let (merge, least) = (threshold(likely.merge), threshold(likely.review));
        let (mut edges, mut review, mut reviewed) = (Vec::new(), Vec::new(), 0);
        let scorer = Scorer::new(records, &model)?;
        let compared = scorer.run(records, &blocks, least, work.threads, |pairs| {
            for pair in pairs {
                if pair.weight_millibits >= merge {
                    edges.push(Edge::new(pair.a, pair.b, rule, pair.weight_millibits));
                    continue;
                }
                reviewed += 1;
                if review.len() < MOST_REVIEWED {
                    review.push(*pair);
                }
            }
            Ok(())
        })?;
        drop(scorer);
        let skipped = blocks.into_iter().filter(|blocks| blocks.skipped_blocks > 0).map(|blocks| LeftOut {
            shared: blocks.rule.to_string(),
            blocks: blocks.skipped_blocks,
            records: blocks.skipped_records,
            named: blocks.skipped,
        });
        self.learnt = Some(Learnt { rule, review, reviewed, compared, skipped: skipped.collect(), model });
        Ok(edges)
    }

    /// Says of two records what they weigh, where that is as little as the rule's contradictions do; none where
    /// nothing is a contradiction to it.
    pub(super) fn judge(&self, likely: &Likely) -> Result<Option<impl Fn(u32, u32) -> Option<i32>>> {
        let (Some(records), Some(learnt)) = (&self.records, &self.learnt) else { return Ok(None) };
        if likely.contradiction <= 0.0 {
            return Ok(None);
        }
        let (scorer, most) = (Scorer::new(records, &learnt.model)?, threshold(likely.contradiction));
        let weight = move |a: u32, b: u32| scorer.explain(a.min(b), a.max(b)).weight_millibits;
        Ok(Some(move |a, b| Some(weight(a, b)).filter(|weight| *weight <= most)))
    }

    /// What was found of each field of a pair and what it weighs, as text without any value.
    pub(super) fn waterfall(&self, pairs: impl Iterator<Item = (u32, u32)>) -> Result<Vec<String>> {
        let (Some(records), Some(learnt)) = (&self.records, &self.learnt) else { return Ok(Vec::new()) };
        let scorer = Scorer::new(records, &learnt.model)?;
        let text = |(a, b): (u32, u32)| steps(&learnt.model, &scorer, &scorer.explain(a, b));
        Ok(pairs.map(text).collect())
    }

    /// The same of any pair by any weights, and the sum.
    pub(super) fn weighed(&self, model: &Model, a: u32, b: u32) -> Result<String> {
        let Some(records) = &self.records else { return Ok(String::new()) };
        let scorer = Scorer::new(records, model)?;
        let pair = scorer.explain(a.min(b), a.max(b));
        let sum = pair.weight_millibits;
        let likelihood = likelihood(sum);
        Ok(format!("{}; together: {}, a probability of {likelihood:.3}", steps(model, &scorer, &pair), bits(sum)))
    }

    /// Why a probabilistic rule does not compare a pair; nothing where it does.
    pub(super) fn not_compared(&self, work: &Work, likely: &Likely, a: u32, b: u32) -> Result<Option<String>> {
        let Some(records) = &self.records else { return Ok(None) };
        let blocks = blocks(work, records, likely)?;
        if blocks.iter().any(|blocks| blocks.share(a, b)) {
            return Ok(None);
        }
        let quoted = |rules: &[&BlockRule]| rules.iter().map(|rule| format!("`{rule}`")).collect::<Vec<_>>().join(", ");
        let (mut all, mut shared) = (Vec::new(), Vec::new());
        for rule in blocks.iter().map(|blocks| &blocks.rule) {
            let keys = rule.keys(records)?;
            let key = |record: u32| keys.get(record as usize).copied().filter(|key| *key != 0);
            if key(a).is_some() && key(a) == key(b) {
                shared.push(rule);
            }
            all.push(rule);
        }
        Ok(Some(match (all.as_slice(), shared.as_slice()) {
            ([], _) => "not compared, as nothing that records share brings any two together".to_string(),
            (all, []) => format!("not compared, as they share none of {}", quoted(all)),
            (_, shared) => {
                format!("not compared, as more than {} records share {}", work.max_block, quoted(shared))
            }
        }))
    }

    /// As [`Compared::likeness`], of a pair that a rule does not link by them: a line a field, which says what is
    /// asked where less was found.
    pub(super) fn beside_what_is_asked(
        &self,
        work: &Work,
        tests: &[(usize, Vec<Test>)],
        a: u32,
        b: u32,
    ) -> Vec<String> {
        self.comparisons(work, tests).iter().map(|own| own.beside_what_is_asked(a, b)).collect()
    }
}

/// The way from the prior to the sum.
fn steps(model: &Model, scorer: &Scorer<'_, '_>, pair: &ScoredPair) -> String {
    let prior = format!("before anything is compared: {}", bits(model.prior_bits));
    let related = match scorer.owed_to_related(pair.pattern, pair.a) {
        0 => None,
        owed => Some(format!("related ones look like this too: {}", bits(-owed))),
    };
    let steps = scorer.steps(pair);
    let steps = steps.iter().map(|step| {
        let found = step.found.map_or_else(|| "missing".to_string(), words);
        let rare = match step.frequency_millibits {
            0 => String::new(),
            owed => format!(", of which {} for how rare the value is", bits(owed)),
        };
        format!("{} {found}: {}{rare}", step.field, bits(step.weight_millibits))
    });
    std::iter::once(prior).chain(steps).chain(related).collect::<Vec<_>>().join("; ")
}

/// What a rule asks of a field's values.
struct Likeness<'c> {
    column: &'c Column,
    comparison: Comparison<'c>,
    tests: &'c [Test],
}

impl Likeness<'_> {
    /// The first condition that holds; none where a value is missing or they are different.
    fn found(&self, a: u32, b: u32) -> Option<Test> {
        self.tests.get(self.comparison.level(a, b).checked_sub(1)?).copied()
    }

    fn words(&self, a: u32, b: u32) -> String {
        let (left, right) = (self.column.of(a).unwrap_or_default(), self.column.of(b).unwrap_or_default());
        let found = self.found(a, b).map_or_else(|| words(Test::Else), |test| measured(test, left, right));
        format!("{} {found}", self.column.name)
    }

    fn beside_what_is_asked(&self, a: u32, b: u32) -> String {
        match (self.column.of(a), self.column.of(b), self.tests.last()) {
            (Some(left), Some(right), Some(asked)) if self.found(a, b).is_none() => {
                format!("{} {}, where {} is asked", self.column.name, measured(*asked, left, right), words(*asked))
            }
            (Some(_), Some(_), _) => self.words(a, b),
            _ => format!("{} is missing", self.column.name),
        }
    }
}

/// `+7.123`.
pub(super) fn bits(millibits: i32) -> String {
    let sign = if millibits < 0 { '-' } else { '+' };
    format!("{sign}{}.{:03}", millibits.unsigned_abs() / 1_000, millibits.unsigned_abs() % 1_000)
}

/// The probability that a weight stands for.
pub(super) fn likelihood(millibits: i32) -> f64 {
    probability(millibits)
}

/// The blocks whose pairs a probabilistic rule compares.
pub(super) fn blocks(work: &Work, records: &matching::Records, likely: &Likely) -> Result<Vec<Blocks>> {
    let frozen = likely.weights.iter().flat_map(|model| &model.blocking);
    let mut rules: Vec<_> = if likely.blocks.is_empty() { frozen.cloned().collect() } else { likely.blocks.clone() };
    if rules.is_empty() {
        rules = choose(records, work.max_block)?;
    }
    rules.iter().map(|rule| Blocks::build(rule, records, work.max_block)).collect()
}

#[cfg(test)]
mod tests {
    use super::bits;

    #[test]
    fn bits_have_a_sign_and_three_decimals() {
        assert_eq!([bits(7_123), bits(-2_030), bits(-4), bits(0)], ["+7.123", "-2.030", "-0.004", "+0.000"]);
    }
}
