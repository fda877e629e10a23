//! The kind `account_matching`: leads and accounts → the account of each lead, by tiers.
//!
//! ```text
//! spec → resolve (fields typed, tiers with what they need) → describe (contracts)
//!                                                          → plan → walk: index → matcher → rows
//! ```
//!
//! The reference page is `guide.md`.

mod describe;
mod domains;
mod facts;
mod index;
mod matcher;
mod names;
mod notes;
mod operator;
mod plan;
pub mod preference;
mod resolve;
mod review;
pub mod spec;
pub mod tier;

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;

pub use spec::AccountMatching;

use datafusion::logical_expr::LogicalPlan;

use super::{FactRow, ModelKind, Scope};
use crate::contract::{Contract, Role};
use crate::diag::Diagnostics;
use crate::engine::Engine;
use crate::error::Result;
use crate::kinds::typing;
use crate::syntax::{Spanned, TableName};
use resolve::Resolved;

/// The kind's reference page.
pub const GUIDE: &str = include_str!("guide.md");

impl ModelKind for AccountMatching {
    fn companions(&self) -> &'static [&'static str] {
        &[describe::SUMMARY, "_rejects"]
    }

    fn inputs(&self, _: &Engine, _: &mut Diagnostics) -> Vec<Spanned<TableName>> {
        let crosswalk = self.crosswalk.iter().map(|crosswalk| &crosswalk.from);
        let aliases = self.aliases.iter().map(|aliases| &aliases.from);
        [&self.leads.from, &self.accounts.from].into_iter().chain(crosswalk).chain(aliases).cloned().collect()
    }

    fn contract(&self, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Vec<Contract>> {
        let resolved = typing::in_order(|diags| resolve::resolve(self, scope, diags), diags)?;
        Some(describe::contracts(self, &resolved, scope))
    }

    fn plan(&self, scope: &Scope<'_>, output: &Contract) -> Result<LogicalPlan> {
        let resolved = self.resolved(scope)?;
        match output.role {
            Role::Main => plan::matches(&resolved, scope),
            Role::Companion => plan::summary(&resolved, scope),
            Role::Rejects => plan::rejects(&resolved, scope),
        }
    }

    fn facts(&self, scope: &Scope<'_>) -> Result<Vec<LogicalPlan>> {
        facts::facts(&self.resolved(scope)?, scope)
    }

    fn review(&self, facts: &[FactRow], diags: &mut Diagnostics) {
        review::after(self, facts, diags);
    }
}

impl AccountMatching {
    /// What [`ModelKind::contract`] found in order before.
    fn resolved(&self, scope: &Scope<'_>) -> Result<Resolved> {
        typing::again(scope, |diags| resolve::resolve(self, scope, diags))
    }
}
