//! What the tables promise, in words that hold this model's own parameters.

use std::collections::BTreeSet;

use super::definition::{Definition, Version};
use super::entities::{became, latest};
use super::keys::Unusable;
use super::resolve::Resolved;
use super::spec::{Lifecycle, Skipped};
use super::words;
use crate::contract::{Column, ColumnType, Contract, Methodology, Role, rejects_contract};
use crate::kinds::Scope;
use crate::kinds::article::a;
use crate::kinds::typing::made;
use crate::syntax::ColumnName;

/// The contracts of the visits, the entities and the rejects.
pub(super) fn contracts(spec: &Lifecycle, resolved: &Resolved, scope: &Scope<'_>) -> Vec<Contract> {
    let reasons: Vec<(&str, &str)> = Unusable::REJECTED.iter().map(|(_, code, why)| (*code, *why)).collect();
    let mut rejects = rejects_contract(scope.model, &reasons);
    for column in &mut rejects.columns {
        let from = match column.name.as_str() {
            "source_key" if resolved.record.ty.is_some() => vec![&resolved.record, &resolved.entity],
            "source_key" => vec![&resolved.entity],
            "detail" => vec![&resolved.stage, &resolved.at],
            _ => continue,
        };
        column.pii = from.iter().map(|promise| promise.pii).fold(column.pii, Ord::max);
        let lineage = from.iter().flat_map(|promise| promise.lineage.clone()).collect();
        *column = column.clone().from_columns(lineage);
    }
    vec![visits(spec, resolved, scope), entities(spec, resolved, scope), rejects]
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// `lead → mql → sql`, then what stands beside the ladder.
fn order(definition: &Definition, version: &Version) -> String {
    let mut text = quoted(&definition.names(version.ladder())).replace(", ", " → ");
    for (part, codes) in [("detours", version.detours()), ("exits", version.exits())] {
        if !codes.is_empty() {
            text.push_str(&format!("; {part}: {}", quoted(&definition.names(codes))));
        }
    }
    text
}

fn visits(spec: &Lifecycle, resolved: &Resolved, scope: &Scope<'_>) -> Contract {
    let who = &spec.entity;
    let description = format!("One row for each visit of {} to a stage.", a(who));
    let key = ["entity_id", "visit_seq"].map(ColumnName::new_unchecked).to_vec();
    let mut columns = visit_columns(spec, resolved);
    columns.extend(origin_columns(spec, resolved));
    Contract {
        table: scope.model.clone(),
        role: Role::Main,
        description: with(scope.description, &description),
        grain: key,
        columns,
        methodology: methodology(spec, resolved, scope),
    }
}

/// The user's words first, where there are any.
fn with(user: &str, ours: &str) -> String {
    let user = user.trim();
    if user.is_empty() { ours.to_string() } else { format!("{user} {ours}") }
}

fn visit_columns(spec: &Lifecycle, resolved: &Resolved) -> Vec<Column> {
    use ColumnType::{Boolean, Int, Text, Timestamp};
    let (who, definition) = (&spec.entity, &resolved.definition);
    let (stage, at, entity) = (&resolved.stage, &resolved.at, &resolved.entity);
    let all: Vec<&str> = definition.stages.iter().map(|stage| stage.name.as_str()).collect();
    let ladder = definition.versions.last().map(|version| quoted(&definition.names(version.ladder())));
    vec![
        made("entity_id", entity.ty.unwrap_or(Text), format!("The {who} whose visit it is."), &[entity])
            .not_null()
            .pii(entity.pii),
        made("stage", Text, format!("The stage visited: one of {}.", quoted(&all)), &[stage]).not_null(),
        made(
            "stage_rank",
            Int,
            format!("The stage's place on the ladder, from 1: {}; NULL off the ladder.", ladder.unwrap_or_default()),
            &[stage],
        ),
        made("visit_seq", Int, format!("Which visit of the {who} it is, from 1, in order of time."), &[entity, at])
            .not_null(),
        made(
            "visit_number",
            Int,
            format!("Which visit of the {who} to this stage it is, from 1; above 1 it is a re-entry."),
            &[entity, stage, at],
        )
        .not_null(),
        made("entered_at", Timestamp, "When the visit began, UTC.", &[at]).not_null(),
        made(
            "exited_at",
            Timestamp,
            "When the next visit began, UTC, so that `entered_at <= t < exited_at` while in the stage; NULL for the current visit.",
            &[at],
        ),
        made("from_stage", Text, "The stage of the visit before; NULL for the first.", &[stage]),
        made("transition", Text, words::transitions(), &[stage, at]).not_null(),
        made("history_gap", Boolean, words::gap(spec), &[stage, at]).not_null(),
        made("inferred", Boolean, "Whether no record tells of the visit and a policy supplied it.", &[stage, at])
            .not_null(),
        made("inferred_by", Text, words::inferred(spec), &[stage, at]),
        made("is_first_entry", Boolean, format!("Whether the {who} was never in this stage before."), &[stage, at])
            .not_null(),
        made("is_latest_entry", Boolean, format!("Whether the {who} never came to this stage again."), &[stage, at])
            .not_null(),
        made("is_current", Boolean, format!("Whether it is the last visit of the {who}, which lasts on."), &[at])
            .not_null(),
    ]
}

fn origin_columns(spec: &Lifecycle, resolved: &Resolved) -> Vec<Column> {
    use ColumnType::{Int, Text};
    let mut systems: Vec<&str> = resolved.sources.iter().map(|source| source.system.as_str()).collect();
    let mut seen = BTreeSet::new();
    systems.retain(|system| seen.insert(*system));
    let versions: Vec<&str> = resolved.definition.versions.iter().map(|version| version.name.as_str()).collect();
    let (stage, at, record) = (&resolved.stage, &resolved.at, &resolved.record);
    vec![
        made("source_system", Text, format!("Where the change was recorded: one of {}.", quoted(&systems)), &[])
            .not_null(),
        made(
            "source_record",
            record.ty.unwrap_or(Text),
            "The row that tells of the change, as its system names it; NULL for inferred visits and where sources name none.",
            &[record],
        )
        .pii(record.pii),
        made(
            "definition_version",
            Text,
            format!("The definition in force at `entered_at` or, for a late history, at the first change: one of {}.", quoted(&versions)),
            &[at],
        )
        .not_null(),
        made(
            "changes_absorbed",
            Int,
            "How many further changes to the same stage were recorded during the visit; they make no visit of their own.",
            &[stage],
        )
        .not_null(),
        made("changes_ignored", Int, words::ignored(spec.policies), &[stage]).not_null(),
    ]
}

fn entities(spec: &Lifecycle, resolved: &Resolved, scope: &Scope<'_>) -> Contract {
    use ColumnType::{BigInt, Boolean, Text, Timestamp};
    let (who, definition) = (&spec.entity, &resolved.definition);
    let (stage, at, entity) = (&resolved.stage, &resolved.at, &resolved.entity);
    let closing = definition.names(&definition.closing());
    let closed = if closing.is_empty() {
        "Always false: no stage of the model closes.".to_string()
    } else {
        format!("Whether the current stage is one of {}.", quoted(&closing))
    };
    let mut columns = vec![
        made("entity_id", entity.ty.unwrap_or(Text), format!("The {who}."), &[entity]).not_null().pii(entity.pii),
        made("current_stage", Text, format!("The stage the {who} is in."), &[stage, at]).not_null(),
        made("current_since", Timestamp, format!("When the {who} came into it, UTC."), &[at]).not_null(),
        made("first_seen_at", Timestamp, format!("When the first visit of the {who} began, UTC."), &[at]).not_null(),
        made("is_closed", Boolean, closed, &[stage, at]).not_null(),
    ];
    let inferred = if spec.policies.skipped == Skipped::SameTime { ", inferred visits included" } else { "" };
    for known in &definition.stages {
        let label = known.label.as_ref().map_or_else(String::new, |label| format!(" ({label})"));
        let meaning = known.description.as_ref().map_or_else(String::new, |text| format!(" {}", text.trim()));
        let sentence = |which: &str| {
            format!("When the {who} {which} came into `{}`{label}, UTC{inferred}; NULL if never.{meaning}", known.name)
        };
        columns.push(made(&became(&known.name), Timestamp, sentence("first"), &[stage, at]));
        columns.push(made(&latest(&known.name), Timestamp, sentence("last"), &[stage, at]));
    }
    for (name, what) in words::COUNTS {
        columns.push(made(name, BigInt, what, &[stage, at]).not_null());
    }
    Contract {
        table: scope.model.with_suffix("_entities"),
        role: Role::Companion,
        description: format!("One row for each {who} of `{}`: where it is now, and when it became what.", scope.model),
        grain: vec![ColumnName::new_unchecked("entity_id")],
        columns,
        methodology: methodology(spec, resolved, scope),
    }
}

fn methodology(spec: &Lifecycle, resolved: &Resolved, scope: &Scope<'_>) -> Methodology {
    let (who, definition) = (&spec.entity, &resolved.definition);
    let mut summary = Vec::new();
    for version in &definition.versions {
        let since = match version.from {
            None if definition.versions.len() == 1 => "The stages".to_string(),
            None => format!("The stages of the definition `{}`, until the next one", version.name),
            Some(_) => format!("The stages of the definition `{}`, from its date on", version.name),
        };
        summary.push(format!("{since}: {}.", order(definition, version)));
    }
    let sources: Vec<String> =
        resolved.sources.iter().map(|source| format!("`{}` (table `{}`)", source.name, source.table)).collect();
    summary.push(format!("Changes are read from {}, in this order of precedence.", sources.join(", ")));
    summary.push(format!(
        "The changes of {} are put in order of their instants; a change to the stage it is in already is absorbed by \
         the visit, every other one begins a visit and ends the one before.",
        a(who)
    ));
    summary.extend(words::policies(spec));
    let mut assumptions =
        vec![format!("Instants are UTC; dates mean their first instant in {}.", scope.settings.reporting_timezone)];
    if definition.versions.len() > 1 {
        assumptions
            .push("A change is judged by the definition in force at its instant, never by a later one.".to_string());
    }
    let limits = vec![
        "What happened between two recorded changes is not known; a visit ends only when another begins.".to_string(),
        "The current visit has no end: its length is not known yet.".to_string(),
    ];
    Methodology { summary, assumptions, limits }
}
