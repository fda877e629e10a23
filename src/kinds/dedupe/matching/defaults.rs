//! The comparison levels of a field kind when nothing is declared.

use super::kind::FieldKind;
use super::level::Test;

/// The conditions tried in turn for a field of `kind`; the last is always [`Test::Else`].
///
/// The thresholds are the usual ones of the literature for names (Jaro–Winkler 0.92, 0.88 and 0.7
/// after Winkler and after Splink's tables); what each is worth is learnt from the data, so a level
/// that tells nothing gets a weight near zero.
pub fn levels(kind: FieldKind) -> Vec<Test> {
    use Test as T;
    let mut levels = match kind {
        FieldKind::GivenName => {
            vec![
                T::Exact,
                T::Nickname,
                T::JaroWinkler(0.92),
                T::Swapped,
                T::Start(2),
                T::JaroWinkler(0.85),
                T::Start(1),
                T::JaroWinkler(0.7),
            ]
        }
        FieldKind::FamilyName => {
            vec![T::Exact, T::JaroWinkler(0.92), T::Start(2), T::JaroWinkler(0.85), T::Start(1), T::JaroWinkler(0.7)]
        }
        FieldKind::FullName => vec![
            T::Exact,
            T::JaroWinkler(0.95),
            T::Words(1.0),
            T::JaroWinkler(0.88),
            T::Words(0.5),
            T::JaroWinkler(0.75),
        ],
        FieldKind::Email => {
            vec![T::Exact, T::Edits(1), T::Edits(2), T::SameLocalPart, T::SameDigits, T::LocalPartAlike(0.7)]
        }
        FieldKind::Phone => vec![T::Exact, T::Edits(1), T::SameEnd(7), T::Edits(2), T::Alike(0.7)],
        FieldKind::Date => {
            vec![
                T::Exact,
                T::Edits(1),
                T::DayMonthSwapped,
                T::TwoParts,
                T::WithinDays(31),
                T::Edits(2),
                T::WithinDays(366),
                T::SameStart(4),
            ]
        }
        FieldKind::Address => vec![T::Exact, T::Edits(1), T::Alike(0.8), T::Words(0.66), T::Alike(0.65), T::Words(0.4)],
        FieldKind::Postcode => vec![T::Exact, T::Edits(1), T::Edits(2), T::SameStart(2)],
        FieldKind::City => vec![T::Exact, T::Edits(1), T::JaroWinkler(0.88), T::JaroWinkler(0.75)],
        FieldKind::Company => {
            vec![T::Exact, T::Edits(1), T::Alike(0.8), T::Start(3), T::Words(0.66), T::Alike(0.65), T::JaroWinkler(0.8)]
        }
        FieldKind::Domain => vec![T::Exact, T::Edits(1), T::Alike(0.8)],
        FieldKind::Id => vec![T::Exact, T::Edits(1), T::Edits(2), T::SameDigits],
        FieldKind::Text => vec![T::Exact, T::Edits(1), T::Alike(0.8), T::Words(0.66), T::Alike(0.6)],
        FieldKind::Category => vec![T::Exact],
    };
    levels.push(T::Else);
    levels
}

/// What share of true pairs a level is taken to have before anything is learnt: nine in ten are
/// equal, the rest is spread over the other levels, nearer ones first.
pub fn prior_m(levels: &[Test]) -> Vec<f64> {
    let others = levels.len().saturating_sub(1);
    let total: usize = (1..=others).sum();
    let share = |place: usize| if total == 0 { 0.0 } else { 0.15 * (others + 1 - place) as f64 / total as f64 };
    (0..levels.len()).map(|place| if place == 0 { 0.85 } else { share(place) }).collect()
}
