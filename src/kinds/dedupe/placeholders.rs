//! What forms are filled with where nothing is known, by what a field holds.

use super::matching::FieldKind;

/// Values in small letters; of phones their digits.
///
/// A short list of what is nobody's, wherever it stands: that `Null` and `Test` are names too keeps them off the
/// list of names.
pub(super) fn of(kind: FieldKind) -> &'static [&'static str] {
    match kind {
        FieldKind::Email => &[
            "test@test.com",
            "test@example.com",
            "none@none.com",
            "na@na.com",
            "no@email.com",
            "email@email.com",
            "unknown@unknown.com",
        ],
        FieldKind::Phone => &[
            "0000000000",
            "1111111111",
            "2222222222",
            "3333333333",
            "4444444444",
            "5555555555",
            "6666666666",
            "7777777777",
            "07777777777",
            "8888888888",
            "9999999999",
            "1234567890",
        ],
        FieldKind::Id => &["-1", "0", "n/a", "#n/a", "none", "null", "undefined", "unknown"],
        FieldKind::Company => &["n/a", "none", "null", "unknown", "test", "self", "self-employed", "[not provided]"],
        FieldKind::GivenName | FieldKind::FamilyName | FieldKind::FullName => &["n/a", "unknown", "[not provided]"],
        _ => &[],
    }
}

/// What stands before the `@` of addresses that are nobody's at any domain.
pub(super) const LOCAL_PARTS: [&str; 3] = ["noemail", "no-email", "no_email"];
