//! What can be wrong with a spec beside its expressions.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::Definition;
use super::spec::{Lifecycle, Source};
use crate::diag::{Diagnostic, Diagnostics, Place, codes};
use crate::syntax::ExprText;

/// The instant of a source with `to`, which must have one.
pub(super) fn at_of<'a>(source: &'a Source, diags: &mut Diagnostics) -> Option<&'a ExprText> {
    if let Some((stage, _)) = source.dates.first() {
        let message = "a source has either `to` or `dates`, not both";
        let hint = "write the date columns as a further source over the same table";
        diags.push(Diagnostic::error(codes::INVALID_VALUE, stage.place, message).hint(hint));
        return None;
    }
    if source.at.is_none() {
        let message = "the key `at` is missing here: a change without an instant cannot be placed";
        diags.push(Diagnostic::error(codes::MISSING_KEY, source.from.place, message));
    }
    source.at.as_ref()
}

/// A source without `to` must have dates, and nothing that only goes with `to`.
pub(super) fn dates_alone(source: &Source, diags: &mut Diagnostics) -> Option<()> {
    if source.dates.is_empty() {
        let message = format!("the source `{}` does not say to which stages its rows lead", source.from);
        let hint = "write `to` for a column with the new value, or `dates` for one date column for each stage";
        diags.push(Diagnostic::error(codes::MISSING_KEY, source.from.place, message).hint(hint));
        return None;
    }
    let extra =
        [("at", &source.at), ("was", &source.was)].into_iter().find_map(|(key, text)| Some((key, text.as_ref()?)));
    if let Some((key, text)) = extra {
        let message = format!("`{key}` belongs to a source with `to`; with `dates` each date is an instant by itself");
        diags.push(Diagnostic::error(codes::INVALID_VALUE, text.place, message));
        return None;
    }
    Some(())
}

/// Names that must differ, and things that must not be missing or too many.
pub(super) fn names_and_counts(spec: &Lifecycle, place: Place, max_sources: usize, diags: &mut Diagnostics) {
    if spec.sources.is_empty() {
        let message = "a lifecycle needs at least one source of changes";
        diags.push(Diagnostic::error(codes::INVALID_VALUE, place, message));
    }
    if spec.sources.len() > max_sources {
        let message = format!("{} sources are more than the {max_sources} that a model may have", spec.sources.len());
        diags.push(Diagnostic::error(codes::INVALID_VALUE, place, message));
    }
    let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
    for source in &spec.sources {
        let (name, place) = match &source.name {
            Some(name) => (name.value.as_str(), name.place),
            None => (source.from.value.as_str(), source.from.place),
        };
        if let Some(first) = seen.get(name) {
            let message = format!("two sources are called `{name}`");
            let twice =
                Diagnostic::error(codes::DUPLICATE_SOURCE_NAME, place, message).related(*first, "the first one");
            diags.push(twice.hint("give each a `name` of its own"));
        }
        seen.entry(name).or_insert(place);
    }
    let by_system = spec.crosswalk.as_ref().is_some_and(|crosswalk| crosswalk.system.is_some());
    for source in spec.sources.iter().filter(|source| by_system && source.system.is_none()) {
        let message = format!(
            "the source `{}` does not say its `system`, by which the crosswalk tells records apart",
            source.from
        );
        diags.push(Diagnostic::error(codes::MISSING_KEY, source.from.place, message));
    }
}

/// Stages that nothing leads to, in a spec that is in order otherwise.
pub(super) fn unmapped(spec: &Lifecycle, diags: &mut Diagnostics) {
    let maps = || {
        let sources = spec.sources.iter().map(|source| &source.values);
        sources.chain(spec.versions.iter().map(|version| &version.values)).chain([&spec.values])
    };
    let fallbacks = || spec.sources.iter().map(|source| &source.otherwise).chain([&spec.otherwise]).flatten();
    let by_value = spec.sources.iter().any(|source| source.to.is_some());
    // Versions only add to these: where there are none, a stage's own name is its value.
    let mapped = spec.sources.iter().map(|source| &source.values).chain([&spec.values]).any(|map| !map.is_empty());
    let ladders = spec.versions.iter().filter_map(|v| v.stages.as_ref()).map(|stages| &stages.value);
    let lists = ladders.chain(spec.versions.iter().flat_map(|v| [&v.detours, &v.exits]).flatten());
    let mut seen = BTreeSet::new();
    for stage in [&spec.stages.value, &spec.detours, &spec.exits].into_iter().chain(lists).flatten() {
        let name = &stage.value.name;
        if !seen.insert(name) {
            continue;
        }
        let led_to = maps().any(|map| map.keys().any(|key| key.value == *name))
            || fallbacks().any(|word| word.value == *name)
            || spec.sources.iter().any(|source| source.dates.keys().any(|key| key.value == *name));
        if !led_to && (mapped || !by_value) {
            let message = format!("no value leads to the stage `{name}`");
            let hint = if by_value {
                format!("add it to `values`; if its name is the value, write `{name}: {name}`")
            } else {
                "add its date to a source, or remove it".to_string()
            };
            diags.push(Diagnostic::warning(codes::UNMAPPED_STAGE, stage.place, message).hint(hint));
        }
    }
}

/// Values that lead to stages which their version does not have.
pub(super) fn dropped(spec: &Lifecycle, definition: &Definition, diags: &mut Diagnostics) {
    for (version, written) in definition.versions.iter().skip(1).zip(&spec.versions) {
        for stage in written.values.keys() {
            if definition.code(&stage.value).is_some_and(|code| version.step(code) == 0) {
                let message = format!("`{stage}` is not a stage of the version `{}`", version.name);
                diags.push(Diagnostic::error(codes::IMPOSSIBLE_STAGE_ORDER, stage.place, message));
            }
        }
    }
}
