//! What is compared: match keys and unique ids, as typed expressions over a record's fields.

use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::functions::expr_fn::{btrim, lower};
use datafusion::logical_expr::{Expr, cast, lit, when};

use super::fields::Field;
use super::matching::blocking::BlockRule;
use super::matching::{FieldKind, Model, Test};
use super::probabilistic::Probabilistic;
use super::review;
use super::rule::How;
use super::spec::Dedupe;
use crate::contract::ColumnType;
use crate::diag::{Diagnostic, Diagnostics, codes};
use crate::engine::Engine;
use crate::kinds::typing::demand;
use crate::syntax::{ExprText, SqlText};

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
    /// Places of fields.
    pub(super) fields: Vec<usize>,
    /// Chosen by the records where empty.
    pub(super) blocks: Vec<BlockRule>,
    /// Learnt where none is given.
    pub(super) weights: Option<Model>,
}

/// One thing that is compared.
#[derive(Debug, Clone)]
pub(super) struct Term {
    /// As written.
    pub(super) text: String,
    /// Over the fields of a record; NULL where there is nothing to compare.
    pub(super) expr: Expr,
}

/// The fields as columns, for typing expressions over them.
pub(super) fn schema(fields: &[Field]) -> Option<DFSchema> {
    let columns = fields.iter().map(|field| ArrowField::new(field.name.as_str(), field.promise.arrow(), true));
    DFSchema::try_from(Schema::new(columns.collect::<Vec<_>>())).ok()
}

/// The match rules in order, strongest first.
pub(super) fn rules(spec: &Dedupe, fields: &[Field], engine: &Engine, diags: &mut Diagnostics) -> Option<Vec<Rule>> {
    let typing = Typing { fields, schema: schema(fields)?, country: country(spec, fields), engine };
    let mut rules: Vec<Rule> = Vec::new();
    let mut failed = false;
    for rule in &spec.rules {
        let keys: Vec<Option<Term>> = rule.keys_at(rule.place).map(|key| typing.term(&key, diags)).collect();
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
    Some(Likely {
        merge: rule.merge.value,
        review: rule.review.value,
        fields: compared,
        blocks: blocks.into_iter().collect::<Option<_>>()?,
        weights: match weights {
            Some(model) => Some(model?),
            None => None,
        },
    })
}

/// What has one value a cluster at most.
pub(super) fn uniques(spec: &Dedupe, fields: &[Field], engine: &Engine, diags: &mut Diagnostics) -> Option<Vec<Term>> {
    let typing = Typing { fields, schema: schema(fields)?, country: country(spec, fields), engine };
    let terms = &spec.guards.one_value_per_cluster.0;
    let terms: Vec<Option<Term>> = terms.iter().map(|term| typing.term(term, diags)).collect();
    terms.into_iter().collect()
}

/// The further arguments of `phone_key`: the record's country, then the model's.
fn country(spec: &Dedupe, fields: &[Field]) -> String {
    let own = fields.iter().find(|field| field.is_country());
    let own = own.map_or_else(String::new, |field| format!(", {}", quoted(field)));
    let default = spec.default_country.as_ref();
    own + &default.map_or_else(String::new, |country| format!(", '{}'", country.value.replace('\'', "''")))
}

fn quoted(field: &Field) -> String {
    format!("\"{}\"", field.name)
}

struct Typing<'a> {
    fields: &'a [Field],
    schema: DFSchema,
    country: String,
    engine: &'a Engine,
}

impl Typing<'_> {
    /// A field by its name alone is compared as its kind wants it; anything else is an expression.
    fn term(&self, text: &ExprText, diags: &mut Diagnostics) -> Option<Term> {
        let named = |name: &str| self.fields.iter().find(|field| field.name.as_str() == name);
        let word = text.as_str().trim();
        let email = |name| named(name).filter(|field| field.kind == FieldKind::Email);
        let sql = match (named(word), word.strip_suffix("_domain").and_then(email)) {
            (Some(field), _) => self.key_of(field),
            (None, Some(field)) => format!("domain_key({})", quoted(field)),
            (None, None) => text.as_str().to_string(),
        };
        let meant = ExprText { value: SqlText(sql), place: text.place };
        let typed = self.engine.expr(&meant, &self.schema).map_err(|diagnostic| diags.push(diagnostic)).ok()?;
        let ty = ColumnType::of_arrow(&typed.data_type);
        let fits = ty.is_some() && ty != Some(ColumnType::Double);
        demand(fits, text, &typed, "something that is equal or not", diags)?;
        let expr = self.without_ignored(typed.expr);
        let expr = if ty == Some(ColumnType::Text) { cast(expr, DataType::Utf8View) } else { expr };
        Some(Term { text: text.as_str().trim().to_string(), expr })
    }

    /// The function that brings a field's values into the form in which they are compared.
    fn key_of(&self, field: &Field) -> String {
        let name = quoted(field);
        if field.ty() != ColumnType::Text {
            return name;
        }
        match field.kind {
            FieldKind::Email => format!("email_key({name})"),
            FieldKind::Phone => format!("phone_key({name}{})", self.country),
            FieldKind::GivenName => format!("given_name_key({name})"),
            FieldKind::FamilyName => format!("name_key({name})"),
            FieldKind::FullName => format!("full_name_key({name})"),
            FieldKind::Company => format!("company_key({name})"),
            FieldKind::Domain => format!("domain_key({name})"),
            // Ids of some systems differ by case alone.
            FieldKind::Id => format!("btrim({name})"),
            _ => format!("lower(btrim({name}))"),
        }
    }

    /// The expression, in which the values to be ignored are NULL.
    fn without_ignored(&self, expr: Expr) -> Expr {
        let done = expr.clone().transform(|part| {
            let Expr::Column(column) = &part else { return Ok(Transformed::no(part)) };
            let field = self.fields.iter().find(|field| field.name.as_str() == column.name);
            match field.filter(|field| !field.ignored.is_empty()) {
                Some(field) => Ok(Transformed::yes(known_value(part, field)?)),
                None => Ok(Transformed::no(part)),
            }
        });
        done.map_or(expr, |done| done.data)
    }
}

fn known_value(column: Expr, field: &Field) -> datafusion::common::Result<Expr> {
    let text = lower(btrim(vec![cast(column.clone(), DataType::Utf8View)]));
    let ignored = field.ignored.iter().map(lit).collect();
    when(text.in_list(ignored, false).is_not_true(), column).end()
}
