//! Campaigns: the names on links, the paid ones with their platforms, and those of the CRM.

use super::clock::{AS_OF, DAY, DAYS, START, civil, day_of};
use super::dice::Dice;
use super::ids::SfId;

/// The campaign name on links of this theme at this time: `2025q1_emea_nonbrand_search`.
pub(super) fn utm(at: i64, region: &str, theme: &str) -> String {
    let (year, month, _) = civil(day_of(at));
    format!("{year}q{}_{region}_{theme}", (month - 1) / 3 + 1)
}

/// What kind of thing a CRM campaign is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Webinar,
    TradeShow,
    ContentSyndication,
}

impl Kind {
    /// As the picklist names it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Webinar => "Webinar",
            Self::TradeShow => "Trade Show",
            Self::ContentSyndication => "Content Syndication",
        }
    }
}

/// A campaign of the CRM, which people become members of.
#[derive(Debug)]
pub(super) struct Campaign {
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) region: &'static str,
    pub(super) starts: i64,
    pub(super) ends: i64,
    pub(super) budget_cents: i128,
    pub(super) cost_cents: i128,
    pub(super) parent: Option<u64>,
}

impl Campaign {
    /// Its id in the CRM.
    pub(super) fn id(&self) -> SfId {
        SfId::new(b"701", self.number)
    }
}

/// The programme of the two years: a parent for each kind, then its campaigns in order of time.
pub(super) fn programme(dice: &mut Dice) -> Vec<Campaign> {
    const SERIES: [(Kind, &str, i64, i64, f64); 3] = [
        (Kind::Webinar, "Planning Webinar", 30, 2, 4_000.0),
        (Kind::TradeShow, "Supply Chain Summit", 91, 4, 60_000.0),
        (Kind::ContentSyndication, "Forecasting Guide", 61, 45, 12_000.0),
    ];
    let mut campaigns = Vec::new();
    for (kind, title, every_days, length_days, dollars) in SERIES {
        let parent = campaigns.len() as u64 + 1;
        campaigns.push(Campaign {
            number: parent,
            name: format!("{title} Series"),
            kind,
            region: "",
            starts: START,
            ends: AS_OF,
            budget_cents: 0,
            cost_cents: 0,
            parent: None,
        });
        for (place, day) in (10..DAYS).step_by(every_days as usize).enumerate() {
            let region = *["na", "emea", "apac"].get(place % 3).unwrap_or(&"na");
            let starts = START + day * DAY;
            let (year, month, _) = civil(day_of(starts));
            let budget = dice.scaled(dollars, 0.3);
            campaigns.push(Campaign {
                number: campaigns.len() as u64 + 1,
                name: format!("{year}-{month:02} {title} {}", region.to_uppercase()),
                kind,
                region,
                starts,
                ends: (starts + length_days * DAY).min(AS_OF),
                budget_cents: i128::from((budget * 100.0) as i64),
                cost_cents: i128::from((budget * dice.scaled(95.0, 0.1)) as i64),
                parent: Some(parent),
            });
        }
    }
    campaigns
}
