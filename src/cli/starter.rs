//! The sample project's files, as they stand in the repository; a test finds one that is missing.

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        /// Path and text of each file that `marquetry init` writes.
        pub const FILES: &[(&str, &str)] = &[$(($path, include_str!(concat!("../../", $path)))),*];
    };
}

files! {
    "marquetry.yml",
    "models/marts/accounts.yml",
    "models/marts/campaign_spend.yml",
    "models/marts/contact_stages.yml",
    "models/marts/credits.yml",
    "models/marts/lead_accounts.yml",
    "models/marts/lead_stages.yml",
    "models/marts/opportunities.yml",
    "models/marts/opportunity_stages.yml",
    "models/marts/people.yml",
    "models/marts/person_stages.yml",
    "models/marts/sales_velocity.yml",
    "models/marts/touches.yml",
    "models/seeds/platform_channels.csv",
    "models/seeds/platform_channels.yml",
    "models/staging/web_events.yml",
    "schemas/ads.yml",
    "schemas/ga4.yml",
    "schemas/hubspot.yml",
    "schemas/marquetry.schema.json",
    "schemas/salesforce.yml",
}
