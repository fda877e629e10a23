//! SQL that is longer than plans can be walked.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::diag::{Diagnostic, Place, codes};

/// Operators in one text: each nests its expression one level deeper, and plans are walked by recursion.
const MOST_OPERATORS: usize = 1_000;

/// Refuses a text with more operators than any that people write.
pub(super) fn refuse_long(sql: &str, place: Place) -> Result<(), Diagnostic> {
    // What cannot be cut into words is the parser's to tell.
    let tokens = Tokenizer::new(&GenericDialect, sql).tokenize().unwrap_or_default();
    let operators = tokens.iter().filter(|token| is_operator(token)).count();
    if operators <= MOST_OPERATORS {
        return Ok(());
    }
    let message = format!("{operators} operators stand in one SQL text; at most {MOST_OPERATORS} may");
    Err(Diagnostic::error(codes::YAML_TOO_LARGE, place, message)
        .hint("put the values into a seed and join it, or list them with `IN`"))
}

fn is_operator(token: &Token) -> bool {
    match token {
        Token::Plus | Token::Minus | Token::Mul | Token::Div | Token::Mod | Token::StringConcat => true,
        Token::Word(word) => ["and", "or", "not"].iter().any(|operator| word.value.eq_ignore_ascii_case(operator)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_cut_off_and_lists_are_not() {
        let refused = |sql: String| refuse_long(&sql, Place::default()).is_err();
        assert!(refused(format!("SELECT {}1", "1 + ".repeat(1_001))));
        assert!(refused(format!("SELECT {}TRUE", "a OR ".repeat(1_001))));
        assert!(!refused(format!("SELECT a IN ({}1)", "1, ".repeat(20_000))));
        assert!(!refused(format!("SELECT {}1", "1 || ".repeat(1_000))));
        assert!(!refused("SELECT 'unclosed".to_string()));
    }
}
