//! The one namespace of a project: which table is written by what.

use std::collections::{BTreeMap, BTreeSet};

use super::load::{Project, Written};
use super::spec::ModelFile;
use crate::diag::{Diagnostic, Diagnostics, Place, Sources, codes};
use crate::kinds::Kind;
use crate::syntax::{Spanned, TableName};

/// Where a table comes from; the numbers are indexes into [`Project`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A table of a source: file, then table.
    Source(usize, usize),
    /// A seed.
    Seed(usize),
    /// The main table or a companion of a model.
    Model(usize),
}

impl Origin {
    /// What it is: `source`, `seed` or `model`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Source(..) => "source",
            Self::Seed(_) => "seed",
            Self::Model(_) => "model",
        }
    }
}

/// All tables by name, with where each name is written.
#[derive(Debug, Default)]
pub struct Names {
    tables: BTreeMap<TableName, (Origin, Place)>,
    broken: BTreeSet<String>,
}

impl Names {
    /// Where the table of that name comes from.
    pub fn origin(&self, name: &str) -> Option<Origin> {
        self.tables.get(name).map(|(origin, _)| *origin)
    }

    /// All names, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&TableName, Origin)> {
        self.tables.iter().map(|(name, (origin, _))| (name, *origin))
    }

    /// Whether the table, or the model that it is a companion of, stands in a file with mistakes.
    pub fn is_broken(&self, name: &str) -> bool {
        self.broken.iter().any(|broken| {
            name.strip_prefix(broken.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        })
    }

    /// That `wanted` is not a table, with the nearest name there is.
    pub fn unknown(&self, wanted: &Spanned<TableName>) -> Diagnostic {
        let message = format!("there is no table `{wanted}`: no model, source table or seed has this name");
        Diagnostic::error(codes::UNKNOWN_TABLE, wanted.place, message)
            .did_you_mean(wanted.as_str(), self.tables.keys().map(TableName::as_str))
    }

    /// `companion_of` is the model whose companion the table is.
    fn add(
        &mut self,
        name: TableName,
        origin: Origin,
        place: Place,
        companion_of: Option<&TableName>,
        diags: &mut Diagnostics,
    ) {
        if let Some((_, first)) = self.tables.get(&name) {
            let message = format!("there are two tables `{name}`: models, source tables and seeds share one namespace");
            let mut twice = Diagnostic::error(codes::DUPLICATE_TABLE, place, message).related(*first, "the first one");
            if let Some(model) = companion_of {
                twice = twice
                    .label("this model writes it beside its own table")
                    .hint(format!("rename one of them: `{model}` always has a companion `{name}`"));
            }
            diags.push(twice);
        } else {
            self.tables.insert(name, (origin, place));
        }
    }
}

/// Collects every table that the project names; `kinds` belong to its models, one each.
pub fn collect(project: &Project, kinds: &[Option<Kind>], diags: &mut Diagnostics) -> Names {
    let mut names = Names { broken: project.broken.clone(), ..Names::default() };
    for (file, source) in project.sources.iter().enumerate() {
        for (at, table) in source.spec.tables.iter().enumerate() {
            names.add(table.table.value.clone(), Origin::Source(file, at), table.table.place, None, diags);
        }
    }
    for (at, seed) in project.seeds.iter().enumerate() {
        names.add(seed.spec.seed.value.clone(), Origin::Seed(at), seed.spec.seed.place, None, diags);
    }
    for (at, (model, kind)) in project.models.iter().zip(kinds).enumerate() {
        let name = &model.spec.model;
        names.add(name.value.clone(), Origin::Model(at), name.place, None, diags);
        for suffix in kind.iter().flat_map(|kind| kind.as_model().companions()) {
            names.add(name.with_suffix(suffix), Origin::Model(at), name.place, Some(&name.value), diags);
        }
    }
    names
}

/// The kind that each model declares, where it declares exactly one.
pub fn kinds(models: &[Written<ModelFile>], texts: &Sources, diags: &mut Diagnostics) -> Vec<Option<Kind>> {
    models.iter().map(|model| kind(&model.spec, texts, diags)).collect()
}

fn kind(model: &ModelFile, texts: &Sources, diags: &mut Diagnostics) -> Option<Kind> {
    let mut declared = model.kinds();
    let (first, place) = declared.pop().or_else(|| {
        let known: Vec<String> = crate::kinds::GUIDES.iter().map(|(name, _)| format!("`{name}`")).collect();
        let message = format!("the model `{}` does not say what kind it is", model.model);
        let hint = format!("add one of the keys {}", known.join(", "));
        diags.push(Diagnostic::error(codes::KIND_MISSING, model.model.place, message).hint(hint));
        None
    })?;
    if let Some((second, at)) = declared.pop() {
        let message =
            format!("the model `{}` is of two kinds, `{}` and `{}`", model.model, second.name(), first.name());
        let key = |kind: &Kind, value: Place| texts.key_of(value, kind.name()).unwrap_or(value);
        diags.push(
            Diagnostic::error(codes::KIND_TWICE, key(&second, at), message)
                .related(key(&first, place), "and this one")
                .hint("a model is of one kind: split it into two models"),
        );
        return None;
    }
    Some(first)
}
