//! The kinds of model: what each one declares, promises and plans.
//!
//! A kind is one folder, one variant of [`Kind`], one arm in its methods and one guide. Kinds
//! share the words of [`crate::syntax`] and the tools of [`crate::engine`]; they never see a
//! store, the clock or another kind.

pub mod account_matching;
mod article;
pub mod attribution;
pub mod dedupe;
pub mod exhibit;
pub mod fact;
#[cfg(test)]
mod fixture;
mod kind;
pub mod lifecycle;
#[cfg(test)]
mod recipes;
pub mod source_mapping;
pub mod sql;
pub mod typing;
pub mod velocity;

use chrono_tz::Tz;
use datafusion::logical_expr::{Expr, LogicalPlan};
pub use exhibit::{Exhibit, Exhibitor};
pub use kind::{GUIDES, Kind};
use serde::{Deserialize, Serialize};

use crate::contract::Contract;
use crate::diag::{Diagnostics, Place};
use crate::engine::{Engine, Frames};
use crate::error::Result;
use crate::syntax::{ColumnName, Spanned, TableName};

/// What a model knows of the project it stands in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The zone in which dates are taken.
    pub reporting_timezone: Tz,
    /// The currency that amounts without one are in (ISO 4217).
    pub currency: String,
}

/// What a kind works with while it resolves or plans one model.
pub struct Scope<'a> {
    /// The model's name; its main table has the same.
    pub model: &'a TableName,
    /// Where the model's name is written.
    pub place: Place,
    /// What the user says the model is for.
    pub description: &'a str,
    /// The project's settings.
    pub settings: &'a Settings,
    /// The tables it may read; when an output is planned, the model's earlier outputs too.
    pub frames: &'a Frames,
    /// Types expressions and builds plans.
    pub engine: &'a Engine,
}

/// One number that a model reports about a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FactRow {
    /// What is counted; see [`fact`].
    pub fact: String,
    /// Which one of them: a policy, a rule, a table.
    pub item: String,
    /// How many rows.
    pub rows: i64,
}

/// A condition that every row of one of a model's tables meets by construction. It is checked like the
/// checks that users write: a row that does not meet it refuses publication.
#[derive(Debug, Clone)]
pub struct Assurance {
    /// The table.
    pub table: TableName,
    /// The check's name.
    pub name: &'static str,
    /// The columns it is about.
    pub columns: Vec<ColumnName>,
    /// The condition, over unqualified columns.
    pub holds: Expr,
}

/// What every kind can do.
pub trait ModelKind {
    /// The endings of the tables it writes beside its main one, as `_rejects`.
    fn companions(&self) -> &'static [&'static str] {
        &[]
    }

    /// The endings of its own tables that it goes on from: [`Frames::published`] holds them as they
    /// were last published, where they were.
    fn remembers(&self) -> &'static [&'static str] {
        &[]
    }

    /// The tables this model reads, each where it is named; mistakes that hide them go to `diags`.
    fn inputs(&self, engine: &Engine, diags: &mut Diagnostics) -> Vec<Spanned<TableName>>;

    /// What its outputs promise, main table first: names, types, grain and a sentence for every
    /// column. Everything that can be wrong with the spec is found here, before any row is read. There are
    /// contracts where these are known, even if something else is wrong.
    /// A column may come without a description only where the user must give one.
    fn contract(&self, scope: &Scope<'_>, diags: &mut Diagnostics) -> Option<Vec<Contract>>;

    /// The work for one of the tables that [`ModelKind::contract`] promised, as a logical plan
    /// with the contract's columns in their order (types may still be narrower or dictionaries).
    /// Pure: no I/O, no clock. Outputs are planned in the order of the contracts, and the scope's
    /// frames then hold those before it.
    fn plan(&self, scope: &Scope<'_>, output: &Contract) -> Result<LogicalPlan>;

    /// Queries over the inputs and the finished outputs that count what the run record tells.
    /// Each has the columns `fact` (text), `item` (text), `rows` (bigint).
    fn facts(&self, _scope: &Scope<'_>) -> Result<Vec<LogicalPlan>> {
        Ok(Vec::new())
    }

    /// What must hold of the tables of a model with this name, beyond what their contracts imply.
    fn assurances(&self, _model: &TableName) -> Vec<Assurance> {
        Vec::new()
    }

    /// What the facts of a run give to say, as warnings: a rule that never fired, for one.
    fn review(&self, _facts: &[FactRow], _diags: &mut Diagnostics) {}

    /// What a run would have to do, foretold from the rows of the inputs alone, for whoever is about to run
    /// the model: a table of texts and whole numbers, in the order in which it is shown.
    fn forecast(&self, _scope: &Scope<'_>) -> Result<Option<LogicalPlan>> {
        Ok(None)
    }

    /// What the model's page in the dictionary shows of the finished outputs; a worked example, for one.
    fn exhibitors(&self, _scope: &Scope<'_>) -> Result<Vec<Box<dyn Exhibitor>>> {
        Ok(Vec::new())
    }
}
