//! Where sessions come from, how often, and how the team tags the links of each.

use super::dice::Dice;

/// Where a session comes from in truth, whatever its tags say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    GoogleAds,
    BingAds,
    LinkedInAds,
    FacebookAds,
    Display,
    OrganicSearch,
    OrganicSocial,
    Video,
    Direct,
    Referral,
    Review,
    Assistant,
    Email,
    Partner,
    Affiliate,
    Webinar,
}

/// The mix of first and later sessions of people who are not known yet.
const STRANGERS: [(Lane, u32); 15] = [
    (Lane::OrganicSearch, 23),
    (Lane::GoogleAds, 17),
    (Lane::Direct, 16),
    (Lane::LinkedInAds, 8),
    (Lane::OrganicSocial, 6),
    (Lane::Referral, 6),
    (Lane::FacebookAds, 4),
    (Lane::Assistant, 4),
    (Lane::Review, 4),
    (Lane::Display, 3),
    (Lane::BingAds, 3),
    (Lane::Partner, 2),
    (Lane::Affiliate, 2),
    (Lane::Video, 1),
    (Lane::Webinar, 1),
];

/// The mix of sessions of people who are known; those from e-mail follow from its clicks.
const ACQUAINTANCES: [(Lane, u32); 13] = [
    (Lane::Direct, 34),
    (Lane::OrganicSearch, 20),
    (Lane::GoogleAds, 11),
    (Lane::LinkedInAds, 7),
    (Lane::Display, 5),
    (Lane::Email, 5),
    (Lane::Webinar, 5),
    (Lane::Referral, 4),
    (Lane::Partner, 3),
    (Lane::Review, 2),
    (Lane::OrganicSocial, 2),
    (Lane::Assistant, 1),
    (Lane::BingAds, 1),
];

/// A lane for somebody who is known, or not.
pub(super) fn lane(dice: &mut Dice, known: bool) -> Lane {
    if known { dice.weighted(&ACQUAINTANCES) } else { dice.weighted(&STRANGERS) }
}

type Pairs = &'static [(&'static str, &'static str)];

/// The tags that the team puts on links of a lane, and where its clicks come from.
pub(super) struct Habit {
    /// Source and medium, as agreed or nearly so.
    pub(super) pairs: Pairs,
    pub(super) themes: &'static [&'static str],
    pub(super) referrers: &'static [&'static str],
    /// Share of arrivals that still show where they came from.
    pub(super) referred: f64,
    /// Share of links that are tagged.
    pub(super) tagged: f64,
    pub(super) click_id: Option<(&'static str, usize)>,
}

const NOTHING: Habit = Habit { pairs: &[], themes: &[], referrers: &[], referred: 0.0, tagged: 0.0, click_id: None };

impl Lane {
    /// Whether a click was paid for.
    pub(super) fn is_paid(self) -> bool {
        matches!(self, Self::GoogleAds | Self::BingAds | Self::LinkedInAds | Self::FacebookAds | Self::Display)
    }

    /// The habit of its links.
    pub(super) fn habit(self) -> Habit {
        match self {
            Self::GoogleAds | Self::BingAds | Self::Display | Self::Video => self.search_habit(),
            Self::LinkedInAds | Self::FacebookAds | Self::OrganicSocial => self.social_habit(),
            _ => self.other_habit(),
        }
    }

    fn search_habit(self) -> Habit {
        match self {
            Self::GoogleAds => Habit {
                pairs: &[("google", "cpc"), ("google", "cpc"), ("google", "ppc"), ("adwords", "cpc")],
                themes: &["brand_search", "nonbrand_search", "competitor_search"],
                referrers: &["https://www.google.com/", "https://www.google.de/"],
                referred: 0.9,
                tagged: 0.95,
                click_id: Some(("gclid", 54)),
            },
            Self::BingAds => Habit {
                pairs: &[("bing", "cpc")],
                themes: &["nonbrand_search"],
                referrers: &["https://www.bing.com/"],
                referred: 0.9,
                tagged: 0.9,
                click_id: Some(("msclkid", 32)),
            },
            Self::Display => Habit {
                pairs: &[("google", "display"), ("gdn", "cpm"), ("adroll", "retargeting")],
                themes: &["retargeting_display"],
                referrers: &["https://news.tradejournal.example/"],
                referred: 0.4,
                tagged: 0.95,
                click_id: Some(("gclid", 54)),
            },
            _ => Habit {
                pairs: &[("youtube", "video"), ("youtube", "cpv")],
                themes: &["product_tour"],
                referrers: &["https://www.youtube.com/"],
                referred: 0.8,
                tagged: 0.5,
                click_id: None,
            },
        }
    }

    fn social_habit(self) -> Habit {
        match self {
            Self::LinkedInAds => Habit {
                pairs: &[("linkedin", "paid_social"), ("linkedin", "paid-social"), ("linkedin", "cpc")],
                themes: &["abm_decision_makers", "ebook_forecasting"],
                referrers: &["https://www.linkedin.com/", "https://lnkd.in/"],
                referred: 0.7,
                tagged: 0.96,
                click_id: Some(("li_fat_id", 36)),
            },
            Self::FacebookAds => Habit {
                pairs: &[("facebook", "paid_social"), ("fb", "cpc"), ("instagram", "paid_social")],
                themes: &["retargeting_social", "lookalike_social"],
                referrers: &["https://l.facebook.com/", "https://www.instagram.com/"],
                referred: 0.7,
                tagged: 0.94,
                click_id: Some(("fbclid", 61)),
            },
            _ => Habit {
                pairs: &[("linkedin", "social"), ("twitter", "social"), ("reddit", "organic_social")],
                themes: &["always_on"],
                referrers: &[
                    "https://www.linkedin.com/",
                    "https://t.co/",
                    "https://www.reddit.com/",
                    "https://m.facebook.com/",
                ],
                referred: 0.85,
                tagged: 0.4,
                click_id: None,
            },
        }
    }

    fn other_habit(self) -> Habit {
        match self {
            Self::OrganicSearch => Habit {
                referrers: &[
                    "https://www.google.com/",
                    "https://www.google.com/",
                    "https://www.google.co.uk/",
                    "https://www.bing.com/",
                    "https://duckduckgo.com/",
                    "https://www.ecosia.org/",
                ],
                referred: 1.0,
                ..NOTHING
            },
            Self::Referral => Habit {
                referrers: &[
                    "https://blog.supplychaindaily.example/",
                    "https://www.plannersguild.example/",
                    "https://podcast.stocktalk.example/",
                    "https://stackoverflow.com/",
                    "https://medium.com/",
                ],
                referred: 1.0,
                ..NOTHING
            },
            Self::Review => Habit {
                pairs: &[("g2", "referral"), ("capterra", "review")],
                themes: &["category_listing"],
                referrers: &["https://www.g2.com/", "https://www.capterra.com/"],
                referred: 0.9,
                tagged: 0.5,
                click_id: None,
            },
            Self::Assistant => Habit {
                pairs: &[("chatgpt.com", "")],
                referrers: &[
                    "https://chatgpt.com/",
                    "https://www.perplexity.ai/",
                    "https://claude.ai/",
                    "https://gemini.google.com/",
                    "https://copilot.microsoft.com/",
                ],
                referred: 0.7,
                tagged: 0.3,
                ..NOTHING
            },
            _ => self.programme_habit(),
        }
    }

    fn programme_habit(self) -> Habit {
        match self {
            Self::Email => Habit {
                pairs: &[("hubspot", "email"), ("hs_email", "email"), ("newsletter", "e-mail")],
                themes: &["newsletter", "nurture"],
                referrers: &["https://mail.google.com/", "https://outlook.live.com/"],
                referred: 0.3,
                tagged: 0.95,
                click_id: Some(("_hsenc", 40)),
            },
            Self::Partner => Habit {
                pairs: &[("partner-northwind", "partner"), ("partner_cobaltix", "co-sell")],
                themes: &["co_marketing"],
                referrers: &["https://marketplace.cobaltix.example/"],
                referred: 0.6,
                tagged: 0.8,
                click_id: None,
            },
            Self::Affiliate => Habit {
                pairs: &[("partnerize", "affiliate"), ("aff_2207", "affiliate")],
                themes: &["affiliate_program"],
                referrers: &["https://www.softwaredeals.example/"],
                referred: 0.6,
                tagged: 0.9,
                click_id: Some(("irclickid", 22)),
            },
            Self::Webinar => Habit {
                pairs: &[("on24", "webinar"), ("eventbrite", "event")],
                themes: &["planning_webinar"],
                referrers: &["https://event.on24.com/"],
                referred: 0.5,
                tagged: 0.9,
                click_id: None,
            },
            _ => NOTHING,
        }
    }
}
