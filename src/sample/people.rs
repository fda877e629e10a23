//! Companies and the people who work there.

use super::clock::{AS_OF, DAY, DAYS, START};
use super::dice::Dice;
use super::dirt::Dirt;
use super::names::{self, Name};
use super::places::{self, Country};

/// How large a company is; amounts and the length of a sale follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Segment {
    Smb,
    MidMarket,
    Enterprise,
}

impl Segment {
    fn of(employees: i64) -> Self {
        match employees {
            ..200 => Self::Smb,
            200..2_000 => Self::MidMarket,
            _ => Self::Enterprise,
        }
    }

    /// As the CRM's picklist names it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Smb => "SMB",
            Self::MidMarket => "Mid-Market",
            Self::Enterprise => "Enterprise",
        }
    }

    /// A value for each segment.
    pub(super) fn choose<T>(self, smb: T, mid_market: T, enterprise: T) -> T {
        match self {
            Self::Smb => smb,
            Self::MidMarket => mid_market,
            Self::Enterprise => enterprise,
        }
    }
}

/// A company whose people visit the web site.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) domain: String,
    pub(super) country: &'static Country,
    pub(super) industry: &'static str,
    pub(super) employees: i64,
    pub(super) segment: Segment,
    /// When the first of them may come to the site.
    pub(super) began: i64,
    /// A private person: no company is known.
    pub(super) private: bool,
}

impl Account {
    /// Founds the company with this number.
    pub(super) fn found(dice: &mut Dice, number: u64) -> Self {
        const INDUSTRIES: [(&str, u32); 9] = [
            ("Manufacturing", 22),
            ("Wholesale", 16),
            ("Retail", 15),
            ("Consumer Goods", 13),
            ("Food & Beverage", 10),
            ("Healthcare", 8),
            ("Technology", 8),
            ("Transportation", 5),
            ("Energy", 3),
        ];
        let (name, domain) = names::company(dice, number);
        let employees = (dice.scaled(140.0, 1.6) as i64).clamp(3, 180_000);
        // Most come evenly over the two years, a quarter more often later: the company grows.
        let day = dice.unit().max(if dice.chance(0.25) { dice.unit() } else { 0.0 });
        Self {
            number,
            name,
            domain,
            country: places::country(dice),
            industry: dice.weighted(&INDUSTRIES),
            employees,
            segment: Segment::of(employees),
            began: START + (day * (DAYS as f64 - 1.0) * DAY as f64) as i64,
            private: dice.chance(0.2),
        }
    }

    /// How many of its people take part, log-normal by segment.
    pub(super) fn headcount(&self, dice: &mut Dice) -> u64 {
        if self.private {
            return 1;
        }
        let median = self.segment.choose(2.0, 4.0, 9.0);
        (dice.scaled(median, 0.9).round() as u64).clamp(1, 400)
    }

    /// Yearly revenue in whole dollars, as a data vendor guesses it.
    pub(super) fn revenue_cents(&self) -> i64 {
        self.employees * 18_300_000
    }
}

/// A person, as she is; every system has its own idea of her.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) number: u64,
    pub(super) name: Name,
    pub(super) title: &'static str,
    pub(super) email: String,
    pub(super) phone: String,
    /// When she first came to the site.
    pub(super) arrived: i64,
}

impl Person {
    /// The person with this number, the `place`th of her company.
    pub(super) fn born(dice: &mut Dice, account: &Account, number: u64, place: usize) -> Self {
        let name = Name::of(dice);
        let email = if account.private {
            name.free_email(dice, number)
        } else if dice.strikes(Dirt::SharedMailbox) {
            format!("info@{}", account.domain)
        } else {
            name.work_email(dice, &account.domain, place)
        };
        let delay = if place == 0 { 0 } else { dice.span(45 * DAY, 1.2) };
        let mut arrived = account.began + delay;
        if arrived >= AS_OF - DAY {
            arrived = dice.between(account.began.min(AS_OF - DAY), AS_OF - DAY / 2);
        }
        Self {
            number,
            title: names::title(dice),
            phone: names::phone(dice, account.country.dial),
            name,
            email,
            arrived,
        }
    }
}
