//! Names → contracts: every expression typed, every column described, every check understood.

use std::collections::BTreeMap;

use super::graph::Edges;
use super::load::Project;
use super::names::Names;
use super::spec::ModelFile;
use crate::checks::{self, Check};
use crate::contract::{Column, Contract, Role};
use crate::diag::{Diagnostic, Diagnostics, codes};
use crate::engine::{Engine, Frame, Frames};
use crate::kinds::{Kind, Scope, Settings};
use crate::syntax::{ColumnName, TableName};

/// A model of which everything is known that can be known without reading a row.
#[derive(Debug)]
pub struct Model {
    /// Index into [`Project::models`].
    pub index: usize,
    /// Its name.
    pub name: TableName,
    /// Its settings.
    pub kind: Kind,
    /// The tables it reads, sorted.
    pub inputs: Vec<TableName>,
    /// What its tables promise, main table first.
    pub outputs: Vec<Contract>,
    /// What is checked of its main table.
    pub checks: Vec<Check>,
}

impl Model {
    /// The tables that have to be there before it: what it reads, and what its checks compare it
    /// with. A check may look at the model's own tables, for which it does not wait.
    pub fn waits_for(&self) -> impl Iterator<Item = &TableName> {
        let compared = self.checks.iter().filter_map(Check::reads);
        self.inputs.iter().chain(compared.filter(|table| self.outputs.iter().all(|own| own.table != **table)))
    }
}

/// A project in which every name leads somewhere and every expression has a type.
#[derive(Debug)]
pub struct Graph {
    /// What the kinds know of the project.
    pub settings: Settings,
    /// The models, each after all that it reads.
    pub models: Vec<Model>,
    /// Where each table comes from.
    pub names: Names,
}

impl Graph {
    /// The model that writes the table of that name.
    pub fn writer(&self, table: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.outputs.iter().any(|output| output.table.as_str() == table))
    }
}

/// Everything that [`resolve`] works from.
pub struct Unresolved<'a> {
    /// The files.
    pub project: &'a Project,
    /// The kinds of its models.
    pub kinds: Vec<Option<Kind>>,
    /// Its namespace.
    pub names: Names,
    /// Its graph.
    pub edges: Edges,
    /// What the kinds know of the project.
    pub settings: Settings,
}

/// Resolves every model in order; a model one of whose inputs has unknown columns is passed over, because what
/// is wrong with it cannot be told.
pub fn resolve(work: Unresolved<'_>, sources: Frames, engine: &Engine, diags: &mut Diagnostics) -> Graph {
    let mut frames = sources;
    let mut models = Vec::new();
    for index in &work.edges.order {
        let (Some(written), Some(Some(kind))) = (work.project.models.get(*index), work.kinds.get(*index)) else {
            continue;
        };
        let inputs = work.edges.inputs.get(*index).into_iter().flatten();
        let mut inputs: Vec<TableName> = inputs.map(|table| table.value.clone()).collect();
        inputs.sort();
        inputs.dedup();
        if work.edges.lost.contains(index) || inputs.iter().any(|table| frames.get(table.as_str()).is_none()) {
            continue;
        }
        let resolver = Resolver { file: &written.spec, kind, settings: &work.settings, engine };
        let Some(outputs) = resolver.outputs(&frames, diags) else { continue };
        for output in &outputs {
            frames.insert(output.table.clone(), Frame::empty(output.read_schema().into(), output.columns.clone()));
        }
        let checks = {
            let assured = kind.as_model().assurances(&written.spec.model);
            checks::resolve(&written.spec.checks, &outputs, assured, &frames, engine, diags)
        };
        let name = written.spec.model.value.clone();
        models.push(Model { index: *index, name, kind: kind.clone(), inputs, outputs, checks });
    }
    Graph { settings: work.settings, models, names: work.names }
}

struct Resolver<'a> {
    file: &'a ModelFile,
    kind: &'a Kind,
    settings: &'a Settings,
    engine: &'a Engine,
}

impl Resolver<'_> {
    /// What the model's tables promise, where their columns are known: then its checks and the models that
    /// read it are looked at too, whatever else is wrong.
    fn outputs(&self, frames: &Frames, diags: &mut Diagnostics) -> Option<Vec<Contract>> {
        let scope = Scope {
            model: &self.file.model.value,
            place: self.file.model.place,
            description: self.file.description.as_ref().map_or("", |text| text.value.trim()),
            settings: self.settings,
            frames,
            engine: self.engine,
        };
        if self.file.publish && self.file.description.as_ref().is_none_or(|text| text.value.trim().is_empty()) {
            let message = format!("the model `{}` is published without a description", self.file.model);
            let hint = "add `description:`, a sentence that says what the table is for";
            diags.push(Diagnostic::error(codes::UNDESCRIBED_COLUMN, self.file.model.place, message).hint(hint));
        }
        let mut outputs = self.kind.as_model().contract(&scope, diags)?;
        self.describe(&mut outputs, diags);
        if let Some(main) = outputs.iter_mut().find(|output| output.role == Role::Main) {
            self.grain(main, diags);
        }
        self.demand_descriptions(&outputs, diags);
        Some(outputs)
    }

    /// Lays what the user says of columns over what the kind says.
    fn describe(&self, outputs: &mut [Contract], diags: &mut Diagnostics) {
        for (name, said) in &self.file.columns {
            let mut found = false;
            for column in outputs.iter_mut().flat_map(|output| &mut output.columns).filter(|c| c.name == name.value) {
                found = true;
                if let Some(description) = &said.description {
                    column.description.clone_from(description);
                }
                column.pii = said.pii.unwrap_or(column.pii);
            }
            if !found {
                let message = format!("`{}` has no column `{name}` that could be described", self.file.model);
                let columns = outputs.iter().flat_map(|output| &output.columns).map(|column| column.name.as_str());
                diags.push(
                    Diagnostic::error(codes::UNKNOWN_DESCRIBED_COLUMN, name.place, message)
                        .did_you_mean(name.as_str(), columns),
                );
            }
        }
    }

    fn grain(&self, main: &mut Contract, diags: &mut Diagnostics) {
        let Some(declared) = &self.file.grain else { return };
        let mut grain: Vec<ColumnName> = Vec::new();
        for name in &declared.0 {
            if main.column(name.as_str()).is_none() {
                let message = format!("the grain names `{name}`, which is not a column of `{}`", self.file.model);
                let columns = main.columns.iter().map(|column| column.name.as_str());
                diags.push(
                    Diagnostic::error(codes::BAD_GRAIN, name.place, message).did_you_mean(name.as_str(), columns),
                );
            }
            grain.push(name.value.clone());
        }
        main.grain = grain;
    }

    fn demand_descriptions(&self, outputs: &[Contract], diags: &mut Diagnostics) {
        if !self.file.publish {
            return;
        }
        let mut missing: BTreeMap<&TableName, Vec<&Column>> = BTreeMap::new();
        for output in outputs {
            let bare = output.columns.iter().filter(|column| column.description.trim().is_empty());
            bare.for_each(|column| missing.entry(&output.table).or_default().push(column));
        }
        for (table, columns) in missing {
            let names: Vec<String> = columns.iter().map(|column| format!("`{}`", column.name)).collect();
            let message = format!("published columns of `{table}` have no description: {}", names.join(", "));
            let first = columns.first().map_or("name", |column| column.name.as_str());
            let hint = format!("say under `columns:` what they mean, as in `{first}: …`");
            diags.push(Diagnostic::error(codes::UNDESCRIBED_COLUMN, self.file.model.place, message).hint(hint));
        }
    }
}
