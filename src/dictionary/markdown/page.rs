//! One table's page.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::escape::{block, cell, code_cell, file_name, inline, number, paragraph};
use super::exhibit::exhibits;
use crate::contract::{Classification, Pii, Role};
use crate::dictionary::{
    CheckResult, CheckStatus, ColumnLink, ColumnPage, ColumnProfile, Document, Freshness, MethodologyText, RunFact,
    Severity, SourceKind, SourcePage, TablePage, Withheld,
};

/// The page of a table that a model writes.
pub(super) fn table(names: &Names<'_>, table: &TablePage) -> String {
    let mut out = head(&table.name, &table.description);
    out.push_str(&facts_of(&table_facts(names, table)));
    out.push_str(&methodology(&table.methodology));
    out.push_str(&exhibits(&table.exhibits));
    out.push_str(&columns(names, &table.columns));
    out.push_str(&profiles(&table.columns));
    out.push_str(&checks(&table.checks));
    out.push_str(&run_facts(&table.facts));
    out.push_str(&definition(table.definition.as_deref()));
    out
}

/// The page of a table that models read.
pub(super) fn source(names: &Names<'_>, source: &SourcePage) -> String {
    let mut out = head(&source.name, &source.description);
    out.push_str(&facts_of(&source_facts(names, source)));
    out.push_str(&columns(names, &source.columns));
    out.push_str(&profiles(&source.columns));
    out.push_str(&checks(&source.checks));
    out.push_str(&definition(source.definition.as_deref()));
    out
}

fn head(name: &str, description: &str) -> String {
    format!("# {}\n\n{}\n", inline(name), paragraph(description))
}

/// What a page says in its first table; a fact without a value is left out.
type Facts = Vec<(&'static str, String)>;

fn facts_of(facts: &Facts) -> String {
    let mut out = String::from("\n| | |\n| --- | --- |\n");
    for (label, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(out, "| {label} | {value} |");
    }
    out
}

fn table_facts(names: &Names<'_>, table: &TablePage) -> Facts {
    let kind = kind_link(names, &table.kind);
    let kind = match table.role {
        Role::Main => kind,
        Role::Companion => format!("{kind}, companion of {}", link(names, &table.model)),
        Role::Rejects => format!("{kind}, rejects of {}", link(names, &table.model)),
    };
    let rejects = table.rejects.as_ref().map(|r| format!("{} in {}", number(r.rows), link(names, &r.table)));
    vec![
        ("Kind", kind),
        ("One row per", columns_as_code(&table.grain)),
        ("Also unique", table.keys.iter().map(|k| columns_as_code(k)).collect::<Vec<_>>().join("; ")),
        ("Owner", optional(table.owner.as_ref())),
        ("Tags", cell(&table.tags.join(", "))),
        ("Classification", classification(table.classification).to_string()),
        ("Rows", table.rows.map(number).unwrap_or_default()),
        ("Rejected rows", rejects.unwrap_or_default()),
        ("Freshness", table.freshness.as_ref().map(freshness).unwrap_or_default()),
        ("Reads", links(names, &table.upstream)),
        ("Read by", links(names, &table.downstream)),
        ("Location", table.location.as_deref().map(code_cell).unwrap_or_default()),
        ("Format", optional(table.format.as_ref())),
        ("Digest", table.digest.as_deref().map(code_cell).unwrap_or_default()),
        ("Declared in", table.path.as_deref().map(code_cell).unwrap_or_default()),
    ]
}

fn source_facts(names: &Names<'_>, source: &SourcePage) -> Facts {
    let kind = match source.kind {
        SourceKind::Extract => "extract",
        SourceKind::Seed => "seed",
    };
    vec![
        ("Kind", kind.to_string()),
        ("System", optional(source.system.as_ref())),
        ("One row per", columns_as_code(&source.grain)),
        ("Owner", optional(source.owner.as_ref())),
        ("Tags", cell(&source.tags.join(", "))),
        ("Classification", classification(source.classification).to_string()),
        ("Rows", source.rows.map(number).unwrap_or_default()),
        ("Freshness", source.freshness.as_ref().map(freshness).unwrap_or_default()),
        ("Read by", links(names, &source.downstream)),
        ("Location", source.location.as_deref().map(code_cell).unwrap_or_default()),
        ("Format", optional(source.format.as_ref())),
        ("Declared in", source.path.as_deref().map(code_cell).unwrap_or_default()),
    ]
}

fn optional(text: Option<&String>) -> String {
    text.map(|t| cell(t)).unwrap_or_default()
}

fn classification(class: Classification) -> &'static str {
    match class {
        Classification::Public => "public",
        Classification::Internal => "internal",
        Classification::Confidential => "confidential",
        Classification::Restricted => "restricted",
    }
}

fn freshness(freshness: &Freshness) -> String {
    let mut said = Vec::new();
    if let Some(latest) = &freshness.latest {
        said.push(format!("latest {}", cell(latest)));
    }
    if let Some(column) = &freshness.column {
        said.push(format!("by {}", code_cell(column)));
    }
    if let Some(expected) = &freshness.expected {
        said.push(format!("expected within {}", cell(expected)));
    }
    match freshness.status {
        CheckStatus::Passed => said.push("fresh".into()),
        CheckStatus::Failed => said.push("**late**".into()),
        CheckStatus::NotRun => {}
    }
    said.join(", ")
}

/// The names that have a page, looked up once for every column of every table.
pub(super) struct Names<'a> {
    tables: BTreeSet<&'a str>,
    sources: BTreeSet<&'a str>,
    guides: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    /// The names of a document.
    pub(super) fn of(document: &'a Document) -> Self {
        Self {
            tables: document.tables.iter().map(|t| t.name.as_str()).collect(),
            sources: document.sources.iter().map(|s| s.name.as_str()).collect(),
            guides: document.guides.iter().map(|g| g.kind.as_str()).collect(),
        }
    }
}

/// A link to a table's page, or its bare name where it has none. Every page is one folder deep.
fn link(names: &Names<'_>, name: &str) -> String {
    let folder = if names.tables.contains(name) {
        "tables"
    } else if names.sources.contains(name) {
        "sources"
    } else {
        return code_cell(name);
    };
    format!("[{}](../{folder}/{}.md)", cell(name), file_name(name))
}

fn kind_link(names: &Names<'_>, kind: &str) -> String {
    if names.guides.contains(kind) { format!("[{}](../guides/{}.md)", cell(kind), file_name(kind)) } else { cell(kind) }
}

fn links(names: &Names<'_>, tables: &[String]) -> String {
    tables.iter().map(|name| link(names, name)).collect::<Vec<_>>().join(", ")
}

fn columns_as_code(names: &[String]) -> String {
    names.iter().map(|n| code_cell(n)).collect::<Vec<_>>().join(", ")
}

fn methodology(text: &MethodologyText) -> String {
    let mut out = String::new();
    if !text.summary.is_empty() {
        out.push_str("\n## How it is made\n");
        for paragraph_text in &text.summary {
            let _ = write!(out, "\n{}\n", paragraph(paragraph_text));
        }
    }
    for (title, points) in [("What is assumed", &text.assumptions), ("What it cannot tell", &text.limits)] {
        if !points.is_empty() {
            let _ = write!(out, "\n### {title}\n\n");
            for point in points {
                let _ = writeln!(out, "- {}", paragraph(point));
            }
        }
    }
    out
}

fn columns(names: &Names<'_>, columns: &[ColumnPage]) -> String {
    let mut out = String::from("\n## Columns\n\n| Column | Type | What it means | Made from | Source columns |\n");
    out.push_str("| --- | --- | --- | --- | --- |\n");
    for column in columns {
        let required = if column.nullable { "" } else { ", not null" };
        let personal = match column.pii {
            Pii::None => "",
            Pii::Indirect => " *Indirectly personal.*",
            Pii::Direct => " *Personal.*",
            Pii::Sensitive => " *Sensitive.*",
        };
        let _ = writeln!(
            out,
            "| {} | {}{required} | {}{personal} | {} | {} |",
            code_cell(&column.name),
            cell(&column.ty),
            cell(&column.description),
            origins(names, &column.lineage),
            origins(names, &column.sources),
        );
    }
    out
}

fn origins(names: &Names<'_>, origins: &[ColumnLink]) -> String {
    let said = origins.iter().map(|o| format!("{}.{}", link(names, &o.table), code_cell(&o.column)));
    said.collect::<Vec<_>>().join(", ")
}

fn profiles(columns: &[ColumnPage]) -> String {
    let profiled: Vec<_> = columns.iter().filter_map(|c| Some((c, c.profile.as_ref()?))).collect();
    if profiled.is_empty() {
        return String::new();
    }
    let mut out = String::from("\n## Profile\n\n| Column | Null | Distinct | Least | Greatest | Most frequent |\n");
    out.push_str("| --- | ---: | ---: | --- | --- | --- |\n");
    for (column, profile) in profiled {
        out.push_str(&profile_line(column, profile));
    }
    out
}

fn profile_line(column: &ColumnPage, profile: &ColumnProfile) -> String {
    let distinct = profile.distinct.map(|d| if d.exact { number(d.count) } else { format!("> {}", number(d.count)) });
    let frequent = match profile.withheld {
        Some(Withheld::Personal) => "withheld: personal".to_string(),
        Some(Withheld::FewRows) => "withheld: fewer than 5 values".to_string(),
        None => {
            let top = profile.top.iter().map(|t| format!("{} {}", code_cell(&t.value), number(t.rows)));
            top.collect::<Vec<_>>().join(", ")
        }
    };
    let bound = |value: &Option<String>| value.as_deref().map(cell).unwrap_or_default();
    format!(
        "| {} | {} | {} | {} | {} | {frequent} |\n",
        code_cell(&column.name),
        percent(profile.nulls, profile.rows),
        distinct.unwrap_or_default(),
        bound(&profile.min),
        bound(&profile.max),
    )
}

/// A share in tenths of a percent, worked out in whole numbers; something is never said to be
/// nothing, nor nearly all to be all.
fn percent(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0%".to_string();
    }
    if part == whole {
        return "100%".to_string();
    }
    let tenths = (u128::from(part) * 2000 + u128::from(whole)) / (u128::from(whole) * 2);
    match tenths {
        0 => "< 0.1%".to_string(),
        1000 => "> 99.9%".to_string(),
        _ => format!("{}.{}%", tenths / 10, tenths % 10),
    }
}

fn checks(checks: &[CheckResult]) -> String {
    if checks.is_empty() {
        return String::new();
    }
    let mut out =
        String::from("\n## Checks\n\n| Check | Column | Result | Failures | |\n| --- | --- | --- | ---: | --- |\n");
    for check in checks {
        let result = match (check.status, check.severity) {
            (CheckStatus::Passed, _) => "passed",
            (CheckStatus::Failed, Severity::Error) => "**failed**",
            (CheckStatus::Failed, Severity::Warn) => "warned",
            (CheckStatus::NotRun, _) => "not run",
        };
        let _ = writeln!(
            out,
            "| {} | {} | {result} | {} | {} |",
            cell(&check.name),
            check.column.as_deref().map(code_cell).unwrap_or_default(),
            check.failures.map(number).unwrap_or_default(),
            cell(check.message.as_deref().unwrap_or_default()),
        );
    }
    out
}

fn run_facts(facts: &[RunFact]) -> String {
    if facts.is_empty() {
        return String::new();
    }
    let mut out = String::from("\n## The last run\n\n| Counted | Of | Rows |\n| --- | --- | ---: |\n");
    for fact in facts {
        let sign = if fact.rows < 0 { "-" } else { "" };
        let rows = number(fact.rows.unsigned_abs());
        let _ = writeln!(out, "| {} | {} | {sign}{rows} |", cell(&fact.fact.replace('_', " ")), cell(&fact.item));
    }
    out
}

fn definition(text: Option<&str>) -> String {
    text.map(|text| format!("\n## Definition\n\n{}", block("yaml", text))).unwrap_or_default()
}
