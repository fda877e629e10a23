//! What a field holds, which decides how its values are written alike and compared.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// A person's given name.
    GivenName,
    /// A person's family name.
    FamilyName,
    /// A person's whole name.
    FullName,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A calendar date, in any of the usual ways to write one.
    Date,
    /// A street address, or a line of one.
    Address,
    /// A postal code.
    Postcode,
    /// A town or suburb.
    City,
    /// A company's name.
    Company,
    /// A host name or address of a web site.
    Domain,
    /// A number or code that one person or account has.
    Id,
    /// Free text, such as a job title.
    Text,
    /// One of a few values (state, country, industry): equal or not.
    Category,
}

/// Every kind with its word.
const WORDS: [(FieldKind, &str); 14] = [
    (FieldKind::GivenName, "given_name"),
    (FieldKind::FamilyName, "family_name"),
    (FieldKind::FullName, "full_name"),
    (FieldKind::Email, "email"),
    (FieldKind::Phone, "phone"),
    (FieldKind::Date, "date"),
    (FieldKind::Address, "address"),
    (FieldKind::Postcode, "postcode"),
    (FieldKind::City, "city"),
    (FieldKind::Company, "company"),
    (FieldKind::Domain, "domain"),
    (FieldKind::Id, "id"),
    (FieldKind::Text, "text"),
    (FieldKind::Category, "category"),
];

impl FieldKind {
    /// Every kind, in the order of the reference.
    pub fn all() -> impl Iterator<Item = Self> {
        WORDS.iter().map(|(kind, _)| *kind)
    }

    /// The kind that a field of this name most likely has; free text when the name says nothing.
    ///
    /// ```text
    /// email, work_email → email · last_name, surname → family_name · zip → postcode · state → category
    /// ```
    pub fn of_name(name: &str) -> Self {
        let name = name.to_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).collect();
        let word = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
        match () {
            // The country of a phone is no phone.
            () if word(&["country"]) => Self::Category,
            () if has(&["email", "e_mail"]) || word(&["mail"]) => Self::Email,
            () if has(&["phone", "mobile", "fax"]) || word(&["tel", "cell"]) => Self::Phone,
            () if has(&["first_name", "firstname", "given", "forename"]) => Self::GivenName,
            () if has(&["last_name", "lastname", "surname", "family"]) => Self::FamilyName,
            () if has(&["company", "account_name", "organi"]) || word(&["employer"]) => Self::Company,
            () if has(&["birth", "_date", "date_"]) || word(&["dob", "date"]) => Self::Date,
            () if has(&["postcode", "postal", "zip"]) => Self::Postcode,
            () if has(&["address", "street", "house_number"]) => Self::Address,
            () if word(&["city", "town", "suburb"]) => Self::City,
            () if has(&["domain", "website"]) || word(&["web", "host", "url"]) => Self::Domain,
            () if word(&["state", "country", "region", "industry", "gender", "sex", "language"]) => Self::Category,
            () if word(&["id", "ssn", "duns", "vat", "tax", "number", "key"]) => Self::Id,
            () if word(&["name"]) => Self::FullName,
            () => Self::Text,
        }
    }

    /// Whether the field holds a person's name or a part of it.
    pub fn is_name(self) -> bool {
        matches!(self, Self::GivenName | Self::FamilyName | Self::FullName)
    }

    /// Whether the field is each one's own, and not shared by those who live or work together: what is an id, and
    /// of people their given name, date of birth and e-mail address, of companies their name.
    pub fn is_own(self, of_people: bool) -> bool {
        match self {
            Self::Id => true,
            Self::GivenName | Self::FullName | Self::Date | Self::Email => of_people,
            Self::Company => !of_people,
            _ => false,
        }
    }

    /// Whether records with fields of these kinds are about people: those have names of people.
    pub fn are_of_people(kinds: impl IntoIterator<Item = Self>) -> bool {
        kinds.into_iter().any(Self::is_name)
    }

    /// Whether agreeing on a rare value says more than agreeing on a common one.
    pub fn adjusts_for_frequency(self) -> bool {
        !matches!(self, Self::Date)
    }
}

impl fmt::Display for FieldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WORDS.iter().find(|(kind, _)| kind == self).map_or("text", |(_, word)| word))
    }
}

impl FromStr for FieldKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || WORDS.map(|(_, word)| word).join(", ");
        let found = WORDS.iter().find(|(_, word)| *word == text).map(|(kind, _)| *kind);
        found.ok_or_else(|| format!("`{text}` is no kind of field; there are {}", known()))
    }
}
