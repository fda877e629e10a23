//! What can be wrong with a definition beside its expressions.

use super::facts::{BEFORE_ALL_TOUCHES, journeys_item};
use super::models::{self, Learns};
use super::resolve::Resolved;
use super::spec::{Attribution, Layout};
use crate::diag::{Diagnostic, Diagnostics, Place, codes};
use crate::kinds::{FactRow, Scope, fact};
use crate::syntax::{ColumnName, Spanned, TableName};

/// Columns that the ledger makes itself.
const RESERVED: [&str; 17] = [
    "conversion_id",
    "entity_id",
    "converted_at",
    "touch_id",
    "touched_at",
    "person_id",
    "channel",
    "campaign",
    "position",
    "journey_length",
    "days_before",
    "touches_merged",
    "model",
    "weight",
    "amount",
    "currency",
    "definition_version",
];

/// Kept columns whose names are taken.
pub(super) fn names(spec: &Attribution, diags: &mut Diagnostics) {
    let mut seen: Vec<&Spanned<ColumnName>> = Vec::new();
    for name in spec.touches.keep.keys().chain(spec.conversions.keep.keys()) {
        let of_model = spec.layout == Layout::Wide
            && ["weight_", "amount_"].iter().any(|start| name.value.as_str().starts_with(start));
        if RESERVED.contains(&name.value.as_str()) || of_model {
            let message = format!("`{name}` is a column that this kind makes itself");
            let hint = "keep it under another name";
            diags.push(Diagnostic::error(codes::DUPLICATE_LEDGER_COLUMN, name.place, message).hint(hint));
        } else if let Some(first) = seen.iter().find(|known| known.value == name.value) {
            let message = format!("two columns of the ledger would be called `{name}`");
            let twice = Diagnostic::error(codes::DUPLICATE_LEDGER_COLUMN, name.place, message);
            diags.push(twice.related(first.place, "the first one").hint("keep one of them under another name"));
        }
        seen.push(name);
    }
}

/// A lookback that begins before the first touch, whatever the conversion; known once the rows are.
pub(super) fn lookback(spec: &Attribution, facts: &[FactRow], diags: &mut Diagnostics) {
    let count = |fact: &str, item: &str| {
        facts.iter().find(|row| row.fact == fact && row.item == item).map_or(0, |row| row.rows)
    };
    let (all, early) = (count(fact::OUT, "conversions"), count(fact::POLICY, BEFORE_ALL_TOUCHES));
    if all == 0 || early < all {
        return;
    }
    let (within, place) = lookback_of(spec);
    let message = format!("the lookback of {within} begins before the first touch for all {all} conversions");
    diags.push(Diagnostic::warning(codes::LONG_LOOKBACK, place, message).hint(SHORTER));
}

/// Chains that had fewer journeys to learn from than their order wants.
pub(super) fn journeys(spec: &Attribution, facts: &[FactRow], diags: &mut Diagnostics) {
    // Whether models are in order was settled before the run, so milestones need no names here.
    for model in models::models(spec, &[], spec.conversions.from.place, &mut Diagnostics::default()) {
        let Some(Learns::Markov(chain)) = model.learns else { continue };
        let item = journeys_item(&model.name);
        let Some(had) = facts.iter().find(|row| row.fact == fact::POLICY && row.item == item) else { continue };
        if had.rows >= i64::from(chain.min_journeys) {
            continue;
        }
        let message = format!(
            "the chain `{}` of order {} learned from {} journeys, fewer than {}: its effects may be chance",
            model.name, chain.order, had.rows, chain.min_journeys
        );
        let few = Diagnostic::warning(codes::FEW_JOURNEYS, model.place, message);
        diags.push(few.hint("lower the order, take in more journeys, or set `min_journeys` to what is enough"));
    }
}

/// A lookback longer than all touches together, as the footers of their sources tell before a row is read.
/// Touches that `where` or `exclude` leave out can only make it worse.
pub(super) fn reach(spec: &Attribution, resolved: &Resolved, scope: &Scope<'_>, diags: &mut Diagnostics) {
    let Some(micros) = resolved.reach.micros else { return };
    let Some((first, last)) = scope.frames.ends(&resolved.promises.touched_at.lineage) else { return };
    let held = last.signed_duration_since(first);
    if held.num_microseconds().is_none_or(|held| held >= micros) {
        return;
    }
    let (within, place) = lookback_of(spec);
    let table = &spec.touches.from;
    let [first, last] = [first, last].map(|at| at.format("%Y-%m-%d"));
    let message =
        format!("the lookback of {within} is longer than the data: all touches of `{table}` are of {first} to {last}");
    diags.push(Diagnostic::warning(codes::LONG_LOOKBACK, place, message).hint(SHORTER));
}

/// What helps against a lookback that is too long.
const SHORTER: &str = "shorten it, or load older touches";

/// How long it is, in words, and where it is written.
fn lookback_of(spec: &Attribution) -> (String, Place) {
    let within = match spec.lookback.as_ref().map(|lookback| lookback.value.within) {
        Some(Some(within)) => within.to_string(),
        _ => "90 days".to_string(),
    };
    (within, spec.lookback.as_ref().map_or(spec.conversions.from.place, |lookback| lookback.place))
}

/// A stage that its lifecycle model does not have.
pub(super) fn stage(
    from: &Spanned<TableName>,
    stage: &Spanned<String>,
    scope: &Scope<'_>,
    diags: &mut Diagnostics,
) -> Option<()> {
    let entities = scope.frames.get(from.with_suffix("_entities").as_str());
    let columns: Vec<String> = entities
        .map(|frame| frame.schema().fields().iter().map(|field| field.name().clone()).collect())
        .unwrap_or_default();
    let stages: Vec<&str> =
        columns.iter().filter_map(|name| name.strip_prefix("became_")?.strip_suffix("_at")).collect();
    if stages.is_empty() {
        let visits = scope.frames.get(from.as_str()).is_some_and(|frame| {
            ["stage", "entered_at"].iter().all(|name| frame.schema().field_with_name(name).is_ok())
        });
        if !visits {
            let message = format!("`{from}` is not a lifecycle model, so it has no stage `{stage}`");
            let hint = "name a model of the kind `lifecycle`, or write `at` and `where` instead of `stage`";
            diags.push(Diagnostic::error(codes::UNREACHED_MILESTONE, stage.place, message).hint(hint));
        }
        return visits.then_some(());
    }
    if stages.contains(&stage.value.as_str()) {
        return Some(());
    }
    let message = format!("`{from}` has no stage `{stage}`, so the milestone is never reached");
    let hint = format!("its stages are {}", stages.iter().map(|s| format!("`{s}`")).collect::<Vec<_>>().join(", "));
    let unknown = Diagnostic::error(codes::UNREACHED_MILESTONE, stage.place, message).hint(hint);
    diags.push(unknown.did_you_mean(&stage.value, stages));
    None
}
