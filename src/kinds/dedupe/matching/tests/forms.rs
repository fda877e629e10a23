//! Normal forms, dates, kinds by name, and the texts of conditions and block rules.

use super::super::blocking::{BlockRule, soundex};
use super::super::dates::{DateOrder, common_parts, day_number};
use super::super::normal::normal_form;
use super::*;

fn normal(kind: FieldKind, raw: &str) -> String {
    let mut out = "left over".to_string();
    normal_form(kind, DateOrder::DayFirst, raw, &mut out);
    out
}

#[test]
fn values_have_one_way_to_be_written() {
    use FieldKind as K;
    let cases = [
        (K::FamilyName, "  O'Néill–Smith ", "oneill smith"),
        (K::GivenName, "ŞEHNAZ\u{301}", "sehnaz"),
        (K::Company, "Müller & Söhne, GmbH.", "muller sohne gmbh"),
        (K::Address, " 12,  Kent-Street ", "12 kent street"),
        (K::Phone, "+1-599-555-0106 x2886", "159955501062886"),
        (K::Postcode, "SW1A 1AA", "sw1a1aa"),
        (K::Id, "40-211-6221", "402116221"),
        (K::Domain, "https://www.Example.co.uk/path?q", "example.co.uk"),
        (K::Domain, "WWW.x.test", "x.test"),
        (K::Email, " Ann@Example.com ", "ann@example.com"),
        (K::Email, "a@b@c", "a@b@c"),
        (K::FamilyName, " ", ""),
        (K::FamilyName, "!!!", ""),
        (K::City, "北京", "北京"),
        (K::GivenName, "Ann\u{200b}Mar\u{ad}ie", "annmarie"),
        (K::FullName, "Łukasz Weiß-Øster", "lukasz weiss oster"),
        (K::GivenName, "मीरा", "मीरा"),
        (K::Id, "ＡＢ\u{feff}-12", "ab12"),
    ];
    for (kind, raw, expected) in cases {
        assert_eq!(normal(kind, raw), expected, "{kind} {raw:?}");
        assert_eq!(normal(kind, expected), expected, "not idempotent: {kind} {expected:?}");
    }
    assert_eq!(normal(K::FamilyName, &"ab ".repeat(5_000)).chars().count(), 128);
}

#[test]
fn dates_are_read_in_the_usual_forms() {
    let cases = [
        ("19081209", "19081209"),
        ("1971-06-24", "19710624"),
        ("1971/6/4", "19710604"),
        ("24.06.1971", "19710624"),
        ("24/6/1971", "19710624"),
        ("06/24/1971", "19710624"),
        ("2022-08-08 20:00:00", "20220808"),
        ("2022-08-08T20:00:00Z", "20220808"),
        ("24 Jun 1971", "19710624"),
        ("June 24, 1971", "19710624"),
        ("19711399", "19711399"),
        ("born 71", "71"),
        ("soon", ""),
    ];
    for (raw, expected) in cases {
        assert_eq!(normal(FieldKind::Date, raw), expected, "{raw}");
    }
    assert_eq!(day_number("19711399"), None);
    assert_eq!(day_number("20240301").unwrap() - day_number("20240228").unwrap(), 2);
}

#[test]
fn a_column_shows_whether_months_come_first() {
    let month_first = ["03/04/1999", "12/25/2001"];
    assert_eq!(DateOrder::of(month_first.into_iter()), DateOrder::MonthFirst);
    assert_eq!(DateOrder::of(["03/04/1999", "25/12/2001"].into_iter()), DateOrder::DayFirst);
    let mut out = String::new();
    DateOrder::MonthFirst.normal_form("03/04/1999", &mut out);
    assert_eq!(out, "19990304");
}

#[test]
fn parts_of_dates_are_compared() {
    assert_eq!(common_parts("19710624", "19710524"), (2, false));
    assert_eq!(common_parts("19710604", "19710406"), (1, true));
    assert_eq!(common_parts("71", "19710406"), (0, false));
}

#[test]
fn soundex_follows_its_definition() {
    let cases = [
        ("robert", "r163"),
        ("rupert", "r163"),
        ("ashcraft", "a261"),
        ("tymczak", "t522"),
        ("pfister", "p236"),
        ("honeyman", "h555"),
        ("li", "l000"),
    ];
    for (name, expected) in cases {
        let mut out = String::new();
        soundex(name, &mut out);
        assert_eq!(out, expected, "{name}");
    }
}

#[test]
fn kinds_are_told_by_names() {
    use FieldKind as K;
    let cases = [
        ("email", K::Email),
        ("work_email", K::Email),
        ("first_name", K::GivenName),
        ("surname", K::FamilyName),
        ("company_name", K::Company),
        ("account_name", K::Company),
        ("dob", K::Date),
        ("date_of_birth", K::Date),
        ("soc_sec_id", K::Id),
        ("postal_code", K::Postcode),
        ("address_line1", K::Address),
        ("street_number", K::Address),
        ("suburb", K::City),
        ("state", K::Category),
        ("website", K::Domain),
        ("job_title", K::Text),
        ("phone", K::Phone),
        ("phone_country", K::Category),
        ("full_name", K::FullName),
    ];
    for (name, kind) in cases {
        assert_eq!(K::of_name(name), kind, "{name}");
    }
}

#[test]
fn texts_are_read_back() {
    for kind in FieldKind::all() {
        assert_eq!(kind.to_string().parse::<FieldKind>(), Ok(kind));
        assert_eq!(serde_saphyr::from_str::<FieldKind>(&kind.to_string()).unwrap(), kind);
        for test in super::super::defaults::levels(kind) {
            assert_eq!(test.to_string().parse::<Test>(), Ok(test));
        }
    }
    for rule in [
        "email",
        "soundex(last_name) + first(1, first_name)",
        "either(first_name, last_name)",
        "last(7, phone)",
        "digits(email)",
        "local_part(email) + domain(email)",
        "letters(id)",
    ] {
        assert_eq!(rule.parse::<BlockRule>().unwrap().to_string(), rule);
    }
}

#[test]
fn texts_that_mean_nothing_are_refused() {
    for (text, expected) in [
        ("jaro", "`jaro` is no comparison; there are exact"),
        ("edits", "`edits` takes a whole number up to 10000, not ``"),
        ("jaro_winkler 92", "takes a number from 0 to 1, not `92`"),
        ("exact 3", "`exact` takes nothing after it, not `3`"),
    ] {
        let error = text.parse::<Test>().unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    for (text, expected) in [
        ("", "an empty part"),
        ("first(3, name", "lacks its `)`"),
        ("first(name)", "lacks its number, as in `first(3, field)`"),
        ("first(0, name)", "a number from 1 to 100"),
        ("sound(name)", "`sound` is nothing a block key can take"),
        ("either(a)", "takes two fields"),
    ] {
        let error = text.parse::<BlockRule>().unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}
