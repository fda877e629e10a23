//! "Did you mean": the nearest of a set of names.

/// The candidate nearest to `written`, where one is near enough to be meant.
///
/// Compares case-insensitively by Jaro-Winkler and by edit distance; ties go to the name that
/// comes first in byte order, so the answer does not depend on the order of the candidates.
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = written.to_lowercase();
    candidates
        .into_iter()
        .filter_map(|name| {
            let folded = name.to_lowercase();
            let edits = strsim::damerau_levenshtein(&wanted, &folded);
            let alike = strsim::jaro_winkler(&wanted, &folded);
            let near = edits <= 1.max(wanted.chars().count() / 3) || alike >= 0.88;
            near.then_some((edits, name))
        })
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_typos_and_ignores_strangers() {
        let names = ["lookback", "milestones", "models"];
        assert_eq!(nearest("lokback", names), Some("lookback"));
        assert_eq!(nearest("Models", names), Some("models"));
        assert_eq!(nearest("currency", names), None);
    }

    #[test]
    fn ties_do_not_depend_on_order() {
        assert_eq!(nearest("ab", ["ac", "aa"]), nearest("ab", ["aa", "ac"]));
    }
}
