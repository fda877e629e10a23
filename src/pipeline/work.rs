//! What the models of a run have made, and what of it may go out.

use std::collections::{BTreeMap, BTreeSet};

use super::Prepared;
use super::findings::Findings;
use super::outcome::Withheld;
use crate::checks::{CheckResult, Status};
use crate::contract::Role;
use crate::diag::Diagnostics;
use crate::dictionary::ColumnProfile;
use crate::error::{Error, ErrorKind};
use crate::kinds::{Exhibit, FactRow};
use crate::store::publish::{StagedTable, Verdict};
use crate::syntax::TableName;

/// What the models of a run have made.
#[derive(Debug, Default)]
pub struct Work {
    /// The tables that may be published, in the order in which they were made.
    pub staged: Vec<StagedTable>,
    /// What the checks found, in order.
    pub checks: Vec<CheckResult>,
    /// What each model counted.
    pub facts: BTreeMap<TableName, Vec<FactRow>>,
    /// What the columns of each staged table hold.
    pub profiles: BTreeMap<TableName, Vec<ColumnProfile>>,
    /// What each model shows of its rows.
    pub exhibits: BTreeMap<TableName, Vec<Exhibit>>,
    /// The tables that the run was to publish.
    pub wanted: BTreeSet<TableName>,
    /// The models that failed, and how.
    pub failed: BTreeMap<TableName, Error>,
}

/// Whether an error is about the one model, so that others may go on.
pub(super) fn goes_on(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Data | ErrorKind::Project)
}

impl Work {
    /// Whether each staged table may go out.
    pub fn verdicts(&self, prepared: &Prepared) -> Vec<Verdict> {
        let refused = self.refused(prepared);
        let verdict = |table: &StagedTable| {
            let findings = serde_json::to_value(self.findings(&table.name)).unwrap_or_default();
            Verdict { table: table.name.clone(), passed: !refused.contains_key(&table.name), checks: findings }
        };
        self.staged.iter().map(verdict).collect()
    }

    /// The tables that must not go out, with the reason: their model failed or did not pass its checks,
    /// or that is so of what it is made of or was checked against.
    pub fn refused<'a>(&self, prepared: &'a Prepared) -> BTreeMap<&'a TableName, String> {
        let mut refused: BTreeMap<&TableName, String> = BTreeMap::new();
        for model in &prepared.graph.models {
            let own = |table: &TableName| model.outputs.iter().any(|output| output.table == *table);
            let mut failures = self.checks.iter().filter(|result| result.status == Status::Fail && own(&result.table));
            let why = if let Some(error) = self.failed.get(&model.name) {
                format!("its model failed: {}", error.message())
            } else if let Some(result) = failures.next() {
                format!("`{}` of `{}` failed: {}", result.check, result.table, result.message)
            } else if let Some(table) = model.waits_for().find(|table| refused.contains_key(table)) {
                let bound = if model.inputs.contains(table) { "made of" } else { "checked against" };
                format!("it is {bound} `{table}`, which is withheld")
            } else {
                continue;
            };
            refused.extend(model.outputs.iter().map(|output| (&output.table, why.clone())));
        }
        refused
    }

    /// Those of the refused tables that the run was to publish.
    pub fn withheld(&self, prepared: &Prepared) -> Vec<Withheld> {
        let refused = self.refused(prepared).into_iter().filter(|(table, _)| self.wanted.contains(*table));
        refused.map(|(table, why)| Withheld { table: table.clone(), why }).collect()
    }

    /// The error that ends the run, where a model failed: one that is about more than its model, else
    /// the first in the graph. With `keep_going` only such a one does, as long as there is a table left
    /// to publish.
    pub fn ends(&self, prepared: &Prepared, keep_going: bool) -> Option<Error> {
        let refused = self.refused(prepared);
        let goes_out = |table: &StagedTable| !refused.contains_key(&table.name);
        if keep_going && self.failed.values().all(goes_on) && self.staged.iter().any(goes_out) {
            return None;
        }
        let failed = || prepared.graph.models.iter().filter_map(|model| self.failed.get(&model.name));
        failed().find(|error| !goes_on(error)).or_else(|| failed().next()).map(Error::copy)
    }

    fn findings(&self, table: &TableName) -> Findings {
        Findings {
            checks: self.checks.iter().filter(|result| result.table == *table).cloned().collect(),
            facts: self.facts.get(table).cloned().unwrap_or_default(),
            profile: self.profiles.get(table).cloned().unwrap_or_default(),
            exhibits: self.exhibits.get(table).cloned().unwrap_or_default(),
        }
    }

    /// What the models have to say about their counts.
    pub fn review(&self, prepared: &Prepared) -> Diagnostics {
        let mut diags = Diagnostics::default();
        for model in &prepared.graph.models {
            if let Some(facts) = self.facts.get(&model.name) {
                model.kind.as_model().review(facts, &mut diags);
            }
        }
        diags
    }

    /// Rows that each model rejected.
    pub fn rejects(&self, prepared: &Prepared, model: &TableName) -> Option<u64> {
        let model = prepared.graph.models.iter().find(|known| known.name == *model)?;
        let table = model.outputs.iter().find(|output| output.role == Role::Rejects)?;
        self.staged.iter().find(|staged| staged.name == table.table).map(|staged| staged.rows)
    }
}
