//! Milestones of the spec → instants of conversions, typed.

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, cast, lit};

use super::lint;
use super::model_spec::{MilestoneSpec, MilestoneTable};
use super::resolve::Promises;
use super::spec::Attribution;
use super::typing::Typing;
use crate::contract::ColumnType;
use crate::diag::{Diagnostic, Diagnostics, Place, codes};
use crate::engine::local_day::last_instant;
use crate::kinds::Scope;
use crate::kinds::typing::{transpose, view_type};
use crate::syntax::{ExprText, SqlText, TableName};

/// An instant on the way to a conversion.
#[derive(Debug)]
pub(super) struct Milestone {
    pub(super) name: String,
    pub(super) from: MilestoneFrom,
}

/// Where it comes from.
#[derive(Debug)]
pub(super) enum MilestoneFrom {
    /// The conversion itself.
    Column(Expr),
    /// The earliest instant of another table.
    Table(Box<Reached>),
}

/// The instants of a table, each with whom it belongs to.
#[derive(Debug)]
pub(super) struct Reached {
    pub(super) table: TableName,
    pub(super) filter: Option<Expr>,
    pub(super) owner: Owner,
    pub(super) key: Expr,
    pub(super) at: Expr,
}

/// Whom a milestone belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Person,
    Entity,
    Conversion,
}

/// The declared milestones, and `opportunity_created` where the conversions tell it and nobody else does.
pub(super) fn milestones(
    spec: &Attribution,
    scope: &Scope<'_>,
    promises: &mut Promises,
    diags: &mut Diagnostics,
) -> Option<Vec<Milestone>> {
    const CREATED: &str = "opportunity_created";
    let mut found = Vec::new();
    for (name, milestone) in &spec.milestones {
        let from = match &milestone.value {
            MilestoneSpec::Column(text) => {
                let text = ExprText::new(text.clone(), milestone.place);
                let typing = Typing::new(scope, &spec.conversions.from, diags);
                typing
                    .and_then(|typing| typing.instant(&text, last_instant, &mut promises.milestones, diags))
                    .map(MilestoneFrom::Column)
            }
            MilestoneSpec::Table(table) => milestone_table(table, name.place, scope, promises, diags),
        };
        found.push(from.map(|from| Milestone { name: name.value.as_str().to_string(), from }));
    }
    let declared = spec.milestones.keys().any(|name| name.value.as_str() == CREATED);
    if let Some(text) = spec.conversions.created_at.as_ref().filter(|_| !declared) {
        let typing = Typing::new(scope, &spec.conversions.from, &mut Diagnostics::default());
        // Mistakes in it are reported where it stands.
        let created = typing.and_then(|typing| {
            typing.instant(text, last_instant, &mut promises.milestones, &mut Diagnostics::default())
        });
        found.extend(created.map(|at| Some(Milestone { name: CREATED.to_string(), from: MilestoneFrom::Column(at) })));
    }
    found.into_iter().collect()
}

fn milestone_table(
    spec: &MilestoneTable,
    place: Place,
    scope: &Scope<'_>,
    promises: &mut Promises,
    diags: &mut Diagnostics,
) -> Option<MilestoneFrom> {
    let typing = Typing::new(scope, &spec.from, diags)?;
    let filter = spec.filter.as_ref().map(|text| typing.condition(text, diags));
    let owners = [(&spec.person, Owner::Person), (&spec.entity, Owner::Entity), (&spec.conversion, Owner::Conversion)];
    let mut named = owners.into_iter().filter_map(|(text, owner)| Some((text.as_ref()?, owner)));
    let (owner, None) = (named.next(), named.next()) else {
        let message = "a milestone belongs to one of `person`, `entity`, `conversion`, and several are given";
        diags.push(Diagnostic::error(codes::INVALID_VALUE, place, message));
        return None;
    };
    let Some((key, owner)) = owner else {
        let message = "the milestone does not say whose it is";
        let hint = "write `person`, `entity` or `conversion` with the column that names it";
        diags.push(Diagnostic::error(codes::MISSING_KEY, place, message).hint(hint));
        return None;
    };
    let promise = match owner {
        Owner::Person => &mut promises.person,
        Owner::Entity => &mut promises.account,
        Owner::Conversion => &mut promises.conversion,
    };
    let key = typing.key(key, promise, diags);
    if let Some(stage) = &spec.stage {
        lint::stage(&spec.from, stage, scope, diags)?;
    }
    let at = match (&spec.at, &spec.stage) {
        (Some(at), _) => typing.instant(at, last_instant, &mut promises.milestones, diags),
        (None, Some(stage)) => {
            let at = ExprText::new(SqlText("entered_at".to_string()), stage.place);
            typing.instant(&at, last_instant, &mut promises.milestones, diags)
        }
        (None, None) => {
            let message = "the milestone does not say when it was reached";
            let hint = "write `at` with the instant, or `stage` with a stage of the lifecycle model";
            diags.push(Diagnostic::error(codes::MISSING_KEY, place, message).hint(hint));
            None
        }
    };
    let filter = transpose(filter);
    let filter = match &spec.stage {
        None => filter?,
        Some(stage) => {
            let column = Expr::Column(Column::new(Some(spec.from.value.as_str()), "stage"));
            let is = cast(column, view_type(ColumnType::Text)).eq(lit(stage.value.as_str()));
            Some(match filter? {
                Some(filter) => filter.and(is),
                None => is,
            })
        }
    };
    let reached = Reached { table: spec.from.value.clone(), filter, owner, key: key?, at: at? };
    Some(MilestoneFrom::Table(Box::new(reached)))
}
