//! Every kind there is: one variant and one arm each.

use super::account_matching::{self, AccountMatching};
use super::attribution::{self, Attribution};
use super::dedupe::{self, Dedupe};
use super::lifecycle::{self, Lifecycle};
use super::source_mapping::{self, SourceMapping};
use super::velocity::{self, Velocity};
use super::{ModelKind, sql};

/// A model's own settings, by kind.
#[derive(Debug, Clone)]
pub enum Kind {
    /// One SELECT.
    Sql(sql::Sql),
    /// Touches with their channel.
    SourceMapping(Box<SourceMapping>),
    /// Stage visits.
    Lifecycle(Box<Lifecycle>),
    /// Times between stages.
    Velocity(Box<Velocity>),
    /// People or accounts out of records.
    Dedupe(Box<Dedupe>),
    /// The accounts of leads.
    AccountMatching(Box<AccountMatching>),
    /// Credit for conversions.
    Attribution(Box<Attribution>),
}

/// The kinds' names with their reference pages, in the order of the documentation.
pub const GUIDES: &[(&str, &str)] = &[
    ("sql", sql::GUIDE),
    ("source_mapping", source_mapping::GUIDE),
    ("lifecycle", lifecycle::GUIDE),
    ("dedupe", dedupe::GUIDE),
    ("account_matching", account_matching::GUIDE),
    ("velocity", velocity::GUIDE),
    ("attribution", attribution::GUIDE),
];

impl Kind {
    /// The YAML key that declares it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sql(_) => "sql",
            Self::SourceMapping(_) => "source_mapping",
            Self::Lifecycle(_) => "lifecycle",
            Self::Dedupe(_) => "dedupe",
            Self::AccountMatching(_) => "account_matching",
            Self::Velocity(_) => "velocity",
            Self::Attribution(_) => "attribution",
        }
    }

    /// What it can do.
    pub fn as_model(&self) -> &dyn ModelKind {
        match self {
            Self::Sql(spec) => spec,
            Self::SourceMapping(spec) => spec.as_ref(),
            Self::Lifecycle(spec) => spec.as_ref(),
            Self::Dedupe(spec) => spec.as_ref(),
            Self::AccountMatching(spec) => spec.as_ref(),
            Self::Velocity(spec) => spec.as_ref(),
            Self::Attribution(spec) => spec.as_ref(),
        }
    }
}
