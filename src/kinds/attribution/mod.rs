//! The kind `attribution`: conversions and touches → a ledger of credit that closes to the cent.
//!
//! ```text
//! spec → resolve (expressions typed, models understood) → describe (contracts)
//!                                                       → inputs → journeys → walk → ledger
//!        ledger → comparison, reconciliation            conversions, touches → pipeline
//! ```
//!
//! The reference page is `guide.md`.

mod apportion;
mod batch;
mod currency;
mod data_driven;
mod decay;
mod describe;
mod effects;
mod emit;
mod example;
mod example_rows;
mod facts;
mod inputs;
mod journeys;
mod lint;
mod milestones;
pub mod model_spec;
mod models;
mod operator;
mod pipeline;
mod places;
mod plan;
mod repeats;
mod resolve;
mod returns;
pub mod spec;
mod spend;
pub mod spend_spec;
mod summary;
mod typing;
mod weights;
mod window;
mod words;

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;

pub use spec::Attribution;

use datafusion::logical_expr::{LogicalPlan, ident, lit};

use super::{Assurance, Exhibitor, FactRow, ModelKind, Scope};
use crate::contract::{Contract, Role};
use crate::diag::Diagnostics;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::kinds::typing::{again, in_order};
use crate::syntax::{ColumnName, Spanned, TableName};
use example::WorkedExample;
use model_spec::MilestoneSpec;
use resolve::Resolved;

/// The kind's reference page.
pub const GUIDE: &str = include_str!("guide.md");

impl ModelKind for Attribution {
    fn companions(&self) -> &'static [&'static str] {
        &[
            describe::PIPELINE,
            describe::EFFECTS,
            describe::COMPARISON,
            describe::RECONCILIATION,
            describe::RETURNS,
            "_rejects",
        ]
    }

    fn inputs(&self, _: &Engine, _: &mut Diagnostics) -> Vec<Spanned<TableName>> {
        let mut tables = vec![&self.conversions.from, &self.touches.from];
        tables.extend(self.people.iter().map(|people| &people.from));
        tables.extend(self.roles.iter().map(|roles| &roles.from));
        tables.extend(self.crosswalk.iter().map(|crosswalk| &crosswalk.from));
        tables.extend(self.milestones.values().filter_map(|milestone| match &milestone.value {
            MilestoneSpec::Column(_) => None,
            MilestoneSpec::Table(table) => Some(&table.from),
        }));
        let spend = self.spend.iter();
        tables.extend(spend.flat_map(|spend| std::iter::once(&spend.from).chain(spend.rates.iter().map(|r| &r.from))));
        tables.into_iter().cloned().collect()
    }

    fn contract(&self, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Vec<Contract>> {
        let resolved = in_order(|diags| resolve::resolve(self, scope, diags), diags)?;
        lint::reach(self, &resolved, scope, diags);
        Some(describe::contracts(self, &resolved, scope))
    }

    fn plan(&self, scope: &Scope<'_>, output: &Contract) -> Result<LogicalPlan> {
        let resolved = self.resolved(scope)?;
        let is = |ending: &str| output.table == scope.model.with_suffix(ending);
        match output.role {
            Role::Main => plan::ledger(self, &resolved, scope),
            Role::Rejects => plan::rejects(&resolved, scope),
            Role::Companion if is(describe::PIPELINE) => pipeline::pipeline(&resolved, scope),
            Role::Companion if is(describe::EFFECTS) => effects::effects(self, &resolved, scope),
            Role::Companion if is(describe::COMPARISON) => summary::comparison(self, &resolved, scope),
            Role::Companion if is(describe::RECONCILIATION) => summary::reconciliation(self, &resolved, scope),
            Role::Companion if is(describe::RETURNS) => returns::returns(self, &resolved, scope),
            Role::Companion => Err(Error::internal(format!("`{}` is no table of an attribution", output.table))),
        }
    }

    fn assurances(&self, model: &TableName) -> Vec<Assurance> {
        let closes = |column: &str, name: &'static str| Assurance {
            table: model.with_suffix(describe::RECONCILIATION),
            name,
            columns: vec![ColumnName::new_unchecked(column)],
            holds: ident(column).eq(lit(0i64)),
        };
        let mut all = vec![closes("credits_difference", "credit_closes")];
        all.extend(self.spend.as_ref().map(|_| Assurance {
            table: model.with_suffix(describe::RETURNS),
            name: "rates_known",
            columns: vec![ColumnName::new_unchecked("rates_missing")],
            holds: ident("rates_missing").eq(lit(0i64)),
        }));
        all.extend(self.conversions.amount.as_ref().map(|_| closes("difference", "amount_closes")));
        all
    }

    fn review(&self, facts: &[FactRow], diags: &mut Diagnostics) {
        lint::lookback(self, facts, diags);
        lint::journeys(self, facts, diags);
    }

    fn facts(&self, scope: &Scope<'_>) -> Result<Vec<LogicalPlan>> {
        facts::facts(&self.resolved(scope)?, scope)
    }

    fn exhibitors(&self, scope: &Scope<'_>) -> Result<Vec<Box<dyn Exhibitor>>> {
        Ok(vec![Box::new(WorkedExample::new(self.layout, self.resolved(scope)?))])
    }
}

impl Attribution {
    /// What [`ModelKind::contract`] found in order before.
    fn resolved(&self, scope: &Scope<'_>) -> Result<Resolved> {
        again(scope, |diags| resolve::resolve(self, scope, diags))
    }
}
