//! Keys as reports show them: enough to know which one it is, not enough to know whose.

/// The first letters of a value and how many it has, as in `jo… (8)`; of an e-mail address what stands
/// after the `@` too, as in `jo…@acme.com (8)`, where only the letters before it are counted. A value of
/// up to four letters shows one of them, a single letter none.
pub fn masked(value: &str) -> String {
    let (hidden, shown) = match value.rfind('@') {
        Some(at) => value.split_at(at),
        None => (value, ""),
    };
    let letters = hidden.chars().count();
    let kept: String = hidden.chars().take(kept(letters)).collect();
    format!("{kept}…{shown} ({letters})")
}

fn kept(letters: usize) -> usize {
    match letters {
        0 | 1 => 0,
        2..=4 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn a_mask_keeps_a_beginning_and_a_length() {
        for (value, shown) in [
            ("johnston", "jo… (8)"),
            ("s530", "s… (4)"),
            ("li", "l… (2)"),
            ("x", "… (1)"),
            ("", "… (0)"),
            ("johnston@acme.com", "jo…@acme.com (8)"),
            ("a@b@acme.com", "a…@acme.com (3)"),
            ("łukasz", "łu… (6)"),
        ] {
            assert_eq!(masked(value), shown);
        }
    }
}
