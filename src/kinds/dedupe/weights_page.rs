//! What the probabilistic rule weighs, shown on the model's page: a picture and a table.

use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, ident};

use super::describe::quoted;
use super::learnt::learnt;
use super::matching::{Model, ModelField, grouped, signed, threshold, words};
use super::plan::planned;
use super::resolve::Resolved;
use super::terms::RuleTest;
use crate::error::Result;
use crate::kinds::Scope;
use crate::kinds::exhibit::{Answer, Bar, Chart, ChartGroup, Exhibit, ExhibitTable, Exhibitor, whole};

/// The weights that the run has used.
pub(super) struct WeightsPage {
    /// Who the records are about.
    who: String,
    /// The rule's name.
    rule: String,
    merge: f64,
    review: f64,
    /// Whether the weights are the user's.
    given: bool,
}

impl WeightsPage {
    /// The page of a model with a probabilistic rule; others have none.
    pub(super) fn of(resolved: &Resolved) -> Option<Self> {
        let likely = resolved.rules.iter().find_map(|rule| match &rule.test {
            RuleTest::Likely(likely) => Some((rule, likely)),
            RuleTest::Equal | RuleTest::MergedInto | RuleTest::Similar(_) => None,
        });
        let (rule, likely) = likely?;
        Some(Self {
            who: resolved.entity.clone(),
            rule: rule.name.clone(),
            merge: likely.merge,
            review: likely.review,
            given: likely.weights.is_some(),
        })
    }

    fn tell(&self, model: &Model) -> Exhibit {
        let who = &self.who;
        let needed = |probability: f64| signed(threshold(probability).saturating_sub(model.prior_bits));
        let mut text = vec![
            format!(
                "What the rule `{}` finds of two records adds up, in bits: each bit doubles the odds that they are about the same {who}. \
                 One pair in {} is, so two records start at {} bits.",
                self.rule,
                grouped(1.0 / model.lambda),
                signed(model.prior_bits)
            ),
            format!(
                "Findings that add up to {} bits or more link the two, which is a probability of {}; from {} bits on, a probability of {}, \
                 the pair is shown for review.",
                needed(self.merge),
                self.merge,
                needed(self.review),
                self.review
            ),
        ];
        if let Some(related) = &model.related {
            let apart = match model.told_apart_by() {
                own if own.is_empty() => String::new(),
                own => format!(" What tells them apart is each one's own: {}.", quoted(own)),
            };
            text.push(format!(
                "One pair in {} is of two that are related: not the same {who}, but alike in much at once, as those are who live or work together.{apart} \
                 What related ones would show as well does not count: the more a pair looks like them, the more of its sum is taken off.",
                grouped(1.0 / related.rho)
            ));
        }
        let learnt = match self.given {
            true => "The weights are given in the model; nothing was learnt from the records of this run.",
            false => "The weights were learnt from the records of this run, without examples.",
        };
        let mut notes = vec![learnt.to_string()];
        if !model.blocking.is_empty() {
            let shared: Vec<String> = model.blocking.iter().map(|rule| format!("`{rule}`")).collect();
            notes.push(format!("Only pairs that share one of these were compared: {}.", shared.join(", ")));
        }
        let chart = Chart {
            caption: "What each finding weighs, in bits".to_string(),
            less: format!("not the same {who}"),
            more: format!("the same {who}"),
            groups: model.fields.iter().map(group).collect(),
        };
        let title = "What findings weigh".to_string();
        Exhibit { title, text, chart: Some(chart), tables: vec![table(model)], notes }
    }
}

impl Exhibitor for WeightsPage {
    fn question(&self, scope: &Scope<'_>, answers: &[Answer]) -> Result<Option<LogicalPlan>> {
        if !answers.is_empty() {
            return Ok(None);
        }
        let rows = scope.frames.scan(&scope.model.with_suffix("_weights"))?;
        planned(rows.sort([ident("position").sort(true, false)]).and_then(LogicalPlanBuilder::build)).map(Some)
    }

    fn exhibit(&self, answers: &[Answer]) -> Result<Option<Exhibit>> {
        // Records too few to be compared teach nothing, and the table is empty.
        let Some(rows) = whole(answers.first())? else { return Ok(None) };
        Ok(Some(self.tell(&learnt(&[rows])?)))
    }
}

fn group(field: &ModelField) -> ChartGroup {
    let bars = field.levels.iter().map(|level| Bar {
        label: words(level.when),
        value: i64::from(level.bits),
        shown: signed(level.bits),
    });
    ChartGroup { title: title(field), bars: bars.collect() }
}

fn title(field: &ModelField) -> String {
    if field.term_frequency { format!("{} (rare values weigh more)", field.name) } else { field.name.clone() }
}

fn table(model: &Model) -> ExhibitTable {
    let heads = [("Field", false), ("Finding", false), ("Bits", true), ("Of the same", true), ("Of others", true)];
    let related = model.related.map(|_| ("Of related", true));
    let heads = heads.into_iter().chain(related).map(|(head, numeric)| (head.to_string(), numeric));
    let mut table = ExhibitTable::new("What each finding weighs, and how many pairs have it", heads);
    for field in &model.fields {
        for (at, level) in field.levels.iter().enumerate() {
            let name = if at == 0 { format!("`{}`", field.name) } else { String::new() };
            let shares = [level.m, level.u].into_iter().chain(level.related.map(|related| related.r)).map(share);
            table.rows.push([name, words(level.when), signed(level.bits)].into_iter().chain(shares).collect());
        }
    }
    table
}

/// A share of pairs as it is read: in percent, or as one in so many where that is little; all but a few
/// are never said to be all.
fn share(share: f64) -> String {
    match share {
        share if share >= 1.0 => "100 %".to_string(),
        share if share >= 0.9995 => "> 99.9 %".to_string(),
        share if share >= 0.1 => format!("{:.1} %", share * 100.0),
        share if share >= 0.000_1 => format!("{:.2} %", share * 100.0),
        share if share > 0.0 => format!("1 in {}", grouped(1.0 / share)),
        _ => "none".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_are_read_without_powers_of_ten() {
        let shares = [1.0, 0.999_96, 0.8674, 0.034_41, 0.000_1, 0.000_04, 3e-7, 0.0].map(share);
        assert_eq!(
            shares,
            ["100 %", "> 99.9 %", "86.7 %", "3.44 %", "0.01 %", "1 in 25,000", "1 in 3,333,333", "none"]
        );
    }
}
