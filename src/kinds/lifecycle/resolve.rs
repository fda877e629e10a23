//! The spec against the tables it reads: every expression typed, every stage found.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, cast};

use super::definition::Definition;
use super::keys::{Judge, MAX_SOURCES};
use super::review;
use super::spec::{Crosswalk, Doubtful, HandOver, Lifecycle, Policies, Source};
use super::values::Shared;
use crate::contract::ColumnType;
use crate::diag::Diagnostics;
use crate::engine::TypedExpr;
use crate::kinds::Scope;
use crate::kinds::typing::{Promise, Typing as Expressions, columns_of, demand, transpose};
use crate::syntax::{ExprText, Spanned, TableName};

/// A model of this kind in which every name means something.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) definition: Arc<Definition>,
    pub(super) policies: Policies,
    pub(super) sources: Vec<ResolvedSource>,
    pub(super) hand_over: Option<Mapping>,
    pub(super) crosswalk: Option<Mapping>,
    /// Of `entity_id`, once all mappings are done.
    pub(super) entity: Promise,
    /// Of `source_record`.
    pub(super) record: Promise,
    /// Of every instant.
    pub(super) at: Promise,
    /// Of every stage.
    pub(super) stage: Promise,
    /// Whether rows are left out because their value says nothing.
    pub(super) may_ignore: bool,
}

/// One source, typed.
#[derive(Debug)]
pub(super) struct ResolvedSource {
    pub(super) name: String,
    pub(super) table: TableName,
    pub(super) system: String,
    pub(super) filter: Option<Expr>,
    pub(super) entity: Expr,
    pub(super) record: Option<Expr>,
    pub(super) created: Option<Expr>,
    pub(super) feed: Feed,
    pub(super) judge: Arc<Judge>,
}

/// How a source tells of changes.
#[derive(Debug)]
pub(super) enum Feed {
    /// One row, one change.
    Values(Box<Values>),
    /// One date column, one change; stages by code.
    Dates(Vec<(u8, Expr)>),
}

/// An instant, and values as texts.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) at: Expr,
    pub(super) to: Expr,
    pub(super) was: Option<Expr>,
}

/// A table that replaces entities.
#[derive(Debug)]
pub(super) struct Mapping {
    pub(super) table: TableName,
    pub(super) old: Expr,
    pub(super) system: Option<Expr>,
    pub(super) new: Expr,
}

/// Types the whole spec; mistakes go to `diags`.
pub(super) fn resolve(spec: &Lifecycle, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Resolved> {
    let definition = Definition::read(spec, scope.settings.reporting_timezone, scope.place, diags);
    let definition = definition.map(Arc::new)?;
    let shared = Shared::read(spec, &definition, diags);
    let mut typing = Typing { spec, scope, definition: &definition, shared, promises: Default::default() };
    let sources: Vec<Option<ResolvedSource>> =
        spec.sources.iter().enumerate().map(|(index, source)| typing.source(index, source, diags)).collect();
    review::names_and_counts(spec, scope.place, MAX_SOURCES, diags);
    review::dropped(spec, &definition, diags);
    let hand_over = spec.hand_over.as_ref().map(|hand_over| typing.hand_over(hand_over, diags));
    let crosswalk = spec.crosswalk.as_ref().map(|crosswalk| typing.crosswalk(crosswalk, diags));
    let Promises { entity, record, at, stage } = typing.promises;
    if !diags.has_errors() {
        review::unmapped(spec, diags);
    }
    let ignores = |word: &Option<Spanned<String>>| word.as_ref().is_some_and(|word| word.value == "ignore");
    let may_ignore = !spec.ignored.0.is_empty()
        || ignores(&spec.otherwise)
        || spec.sources.iter().any(|source| ignores(&source.otherwise));
    Some(Resolved {
        policies: spec.policies,
        sources: sources.into_iter().collect::<Option<_>>()?,
        hand_over: transpose(hand_over)?,
        crosswalk: transpose(crosswalk)?,
        entity,
        record,
        at,
        stage,
        may_ignore,
        definition,
    })
}

#[derive(Default)]
struct Promises {
    entity: Promise,
    record: Promise,
    at: Promise,
    stage: Promise,
}

struct Typing<'a> {
    spec: &'a Lifecycle,
    scope: &'a Scope<'a>,
    definition: &'a Arc<Definition>,
    shared: Shared,
    promises: Promises,
}

impl Typing<'_> {
    fn source(&mut self, index: usize, source: &Source, diags: &mut Diagnostics) -> Option<ResolvedSource> {
        let meanings = self.shared.of_source(source, self.definition, diags);
        let table = &source.from.value;
        let columns = columns_of(self.scope, &source.from, diags)?;
        let over = Expressions::new(self.scope, &columns);
        let entity = over.key(&source.entity, diags);
        let record = source.record.as_ref().map(|record| over.key(record, diags));
        let filter = source.filter.as_ref().map(|filter| over.condition(filter, diags));
        let created = source.created_at.as_ref().map(|at| over.instant(at, diags));
        let feed = self.feed(source, over, diags);
        let (entity, record, filter, created) = (entity?, transpose(record)?, transpose(filter)?, transpose(created)?);
        self.promises.entity.add(table, &entity, self.scope);
        if let Some(record) = &record {
            self.promises.record.add(table, record, self.scope);
        }
        if let Some((typed, _)) = &created {
            self.promises.at.add(table, typed, self.scope);
        }
        let name = source.name.as_ref().map_or(table.as_str(), |name| name.value.as_str()).to_string();
        let policies = &self.spec.policies;
        let latest = self.scope.engine.as_of().timestamp_micros();
        let judge = Judge {
            definition: Arc::clone(self.definition),
            meanings,
            source: u8::try_from(index).unwrap_or(u8::MAX),
            ties: policies.ties,
            latest: (policies.future == Doubtful::Reject).then_some(latest),
            after_created: policies.before_created == Doubtful::Reject,
        };
        Some(ResolvedSource {
            system: source.system.as_ref().map_or_else(|| name.clone(), |system| system.value.clone()),
            name,
            table: table.clone(),
            filter: filter.map(|filter| filter.expr),
            entity: entity.expr,
            record: record.map(|record| record.expr),
            created: created.map(|(_, instant)| instant),
            feed: feed?,
            judge: Arc::new(judge),
        })
    }

    fn feed(&mut self, source: &Source, over: Expressions<'_>, diags: &mut Diagnostics) -> Option<Feed> {
        let table = &source.from.value;
        let Some(to) = &source.to else {
            let dates: Vec<Option<(u8, Expr)>> = source
                .dates
                .iter()
                .map(|(stage, at)| {
                    let code = self.definition.named(stage, diags);
                    let (typed, instant) = over.instant(at, diags)?;
                    self.promises.at.add(table, &typed, self.scope);
                    Some((code?, instant))
                })
                .collect();
            review::dates_alone(source, diags)?;
            return dates.into_iter().collect::<Option<_>>().map(Feed::Dates);
        };
        let at = review::at_of(source, diags).and_then(|at| over.instant(at, diags));
        let to = value(over, to, diags);
        let was = source.was.as_ref().map(|was| value(over, was, diags));
        let ((at, instant), to, was) = (at?, to?, transpose(was)?);
        self.promises.at.add(table, &at, self.scope);
        for value in was.iter().chain([&to]) {
            self.promises.stage.add(table, value, self.scope);
        }
        let text = |value: TypedExpr| cast(value.expr, DataType::Utf8View);
        Some(Feed::Values(Box::new(Values { at: instant, to: text(to), was: was.map(text) })))
    }

    fn hand_over(&mut self, spec: &HandOver, diags: &mut Diagnostics) -> Option<Mapping> {
        let columns = columns_of(self.scope, &spec.from, diags)?;
        let over = Expressions::new(self.scope, &columns);
        let old = over.key(&spec.old, diags);
        let new = over.key(&spec.new, diags);
        let (old, new) = (old?, new?);
        self.promises.entity.add(&spec.from.value, &old, self.scope);
        self.promises.entity.add(&spec.from.value, &new, self.scope);
        Some(Mapping { table: spec.from.value.clone(), old: old.expr, system: None, new: new.expr })
    }

    fn crosswalk(&mut self, spec: &Crosswalk, diags: &mut Diagnostics) -> Option<Mapping> {
        let columns = columns_of(self.scope, &spec.from, diags)?;
        let over = Expressions::new(self.scope, &columns);
        let old = over.key(&spec.record, diags);
        let new = over.key(&spec.id, diags);
        let system = spec.system.as_ref().map(|system| over.key(system, diags));
        let (old, new, system) = (old?, new?, transpose(system)?);
        self.promises.entity.add(&spec.from.value, &old, self.scope);
        self.promises.entity.add(&spec.from.value, &new, self.scope);
        let system = system.map(|system| cast(system.expr, DataType::Utf8View));
        Some(Mapping { table: spec.from.value.clone(), old: old.expr, system, new: new.expr })
    }
}

fn value(over: Expressions<'_>, text: &ExprText, diags: &mut Diagnostics) -> Option<TypedExpr> {
    let typed = over.any(text, diags)?;
    let fits = matches!(
        ColumnType::of_arrow(&typed.data_type),
        Some(ColumnType::Text | ColumnType::Int | ColumnType::BigInt | ColumnType::Boolean)
    );
    demand(fits, text, &typed, "a text, a whole number or a yes-or-no", diags)?;
    Some(typed)
}
