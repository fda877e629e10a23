//! Every kind there is: one variant and one arm each.

use super::{ModelKind, sql};

/// A model's own settings, by kind.
#[derive(Debug, Clone)]
pub enum Kind {
    /// One SELECT.
    Sql(sql::Sql),
}

/// The kinds' names with their reference pages, in the order of the documentation.
pub const GUIDES: &[(&str, &str)] = &[("sql", sql::GUIDE)];

impl Kind {
    /// The YAML key that declares it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sql(_) => "sql",
        }
    }

    /// What it can do.
    pub fn as_model(&self) -> &dyn ModelKind {
        match self {
            Self::Sql(spec) => spec,
        }
    }
}
