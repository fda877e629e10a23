//! The kind `dedupe`: records of several systems → one golden row a person or account, with ids
//! that stay.
//!
//! ```text
//! spec → resolve (fields, terms typed) → describe (contracts)
//!                                      → plan → gather: intake → link → identity → survive → rows
//! ```
//!
//! The reference page is `guide.md`.

mod answer;
mod apart;
pub mod cluster;
mod columns;
mod comparables;
mod decisions;
mod describe;
mod evidence;
mod facts;
mod fields;
mod forecast;
mod former;
mod forms;
mod groups;
mod growing;
mod identity;
mod intake;
mod key_hash;
mod keys;
mod learnt;
mod link;
mod many_ids;
mod masked_key;
pub mod matching;
mod methodology;
mod notes;
mod order;
mod pairs;
mod placeholders;
mod plan;
pub mod policy;
pub mod probabilistic;
mod provenance;
mod quality;
mod ranking;
mod records;
mod report;
mod resolve;
mod review;
mod rows;
pub mod rule;
pub mod spec;
mod state;
mod stored;
mod survive;
mod tables;
mod terms;
mod values;
mod weights;
mod weights_page;

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;

pub use apart::apart;
pub use learnt::learnt;
pub use spec::Dedupe;

use datafusion::logical_expr::LogicalPlan;

use super::{Exhibitor, FactRow, ModelKind, Scope};
use crate::contract::Contract;
use crate::diag::Diagnostics;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::kinds::typing;
use crate::syntax::{Spanned, TableName};
use resolve::Resolved;
use tables::Table;
use weights_page::WeightsPage;

/// The kind's reference page.
pub const GUIDE: &str = include_str!("guide.md");

impl ModelKind for Dedupe {
    fn companions(&self) -> &'static [&'static str] {
        match (self.evidence, self.provenance, self.is_probabilistic()) {
            (true, true, true) => {
                &["_crosswalk", "_redirects", "_evidence", "_provenance", "_weights", "_quality", "_rejects"]
            }
            (true, true, false) => &["_crosswalk", "_redirects", "_evidence", "_provenance", "_quality", "_rejects"],
            (true, false, true) => &["_crosswalk", "_redirects", "_evidence", "_weights", "_quality", "_rejects"],
            (true, false, false) => &["_crosswalk", "_redirects", "_evidence", "_quality", "_rejects"],
            (false, true, true) => &["_crosswalk", "_redirects", "_provenance", "_weights", "_quality", "_rejects"],
            (false, true, false) => &["_crosswalk", "_redirects", "_provenance", "_quality", "_rejects"],
            (false, false, true) => &["_crosswalk", "_redirects", "_weights", "_quality", "_rejects"],
            (false, false, false) => &["_crosswalk", "_redirects", "_quality", "_rejects"],
        }
    }

    fn remembers(&self) -> &'static [&'static str] {
        state::REMEMBERED
    }

    fn inputs(&self, _: &Engine, _: &mut Diagnostics) -> Vec<Spanned<TableName>> {
        let decisions = self.decisions.iter().map(|decisions| &decisions.from);
        self.records.iter().map(|source| &source.from).chain(decisions).cloned().collect()
    }

    fn contract(&self, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Vec<Contract>> {
        let resolved = typing::in_order(|diags| resolve::resolve(self, scope, diags), diags)?;
        Some(describe::contracts(self, &resolved, scope))
    }

    fn plan(&self, scope: &Scope<'_>, output: &Contract) -> Result<LogicalPlan> {
        let ending = output.table.as_str().rsplit('_').next().unwrap_or_default();
        let table = match (output.table == *scope.model, ending) {
            (true, _) => Table::Golden,
            (_, "crosswalk") => Table::Crosswalk,
            (_, "redirects") => Table::Redirects,
            (_, "evidence") => Table::Evidence,
            (_, "provenance") => Table::Provenance,
            (_, "weights") => Table::Weights,
            (_, "quality") => Table::Quality,
            (_, "rejects") => Table::Rejects,
            _ => return Err(Error::internal(format!("`{}` is not a table of the model", output.table))),
        };
        plan::table(&self.resolved(scope)?, scope, table, table == Table::Golden)
    }

    fn facts(&self, scope: &Scope<'_>) -> Result<Vec<LogicalPlan>> {
        facts::facts(&self.resolved(scope)?, scope)
    }

    fn review(&self, facts: &[FactRow], diags: &mut Diagnostics) {
        report::review(self, facts, diags);
    }

    fn forecast(&self, scope: &Scope<'_>) -> Result<Option<LogicalPlan>> {
        forecast::forecast(&self.resolved(scope)?, scope).map(Some)
    }

    fn exhibitors(&self, scope: &Scope<'_>) -> Result<Vec<Box<dyn Exhibitor>>> {
        let page = WeightsPage::of(&self.resolved(scope)?);
        Ok(page.into_iter().map(|page| Box::new(page) as Box<dyn Exhibitor>).collect())
    }
}

impl Dedupe {
    /// What [`ModelKind::contract`] found in order before.
    fn resolved(&self, scope: &Scope<'_>) -> Result<Resolved> {
        typing::again(scope, |diags| resolve::resolve(self, scope, diags))
    }
}
