//! Who reads whom: inputs of models, what their checks compare them with, circles, and the order in which
//! models are worked out.

use std::collections::{BTreeMap, BTreeSet};

use super::load::Project;
use super::names::{Names, Origin};
use crate::diag::{Diagnostic, Diagnostics, Place, codes};
use crate::engine::Engine;
use crate::kinds::Kind;
use crate::syntax::{Spanned, TableName};

/// The models of a project as a graph without circles.
#[derive(Debug, Default)]
pub struct Edges {
    /// What each model reads, by the model's index, in the order it names them.
    pub inputs: Vec<Vec<Spanned<TableName>>>,
    /// What each model's checks compare it with, by the model's index; its own tables apart.
    pub compared: Vec<Vec<Spanned<TableName>>>,
    /// Models (by index) so that each comes after all that it reads or is checked against; ties by name.
    pub order: Vec<usize>,
    /// Models (by index) that read a table which is not there: nothing more can be told of them.
    pub lost: BTreeSet<usize>,
}

impl Edges {
    /// The models that have to come before a model, by index.
    fn upstream<'a>(&'a self, names: &'a Names, model: usize) -> impl Iterator<Item = usize> + 'a {
        let compared = self.compared.get(model).into_iter().flatten();
        self.inputs.get(model).into_iter().flatten().chain(compared).filter_map(|table| {
            match names.origin(table.as_str()) {
                Some(Origin::Model(upstream)) => Some(upstream),
                _ => None,
            }
        })
    }

    /// Where a model names a table that `is` wanted, and whether only one of its checks does.
    fn step(&self, model: usize, is: impl Fn(&TableName) -> bool) -> Option<(Place, bool)> {
        let find = |tables: &[Vec<Spanned<TableName>>]| {
            tables.get(model)?.iter().find(|table| is(&table.value)).map(|table| table.place)
        };
        find(&self.inputs).map(|place| (place, false)).or_else(|| find(&self.compared).map(|place| (place, true)))
    }
}

/// Works out inputs and order; unknown tables and circles go to `diags`.
pub fn edges(
    project: &Project,
    kinds: &[Option<Kind>],
    names: &Names,
    engine: &Engine,
    diags: &mut Diagnostics,
) -> Edges {
    let mut edges = Edges::default();
    for (model, kind) in kinds.iter().enumerate() {
        let inputs = kind.as_ref().map(|kind| kind.as_model().inputs(engine, diags)).unwrap_or_default();
        let (known, unknown): (Vec<_>, Vec<_>) =
            inputs.into_iter().partition(|table| names.origin(table.as_str()).is_some());
        edges.lost.extend((!unknown.is_empty()).then_some(model));
        let checks = project.models.get(model).into_iter().flat_map(|model| &model.spec.checks);
        let compared = checks.filter_map(|check| check.relationships.as_ref()).map(|relation| relation.to.clone());
        let (compared, stranger): (Vec<_>, Vec<_>) = compared
            .filter(|table| names.origin(table.as_str()) != Some(Origin::Model(model)))
            .partition(|table| names.origin(table.as_str()).is_some());
        let strange = unknown.iter().chain(&stranger).filter(|table| !names.is_broken(table.as_str()));
        strange.for_each(|table| diags.push(names.unknown(table)));
        edges.inputs.push(known);
        edges.compared.push(compared);
    }
    edges.order = order(project, names, &edges, diags);
    edges
}

/// Kahn's algorithm; of the models that could come next, the one whose name comes first does.
fn order(project: &Project, names: &Names, edges: &Edges, diags: &mut Diagnostics) -> Vec<usize> {
    let count = project.models.len();
    let mut waits_for: BTreeMap<usize, BTreeSet<usize>> =
        (0..count).map(|model| (model, edges.upstream(names, model).collect())).collect();
    let name = |model: usize| project.models.get(model).map(|model| model.spec.model.as_str());
    let mut order = Vec::with_capacity(count);
    while !waits_for.is_empty() {
        let next = waits_for.iter().filter(|(_, waits)| waits.is_empty()).map(|(model, _)| *model);
        let Some(next) = next.min_by_key(|model| name(*model)) else { break };
        waits_for.remove(&next);
        waits_for.values_mut().for_each(|waits| {
            waits.remove(&next);
        });
        order.push(next);
    }
    report_circles(project, &waits_for, names, edges, diags);
    order
}

/// Each circle once, as the path around it, at the place where its first model reads the next.
fn report_circles(
    project: &Project,
    left: &BTreeMap<usize, BTreeSet<usize>>,
    names: &Names,
    edges: &Edges,
    diags: &mut Diagnostics,
) {
    let name = |model: &usize| project.models.get(*model).map_or("", |model| model.spec.model.as_str());
    let mut done: BTreeSet<usize> = BTreeSet::new();
    for start in left.keys() {
        let mut path: Vec<usize> = Vec::new();
        let mut at = *start;
        while !path.contains(&at) && !done.contains(&at) {
            path.push(at);
            let next = left.get(&at).and_then(|waits| waits.iter().find(|next| left.contains_key(next)));
            let Some(next) = next else { break };
            at = *next;
        }
        let circle: Vec<usize> = path.iter().copied().skip_while(|model| *model != at).collect();
        done.extend(&path);
        let Some(first) = circle.iter().min_by_key(|model| name(model)).copied() else { continue };
        let turned = circle.iter().cycle().skip_while(|model| **model != first).take(circle.len());
        let mut words: Vec<&str> = turned.clone().map(name).collect();
        words.push(name(&first));
        let second = words.get(1).copied().unwrap_or_default();
        let step = |model: &usize, wanted: &str| {
            edges.step(
                *model,
                |table| matches!(names.origin(table.as_str()), Some(Origin::Model(of)) if name(&of) == wanted),
            )
        };
        let steps = || turned.clone().zip(words.iter().skip(1));
        let checked = steps().any(|(model, next)| step(model, next).is_some_and(|(_, checked)| checked));
        let (message, hint) = match (circle.len(), checked) {
            (1, _) => (format!("the model `{second}` reads itself"), "let it read what it is made from"),
            (_, false) => (
                format!("models read each other in a circle: {}", words.join(" → ")),
                "let one of them read what the others are made from",
            ),
            (_, true) => (
                format!("models wait for each other in a circle: {}", words.join(" → ")),
                "a model is checked against tables that come before it: check it in the model that comes last",
            ),
        };
        let says = |model: &usize, next: &str, checked: bool| match checked {
            true => format!("`{}` is checked against `{next}` here", name(model)),
            false => format!("`{}` reads `{next}` here", name(model)),
        };
        let place = step(&first, second).map(|(place, _)| place);
        let mut found = Diagnostic::error(codes::CYCLE, place, message).hint(hint);
        if checked && let Some((_, checked)) = step(&first, second) {
            found = found.label(says(&first, second, checked));
        }
        diags.push(steps().skip(1).fold(found, |found, (model, next)| match step(model, next) {
            Some((place, checked)) => found.related(place, says(model, next, checked)),
            None => found,
        }));
    }
}
