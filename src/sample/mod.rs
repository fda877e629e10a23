//! The sample company: realistic extracts of its systems, at any size, the same for the same seed.
//!
//! Tidewright sells inventory planning software to other companies. [`generate`] tells two years
//! of its story, person by person, and writes what each system saw of it:
//!
//! ```text
//! <out>/salesforce/{lead, lead_history, contact, account, opportunity, opportunity_field_history,
//!                   opportunity_contact_role, campaign, campaign_member, task}/part-*.parquet
//! <out>/hubspot/{contact, contact_property_history, contact_form_submission, email_event}/…
//! <out>/ga4/event/…
//! <out>/ads/{google_ads_campaign_stats, linkedin_ad_analytics_by_campaign, facebook_ads_basic}/…
//! <out>/truth/record/…      which person a record belongs to; no system knows this
//! <out>/manifest.json       tables, rows, digests, and the dirt that tests may count on
//! ```
//!
//! People are told in chunks, each with a stream of chance of its own, and chunks are written in
//! parts of several: memory does not grow with the number of people, and neither does the outcome
//! depend on how many threads write parts at the same time.
//!
//! Where to read on: `generate` (the run), `dice` and `dirt` (chance, and every rate), `story` with
//! `people`, `web`, `stages` and `deals` (what happens), `crm_leads`, `crm_deals`,
//! `campaign_members`, `hubspot`, `emails`, `ga4` and `ads` (what each system saw of it), the
//! `*_tables` (columns), `columns`, `writer`, `part` and `manifest` (files).

mod ads;
mod ads_tables;
mod arrivals;
mod campaign_members;
mod campaigns;
mod clock;
mod columns;
mod crm_deals;
mod crm_leads;
mod deals;
mod dice;
mod dirt;
mod emails;
mod ga4;
mod ga4_table;
mod generate;
mod history;
mod hubspot;
mod hubspot_tables;
mod ids;
mod lanes;
mod manifest;
mod names;
mod part;
mod people;
mod places;
mod salesforce_tables;
mod stages;
mod story;
mod truth;
mod web;
mod writer;

#[cfg(test)]
mod tests;

pub use generate::{SampleOptions, generate};
pub use manifest::{DirtEntry, Manifest, MoneyEntry, TableEntry};
