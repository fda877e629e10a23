//! Diagnostics as text with the source line underlined, and as JSON objects.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use super::{Diagnostic, Severity, Sources};

/// One diagnostic as text, in colour or plain, ending with a line break.
pub fn text(diagnostic: &Diagnostic, sources: &Sources, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let code = diagnostic.code.to_string();
    let title = level.primary_title(diagnostic.message.as_str()).id(code.as_str());
    let mut group = Group::with_title(title);
    for (path, snippet) in snippets(diagnostic, sources) {
        group = group.element(snippet.path(path));
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.with_name("hint").message(hint.as_str()));
    }
    let mut out = renderer.render(&[group]).to_string();
    out.push('\n');
    out
}

type PlacedSnippet<'a> = (String, Snippet<'a, annotate_snippets::Annotation<'a>>);

fn snippets<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Vec<PlacedSnippet<'a>> {
    let first = diagnostic.place.map(|place| (place, diagnostic.label.as_deref(), AnnotationKind::Primary));
    let related =
        diagnostic.related.iter().map(|(place, words)| (*place, Some(words.as_str()), AnnotationKind::Context));
    let mut by_file: Vec<(u32, PlacedSnippet<'a>)> = Vec::new();
    for (place, label, kind) in first.into_iter().chain(related) {
        let Some((path, text)) = sources.get(place.file) else { continue };
        let span = place.start as usize..(place.end as usize).min(text.len());
        let annotation = kind.span(first_line(text, span)).label(label);
        if let Some((_, (_, snippet))) = by_file.iter_mut().find(|(file, _)| *file == place.file) {
            *snippet = snippet.clone().annotation(annotation);
        } else {
            let snippet = Snippet::source(text).line_start(1).fold(true).annotation(annotation);
            by_file.push((place.file, (path.display().to_string().replace('\\', "/"), snippet)));
        }
    }
    by_file.into_iter().map(|(_, snippet)| snippet).collect()
}

/// A span cut to its first line: a mistake is pointed at, not printed whole.
fn first_line(text: &str, span: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let covered = text.get(span.clone()).unwrap_or_default();
    let line = covered.lines().next().unwrap_or_default().trim_end();
    span.start..span.start + line.len()
}

/// One diagnostic as a JSON object: `code, severity, message, file, line, column, end_line,
/// end_column, hint, explain`; places are counted from 1, columns in characters.
pub fn json(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let place = diagnostic.place;
    let file = place.and_then(|p| sources.get(p.file)).map(|(path, _)| path.display().to_string());
    let start = place.and_then(|p| sources.line_column(p));
    let end = place.and_then(|p| sources.line_column(super::Place { start: p.end, ..p }));
    json!({
        "code": diagnostic.code.to_string(),
        "severity": diagnostic.severity.as_str(),
        "message": diagnostic.message,
        "file": file,
        "line": start.map(|(line, _)| line),
        "column": start.map(|(_, column)| column),
        "end_line": end.map(|(line, _)| line),
        "end_column": end.map(|(_, column)| column),
        "label": diagnostic.label,
        "hint": diagnostic.hint,
        "related": diagnostic.related.iter().map(|(place, words)| json!({
            "file": sources.get(place.file).map(|(path, _)| path.display().to_string()),
            "line": sources.line_column(*place).map(|(line, _)| line),
            "message": words,
        })).collect::<Vec<_>>(),
    })
}
