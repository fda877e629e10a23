//! The spec against the tables it reads: stages found, every expression typed.

use std::collections::BTreeSet;

use arrow::datatypes::DataType;
use chrono_tz::Tz;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, TableReference};
use datafusion::logical_expr::{Expr, cast, ident};

use super::algorithm::Rules;
use super::calendar::{self, Calendars};
use super::cohort::Cohorts;
use super::pairs::{self, Pairs};
use super::pauses::{self, Pauses};
use super::review;
use super::spec::{AttributesSpec, InferredVisits, Velocity};
use super::statistics::Share;
use super::units::{Horizon, Unit};
use crate::contract::{ColumnRef, ColumnType, Pii};
use crate::diag::{Diagnostic, Diagnostics, codes};
use crate::engine::{Frame, TypedExpr};
use crate::kinds::Scope;
use crate::kinds::typing::{self, columns_of, demand, transpose};
use crate::syntax::{ColumnName, ExprText, Spanned, TableName};

/// A model of this kind in which every name means something.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) visits: TableName,
    /// The reporting time zone.
    pub(super) zone: Tz,
    pub(super) pairs: Pairs,
    pub(super) rules: Rules,
    pub(super) inferred: InferredVisits,
    /// Of `entity_id`.
    pub(super) entity: Promise,
    pub(super) attributes: Vec<Attributes>,
    /// The columns of the visits that expressions read.
    pub(super) kept: Vec<String>,
    pub(super) segments: Vec<Segment>,
    pub(super) exclude: Option<Expr>,
    pub(super) observed: Option<Expr>,
    pub(super) cohorts: Option<Cohorts>,
    pub(super) calendars: Option<Calendars>,
    pub(super) calendar_by: Option<Expr>,
    pub(super) pauses: Option<Pauses>,
    pub(super) unit: Unit,
    pub(super) quantiles: Vec<Share>,
    pub(super) horizon: Option<Horizon>,
    pub(super) min_n: u32,
}

/// What is known of an output column through the expressions it comes from.
#[derive(Debug, Clone)]
pub(super) struct Promise {
    pub(super) ty: ColumnType,
    pub(super) lineage: Vec<ColumnRef>,
    pub(super) pii: Pii,
}

/// A column to split by.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) name: ColumnName,
    pub(super) text: String,
    pub(super) expr: Expr,
    pub(super) promise: Promise,
}

/// A table with columns for entities; `expr`s are over the table itself.
#[derive(Debug)]
pub(super) struct Attributes {
    pub(super) table: TableName,
    pub(super) entity: Expr,
    pub(super) since: Option<Expr>,
    /// The columns that expressions read.
    pub(super) columns: Vec<String>,
}

/// What a kept column of the visits is called on its way.
pub(super) fn kept_name(column: &str) -> String {
    format!("v_{column}")
}

/// What a column of the attributes with that index is called on its way.
pub(super) fn attribute_name(index: usize, column: &str) -> String {
    format!("a{index}_{column}")
}

/// Types the whole spec; mistakes go to `diags`.
pub(super) fn resolve(spec: &Velocity, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Resolved> {
    let visits = review::visits(&spec.from, scope, diags)?;
    let pairs = pairs::read(spec, &review::stages(&spec.from.value, scope), scope.place, diags);
    let mut typing = Typing::new(spec, visits, scope, diags)?;
    let segments: Vec<Option<Segment>> =
        spec.segments.iter().map(|(name, text)| typing.segment(name, text, diags)).collect();
    let exclude = spec.exclude.as_ref().map(|text| typing.condition(text, diags));
    let observed = spec.observed_from.as_ref().map(|text| typing.instant(text, diags));
    let calendar_by = spec.calendar_by.as_ref().map(|text| typing.text(text, diags));
    let calendars = calendar::read(spec, scope, diags);
    let unit = Unit::read(spec, diags);
    let horizon = spec.horizon.as_ref().map(|period| Horizon::read(period, !spec.calendars.is_empty(), diags));
    let quantiles = review::quantiles(spec, scope.place, diags);
    let cohorts = review::cohorts(spec, scope.settings.reporting_timezone, diags);
    let entity = promise_of(visits, &spec.from.value, "entity_id")?;
    let pauses = pauses::read(spec, &typing.entity, scope, diags);
    let (attributes, kept) = typing.used();
    let pairs = pairs?;
    let rules = Rules {
        pairs: pairs.codes(),
        beyond: pairs.beyond(),
        measure: spec.measure,
        as_of: scope.engine.as_of().timestamp_micros(),
        spans: !spec.calendars.is_empty() || spec.observed_from.is_some() || spec.pauses.is_some(),
    };
    Some(Resolved {
        visits: spec.from.value.clone(),
        zone: scope.settings.reporting_timezone,
        pairs,
        rules,
        inferred: spec.inferred,
        entity,
        attributes,
        kept,
        segments: segments.into_iter().collect::<Option<_>>()?,
        exclude: transpose(exclude)?,
        observed: transpose(observed)?,
        cohorts,
        calendars: calendars?,
        calendar_by: transpose(calendar_by)?,
        pauses: pauses?,
        unit: unit?,
        quantiles: quantiles?,
        horizon: transpose(horizon)?,
        min_n: spec.min_n,
    })
}

fn promise_of(frame: &Frame, table: &TableName, column: &str) -> Option<Promise> {
    let schema = frame.schema();
    let field = schema.field_with_name(column).ok()?;
    let lineage = ColumnName::new(column).map(|column| ColumnRef { table: table.clone(), column });
    Some(Promise {
        ty: ColumnType::of_arrow(field.data_type())?,
        lineage: lineage.into_iter().collect(),
        pii: frame.column(column).map_or(Pii::None, |column| column.pii),
    })
}

/// An expression that names entities of the type that the visits' have.
pub(super) fn entity_key(
    text: &ExprText,
    typing: &typing::Typing<'_>,
    entity: &DataType,
    diags: &mut Diagnostics,
) -> Option<TypedExpr> {
    let key = typing.any(text, diags)?;
    let texts = |data_type: &DataType| ColumnType::of_arrow(data_type) == Some(ColumnType::Text);
    let wanted = if texts(entity) { "a text, as the entities are," } else { "a whole number, as the entities are," };
    let fits = texts(entity) == texts(&key.data_type) && typing::is_key(&key.data_type);
    demand(fits, text, &key, wanted, diags)?;
    Some(key)
}

/// Types expressions over the visits and the attributes.
struct Typing<'a> {
    scope: &'a Scope<'a>,
    visits: TableName,
    /// The type of `entity_id`.
    entity: DataType,
    /// The columns of the visits, then those of the attributes, each qualified by its table.
    schema: DFSchema,
    attributes: Vec<Attributes>,
    /// By table: the columns that expressions read.
    used: BTreeSet<(TableName, String)>,
}

impl<'a> Typing<'a> {
    fn new(spec: &Velocity, visits: &Frame, scope: &'a Scope<'a>, diags: &mut Diagnostics) -> Option<Self> {
        let mut schema = scope.frames.df_schema(&spec.from.value).ok()?;
        let entity = visits.schema().field_with_name("entity_id").ok()?.data_type().clone();
        let mut attributes: Vec<Attributes> = Vec::new();
        for written in &spec.attributes {
            let table = &written.from;
            if table.value == spec.from.value || attributes.iter().any(|known| known.table == table.value) {
                let message = format!("the table `{table}` is read here already");
                diags.push(Diagnostic::error(codes::DUPLICATE_TABLE, table.place, message));
                return None;
            }
            let (own, read) = Self::attributes(written, &entity, scope, diags)?;
            schema = schema.join(&own).ok()?;
            attributes.push(read);
        }
        let visits = spec.from.value.clone();
        Some(Self { scope, visits, entity, schema, attributes, used: BTreeSet::new() })
    }

    fn attributes(
        written: &AttributesSpec,
        entity: &DataType,
        scope: &Scope<'_>,
        diags: &mut Diagnostics,
    ) -> Option<(DFSchema, Attributes)> {
        let table = &written.from;
        let schema = columns_of(scope, table, diags)?;
        let typing = typing::Typing::new(scope, &schema);
        let key = entity_key(&written.entity, &typing, entity, diags)?;
        let since = match &written.since {
            None => None,
            Some(text) => Some(typing.instant(text, diags)?.1),
        };
        let read = Attributes { table: table.value.clone(), entity: key.expr, since, columns: Vec::new() };
        Some((schema, read))
    }

    fn typed(&mut self, text: &ExprText, diags: &mut Diagnostics) -> Option<TypedExpr> {
        let typed = self.scope.engine.expr(text, &self.schema).map_err(|diagnostic| diags.push(diagnostic)).ok()?;
        for column in &typed.columns {
            let table = column.relation.as_ref().and_then(|relation| TableName::new(relation.table()));
            self.used.insert((table.unwrap_or_else(|| self.visits.clone()), column.name.clone()));
        }
        Some(typed)
    }

    /// An expression as it stands over the rows that the walk makes, joined to the attributes.
    fn moved(&self, expr: Expr) -> Option<Expr> {
        let moved = expr.transform(|part| {
            let Expr::Column(column) = &part else { return Ok(Transformed::no(part)) };
            Ok(Transformed::yes(ident(self.name_of(column))))
        });
        moved.ok().map(|done| done.data)
    }

    fn name_of(&self, column: &Column) -> String {
        let table = column.relation.as_ref().map(TableReference::table);
        let of = self.attributes.iter().position(|known| Some(known.table.as_str()) == table);
        of.map_or_else(|| kept_name(&column.name), |index| attribute_name(index, &column.name))
    }

    fn segment(&mut self, name: &Spanned<ColumnName>, text: &ExprText, diags: &mut Diagnostics) -> Option<Segment> {
        let typed = self.typed(text, diags);
        review::segment_name(name, diags)?;
        let typed = typed?;
        let ty = ColumnType::of_arrow(&typed.data_type).filter(|ty| *ty != ColumnType::Double);
        demand(ty.is_some(), text, &typed, "a text, a whole number, a date or a yes-or-no", diags)?;
        let lineage = self.lineage(&typed);
        let described = |of: &ColumnRef| {
            let frame = self.scope.frames.get(of.table.as_str())?;
            Some(frame.column(of.column.as_str())?.pii)
        };
        let pii = lineage.iter().filter_map(described).max().unwrap_or_default();
        let promise = Promise { ty: ty?, lineage, pii };
        let expr = self.moved(cast(typed.expr, promise.ty.arrow()))?;
        Some(Segment { name: name.value.clone(), text: text.value.to_string(), expr, promise })
    }

    fn lineage(&self, typed: &TypedExpr) -> Vec<ColumnRef> {
        let of = |column: &Column| {
            let table = column.relation.as_ref().and_then(|relation| TableName::new(relation.table()));
            Some(ColumnRef {
                table: table.unwrap_or_else(|| self.visits.clone()),
                column: ColumnName::new(&column.name)?,
            })
        };
        typed.columns.iter().filter_map(of).collect()
    }

    fn condition(&mut self, text: &ExprText, diags: &mut Diagnostics) -> Option<Expr> {
        let typed = self.typed(text, diags)?;
        demand(typed.data_type == DataType::Boolean, text, &typed, "a condition", diags)?;
        self.moved(typed.expr)
    }

    fn text(&mut self, text: &ExprText, diags: &mut Diagnostics) -> Option<Expr> {
        let typed = self.typed(text, diags)?;
        let fits = ColumnType::of_arrow(&typed.data_type) == Some(ColumnType::Text);
        demand(fits, text, &typed, "a text", diags)?;
        self.moved(cast(typed.expr, DataType::Utf8View))
    }

    /// A timestamp in UTC, or a date.
    fn instant(&mut self, text: &ExprText, diags: &mut Diagnostics) -> Option<Expr> {
        let typed = self.typed(text, diags)?;
        let wanted = match &typed.data_type {
            DataType::Date32 | DataType::Date64 => DataType::Date32,
            DataType::Timestamp(_, _) => ColumnType::Timestamp.arrow(),
            _ => {
                demand(false, text, &typed, "a timestamp or a date", diags)?;
                return None;
            }
        };
        self.moved(cast(typed.expr, wanted))
    }

    /// The attributes with the columns that are read of them, and those read of the visits.
    fn used(self) -> (Vec<Attributes>, Vec<String>) {
        let Self { mut attributes, used, visits, .. } = self;
        let of = |table: &TableName| -> Vec<String> {
            used.iter().filter(|(of, _)| of == table).map(|(_, column)| column.clone()).collect()
        };
        attributes.iter_mut().for_each(|read| read.columns = of(&read.table));
        let kept = of(&visits).into_iter().filter(|column| column != "entity_id").collect();
        (attributes, kept)
    }
}

impl Resolved {
    /// The names of the stages; a stage's code is its index.
    pub(super) fn stages(&self) -> &[String] {
        &self.pairs.stages
    }

    /// The names of the calendars, in order.
    pub(super) fn calendar_names(&self) -> Vec<&str> {
        self.calendars.iter().flat_map(|calendars| &calendars.all).map(|calendar| calendar.name.as_str()).collect()
    }
}
