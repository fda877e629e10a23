//! Spend by campaign and day, with the column names that the platforms' managed connectors use.

use super::columns::{Date, Instant, Int, Money, Text, table};

table! {
    /// Google Ads.
    GoogleTable, GoogleRow, "ads", "google_ads_campaign_stats";
    customer_id: Int,
    id: Int,
    campaign_name: Text,
    ad_network_type: Text,
    date: Date,
    impressions: Int,
    clicks: Int,
    cost_micros: Int,
    currency_code: Text,
    conversions: Int,
    _fivetran_synced: Instant,
}

table! {
    /// LinkedIn.
    LinkedInTable, LinkedInRow, "ads", "linkedin_ad_analytics_by_campaign";
    account_id: Int,
    campaign_id: Int,
    campaign_name: Text,
    day: Instant,
    impressions: Int,
    clicks: Int,
    cost_in_local_currency: Money,
    currency: Text,
    cost_in_usd: Money,
    external_website_conversions: Int,
    _fivetran_synced: Instant,
}

table! {
    /// Meta.
    FacebookTable, FacebookRow, "ads", "facebook_ads_basic";
    account_id: Int,
    campaign_id: Int,
    campaign_name: Text,
    date: Date,
    impressions: Int,
    inline_link_clicks: Int,
    reach: Int,
    spend: Money,
    currency: Text,
    _fivetran_synced: Instant,
}
