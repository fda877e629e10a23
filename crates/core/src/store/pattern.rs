//! Which files below a location belong to a table: a file, a folder or a pattern, and the columns
//! that folders named `key=value` stand for.

use percent_encoding::percent_decode_str;

/// What Hive writes for NULL in a folder's name.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// A path with `*`, `?` and `**`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    segments: Vec<String>,
}

impl Pattern {
    /// Reads `lead.parquet`, `lead/` (every Parquet file below) or `lead/year=*/**/*.parquet`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim().trim_start_matches("./");
        let mut segments: Vec<String> = text.split('/').filter(|part| !part.is_empty()).map(str::to_string).collect();
        if text.starts_with('/') || text.contains("://") {
            return Err(format!("`{text}` must be relative to the source's location"));
        }
        if segments.iter().any(|part| part == "..") {
            return Err(format!("`{text}` leaves the source's location"));
        }
        if let Some(part) = segments.iter().find(|part| part.contains("**") && *part != "**") {
            return Err(format!("`{part}`: `**` stands for whole folders and alone between two `/`"));
        }
        let names_files =
            |last: &String| last != "." && (last.contains('.') || (last.contains('*') && !last.contains('=')));
        let is_file = !text.ends_with('/') && segments.last().is_some_and(names_files);
        segments.retain(|part| part != ".");
        if !is_file && segments.last().is_none_or(|last| last != "**") {
            segments.push("**".to_string());
        }
        if segments.last().is_some_and(|last| last == "**") {
            segments.push("*.parquet".to_string());
        }
        Ok(Self { segments })
    }

    /// The folders before the first wildcard: where to list.
    pub(super) fn fixed(&self) -> &[String] {
        let folders = self.segments.len().saturating_sub(1);
        let wild = self.segments.iter().take(folders).position(|part| part.contains(['*', '?'])).unwrap_or(folders);
        self.segments.get(..wild).unwrap_or_default()
    }

    /// The whole pattern.
    pub(super) fn text(&self) -> String {
        self.segments.join("/")
    }

    /// Whether it names one file, so that nothing has to be listed.
    pub(super) fn is_one_file(&self) -> bool {
        !self.segments.iter().any(|part| part.contains(['*', '?']))
    }

    /// Whether a path, relative to the location, belongs to the table. Names that start with `_`
    /// or `.` are what writers keep for themselves and count only where they are spelled out.
    pub(super) fn matches(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        matches_segments(&self.segments, &parts)
    }
}

fn matches_segments(pattern: &[String], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "**" => {
            matches_segments(rest, path)
                || path.split_first().is_some_and(|(part, below)| !is_hidden(part) && matches_segments(pattern, below))
        }
        (Some((first, rest)), Some((part, below))) => {
            (!is_hidden(part) || first.starts_with(['_', '.']))
                && matches_name(first.as_bytes(), part.as_bytes())
                && matches_segments(rest, below)
        }
        _ => false,
    }
}

/// A Hive folder whose key starts with `_` is a partition all the same.
fn is_hidden(name: &str) -> bool {
    name.starts_with(['_', '.']) && !name.contains('=')
}

/// Matches `*` and `?` in one name, remembering the last star only: linear but for that one step back.
fn matches_name(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(b'?') => (p, n) = (p + 1, n + 1),
            Some(byte) if name.get(n) == Some(byte) => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

/// The Hive partitions of a path, in order: key and value, where `None` is NULL.
pub(super) fn partitions(path: &str) -> Vec<(String, Option<String>)> {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    let pairs = folders.split('/').filter_map(|part| part.split_once('=')).filter(|(key, _)| !key.is_empty());
    pairs
        .map(|(key, value)| {
            let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
            (key.to_string(), (value != HIVE_NULL).then_some(value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn patterns_match_whole_paths() {
        for (pattern, path, expected) in [
            ("lead.parquet", "lead.parquet", true),
            ("lead.parquet", "x/lead.parquet", false),
            ("lead", "lead/a.parquet", true),
            ("lead/", "lead/2024/a.parquet", true),
            ("lead/", "lead/_delta_log/a.parquet", false),
            ("lead/", "lead/_temporary/0/a.parquet", false),
            ("lead/", "lead/.hidden.parquet", false),
            ("lead/", "lead/a.csv", false),
            ("lead/*.parquet", "lead/a.parquet", true),
            ("lead/*.parquet", "lead/x/a.parquet", false),
            ("lead/**", "lead/x/y/a.parquet", true),
            ("lead/*", "lead/a.parquet", true),
            ("lead/day=*", "lead/day=1/a.parquet", true),
            ("**/events_*.parquet", "a/b/events_20240101.parquet", true),
            ("**/events_*.parquet", "events_1.parquet", true),
            ("day=*/part-?.parquet", "day=2024-01-01/part-1.parquet", true),
            ("day=*/part-?.parquet", "day=2024-01-01/part-10.parquet", false),
            ("a*b*c.parquet", "aXbXbXc.parquet", true),
            ("a*b*c.parquet", "aXbX.parquet", false),
            ("_tmp/*.parquet", "_tmp/a.parquet", true),
            ("", "a/b.parquet", true),
            ("lead/**", "lead/_year=2024/a.parquet", true),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().matches(path), expected, "{pattern} {path}");
        }
        for bad in ["/abs/*.parquet", "../x", "a/**b/c.parquet", "s3://b/x"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }

    /// The obvious way: try every length that a star can stand for.
    fn naive(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|skip| naive(rest, &name[skip..])),
            Some((b'?', rest)) => !name.is_empty() && naive(rest, &name[1..]),
            Some((byte, rest)) => name.first() == Some(byte) && naive(rest, &name[1..]),
        }
    }

    #[test]
    fn stars_match_as_the_obvious_way_does() {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let mut word = |letters: &[u8], longest| -> Vec<u8> {
            (0..random.random_range(0..longest)).map(|_| letters[random.random_range(0..letters.len())]).collect()
        };
        let mut matched = 0;
        for _ in 0..20_000 {
            let (pattern, name) = (word(b"ab*?", 7), word(b"ab", 9));
            let expected = naive(&pattern, &name);
            assert_eq!(matches_name(&pattern, &name), expected, "{pattern:?} {name:?}");
            matched += usize::from(expected);
        }
        assert!(matched > 500, "{matched}");
    }

    #[test]
    fn only_the_folders_before_a_wildcard_are_listed() {
        for (pattern, fixed) in
            [("a/b/*.parquet", "a/b"), ("a/b=*/c/*.parquet", "a"), ("*.parquet", ""), ("a/b.parquet", "a")]
        {
            assert_eq!(Pattern::parse(pattern).unwrap().fixed().join("/"), fixed);
        }
        assert!(Pattern::parse("a/b.parquet").unwrap().is_one_file());
    }

    #[test]
    fn folders_become_columns() {
        let found = partitions("lead/year=2024/region=EU%20West/owner=__HIVE_DEFAULT_PARTITION__/a=b.parquet");
        let expected = [("year", Some("2024")), ("region", Some("EU West")), ("owner", None)];
        assert_eq!(found, expected.map(|(key, value)| (key.to_string(), value.map(str::to_string))));
    }
}
