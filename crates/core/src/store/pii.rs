//! Which columns look like personal data, by their names alone.

use crate::contract::{ColumnType, Pii};

/// Last words of a name that point straight at a person.
const DIRECT_ENDINGS: [&str; 14] = [
    "email",
    "emails",
    "email_address",
    "phone",
    "phone_number",
    "mobile",
    "fax",
    "ssn",
    "ip",
    "ip_address",
    "street",
    "street_address",
    "passport_number",
    "username",
];
/// Whole pairs of words that do.
const DIRECT_NAMES: [&str; 9] = [
    "first_name",
    "last_name",
    "middle_name",
    "full_name",
    "maiden_name",
    "given_name",
    "family_name",
    "birthdate",
    "date_of_birth",
];
/// Endings that point at a person together with others.
const INDIRECT_ENDINGS: [&str; 14] = [
    "postal_code",
    "zip",
    "zip_code",
    "latitude",
    "longitude",
    "user_agent",
    "client_id",
    "user_pseudo_id",
    "gclid",
    "fbclid",
    "cookie",
    "device_id",
    "photo_url",
    "salutation",
];
const SENSITIVE: [&str; 6] = ["gender", "ethnicity", "religion", "disability", "health", "sexual_orientation"];

/// The class that a column's name suggests; only text and dates can name a person.
pub(super) fn suspected(name: &str, ty: Option<ColumnType>) -> Option<Pii> {
    if !matches!(ty, Some(ColumnType::Text | ColumnType::Date | ColumnType::Timestamp)) {
        return None;
    }
    let plain = name.strip_suffix("_c").unwrap_or(name);
    let ends = |word: &str| plain == word || plain.strip_suffix(word).is_some_and(|rest| rest.ends_with('_'));
    if SENSITIVE.iter().any(|word| ends(word)) {
        Some(Pii::Sensitive)
    } else if ty == Some(ColumnType::Text) && DIRECT_ENDINGS.iter().any(|word| ends(word))
        || DIRECT_NAMES.iter().any(|word| ends(word))
    {
        Some(Pii::Direct)
    } else if ty == Some(ColumnType::Text) && INDIRECT_ENDINGS.iter().any(|word| ends(word)) {
        Some(Pii::Indirect)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_point_at_people() {
        let text = Some(ColumnType::Text);
        for (name, ty, expected) in [
            ("email", text, Some(Pii::Direct)),
            ("secondary_email_c", text, Some(Pii::Direct)),
            ("email_template", text, None),
            ("is_email", Some(ColumnType::Boolean), None),
            ("first_name", text, Some(Pii::Direct)),
            ("mailing_street", text, Some(Pii::Direct)),
            ("birthdate", Some(ColumnType::Date), Some(Pii::Direct)),
            ("billing_postal_code", text, Some(Pii::Indirect)),
            ("gclid_c", text, Some(Pii::Indirect)),
            ("gender", text, Some(Pii::Sensitive)),
            ("campaign_name", text, None),
            ("ship", text, None),
        ] {
            assert_eq!(suspected(name, ty), expected, "{name}");
        }
    }
}
