//! The article before what users call their entities.

/// `a person`, `an opportunity`.
pub fn a(noun: &str) -> String {
    format!("{} {noun}", if is_vowel(noun) { "an" } else { "a" })
}

/// The same at the beginning of a sentence.
pub fn capital_a(noun: &str) -> String {
    format!("{} {noun}", if is_vowel(noun) { "An" } else { "A" })
}

/// Whether it sounds like one as far as a letter tells; a `u` is mostly that of `user` and `unit`.
fn is_vowel(noun: &str) -> bool {
    noun.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_have_their_article() {
        assert_eq!(
            ["person", "opportunity", "account", "user"].map(a),
            ["a person", "an opportunity", "an account", "a user"]
        );
        assert_eq!(["entity", "deal"].map(capital_a), ["An entity", "A deal"]);
    }
}
