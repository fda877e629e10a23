//! Writes what the advertising platforms report: spend by campaign and day, each in its currency.

use std::path::Path;

use super::ads_tables::{FacebookRow, FacebookTable, GoogleRow, GoogleTable, LinkedInRow, LinkedInTable};
use super::campaigns;
use super::clock::{AS_OF, DAY, DAYS, HOUR, START, day_of, weekday};
use super::dice::Dice;
use super::part::Money;
use super::places::{BOOKS, Currency, EURO, POUND};
use super::writer::{FileFact, Sink};
use crate::error::Result;

/// People at whom the daily spend below is meant; it grows with their number.
const PEOPLE: f64 = 2_000.0;

/// A theme that runs in some regions: clicks a day and dollars a click.
struct Theme {
    name: &'static str,
    network: &'static str,
    regions: &'static [&'static str],
    clicks: f64,
    dollars: f64,
}

const GOOGLE: [Theme; 4] = [
    Theme { name: "brand_search", network: "SEARCH", regions: &["na", "emea", "apac"], clicks: 3.0, dollars: 1.4 },
    Theme { name: "nonbrand_search", network: "SEARCH", regions: &["na", "emea", "apac"], clicks: 4.0, dollars: 7.5 },
    Theme { name: "competitor_search", network: "SEARCH", regions: &["na", "emea"], clicks: 1.5, dollars: 11.0 },
    Theme { name: "retargeting_display", network: "CONTENT", regions: &["na", "emea"], clicks: 3.0, dollars: 0.9 },
];
const LINKEDIN: [Theme; 2] = [
    Theme { name: "abm_decision_makers", network: "", regions: &["na", "emea"], clicks: 1.6, dollars: 12.5 },
    Theme { name: "ebook_forecasting", network: "", regions: &["na", "emea", "apac"], clicks: 1.4, dollars: 9.0 },
];
const FACEBOOK: [Theme; 2] = [
    Theme { name: "retargeting_social", network: "", regions: &["na", "emea"], clicks: 1.8, dollars: 1.7 },
    Theme { name: "lookalike_social", network: "", regions: &["na"], clicks: 2.0, dollars: 2.2 },
];

/// A campaign's day.
struct Day<'a> {
    day: i64,
    name: String,
    theme: &'a Theme,
    region: &'static str,
    impressions: i64,
    clicks: i64,
    /// In dollars.
    cost: f64,
    conversions: i64,
    synced: i64,
}

/// Writes the three tables.
pub(super) fn write(dice: &mut Dice, out: &Path, people: u64, money: &mut Money) -> Result<Vec<FileFact>> {
    let mut google: Sink<GoogleTable> = Sink::create(out, 0)?;
    run(dice, &GOOGLE, people, |_, day| google_row(&mut google, money, day))?;
    let mut linkedin: Sink<LinkedInTable> = Sink::create(out, 0)?;
    run(dice, &LINKEDIN, people, |_, day| linkedin_row(&mut linkedin, money, day))?;
    let mut facebook: Sink<FacebookTable> = Sink::create(out, 0)?;
    run(dice, &FACEBOOK, people, |dice, day| facebook_row(dice, &mut facebook, money, day))?;
    Ok(vec![google.close()?, linkedin.close()?, facebook.close()?])
}

/// Goes through the days and campaigns; a campaign pauses now and then, and rests at weekends.
fn run(
    dice: &mut Dice,
    themes: &[Theme],
    people: u64,
    mut row: impl FnMut(&mut Dice, &Day<'_>) -> Result<()>,
) -> Result<()> {
    let scale = (people as f64 / PEOPLE).max(0.25);
    for offset in 0..DAYS {
        let at = START + offset * DAY;
        let day = day_of(at);
        let weekend = if matches!(weekday(day), 0 | 6) { 0.4 } else { 1.0 };
        let growth = 0.6 + 0.8 * offset as f64 / DAYS as f64;
        for theme in themes {
            for region in theme.regions {
                if dice.chance(0.04) {
                    continue;
                }
                let clicks = dice.scaled(theme.clicks * weekend * growth * scale, 0.5) as i64;
                let cost = clicks as f64 * dice.scaled(theme.dollars, 0.15);
                let impressions = dice.scaled((clicks.max(1) * 38) as f64, 0.3) as i64;
                let conversions = dice.run(0.2, clicks.clamp(0, 40) as usize) as i64;
                let name = campaigns::utm(at, region, theme.name);
                // Platforms restate for some days; this is when the last figure came.
                let synced = (at + 2 * DAY + dice.between(3 * HOUR, 9 * HOUR)).min(AS_OF);
                row(dice, &Day { day, name, theme, region, impressions, clicks, cost, conversions, synced })?;
            }
        }
    }
    Ok(())
}

/// The account of a region: its number within the platform and the currency it is billed in.
fn billing(region: &str) -> (i64, Currency) {
    match region {
        "emea" => (2, EURO),
        "apac" => (3, POUND),
        _ => (1, BOOKS),
    }
}

/// A campaign's number on its platform: the same on every day of its quarter.
fn campaign_id(base: i64, name: &str) -> i64 {
    // FNV-1a: any fixed hash will do, as long as it is the same everywhere.
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    base + (hash >> 34) as i64
}

fn pay(money: &mut Money, measure: &'static str, currency: Currency, cents: i64) {
    let (rows, sum) = money.entry((measure, currency.code)).or_default();
    *rows += 1;
    *sum += i128::from(cents);
}

fn google_row(sink: &mut Sink<GoogleTable>, money: &mut Money, day: &Day<'_>) -> Result<()> {
    let (account, currency) = billing(day.region);
    let cents = currency.cents(day.cost);
    pay(money, "spend_google_ads", currency, cents);
    sink.push(GoogleRow {
        customer_id: 4_180_225_000 + account,
        id: campaign_id(19_000_000_000, &day.name),
        campaign_name: &day.name,
        ad_network_type: day.theme.network,
        date: day.day as i32,
        impressions: day.impressions,
        clicks: day.clicks,
        cost_micros: cents * 10_000,
        currency_code: currency.code,
        conversions: day.conversions,
        _fivetran_synced: day.synced,
    })
}

fn linkedin_row(sink: &mut Sink<LinkedInTable>, money: &mut Money, day: &Day<'_>) -> Result<()> {
    let (account, currency) = billing(day.region);
    let cents = currency.cents(day.cost);
    pay(money, "spend_linkedin_ads", currency, cents);
    sink.push(LinkedInRow {
        account_id: 509_411_000 + account,
        campaign_id: campaign_id(310_000_000, &day.name),
        campaign_name: &day.name,
        day: day.day * DAY,
        impressions: day.impressions,
        clicks: day.clicks,
        cost_in_local_currency: cents.into(),
        currency: currency.code,
        cost_in_usd: BOOKS.cents(day.cost).into(),
        external_website_conversions: day.conversions,
        _fivetran_synced: day.synced,
    })
}

fn facebook_row(dice: &mut Dice, sink: &mut Sink<FacebookTable>, money: &mut Money, day: &Day<'_>) -> Result<()> {
    let (account, currency) = billing(day.region);
    let cents = currency.cents(day.cost);
    pay(money, "spend_facebook_ads", currency, cents);
    sink.push(FacebookRow {
        account_id: 1_204_558_830_021_000 + account,
        campaign_id: campaign_id(6_310_000_000_000, &day.name),
        campaign_name: &day.name,
        date: day.day as i32,
        impressions: day.impressions,
        inline_link_clicks: day.clicks,
        reach: dice.between(day.impressions / 3, day.impressions),
        spend: cents.into(),
        currency: currency.code,
        _fivetran_synced: day.synced,
    })
}
