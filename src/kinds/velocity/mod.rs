//! The kind `velocity`: visits of a lifecycle → how long entities take from stage to stage.
//!
//! ```text
//! spec → resolve (pairs, calendars, expressions typed) → describe (contracts)
//!                                                      → plan → walk → finish → durations
//!                                                             → samples → walk over groups → summary
//! ```
//!
//! The reference page is `guide.md`.

mod algorithm;
mod business;
mod calendar;
mod captions;
mod cohort;
mod describe;
mod facts;
mod finish;
mod group;
mod holidays;
mod layout;
mod operator;
mod pairs;
mod pauses;
mod plan;
mod resolve;
mod review;
mod samples;
pub mod spec;
mod statistics;
mod status;
mod summary;
mod units;
mod words;

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;

pub use spec::Velocity;

use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;

use super::{ModelKind, Scope};
use crate::contract::{Contract, Role};
use crate::diag::Diagnostics;
use crate::engine::Engine;
use crate::error::Result;
use crate::kinds::typing;
use crate::syntax::{Spanned, TableName};
use resolve::Resolved;

/// The kind's reference page.
pub const GUIDE: &str = include_str!("guide.md");

impl ModelKind for Velocity {
    fn companions(&self) -> &'static [&'static str] {
        &["_summary"]
    }

    fn inputs(&self, _: &Engine, _: &mut Diagnostics) -> Vec<Spanned<TableName>> {
        let attributes = self.attributes.iter().map(|attributes| &attributes.from);
        let holidays = self.calendars.values().filter_map(|calendar| Some(&calendar.holidays.as_ref()?.from));
        let pauses = self.pauses.iter().map(|pauses| &pauses.from);
        std::iter::once(&self.from).chain(attributes).chain(holidays).chain(pauses).cloned().collect()
    }

    fn contract(&self, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Vec<Contract>> {
        let resolved = typing::in_order(|diags| resolve::resolve(self, scope, diags), diags)?;
        Some(describe::contracts(self, &resolved, scope))
    }

    fn plan(&self, scope: &Scope<'_>, output: &Contract) -> Result<LogicalPlan> {
        let resolved = Arc::new(self.resolved(scope)?);
        match output.role {
            Role::Main => plan::durations(resolved, scope, output),
            Role::Companion | Role::Rejects => plan::summary(resolved, scope),
        }
    }

    fn facts(&self, scope: &Scope<'_>) -> Result<Vec<LogicalPlan>> {
        facts::facts(&self.resolved(scope)?, scope)
    }
}

impl Velocity {
    /// What [`ModelKind::contract`] found in order before.
    fn resolved(&self, scope: &Scope<'_>) -> Result<Resolved> {
        typing::again(scope, |diags| resolve::resolve(self, scope, diags))
    }
}
