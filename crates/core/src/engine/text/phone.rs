//! Phone numbers → E.164, by the numbering plans of libphonenumber.

use std::borrow::Cow;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType, Region};

use super::fold::fold;
use super::table::{Lazy, Map, lines};

/// Countries with their codes and names.
const TABLE: &str = include_str!("data/countries.txt");

static COUNTRIES: Lazy<Map<Region>> = Lazy::new(|| countries(TABLE));

/// Bytes of a number with everything that people write around it.
const MAX_NUMBER: usize = 200;

/// A number that the plan of its country assigns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneKey {
    /// `+`, country code and national number, digits only.
    pub e164: String,
    /// What is dialled after the call is answered.
    pub extension: Option<String>,
    /// Whether the receiver pays, so that the number stands for a company and not for a person.
    pub toll_free: bool,
}

/// The number in E.164, with its extension apart.
///
/// A number with `+` needs no country. Any other is read as dialled from each of `countries` in turn
/// (ISO 3166 codes or English names; unknown ones are passed over) until it is a number that the plan
/// assigns; what begins with `00` is then tried with `+`. `None` where nothing fits: a number that is
/// only possible, such as one without its area code, is no key.
///
/// ```text
/// (415) 555-2671, US → +14155552671 · 06 698 12345, IT → +390669812345 (the 0 belongs to it)
/// ```
pub fn key(number: &str, countries: &[&str]) -> Option<PhoneKey> {
    let regions = countries.iter().filter_map(|country| region(country));
    key_in(number, regions)
}

/// [`key`] for regions that have been looked up.
pub(super) fn key_in(number: &str, regions: impl IntoIterator<Item = Region>) -> Option<PhoneKey> {
    let number = number.trim();
    if number.len() > MAX_NUMBER || digits_and_letters(number) < LEAST_DIGITS {
        return None;
    }
    let number = without_context(number);
    // A bracket or a word may stand before the `+`: `Tel. (+44) 20 …`.
    let international = if number.contains(['+', '＋']) { read(number, None) } else { None };
    if international.is_some() || number.starts_with(['+', '＋']) {
        return international;
    }
    let found = regions.into_iter().find_map(|region| read(number, Some(region)));
    found.or_else(|| read(&format!("+{}", number.strip_prefix("00")?), None))
}

/// The digits 0 to 9 of a text in their order, whatever stands between them; `None` without any.
///
/// Borrowed where there is nothing else.
pub fn digits_cow(text: &str) -> Option<Cow<'_, str>> {
    let text = super::head(text);
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text).filter(|text| !text.is_empty()).map(Cow::Borrowed);
    }
    let mut digits = String::with_capacity(text.len());
    // No byte of a longer character is that of a digit.
    digits.extend(text.bytes().filter(u8::is_ascii_digit).map(char::from));
    Some(digits).filter(|digits| !digits.is_empty()).map(Cow::Owned)
}

/// A country as a key: its ISO 3166 code of two letters where the code or name is known, in capitals;
/// else the letters and digits of what stands there, folded. `None` without any.
pub fn country_key(country: &str) -> Option<String> {
    let country = super::head(country).trim();
    if let Some(region) = region(country) {
        return Some(region.as_region_str().to_string());
    }
    Some(letters(&fold(country))).filter(|letters| !letters.is_empty())
}

/// Whether a code or name is that of a country whose numbers can be read.
pub fn is_country(country: &str) -> bool {
    region(country.trim()).is_some()
}

/// The codes of two letters and the names by which countries are known, as a table lists them.
pub fn country_names() -> impl Iterator<Item = &'static str> {
    let words = lines(TABLE).map(|line| line.splitn(3, ' '));
    words.flat_map(|mut words| {
        words.next().into_iter().chain(words.nth(1).into_iter().flat_map(|names| names.split('|')))
    })
}

/// The region that a country's code or name stands for.
pub(super) fn region(country: &str) -> Option<Region> {
    if country.len() == 2 && country.is_ascii() {
        let known = |code: &str| COUNTRIES.get(code).copied();
        return known(&country.to_ascii_lowercase());
    }
    let folded = fold(super::head(country));
    COUNTRIES.get(&letters(&folded)).copied()
}

/// Digits that the shortest number has, and letters that stand for digits.
const LEAST_DIGITS: usize = 4;

fn digits_and_letters(number: &str) -> usize {
    number.chars().filter(|c| c.is_alphanumeric()).count()
}

/// Drops `tel:` and the context of RFC 3966, which says again what the country says.
fn without_context(number: &str) -> &str {
    let number = match number.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => number.get(4..).unwrap_or_default(),
        _ => number,
    };
    number.split(";phone-context=").next().unwrap_or_default().trim()
}

/// One reading of a number, where it is an assigned one.
fn read(number: &str, region: Option<Region>) -> Option<PhoneKey> {
    let parsed: PhoneNumber = PHONE_NUMBER_UTIL.parse(number, region).ok()?;
    // An unknown type means that no pattern of the plan has the number.
    let kind = PHONE_NUMBER_UTIL.get_number_type(&parsed);
    let assigned = kind != PhoneNumberType::Unknown;
    assigned.then(|| PhoneKey {
        e164: parsed.format_as(PhoneNumberFormat::E164).into_owned(),
        extension: parsed.extension.clone().filter(|extension| !extension.is_empty()),
        toll_free: kind == PhoneNumberType::TollFree,
    })
}

/// A country's name without signs and spaces.
fn letters(folded: &str) -> String {
    folded.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Reads lines of two codes and names apart by `|`.
fn countries(text: &'static str) -> Map<Region> {
    let mut entries = Vec::new();
    for line in lines(text) {
        let mut words = line.splitn(3, ' ');
        let (Some(code), Some(long), Some(names)) = (words.next(), words.next(), words.next()) else { continue };
        let Ok(region) = Region::from_code(code) else { continue };
        let codes = [code, long].map(|code| code.to_ascii_lowercase());
        entries.extend(
            codes.into_iter().chain(names.split('|').map(|name| letters(&fold(name)))).map(|name| (name, region)),
        );
    }
    Map::new(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn e164(number: &str, countries: &[&str]) -> Option<String> {
        key(number, countries).map(|key| key.e164)
    }

    #[test]
    fn numbers_of_the_semantics() {
        let cases = [
            ("(415) 555-2671", "US", Some("+14155552671")),
            ("020 7946 0958", "GB", Some("+442079460958")),
            ("0049 30 901820", "DE", Some("+4930901820")),
            ("011 44 20 7946 0958", "US", Some("+442079460958")),
            ("06 698 12345", "IT", Some("+390669812345")),
            ("555-2671", "US", None),
            ("1-800-FLOWERS", "US", Some("+18003569377")),
        ];
        for (number, country, expected) in cases {
            assert_eq!(e164(number, &[country]).as_deref(), expected, "{number} {country}");
        }
        assert!(key("1-800-FLOWERS", &["US"]).unwrap().toll_free);
        assert!(!key("(415) 555-2671", &["US"]).unwrap().toll_free);
    }

    #[test]
    fn countries_are_tried_in_turn_and_known_by_name() {
        assert_eq!(e164("020 7946 0958", &["US", "GB"]).as_deref(), Some("+442079460958"));
        assert_eq!(e164("+44 20 7946 0958", &[]).as_deref(), Some("+442079460958"));
        assert_eq!(e164("Tel. (+44) 20 7946 0958", &["US"]).as_deref(), Some("+442079460958"));
        assert_eq!(e164("tel:+44-20-7946-0958", &["US"]).as_deref(), Some("+442079460958"));
        assert_eq!(e164("0044 20 7946 0958", &[]).as_deref(), Some("+442079460958"));
        assert_eq!(e164("0044 20 7946 0958", &["US"]).as_deref(), Some("+442079460958"));
        assert_eq!(e164("020 7946 0958", &[]), None);
        for name in ["United Kingdom", "uk", "U.K.", "England", "GBR", " great  britain", "gb"] {
            assert_eq!(e164("020 7946 0958", &[name]).as_deref(), Some("+442079460958"), "{name}");
        }
        assert_eq!(e164("020 7946 0958", &["Atlantis", "", "GB"]).as_deref(), Some("+442079460958"));
    }

    #[test]
    fn every_name_that_is_listed_is_known() {
        assert!(country_names().all(is_country));
        assert!(["DE", "Germany", "Österreich"].iter().all(|name| country_names().any(|known| known == *name)));
        assert!(is_country(" germany ") && !is_country("Atlantis") && !is_country(""));
    }

    #[test]
    fn extensions_stand_apart() {
        for text in ["(415) 555-2671 ext. 12", "415-555-2671 x12", "+1 415 555 2671;ext=12"] {
            let key = key(text, &["US"]).unwrap();
            assert_eq!((key.e164.as_str(), key.extension.as_deref()), ("+14155552671", Some("12")), "{text}");
        }
        assert_eq!(key("(415) 555-2671", &["US"]).unwrap().extension, None);
    }

    #[test]
    fn what_is_no_number_has_no_key() {
        let long = "1".repeat(10_000);
        let odd = [";phone-context=+1;tel:4155552671", "tel:", "+", "++", "+1+1", "n/a", "-1", "0000000000", "1234"];
        for text in odd.into_iter().chain(["", " ", "call me", "999999999999999999999", &long]) {
            assert_eq!(key(text, &["US"]), None, "{text}");
        }
    }

    #[test]
    fn every_country_is_known_once() {
        let mut seen = std::collections::BTreeMap::new();
        for line in lines(include_str!("data/countries.txt")) {
            let mut words = line.splitn(3, ' ');
            let (code, long, names) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            let known = PHONE_NUMBER_UTIL.get_country_code_for_region(Region::from_code(code).unwrap());
            assert!(known.is_some(), "{code} has no plan");
            for name in names.split('|').chain([code, long]) {
                assert_eq!(region(name), Region::from_code(code).ok(), "{name}");
                assert_eq!(seen.insert(letters(&fold(name)), code).filter(|other| *other != code), None, "{name}");
            }
        }
        assert!(seen.len() > 700, "{}", seen.len());
    }
}
