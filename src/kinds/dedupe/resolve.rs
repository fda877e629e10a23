//! The spec against the tables it reads: every expression typed, every field and system found.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use datafusion::functions::core::expr_fn::nullif;
use datafusion::logical_expr::{Expr, cast};

use super::fields::{self, Field};
use super::forms::{Forms, Term};
use super::review;
use super::spec::{Decisions, Dedupe, RecordSource};
use super::terms::{self, Rule};
use crate::contract::ColumnType;
use crate::diag::{Diagnostic, Diagnostics, codes};
use crate::engine::TypedExpr;
use crate::engine::text::trimmed;
use crate::kinds::Scope;
use crate::kinds::typing::{Promise, Typing as Expressions, columns_of, demand, transpose};
use crate::syntax::{ColumnName, ExprText, Spanned, TableName};

/// A model of this kind in which every name means something.
#[derive(Debug)]
pub(super) struct Resolved {
    /// The entity in a word.
    pub(super) entity: String,
    /// The column that holds its id.
    pub(super) id: ColumnName,
    pub(super) sources: Vec<ResolvedSource>,
    /// Every system once, in the order of `records:`.
    pub(super) systems: Vec<String>,
    pub(super) fields: Vec<Field>,
    pub(super) rules: Vec<Rule>,
    /// By field, what rules see of its values that look at values; nothing where they see them as they are.
    pub(super) compared: Vec<Option<Expr>>,
    /// By field that rules compare as an address or number, whether a value is none.
    pub(super) unreadable: Vec<Option<Expr>>,
    /// What has one value a cluster at most.
    pub(super) uniques: Vec<Term>,
    pub(super) decisions: Option<ResolvedDecisions>,
    /// As written.
    pub(super) default_country: Option<String>,
    pub(super) max_records_per_key: u32,
    pub(super) max_ids_per_key: u32,
    pub(super) max_cluster: u32,
    pub(super) max_block: u32,
    /// Whether it is told where values are from.
    pub(super) provenance: bool,
    /// Of record ids.
    pub(super) record: Promise,
    /// Of the instants of change.
    pub(super) updated: Promise,
    /// Of the instants of creation.
    pub(super) created: Promise,
}

impl Resolved {
    /// Whether records say what they were merged into.
    pub(super) fn knows_merges(&self) -> bool {
        self.sources.iter().any(|source| source.merged_into.is_some())
    }
}

/// One table of records, typed.
#[derive(Debug)]
pub(super) struct ResolvedSource {
    pub(super) table: TableName,
    /// Index into [`Resolved::systems`].
    pub(super) system: u16,
    pub(super) filter: Option<Expr>,
    pub(super) id: Expr,
    pub(super) updated_at: Option<Expr>,
    pub(super) created_at: Option<Expr>,
    /// The id of the record that it was merged into.
    pub(super) merged_into: Option<Expr>,
    /// By field; none where the source does not have it.
    pub(super) values: Vec<Option<Expr>>,
    /// By field, its own instant of change.
    pub(super) values_updated_at: Vec<Option<Expr>>,
}

/// The table of decided pairs, as texts.
#[derive(Debug)]
pub(super) struct ResolvedDecisions {
    pub(super) table: TableName,
    pub(super) left: Expr,
    pub(super) right: Expr,
    pub(super) decision: Expr,
}

/// Types the whole spec; mistakes go to `diags`.
pub(super) fn resolve(spec: &Dedupe, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Resolved> {
    review::counts(spec, scope.place, diags);
    review::default_country(spec, diags);
    let systems = review::systems(spec, diags);
    let mut typing = Typing { scope, systems: &systems, promises: Promises::new(spec) };
    let sources: Vec<Option<ResolvedSource>> = spec.records.iter().map(|source| typing.source(source, diags)).collect();
    let decisions = spec.decisions.as_ref().map(|decisions| typing.decisions(decisions, diags));
    let Promises { record, updated, created, fields } = typing.promises;
    let sources = sources.into_iter().collect::<Option<Vec<_>>>()?;
    let fields = fields::resolve(spec, fields, &sources, &systems, diags)?;
    review::names(spec, &fields, diags);
    let forms = Forms::new(spec, &fields, scope.engine, diags)?;
    let rules = terms::rules(spec, &fields, &forms, diags);
    let uniques = terms::uniques(spec, &forms, diags);
    let rules = rules?;
    let compared = terms::compared(&rules, &fields, &forms, diags);
    let unreadable = terms::unreadable(&rules, &fields, &forms, diags);
    Some(Resolved {
        entity: spec.entity.to_string().replace('_', " "),
        id: spec.entity.with_suffix("_id"),
        sources,
        fields,
        rules,
        compared: compared?,
        unreadable: unreadable?,
        uniques: uniques?,
        decisions: transpose(decisions)?,
        default_country: spec.default_country.as_ref().map(|country| country.value.clone()),
        max_records_per_key: spec.guards.max_records_per_key.value,
        max_ids_per_key: spec.guards.max_ids_per_key.value,
        max_cluster: spec.guards.max_cluster.value,
        max_block: spec.guards.max_block.value,
        provenance: spec.provenance,
        record,
        updated,
        created,
        systems,
    })
}

struct Promises<'a> {
    record: Promise,
    updated: Promise,
    created: Promise,
    /// By field, in the order of first mention.
    fields: Vec<(&'a ColumnName, Promise)>,
}

impl<'a> Promises<'a> {
    fn new(spec: &'a Dedupe) -> Self {
        let mut fields: Vec<(&ColumnName, Promise)> = Vec::new();
        let mut seen: BTreeMap<&ColumnName, ()> = BTreeMap::new();
        for name in spec.records.iter().flat_map(|source| source.fields.keys()) {
            if seen.insert(&name.value, ()).is_none() {
                fields.push((&name.value, Promise::default()));
            }
        }
        Self { record: Promise::default(), updated: Promise::default(), created: Promise::default(), fields }
    }
}

struct Typing<'a> {
    scope: &'a Scope<'a>,
    systems: &'a [String],
    promises: Promises<'a>,
}

impl Typing<'_> {
    fn source(&mut self, source: &RecordSource, diags: &mut Diagnostics) -> Option<ResolvedSource> {
        let table = &source.from.value;
        let columns = columns_of(self.scope, &source.from, diags)?;
        let over = Expressions::new(self.scope, &columns);
        let id = over.key(&source.id, diags);
        let filter = source.filter.as_ref().map(|filter| over.condition(filter, diags));
        let updated_at = source.updated_at.as_ref().map(|at| over.instant(at, diags));
        let created_at = source.created_at.as_ref().map(|at| over.instant(at, diags));
        let merged_into = source.merged_into.as_ref().map(|id| over.key(id, diags));
        let values = self.values(source, over, diags);
        let values_updated_at = self.values_updated_at(source, over, diags);
        let (id, filter) = (id?, transpose(filter)?);
        let (updated_at, created_at) = (transpose(updated_at)?, transpose(created_at)?);
        let merged_into = transpose(merged_into)?;
        self.promises.record.add(table, &id, self.scope);
        if let Some(typed) = &merged_into {
            self.promises.record.add(table, typed, self.scope);
        }
        if let Some((typed, _)) = &updated_at {
            self.promises.updated.add(table, typed, self.scope);
        }
        if let Some((typed, _)) = &created_at {
            self.promises.created.add(table, typed, self.scope);
        }
        let system = self.systems.iter().position(|system| system == review::system_of(source))?;
        Some(ResolvedSource {
            table: table.clone(),
            system: u16::try_from(system).ok()?,
            filter: filter.map(|filter| filter.expr),
            id: cast(id.expr.clone(), DataType::Utf8View),
            updated_at: updated_at.map(|(_, instant)| instant),
            created_at: created_at.map(|(_, instant)| instant),
            merged_into: merged_into.map(|master| master_of(&id.expr, master.expr)),
            values: values?,
            values_updated_at: values_updated_at?,
        })
    }

    /// The source's expression for each of the model's fields.
    fn values(
        &mut self,
        source: &RecordSource,
        over: Expressions<'_>,
        diags: &mut Diagnostics,
    ) -> Option<Vec<Option<Expr>>> {
        let mut values = vec![None; self.promises.fields.len()];
        let mut failed = false;
        for (name, text) in &source.fields {
            let typed = over.any(text, diags).and_then(|typed| self.publishable(name, text, typed, diags));
            let Some(typed) = typed else {
                failed = true;
                continue;
            };
            let fields = self.promises.fields.iter_mut().zip(&mut values);
            for ((_, promise), value) in fields.filter(|((known, _), _)| **known == name.value) {
                let before = promise.ty;
                promise.add(&source.from.value, &typed, self.scope);
                failed |= !review::one_type(name, text, before, ColumnType::of_arrow(&typed.data_type), diags);
                *value = Some(typed.expr.clone());
            }
        }
        (!failed).then_some(values)
    }

    fn values_updated_at(
        &mut self,
        source: &RecordSource,
        over: Expressions<'_>,
        diags: &mut Diagnostics,
    ) -> Option<Vec<Option<Expr>>> {
        let mut instants = vec![None; self.promises.fields.len()];
        let mut failed = false;
        for (name, text) in &source.fields_updated_at {
            let known = source.fields.keys().any(|field| field.value == name.value);
            if !known {
                review::unknown_field(name, source.fields.keys().map(|field| field.as_str()), diags);
            }
            let instant = over.instant(text, diags);
            failed |= !known || instant.is_none();
            let Some((typed, instant)) = instant else { continue };
            self.promises.updated.add(&source.from.value, &typed, self.scope);
            let fields = self.promises.fields.iter().zip(&mut instants);
            for (_, own) in fields.filter(|((field, _), _)| **field == name.value) {
                *own = Some(instant.clone());
            }
        }
        (!failed).then_some(instants)
    }

    fn decisions(&self, spec: &Decisions, diags: &mut Diagnostics) -> Option<ResolvedDecisions> {
        let columns = columns_of(self.scope, &spec.from, diags)?;
        let over = Expressions::new(self.scope, &columns);
        let mut text = |text: &ExprText| {
            let typed = over.any(text, diags)?;
            let fits = ColumnType::of_arrow(&typed.data_type) == Some(ColumnType::Text);
            demand(fits, text, &typed, "a text", diags)?;
            Some(cast(typed.expr, DataType::Utf8))
        };
        let (left, right, decision) = (text(&spec.left), text(&spec.right), text(&spec.decision));
        Some(ResolvedDecisions { table: spec.from.value.clone(), left: left?, right: right?, decision: decision? })
    }

    fn publishable(
        &self,
        field: &Spanned<ColumnName>,
        text: &ExprText,
        typed: TypedExpr,
        diags: &mut Diagnostics,
    ) -> Option<TypedExpr> {
        if ColumnType::of_arrow(&typed.data_type).is_none() {
            let message = format!("the field `{field}` is of type {}, which cannot be published", typed.data_type);
            diags.push(
                Diagnostic::error(codes::UNSUPPORTED_TYPE, text.place, message)
                    .hint("take one value out of it, or cast it to text"),
            );
            return None;
        }
        Some(typed)
    }
}

/// The id of another record, where one is named.
fn master_of(id: &Expr, master: Expr) -> Expr {
    let text = |expr: Expr| trimmed(cast(expr, DataType::Utf8View));
    cast(nullif(text(master), text(id.clone())), DataType::Utf8View)
}
