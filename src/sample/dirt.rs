//! The dirt of real life: what goes wrong in the extracts, at which rate, in one table.
//!
//! Every rate stands here and nowhere else. Every count in the manifest is of what was written,
//! so a test may count the files and must find the same number.

/// What is declared about one kind of dirt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) rate: f64,
    pub(super) meaning: &'static str,
}

macro_rules! dirt {
    ($($variant:ident, $name:literal, $rate:literal, $meaning:literal;)+) => {
        /// One kind of dirt.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Dirt { $(#[doc = $meaning] $variant,)+ }

        /// All of them, in the order of the table.
        pub(super) const ALL: &[Dirt] = &[$(Dirt::$variant,)+];

        impl Dirt {
            /// What is declared about it.
            pub(super) fn fact(self) -> Fact {
                match self {
                    $(Self::$variant => Fact { name: $name, rate: $rate, meaning: $meaning },)+
                }
            }
        }
    };
}

dirt! {
    // People and their records.
    DuplicateHubspotContact, "duplicate_hubspot_contact", 0.06,
        "rows of hubspot.contact that are a second record of a person; rate per known person";
    DuplicateLead, "duplicate_lead", 0.05,
        "rows of salesforce.lead that are a second record of a person; rate per lead";
    DuplicateAccount, "duplicate_account", 0.06,
        "rows of salesforce.account that are a second record of a company; rate per account";
    EmailCase, "email_case", 0.06,
        "records whose e-mail is written with capitals; rate per record with an e-mail";
    EmailPlusTag, "email_plus_tag", 0.03,
        "records whose e-mail has a +tag before the @; rate per record with an e-mail";
    EmailDots, "email_dots", 0.25,
        "records whose gmail.com address has its dots moved; rate per record with such an address";
    EmailTypo, "email_typo", 0.015,
        "records whose e-mail has two neighbouring letters swapped; rate per record with an e-mail";
    EmailMissing, "email_missing", 0.02,
        "rows of salesforce.lead and salesforce.contact without an e-mail; rate per row";
    EmailPlaceholder, "email_placeholder", 0.004,
        "rows of salesforce.lead with test@test.com for an e-mail; rate per lead";
    SharedMailbox, "shared_mailbox", 0.01,
        "people who give the address info@ of their company; rate per person at a company";
    NameTypo, "name_typo", 0.02,
        "records whose last name has two neighbouring letters swapped; rate per record";
    NameCase, "name_case", 0.04,
        "records whose names are in capitals only; rate per record";
    ShortSalesforceId, "short_salesforce_id", 0.2,
        "rows of hubspot.contact with property_salesforceleadid of 15 instead of 18 characters; \
         rate per contact with that property";
    ImportedTextTime, "imported_text_time", 0.05,
        "rows of salesforce.lead from a list import, whose imported_at_c is text in local time; \
         rate per lead";
    UnparseableTime, "unparseable_time", 0.1,
        "of the imported leads, those whose imported_at_c is no date; rate per imported lead";
    // Merged and deleted records.
    MergedHubspotContact, "merged_hubspot_contact", 0.4,
        "second HubSpot contacts merged into the first: _fivetran_deleted, and listed in the \
         survivor's property_hs_calculated_merged_vids; rate per second contact";
    MergedLead, "merged_lead", 0.4,
        "second leads merged into the first: is_deleted and master_record_id; rate per second lead";
    MergedAccount, "merged_account", 0.5,
        "second accounts merged into the first: is_deleted and master_record_id; rate per second account";
    DeletedHubspotContact, "deleted_hubspot_contact", 0.01,
        "rows of hubspot.contact with _fivetran_deleted that were not merged; rate per known person";
    DeletedLead, "deleted_lead", 0.01,
        "rows of salesforce.lead with is_deleted that were not merged; rate per unconverted lead";
    DeletedOpportunity, "deleted_opportunity", 0.03,
        "rows of salesforce.opportunity with is_deleted; rate per opportunity";
    // Tagging of web sessions: at most one of these strikes a tagged session.
    UtmMissing, "utm_missing", 0.06,
        "sessions from a tagged link that arrived without any UTM; rate per session with a tagged link";
    UtmPartial, "utm_partial", 0.04,
        "sessions tagged without medium or campaign; rate per session with a tagged link";
    UtmUpperCase, "utm_upper_case", 0.05,
        "sessions with capitals in utm_source and utm_medium; rate per session with a tagged link";
    UtmSpace, "utm_space", 0.02,
        "sessions with spaces in utm_source and utm_campaign; rate per session with a tagged link";
    UtmPlaceholder, "utm_placeholder", 0.015,
        "sessions with an unfilled placeholder as utm_campaign; rate per session with a tagged link";
    UtmUrlSource, "utm_url_source", 0.01,
        "sessions with a full URL as utm_source; rate per session with a tagged link";
    UtmSwapped, "utm_swapped", 0.01,
        "sessions with utm_source and utm_medium swapped; rate per session with a tagged link";
    UtmInternal, "utm_internal", 0.01,
        "sessions tagged on a link of the company's own site; rate per session of any kind";
    ClickIdConflict, "click_id_conflict", 0.02,
        "sessions whose gclid contradicts the UTMs; rate per session tagged as e-mail, social or partner";
    // Web events.
    BotEvents, "bot_events", 0.0,
        "rows of ga4.event made by bots: per 100,000 people one bot, of a fifth as many touches as \
         there are people (300 to 40,000); every second one is signed in as a person";
    SessionIdMissing, "session_id_missing", 0.03,
        "sessions whose events carry no ga_session_id; rate per session";
    NullPseudoId, "null_pseudo_id", 0.01,
        "rows of ga4.event without user_pseudo_id (consent denied); rate per visitor";
    DuplicateEvent, "duplicate_event", 0.003,
        "rows of ga4.event that repeat the row before; rate per event";
    MachineEmailEvent, "machine_email_event", 0.08,
        "rows of hubspot.email_event with filtered_event, opened or clicked by a machine; rate per open or click";
    // Histories of salesforce.lead (Status) and salesforce.opportunity (StageName).
    StageSkip, "stage_skip", 0.1,
        "history rows with a key whose new stage is more than one above the old; rate per possible advance";
    StageRegression, "stage_regression", 0.06,
        "history rows with a key whose new stage is below the old; rate per change";
    StageReentry, "stage_reentry", 0.0,
        "history rows with a key whose new stage the record was in before; follows from regressions and recycling";
    SameSecondChange, "same_second_change", 0.03,
        "history rows with a key that are in the same second as the record's change before; rate per change";
    RepeatedStage, "repeated_stage", 0.01,
        "history rows with a key whose old and new stage are the same; rate per change";
    ChainBreak, "chain_break", 0.0,
        "history rows with a key whose old stage is not the new stage of the record's change before, \
         because the change between is lost or has a null key, or the status was renamed between";
    LostChange, "lost_change", 0.01,
        "stage changes that left no history row; rate per change";
    LegacyStatus, "legacy_status", 0.0,
        "rows of salesforce.lead_history with the status name `Marketing Qualified`, renamed to \
         `MQL` on 2025-03-01, as old or new value";
    HistoryStartsLate, "history_starts_late", 0.0,
        "records whose first changes are from before tracking was switched on (2024-12-01) and left \
         no row, so that the first old value is their only witness; only records with later rows";
    OutOfOrderRow, "out_of_order_row", 0.02,
        "history rows that stand in the file before an earlier change of the same record; rate per change";
    NullHistoryKey, "null_history_key", 0.003,
        "stage changes in the history tables without lead_id or opportunity_id; rate per change";
    LifecycleRegression, "lifecycle_regression", 0.03,
        "HubSpot contacts whose lifecyclestage was cleared and set back; rate per qualified contact";
    // Keys and arrival elsewhere.
    NullRecipient, "null_recipient", 0.003,
        "rows of hubspot.email_event without recipient; rate per row";
    NullRoleContact, "null_role_contact", 0.01,
        "rows of salesforce.opportunity_contact_role without contact_id; rate per row";
    NullPropertyContact, "null_property_contact", 0.002,
        "rows of hubspot.contact_property_history without contact_id; rate per row";
    LateRow, "late_row", 0.02,
        "rows of ga4.event, hubspot.email_event and the Salesforce histories that arrived more than \
         72 hours after their event; rate per row old enough";
}

/// How often each kind of dirt was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tally(Vec<u64>);

impl Default for Tally {
    fn default() -> Self {
        Self(vec![0; ALL.len()])
    }
}

impl Tally {
    /// Counts `n` more.
    pub(super) fn add(&mut self, dirt: Dirt, n: u64) {
        if let Some(count) = self.0.get_mut(dirt as usize) {
            *count += n;
        }
    }

    /// How many so far.
    pub(super) fn of(&self, dirt: Dirt) -> u64 {
        self.0.get(dirt as usize).copied().unwrap_or(0)
    }

    /// Adds another tally to this one.
    pub(super) fn absorb(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(&other.0) {
            *count += more;
        }
    }
}
