//! The dictionary as Markdown: an index and one page for each table and source, for repositories,
//! wikis and code review. GitHub's dialect; a description's own `code` stays code, everything else
//! in it is text.

mod escape;
mod exhibit;
mod page;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{CheckStatus, Document, RenderedFile, Severity, SourcePage, TablePage};
use crate::contract::Role;
use escape::{cell, file_name, number};

pub(super) use escape::paragraph;

/// `index.md`, then a page for each table, each source and each guide.
pub(super) fn pages(document: &Document) -> Vec<RenderedFile> {
    let names = page::Names::of(document);
    let mut files = vec![RenderedFile { path: "index.md".into(), text: index(document) }];
    files.extend(document.tables.iter().map(|table| RenderedFile {
        path: format!("tables/{}.md", file_name(&table.name)),
        text: page::table(&names, table),
    }));
    files.extend(document.sources.iter().map(|source| RenderedFile {
        path: format!("sources/{}.md", file_name(&source.name)),
        text: page::source(&names, source),
    }));
    files.extend(
        document.guides.iter().map(|guide| RenderedFile {
            path: format!("guides/{}.md", file_name(&guide.kind)),
            text: guide.text.clone(),
        }),
    );
    files
}

fn index(document: &Document) -> String {
    let mut out = format!("# {}: data dictionary\n", paragraph(&document.project.name));
    if !document.project.description.is_empty() {
        let _ = write!(out, "\n{}\n", paragraph(&document.project.description));
    }
    let _ = write!(out, "\n{}\n", conventions(document));
    for (folder, tables) in folders(&document.tables) {
        let _ = write!(out, "\n## {}\n\n", paragraph(&folder));
        out.push_str("| Table | What it is for | Kind | Rows | Checks |\n| --- | --- | --- | ---: | --- |\n");
        for table in tables {
            out.push_str(&table_line(table));
        }
    }
    if !document.sources.is_empty() {
        out.push_str("\n## Sources\n\n| Table | What it holds | System | Rows |\n| --- | --- | --- | ---: |\n");
        for source in by_name(&document.sources, |s| &s.name) {
            out.push_str(&source_line(source));
        }
    }
    if !document.guides.is_empty() {
        out.push_str("\n## Guides\n\n");
        for guide in &document.guides {
            let _ = writeln!(out, "- [{}](guides/{}.md)", paragraph(&guide.title), file_name(&guide.kind));
        }
    }
    out
}

/// What holds for every number: which run, which zone, which currency.
fn conventions(document: &Document) -> String {
    let release = document.release.as_ref().map_or_else(
        || "Nothing has been published yet.".to_string(),
        |r| format!("Release {}, as of {} (run `{}`).", r.number, r.as_of, r.run_id),
    );
    let project = &document.project;
    format!(
        "{release} Dates are taken in {}; amounts without a currency of their own are in {}.",
        paragraph(&project.reporting_timezone),
        paragraph(&project.currency)
    )
}

/// Tables by the folder of their model, companions after the table they belong to.
fn folders(tables: &[TablePage]) -> BTreeMap<String, Vec<&TablePage>> {
    let mut folders: BTreeMap<String, Vec<&TablePage>> = BTreeMap::new();
    for table in tables {
        let folder = table.path.as_deref().and_then(|p| p.rsplit_once('/')).map_or("models", |(folder, _)| folder);
        folders.entry(folder.to_string()).or_default().push(table);
    }
    for tables in folders.values_mut() {
        tables.sort_by(|a, b| (&a.model, a.role, &a.name).cmp(&(&b.model, b.role, &b.name)));
    }
    folders
}

fn by_name<T>(pages: &[T], name: impl Fn(&T) -> &String) -> Vec<&T> {
    let mut sorted: Vec<&T> = pages.iter().collect();
    sorted.sort_by(|a, b| name(a).cmp(name(b)));
    sorted
}

fn table_line(table: &TablePage) -> String {
    let part = match table.role {
        Role::Main => String::new(),
        Role::Companion => " (companion)".to_string(),
        Role::Rejects => " (rejects)".to_string(),
    };
    format!(
        "| [{}](tables/{}.md) | {} | {}{part} | {} | {} |\n",
        cell(&table.name),
        file_name(&table.name),
        cell(&table.description),
        cell(&table.kind),
        table.rows.map(number).unwrap_or_default(),
        check_summary(table),
    )
}

fn source_line(source: &SourcePage) -> String {
    format!(
        "| [{}](sources/{}.md) | {} | {} | {} |\n",
        cell(&source.name),
        file_name(&source.name),
        cell(&source.description),
        cell(source.system.as_deref().unwrap_or_default()),
        source.rows.map(number).unwrap_or_default(),
    )
}

fn check_summary(table: &TablePage) -> String {
    let failures =
        |severity| table.checks.iter().filter(|c| c.status == CheckStatus::Failed && c.severity == severity).count();
    let failed = failures(Severity::Error);
    let warned = failures(Severity::Warn);
    let passed = table.checks.iter().filter(|c| c.status == CheckStatus::Passed).count();
    let parts = [(passed, "passed"), (warned, "warned"), (failed, "failed")];
    let said: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    said.join(", ")
}
