//! The shipped rule set `ga4_default`: the rules of GA4's default channel group for manual tags.
//!
//! Source: Google Analytics help, "Default channel group" (answer 9756891), state of September 2026.
//! The help text does not say that the order of its table is the order of evaluation; it is taken
//! to be. Three rules are additions of ours and say so in their id, which begins with `ext_`.

use super::clicks;
use super::rules::{ClickTest, Field, Pattern, Rule, Test};
use super::spec::Category;
use crate::error::{Error, Result};

/// Mediums that mean a paid click.
pub(super) const PAID: &str = "~^(.*cp.*|ppc|retargeting|paid.*)$";
const SHOP: &str = "~^(.*(([^a-df-z]|^)shop|shopping).*)$";
const EMAIL: &str = "~^(email|e-mail|e_mail|e mail)$";
const NO_MEDIUM: &[&str] = &["~^$", "(none)", "(not set)"];

/// Hosts and names of AI assistants, for touches that carry nothing but the referrer or a source.
const ASSISTANTS: &str = concat!(
    r"~(^|\.)(chatgpt\.com|openai\.com|perplexity\.ai|claude\.ai|gemini\.google\.com|copilot\.microsoft\.com",
    r"|deepseek\.com|grok\.com|meta\.ai|mistral\.ai|you\.com|poe\.com)$",
    r"|^(chatgpt|openai|perplexity|claude|gemini|copilot|deepseek|grok|mistral)$",
);

/// The rules, in order.
pub(super) fn rules() -> Result<Vec<Rule>> {
    let mut rules = paid()?;
    rules.extend(organic()?);
    rules.extend(others()?);
    Ok(rules)
}

fn paid() -> Result<Vec<Rule>> {
    Ok(vec![
        Ask::rule("ga4_direct", "Direct")
            .on(Field::Source, &["~^$", "(direct)"])
            .on(Field::Medium, NO_MEDIUM)
            .done()?,
        Ask::rule("ga4_cross_network", "Cross-network").on(Field::Campaign, &["~cross-network"]).done()?,
        Ask::rule("ga4_paid_shopping", "Paid Shopping")
            .category(Category::Shopping)
            .on(Field::Medium, &[PAID])
            .done()?,
        Ask::rule("ga4_paid_shopping_campaign", "Paid Shopping")
            .on(Field::Campaign, &[SHOP])
            .on(Field::Medium, &[PAID])
            .done()?,
        Ask::rule("ga4_paid_search", "Paid Search").category(Category::Search).on(Field::Medium, &[PAID]).done()?,
        Ask::rule("ga4_paid_social", "Paid Social").category(Category::Social).on(Field::Medium, &[PAID]).done()?,
        Ask::rule("ga4_paid_video", "Paid Video").category(Category::Video).on(Field::Medium, &[PAID]).done()?,
        Ask::rule("ga4_display", "Display")
            .on(Field::Medium, &["display", "banner", "expandable", "interstitial", "cpm"])
            .done()?,
        Ask::rule("ga4_paid_other", "Paid Other").on(Field::Medium, &[PAID]).done()?,
    ])
}

fn organic() -> Result<Vec<Rule>> {
    let social = ["social", "social-network", "social-media", "sm", "social network", "social media"];
    Ok(vec![
        Ask::rule("ext_organic_shopping_srsltid", "Organic Shopping")
            .click("srsltid")
            .on(Field::Medium, NO_MEDIUM)
            .done()?,
        Ask::rule("ga4_organic_shopping", "Organic Shopping").category(Category::Shopping).done()?,
        Ask::rule("ga4_organic_shopping_campaign", "Organic Shopping").on(Field::Campaign, &[SHOP]).done()?,
        Ask::rule("ga4_organic_social", "Organic Social").category(Category::Social).done()?,
        Ask::rule("ga4_organic_social_medium", "Organic Social").on(Field::Medium, &social).done()?,
        Ask::rule("ga4_organic_video", "Organic Video").category(Category::Video).done()?,
        Ask::rule("ga4_organic_video_medium", "Organic Video").on(Field::Medium, &["~^(.*video.*)$"]).done()?,
        Ask::rule("ext_ai_assistant_source", "AI Assistant")
            .on(Field::Source, &[ASSISTANTS])
            .on(Field::Medium, NO_MEDIUM)
            .done()?,
        Ask::rule("ga4_organic_search", "Organic Search").category(Category::Search).done()?,
        Ask::rule("ga4_organic_search_medium", "Organic Search").on(Field::Medium, &["organic"]).done()?,
    ])
}

fn others() -> Result<Vec<Rule>> {
    Ok(vec![
        Ask::rule("ga4_ai_assistant", "AI Assistant").on(Field::Medium, &["ai-assistant"]).done()?,
        Ask::rule("ga4_referral", "Referral").on(Field::Medium, &["referral", "app", "link"]).done()?,
        Ask::rule("ga4_email_source", "Email").on(Field::Source, &[EMAIL]).done()?,
        Ask::rule("ga4_email_medium", "Email").on(Field::Medium, &[EMAIL]).done()?,
        Ask::rule("ga4_affiliates", "Affiliates").on(Field::Medium, &["affiliate"]).done()?,
        Ask::rule("ga4_audio", "Audio").on(Field::Medium, &["audio"]).done()?,
        Ask::rule("ga4_sms_source", "SMS").on(Field::Source, &["sms"]).done()?,
        Ask::rule("ga4_sms_medium", "SMS").on(Field::Medium, &["sms"]).done()?,
        Ask::rule("ga4_push_medium", "Mobile Push Notifications")
            .on(Field::Medium, &["~push$", "~mobile", "~notification"])
            .done()?,
        Ask::rule("ga4_push_source", "Mobile Push Notifications").on(Field::Source, &["firebase"]).done()?,
        // GA4 tags a visit that has nothing but a referrer as a referral before its rules see it.
        Ask::rule("ext_referral_host", "Referral")
            .on(Field::TaggedSource, &["~^$"])
            .on(Field::Source, &["~."])
            .on(Field::Medium, NO_MEDIUM)
            .done()?,
    ])
}

/// A shipped rule in the making.
struct Ask(Result<Rule>);

impl Ask {
    fn rule(id: &str, channel: &str) -> Self {
        Self(Ok(Rule::shipped(id, channel)))
    }

    fn on(self, field: Field, entries: &[&str]) -> Self {
        Self(self.0.and_then(|mut rule| {
            let mut test = Test::default();
            for entry in entries {
                match entry.strip_prefix('~') {
                    Some(pattern) => test.patterns.push(Pattern::new(pattern).map_err(|error| {
                        Error::internal(format!("a pattern of the shipped rule `{}` is wrong", rule.id))
                            .with_source(error)
                    })?),
                    None => {
                        test.texts.insert((*entry).to_string());
                    }
                }
            }
            rule.tests.insert(field, test);
            Ok(rule)
        }))
    }

    fn category(self, category: Category) -> Self {
        Self(self.0.map(|rule| Rule { categories: Some(vec![category]), ..rule }))
    }

    fn click(self, name: &str) -> Self {
        let any = clicks::by_name(name.as_bytes()).map_or(0, |index| 1 << index);
        Self(self.0.map(|rule| Rule { clicks: Some(ClickTest { any, absent: false }), ..rule }))
    }

    fn done(self) -> Result<Rule> {
        self.0
    }
}
