//! The kind `lifecycle`: recorded stage changes → one row a visit, one row an entity.
//!
//! ```text
//! spec → definition (stages, versions) → resolve (expressions typed) → describe (contracts)
//!                                                                    → plan → walk → visits
//! ```
//!
//! The reference page is `guide.md`.

mod after;
mod algorithm;
mod clock;
mod definition;
mod describe;
mod entities;
mod entity_rows;
mod example;
mod facts;
mod functions;
mod keys;
mod memo;
mod operator;
mod plan;
mod resolve;
mod review;
pub mod spec;
pub mod stage;
mod values;
mod words;

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;

pub use spec::Lifecycle;

use datafusion::logical_expr::LogicalPlan;

use super::{Exhibitor, FactRow, ModelKind, Scope};
use crate::contract::{Contract, Role};
use crate::diag::Diagnostics;
use crate::engine::Engine;
use crate::error::Result;
use crate::kinds::typing;
use crate::syntax::{Spanned, TableName};
use example::OneWay;
use resolve::Resolved;

/// The kind's reference page.
pub const GUIDE: &str = include_str!("guide.md");

impl ModelKind for Lifecycle {
    fn companions(&self) -> &'static [&'static str] {
        &["_entities", "_rejects"]
    }

    fn inputs(&self, _: &Engine, _: &mut Diagnostics) -> Vec<Spanned<TableName>> {
        let sources = self.sources.iter().map(|source| &source.from);
        let mappings = self.hand_over.iter().map(|hand_over| &hand_over.from);
        sources.chain(mappings).chain(self.crosswalk.iter().map(|crosswalk| &crosswalk.from)).cloned().collect()
    }

    fn contract(&self, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Vec<Contract>> {
        let resolved = typing::in_order(|diags| resolve::resolve(self, scope, diags), diags)?;
        Some(describe::contracts(self, &resolved, scope))
    }

    fn plan(&self, scope: &Scope<'_>, output: &Contract) -> Result<LogicalPlan> {
        let resolved = self.resolved(scope)?;
        match output.role {
            Role::Main => plan::visits(&resolved, scope),
            Role::Companion => entities::entities(&resolved, scope),
            Role::Rejects => plan::rejects(&resolved, scope),
        }
    }

    fn facts(&self, scope: &Scope<'_>) -> Result<Vec<LogicalPlan>> {
        facts::facts(&self.resolved(scope)?, scope)
    }

    fn review(&self, facts: &[FactRow], diags: &mut Diagnostics) {
        after::review(self, facts, diags);
    }

    fn exhibitors(&self, scope: &Scope<'_>) -> Result<Vec<Box<dyn Exhibitor>>> {
        let way = OneWay::of(&self.entity, &self.resolved(scope)?);
        Ok(way.into_iter().map(|way| Box::new(way) as Box<dyn Exhibitor>).collect())
    }
}

impl Lifecycle {
    /// What [`ModelKind::contract`] found in order before.
    fn resolved(&self, scope: &Scope<'_>) -> Result<Resolved> {
        typing::again(scope, |diags| resolve::resolve(self, scope, diags))
    }
}
