//! The tables of the marketing automation, with the column names that its managed connectors use.

use super::columns::{Flag, Instant, InstantOpt, Int, IntOpt, Text, TextOpt, table};

table! {
    /// A contact.
    HubContactTable, HubContactRow, "hubspot", "contact";
    id: Int,
    property_email: Text,
    property_firstname: Text,
    property_lastname: Text,
    property_company: TextOpt,
    property_jobtitle: TextOpt,
    property_phone: TextOpt,
    property_country: TextOpt,
    property_hs_timezone: TextOpt,
    property_lifecyclestage: Text,
    property_hs_analytics_source: Text,
    property_ga_client_id: TextOpt,
    property_hs_email_optout: Flag,
    property_salesforceleadid: TextOpt,
    property_salesforcecontactid: TextOpt,
    property_hs_calculated_merged_vids: TextOpt,
    property_createdate: Instant,
    property_lastmodifieddate: Instant,
    _fivetran_synced: Instant,
    _fivetran_deleted: Flag,
}

table! {
    /// One value that a property of a contact has had.
    PropertyTable, PropertyRow, "hubspot", "contact_property_history";
    contact_id: IntOpt,
    name: Text,
    value: Text,
    source: Text,
    source_id: TextOpt,
    timestamp: Instant,
    _fivetran_synced: Instant,
}

table! {
    /// A form that was filled in.
    SubmissionTable, SubmissionRow, "hubspot", "contact_form_submission";
    conversion_id: Int,
    contact_id: Int,
    form_id: Text,
    page_id: Int,
    page_url: Text,
    portal_id: Int,
    title: Text,
    timestamp: Instant,
    _fivetran_synced: Instant,
}

table! {
    /// What became of an e-mail.
    EmailTable, EmailRow, "hubspot", "email_event";
    id: Text,
    r#type: Text,
    created: Instant,
    recipient: TextOpt,
    email_campaign_id: Int,
    app_id: Int,
    portal_id: Int,
    filtered_event: Flag,
    sent_by_id: TextOpt,
    sent_by_created: InstantOpt,
    _fivetran_synced: Instant,
}
