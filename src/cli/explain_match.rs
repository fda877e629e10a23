//! `marquetry explain-match MODEL RECORD RECORD` and `marquetry weights MODEL`.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::args::{Args, ExplainMatch, Shape, Weights, WeightsForm};
use super::done;
use super::run::prepare;
use super::ui::Ui;
use crate::error::Result;
use crate::kinds::dedupe::matching::picture;
use crate::pipeline::{self, MatchEvidence, MatchExplanation, RuleFinding};

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
            "comparison": row.comparison, "reason": row.reason, "shared_key": row.shared_key, "n_records": row.records,
        })
    };
    let [(left, left_id), (right, right_id)] = &found.records;
    json!({
        "left": { "record": left, found.id_column.as_str(): left_id },
        "right": { "record": right, found.id_column.as_str(): right_id },
        "together": left_id == right_id,
        "path": found.path.iter().map(row).collect::<Vec<_>>(),
        "between": found.between.iter().map(row).collect::<Vec<_>>(),
        "set_aside": found.set_aside.iter().map(row).collect::<Vec<_>>(),
        "left_out": found.left_out.iter().map(row).collect::<Vec<_>>(),
        "findings": found.findings.iter().map(|own| json!({ "rule": own.rule, "finding": own.finding })).collect::<Vec<_>>(),
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
    found.between.iter().for_each(|link| describe(link, &mut lines));
    if found.between.is_empty() {
        lines.extend(why_not(found));
    }
    lines
}

/// Why nothing in the evidence leads from one to the other.
fn why_not(found: &MatchExplanation) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(link) = found.set_aside.first() {
        let records = link.records.as_deref().unwrap_or("too many");
        lines.push(format!("  they were in one cluster of {records} records, which is too large and was taken apart:"));
        found.set_aside.iter().for_each(|link| describe(link, &mut lines));
        return lines;
    }
    lines.push(
        "  no rule links a record of the one with a record of the other; of these two, as they are now:".to_string(),
    );
    for RuleFinding { rule, finding } in &found.findings {
        lines.push(format!("  `{rule}`"));
        lines.extend(finding.split("; ").map(|step| format!("      {step}")));
    }
    for key in &found.left_out {
        let (shared, records) =
            (key.shared_key.as_deref().unwrap_or("a key"), key.records.as_deref().unwrap_or("many"));
        lines.push(format!(
            "  {} shares `{shared}` with {records} records, so that `{}` does not look at it",
            key.left, key.rule
        ));
        lines.extend(key.reason.iter().map(|reason| format!("      {reason}")));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(set_aside: Vec<MatchEvidence>, left_out: Vec<MatchEvidence>) -> Vec<String> {
        let records = [("crm:1", "A"), ("crm:9", "B")].map(|(record, id)| (record.to_string(), id.to_string()));
        let finding =
            RuleFinding { rule: "email".to_string(), finding: "email differs; phone is the same".to_string() };
        let (path, between) = (Vec::new(), Vec::new());
        as_text(&MatchExplanation {
            id_column: "person_id".to_string(),
            records,
            path,
            between,
            set_aside,
            left_out,
            findings: vec![finding],
        })
    }

    fn row(outcome: &str, left: &str, right: &str, records: &str) -> MatchEvidence {
        let [outcome, left, right, rule] = [outcome, left, right, "email"].map(str::to_string);
        MatchEvidence { outcome, left, right, rule, records: Some(records.to_string()), ..MatchEvidence::default() }
    }

    #[test]
    fn a_cluster_that_was_set_aside_is_why_two_records_are_apart() {
        let lines =
            apart(vec![row("refused", "crm:1", "crm:5", "60"), row("refused", "crm:5", "crm:9", "60")], Vec::new());
        assert_eq!(
            lines,
            [
                "crm:1 and crm:9 are apart: person_id A and B",
                "  they were in one cluster of 60 records, which is too large and was taken apart:",
                "  crm:1 — crm:5: refused by `email`",
                "  crm:5 — crm:9: refused by `email`",
            ]
        );
    }

    #[test]
    fn a_key_that_was_left_out_may_be_why() {
        let key = MatchEvidence {
            shared_key: Some("email i…@acme.com (4)".to_string()),
            ..row("key_too_common", "crm:1", "", "60")
        };
        let lines = apart(Vec::new(), vec![key]);
        assert_eq!(
            lines[1..],
            [
                "  no rule links a record of the one with a record of the other; of these two, as they are now:",
                "  `email`",
                "      email differs",
                "      phone is the same",
                "  crm:1 shares `email i…@acme.com (4)` with 60 records, so that `email` does not look at it",
            ]
        );
    }
}
