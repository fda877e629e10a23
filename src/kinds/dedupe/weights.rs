//! What the probabilistic rule weighs, as a table and back.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array, StringArray};

use super::matching::Model;
use super::rows;
use crate::error::Result;

/// One row of `_weights`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Finding {
    /// The row's place.
    pub(super) position: i32,
    /// Index into [`PARTS`].
    pub(super) part: i32,
    /// The field, or what pairs share.
    pub(super) name: String,
    /// What the field holds.
    pub(super) kind: Option<String>,
    /// What was found.
    pub(super) finding: Option<String>,
    /// Thousandths of a bit.
    pub(super) weight_millibits: Option<i32>,
    /// m, or of the prior λ.
    pub(super) share_of_matches: Option<f64>,
    /// u.
    pub(super) share_of_others: Option<f64>,
    /// Thousandths of a bit for two records' being related.
    pub(super) related_millibits: Option<i32>,
    /// r, or of the prior ρ.
    pub(super) share_of_related: Option<f64>,
    /// Whether rare values weigh more.
    pub(super) adjusts_for_frequency: Option<bool>,
}

/// What rows are about.
pub(super) const PARTS: [&str; 3] = ["prior", "field", "pairs"];

/// A model as rows: the prior, the fields with their findings in order, what pairs share.
pub(super) fn findings(model: &Model) -> Vec<Finding> {
    let prior = Finding {
        name: "any two records".to_string(),
        weight_millibits: Some(model.prior_bits),
        share_of_matches: Some(model.lambda),
        related_millibits: model.related.map(|related| related.prior_bits),
        share_of_related: model.related.map(|related| related.rho),
        ..Finding::default()
    };
    let fields = model.fields.iter().flat_map(|field| {
        field.levels.iter().map(|level| Finding {
            position: 0,
            part: 1,
            name: field.name.clone(),
            kind: Some(field.kind.to_string()),
            finding: Some(level.when.to_string()),
            weight_millibits: Some(level.bits),
            share_of_matches: Some(level.m),
            share_of_others: Some(level.u),
            related_millibits: level.related.map(|related| related.bits),
            share_of_related: level.related.map(|related| related.r),
            adjusts_for_frequency: Some(field.term_frequency),
        })
    });
    let pairs = model.blocking.iter().map(|rule| Finding { part: 2, name: rule.to_string(), ..Finding::default() });
    let all = std::iter::once(prior).chain(fields).chain(pairs).zip(1..);
    all.map(|(finding, position)| Finding { position, ..finding }).collect()
}

/// As columns.
pub(super) fn rows(findings: &[Finding]) -> Result<Vec<ArrayRef>> {
    let parts = PARTS.map(str::to_string);
    let text =
        |of: fn(&Finding) -> Option<&str>| -> ArrayRef { Arc::new(findings.iter().map(of).collect::<StringArray>()) };
    let share =
        |of: fn(&Finding) -> Option<f64>| -> ArrayRef { Arc::new(findings.iter().map(of).collect::<Float64Array>()) };
    Ok(vec![
        Arc::new(Int32Array::from_iter_values(findings.iter().map(|finding| finding.position))),
        rows::dictionary(&parts, findings.iter().map(|finding| Some(finding.part)))?,
        text(|finding| Some(&finding.name)),
        text(|finding| finding.kind.as_deref()),
        text(|finding| finding.finding.as_deref()),
        rows::weights(findings.iter().map(|finding| finding.weight_millibits))?,
        share(|finding| finding.share_of_matches),
        share(|finding| finding.share_of_others),
        rows::weights(findings.iter().map(|finding| finding.related_millibits))?,
        share(|finding| finding.share_of_related),
        Arc::new(findings.iter().map(|finding| finding.adjusts_for_frequency).collect::<BooleanArray>()),
    ])
}
