//! Similarities: the known vectors, and equality with `strsim` over random texts.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::similar::*;

#[test]
fn the_known_vectors_come_out() {
    let known = [
        ("MARTHA", "MARHTA", 0.961111),
        ("DIXON", "DICKSONX", 0.813333),
        ("DWAYNE", "DUANE", 0.84),
        ("jon", "john", 0.933333),
    ];
    for (a, b, expected) in known {
        assert!((jaro_winkler(a, b) - expected).abs() < 5e-7, "{a} {b}: {}", jaro_winkler(a, b));
        assert!((jaro_winkler_from(Text::new(a), Text::new(b), 0.7) - expected).abs() < 5e-7, "{a} {b}");
    }
    assert_eq!((jaro_winkler("", ""), jaro_winkler("a", "")), (1.0, 0.0));
}

fn random_text(random: &mut ChaCha8Rng, alphabet: &[char], most: usize) -> String {
    let length = random.random_range(0..=most);
    (0..length).map(|_| alphabet[random.random_range(0..alphabet.len())]).collect()
}

#[test]
fn similarities_equal_those_of_strsim() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let alphabets: [Vec<char>; 3] =
        ["ab".chars().collect(), "abcdefgh@.5 ".chars().collect(), "aéßø語ж\u{301}b".chars().collect()];
    for round in 0..6_000 {
        let alphabet = &alphabets[round % 3];
        // 64 and 128 are where the representation changes.
        let most = [3, 9, 20, 66, 128][round % 5];
        let (a, b) = (random_text(&mut random, alphabet, most), random_text(&mut random, alphabet, most));
        let expected = strsim::jaro_winkler(&a, &b);
        assert!((jaro_winkler(&a, &b) - expected).abs() < 1e-12, "{a:?} {b:?}");
        for floor in [0.0, 0.7, 0.92] {
            let found = jaro_winkler_from(Text::new(&a), Text::new(&b), floor);
            assert!((found - expected).abs() < 1e-12 || (found == 0.0 && expected < floor), "{a:?} {b:?} {floor}");
        }
        let expected = strsim::osa_distance(&a, &b) as u32;
        assert_eq!(edits(&a, &b), expected, "{a:?} {b:?}");
        for most in [0, 1, 2, 5, 40] {
            assert_eq!(
                edits_up_to(Text::new(&a), Text::new(&b), most),
                Some(expected).filter(|edits| *edits <= most),
                "{a:?} {b:?}"
            );
        }
    }
}

#[test]
fn what_lies_behind_128_characters_does_not_count() {
    let (a, b) = ("x".repeat(200), format!("{}y", "x".repeat(128)));
    assert_eq!(edits(&a, &b), 0);
    assert_eq!(edits_up_to(Text::new(&a), Text::new(&b), 0), Some(0));
    assert_eq!(jaro_winkler(&a, &b), 1.0);
}

#[test]
fn shared_words_are_counted_once_each() {
    assert_eq!(shared_words("12 kent street", "12 kent street"), 1.0);
    assert_eq!(shared_words("kent street 12", "12 kent street"), 1.0);
    assert_eq!(shared_words("a a a", "a"), 0.5);
    // `strete` is a swap away from `street`, `kent` is too short for an edit.
    assert_eq!(shared_words("kent strete", "kant street"), 0.5);
    assert_eq!(shared_words("", ""), 0.0);
    assert_eq!(shared_words("côtes road", "cotés road"), 0.5);
}

#[test]
fn an_edit_never_hides_from_the_quick_look_at_both_ends() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let alphabet: Vec<char> = "abc".chars().collect();
    for _ in 0..20_000 {
        let (a, b) = (random_text(&mut random, &alphabet, 7), random_text(&mut random, &alphabet, 7));
        let alike = a == b
            || (a.len() >= 5 && b.len() >= 5 && a.len().abs_diff(b.len()) <= 1 && strsim::osa_distance(&a, &b) <= 1);
        if !a.is_empty() && !b.is_empty() {
            assert_eq!(shared_words(&a, &b) == 1.0, alike, "{a} {b}");
        }
    }
}
