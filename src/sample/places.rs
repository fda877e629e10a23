//! Countries the company sells in: zones, currencies and how telephone numbers look.

use super::dice::Dice;

/// A country with one time zone, one currency and one city.
#[derive(Debug)]
pub(super) struct Country {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) continent: &'static str,
    pub(super) city: &'static str,
    /// The sales region, as in campaign names.
    pub(super) region: &'static str,
    pub(super) language: &'static str,
    /// Minutes ahead of UTC; the sample leaves daylight saving out.
    pub(super) offset_minutes: i64,
    /// The zone's name in the marketing automation.
    pub(super) zone: &'static str,
    pub(super) dial: &'static str,
    pub(super) currency: Currency,
}

/// A currency: its code, units for a US dollar, and the smallest amount that is invoiced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Currency {
    pub(super) code: &'static str,
    pub(super) per_dollar: f64,
    /// In hundredths of the unit: 100 where there are no cents.
    pub(super) step_cents: i64,
}

impl Currency {
    /// Dollars in hundredths of this currency's unit, a multiple of its step.
    pub(super) fn cents(self, dollars: f64) -> i64 {
        let steps = dollars * self.per_dollar * 100.0 / self.step_cents as f64;
        steps.round() as i64 * self.step_cents
    }
}

const USD: Currency = Currency { code: "USD", per_dollar: 1.0, step_cents: 1 };
const CAD: Currency = Currency { code: "CAD", per_dollar: 1.36, step_cents: 1 };
const EUR: Currency = Currency { code: "EUR", per_dollar: 0.92, step_cents: 1 };
const GBP: Currency = Currency { code: "GBP", per_dollar: 0.79, step_cents: 1 };
const SEK: Currency = Currency { code: "SEK", per_dollar: 10.4, step_cents: 1 };
const AUD: Currency = Currency { code: "AUD", per_dollar: 1.51, step_cents: 1 };
const JPY: Currency = Currency { code: "JPY", per_dollar: 151.0, step_cents: 100 };

/// The currency of the books.
pub(super) const BOOKS: Currency = USD;
/// The euro, in which the European advertising account is billed.
pub(super) const EURO: Currency = EUR;
/// The pound, in which the British advertising account is billed.
pub(super) const POUND: Currency = GBP;

macro_rules! country {
    ($code:literal, $name:literal, $continent:literal, $city:literal, $region:literal,
     $language:literal, $offset:literal, $zone:literal, $dial:literal, $currency:expr) => {
        Country {
            code: $code,
            name: $name,
            continent: $continent,
            city: $city,
            region: $region,
            language: $language,
            offset_minutes: $offset,
            zone: $zone,
            dial: $dial,
            currency: $currency,
        }
    };
}

#[rustfmt::skip]
static COUNTRIES: [(Country, u32); 14] = [
    (country!("US", "United States", "Americas", "New York", "na", "en-us", -300, "us_slash_eastern", "1", USD), 22),
    (country!("US", "United States", "Americas", "San Francisco", "na", "en-us", -480, "us_slash_pacific", "1", USD), 13),
    (country!("CA", "Canada", "Americas", "Toronto", "na", "en-ca", -300, "canada_slash_eastern", "1", CAD), 6),
    (country!("GB", "United Kingdom", "Europe", "London", "emea", "en-gb", 0, "europe_slash_london", "44", GBP), 12),
    (country!("DE", "Germany", "Europe", "Munich", "emea", "de-de", 60, "europe_slash_berlin", "49", EUR), 11),
    (country!("FR", "France", "Europe", "Lyon", "emea", "fr-fr", 60, "europe_slash_paris", "33", EUR), 7),
    (country!("NL", "Netherlands", "Europe", "Utrecht", "emea", "nl-nl", 60, "europe_slash_amsterdam", "31", EUR), 5),
    (country!("SE", "Sweden", "Europe", "Gothenburg", "emea", "sv-se", 60, "europe_slash_stockholm", "46", SEK), 3),
    (country!("ES", "Spain", "Europe", "Valencia", "emea", "es-es", 60, "europe_slash_madrid", "34", EUR), 4),
    (country!("AU", "Australia", "Oceania", "Melbourne", "apac", "en-au", 600, "australia_slash_melbourne", "61", AUD), 5),
    (country!("IN", "India", "Asia", "Pune", "apac", "en-in", 330, "asia_slash_kolkata", "91", USD), 5),
    (country!("JP", "Japan", "Asia", "Osaka", "apac", "ja-jp", 540, "asia_slash_tokyo", "81", JPY), 3),
    (country!("BR", "Brazil", "Americas", "Curitiba", "na", "pt-br", -180, "america_slash_sao_paulo", "55", USD), 3),
    (country!("NZ", "New Zealand", "Oceania", "Auckland", "apac", "en-nz", 720, "pacific_slash_auckland", "64", AUD), 1),
];

/// A country by the weight of its market.
pub(super) fn country(dice: &mut Dice) -> &'static Country {
    let place = dice.weighted(&WEIGHTS);
    &COUNTRIES[place].0
}

/// Places in [`COUNTRIES`] with their weights.
const WEIGHTS: [(usize, u32); COUNTRIES.len()] = {
    let mut weights = [(0, 0); COUNTRIES.len()];
    let mut place = 0;
    while place < weights.len() {
        weights[place] = (place, COUNTRIES[place].1);
        place += 1;
    }
    weights
};
