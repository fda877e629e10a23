//! The rule that weighs what it finds of every field, as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::matching::Model;
use crate::syntax::{ColumnName, OneOrMany, Spanned};

/// Records match where what was found of all their fields makes it likely (Fellegi and Sunter). What
/// a finding weighs is learnt from the records of the run, or given.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probabilistic {
    /// The probability from which on records are held for the same: 0.95 by default.
    #[serde(default = "merge")]
    pub merge: Spanned<f64>,
    /// The probability from which on a pair is shown for review: 0.5 by default.
    #[serde(default = "review")]
    pub review: Spanned<f64>,
    /// The probability down from which two records contradict each other: no link of this rule makes a person of
    /// them, not by way of others either. 0.001 by default, 0 for none.
    #[serde(default = "contradiction")]
    pub contradiction: Spanned<f64>,
    /// The fields that are compared; all where unset.
    #[serde(default)]
    pub fields: OneOrMany<Spanned<ColumnName>>,
    /// What pairs must share to be compared at all, at least one of these: as in `email`,
    /// `soundex(last_name) + first(3, first_name)`. Chosen by the records where unset.
    #[serde(default)]
    pub within: OneOrMany<Spanned<String>>,
    /// What each finding weighs, as `marquetry weights` prints it; then nothing is learnt.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub weights: Option<Spanned<Model>>,
}

fn merge() -> Spanned<f64> {
    Spanned { value: 0.95, place: Default::default() }
}

fn contradiction() -> Spanned<f64> {
    Spanned { value: 0.001, place: Default::default() }
}

fn review() -> Spanned<f64> {
    Spanned { value: 0.5, place: Default::default() }
}
