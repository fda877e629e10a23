//! What a model shows of its rows, as Markdown: tables, and pictures as bars of text.

use std::fmt::Write as _;

use super::escape::{block, cell, inline, paragraph};
use crate::kinds::Exhibit;
use crate::kinds::exhibit::{Bar, Chart, ExhibitTable};

/// The sections of a page's exhibits.
pub(super) fn exhibits(exhibits: &[Exhibit]) -> String {
    let mut out = String::new();
    for exhibit in exhibits {
        let _ = write!(out, "\n## {}\n", inline(&exhibit.title));
        paragraphs(&exhibit.text, &mut out);
        if let Some(chart) = &exhibit.chart {
            let _ = write!(out, "\n{}:\n\n{}", paragraph(&chart.caption), block("text", &bars(chart)));
        }
        exhibit.tables.iter().for_each(|table| one_table(table, &mut out));
        paragraphs(&exhibit.notes, &mut out);
    }
    out
}

fn paragraphs(texts: &[String], out: &mut String) {
    for text in texts {
        let _ = write!(out, "\n{}\n", paragraph(text));
    }
}

fn one_table(table: &ExhibitTable, out: &mut String) {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let _ = write!(out, "\n{}:\n\n", paragraph(&table.caption));
    out.push_str(&line(table.columns.iter().map(|column| cell(&column.title)).collect()));
    out.push_str(&line(table.columns.iter().map(|c| if c.numeric { "---:" } else { "---" }.to_string()).collect()));
    for row in &table.rows {
        out.push_str(&line(row.iter().map(|text| cell(text)).collect()));
    }
}

/// Characters that the longest bar has.
const LONGEST: i64 = 24;

/// Bars to both sides of a line, each with its number at its end.
fn bars(chart: &Chart) -> String {
    let all = || chart.groups.iter().flat_map(|group| &group.bars);
    let labels = all().map(|bar| bar.label.chars().count()).max().unwrap_or(0);
    let most = all().map(|bar| bar.value.abs()).max().unwrap_or(0).max(1);
    let left = all().filter(|bar| bar.value < 0).map(|bar| left_of(bar, most).chars().count()).max().unwrap_or(0);
    let left = left.max(chart.less.chars().count() + 3);
    let mut out = String::new();
    for group in &chart.groups {
        let _ = writeln!(out, "{}", group.title);
        for bar in &group.bars {
            let (before, after) = match bar.value {
                ..0 => (left_of(bar, most), String::new()),
                _ => (String::new(), format!("{} {}", filled(bar.value, most), bar.shown)),
            };
            let label = padded(&bar.label, labels);
            let _ = writeln!(out, "{}", format!("  {label}  {before:>left$}│{after}").trim_end());
        }
    }
    let _ = writeln!(out, "  {:labels$}  {:>left$}│ {} ▸", "", format!("◂ {} ", chart.less), chart.more);
    out
}

fn left_of(bar: &Bar, most: i64) -> String {
    format!("{} {}", bar.shown, filled(bar.value, most))
}

/// A bar in proportion to the longest one, rounded half up.
fn filled(value: i64, most: i64) -> String {
    let length = (value.abs().saturating_mul(2 * LONGEST) + most) / (2 * most);
    "█".repeat(usize::try_from(length).unwrap_or(0))
}

fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}
