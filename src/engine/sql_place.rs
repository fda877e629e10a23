//! From a position in SQL text to the place in the YAML file where it was written.

use datafusion::common::{Location, Span};

use crate::diag::{Place, Sources};

/// The place of `span` of the SQL text `sql`, which was written at `place`.
///
/// Works for a scalar on one line, plain or quoted without escapes, and for a `|` block; a folded
/// or escaped scalar is underlined whole, because its positions cannot be told.
pub(super) fn inside(sources: &Sources, sql: &str, place: Place, span: Span) -> Place {
    let offset = |at: Location| {
        sources.text(place).and_then(|raw| if raw.starts_with('|') { in_block(raw, at) } else { in_line(raw, sql, at) })
    };
    match (offset(span.start), offset(span.end)) {
        (Some(start), Some(end)) if end > start => place.part(start, end - start),
        (Some(start), _) => place.part(start, 1),
        _ => place,
    }
}

fn in_line(raw: &str, sql: &str, at: Location) -> Option<usize> {
    let quote = usize::from(raw.starts_with(['"', '\'']));
    let body = raw.get(quote..raw.len().checked_sub(quote)?)?;
    if body != sql || at.line != 1 {
        return None;
    }
    Some(quote + byte_of_column(body, at.column))
}

fn in_block(raw: &str, at: Location) -> Option<usize> {
    let indent =
        raw.lines().skip(1).find(|line| !line.trim().is_empty()).map(|line| line.len() - line.trim_start().len())?;
    let before: usize = raw.split_inclusive('\n').take(at.line as usize).map(str::len).sum();
    let line = raw.get(before..)?.lines().next()?;
    let text = line.get(indent..)?;
    Some(before + indent + byte_of_column(text, at.column))
}

/// Columns count characters from 1; past the end means the end.
fn byte_of_column(text: &str, column: u64) -> usize {
    let skip = (column as usize).saturating_sub(1);
    text.char_indices().nth(skip).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(file: &str, written: &str, sql: &str, from: (u64, u64), to: (u64, u64)) -> String {
        let mut sources = Sources::default();
        let number = sources.add("m.yml", file);
        let start = file.find(written).unwrap();
        let place = Place { file: number, start: start as u32, end: (start + written.len()) as u32 };
        let at = |(line, column)| Location { line, column };
        let found = inside(&sources, sql, place, Span { start: at(from), end: at(to) });
        sources.text(found).unwrap().to_string()
    }

    #[test]
    fn points_into_every_way_of_writing() {
        assert_eq!(shown("at: a + bb\n", "a + bb", "a + bb", (1, 5), (1, 7)), "bb");
        assert_eq!(shown("at: \"a + bb\"\n", "\"a + bb\"", "a + bb", (1, 5), (1, 7)), "bb");
        let block = "sql: |\n  select é,\n    bb\n";
        assert_eq!(shown(block, &block[5..], "select é,\n  bb\n", (2, 3), (2, 5)), "bb");
        assert_eq!(shown(block, &block[5..], "select é,\n  bb\n", (1, 8), (1, 9)), "é");
        let folded = "sql: >\n  a\n  b\n";
        assert_eq!(shown(folded, &folded[5..], "a b\n", (1, 3), (1, 4)), &folded[5..]);
    }
}
