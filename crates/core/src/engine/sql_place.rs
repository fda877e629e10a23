//! From a position or a word in SQL text to the place in the YAML file where it was written.

use std::ops::Range;

use datafusion::common::{Location, Span};

use crate::diag::{Place, Sources};

/// What a word in SQL text stands for, which decides between several places where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// A table, after FROM or JOIN.
    Table,
    /// A column without a table's name before it.
    Column,
    /// A column of the result: the last place counts, where an alias stands.
    Output,
    /// A function, before its bracket.
    Function,
}

/// The place of `span` of the SQL text `sql`, which was written at `place`; all of it where that
/// cannot be told, as in a quoted text with escapes. A position alone stands for its word.
pub(super) fn inside(sources: &Sources, sql: &str, place: Place, span: Span) -> Place {
    let start = byte_of(sql, span.start);
    let rest = sql.get(start..).unwrap_or_default();
    let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    let end = byte_of(sql, span.end).max(start + word).max(start + 1);
    part(sources, sql, place, start..end)
}

/// The place of a word of the SQL text `sql`, which was written at `place`.
pub(super) fn word(sources: &Sources, sql: &str, place: Place, name: &str, word: Word) -> Place {
    find(sql, name, word).map_or(place, |range| part(sources, sql, place, range))
}

/// The place of the last word: where a text ends too early.
pub(super) fn last(sources: &Sources, sql: &str, place: Place) -> Place {
    let text = sql.trim_end();
    let start = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    part(sources, sql, place, start..text.len())
}

fn part(sources: &Sources, sql: &str, place: Place, range: Range<usize>) -> Place {
    let raw = sources.text(place).unwrap_or_default();
    let end = range.end.min(sql.len()).max(range.start);
    let last = sql.get(range.start..end).and_then(|text| text.char_indices().last());
    let from = written(raw, sql, range.start);
    let to = last.and_then(|(at, c)| Some(written(raw, sql, range.start + at)? + c.len_utf8()));
    match (from, to) {
        (Some(from), Some(to)) if to > from => place.part(from, to - from),
        _ => place,
    }
}

/// Where byte `at` of `sql` stands in the text as written. Blocks and folded texts differ from it
/// in white space alone, quoted ones in their quotes; an escape ends the comparison.
fn written(raw: &str, sql: &str, at: usize) -> Option<usize> {
    let quote = raw.chars().next().filter(|c| matches!(c, '"' | '\''));
    let header = raw.starts_with(['|', '>']).then(|| raw.find('\n')).flatten();
    let mut there = header.map_or(usize::from(quote.is_some()), |end| end + 1);
    let mut here = 0;
    loop {
        let a = raw.get(there..)?.chars().next();
        let b = sql.get(here..)?.chars().next();
        match (a, b) {
            (Some(a), Some(b)) if a == b => {
                if here == at {
                    return Some(there);
                }
                there += a.len_utf8();
                here += b.len_utf8();
                let doubled = quote == Some('\'') && a == '\'';
                there += usize::from(doubled && raw.get(there..)?.starts_with('\''));
            }
            (Some(a), _) if a.is_whitespace() => there += a.len_utf8(),
            (_, Some(b)) if b.is_whitespace() && here != at => here += b.len_utf8(),
            _ => return None,
        }
    }
}

/// Lines and columns count from 1, columns in characters; past the end means the end.
fn byte_of(sql: &str, at: Location) -> usize {
    let line = (at.line as usize).saturating_sub(1);
    let before: usize = sql.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = sql.get(before..).unwrap_or_default();
    let skip = (at.column as usize).saturating_sub(1);
    before + rest.char_indices().nth(skip).map_or(rest.len(), |(at, _)| at)
}

fn find(sql: &str, name: &str, word: Word) -> Option<Range<usize>> {
    let words = words(sql);
    let same = |range: &Range<usize>| sql.get(range.clone()).is_some_and(|text| text.eq_ignore_ascii_case(name));
    let before = |range: &Range<usize>| sql.get(..range.start).unwrap_or_default().trim_end_matches(['"', ' ', '\n']);
    let after = |range: &Range<usize>| sql.get(range.end..).unwrap_or_default().trim_start_matches(['"', ' ']);
    let fits = |range: &Range<usize>| match word {
        Word::Table => {
            let before = before(range).to_lowercase();
            before.ends_with("from")
                || before.ends_with("join")
                || (before.ends_with(',') && !after(range).starts_with('.'))
        }
        Word::Column | Word::Output => !before(range).ends_with('.') && !after(range).starts_with(['.', '(']),
        Word::Function => after(range).starts_with('('),
    };
    let named: Vec<&Range<usize>> = words.iter().filter(|range| same(range)).collect();
    let mut fitting = named.iter().filter(|range| fits(range));
    let best = if word == Word::Output { fitting.next_back() } else { fitting.next() };
    let found = best.or(named.last()).map(|range| (*range).clone());
    // The name of an unnamed column is its text.
    found.or_else(|| {
        let at = sql.to_ascii_lowercase().find(&name.to_ascii_lowercase())?;
        (!name.is_empty()).then_some(at..at + name.len())
    })
}

/// The names and key words of a text, without strings and comments; quoted names without quotes.
fn words(sql: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or_default();
        let closed = |by: char| rest.get(1..).and_then(|text| text.find(by)).map_or(rest.len(), |end| end + 2);
        let len = match first {
            '\'' => closed('\''),
            '"' => {
                let len = closed('"');
                words.push(at + 1..(at + len).saturating_sub(1));
                len
            }
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            c if is_word(c) => {
                let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                words.push(at..at + len);
                len
            }
            c => c.len_utf8(),
        };
        at += len;
    }
    words
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(file: &str, text: &str, sql: &str, find: impl Fn(&Sources, Place) -> Place) -> String {
        let mut sources = Sources::default();
        let number = sources.add("m.yml", file);
        let start = file.find(text).unwrap();
        let place = Place { file: number, start: start as u32, end: (start + text.len()) as u32 };
        let found = find(&sources, place);
        assert!(!sql.is_empty());
        sources.text(found).unwrap().to_string()
    }

    fn at(file: &str, text: &str, sql: &str, from: (u64, u64), to: (u64, u64)) -> String {
        let at = |(line, column)| Location { line, column };
        let span = Span { start: at(from), end: at(to) };
        shown(file, text, sql, |sources, place| inside(sources, sql, place, span))
    }

    #[test]
    fn points_into_every_way_of_writing() {
        assert_eq!(at("at: a + bb\n", "a + bb", "a + bb", (1, 5), (1, 7)), "bb");
        assert_eq!(at("at: \"a + bb\"\n", "\"a + bb\"", "a + bb", (1, 5), (1, 7)), "bb");
        assert_eq!(at("at: 'x = ''y'' + bb'\n", "'x = ''y'' + bb'", "x = 'y' + bb", (1, 11), (1, 13)), "bb");
        let block = "sql: |\n  select é,\n    bb\n";
        for text in [&block[5..], &block[9..]] {
            assert_eq!(at(block, text, "select é,\n  bb\n", (2, 3), (2, 5)), "bb");
            assert_eq!(at(block, text, "select é,\n  bb\n", (1, 8), (1, 9)), "é");
        }
        let folded = "sql: >\n  a\n  bb\n";
        assert_eq!(at(folded, &folded[5..], "a bb\n", (1, 3), (1, 4)), "bb");
        let escaped = "at: \"a\\x20+ bb\"\n";
        assert_eq!(at(escaped, &escaped[4..15], "a + bb", (1, 5), (1, 7)), &escaped[4..15]);
    }

    #[test]
    fn finds_the_word_that_is_meant() {
        let sql = "SELECT 'lead', t.id AS ID, lead.x, \"A b\", count(*) -- id\nFROM lead t";
        let file = format!("sql: |\n  {}\n", sql.replace('\n', "\n  "));
        let text = &file[9..];
        let offset = |name: &str, what: Word| {
            let found = find(sql, name, what).unwrap();
            let seen = shown(&file, text, sql, |sources, place| word(sources, sql, place, name, what));
            assert_eq!(seen, sql[found.clone()]);
            found.start
        };
        assert_eq!(offset("lead", Word::Table), sql.find("lead t").unwrap());
        assert_eq!(offset("id", Word::Column), sql.find("ID,").unwrap());
        assert_eq!(offset("A b", Word::Output), sql.find("A b").unwrap());
        assert_eq!(offset("count", Word::Function), sql.find("count").unwrap());
        assert_eq!(offset("count(*)", Word::Output), sql.find("count").unwrap());
        assert_eq!(find(sql, "nowhere", Word::Column), None);
    }
}
