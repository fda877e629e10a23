//! Text that others wrote, made safe to stand in Markdown.

/// Text inside a table cell: one line, pipes escaped even inside code, as GitHub wants it.
pub(super) fn cell(text: &str) -> String {
    inline(text).replace('|', "\\|")
}

/// Text as a paragraph of its own; its first word starts no heading, list or quotation.
pub(in crate::dictionary) fn paragraph(text: &str) -> String {
    let text = inline(text);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match (text.split_at_checked(digits), text.chars().next()) {
        (Some((number, rest)), _) if digits > 0 && rest.starts_with(['.', ')']) => format!("{number}\\{rest}"),
        (_, Some('#' | '-' | '+' | '=')) => format!("\\{text}"),
        _ => text,
    }
}

/// Text on one line. Spans between backticks stay code; outside of them every character that
/// Markdown or HTML would act on is escaped.
pub(super) fn inline(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::with_capacity(line.len());
    let mut rest = line.as_str();
    while let Some((before, after)) = rest.split_once('`') {
        escape_plain(before, &mut out);
        let Some((code, tail)) = after.split_once('`') else {
            out.push_str("\\`");
            rest = after;
            break;
        };
        // An empty span would join its backticks with a neighbour's.
        if code.is_empty() {
            out.push_str("\\`\\`");
        } else {
            out.push('`');
            out.push_str(code);
            out.push('`');
        }
        rest = tail;
    }
    escape_plain(rest, &mut out);
    out
}

fn escape_plain(text: &str, out: &mut String) {
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        // An underscore inside a word is nothing special; `snake_case` stays readable.
        let inside = before.is_alphanumeric() && chars.peek().is_some_and(|next| next.is_alphanumeric());
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '_' if inside => out.push(c),
            '\\' | '*' | '[' | ']' | '~' | '_' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
        before = c;
    }
}

/// A value as code inside a table cell, whatever backticks and pipes it holds.
pub(super) fn code_cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return "(blank)".to_string();
    }
    let fence = "`".repeat(longest_run(&line, '`') + 1);
    let pad = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{line}{pad}{fence}").replace('|', "\\|")
}

/// A block of code that no line of `text` can end.
pub(super) fn block(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn longest_run(text: &str, wanted: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// A name as part of a path: letters, digits, `_`, `-` and inner dots; anything else becomes `_`.
pub(super) fn file_name(name: &str) -> String {
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' }).collect();
    if safe.starts_with('.') || safe.is_empty() { format!("_{safe}") } else { safe }
}

/// A count with thousands set apart.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
