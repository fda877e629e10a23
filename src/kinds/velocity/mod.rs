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
use crate::error::{Error, Result};
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
        std::iter::once(&self.from).chain(attributes).chain(holidays).cloned().collect()
    }

    fn contract(&self, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Vec<Contract>> {
        let mut found = Diagnostics::default();
        let resolved = resolve::resolve(self, scope, &mut found);
        let failed = found.has_errors();
        diags.extend(found);
        let resolved = resolved.filter(|_| !failed)?;
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
        let mut found = Diagnostics::default();
        let resolved = resolve::resolve(self, scope, &mut found).filter(|_| !found.has_errors());
        resolved.ok_or_else(|| {
            let first = found.into_sorted().into_iter().next().map(|d| d.message).unwrap_or_default();
            Error::internal(format!("`{}` was planned without being in order: {first}", scope.model))
        })
    }
}
