//! The match rules and unique ids, typed.

use datafusion::logical_expr::Expr;

use super::fields::Field;
use super::forms::{Forms, Term};
use super::matching::blocking::BlockRule;
use super::matching::{FieldKind, Model, Test};
use super::probabilistic::Probabilistic;
use super::review;
use super::rule::How;
use super::spec::Dedupe;
use crate::diag::{Diagnostic, Diagnostics, codes};

/// One match rule, typed.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) name: String,
    /// What records must share; nothing where the rule finds its own pairs.
    pub(super) keys: Vec<Term>,
    pub(super) test: RuleTest,
}

/// What records that share the keys must be besides.
#[derive(Debug, Clone)]
pub(super) enum RuleTest {
    /// Nothing more.
    Equal,
    /// That their system says that one was merged into the other.
    MergedInto,
    /// For each of these fields, by its place, one of the conditions must hold.
    Similar(Vec<(usize, Vec<Test>)>),
    /// Likely enough.
    Likely(Box<Likely>),
}

impl RuleTest {
    /// The fields whose values it looks at beside keys, by place, each once.
    pub(super) fn looks_at(&self, fields: &[Field]) -> Vec<usize> {
        let mut wanted: Vec<usize> = Vec::new();
        match self {
            Self::Equal | Self::MergedInto => {}
            Self::Similar(tests) => wanted.extend(tests.iter().map(|(field, _)| *field)),
            Self::Likely(likely) => {
                wanted.extend(&likely.fields);
                let given = likely.weights.iter().flat_map(|model| &model.blocking);
                let named = likely.blocks.iter().chain(given).flat_map(|block| block.fields());
                wanted.extend(named.filter_map(|name| fields.iter().position(|field| field.name.as_str() == name)));
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }
}

/// What the rule is called that links a record with the one it was merged into.
pub(super) const MERGED_INTO: &str = "merged_into";

impl Rule {
    /// The rule that goes before all others where a source says what was merged.
    fn merged_into() -> Self {
        Self { name: MERGED_INTO.to_string(), keys: Vec::new(), test: RuleTest::MergedInto }
    }
}

/// A probabilistic rule in which every name means something.
#[derive(Debug, Clone)]
pub(super) struct Likely {
    pub(super) merge: f64,
    pub(super) review: f64,
    /// The probability of two records that are not one from which on down; 0 for none.
    pub(super) contradiction: f64,
    /// Places of fields.
    pub(super) fields: Vec<usize>,
    /// Chosen by the records where empty.
    pub(super) blocks: Vec<BlockRule>,
    /// Learnt where none is given.
    pub(super) weights: Option<Model>,
}

/// The match rules in order, strongest first.
pub(super) fn rules(spec: &Dedupe, fields: &[Field], forms: &Forms<'_>, diags: &mut Diagnostics) -> Option<Vec<Rule>> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut failed = false;
    for rule in &spec.rules {
        let keys: Vec<Option<Term>> = rule.keys_at(rule.place).map(|key| forms.term(&key, diags)).collect();
        let name = rule.title();
        if let Some(earlier) = rules.iter().position(|known| known.name == name) {
            let message = format!("two match rules are called `{name}`");
            let twice = Diagnostic::error(codes::DUPLICATE_MATCH_RULE, rule.place, message);
            let first = spec.rules.get(earlier).map(|rule| rule.place);
            diags.push(first.into_iter().fold(twice, |twice, place| twice.related(place, "the first one")));
            failed = true;
        }
        let test = test(&rule.how, fields, diags);
        match (keys.into_iter().collect(), test) {
            (Some(keys), Some(test)) => rules.push(Rule { name, keys, test }),
            _ => failed = true,
        }
    }
    let mut likely = spec.rules.iter().filter(|rule| matches!(rule.how, How::Probabilistic(_)));
    if let Some(second) = likely.nth(1) {
        let message = "a model has one probabilistic rule at most: it weighs all that is known already";
        diags.push(Diagnostic::error(codes::INVALID_VALUE, second.place, message));
        failed = true;
    }
    if spec.records.iter().any(|source| source.merged_into.is_some()) {
        if let Some(rule) = spec.rules.iter().find(|rule| rule.title() == MERGED_INTO) {
            let message = format!("`{MERGED_INTO}` is what links are called that the records themselves declare");
            let taken = Diagnostic::error(codes::DUPLICATE_MATCH_RULE, rule.place, message);
            diags.push(taken.hint("give the rule another name"));
            failed = true;
        }
        rules.insert(0, Rule::merged_into());
    }
    (!failed).then_some(rules)
}

fn test(how: &How, fields: &[Field], diags: &mut Diagnostics) -> Option<RuleTest> {
    match how {
        How::Equal(_) => Some(RuleTest::Equal),
        How::Similar { fields: wanted, .. } => {
            let tests = wanted.iter().map(|(name, text)| {
                let at = review::field(name, fields, diags);
                let condition = review::similarity(text, diags);
                let at = at?;
                let nickname = fields.get(at).is_some_and(|field| field.kind == FieldKind::GivenName);
                let more = nickname.then_some(Test::Nickname);
                Some((at, [Test::Exact].into_iter().chain(more).chain([condition?]).collect()))
            });
            tests.collect::<Vec<_>>().into_iter().collect::<Option<_>>().map(RuleTest::Similar)
        }
        How::Probabilistic(rule) => likely(&rule.value, fields, diags).map(|rule| RuleTest::Likely(Box::new(rule))),
    }
}

fn likely(rule: &Probabilistic, fields: &[Field], diags: &mut Diagnostics) -> Option<Likely> {
    let thresholds = review::thresholds(rule, diags);
    let said_twice = review::fields_and_weights(rule, diags).and(review::fields_once(rule, diags));
    let named: Vec<Option<usize>> = rule.fields.0.iter().map(|name| review::field(name, fields, diags)).collect();
    let named: Option<Vec<usize>> = named.into_iter().collect();
    let blocks: Vec<Option<BlockRule>> = rule.within.0.iter().map(|text| review::block(text, fields, diags)).collect();
    let weights = rule.weights.as_ref().map(|model| review::weights(model, fields, diags));
    let compared = match (&rule.weights, named?) {
        (Some(model), _) => {
            let place = |name: &str| fields.iter().position(|field| field.name.as_str() == name);
            model.fields.iter().filter_map(|field| place(&field.name)).collect()
        }
        (None, named) if named.is_empty() => (0..fields.len()).collect(),
        (None, named) => named,
    };
    thresholds?;
    said_twice?;
    Some(Likely {
        merge: rule.merge.value,
        review: rule.review.value,
        contradiction: rule.contradiction.value,
        fields: compared,
        blocks: blocks.into_iter().collect::<Option<_>>()?,
        weights: match weights {
            Some(model) => Some(model?),
            None => None,
        },
    })
}

/// By field, what rules see of its values that look at values instead of keys; nothing where no rule does, or
/// they are seen as they are.
pub(super) fn compared(
    rules: &[Rule],
    fields: &[Field],
    forms: &Forms<'_>,
    diags: &mut Diagnostics,
) -> Option<Vec<Option<Expr>>> {
    let mut wanted: Vec<usize> = rules.iter().flat_map(|rule| rule.test.looks_at(fields)).collect();
    wanted.sort_unstable();
    let seen = fields.iter().enumerate().map(|(at, field)| match wanted.binary_search(&at) {
        Ok(_) => forms.compared(field, diags),
        Err(_) => Some(None),
    });
    seen.collect()
}

/// By field that rules compare, whether a value is passed over, whole or in part.
pub(super) fn unreadable(
    rules: &[Rule],
    fields: &[Field],
    forms: &Forms<'_>,
    diags: &mut Diagnostics,
) -> Option<Vec<Option<Expr>>> {
    let compares = |at: usize, field: &Field| {
        rules.iter().any(|rule| {
            rule.keys.iter().any(|key| key.text == field.name.as_str()) || rule.test.looks_at(fields).contains(&at)
        })
    };
    let of =
        |(at, field): (usize, &Field)| if compares(at, field) { forms.unreadable(field, diags) } else { Some(None) };
    fields.iter().enumerate().map(of).collect()
}

/// What has one value a cluster at most.
pub(super) fn uniques(spec: &Dedupe, forms: &Forms<'_>, diags: &mut Diagnostics) -> Option<Vec<Term>> {
    let terms = &spec.guards.one_value_per_cluster.0;
    let terms: Vec<Option<Term>> = terms.iter().map(|term| forms.term(term, diags)).collect();
    terms.into_iter().collect()
}
