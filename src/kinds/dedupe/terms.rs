//! What is compared: match keys and unique ids, as typed expressions over a record's fields.

use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::functions::expr_fn::{btrim, lower};
use datafusion::logical_expr::{Expr, cast, lit, when};

use super::fields::Field;
use super::review;
use super::spec::{Dedupe, FieldKind};
use crate::contract::ColumnType;
use crate::diag::{Diagnostic, Diagnostics, codes};
use crate::engine::Engine;
use crate::syntax::{ExprText, SqlText};

/// One match rule, typed.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) keys: Vec<Term>,
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
        match keys.into_iter().collect() {
            Some(keys) => rules.push(Rule { name, keys }),
            None => failed = true,
        }
    }
    (!failed).then_some(rules)
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
    let own = fields.iter().find(|field| field.kind == FieldKind::Country);
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
        let field = self.fields.iter().find(|field| field.name.as_str() == text.as_str().trim());
        let sql = field.map_or_else(|| text.as_str().to_string(), |field| self.key_of(field));
        let meant = ExprText { value: SqlText(sql), place: text.place };
        let typed = self.engine.expr(&meant, &self.schema).map_err(|diagnostic| diags.push(diagnostic)).ok()?;
        let ty = ColumnType::of_arrow(&typed.data_type);
        let fits = ty.is_some() && ty != Some(ColumnType::Double);
        review::demand(fits, text, &typed, "something that is equal or not", diags)?;
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
            FieldKind::Name => format!("name_key({name})"),
            FieldKind::Company => format!("company_key({name})"),
            FieldKind::Domain => format!("domain_key({name})"),
            FieldKind::Country | FieldKind::Text => format!("lower(btrim({name}))"),
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
