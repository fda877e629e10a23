//! The kind `source_mapping`: which channel, source, medium and campaign every touch came from.
//!
//! ```text
//! spec ─ compile ─→ RuleBook ─┐
//! touches ─ memory (value → mask of rules) ─ decide (lowest common bit) ─→ classified touches
//! ```

mod categories;
mod classify;
mod clicks;
mod compile;
mod contracts;
mod decide;
mod encode;
mod ga4;
mod inputs;
mod lookups;
mod memory;
#[cfg(test)]
mod naive;
mod nearest;
mod plan;
mod reach;
mod rules;
mod spec;
#[cfg(test)]
mod tests;
mod texts;
mod url;
mod utm;
mod values;

pub use spec::{
    Campaigns, Category, Patterns, Precedence, RuleSpec, SourceMapping, Synonyms, TableColumn, Unmapped, Utm, When,
};

use datafusion::logical_expr::LogicalPlan;

use super::{FactRow, ModelKind, Scope, fact};
use crate::contract::{Contract, Role};
use crate::diag::{Diagnostic, Diagnostics, codes};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::syntax::{Spanned, TableName};

/// The reference page of the kind.
pub const GUIDE: &str = include_str!("guide.md");

impl ModelKind for SourceMapping {
    fn companions(&self) -> &'static [&'static str] {
        &["_unmapped", "_rejects"]
    }

    fn inputs(&self, _: &Engine, _: &mut Diagnostics) -> Vec<Spanned<TableName>> {
        let lookups = self.rules.iter().filter_map(|rule| rule.when.campaign_in.as_ref()).map(|table| &table.from);
        let campaigns = self.campaigns.iter().map(|table| &table.from);
        let all = std::iter::once(&self.from).chain(&self.source_categories).chain(campaigns).chain(lookups);
        let mut inputs: Vec<Spanned<TableName>> = Vec::new();
        for table in all {
            if !inputs.iter().any(|known| known.value == table.value) {
                inputs.push(table.clone());
            }
        }
        inputs
    }

    fn contract(&self, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Vec<Contract>> {
        let mut found = Diagnostics::default();
        let book = match compile::compile(self, &mut found) {
            Ok(book) => Some(book),
            Err(error) => {
                found.push(Diagnostic::error(codes::INVALID_VALUE, scope.place, error.to_string()));
                None
            }
        };
        let resolved = inputs::resolve(self, scope, &mut found);
        if let Some(book) = &book {
            inputs::check_sides(self, book, scope, &mut found);
            self.something_decides(book, &mut found);
            if let Some(resolved) = resolved.as_ref().filter(|_| !found.has_errors()) {
                reach::report(book, inputs::given(self, resolved), &mut found);
            }
        }
        let failed = found.has_errors();
        diags.extend(found);
        let (book, resolved) = (book?, resolved?);
        (!failed).then(|| contracts::all(self, scope, &resolved, &book))
    }

    fn plan(&self, scope: &Scope<'_>, output: &Contract) -> Result<LogicalPlan> {
        let mut diags = Diagnostics::default();
        let book = compile::compile(self, &mut diags)?;
        let resolved = inputs::resolve(self, scope, &mut diags)
            .filter(|_| !diags.has_errors())
            .ok_or_else(|| Error::internal("a model is planned that did not pass its checks"))?;
        match output.role {
            Role::Main => plan::main(self, scope, &resolved, book),
            Role::Companion => plan::unmapped(self, scope, &book),
            Role::Rejects => plan::rejects(self, scope, &resolved),
        }
    }

    fn facts(&self, scope: &Scope<'_>) -> Result<Vec<LogicalPlan>> {
        plan::facts(self, scope)
    }

    fn review(&self, facts: &[FactRow], diags: &mut Diagnostics) {
        let fired = |id: &str| facts.iter().any(|row| row.fact == fact::RULE && row.item == id && row.rows > 0);
        let any = facts.iter().any(|row| row.fact == fact::RULE && row.rows > 0);
        let Ok(book) = compile::compile(self, &mut Diagnostics::default()) else { return };
        for rule in book.rules.iter().filter(|rule| any && rule.is_own() && !fired(&rule.id)) {
            let message = format!("the rule `{}` held first for no touch of this run", rule.id);
            diags.push(
                Diagnostic::warning(codes::UNUSED_RULE, rule.place, message)
                    .hint("look at the values in the unmapped table, or remove the rule"),
            );
        }
    }
}

impl SourceMapping {
    fn something_decides(&self, book: &rules::RuleBook, diags: &mut Diagnostics) {
        if book.rules.is_empty() && book.campaigns.is_none() && !diags.has_errors() {
            let place = self.channels.as_ref().map_or(self.from.place, |channels| channels.place);
            let message = "with `channels: none` and no rules, every touch is unmapped";
            diags.push(Diagnostic::error(codes::EMPTY_RULE, place, message).hint("add `rules`, or use `ga4_default`"));
        }
    }
}
