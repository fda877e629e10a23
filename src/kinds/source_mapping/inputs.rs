//! The columns and expressions that a model names, typed against the tables it reads.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::cast;

use super::classify::{Made, Slot};
use super::clicks;
use super::compile::click_bit;
use super::reach::Given;
use super::rules::{RuleBook, SideTable};
use super::spec::SourceMapping;
use crate::contract::{ColumnType, Pii};
use crate::diag::{Diagnostic, Diagnostics, Place, codes};
use crate::engine::{Engine, TypedExpr};
use crate::kinds::Scope;
use crate::syntax::{ColumnName, ExprText, TableName};

/// Every expression of the model, typed.
pub(super) struct Resolved {
    pub(super) touch_id: TypedExpr,
    /// UTC microseconds.
    pub(super) at: TypedExpr,
    pub(super) keep: Vec<Kept>,
    /// Texts, in the order of [`Slot`].
    pub(super) slots: Vec<(Slot, TypedExpr)>,
}

/// A column that is passed on.
pub(super) struct Kept {
    pub(super) name: ColumnName,
    pub(super) ty: ColumnType,
    pub(super) expr: TypedExpr,
}

/// Types everything; what is wrong goes to `diags`, and then there is nothing. A table that is not
/// there is somebody else's mistake.
pub(super) fn resolve(spec: &SourceMapping, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Resolved> {
    let schema = scope.frames.get(spec.from.as_str()).and_then(|_| scope.frames.df_schema(&spec.from).ok())?;
    let mut typing = Typing { engine: scope.engine, schema: &schema, diags };
    let touch_id = typing.any(&spec.touch_id);
    let at = typing.instant(&spec.at);
    let keep: Vec<Option<Kept>> = spec.keep.iter().map(|(name, text)| typing.kept(name, text)).collect();
    let slots: Vec<Option<(Slot, TypedExpr)>> =
        written(spec, typing.diags).into_iter().map(|(slot, text)| Some((slot, typing.text(text)?))).collect();
    Some(Resolved {
        touch_id: touch_id?,
        at: at?,
        keep: keep.into_iter().collect::<Option<Vec<_>>>()?,
        slots: slots.into_iter().collect::<Option<Vec<_>>>()?,
    })
}

/// The expressions that touches are classified by, as they are written.
fn written<'a>(spec: &'a SourceMapping, diags: &mut Diagnostics) -> Vec<(Slot, &'a ExprText)> {
    let utm = [&spec.utm.source, &spec.utm.medium, &spec.utm.campaign];
    let extras = [&spec.utm.term, &spec.utm.content, &spec.utm.id];
    let mut slots: Vec<(Slot, &ExprText)> = Vec::new();
    slots.extend(utm.into_iter().enumerate().filter_map(|(which, text)| Some((Slot::Utm(which), text.as_ref()?))));
    slots.extend(extras.into_iter().enumerate().filter_map(|(which, text)| Some((Slot::Extra(which), text.as_ref()?))));
    slots.extend(spec.referrer.as_ref().map(|text| (Slot::Referrer, text)));
    slots.extend(spec.landing_page.as_ref().map(|text| (Slot::LandingPage, text)));
    for (name, text) in &spec.click_ids {
        let bit = click_bit(name, name.place, &[], diags);
        if bit != 0 {
            let slot = Slot::Click(bit.trailing_zeros() as usize);
            if slots.iter().any(|(known, _)| *known == slot) {
                let message = format!("the click id `{}` is given twice", name.value);
                diags.push(Diagnostic::error(codes::BAD_CLICK_ID, name.place, message));
            }
            slots.push((slot, text));
        }
    }
    slots.sort_by_key(|(slot, _)| *slot);
    if slots.is_empty() {
        let message =
            "nothing to classify touches by: `utm`, `referrer`, `landing_page` and `click_ids` are all missing";
        diags.push(Diagnostic::error(codes::MISSING_KEY, spec.from.place, message));
    }
    slots
}

struct Typing<'a> {
    engine: &'a Engine,
    schema: &'a DFSchema,
    diags: &'a mut Diagnostics,
}

impl Typing<'_> {
    fn any(&mut self, text: &ExprText) -> Option<TypedExpr> {
        match self.engine.expr(text, self.schema) {
            Ok(expr) => Some(expr),
            Err(diagnostic) => {
                self.diags.push(diagnostic);
                None
            }
        }
    }

    fn wrong_type(&mut self, place: Place, message: String, hint: &str) -> Option<TypedExpr> {
        self.diags.push(Diagnostic::error(codes::EXPRESSION_TYPE, place, message).hint(hint));
        None
    }

    fn instant(&mut self, text: &ExprText) -> Option<TypedExpr> {
        let typed = self.any(text)?;
        match ColumnType::of_arrow(&typed.data_type) {
            Some(ColumnType::Timestamp | ColumnType::Date) => Some(converted(typed, ColumnType::Timestamp)),
            _ => {
                let message = format!("`{}` is {}, and an instant is wanted", text.value, named(&typed.data_type));
                let hint = "convert it, as in `to_timestamp(…)` for text or `to_timestamp_micros(…)` for a number";
                self.wrong_type(text.place, message, hint)
            }
        }
    }

    fn text(&mut self, text: &ExprText) -> Option<TypedExpr> {
        let typed = self.any(text)?;
        match ColumnType::of_arrow(&typed.data_type) {
            Some(ColumnType::Text) => Some(typed),
            Some(ColumnType::BigInt | ColumnType::Int) => Some(converted(typed, ColumnType::Text)),
            _ => {
                let message = format!("`{}` is {}, and text is wanted", text.value, named(&typed.data_type));
                self.wrong_type(text.place, message, "convert it, as in `cast(… as varchar)`")
            }
        }
    }

    fn kept(&mut self, name: &ColumnName, text: &ExprText) -> Option<Kept> {
        if RESERVED.contains(&name.as_str()) {
            let message = format!("`{name}` is a column that this kind makes itself");
            self.diags
                .push(Diagnostic::error(codes::INVALID_VALUE, text.place, message).hint("keep it under another name"));
        }
        let expr = self.any(text)?;
        let Some(ty) = ColumnType::of_arrow(&expr.data_type) else {
            let message = format!("`{}` is {}, which cannot be published", text.value, named(&expr.data_type));
            self.diags.push(Diagnostic::error(codes::UNSUPPORTED_TYPE, text.place, message));
            return None;
        };
        Some(Kept { name: name.clone(), ty, expr })
    }
}

fn named(data_type: &DataType) -> String {
    ColumnType::of_arrow(data_type).map_or_else(|| format!("of type {data_type}"), |ty| format!("a {ty}"))
}

fn converted(typed: TypedExpr, ty: ColumnType) -> TypedExpr {
    let data_type = ty.arrow();
    if typed.data_type == data_type {
        return typed;
    }
    TypedExpr { expr: cast(typed.expr, data_type.clone()), data_type, ..typed }
}

/// Names that kept columns cannot have.
const RESERVED: [&str; 15] = [
    "touch_id",
    "occurred_at",
    "channel",
    "source",
    "medium",
    "campaign",
    "term",
    "content",
    "campaign_id",
    "channel_rule",
    "referrer_host",
    "click_id_kind",
    "tagging_conflict",
    "utm_grade",
    "utm_grade_reason",
];

/// The columns that the model makes, after those that it passes on.
pub(super) fn made(spec: &SourceMapping) -> Vec<(&'static str, Made)> {
    let has_page = spec.landing_page.is_some();
    let mut made = vec![
        ("channel", Made::Channel),
        ("source", Made::Source),
        ("medium", Made::Medium),
        ("campaign", Made::Campaign),
    ];
    let extras = [("term", &spec.utm.term), ("content", &spec.utm.content), ("campaign_id", &spec.utm.id)];
    for (which, (name, text)) in extras.into_iter().enumerate() {
        if text.is_some() || has_page {
            made.push((name, Made::Extra(which)));
        }
    }
    made.push(("channel_rule", Made::Rule));
    if spec.referrer.is_some() {
        made.push(("referrer_host", Made::ReferrerHost));
    }
    made.extend([
        ("click_id_kind", Made::ClickKind),
        ("tagging_conflict", Made::Conflict),
        ("utm_grade", Made::Grade),
        ("utm_grade_reason", Made::Reason),
    ]);
    made
}

/// What the model has for rules to ask about.
pub(super) fn given(spec: &SourceMapping, resolved: &Resolved) -> Given {
    let has_page = spec.landing_page.is_some();
    let has = |slot: Slot| resolved.slots.iter().any(|(known, _)| *known == slot);
    let columns = (0..clicks::KINDS.len()).filter(|which| has(Slot::Click(*which)));
    Given {
        utm: [0, 1, 2].map(|which| has_page || has(Slot::Utm(which))),
        referrer: spec.referrer.is_some(),
        landing_page: has_page,
        clicks: if has_page { clicks::all_bits() } else { columns.fold(0, |bits, which| bits | 1 << which) },
    }
}

/// How personal a value made of these columns may be.
pub(super) fn pii(scope: &Scope<'_>, from: &TableName, exprs: &[&TypedExpr]) -> Pii {
    let frame = scope.frames.get(from.as_str());
    let columns = exprs.iter().flat_map(|expr| &expr.columns);
    let known = columns.filter_map(|column| frame.and_then(|frame| frame.column(&column.name)));
    known.map(|column| column.pii).max().unwrap_or_default()
}

/// Reports side tables that lack a column or have one of another type.
pub(super) fn check_sides(spec: &SourceMapping, book: &RuleBook, scope: &Scope<'_>, diags: &mut Diagnostics) {
    for side in &book.sides {
        let Some(frame) = scope.frames.get(side.from.as_str()) else { continue };
        let schema = frame.schema();
        for column in std::iter::once(&side.key).chain(&side.value) {
            let place = side_place(spec, side, column);
            let names = schema.fields().iter().map(|field| field.name().as_str());
            match schema.field_with_name(column.as_str()) {
                Err(_) => diags.push(
                    Diagnostic::error(codes::BAD_LOOKUP, place, format!("`{}` has no column `{column}`", side.from))
                        .hint(format!(
                            "columns: {}",
                            names.clone().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
                        ))
                        .did_you_mean(column.as_str(), names),
                ),
                Ok(field) if field.data_type().is_nested() => {
                    let message = format!("the column `{column}` of `{}` holds no single value", side.from);
                    diags.push(Diagnostic::error(codes::BAD_LOOKUP, place, message));
                }
                Ok(_) => {}
            }
        }
    }
}

/// Where the user names that column of that table.
fn side_place(spec: &SourceMapping, side: &SideTable, column: &ColumnName) -> Place {
    let conditions = spec.rules.iter().filter_map(|rule| rule.when.campaign_in.as_ref());
    let written = conditions.map(|table| (&table.from.value, &table.column));
    let campaigns =
        spec.campaigns.iter().flat_map(|table| [(&table.from.value, &table.key), (&table.from.value, &table.channel)]);
    let found = written.chain(campaigns).find(|(from, name)| **from == side.from && name.value == *column);
    let categories = spec.source_categories.as_ref().map(|table| table.place);
    found.map(|(_, name)| name.place).or(categories).unwrap_or(spec.from.place)
}
