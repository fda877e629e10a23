//! `marquetry explain-match MODEL RECORD RECORD` and `marquetry weights MODEL`.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::args::{Args, ExplainMatch, Shape, Weights, WeightsForm};
use super::done;
use super::run::prepare;
use super::ui::Ui;
use crate::error::Result;
use crate::kinds::dedupe::matching::picture;
use crate::pipeline::{self, MatchEvidence, MatchExplanation};

/// Says why two records are together or apart.
pub async fn explain_match(args: &Args, wanted: &ExplainMatch, ui: &Ui) -> Result<ExitCode> {
    let (prepared, _) = prepare(args, ui).await?;
    let records = [wanted.left.as_str(), wanted.right.as_str()];
    let found = pipeline::explain_match(&prepared, &args.request(), &wanted.model, records).await?;
    match args.output {
        Shape::Json => ui.print_json(&as_json(&found)),
        Shape::Text => as_text(&found).iter().for_each(|line| ui.print(line)),
    }
    done()
}

/// Prints what a model has learnt.
pub async fn weights(args: &Args, wanted: &Weights, ui: &Ui) -> Result<ExitCode> {
    let (prepared, _) = prepare(args, ui).await?;
    let model = pipeline::weights(&prepared, &args.request(), &wanted.model).await?;
    let text = match wanted.form {
        WeightsForm::Yaml => model.to_yaml()?,
        WeightsForm::Table => model.explain(),
        WeightsForm::Picture => picture(&model),
    };
    ui.print(text.trim_end());
    done()
}

fn as_json(found: &MatchExplanation) -> Value {
    let row = |row: &MatchEvidence| {
        json!({
            "outcome": row.outcome, "rule": row.rule, "left": row.left, "right": row.right, "weight": row.weight,
            "comparison": row.comparison, "reason": row.reason,
        })
    };
    let [(left, left_id), (right, right_id)] = &found.records;
    json!({
        "left": { "record": left, found.id_column.as_str(): left_id },
        "right": { "record": right, found.id_column.as_str(): right_id },
        "together": left_id == right_id,
        "path": found.path.iter().map(row).collect::<Vec<_>>(),
        "between": found.between.iter().map(row).collect::<Vec<_>>(),
    })
}

fn as_text(found: &MatchExplanation) -> Vec<String> {
    let [(left, left_id), (right, right_id)] = &found.records;
    if left == right {
        return vec![format!("{left} is one record, of {} {left_id}", found.id_column)];
    }
    let mut lines = Vec::new();
    if left_id == right_id {
        lines.push(format!("{left} and {right} are together: {} {left_id}", found.id_column));
        found.path.iter().for_each(|link| describe(link, &mut lines));
        return lines;
    }
    lines.push(format!("{left} and {right} are apart: {} {left_id} and {right_id}", found.id_column));
    if found.between.is_empty() {
        lines.push(format!(
            "  no rule links a record of the one with a record of the other: {}",
            found.rules.join("; ")
        ));
    }
    found.between.iter().for_each(|link| describe(link, &mut lines));
    lines
}

fn describe(link: &MatchEvidence, lines: &mut Vec<String>) {
    let weight = link.weight.as_ref().map_or_else(String::new, |weight| format!(", {weight} bits"));
    lines.push(format!("  {} — {}: {} by `{}`{weight}", link.left, link.right, link.outcome, link.rule));
    if let Some(reason) = &link.reason {
        lines.push(format!("      {reason}"));
    }
    for step in link.comparison.iter().flat_map(|text| text.split("; ")) {
        lines.push(format!("      {step}"));
    }
}
